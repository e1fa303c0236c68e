"""The last resort of counting: the nullity of the equations modulo a prime, an upper bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sympy import Poly, Symbol, prevprime

from derive.errors import DeriveError
from derive.symmetry.exact import over_common_field
from derive.symmetry.groups import Group
from derive.symmetry.pieces import Piece

UNKNOWN_LIMIT = 1_500
LARGEST_PRIME = 2**26
METHOD = "nullity modulo a prime (an upper bound)"


def modular_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter that solves ``rho_W(g) A = A rho_V(g)`` modulo a prime.

    Reduction modulo a prime can only lose rank, so the nullity is at least the dimension.
    """
    if not group.generators or unknowns > UNKNOWN_LIMIT:
        return None
    try:
        reduced = _reduced(group, pieces)
    except DeriveError:
        return None
    if reduced is None:
        return None
    matrices, prime = reduced

    def count(p: Piece, q: Piece) -> int:
        space = np.eye(p.dim * q.dim, dtype=np.int64).reshape(-1, q.dim, p.dim)
        for g in range(len(group.generators)):
            if len(space) == 0:
                break
            moved = (matrices[q][g] @ space - space @ matrices[p][g]) % prime
            combinations = left_kernel(moved.reshape(len(space), -1), prime)
            space = (combinations @ space.reshape(len(space), -1) % prime).reshape(-1, q.dim, p.dim)
        return len(space)

    return count, METHOD


def _reduced(group: Group, pieces: list[Piece]) -> tuple[dict[Piece, list[np.ndarray]], int] | None:
    """Every matrix modulo a prime to which the number field maps."""
    flat = over_common_field([p.matrix(g) for p in pieces for g in group.generators])
    prime = LARGEST_PRIME
    for _ in range(500):
        prime = prevprime(prime)
        root = _root(flat[0].domain, prime)
        if root is None:
            continue
        try:
            arrays = [_modulo(m, root, prime) for m in flat]
        except ZeroDivisionError:
            continue
        n = len(group.generators)
        return {p: arrays[i * n : (i + 1) * n] for i, p in enumerate(pieces)}, prime
    return None


def _root(domain: Any, prime: int) -> int | None:
    """The image of the primitive element: a root of its minimal polynomial modulo the prime."""
    if not domain.is_Algebraic:
        return 0
    coefficients = (
        [int(c) for c in domain.mod.to_list()]
        if all(c.denominator == 1 for c in domain.mod.to_list())
        else []
    )
    if not coefficients:
        return None
    x = Symbol("x")
    factors = Poly(coefficients, x, modulus=prime).factor_list()[1]
    linear = [f for f, _ in factors if f.degree() == 1]
    return int(-linear[0].eval(0)) % prime if linear else None


def _modulo(m: Any, root: int, prime: int) -> np.ndarray:
    entries = [[_reduce(e, m.domain, root, prime) for e in row] for row in m.to_list()]
    return np.array(entries, dtype=np.int64)


def _reduce(value: Any, domain: Any, root: int, prime: int) -> int:
    coefficients = value.to_list() if domain.is_Algebraic else [value]
    total = 0
    for c in coefficients:
        if int(c.denominator) % prime == 0:
            raise ZeroDivisionError
        total = (total * root + int(c.numerator) * pow(int(c.denominator), -1, prime)) % prime
    return total


def left_kernel(m: np.ndarray, prime: int) -> np.ndarray:
    """A basis of the x with ``x m = 0`` modulo the prime."""
    rows, columns = m.shape
    work = np.concatenate([m % prime, np.eye(rows, dtype=np.int64)], axis=1)
    at = 0
    for c in range(columns):
        pivots = np.flatnonzero(work[at:, c])
        if not len(pivots):
            continue
        pivot = at + int(pivots[0])
        work[[at, pivot]] = work[[pivot, at]]
        work[at] = work[at] * pow(int(work[at, c]), -1, prime) % prime
        below = at + 1 + np.flatnonzero(work[at + 1 :, c])
        work[below] = (work[below] - work[below, c][:, None] * work[at][None, :]) % prime
        at += 1
        if at == rows:
            break
    return work[at:, columns:]
