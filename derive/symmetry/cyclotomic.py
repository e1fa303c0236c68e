"""Sums of roots of unity, exactly: the numbers that sines, cosines and square roots of rationals are.

A number of ``Q(zeta)``, ``zeta = exp(2 pi i / N)``, is a sum of rational multiples of powers of zeta.
Exponents add in products, and the remainder modulo the N-th cyclotomic polynomial is the same for equal
numbers. No polynomial is factored on the way, so fields of large degree cost no more than their degree says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import comb, lcm
from typing import Any

from sympy import factorint

LARGEST_ORDER = 2_000


@dataclass(frozen=True)
class Cyclotomic:
    """``sum_k c_k zeta^k`` with ``zeta = exp(2 pi i / order)``, as (k, c_k) by increasing k, none zero."""

    order: int
    terms: tuple[tuple[int, Fraction], ...]

    def over(self, order: int) -> Cyclotomic:
        """The same number with roots of unity of a multiple of the order."""
        return Cyclotomic(order, tuple((k * (order // self.order), c) for k, c in self.terms))

    def __add__(self, other: Cyclotomic) -> Cyclotomic:
        order = lcm(self.order, other.order)
        return cyclotomic(order, (*self.over(order).terms, *other.over(order).terms))

    def __mul__(self, other: Cyclotomic) -> Cyclotomic:
        order = lcm(self.order, other.order)
        left, right = self.over(order).terms, other.over(order).terms
        return cyclotomic(order, [(a + b, x * y) for a, x in left for b, y in right])

    @property
    def conjugate(self) -> Cyclotomic:
        return cyclotomic(self.order, [(-k, c) for k, c in self.terms])

    @property
    def coefficients(self) -> tuple[Fraction, ...]:
        """On the powers of zeta below the degree of the field: equal exactly for equal numbers."""
        scale = lcm(*(c.denominator for _, c in self.terms))
        dense = [0] * self.order
        for k, c in self.terms:
            dense[k] = int(c * scale)
        return tuple(Fraction(c, scale) for c in remainder(dense, cyclotomic_polynomial(self.order)))

    @property
    def is_real(self) -> bool:
        return not any((self + self.conjugate * _MINUS).coefficients)


def cyclotomic(order: int, terms: Iterable[tuple[int, Fraction]]) -> Cyclotomic:
    """A sum of multiples of powers of a root of unity, exponents of any size."""
    total: dict[int, Fraction] = {}
    for k, c in terms:
        total[k % order] = total.get(k % order, Fraction(0)) + c
    return Cyclotomic(order, tuple(sorted((k, c) for k, c in total.items() if c)))


_MINUS = Cyclotomic(1, ((0, Fraction(-1)),))


def remainder(dense: Sequence[Any], monic: Sequence[int]) -> tuple[Any, ...]:
    """A polynomial modulo a monic one, both from the constant up."""
    left, degree = list(dense), len(monic) - 1
    places = [i for i, c in enumerate(monic[:-1]) if c]
    while len(left) > degree:
        top, at = left.pop(), len(left) - degree
        if top:
            for i in places:
                left[at + i] -= top * monic[i]
    return (*left, *[0] * (degree - len(left)))


def cyclotomic_polynomial(order: int) -> tuple[int, ...]:
    """The minimal polynomial of ``exp(2 pi i / order)``, from the constant up.

    >>> cyclotomic_polynomial(12)
    (1, 0, -1, 0, 1)
    """
    primes = sorted(factorint(order))
    found = [-1, 1]
    for p in primes:  # Phi_(n p)(x) = Phi_n(x^p) / Phi_n(x) for a prime p that does not divide n
        found = _divided(_stretched(found, p), found)
    return tuple(_stretched(found, order // reduce(lambda a, b: a * b, primes, 1)))


def _stretched(polynomial: Sequence[int], p: int) -> list[int]:
    out = [0] * ((len(polynomial) - 1) * p + 1)
    out[::p] = polynomial
    return out


def _divided(a: Sequence[int], monic: Sequence[int]) -> list[int]:
    left, degree, quotient = list(a), len(monic) - 1, []
    while len(left) > degree:
        top, at = left.pop(), len(left) - degree
        quotient.append(top)
        for i, c in enumerate(monic[:-1]):
            left[at + i] -= top * c
    return quotient[::-1]


# ---- the real numbers among them: polynomials in t = zeta + 1 / zeta ------------------------------------


def real_polynomial(order: int) -> tuple[int, ...]:
    """The minimal polynomial of ``2 cos(2 pi / order)``, order > 2, from the constant up.

    >>> real_polynomial(7)
    (-1, -2, 1, 1)
    """
    left = list(cyclotomic_polynomial(order))  # a palindrome: peel off (t^j, centred) from the outside
    degree = (len(left) - 1) // 2
    found = [0] * (degree + 1)
    for j in range(degree, -1, -1):
        top = left[degree + j]
        found[j] = top
        for i in range(j + 1):
            left[degree + j - 2 * i] -= top * comb(j, i)
    return tuple(found)


def double_cosines(order: int) -> list[tuple[int, ...]]:
    """``2 cos(2 pi k / order)`` for k = 0 ... order / 2, as polynomials in the one with k = 1."""
    monic = real_polynomial(order)
    found = [remainder([2], monic), remainder([0, 1], monic)]
    while len(found) <= order // 2:
        shifted = remainder([0, *found[-1]], monic)
        found.append(tuple(a - b for a, b in zip(shifted, found[-2], strict=True)))
    return found


def order_of_field(monic: tuple[int, ...]) -> tuple[int, bool] | None:
    """The N for which a polynomial is that of ``zeta_N``, or of ``2 cos(2 pi / N)`` (True), if there is one.

    >>> order_of_field((-2, 0, 1)), order_of_field((1, 0, 1)), order_of_field((-7, 0, 1))
    ((8, True), (4, False), None)
    """
    degree = len(monic) - 1
    totients = _totients(min(12 * degree, LARGEST_ORDER))
    for real, whole in ((True, 2 * degree), (False, degree)):
        make = real_polynomial if real else cyclotomic_polynomial
        for order in range(3, min(6 * whole, LARGEST_ORDER) + 1):  # N < 6 phi(N) for all these N
            if totients[order] == whole and make(order) == monic:
                return order, real
    return None


def _totients(top: int) -> list[int]:
    """Euler's function of 0 ... top."""
    found = list(range(top + 1))
    for p in range(2, top + 1):
        if found[p] == p:  # a prime, as nothing was taken from it
            for k in range(p, top + 1, p):
                found[k] -= found[k] // p
    return found
