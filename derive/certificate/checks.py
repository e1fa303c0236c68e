"""What a certificate checks of the maps between two representations: residual 0, and independence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm

import numpy as np

from derive.certificate.gaps import equation_gap
from derive.hom.intertwiners import Element, Intertwiners, PieceMaps, maps_between
from derive.hom.tensors import OrbitTensors, ProductTensors
from derive.orbits.invariants import InvariantTensors, Leaf
from derive.pickling import Fields
from derive.symmetry.group import Group
from derive.symmetry.monomial import Monomial

SAMPLE = 24  # basis maps looked at for every pair of pieces, first and last among them
CHECKED = 1 << 12  # entries of one map, up to which it is carried by every generator entry by entry
CONTRACTED = 1 << 18  # entries of all maps together, where generators are matrices


@dataclass(frozen=True)
class Checks(Fields):
    """The checks on basis maps spread over every pair of pieces.

    Maps of few entries are checked entry by entry. A larger one that is a sum of diagonals, the
    tuples equal within blocks of axes and different between them in given ranges, is unchanged by a generator
    that permutes every axis without signs and every range within itself. Of a product too large to look at,
    the maps that are multiplied are checked, each under all generators.
    """

    group: Group
    maps: Intertwiners

    @cached_property
    def chosen(self) -> dict[PieceMaps, list[int]]:
        """The weights looked at."""
        found: dict[PieceMaps, list[int]] = {}
        for maps in dict.fromkeys(part for pair in self.maps.pairs for part in _independent(pair.maps)):
            many = min(SAMPLE, maps.dim)
            found[maps] = [j * (maps.dim - 1) // max(many - 1, 1) for j in range(many)]
        return found

    @cached_property
    def elements(self) -> dict[PieceMaps, list[Element]]:
        """Those that are small, entry by entry."""
        found = {}
        for maps, weights in self.chosen.items():
            small = [k for k in weights if _is_small(maps, k)]
            found[maps] = [maps.element(k) for k in small[: _room(maps)]]
        return found

    @cached_property
    def leaves(self) -> dict[PieceMaps, list[Leaf]]:
        """The larger ones that are sums of diagonals."""
        found = {}
        for maps, weights in self.chosen.items():
            orbits = _orbits(maps)
            large = [k for k in weights if orbits is not None and not _is_small(maps, k)]
            leaves = [orbits.leaf(k) for k in large] if orbits is not None else []
            found[maps] = [leaf for leaf in leaves if leaf.complete]
        return found

    @property
    def scope(self) -> str:
        """How many basis maps were looked at, in words."""
        seen = sum(len(some) for part in (self.elements, self.leaves) for some in part.values())
        whole = all(pair.maps in self.chosen for pair in self.maps.pairs)
        what = "basis elements" if whole else "basis elements, of large products those of their factors"
        rest = ", the others being orbits or null spaces by construction" if seen < self.maps.dim else ""
        return f"{seen} {what}{rest}"

    @property
    def residual(self) -> int:
        """The largest entry of rho_y(g) A - A rho_x(g), over all generators: exactly 0 when right."""
        gaps = [_residual(self.group, maps, some) for maps, some in self.elements.items()]
        moved = [_is_moved(_axes(maps), leaf) for maps, some in self.leaves.items() for leaf in some]
        return max([*gaps, *map(int, moved)], default=0)

    @property
    def independent(self) -> bool:
        """Echelon form: every basis map has an entry that the ones before it lack."""
        return all(map(_has_own_places, self.elements.values())) and all(
            map(_all_different, self.leaves.values())
        )


def _independent(maps: PieceMaps) -> tuple[PieceMaps, ...]:
    """Large products as the maps that they are products of: no generator acts on the factors of two."""
    tensors, outs = maps.tensors, len(maps.output.factors)
    if not isinstance(tensors, ProductTensors) or _room(maps) >= min(SAMPLE, maps.dim):
        return (maps,)
    factors = (*maps.output.factors, *maps.input.factors)
    moved = [axes for axes in tensors.axes if any(factors[i].dim > 1 for i in axes)]
    if len(moved) < 2:
        return (maps,)
    sides = [([i for i in axes if i < outs], [i for i in axes if i >= outs]) for axes in moved]
    group = maps.input.group
    return tuple(maps_between(group, *([factors[i] for i in side] for side in both)) for both in sides)


def _orbits(maps: PieceMaps) -> InvariantTensors | None:
    return maps.tensors.orbits if isinstance(maps.tensors, OrbitTensors) else None


def _is_small(maps: PieceMaps, k: int) -> bool:
    orbits = _orbits(maps)
    return orbits is None or orbits.size(k) <= CHECKED


def _room(maps: PieceMaps) -> int:
    """How many maps are looked at: those without orbits are contracted with matrices, entry by entry."""
    if _orbits(maps) is not None:
        return SAMPLE
    return CONTRACTED // (maps.shape[0] * maps.shape[1])


# ---- entry by entry -------------------------------------------------------------------------------------


def _has_own_places(elements: Sequence[Element]) -> bool:
    seen: set[tuple[int, int]] = set()
    for element in elements:
        places = set(zip(element.rows.tolist(), element.columns.tolist(), strict=True))
        if not places - seen:
            return False
        seen |= places
    return True


def _residual(group: Group, maps: PieceMaps, elements: Sequence[Element]) -> int:
    return max(
        (equation_gap(group, name, maps.output, maps.input, elements) for name in group.generators), default=0
    )


# ---- sums of diagonals ----------------------------------------------------------------------------------


def _axes(maps: PieceMaps) -> list[tuple[Monomial, ...]]:
    """For every generator, what it does on the factors of the output and on the dual ones of the input."""
    orbits = _orbits(maps)
    return list(zip(*(a.signed for a in orbits.axes), strict=True)) if orbits is not None else []


def _is_moved(generators: Iterable[Sequence[Monomial]], leaf: Leaf) -> bool:
    """Whether some generator leaves the ranges of a sum of diagonals, moves its blocks apart or turns it."""
    for maps in generators:
        turns = Fraction(0)
        for block, points in enumerate(leaf.ranges):
            axes = [m for m, b in zip(maps, leaf.pattern, strict=True) if b == block]
            if any(not np.array_equal(axes[0].image[points], m.image[points]) for m in axes[1:]):
                return True
            if not np.array_equal(np.sort(axes[0].image[points]), points):
                return True
            phases, order = _total(axes, points)
            if (phases != phases[0]).any():
                return True
            turns += Fraction(int(phases[0]), order)
        if turns % 1:
            return True
    return False


def _total(axes: Sequence[Monomial], points: np.ndarray) -> tuple[np.ndarray, int]:
    order = lcm(*(m.order for m in axes))
    return sum((m.phase[points] * (order // m.order) for m in axes), 0 * points) % order, order


def _all_different(leaves: Sequence[Leaf]) -> bool:
    """Two sums of diagonals share no entry when their blocks differ, or the least point of some range."""
    names = {(leaf.pattern, tuple(int(points[0]) for points in leaf.ranges)) for leaf in leaves}
    return len(names) == len(leaves)
