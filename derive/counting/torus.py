"""Fixed points of affine maps on periodic grids and on boxes, in closed form, whatever their size.

On the quotient Z^m / L by a lattice L of full rank, z -> M z + s fixes z exactly when (M - 1) z + s lies in
L. The index of J = (M - 1) Z^m + L is the number of solutions if s lies in J; otherwise there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

Row = list[int]


def fixed_on_torus(matrix: np.ndarray, shift: np.ndarray, lattice: Sequence[Sequence[int]]) -> int:
    """How many points of Z^m / lattice the map z -> matrix z + shift fixes.

    >>> fixed_on_torus(np.array([[-1]]), np.array([1]), [[6]]), fixed_on_torus(np.eye(1), np.zeros(1), [[6]])
    (0, 6)
    """
    columns = (matrix.astype(object) - np.eye(len(matrix), dtype=int)).T
    basis = echelon([*columns.tolist(), *lattice], len(matrix))
    if any(_remainder([int(x) for x in shift], basis)):
        return 0
    return prod(abs(row[i]) for i, row in enumerate(basis))


def echelon(vectors: Sequence[Sequence[int]], size: int) -> list[Row]:
    """A triangular basis of the lattice of full rank that integer vectors span.

    >>> echelon([[2, 0], [0, 2], [1, 1]], 2)
    [[1, 1], [0, 2]]
    """
    left = [[int(x) for x in v] for v in vectors]
    basis = []
    for i in range(size):
        rows = [row for row in left if row[i]]
        left = [row for row in left if not row[i]]
        while len(rows) > 1:
            rows.sort(key=lambda row: abs(row[i]))
            smallest = rows[0]
            reduced = [_less(row, smallest, row[i] // smallest[i]) for row in rows[1:]]
            left += [row for row in reduced if not row[i]]
            rows = [smallest, *(row for row in reduced if row[i])]
        basis += rows
    return basis


def _less(row: Row, other: Row, times: int) -> Row:
    return [x - times * y for x, y in zip(row, other, strict=True)]


def _remainder(vector: Row, basis: Sequence[Row]) -> Row:
    for i, row in enumerate(basis):
        vector = _less(vector, row, vector[i] // row[i])
    return vector


def fixed_in_box(matrix: np.ndarray, shift: np.ndarray, sizes: Sequence[int]) -> int | None:
    """How many points of a box the map p -> matrix p + shift fixes, which carries the box to itself.

    None where the matrix does not permute the axes up to sign.

    >>> turn = np.array([[0, -1], [1, 0]])
    >>> fixed_in_box(turn, np.array([4, 0]), (5, 5)), fixed_in_box(turn, np.array([3, 0]), (4, 4))
    (1, 0)
    """
    if not is_signed_permutation(matrix):
        return None
    total, left = 1, set(range(len(sizes)))
    while left:
        start = axis = min(left)
        sign, moved = 1, 0
        while axis in left:  # follow the coordinate along `start` round its cycle of axes
            left.remove(axis)
            image = int(np.flatnonzero(matrix[:, axis])[0])
            factor = int(matrix[image, axis])
            sign, moved, axis = factor * sign, factor * moved + int(shift[image]), image
        total *= _fixed_on_axis(sign, moved, sizes[start])
    return total


def _fixed_on_axis(sign: int, shift: int, size: int) -> int:
    """The solutions of sign * x + shift = x with 0 <= x < size."""
    if sign == 1:
        return size if shift == 0 else 0
    return int(shift % 2 == 0 and 0 <= shift // 2 < size)


def is_signed_permutation(matrix: Any) -> bool:
    """Whether every row and column holds one nonzero entry, 1 or -1."""
    size = abs(np.asarray(matrix))
    return bool((size.sum(axis=0) == 1).all() and (size.sum(axis=1) == 1).all())
