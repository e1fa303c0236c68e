"""Number theory for exact elimination: primes that split a field, interpolation, rational reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, isqrt

import numpy as np
from sympy import isprime

from derive.symmetry.residues import element_of_order

FIRST_PRIME = 2**31 - 1  # products of residues fit in 64 bits


def next_split_prime(polynomial: tuple[int, ...], p: int) -> tuple[int, tuple[int, ...]]:
    """The next prime below p modulo which an integer polynomial has distinct roots, with the roots."""
    from sympy import prevprime

    while True:
        p = int(prevprime(p))
        roots = (0,) if len(polynomial) == 2 else _distinct_roots(polynomial, p)
        if roots is not None:
            return p, roots


def _distinct_roots(polynomial: tuple[int, ...], p: int) -> tuple[int, ...] | None:
    """The roots modulo p, when there are as many as the degree."""
    from sympy.polys.domains import ZZ
    from sympy.polys.galoistools import gf_factor, gf_from_int_poly, gf_gcd, gf_pow_mod, gf_sub

    f = gf_from_int_poly([ZZ(c % p) for c in reversed(polynomial)], p)
    power = gf_pow_mod([ZZ(1), ZZ(0)], p, f, p, ZZ)
    split = gf_sub(power, [ZZ(1), ZZ(0)], p, ZZ)
    if split and gf_gcd(f, split, p, ZZ) != f:
        return None
    factors = gf_factor(f, p, ZZ)[1]
    if any(multiplicity > 1 for _, multiplicity in factors):
        return None
    return tuple(sorted(-int(g[-1]) % p for g, _ in factors))


def next_cyclotomic_prime(order: int, real: bool, p: int) -> tuple[int, tuple[int, ...]]:
    """The next prime below p that is 1 modulo the order, and the roots modulo it.

    They are the w of that order for the polynomial of ``exp(2 pi i / order)``, and ``w + 1 / w`` for that of
    ``2 cos(2 pi / order)``.
    """
    p -= (p - 1) % order or order
    while not isprime(p):
        p -= order
    root = element_of_order(order, p)
    units = [pow(root, k, p) for k in range(order) if gcd(k, order) == 1]
    return p, tuple(sorted({(w + pow(w, -1, p)) % p if real else w for w in units}))


def inverse_vandermonde(roots: Sequence[int], p: int) -> np.ndarray:
    """The coefficients of each power in the Lagrange polynomials of the roots, modulo p."""
    out = np.zeros((len(roots), len(roots)), dtype=object)
    for s, root in enumerate(roots):
        polynomial, scale = [1], 1
        for other in (*roots[:s], *roots[s + 1 :]):
            shifted = [0, *polynomial]
            polynomial = [(a - other * b) % p for a, b in zip(shifted, [*polynomial, 0], strict=True)]
            scale = scale * (root - other) % p
        inverse = pow(scale, -1, p)
        out[:, s] = [c * inverse % p for c in polynomial]
    return out


def fraction(c: int, modulus: int) -> Fraction | None:
    """Rational reconstruction by the extended Euclidean algorithm (Wang 1981)."""
    bound = isqrt(modulus // 2)
    r0, r1, s0, s1 = modulus, c, 0, 1
    while r1 > bound:
        q = r0 // r1
        r0, r1, s0, s1 = r1, r0 - q * r1, s1, s0 - q * s1
    if abs(s1) > bound or s1 == 0 or gcd(r1, abs(s1)) != 1:
        return None
    return Fraction(r1, s1)
