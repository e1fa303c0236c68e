"""The last resort of counting: the nullity of the equations modulo a prime, an upper bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from derive.errors import DeriveError
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group
from derive.symmetry.residues import NotIntegralError, residues

UNKNOWN_LIMIT = 1_500
PRIMES = 2
METHOD = "nullity modulo a prime (an upper bound)"


def modular_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter that solves ``rho_W(g) A = A rho_V(g)`` modulo a prime.

    Reduction modulo a prime can only lose rank, so every nullity is at least the dimension. A prime at which
    it is larger is rare: the least of the nullities modulo `PRIMES` primes counts.
    """
    if not group.generators or unknowns > UNKNOWN_LIMIT:
        return None
    try:
        flat = over_common_field([p.matrix(g) for p in pieces for g in group.generators])
    except DeriveError:
        return None
    reduced = list(islice(_reduced(group, pieces, flat), PRIMES))
    if not reduced:
        return None
    return lambda p, q: min(_nullity(matrices[p], matrices[q], prime) for matrices, prime in reduced), METHOD


def _nullity(into: list[np.ndarray], out: list[np.ndarray], prime: int) -> int:
    space = np.eye(len(into[0]) * len(out[0]), dtype=np.int64).reshape(-1, len(out[0]), len(into[0]))
    for x, y in zip(into, out, strict=True):
        if len(space) == 0:
            break
        moved = (y @ space - space @ x) % prime
        combinations = left_kernel(moved.reshape(len(space), -1), prime)
        space = (combinations @ space.reshape(len(space), -1) % prime).reshape(-1, len(out[0]), len(into[0]))
    return len(space)


def _reduced(
    group: Group, pieces: list[Piece], flat: list[Any]
) -> Iterator[tuple[dict[Piece, list[np.ndarray]], int]]:
    """Every matrix modulo a prime to which the number field maps, prime after prime."""
    n = len(group.generators)
    for residue in residues(flat[0].domain):
        try:
            arrays = [residue.array(m) for m in flat]
        except NotIntegralError:
            continue
        yield {p: arrays[i * n : (i + 1) * n] for i, p in enumerate(pieces)}, residue.prime


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
