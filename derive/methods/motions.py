"""How every element of a point group moves sites, pairs of sites and fibres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from derive.methods.classes import Axis
from derive.symmetry.elements import Elements
from derive.symmetry.fields import Field
from derive.symmetry.lattice import SpaceGroup

T = TypeVar("T")


def over_elements(
    elements: Elements, images: dict[str, T], identity: T, product: Callable[[T, T], T]
) -> list[T]:
    """The image of every element, from those of the generators."""
    found = [identity]
    for e in range(1, elements.order):
        generator = elements.generators[elements.by[e]]
        found.append(product(images[generator], found[int(elements.parent[e])]))
    return found


@dataclass(frozen=True, eq=False)
class SiteMaps:
    """p -> matrix[e] p + shift[e], for every element e of the point group (zero axes: nothing moves)."""

    matrix: np.ndarray
    shift: np.ndarray

    def apply(self, e: int, sites: np.ndarray) -> np.ndarray:
        """The images of sites, rows of integers, under element e."""
        return sites @ self.matrix[e].T + self.shift[e]


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
        images[name] = (np.array(matrix, dtype=int), np.array(shift, dtype=int))
    identity = (np.eye(space.dim, dtype=int), np.zeros(space.dim, dtype=int))
    maps = over_elements(elements, images, identity, lambda g, h: (g[0] @ h[0], g[0] @ h[1] + g[1]))
    return SiteMaps(np.stack([m for m, _ in maps]), np.stack([s for _, s in maps]))


@dataclass(frozen=True, eq=False)
class PairMaps:
    """The action on classes of pairs (p, q), each named by its pair with p in the first period."""

    axes: tuple[Axis, ...]
    out: SiteMaps
    into: SiteMaps

    def apply(self, e: int, pairs: np.ndarray) -> np.ndarray:
        """The classes to which element e carries classes; pairs is (n, axes, 2)."""
        moved = np.stack([self.out.apply(e, pairs[:, :, 0]), self.into.apply(e, pairs[:, :, 1])], axis=2)
        return self.canonical(moved)

    def canonical(self, pairs: np.ndarray) -> np.ndarray:
        """Every pair translated so that its output site lies in the first period, and read on the grid."""
        for i, axis in enumerate(self.axes):
            p, q = pairs[:, i, 0], pairs[:, i, 1]
            _wrap(axis.out, p)
            _wrap(axis.into, q)
            if axis.out is not None and axis.out.step:
                turns = p // axis.out.step
                p -= axis.out.step * turns
                q -= (axis.into.step if axis.into is not None else 0) * turns
            elif axis.out is None and axis.into is not None and axis.into.step:
                q %= axis.into.step
            _wrap(axis.into, q)
        return pairs

    @cached_property
    def order(self) -> int:
        return len(self.out.matrix)


def _wrap(side: Any, sites: np.ndarray) -> None:
    if side is not None and side.boundary == "periodic" and side.size is not None:
        sites %= int(side.size)


@dataclass(frozen=True, eq=False)
class Table:
    """Distinct integer rows that can be looked up."""

    rows: np.ndarray

    @cached_property
    def _frame(self) -> tuple[np.ndarray, np.ndarray]:
        low = self.rows.min(axis=0)
        return low, self.rows.max(axis=0) - low + 1

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        codes = self._codes(self.rows)
        order = np.argsort(codes, kind="stable")
        return codes[order], order

    def _codes(self, rows: np.ndarray) -> np.ndarray:
        low, extent = self._frame
        codes = np.zeros(len(rows), dtype=np.int64)
        for column, n in enumerate(extent):
            codes = codes * int(n) + (rows[:, column] - low[column])
        return codes

    def find(self, rows: np.ndarray) -> np.ndarray:
        """The place of every row, -1 where it is absent."""
        low, extent = self._frame
        inside = np.all((rows >= low) & (rows < low + extent), axis=1)
        codes, order = self._sorted
        wanted = np.where(inside, self._codes(rows), 0)
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        return np.where(inside & (codes[at] == wanted), order[at], -1)


@dataclass(frozen=True, eq=False)
class OrbitTable:
    """Orbits of a finite group on the rows of a table: least members, and which elements fix each of them."""

    representatives: np.ndarray
    kinds: np.ndarray
    stabilisers: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> np.ndarray:
        """How many representatives have each stabiliser."""
        return np.bincount(self.kinds, minlength=len(self.stabilisers))


def orbit_table(
    table: Table, move: Callable[[int, np.ndarray], np.ndarray], elements: Sequence[int]
) -> OrbitTable:
    """The orbits of `elements` (a group) on the rows; every image of a row must be a row."""
    here = np.arange(len(table.rows))
    least = here.copy()
    images = []
    for e in elements:
        image = table.find(move(e, table.rows)) if e else here
        np.minimum(least, image, out=least)
        images.append(image.astype(np.int32))
    representatives = np.flatnonzero(least == here)
    fixed = np.stack([image[representatives] == representatives for image in images], axis=1)
    packed = np.ascontiguousarray(np.packbits(fixed, axis=1))
    keys = packed.view([("", packed.dtype)] * packed.shape[1]).reshape(-1)
    _, first, kinds = np.unique(keys, return_index=True, return_inverse=True)
    stabilisers = tuple(tuple(int(elements[int(j)]) for j in np.flatnonzero(fixed[at])) for at in first)
    return OrbitTable(representatives, kinds, stabilisers)
