"""Number fields modulo primes: the maps from their numbers to integers modulo p."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
from sympy import Poly, Symbol, factorint, isprime
from sympy.polys.domains import ZZ
from sympy.polys.galoistools import (
    gf_edf_zassenhaus,
    gf_from_int_poly,
    gf_gcd,
    gf_pow_mod,
    gf_rem,
    gf_sub,
)

from derive.symmetry.cyclotomic import order_of_field

BELOW = 2**26  # so that sums of products of residues fit in 64 bits
TRIED = 4_000


class NotIntegralError(ArithmeticError):
    """A denominator is divisible by the prime."""


@dataclass(frozen=True)
class Residues:
    """A prime, and the number modulo it that stands for the generator of a field: a ring homomorphism."""

    prime: int
    root: int

    def of(self, value: Any, domain: Any) -> int:
        """A number of the field modulo the prime.

        Raises:
            NotIntegralError: its denominator is divisible by the prime.
        """
        total = 0
        for c in _coefficients(value, domain):
            below = int(c.denominator) % self.prime
            if not below:
                raise NotIntegralError
            total = (total * self.root + int(c.numerator) * pow(below, -1, self.prime)) % self.prime
        return total

    def array(self, m: Any) -> np.ndarray:
        """A matrix over the field modulo the prime."""
        known: dict[Any, int] = {m.domain.zero: 0, m.domain.one: 1}
        rows = m.to_list()
        for value in {id(e): e for row in rows for e in row}.values():
            if value not in known:
                known[value] = self.of(value, m.domain)
        return np.array([[known[e] for e in row] for row in rows], dtype=np.int64).reshape(m.shape)


def _coefficients(value: Any, domain: Any) -> list[Any]:
    """On powers of the generator, the highest first."""
    if domain.is_QQ_I:
        return [value.y, value.x]
    return value.to_list() if domain.is_Algebraic else [value]


def residues(domain: Any, order: int = 1) -> Iterator[Residues]:
    """Homomorphisms from a field, the rationals or a number field, for falling primes, 1 modulo the order.

    Each prime appears once. Primes modulo which the field has no root are left out.
    """
    monic = _polynomial(domain)
    known = order_of_field(monic) if len(monic) > 2 else None
    step = lcm(order, known[0] if known else 1, 2)
    candidates = range(BELOW - (BELOW - 1) % step, 2, -step)
    for _, prime in zip(range(TRIED), (p for p in candidates if isprime(p)), strict=False):
        root = _root(monic, known, prime)
        if root is not None:
            yield Residues(prime, root)


def _polynomial(domain: Any) -> tuple[int, ...]:
    """An integer polynomial of the generator, from the constant up; it need not be monic."""
    if domain.is_QQ_I:
        return (1, 0, 1)
    if not domain.is_Algebraic:
        return (0, 1)
    coefficients = domain.mod.to_list()
    scale = lcm(*(int(c.denominator) for c in coefficients))
    return tuple(int(c.numerator) * (scale // int(c.denominator)) for c in reversed(coefficients))


def _root(polynomial: tuple[int, ...], known: tuple[int, bool] | None, prime: int) -> int | None:
    if len(polynomial) == 2:
        return -polynomial[0] * pow(polynomial[1], -1, prime) % prime
    if known is not None:
        w = element_of_order(known[0], prime)
        return (w + pow(w, -1, prime)) % prime if known[1] else w
    factors = Poly(list(reversed(polynomial)), Symbol("x"), modulus=prime).factor_list()[1]
    linear = [f for f, many in factors if f.degree() == 1 and many == 1]
    return int(-linear[0].eval(0)) % prime if linear else None


def element_of_order(order: int, prime: int) -> int:
    """A root of unity of exactly this order modulo a prime that is 1 modulo it."""
    primes = [int(q) for q in factorint(order)]
    powers = (pow(g, (prime - 1) // order, prime) for g in range(2, prime))
    return next(w for w in powers if all(pow(w, order // q, prime) != 1 for q in primes))


def inverse(m: np.ndarray, prime: int) -> np.ndarray:
    """The inverse of a matrix modulo a prime.

    Raises:
        NotIntegralError: the determinant is divisible by the prime.
    """
    size = len(m)
    work = np.concatenate([m % prime, np.eye(size, dtype=np.int64)], axis=1)
    for c in range(size):
        hits = np.flatnonzero(work[c:, c])
        if not len(hits):
            raise NotIntegralError
        work[[c, c + hits[0]]] = work[[c + hits[0], c]]
        work[c] = work[c] * pow(int(work[c, c]), -1, prime) % prime
        others = np.flatnonzero(work[:, c])
        others = others[others != c]
        work[others] = (work[others] - work[others, c, None] * work[c]) % prime
    return work[:, size:]


def kernel(m: np.ndarray, prime: int) -> tuple[np.ndarray, list[int]]:
    """The x with ``m x = 0`` as columns, and the rows in which these columns are the identity."""
    work, size = m % prime, m.shape[1]
    pivots: list[int] = []
    for c in range(size):
        at = len(pivots)
        hits = np.flatnonzero(work[at:, c])
        if not len(hits):
            continue
        work[[at, at + hits[0]]] = work[[at + hits[0], at]]
        work[at] = work[at] * pow(int(work[at, c]), -1, prime) % prime
        others = np.flatnonzero(work[:, c])
        others = others[others != at]
        work[others] = (work[others] - work[others, c, None] * work[at]) % prime
        pivots.append(c)
    free = [c for c in range(size) if c not in pivots]
    basis = np.zeros((size, len(free)), dtype=np.int64)
    basis[free, range(len(free))] = 1
    basis[pivots] = -work[: len(pivots)][:, free] % prime
    return basis, free


def eigenspaces(m: np.ndarray, prime: int) -> dict[int, np.ndarray] | None:
    """The eigenvalues modulo a prime, each with a basis as columns; None where these do not span.

    >>> sorted(eigenspaces(np.array([[0, 1], [1, 0]]), 7)), eigenspaces(np.array([[0, -1], [1, 0]]), 7)
    ([1, 6], None)
    """
    size = len(m)
    found = {
        x: kernel(m - x * np.eye(size, dtype=np.int64), prime)[0] for x in _roots(_charpoly(m, prime), prime)
    }
    return found if sum(b.shape[1] for b in found.values()) == size else None


def _charpoly(m: np.ndarray, prime: int) -> list[int]:
    """The characteristic polynomial, the highest power first (Faddeev and LeVerrier)."""
    one = np.eye(len(m), dtype=np.int64)
    coefficients, power = [1], one
    for k in range(1, len(m) + 1):
        moved = m @ power % prime
        coefficients.append(-int(np.trace(moved)) * pow(k, -1, prime) % prime)
        power = (moved + coefficients[-1] * one) % prime
    return coefficients


def _roots(polynomial: list[int], prime: int) -> list[int]:
    """The roots of a polynomial modulo a prime, the highest power first."""
    f = gf_from_int_poly(polynomial, prime)
    power = (
        gf_pow_mod([ZZ(1), ZZ(0)], prime, f, prime, ZZ)
        if len(f) > 2
        else gf_rem([ZZ(1), ZZ(0)], f, prime, ZZ)
    )
    split = gf_gcd(f, gf_sub(power, [ZZ(1), ZZ(0)], prime, ZZ), prime, ZZ)
    linear = gf_edf_zassenhaus(split, 1, prime, ZZ) if len(split) > 2 else [split][: len(split) - 1]
    return [-int(g[-1]) % prime for g in linear]
