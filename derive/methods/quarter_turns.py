"""Signed permutations contained in a Lie group: the exact quarter turns exp(pi X / 2) of its algebra."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from derive.symmetry.monomial import Monomial

HIGHEST_FREQUENCY = 6
Matrix = np.ndarray  # of integers or Python fractions


def quarter_turn(x: Matrix, highest: int = HIGHEST_FREQUENCY) -> Matrix | None:
    """``exp(pi X / 2)`` when X is diagonalisable with eigenvalues i k, k up to ``highest``; otherwise None.

    With the even part E and the odd part O of the interpolation of ``i k -> i^k``, it is ``E(X^2) + X O(X^2)``.

    >>> quarter_turn(np.array([[0, -1], [1, 0]])).tolist()
    [[Fraction(0, 1), Fraction(-1, 1)], [Fraction(1, 1), Fraction(0, 1)]]
    """
    square, one, vanishing = x @ x, np.eye(len(x), dtype=np.int64), x
    for top in range(1, highest + 1):
        vanishing = vanishing @ (square + one * top**2)
        if not vanishing.any():
            even = [(-(k**2), Fraction((1, 0, -1, 0)[k % 4])) for k in range(top + 1)]
            odd = [(-(k**2), Fraction((0, 1, 0, -1)[k % 4], k)) for k in range(1, top + 1)]
            return _interpolated(even, square, one) + x @ _interpolated(odd, square, one)
    return None


def _interpolated(nodes: Sequence[tuple[int, Fraction]], square: Matrix, one: Matrix) -> Matrix:
    total = one * Fraction(0)
    for at, value in nodes:
        term = one * value
        for other, _ in nodes:
            if other != at and value:
                term = term @ (square - one * other) * Fraction(1, at - other)
        total = total + term
    return total


def signed_permutation(m: Matrix) -> Monomial | None:
    """The monomial map with this matrix, when it is one with entries 1 and -1."""
    nonzero = m != 0
    if (nonzero.sum(axis=0) != 1).any() or (nonzero.sum(axis=1) != 1).any():
        return None
    image = nonzero.argmax(axis=0)
    entries = m[image, np.arange(len(m))]
    if any(abs(e) != 1 for e in entries):
        return None
    return Monomial(image, np.array([int(e < 0) for e in entries]), 2)


def signed_permutations(elements: Sequence[tuple[Matrix, ...]]) -> list[tuple[Monomial, ...]]:
    """Quarter turns in a Lie algebra that are signed permutations on every factor of a tensor product.

    Single elements are tried first, then sums and differences of two of the others.

    Args:
        elements: for each generator of the algebra its matrix on each of the different factors.
    """
    turns = [_monomial_turns(e, HIGHEST_FREQUENCY) for e in elements]
    others = [e for e, t in zip(elements, turns, strict=True) if t is None]
    pairs = (tuple(a + s * b for a, b in zip(x, y, strict=True)) for x, y in combinations(others, 2) for s in (-1, 1))
    turns += [_monomial_turns(e, 1) for e in pairs]
    return [t for t in turns if t is not None]


def _monomial_turns(element: tuple[Matrix, ...], highest: int) -> tuple[Monomial, ...] | None:
    found = []
    for m in element:
        turn = quarter_turn(m, highest)
        monomial = None if turn is None else signed_permutation(turn)
        if monomial is None:
            return None
        found.append(monomial)
    return tuple(found)
