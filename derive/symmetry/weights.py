"""How fast the plane of the first two axes turns what a representation of SO(n) or O(n) acts on."""

from __future__ import annotations

from typing import Any

from sympy import I, Poly, Symbol, expand

from derive.errors import RepresentationError
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Piece, Power, Tensor

_T = Symbol("t")


def highest_weight(piece: Piece) -> int:
    """The largest k for which i k is an eigenvalue of the generator x01.

    All irreducible constituents have it as their first highest weight at most, so maps from harmonic
    polynomials of a higher degree are zero.
    """
    if isinstance(piece, Tensor):
        return sum(map(highest_weight, piece.factors))
    if isinstance(piece, Power) and piece.symmetry == "sym":
        return piece.k * max(highest_weight(p) for _, p in piece.base)
    return _largest(piece, piece.group.algebra[0])


def _largest(piece: Piece, generator: str) -> int:
    matrix = piece.matrix(generator)
    if matrix.is_zero_matrix:
        return 0
    field = over_common_field([matrix])[0]
    coefficients = [field.domain.to_sympy(c) for c in field.charpoly()]
    powers = [
        c * (I * _T) ** k for k, c in zip(range(len(coefficients) - 1, -1, -1), coefficients, strict=True)
    ]
    at = expand(sum(powers) / I ** (len(coefficients) - 1))  # t is an eigenvalue of -i times the generator
    weights = _integers(at)
    if weights is None or not _semisimple(field, weights):
        rule = f"must be a representation of the compact group {piece.group.name}"
        why = "eigenvalues other than i times integers, or no eigenbasis"
        what = f"{piece.name}, on which {generator} has {why}"
        raise RepresentationError("fibre", rule, what, "correct the matrices")
    return max(map(abs, weights))


def _integers(polynomial: Any) -> list[int] | None:
    """The roots, where all are integers."""
    roots: list[int] = []
    for factor, _ in Poly(polynomial, _T, extension=I if polynomial.has(I) else None).factor_list()[1]:
        if factor.degree() != 1:
            return None
        root = -factor.nth(0) / factor.nth(1)
        if not root.is_Integer:
            return None
        roots.append(int(root))
    return roots


def _semisimple(field: Any, weights: list[int]) -> bool:
    """Whether ``prod_k (X - i k)`` vanishes; real factors are ``X^2 + k^2``."""
    paired = {abs(k) for k in weights}
    total = field.eye(field.shape[0], field.domain)
    for k in sorted(paired):
        square = field * field + total.eye(field.shape[0], field.domain) * field.domain.convert(k * k)
        total = total * (field if k == 0 else square)
    return bool(total.is_zero_matrix)
