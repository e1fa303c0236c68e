"""Operators between fields: translations by elimination, then the point group on what is left.

The point group G/T acts on classes of site pairs; an equivariant operator is one fibre map per orbit, fixed
by the stabiliser of the orbit's least member, and carried along the orbit:

    K(g (f, d)) = rho_out(g) K(f, d) rho_in(g)^-1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy

from derive.errors import InfiniteError
from derive.hom.fibres import Entries, FibreMaps, cosets
from derive.lattice.classes import Classes
from derive.lattice.free import FreeMap, FreeOrbit
from derive.lattice.listing import refuse_classes
from derive.lattice.product_orbits import pair_box, pair_images, site_box, site_images
from derive.lattice.row_index import RowIndex, distinct_rows, orbit_table
from derive.lattice.site_maps import PairMaps, by_columns, over_elements, pair_maps
from derive.symmetry.factors import Piece
from derive.symmetry.field import Field
from derive.symmetry.spacegroup import SpaceGroup

LISTED = 1 << 21


@dataclass(frozen=True, eq=False)
class PairOrbits:
    """Orbits of the point group on classes of pairs, each by its least member and that member's stabiliser.

    `pairs`: (orbits, axes, 2); `kinds`: which of `stabilisers` (tuples of element numbers) fixes it.
    """

    pairs: np.ndarray
    kinds: np.ndarray
    stabilisers: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> np.ndarray:
        """How many orbits every kind of stabiliser has."""
        return np.bincount(self.kinds, minlength=len(self.stabilisers))

    def locate(self, weight: int, sizes: np.ndarray) -> tuple[np.ndarray, int, int]:
        """(pair, kind, fibre map) of a free weight, when kind k has sizes[k] fibre maps."""
        ends = np.cumsum(sizes[self.kinds])
        orbit = int(np.searchsorted(ends, weight, side="right"))
        kind = int(self.kinds[orbit])
        return self.pairs[orbit], kind, weight - int(ends[orbit] - sizes[kind])

    def example(self, kind: int) -> list[list[int]]:
        """One pair with this kind of stabiliser."""
        return self.pairs[int(np.argmax(self.kinds == kind))].tolist()


@dataclass(frozen=True, eq=False)
class OrbitMaps:
    """All operators between two pieces: free weights by orbit, then by fibre map."""

    maps: PairMaps
    orbits: PairOrbits
    fibres: FibreMaps

    @cached_property
    def bases(self) -> tuple[Entries, ...]:
        """The fixed fibre maps of every kind of stabiliser."""
        return tuple(self.fibres.fixed(s) for s in self.orbits.stabilisers)

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many fibre maps every kind of stabiliser fixes."""
        return np.array([int(b.which.max(initial=-1)) + 1 for b in self.bases], dtype=np.int64)

    @cached_property
    def dim(self) -> int:
        return int(sum(int(n) * int(k) for n, k in zip(self.orbits.counts, self.sizes, strict=True)))

    @cached_property
    def starts(self) -> np.ndarray:
        """The first weight of every orbit."""
        return np.concatenate([[0], np.cumsum(self.sizes[self.orbits.kinds])])

    def runs(self) -> Iterator[tuple[np.ndarray, np.ndarray, Entries]]:
        """(orbits, classes to which one element carries them, fibre maps there): together everything."""
        table = self.fibres.point.elements.table
        for kind, stabiliser in enumerate(self.orbits.stabilisers):
            members = np.flatnonzero(self.orbits.kinds == kind)
            if not self.sizes[kind] or not len(members):
                continue
            for e in cosets(table, stabiliser):
                pairs = self.maps.apply(e, self.orbits.pairs[members])
                yield members, pairs, self.fibres.moved(e, self.bases[kind])

    def free_orbits(self) -> Iterator[FreeOrbit]:
        """Every orbit by its first class, with the maps that are free there."""
        maps = [tuple(_separate(base, int(n))) for base, n in zip(self.bases, self.sizes, strict=True)]
        for pair, kind in zip(self.orbits.pairs.tolist(), self.orbits.kinds.tolist(), strict=True):
            yield FreeOrbit(tuple((p, q) for p, q in pair), maps[kind])

    def element(self, weight: int) -> tuple[np.ndarray, Entries, np.ndarray]:
        """One basis operator: the classes it touches, its fibre entries, and the class of every entry."""
        pair, kind, k = self.orbits.locate(weight, self.sizes)
        basis = self.bases[kind]
        keep = basis.which == k
        one = Entries(
            np.zeros(int(keep.sum()), int), basis.rows[keep], basis.columns[keep], basis.values[keep]
        )
        pairs, parts, at = [], [], []
        table = self.fibres.point.elements.table
        for n, e in enumerate(cosets(table, self.orbits.stabilisers[kind])):
            pairs.append(self.maps.apply(e, pair[None]))
            parts.append(self.fibres.moved(e, one))
            at.append(np.full(len(parts[-1].rows), n))
        join = np.concatenate
        entries = Entries(
            join([p.which for p in parts]),
            join([p.rows for p in parts]),
            join([p.columns for p in parts]),
            join([p.values for p in parts]),
        )
        return join(pairs), entries, join(at)


