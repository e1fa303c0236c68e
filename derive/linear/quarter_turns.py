"""Monomial maps contained in a complexified Lie group: the exact quarter turns of its algebra.

Whatever commutes with X commutes with every power series of X: with ``exp(pi X / 2)`` when the eigenvalues of
X are i times integers, and with ``exp(i pi X / 2)`` when they are integers, as for a boost or a dilation.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm

import numpy as np

from derive.symmetry.monomial import Monomial

HIGHEST_FREQUENCY = 6
PRIME = 1_000_003  # sums of products of residues fit in 64 bits
COS, SIN = (1, 0, -1, 0), (0, 1, 0, -1)  # of multiples of a right angle
Matrix = np.ndarray  # of integers or Python fractions


def quarter_turn(x: Matrix, highest: int = HIGHEST_FREQUENCY) -> tuple[Matrix, Matrix] | None:
    """``exp(pi X / 2)`` or ``exp(i pi X / 2)`` as (real, imaginary) part, or None.

    X must be diagonalisable with eigenvalues i k, or k, for integers k up to ``highest``. With the even part
    E and the odd part O of the interpolation of ``k -> i^k``, the turn is ``E(X^2) + X O(X^2)``, O with a
    factor i for real eigenvalues.

    >>> real, imaginary = quarter_turn(np.array([[0, -1], [1, 0]]))
    >>> real.tolist(), imaginary.any()
    ([[Fraction(0, 1), Fraction(-1, 1)], [Fraction(1, 1), Fraction(0, 1)]], np.False_)
    """
    square, one = x @ x, np.eye(len(x), dtype=np.int64)
    for sign in (-1, 1):
        vanishing = x
        for top in range(1, highest + 1):
            vanishing = vanishing @ (square - sign * one * top**2)
            if not vanishing.any():
                even = [(sign * k**2, Fraction(COS[k % 4])) for k in range(top + 1)]
                odd = [(sign * k**2, Fraction(SIN[k % 4], k)) for k in range(1, top + 1)]
                real, turned = _interpolated(even, square, one), x @ _interpolated(odd, square, one)
                return (real + turned, turned * 0) if sign < 0 else (real, turned)
    return None


def _interpolated(nodes: Sequence[tuple[int, Fraction]], square: Matrix, one: Matrix) -> Matrix:
    """The polynomial with these values, at a matrix; by Horner, in integers where the matrix has integers."""
    coefficients = _coefficients(nodes)
    scale = lcm(*(c.denominator for c in coefficients))
    square, one = square.astype(object), one.astype(object)
    total = one * 0
    for c in reversed(coefficients):
        total = total @ square + one * int(c * scale)
    return total * Fraction(1, scale)


def _coefficients(nodes: Sequence[tuple[int, Fraction]]) -> list[Fraction]:
    """Those of the polynomial with these values, from the constant up (Lagrange)."""
    total = [Fraction(0)] * len(nodes)
    for at, value in nodes:
        term = [value]
        for other, _ in nodes:
            if other != at:
                shifted = [Fraction(0), *term]
                lowered = [*(c * other for c in term), Fraction(0)]
                term = [(a - b) / (at - other) for a, b in zip(shifted, lowered, strict=True)]
        total = [a + b for a, b in zip(total, term, strict=True)]
    return total


def as_monomial(real: Matrix, imaginary: Matrix) -> Monomial | None:
    """The monomial map with this matrix, when its entries are powers of i."""
    nonzero = (real != 0) | (imaginary != 0)
    if (nonzero.sum(axis=0) != 1).any() or (nonzero.sum(axis=1) != 1).any():
        return None
    image = nonzero.argmax(axis=0)
    at = (image, np.arange(len(real)))
    powers = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}
    phase = [powers.get(entry) for entry in zip(real[at], imaginary[at], strict=True)]
    return None if None in phase else Monomial(image, np.array(phase), 4)


def monomial_turns(elements: Sequence[tuple[Matrix, ...]]) -> list[tuple[Monomial, ...]]:
    """Quarter turns of a Lie algebra that are monomial on every factor of a tensor product.

    Single elements are tried first, then sums and differences of two of the others.

    Args:
        elements: for each generator of the algebra its matrix on each of the different factors.
    """
    turns = [_turns(e, HIGHEST_FREQUENCY) for e in elements]
    others = [e for e, t in zip(elements, turns, strict=True) if t is None]
    pairs = (
        tuple(a + s * b for a, b in zip(x, y, strict=True))
        for x, y in combinations(others, 2)
        for s in (-1, 1)
    )
    turns += [_turns(e, 1) for e in pairs]
    return [t for t in turns if t is not None]


def _turns(element: tuple[Matrix, ...], highest: int) -> tuple[Monomial, ...] | None:
    found: dict[int, Monomial] = {}
    for at in sorted(range(len(element)), key=lambda k: len(element[k])):  # small factors refuse sooner
        turn = quarter_turn(element[at], highest) if _seems_monomial(element[at], highest) else None
        monomial = None if turn is None else as_monomial(*turn)
        if monomial is None:
            return None
        found[at] = monomial
    return tuple(found[at] for at in range(len(element)))


def _seems_monomial(x: Matrix, highest: int) -> bool:
    """Whether the turn has one entry in each row and column modulo a prime; most soon show that not."""
    p = PRIME
    residues = np.array([_residue(v) for v in x.ravel().tolist()], dtype=np.int64).reshape(x.shape)
    square, one = residues @ residues % p, np.eye(len(x), dtype=np.int64)
    for sign in (-1, 1):
        powers = [one]  # of the product of square - sign k^2, k = 1, 2, ...
        for top in range(1, highest + 1):
            powers.append(powers[-1] @ (square - sign * top**2 * one) % p)
            if not (residues @ powers[-1] % p).any():
                return _is_sparse(residues, square, one, sign, top)
    return False


def _residue(value: int | Fraction) -> int:
    return int(value.numerator) * pow(int(value.denominator), -1, PRIME) % PRIME


def _is_sparse(x: Matrix, square: Matrix, one: Matrix, sign: int, top: int) -> bool:
    even = _modular([(sign * k**2, COS[k % 4]) for k in range(top + 1)], square, one)
    odd = [(sign * k**2, SIN[k % 4] * pow(k, -1, PRIME)) for k in range(1, top + 1)]
    turned = x @ _modular(odd, square, one) % PRIME
    entries = (even + turned) % PRIME != 0 if sign < 0 else (even != 0) | (turned != 0)
    return bool((entries.sum(axis=0) == 1).all() and (entries.sum(axis=1) == 1).all())


def _modular(nodes: Sequence[tuple[int, int]], square: Matrix, one: Matrix) -> Matrix:
    total = one * 0
    for at, value in nodes:
        term = one * (value % PRIME)
        for other, _ in nodes:
            if other != at and value:
                term = (term @ (square - one * other) % PRIME) * pow(at - other, -1, PRIME) % PRIME
        total = (total + term) % PRIME
    return total
