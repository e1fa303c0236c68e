"""Matrices of polynomials as the checker of derivations on R^n reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import MatrixBase, SparseMatrix

from derive.checking.space.linear import rank
from derive.checking.terms import false


def displacement_letters(matrices: Sequence[MatrixBase], dim: int) -> list[sympy.Symbol]:
    """d_1, d_2, ...: the only letters that polynomials may have."""
    letters = [sympy.Symbol(f"d_{k + 1}", real=True) for k in range(dim)]
    for m in matrices:
        if not m.free_symbols <= set(letters):
            raise false(f"must be polynomials in d_1..d_{dim}", m)
    return letters


def require_equivariant(
    matrix: MatrixBase, actions: Sequence[Any], letters: Sequence[sympy.Symbol], shown: Any
) -> None:
    """P(M d) into = out P(d) for every generator, by substitution; the derivative for one of an algebra."""
    d = sympy.Matrix(letters)
    for action in actions:
        moved = action.move * d
        if action.infinitesimal:
            slopes = zip(letters, moved, strict=True)
            there = sum((matrix.diff(x) * v for x, v in slopes), matrix * 0)
            gap = there + matrix * action.into - action.out * matrix
        else:
            there = matrix.xreplace(dict(zip(letters, moved, strict=True)))
            gap = there * action.into - action.out * matrix
        if any(not _vanishes(x, letters) for x in gap):
            raise false(f"must satisfy the constraint of {action.name}", shown)


def _vanishes(value: Any, letters: Sequence[sympy.Symbol]) -> bool:
    value = sympy.expand(value)
    if value == 0:
        return True
    return all(sympy.simplify(c) == 0 for c in sympy.Poly(value, *letters).coeffs())


def degree_of(matrix: MatrixBase, letters: Sequence[sympy.Symbol], shown: Any) -> int:
    """The degree of a matrix of homogeneous harmonic polynomials."""
    degrees = {sum(e) for x in matrix if x != 0 for e in sympy.Poly(x, *letters).monoms()}
    if len(degrees) != 1:
        raise false("must be homogeneous polynomials of one degree", shown)
    for value in matrix:
        if not _vanishes(sum((sympy.diff(value, x, 2) for x in letters), sympy.S.Zero), letters):
            raise false("must be harmonic", shown)
    return degrees.pop()


def require_independent(matrices: Sequence[MatrixBase], letters: Sequence[sympy.Symbol], shown: Any) -> None:
    """No combination of the matrices vanishes."""
    rows, number = {}, {}
    for k, m in enumerate(matrices):
        for at, value in SparseMatrix(m).todok().items():
            for exponents, c in sympy.Poly(value, *letters).terms():
                rows[k, number.setdefault((at, exponents), len(number))] = c
    if matrices and rank(SparseMatrix(len(matrices), len(number), rows)) < len(matrices):
        raise false("must be independent", shown)


def harmonic_count(actions: Sequence[Any], shape: tuple[int, int], degree: int, dim: int) -> int:
    """How many equivariant matrices of harmonic polynomials of a degree there can be.

    The unknowns are all coefficients, the equations the Laplacian and the constraints; modulo a prime, so that
    the count is not too small.
    """
    letters = [sympy.Symbol(f"d_{k + 1}", real=True) for k in range(dim)]
    d = sympy.Matrix(letters)
    monomials = sorted(sympy.itermonomials(letters, degree, degree), key=sympy.default_sort_key)
    place = {m: k for k, m in enumerate(monomials)}
    many, (rows, columns) = len(monomials), shape
    laplace = _images([sum(sympy.diff(m, x, 2) for x in letters) for m in monomials], letters)
    entries: dict[tuple[int, int], Any] = {}
    start = 0
    lower = {e: k for k, e in enumerate(sorted({e for image in laplace for e in image}))}
    for cell in range(rows * columns):
        for k, image in enumerate(laplace):
            for e, c in image.items():
                entries[start + lower[e], cell * many + k] = c
        start += len(lower)
    exponents = {sympy.Poly(m, *letters).monoms()[0]: place[m] for m in monomials}
    for action in actions:
        moved = action.move * d
        if action.infinitesimal:
            images = [sum(sympy.diff(m, x) * v for x, v in zip(letters, moved, strict=True)) for m in monomials]
        else:
            images = [m.xreplace(dict(zip(letters, moved, strict=True))) for m in monomials]
        table = _images(images, letters)
        into = sympy.eye(columns) if action.infinitesimal else action.into
        for i in range(rows):
            for c in range(columns):
                for k, image in enumerate(table):
                    for j in range(columns):
                        if into[c, j] != 0:
                            for e, value in image.items():
                                _add(entries, (start + (i * columns + j) * many + exponents[e], (i * columns + c) * many + k), value * into[c, j])
                for k in range(many):
                    at = (i * columns + c) * many + k
                    for r in range(rows):
                        if action.out[r, i] != 0:
                            _add(entries, (start + (r * columns + c) * many + k, at), -action.out[r, i])
                    for j in range(columns) if action.infinitesimal else ():
                        if action.into[c, j] != 0:
                            _add(entries, (start + (i * columns + j) * many + k, at), action.into[c, j])
        start += rows * columns * many
    unknowns = rows * columns * many
    return unknowns - rank(SparseMatrix(max(start, 1), unknowns, entries))


def _images(values: Sequence[Any], letters: Sequence[sympy.Symbol]) -> list[dict[tuple[int, ...], Any]]:
    return [dict(sympy.Poly(sympy.expand(v), *letters).terms()) if v != 0 else {} for v in values]


def _add(entries: dict[tuple[int, int], Any], at: tuple[int, int], value: Any) -> None:
    entries[at] = entries.get(at, 0) + value
