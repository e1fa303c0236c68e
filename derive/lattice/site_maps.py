"""How every element of a point group moves sites, pairs of sites and fibres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.lattice.axes import Axis, Side
from derive.symmetry.arrays import over_elements
from derive.symmetry.field import Field
from derive.symmetry.integers import SAFE, integers, kind_for, largest, widened
from derive.symmetry.spacegroup import SpaceGroup


@dataclass(frozen=True, eq=False)
class SiteMaps:
    """p -> matrix[e] p + shift[e], for every element e of the point group (zero axes: nothing moves)."""

    matrix: np.ndarray
    shift: np.ndarray

    def apply(self, e: int, sites: np.ndarray) -> np.ndarray:
        """The images of sites, rows of integers, under element e."""
        kind = kind_for(self._bound(e, largest(sites)))
        sites = sites.astype(kind, copy=False)
        image = np.empty(sites.shape[::-1], dtype=kind).T  # columns lie together, as they are worked on
        for j, (row, shift) in enumerate(zip(self.matrix[e], self.shift[e], strict=True)):
            terms = [k * sites[:, i] if k != 1 else sites[:, i] for i, k in enumerate(row) if k]
            image[:, j] = sum(terms[1:], start=terms[0] + shift) if terms else shift
        return image

    def _bound(self, e: int, reach: int) -> int:
        """How far from the origin element e carries sites that are at most `reach` away from it."""
        rows = zip(self.matrix[e].tolist(), self.shift[e].tolist(), strict=True)
        return max((sum(map(abs, row)) * max(reach, 1) + abs(shift) for row, shift in rows), default=0)


def site_maps(space: SpaceGroup, field: Field) -> SiteMaps:
    """How the point group's elements move the sites of one field, up to translations."""
    elements = space.point.elements
    if field.lattice is None:
        return SiteMaps(
            np.zeros((elements.order, space.dim, space.dim), int), np.zeros((elements.order, space.dim), int)
        )
    images = {}
    for name in space.point.generators:
        matrix, shift = field.lattice.carry(name, space.motions[name])
        images[name] = (np.array(matrix, dtype=object), np.array(shift, dtype=object))
    identity = (np.eye(space.dim, dtype=int).astype(object), np.zeros(space.dim, dtype=int).astype(object))
    maps = over_elements(elements, images, identity, lambda g, h: (g[0] @ h[0], g[0] @ h[1] + g[1]))
    return SiteMaps(*(integers(np.stack(parts)) for parts in zip(*maps, strict=True)))


@dataclass(frozen=True, eq=False)
class PairMaps:
    """The action on classes of pairs (p, q), each named by its pair with p in the first period."""

    axes: tuple[Axis, ...]
    out: SiteMaps
    into: SiteMaps

    def apply(self, e: int, pairs: np.ndarray) -> np.ndarray:
        """The classes to which element e carries classes; pairs is (n, axes, 2)."""
        sides = self.out.apply(e, pairs[:, :, 0]), self.into.apply(e, pairs[:, :, 1])
        moved = by_columns(pairs.shape, np.result_type(*sides))
        moved[:, :, 0], moved[:, :, 1] = sides
        return self.canonical(moved)

    def canonical(self, pairs: np.ndarray) -> np.ndarray:
        """Every pair translated so that its output site lies in the first period, and read on the grid.

        In place, unless intermediate numbers exceed 64 bits.
        """
        columns = [(pairs[:, i, 0], pairs[:, i, 1]) for i in range(len(self.axes))]
        if any(_needs_room(axis, *pair) for axis, pair in zip(self.axes, columns, strict=True)):
            pairs = pairs.astype(object)
        for i, axis in enumerate(self.axes):
            _canonical_along(axis, pairs[:, i, 0], pairs[:, i, 1])
        return pairs

    @cached_property
    def order(self) -> int:
        return len(self.out.matrix)


def canonical_along(axis: Axis, p: np.ndarray, q: np.ndarray) -> list[np.ndarray]:
    """The same along one axis: output sites p, input sites q."""
    columns = widened((p, q), SAFE) if _needs_room(axis, p, q) else [p, q]
    _canonical_along(axis, *columns)
    return columns


def _needs_room(axis: Axis, p: np.ndarray, q: np.ndarray) -> bool:
    """Whether some intermediate number exceeds 64 bits."""
    reach = [largest(p), largest(q)]
    steps = [0 if side is None else side.step for side in (axis.out, axis.into)]
    sizes = [int(side.size) for side in axis.sides if side.boundary == "periodic" and side.size is not None]
    turns = reach[0] // steps[0] + 1 if steps[0] else 0
    needed = [r + step * turns for r, step in zip(reach, steps, strict=True)]
    return max(*needed, *steps, *sizes) >= SAFE


def _canonical_along(axis: Axis, p: np.ndarray, q: np.ndarray) -> None:
    wrap(axis.out, p)
    wrap(axis.into, q)
    if axis.out is not None and axis.out.step:
        turns = p // axis.out.step
        if turns.any():
            p -= axis.out.step * turns
            q -= (axis.into.step if axis.into is not None else 0) * turns
    elif axis.out is None and axis.into is not None and axis.into.step:
        q %= axis.into.step
    wrap(axis.into, q)


def wrap(side: Side | None, sites: np.ndarray) -> None:
    """Read sites on a periodic grid, in place."""
    if side is None or side.boundary != "periodic" or side.size is None or not sites.size:
        return
    if sites.min() < 0 or sites.max() >= int(side.size):
        sites %= int(side.size)


def by_columns(shape: tuple[int, ...], kind: Any = np.int64) -> np.ndarray:
    """An empty array (n, axes, 2) whose columns lie together in memory, as they are worked on one by one."""
    return np.moveaxis(np.empty((*shape[1:], shape[0]), dtype=kind), -1, 0)


def pair_maps(space: SpaceGroup, x: Field, y: Field, axes: tuple[Axis, ...]) -> PairMaps:
    """How the point group's elements move classes of pairs of two fields."""
    return PairMaps(axes, site_maps(space, y), site_maps(space, x))
