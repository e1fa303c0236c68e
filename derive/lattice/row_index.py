"""Orbits of a finite group on the rows of an integer table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from derive.symmetry.integers import SAFE


@dataclass(frozen=True, eq=False)
class RowIndex:
    """Integer rows that can be looked up, where they are distinct."""

    rows: np.ndarray

    @cached_property
    def _codes(self) -> Packed | Ranked:
        """One number per row: columns packed where that fits in 64 bits, else their ranks."""
        low, extent = _frame(self.rows)
        return Packed(low, extent) if prod(extent) < SAFE else ranked(self.rows)

    @property
    def codes(self) -> np.ndarray:
        """One number per row, the same for equal rows."""
        return self._codes.of(self.rows)[0]

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        codes = self.codes
        order = np.argsort(codes, kind="stable")
        return codes[order], order

    @cached_property
    def _direct(self) -> np.ndarray | None:
        """The place of every code, where codes are few enough."""
        codes = self._codes.count
        if codes > 4 * len(self.rows) + 64:
            return None
        places = np.full(codes, -1, dtype=np.int32)
        places[self.codes] = np.arange(len(self.rows))
        return places

    def find(self, rows: np.ndarray) -> np.ndarray:
        """The place of every row, -1 where it is absent."""
        wanted, inside = self._codes.of(rows)
        if self._direct is not None:
            found = self._direct[wanted]
            return found if inside.all() else np.where(inside, found, -1)
        codes, order = self._sorted
        at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
        return np.where(inside & (codes[at] == wanted), order[at], -1)


def _frame(rows: np.ndarray) -> tuple[list[int], list[int]]:
    """The least entry of every column, and how many numbers there are up to the greatest."""
    low, high = ([int(n) for n in ends] for ends in (rows.min(axis=0), rows.max(axis=0)))
    return low, [b - a + 1 for a, b in zip(low, high, strict=True)]


@dataclass(frozen=True)
class Packed:
    """Codes of rows inside a frame: the number of each, row-major."""

    low: list[int]
    extent: list[int]

    @property
    def count(self) -> int:
        return prod(self.extent)

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The codes of rows, 0 where they lie outside; which lie inside."""
        inside = np.ones(len(rows), dtype=bool)
        for column, (least, n) in enumerate(zip(self.low, self.extent, strict=True)):
            inside &= (rows[:, column] >= least) & (rows[:, column] < least + n)
        if inside.all():
            return self._packed(rows), inside
        if rows.dtype == object or max(map(abs, self.low)) >= SAFE:  # what lies inside can be packed
            rows = np.where(inside[:, None], rows, np.array(self.low, dtype=object))
        return np.where(inside, self._packed(rows), 0), inside

    def _packed(self, rows: np.ndarray) -> np.ndarray:
        codes = np.zeros(len(rows), dtype=np.int64)
        for column, (least, n) in enumerate(zip(self.low, self.extent, strict=True)):
            if n > 1:
                codes *= n
                codes += (rows[:, column] - least).astype(np.int64, copy=False)
        return codes


@dataclass(frozen=True, eq=False)
class Ranked:
    """Codes of rows of any integers: the rank of the first k columns together, column by column.

    `values`: the distinct entries of every column; `heads`: the distinct codes of the first k columns, each
    a rank of the columns before times the number of values, plus the rank of the value. Both are at most as
    many as there are rows, so no code exceeds the square of their number.
    """

    values: tuple[np.ndarray, ...]
    heads: tuple[np.ndarray, ...]

    @property
    def count(self) -> int:
        return len(self.heads[-1]) if self.heads else 1

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The codes of rows, 0 where no row begins like them; which are among them."""
        codes, inside = np.zeros(len(rows), dtype=np.int64), np.ones(len(rows), dtype=bool)
        for column, (values, heads) in enumerate(zip(self.values, self.heads, strict=True)):
            rank, known = _rank(values, rows[:, column])
            codes, started = _rank(heads, codes * len(values) + rank)
            inside &= known & started
        return np.where(inside, codes, 0), inside


def ranked(rows: np.ndarray) -> Ranked:
    """The codes of a table whose entries are too far apart to be packed."""
    codes = np.zeros(len(rows), dtype=np.int64)
    columns, heads = [], []
    for column in rows.T:
        values, ranks = np.unique(column, return_inverse=True)
        head, codes = np.unique(codes * len(values) + ranks.reshape(-1), return_inverse=True)
        codes = codes.reshape(-1)
        columns.append(values)
        heads.append(head)
    return Ranked(tuple(columns), tuple(heads))


def distinct_rows(rows: np.ndarray) -> np.ndarray:
    """Every row once."""
    if not len(rows):
        return rows
    return rows[np.unique(RowIndex(rows).codes, return_index=True)[1]]


def _rank(values: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of every number among sorted ones, and whether it is there."""
    at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return at, values[at] == wanted


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