def _separate(base: Entries, count: int) -> Iterator[FreeMap]:
    """Maps that are stored together, one by one."""
    for k in range(count):
        keep = base.which == k
        yield FreeMap(base.rows[keep], base.columns[keep], base.values[keep])


@dataclass(frozen=True, eq=False)
class ProblemOrbits:
    """The orbits of one problem, shared by all pairs of pieces."""

    space: SpaceGroup
    maps: PairMaps
    orbits: PairOrbits

    def between(self, output: Piece, input_: Piece) -> OrbitMaps:
        return OrbitMaps(self.maps, self.orbits, FibreMaps(self.space.point, output, input_))


def find_orbits(space: SpaceGroup, x: Field, y: Field, classes: Classes) -> ProblemOrbits:
    """Enumerate the orbits of the point group on the classes of a problem whose sizes are numbers."""
    maps = pair_maps(space, x, y, classes.axes)
    if classes.support is None and not any(axis.translated for axis in classes.axes) and _many(classes):
        return ProblemOrbits(space, maps, _by_stabilisers(space, maps, classes))
    require_memory(classes.count(), space)
    if classes.count() == 0:
        none = np.zeros((0, len(classes.axes), 2), dtype=np.int64)
        return ProblemOrbits(space, maps, PairOrbits(none, np.zeros(0, dtype=np.int64), ()))
    return ProblemOrbits(space, maps, _in_box(maps, classes) or _listed(space, maps, classes))


def _in_box(maps: PairMaps, classes: Classes) -> PairOrbits | None:
    """The orbits where classes are a product over axes that every element moves axis by axis."""
    box = pair_box(classes)
    images = pair_images(box, maps) if box is not None else None
    if box is None or images is None:
        return None
    orbits = orbit_table(box.size, images.__getitem__, range(maps.order))
    return PairOrbits(box.at(orbits.representatives), orbits.kinds, orbits.stabilisers)


def _listed(space: SpaceGroup, maps: PairMaps, classes: Classes) -> PairOrbits:
    """The orbits with every class listed, closed under the point group where a window cuts some off."""
    listed = classes.listing()[:, :, :2]
    rows = by_columns(listed.shape, listed.dtype)
    rows[...] = listed
    moves = _generators(space, maps)
    closed, inside = _closure(maps, moves, rows)
    images = {g: closed.find(move(closed.rows)) for g, move in moves.items()}
    identity = np.arange(len(closed.rows))
    every = over_elements(space.point.elements, images, identity, lambda g, h: g[h])
    orbits = orbit_table(len(closed.rows), every.__getitem__, range(maps.order))
    # window rows come first in the table, so an orbit that meets the window has its least member there
    kept = slice(None) if inside is None else inside[orbits.representatives]
    pairs = closed.rows[orbits.representatives].reshape(-1, len(classes.axes), 2)
    return PairOrbits(pairs[kept], orbits.kinds[kept], orbits.stabilisers)


def require_memory(rows: Any, space: SpaceGroup) -> None:
    """Refuse classes that do not fit in memory: each is a pair of sites, held a few times, and its images."""
    if rows is sympy.oo:
        remedy = "give a support such as box(1), or a grid"
        raise InfiniteError("support", "must leave finitely many weights to list them", None, remedy)
    refuse_classes(rows, 4 * 2 * 8 * space.dim + 4 * space.point.order)


