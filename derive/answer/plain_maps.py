"""An answer without a lattice as plain NumPy, with the structure that its orbits show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from derive.answer.plain_cycles import ENTRY_LIMIT, PlainCycle, read_cycle, real_coefficients, refuse_complex
from derive.answer.plain_moves import move
from derive.errors import TooLargeError
from derive.hom.intertwiners import BlockPair, Intertwiners, PieceMaps, maps_between
from derive.hom.tensors import OrbitTensors
from derive.orbits.invariants import InvariantTensors
from derive.pickling import Arrays
from derive.symmetry.field import Field
from derive.symmetry.representation import Representation

LEAF_LIMIT = 5000  # orbits that are looked at one by one

Entries = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # weight, row, column, value


@dataclass(frozen=True, eq=False)
class PlainDiagonal(Arrays):
    """All tuples equal within each block of axes and different between blocks with one set and one range.

    `pattern`: the block of every axis; `ranges`: the points of every block; `kinds`: its set.
    """

    pattern: tuple[int, ...]
    ranges: tuple[np.ndarray, ...]
    kinds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PlainProduct(Arrays):
    """Maps between products on whose factors independent groups act: every map is a product of the parts'.

    `axes_out`, `axes_in`: the factors of each part; `place`: (weights, parts), the map of every part that a
    weight multiplies. Factors of one point, on which nothing acts, are in no part.
    """

    parts: tuple[PlainPair, ...]
    axes_out: tuple[tuple[int, ...], ...]
    axes_in: tuple[tuple[int, ...], ...]
    place: np.ndarray


@dataclass(frozen=True, eq=False)
class PlainPair(Arrays):
    """The maps between one block of the input and one of the output.

    Weights have the shape (weights, copies_in, copies_out). `diagonals` has one entry per weight when every
    orbit is a sum of diagonals, else it is None; `cycle` is None unless some generator is a cycle.
    """

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    sizes_in: tuple[int, ...]
    sizes_out: tuple[int, ...]
    maps: PieceMaps

    @property
    def weights(self) -> int:
        return self.maps.dim

    @property
    def dim_in(self) -> int:
        return prod(self.sizes_in)

    @property
    def dim_out(self) -> int:
        return prod(self.sizes_out)

    @property
    def orbits(self) -> InvariantTensors | None:
        tensors = self.maps.tensors
        return tensors.orbits if isinstance(tensors, OrbitTensors) else None

    @cached_property
    def diagonals(self) -> tuple[PlainDiagonal, ...] | None:
        """Every weight's diagonal, when all are diagonals, of two or more entries on the average."""
        orbits = self.orbits
        if orbits is None or self.weights > LEAF_LIMIT or 2 * self.weights > self.dim_in * self.dim_out:
            return None
        kinds = {a.maps: i for i, a in reversed(list(enumerate(orbits.axes)))}
        axis_kinds = [kinds[a.maps] for a in orbits.axes]
        found, total = [], 0
        for k in range(self.weights):
            leaf = orbits.leaf(k)
            total += leaf.size
            if not leaf.complete:
                return None
            of_block = dict(zip(leaf.pattern, axis_kinds, strict=True))
            found.append(
                PlainDiagonal(leaf.pattern, leaf.ranges, tuple(of_block[b] for b in range(len(leaf.ranges))))
            )
        return tuple(found) if 2 * self.weights <= total else None

    @cached_property
    def cycle(self) -> PlainCycle | None:
        """The longest cycle of a generator that acts freely on the basis lines of both sides."""
        if self.orbits is None or not self.weights:
            return None
        return read_cycle(self.maps, self.orbits)

    @cached_property
    def product(self) -> PlainProduct | None:
        """The maps as products, where no generator acts on the factors of two parts."""
        return _product(self) if 0 < self.weights <= LEAF_LIMIT else None

    @cached_property
    def entries(self) -> Entries:
        """Every nonzero entry of every map: weight, row, column, value.

        Raises:
            TooLargeError: there are too many. RepresentationError: some are not real.
        """
        orbits = self.orbits
        if orbits is not None and self.dim_in * self.dim_out <= ENTRY_LIMIT:
            labels = orbits.labels.reshape(self.dim_out, self.dim_in)
            rows, columns = np.nonzero(labels >= 0)
            phases = orbits.phases.reshape(labels.shape)[rows, columns]
            return labels[rows, columns], rows, columns, real_coefficients(self.maps, orbits, phases)
        if self.weights > LEAF_LIMIT:
            self._refuse(self.weights)
        return self._joined()

    def _joined(self) -> Entries:
        """The entries map by map."""
        total, parts = 0, []
        for k in range(self.weights):
            row, column, value = self.element(k)
            total += len(row)
            if total > ENTRY_LIMIT:
                self._refuse(total)
            parts.append((np.full(len(row), k), row, column, value))
        if not parts:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty, empty, np.zeros(0)
        weight, row, column, value = (np.concatenate(c) for c in zip(*parts, strict=True))
        return weight, row, column, value

    def _refuse(self, many: int) -> None:
        raise TooLargeError(
            "entries",
            f"must number at most {ENTRY_LIMIT:,} where no structure is recognised",
            f"{many:,} or more",
            "use a smaller representation",
        )

    @cached_property
    def elements(self) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
        """The rows, columns and values of every map."""
        return tuple(self.element(k) for k in range(self.weights))

    def element(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows, columns and values of map k."""
        element = self.maps.element(k)
        return element.rows, element.columns, self._real(element.values)

    def _real(self, values: np.ndarray) -> np.ndarray:
        if values.dtype != object:
            return values.astype(np.float64)
        numbers = np.array([complex(v) for v in values.tolist()])
        if any(v.is_real is False for v in values.tolist()) or (abs(numbers.imag) > 1e-12).any():
            refuse_complex(self.maps)
        return numbers.real


def _product(pair: PlainPair) -> PlainProduct | None:
    group, outs = pair.maps.input.group, len(pair.sizes_out)
    factors = (*pair.maps.output.factors, *pair.maps.input.factors)
    groups = _acted_together([frozenset(g for g in group.generators if f.moves(g)) for f in factors])
    kept = [axes for axes in groups if prod(factors[i].dim for i in axes) > 1]
    if len(kept) < 2:
        return None
    sides = [([i for i in axes if i < outs], [i for i in axes if i >= outs]) for axes in kept]
    maps = [maps_between(group, *([factors[i] for i in side] for side in both)) for both in sides]
    parts = tuple(_of_maps(m, 1, 1, 0, 0) for m in maps)
    if prod(p.weights for p in parts) != pair.weights:
        return None
    axes_out, axes_in = zip(*((tuple(o), tuple(i - outs for i in into)) for o, into in sides), strict=True)
    return PlainProduct(parts, axes_out, axes_in, _places(pair, parts, sides))


def _acted_together(acting: Sequence[frozenset[str]]) -> list[list[int]]:
    """Axes in groups, so that no generator acts on two of them."""
    groups: list[tuple[frozenset[str], list[int]]] = []
    for i, names in enumerate(acting):
        met = [g for g in groups if g[0] & names]
        groups = [g for g in groups if g not in met]
        groups.append((names.union(*(g[0] for g in met)), sorted([i, *(j for g in met for j in g[1])])))
    return sorted(axes for _, axes in groups)


def _places(pair: PlainPair, parts: Sequence[PlainPair], sides: Sequence[Any]) -> np.ndarray:
    """The number in every part of each map of the pair."""
    orbits, theirs = pair.orbits, [p.orbits for p in parts if p.orbits is not None]
    if orbits is None:
        return np.stack(np.unravel_index(np.arange(pair.weights), [p.weights for p in parts]), axis=1)
    least = [{part.representative(k): k for k in range(part.dim)} for part in theirs]
    found = []
    for k in range(pair.weights):
        x = (*orbits.representative(k), 0)  # -1 is the one point of an empty side
        members = [tuple(x[i] for s in both for i in s or [-1]) for both in sides]
        found.append([table[member] for table, member in zip(least, members, strict=True)])
    return np.array(found)


@dataclass(frozen=True, eq=False)
class PlainMaps(Arrays):
    """All block pairs of the operator and of the bias, output blocks outermost."""

    channels_in: int
    channels_out: int
    pairs: tuple[PlainPair, ...]
    bias_pairs: tuple[PlainPair, ...]
    description: str
    x: Representation
    y: Representation
    into: Field | None = None
    out: Field | None = None

    def moves(self) -> dict[str, tuple[Any, Any]]:
        """What every generator does to the input and to the output."""
        return {g: (move(self.x, g), move(self.y, g)) for g in self.x.group.generators}


def plain_maps(maps: Intertwiners, bias: Intertwiners | None, description: str) -> PlainMaps:
    """A solution between representations as plain NumPy; `bias` are the vectors that are fixed."""
    x, y = maps.V, maps.W
    bias_pairs = _pairs(bias) if bias is not None else ()
    return PlainMaps(int(x.dim), int(y.dim), _pairs(maps), bias_pairs, description, x, y)


def _pairs(maps: Intertwiners) -> tuple[PlainPair, ...]:
    return tuple(_pair(p) for p in maps.pairs)


def _pair(p: BlockPair) -> PlainPair:
    return _of_maps(p.maps, int(p.copies_in), int(p.copies_out), int(p.column), int(p.row))


def _of_maps(maps: PieceMaps, copies_in: int, copies_out: int, first_in: int, first_out: int) -> PlainPair:
    sizes_in, sizes_out = (tuple(f.dim for f in piece.factors) for piece in (maps.input, maps.output))
    return PlainPair(copies_in, copies_out, first_in, first_out, sizes_in, sizes_out, maps)
