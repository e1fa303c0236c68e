"""Sparse matrices of 64-bit integers, by NumPy: SciPy's take longer to import than many problems to solve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.pickling import Fields

CHUNK = 2**22  # numbers of a product that are held at once


@dataclass(frozen=True, eq=False)
class Sparse(Fields):
    """The nonzero entries of a matrix, row after row, each at a place of its own; made by `sparse`."""

    shape: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @property
    def nnz(self) -> int:
        return len(self.values)

    @property
    def norm(self) -> int:
        """The largest absolute value."""
        return int(abs(self.values).max(initial=0))

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each row starts among the entries, and their number."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    @cached_property
    def lengths(self) -> np.ndarray:
        """The number of entries in each row."""
        return np.diff(self.starts)

    @cached_property
    def transpose(self) -> Sparse:
        order = np.argsort(self.columns, kind="stable")
        return Sparse(self.shape[::-1], self.columns[order], self.rows[order], self.values[order])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sparse) or self.shape != other.shape:
            return False
        pairs = ((self.rows, other.rows), (self.columns, other.columns), (self.values, other.values))
        return all(np.array_equal(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __mul__(self, factor: int) -> Sparse:
        return sparse(self.rows, self.columns, self.values * factor, self.shape)

    def __add__(self, other: Sparse) -> Sparse:
        rows, columns, values = (
            np.concatenate(pair)
            for pair in ((self.rows, other.rows), (self.columns, other.columns), (self.values, other.values))
        )
        return sparse(rows, columns, values, self.shape)

    def __sub__(self, other: Sparse) -> Sparse:
        return self + other * -1

    def _entries(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The entries of these rows, one row after the other: which of the rows given, which entry."""
        counts = self.lengths[rows]
        before = np.cumsum(counts) - counts
        return np.repeat(np.arange(len(rows)), counts), np.arange(counts.sum()) + np.repeat(
            self.starts[rows] - before, counts
        )

    def __matmul__(self, other: Sparse) -> Sparse:
        mine, its = other._entries(self.columns)
        shape = (self.shape[0], other.shape[1])
        return sparse(self.rows[mine], other.columns[its], self.values[mine] * other.values[its], shape)

    def times(self, dense: np.ndarray) -> np.ndarray:
        """The product with a dense matrix."""
        out = np.zeros((self.shape[0], dense.shape[1]), dtype=np.int64)
        step = max(1, CHUNK // max(1, dense.shape[1]))
        for start in range(0, self.nnz, step):
            rows, first = np.unique(self.rows[start : start + step], return_index=True)
            piece = slice(start, start + step)
            out[rows] += np.add.reduceat(self.values[piece, None] * dense[self.columns[piece]], first, axis=0)
        return out

    def take(self, rows: np.ndarray) -> Sparse:
        """The rows with these numbers, in this order."""
        row, at = self._entries(rows)
        return Sparse((len(rows), self.shape[1]), row, self.columns[at], self.values[at])

    def take_columns(self, columns: np.ndarray) -> Sparse:
        """The columns with these numbers, in this order."""
        return self.transpose.take(columns).transpose

    def toarray(self) -> np.ndarray:
        """The dense matrix."""
        out = np.zeros(self.shape, dtype=np.int64)
        out[self.rows, self.columns] = self.values
        return out


def sparse(rows: Any, columns: Any, values: Any, shape: tuple[int, int]) -> Sparse:
    """A matrix from entries in any order; those at one place are added.

    >>> sparse([1, 0, 1], [0, 1, 0], [2, 5, 3], (2, 2)).toarray().tolist()
    [[0, 5], [5, 0]]
    """
    rows, columns, values = (np.asarray(a, dtype=np.int64) for a in (rows, columns, values))
    codes = rows * shape[1] + columns
    if (codes[1:] <= codes[:-1]).any():
        order = np.argsort(codes, kind="stable")
        codes, values = codes[order], values[order]
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        codes, values = codes[first], np.add.reduceat(values, first)
        rows, columns = codes // shape[1], codes % shape[1]
    kept = values != 0
    if not kept.all():
        rows, columns, values = rows[kept], columns[kept], values[kept]
    return Sparse((int(shape[0]), int(shape[1])), rows, columns, values)


def from_dense(array: Any) -> Sparse:
    """The nonzero entries of a dense matrix."""
    array = np.asarray(array, dtype=np.int64)
    rows, columns = np.nonzero(array)
    return sparse(rows, columns, array[rows, columns], array.shape)


def between_identities(before: int, m: Sparse, after: int) -> Sparse:
    """The Kronecker product ``1 x m x 1`` with identities of these sizes."""
    i, j = np.arange(before)[:, None, None], np.arange(after)
    rows, columns = (
        ((i * size + places[:, None]) * after + j).ravel()
        for size, places in zip(m.shape, (m.rows, m.columns), strict=True)
    )
    values = np.tile(np.repeat(m.values, after), before)
    return sparse(rows, columns, values, (before * m.shape[0] * after, before * m.shape[1] * after))
