"""Orbits of a finite group on the rows of an integer table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


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
            if n > 1:
                codes *= int(n)
                codes += rows[:, column]
                codes -= low[column]
        return codes

    @cached_property
    def _direct(self) -> np.ndarray | None:
        """The place of every code, where codes are few enough."""
        codes = int(np.prod(self._frame[1].astype(object)))
        if codes > 4 * len(self.rows) + 64:
            return None
        places = np.full(codes, -1, dtype=np.int32)
        places[self._codes(self.rows)] = np.arange(len(self.rows))
        return places

    def find(self, rows: np.ndarray) -> np.ndarray:
        """The place of every row, -1 where it is absent."""
        low, extent = self._frame
        inside = np.ones(len(rows), dtype=bool)
        for column, (least, n) in enumerate(zip(low, extent, strict=True)):
            inside &= (rows[:, column] >= least) & (rows[:, column] < least + n)
        wanted = self._codes(rows)
        if not inside.all():
            wanted = np.where(inside, wanted, 0)
        if self._direct is not None:
            found = self._direct[wanted]
            return found if inside.all() else np.where(inside, found, -1)
        codes, order = self._sorted
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


def orbit_table(size: int, image: Callable[[int], np.ndarray], elements: Sequence[int]) -> OrbitTable:
    """The orbits of `elements` (a group) on 0..size-1; image(e) holds the number of every member's image."""
    least = here = np.arange(size, dtype=np.int32 if size < 2**31 else np.int64)
    images = []
    for e in elements:
        images.append(image(e).astype(here.dtype, copy=False) if e else here)
        least = np.minimum(least, images[-1])
    representatives = np.flatnonzero(least == here)
    fixed = np.stack([image[representatives] == representatives for image in images], axis=1)
    packed = np.ascontiguousarray(np.packbits(fixed, axis=1))
    keys = packed.view([("", packed.dtype)] * packed.shape[1]).reshape(-1)
    _, first, kinds = np.unique(keys, return_index=True, return_inverse=True)
    stabilisers = tuple(tuple(int(elements[int(j)]) for j in np.flatnonzero(fixed[at])) for at in first)
    return OrbitTable(representatives, kinds, stabilisers)