def _flat(pairs: np.ndarray) -> np.ndarray:
    return pairs.reshape(len(pairs), math.prod(pairs.shape[1:]))


def _generators(space: SpaceGroup, maps: PairMaps) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """How every generator of the point group moves rows of classes."""
    elements = space.point.elements

    def move(e: int, rows: np.ndarray) -> np.ndarray:
        return _flat(maps.apply(e, rows.reshape(len(rows), -1, 2)))

    return {g: partial(move, elements.index(((g, 1),))) for g in elements.generators}


def _closure(
    maps: PairMaps, moves: Mapping[str, Callable[[np.ndarray], np.ndarray]], pairs: np.ndarray
) -> tuple[RowIndex, np.ndarray | None]:
    """The classes closed under the point group; which of them were there, where a window cuts some off."""
    table = RowIndex(_flat(maps.canonical(pairs.copy(order="K"))))
    if all(axis.boundary != "zero" for axis in maps.axes):
        return table, None
    rows, frontier = table.rows, table.rows
    while len(frontier):
        images = distinct_rows(np.concatenate([frontier[:0], *(move(frontier) for move in moves.values())]))
        frontier = images[RowIndex(rows).find(images) < 0]
        rows = np.concatenate([rows, frontier])
    return RowIndex(rows), np.arange(len(rows)) < len(table.rows)


# ---- no translations: stabilisers of output sites instead of pairs ---------------------------------------


def _many(classes: Classes) -> bool:
    return int(classes.count()) > LISTED


@dataclass(frozen=True, eq=False)
class StabiliserOrbits(PairOrbits):
    """Orbits of pairs as one family per orbit of output sites: never listed, counted and found by number."""

    families: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...] = ()

    @property
    def counts(self) -> np.ndarray:
        total = np.zeros(len(self.stabilisers), dtype=object)
        for p, _, kinds in self.families:
            total = total + len(p) * np.bincount(kinds, minlength=len(self.stabilisers)).astype(object)
        return total

    def locate(self, weight: int, sizes: np.ndarray) -> tuple[np.ndarray, int, int]:
        for p, q, kinds in self.families:
            ends = np.cumsum(sizes[kinds])
            each = int(ends[-1])
            if weight < len(p) * each:
                site, rest = divmod(weight, each)
                at = int(np.searchsorted(ends, rest, side="right"))
                kind = int(kinds[at])
                return np.stack([p[site], q[at]], axis=1), kind, rest - int(ends[at] - sizes[kind])
            weight -= len(p) * each
        raise IndexError(weight)

    def example(self, kind: int) -> list[list[int]]:
        p, q, kinds = next(f for f in self.families if np.any(f[2] == kind))
        return np.stack([p[0], q[int(np.argmax(kinds == kind))]], axis=1).tolist()


def _by_stabilisers(space: SpaceGroup, maps: PairMaps, classes: Classes) -> StabiliserOrbits:
    for axes in ([axis.out for axis in classes.axes], [axis.into for axis in classes.axes]):
        require_memory(math.prod(int(side.size) for side in axes if side is not None), space)
    out, into = (site_box(classes.axes, side) for side in ("out", "into"))
    outer, inner = (
        site_images(box, side, classes.axes, name)
        for box, side, name in ((out, maps.out, "out"), (into, maps.into, "into"))
    )
    first = orbit_table(out.size, outer.__getitem__, range(maps.order))
    found: dict[tuple[int, ...], int] = {}
    families = []
    for kind, stabiliser in enumerate(first.stabilisers):
        sites = out.at(first.representatives[first.kinds == kind])[:, :, 0]
        second = orbit_table(into.size, inner.__getitem__, stabiliser)
        numbers = np.array([found.setdefault(s, len(found)) for s in second.stabilisers])
        families.append((sites, into.at(second.representatives)[:, :, 0], numbers[second.kinds]))
    empty = np.zeros((0, len(classes.axes), 2), dtype=int)
    return StabiliserOrbits(empty, np.zeros(0, dtype=int), tuple(found), tuple(families))
