"""Irreducible representations of symmetric groups by Young's seminormal form, in rational matrices.

The standard tableaux of a partition are the basis. The swap of i and i + 1 acts on a tableau T, in which
i + 1 stands r diagonals to the right of i, by ``s T = T / r + T'`` and ``s T' = (1 - 1 / r^2) T - T' / r``,
with T' the tableau in which the two have changed places; without ``T'`` where that is none (r = 1, -1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from math import factorial, prod

from sympy import QQ, ImmutableMatrix
from sympy.polys.matrices import DomainMatrix

Partition = tuple[int, ...]
Tableau = tuple[int, ...]  # the row of each number


def partitions(n: int, largest: int | None = None) -> Iterator[Partition]:
    """The partitions of n, in decreasing order.

    >>> list(partitions(4))
    [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    """
    if n == 0:
        yield ()
    for first in range(min(n, largest or n), 0, -1):
        for rest in partitions(n - first, first):
            yield (first, *rest)


def conjugate(partition: Partition) -> Partition:
    """Rows for columns."""
    return tuple(sum(part > k for part in partition) for k in range(partition[0] if partition else 0))


def tableaux_count(partition: Partition) -> int:
    """How many standard tableaux there are, by their hooks (Frame, Robinson, Thrall 1954).

    >>> tableaux_count((3, 2))
    5
    """
    columns = conjugate(partition)
    hooks = (row - j + columns[j] - i - 1 for i, row in enumerate(partition) for j in range(row))
    return factorial(sum(partition)) // prod(hooks)


def tableaux(partition: Partition) -> Iterator[Tableau]:
    """The standard tableaux: numbers grow along rows and down columns."""
    if not partition:
        yield ()
        return
    for row, length in enumerate(partition):
        if row + 1 == len(partition) or partition[row + 1] < length:
            smaller = (*partition[:row], length - 1, *partition[row + 1 :])
            for rest in tableaux(tuple(part for part in smaller if part)):
                yield (*rest, row)


def swaps(partition: Partition) -> list[DomainMatrix]:
    """The matrices of the swaps of neighbours (0 1), (1 2), ..."""
    basis = list(tableaux(partition))
    number = {t: k for k, t in enumerate(basis)}
    return [_swap(basis, number, i) for i in range(sum(partition) - 1)]


def _swap(basis: list[Tableau], number: dict[Tableau, int], i: int) -> DomainMatrix:
    rows: dict[int, dict[int, object]] = {}
    for k, tableau in enumerate(basis):
        diagonals = _diagonal(tableau, i + 1) - _diagonal(tableau, i)
        rows.setdefault(k, {})[k] = QQ(1, diagonals)
        other = number.get((*tableau[:i], tableau[i + 1], tableau[i], *tableau[i + 2 :]))
        if other is not None and other != k:
            rows.setdefault(other, {})[k] = QQ(1) if k < other else 1 - QQ(1, diagonals**2)
    return DomainMatrix(rows, (len(basis), len(basis)), QQ)


def _diagonal(tableau: Tableau, i: int) -> int:
    """Column less row of a number."""
    return tableau[:i].count(tableau[i]) - tableau[i]


def images(partition: Partition, permutations: Sequence[Sequence[int]]) -> tuple[ImmutableMatrix, ...]:
    """The matrix of each permutation, given by the images of 0..n-1.

    >>> images((2, 1), [[1, 0, 2]])[0]
    Matrix([
    [-1, 0],
    [ 0, 1]])
    """
    neighbours = swaps(partition)
    count = tableaux_count(partition)
    one = DomainMatrix({k: {k: QQ(1)} for k in range(count)}, (count, count), QQ)
    made = (reduce(lambda a, i: a * neighbours[i], _word(p), one) for p in permutations)
    return tuple(ImmutableMatrix(m.to_Matrix()) for m in made)


def _word(permutation: Sequence[int]) -> list[int]:
    """Swaps of neighbours whose product is the permutation: those that sort it, the last one first."""
    values, word = list(permutation), []
    for end in range(len(values) - 1, 0, -1):
        for i in range(end):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
                word.append(i)
    return word[::-1]
