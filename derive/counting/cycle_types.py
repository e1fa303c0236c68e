"""Counts for symmetric, alternating and hyperoctahedral groups: character averages over cycle types.

The numbers c_d of d-cycles of a random permutation of n points have the factorial moments
``E[prod (c_d)_(m_d)] = prod d^-m_d`` when ``sum d m_d <= n`` and 0 otherwise, for every n (Goncharov 1944).
Signed permutations have cycles of two kinds, by the product of their signs, each at half that rate. So the
average of any polynomial in cycle numbers is a finite sum that does not grow with n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.counting.ring import atoms_of, character
from derive.symmetry.elements import orbit_labels
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.group import Group
from derive.symmetry.monomial import Monomial

METHOD = "character average over cycle types"
JORDAN_LIMIT = 2_000
# A variable is (length of a cycle, product of its signs).
Variable = tuple[int, int]
Monomials = tuple[tuple[Variable, int], ...]
# The characters "sign of the permutation" and "product of the signs", as exponents modulo 2.
Twist = tuple[int, int]


@dataclass(frozen=True)
class CyclePolynomial:
    """A polynomial in cycle numbers, times one-dimensional characters."""

    terms: tuple[tuple[tuple[Twist, Monomials], Fraction], ...]

    def __add__(self, other: CyclePolynomial) -> CyclePolynomial:
        return collect([*self.terms, *other.terms])

    def __mul__(self, other: Any) -> CyclePolynomial:
        if not isinstance(other, CyclePolynomial):
            return collect([(k, v * other) for k, v in self.terms])
        return collect([(_times(a, b), x * y) for a, x in self.terms for b, y in other.terms])


def collect(terms: list[tuple[tuple[Twist, Monomials], Fraction]]) -> CyclePolynomial:
    """Add like terms."""
    total: dict[Any, Fraction] = {}
    for key, value in terms:
        total[key] = total.get(key, Fraction(0)) + value
    return CyclePolynomial(tuple((k, v) for k, v in total.items() if v))


def _times(a: tuple[Twist, Monomials], b: tuple[Twist, Monomials]) -> tuple[Twist, Monomials]:
    powers = dict(a[1])
    for variable, e in b[1]:
        powers[variable] = powers.get(variable, 0) + e
    return ((a[0][0] + b[0][0]) % 2, (a[0][1] + b[0][1]) % 2), tuple(sorted(powers.items()))


ONE = CyclePolynomial(((((0, 0), ()), Fraction(1)),))


def cycle_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter for S_n, A_n and B_n on pieces made of the natural representation and sign characters."""
    kind = _kind(group, pieces)
    if kind is None:
        return None
    letter, n = kind
    if any(_atom(a, 1, group, letter) is None for p in pieces for a in atoms_of(p)):
        return None

    def value(piece: Piece) -> CyclePolynomial:
        atom: Any = lambda a, at: _atom(a, at, group, letter)  # noqa: E731
        return character(piece, 1, atom, ONE, lambda x, k: x * Fraction(1, k))

    def count(p: Piece, q: Piece) -> int:
        # These characters are real, so chi(g^-1) = chi(g).
        total = expectation(value(p) * value(q), letter, n)
        return int(total)

    return count, METHOD


def _kind(group: Group, pieces: list[Piece]) -> tuple[str, int] | None:
    if group.family is not None and group.family.type in "SAB":
        return group.family.type, group.family.n
    if group.given_by != "permutations" or not group.given or not group.faithful:
        return None
    maps = [m.image for m in group.given if isinstance(m, Monomial)]
    return contains_alternating(maps)


