"""Classes (or sites) that are a product over axes: numbered row by row, and moved one axis at a time.

A motion that permutes the axes up to sign takes every row of one axis to a row of one other axis. So the
images of all n x n x ... classes are sums of one number per axis; the classes themselves are never listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from derive.lattice.axes import Axis
from derive.lattice.classes import Classes
from derive.lattice.row_index import RowIndex
from derive.lattice.site_maps import PairMaps, SiteMaps, canonical_along, wrap
from derive.pickling import Fields
from derive.symmetry.integers import combined

Move = tuple[int, np.ndarray]  # the axis to which the rows of an axis come, and the rows they become there


@dataclass(frozen=True, eq=False)
class Box(Fields):
    """The product of one table of rows per axis, the last axis running fastest."""

    rows: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(rows) for rows in self.rows)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """The members with these numbers, as (n, axes, columns)."""
        places = np.unravel_index(numbers, self.shape)
        return np.stack([rows[at] for rows, at in zip(self.rows, places, strict=True)], axis=1)

    @cached_property
    def _tables(self) -> tuple[RowIndex, ...]:
        return tuple(RowIndex(rows) for rows in self.rows)

    def image(self, moves: Sequence[Move]) -> np.ndarray | None:
        """The number of every member's image; None where one lies outside."""
        kind = np.int32 if self.size < 2**31 else np.int64
        total = np.zeros((1,) * len(self.shape), dtype=kind)
        for source, (target, rows) in enumerate(moves):
            places = self._tables[target].find(rows)
            if (places < 0).any():
                return None
            along = [-1 if i == source else 1 for i in range(len(self.shape))]
            total = total + (places * prod(self.shape[target + 1 :])).astype(kind).reshape(along)
        return np.broadcast_to(total, self.shape).reshape(-1)

    def images(self, moves: Sequence[Sequence[Move] | None]) -> list[np.ndarray] | None:
        """The images under every element; None unless all move axis by axis within the box."""
        if not self.size or any(along is None for along in moves):
            return None
        found = []
        for along in moves:
            image = self.image(along or ())
            if image is None:
                return None
            found.append(image)
        return found


def _targets(*matrices: np.ndarray) -> list[int] | None:
    """The axis to which all of these matrices (zero matrices are ignored) carry each axis, or None."""
    total: Any = sum(abs(m) for m in matrices)
    if (np.count_nonzero(total, axis=0) != 1).any() or (np.count_nonzero(total, axis=1) != 1).any():
        return None
    return [int(np.flatnonzero(column)[0]) for column in total.T]


# ---- classes of pairs -----------------------------------------------------------------------------------


def pair_box(classes: Classes) -> Box | None:
    """The classes of pairs as a product over axes, each row an output and an input site; None where none."""
    if not classes.axes or (classes.support is not None and classes.support.points is not None):
        return None
    rows = []
    for axis, listed in zip(classes.axes, classes.by_axis(), strict=True):
        rows.append(np.stack(canonical_along(axis, listed[:, 0].copy(), listed[:, 1].copy()), axis=1))
    return Box(tuple(rows))


def pair_images(box: Box, maps: PairMaps) -> list[np.ndarray] | None:
    """The image of every class under every element."""
    return box.images([_pair_moves(box, maps, e) for e in range(maps.order)])


def _pair_moves(box: Box, maps: PairMaps, e: int) -> list[Move] | None:
    targets = _targets(maps.out.matrix[e], maps.into.matrix[e])
    if targets is None:
        return None
    moves = []
    for source, target in enumerate(targets):
        columns = [
            combined([(side.matrix[e][target, source], box.rows[source][:, k])], side.shift[e][target])
            for k, side in enumerate((maps.out, maps.into))
        ]
        moves.append((target, np.stack(canonical_along(maps.axes[target], *columns), axis=1)))
    return moves


# ---- sites ----------------------------------------------------------------------------------------------


def site_box(axes: Sequence[Axis], side: str) -> Box:
    """The sites of a finite grid; a field off the lattice has one."""
    parts = [getattr(axis, side) for axis in axes]
    return Box(tuple(np.arange(1 if part is None else int(part.size))[:, None] for part in parts))


def site_images(box: Box, maps: SiteMaps, axes: Sequence[Axis], side: str) -> list[np.ndarray]:
    """The image of every site under every element."""
    found = box.images([_site_moves(box, maps, axes, side, e) for e in range(len(maps.matrix))])
    if found is not None:
        return found
    sites = box.at(np.arange(box.size))[:, :, 0]
    table = RowIndex(sites)
    images = (_on_grid(maps.apply(e, sites), axes, side) for e in range(len(maps.matrix)))
    return [table.find(image) for image in images]


def _site_moves(box: Box, maps: SiteMaps, axes: Sequence[Axis], side: str, e: int) -> list[Move] | None:
    targets = _targets(maps.matrix[e])
    if targets is None:
        return None
    moves = []
    for source, target in enumerate(targets):
        moved = combined([(maps.matrix[e][target, source], box.rows[source])], maps.shift[e][target])
        wrap(getattr(axes[target], side), moved)
        moves.append((target, moved))
    return moves


def _on_grid(sites: np.ndarray, axes: Sequence[Axis], side: str) -> np.ndarray:
    for i, axis in enumerate(axes):
        wrap(getattr(axis, side), sites[:, i])
    return sites
