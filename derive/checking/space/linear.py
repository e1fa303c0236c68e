"""Exact linear algebra for the checker of derivations on R^n: ranks and null spaces modulo primes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from sympy import MatrixBase, SparseMatrix

from derive.checking.terms import false
from derive.symmetry.algebraic import common_domain
from derive.symmetry.residues import residues


def rank(matrix: MatrixBase) -> int:
    """The rank modulo a prime, which is at most the true one."""
    if not matrix.rows or not matrix.cols:
        return 0
    entries = SparseMatrix(matrix).todok()
    domain, values = common_domain(list(entries.values()))
    residue = next(residues(domain))
    m = np.zeros(matrix.shape, dtype=np.int64)
    for (i, j), value in zip(entries, values, strict=False):
        m[i, j] = residue.of(value, domain)
    return _rank(m, residue.prime)


def _rank(m: np.ndarray, p: int) -> int:
    found = 0
    for j in range(m.shape[1]):
        hits = np.flatnonzero(m[found:, j])
        if not len(hits):
            continue
        m[[found, found + hits[0]]] = m[[found + hits[0], found]]
        m[found] = m[found] * pow(int(m[found, j]), -1, p) % p
        below = found + 1 + np.flatnonzero(m[found + 1 :, j])
        m[below] = (m[below] - m[below, j, None] * m[found]) % p
        found += 1
        if found == len(m):
            break
    return found


def commuting_equations(
    pairs: Sequence[tuple[MatrixBase, MatrixBase]], rows: int, columns: int
) -> MatrixBase:
    """``out X - X into = 0`` for every pair, as one matrix on the entries of X in rows."""
    entries: dict[tuple[int, int], Any] = {}
    for k, (out, into) in enumerate(pairs):
        start = k * rows * columns
        for (i, j), value in SparseMatrix(out).todok().items():
            for c in range(columns):
                _add(entries, (start + i * columns + c, j * columns + c), value)
        for (i, j), value in SparseMatrix(into).todok().items():
            for r in range(rows):
                _add(entries, (start + r * columns + j, r * columns + i), -value)
    return SparseMatrix(max(len(pairs), 1) * rows * columns, rows * columns, entries)


def _add(entries: dict[tuple[int, int], Any], at: tuple[int, int], value: Any) -> None:
    entries[at] = entries.get(at, 0) + value


def require_general(matrix: MatrixBase, pairs: Sequence[tuple[MatrixBase, MatrixBase]], shown: Any) -> int:
    """The matrix commutes, has independent free weights, and as many as the equations leave; their number.

    A solution that commutes exactly with as many independent weights as the equations leave modulo a prime,
    which are not fewer than they leave, is the general one.
    """
    for out, into in pairs:
        if any(sympy.radsimp(sympy.expand(x)) != 0 for x in out * matrix - matrix * into):
            raise false("must commute with what is stated", shown)
    weights = sorted(matrix.atoms(sympy.Indexed), key=str)
    rows, columns = matrix.shape
    flat = sympy.Matrix(rows * columns, 1, list(matrix))
    parts = [flat.applyfunc(lambda x, w=w: sympy.expand(x).coeff(w)) for w in weights]
    left = flat - sum((part * w for part, w in zip(parts, weights, strict=True)), flat * 0)
    if any(sympy.expand(x) != 0 for x in left):
        raise false("must be linear in its free weights", shown)
    if parts and rank(sympy.Matrix.hstack(*parts)) < len(parts):
        raise false("must have independent free weights", shown)
    if rows * columns - rank(commuting_equations(pairs, rows, columns)) != len(weights):
        raise false("must have as many free weights as the equations leave", shown)
    return len(weights)
