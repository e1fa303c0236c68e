"""Arrays of integers that never wrap around: 64 bits while every number fits, Python integers beyond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

SAFE = 1 << 62  # sums of two such numbers still fit in 64 bits


def integers(values: Any) -> np.ndarray:
    """Whole numbers of any size as an array.

    >>> integers([1, 2]).dtype, integers([1, 2**70]).dtype
    (dtype('int64'), dtype('O'))
    """
    array = np.array(values, dtype=object)
    return array.astype(np.int64) if largest(array) < SAFE else array


def largest(array: np.ndarray) -> int:
    """The greatest absolute value."""
    return max(int(array.max()), -int(array.min())) if array.size else 0


def kind_for(bound: int) -> Any:
    """The type of an array that holds numbers up to a bound, and their sums."""
    return np.int64 if bound < SAFE else object


def widened(arrays: Iterable[np.ndarray], bound: int) -> list[np.ndarray]:
    """The arrays, as Python integers where what is computed with them may exceed 64 bits."""
    kind = kind_for(bound)
    return [a.astype(kind, copy=False) for a in arrays]


def combined(terms: Sequence[tuple[int, np.ndarray]], constant: int = 0) -> np.ndarray:
    """constant + sum of k * array.

    >>> combined([(2**40, np.array([1, 2**30]))], 1).tolist()
    [1099511627777, 1180591620717411303425]
    """
    bound = abs(int(constant)) + sum(max(abs(int(k)), 1) * largest(a) for k, a in terms)
    arrays = widened((a for _, a in terms), bound)
    parts = [int(k) * a if k != 1 else a for (k, _), a in zip(terms, arrays, strict=True)]
    return sum(parts[1:], start=parts[0] + int(constant))


def ravel(points: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
    """The row-major numbers of index tuples, given axis by axis, in a shape of any size.

    >>> ravel([np.array([1]), np.array([2])], (2**40, 2**40)).tolist()
    [1099511627778]
    """
    if prod(shape) < SAFE:
        return np.asarray(np.ravel_multi_index(tuple(points), tuple(shape)))
    numbers = np.zeros(len(points[0]), dtype=object)
    for column, n in zip(points, shape, strict=True):
        numbers = numbers * int(n) + column
    return numbers


def unravel(numbers: np.ndarray, shape: Sequence[int]) -> list[np.ndarray]:
    """The index tuples with these numbers, axis by axis."""
    if prod(shape) < SAFE:
        return list(np.unravel_index(numbers, tuple(shape)))
    columns = []
    for n in reversed(shape):
        columns.append((numbers % int(n)).astype(np.int64))
        numbers = numbers // int(n)
    return columns[::-1]