def contains_alternating(generators: list[np.ndarray]) -> tuple[str, int] | None:
    """("S", n) or ("A", n) when a proof is found that the permutations generate that group.

    A transitive group of degree n with an element that has a cycle of prime length p, ``n/2 < p < n - 2``,
    contains the alternating group (Jordan 1873). Products of generators are tried in a fixed order.
    """
    n = len(generators[0])
    if len(generators) < 2 or not 8 <= n <= JORDAN_LIMIT or orbit_labels(generators, n).max() > 0:
        return None
    primes = {p for p in range(n // 2 + 1, n - 2) if all(p % q for q in range(2, int(p**0.5) + 1))}
    random = np.random.default_rng(0)
    product = generators[0]
    for _ in range(40 * n.bit_length()):
        product = generators[random.integers(len(generators))][product]
        for _ in range(3):
            product = generators[random.integers(len(generators))][product]
        lengths = np.bincount(orbit_labels([product], n))
        if primes & set(lengths.tolist()):
            odd = any((n - 1 - int(orbit_labels([g], n).max())) % 2 for g in generators)
            return ("S" if odd else "A"), n
    return None


def _atom(atom: Atom, at: int, group: Group, letter: str) -> CyclePolynomial | None:
    """The character of an atom at g^at: of the natural representation, or a product of sign characters."""
    if atom.images == group.given:
        return _natural(at, letter == "B")
    if atom.dim > 1 or not all(isinstance(m, Monomial) and m.order <= 2 for m in atom.images):
        return None
    values = [int(m.phase[0]) for m in atom.images if isinstance(m, Monomial)]
    for twist in ((0, 0), (1, 0), (0, 1), (1, 1)):
        if values == [_twisted(m, twist) for m in group.given or ()]:
            odd = (twist[0] * at % 2, twist[1] * at % 2)
            return CyclePolynomial((((odd, ()), Fraction(1)),))
    return None


def _twisted(image: Any, twist: Twist) -> int:
    """The exponent of -1 in the character ``twist`` of a signed permutation."""
    parity = image.dim - 1 - int(orbit_labels([image.image], image.dim).max())
    signs = int(image.phase.sum()) if image.order == 2 else 0
    return (twist[0] * parity + twist[1] * signs) % 2


def _natural(at: int, signed: bool) -> CyclePolynomial:
    """The trace of g^at: a d-cycle contributes d when d divides ``at``, with the sign of its power."""
    at = abs(at)
    terms: list[Any] = []
    for d in (d for d in range(1, at + 1) if at % d == 0):
        terms.append((((0, 0), (((d, 1), 1),)), Fraction(d)))
        if signed:
            terms.append((((0, 0), (((d, -1), 1),)), Fraction(d * (-1) ** (at // d))))
    return collect(terms)


def expectation(polynomial: CyclePolynomial, letter: str, n: int) -> Fraction:
    """The average over the group."""
    total = Fraction(0)
    for (twist, monomial), coefficient in polynomial.terms:
        total += coefficient * _average(twist, monomial, n, letter == "B")
        if letter == "A":
            total += coefficient * _average(((twist[0] + 1) % 2, 0), monomial, n, False)
    return total if letter != "A" or n > 1 else total / 2


def _average(twist: Twist, monomial: Monomials, n: int, signed: bool) -> Fraction:
    """Powers are written in falling factorials with Stirling numbers, then averaged one by one."""
    expanded: list[tuple[int, Fraction]] = [(0, Fraction(1))]
    for (d, s), e in monomial:
        rate = Fraction((-1) ** ((d - 1) * twist[0]) * s ** twist[1], d * (2 if signed else 1))
        row = stirling(e)
        expanded = [
            (used + d * j, x * row[j] * rate**j) for used, x in expanded for j in range(e + 1) if row[j]
        ]
    return sum((x * _rest(n - used, twist, signed) for used, x in expanded), Fraction(0))


def _rest(left: int, twist: Twist, signed: bool) -> int:
    """The average of the character over the permutations of the points that are left."""
    if left < 0:
        return 0
    if signed and twist[1]:
        return int(left == 0)
    return int(left <= 1) if twist[0] else 1


def stirling(n: int) -> list[int]:
    """Stirling numbers of the second kind, ``x^n = sum_j S(n, j) (x)_j``."""
    row = [1]
    for _ in range(n):
        row = [(row[j - 1] if j else 0) + (j * row[j] if j < len(row) else 0) for j in range(len(row) + 1)]
    return row
