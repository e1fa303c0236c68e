"""Exact matrices: reading user input, and arithmetic over the smallest field that holds the entries."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from sympy import (
    QQ,
    Expr,
    Float,
    I,
    ImmutableMatrix,
    Integer,
    MatrixBase,
    Rational,
    arg,
    cos,
    exp,
    expand_complex,
    pi,
    simplify,
    sympify,
)
from sympy.core.sympify import SympifyError
from sympy.polys.matrices import DomainMatrix

from derive.errors import DeriveError, ExactnessError, RepresentationError
from derive.symmetry.algebraic import common_domain, write_real
from derive.symmetry.cyclotomic import order_of_field
from derive.symmetry.monomial import Monomial

_SMALL_DENOMINATOR = 64


def exact_matrix(
    value: Any, argument: str, error: type[DeriveError] = RepresentationError, square: bool = True
) -> ImmutableMatrix:
    """Read nested lists, a SymPy matrix or an integer NumPy array; refuse floats and symbols.

    >>> exact_matrix([[0, -1], [1, 0]], "r")
    Matrix([
    [0, -1],
    [1,  0]])
    """
    rows = _rows(value, argument, error)
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths == {0}:
        raise error(argument, "must be a matrix with rows of one length", value, "give a list of equal rows")
    if square and widths != {len(rows)}:
        shape = f"{len(rows)} x {widths.pop()}"
        raise error(argument, "must be a square matrix", shape, "give as many rows as columns")
    return ImmutableMatrix([[exact_number(e, argument, error) for e in row] for row in rows])


def _rows(value: Any, argument: str, error: type[DeriveError]) -> list[list[Any]]:
    if isinstance(value, MatrixBase):
        return value.tolist()
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim == 2 else None
    if not isinstance(value, list | tuple) or not value:
        raise error(
            argument, "must be a matrix", value, "give nested lists, a SymPy matrix or an integer array"
        )
    if not all(isinstance(row, list | tuple | np.ndarray) for row in value):
        raise error(
            argument, "must be a matrix", value, "give nested lists, a SymPy matrix or an integer array"
        )
    return [list(row) for row in value]


def exact_number(value: Any, argument: str, error: type[DeriveError] = RepresentationError) -> Any:
    """An exact SymPy number, or an error that offers the conversion when it is exact."""
    if isinstance(value, float | complex | np.floating | np.complexfloating | Float):
        raise ExactnessError(argument, "must have exact entries", value, _conversion(value))
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    try:
        number = Integer(int(value)) if isinstance(value, np.integer | bool | np.bool_) else sympify(value)
    except (SympifyError, TypeError, AttributeError):
        number = None
    if not isinstance(number, Expr):
        raise error(argument, "must have numbers as entries", value, "give integers or SymPy numbers")
    if number.has(Float):
        raise ExactnessError(argument, "must have exact entries", value, "write sqrt(2)/2, not 0.7071")
    if not number.is_number or not number.is_finite:
        raise error(argument, "must have finite numbers as entries", value, "substitute the symbols first")
    return number


def _conversion(value: Any) -> str:
    number = complex(value)
    parts = [Fraction(x) if x == x and abs(x) < 1e15 else None for x in (number.real, number.imag)]
    if number.imag or parts[0] is None or parts[0].denominator > _SMALL_DENOMINATOR:
        return "give exact SymPy numbers such as Rational(1, 3), sqrt(2)/2 or I"
    exact = parts[0]
    return (
        f"write {exact}"
        if exact.denominator == 1
        else f"write Rational({exact.numerator}, {exact.denominator})"
    )


def over_common_field(matrices: Iterable[MatrixBase]) -> list[DomainMatrix]:
    """The same matrices over one field: the rationals, or the algebraic field that all entries generate."""
    matrices = list(matrices)
    entries = [e for m in matrices for e in m.flat()]
    domain, values = common_domain(entries)
    if not domain.is_Exact or not domain.is_Field or domain.is_EX:
        raise ExactnessError(
            "matrix entries", "must be algebraic numbers", domain, "give roots and rationals"
        )
    out, at = [], 0
    for m in matrices:
        rows, columns = m.shape
        flat = values[at : at + rows * columns]
        at += rows * columns
        out.append(
            DomainMatrix([flat[r * columns : (r + 1) * columns] for r in range(rows)], m.shape, domain)
        )
    return [m.to_dense() for m in out]


def to_sympy(m: DomainMatrix) -> ImmutableMatrix:
    """The matrix with SymPy numbers as entries; those of a field of cosines are sums of cosines."""
    monic = tuple(map(int, reversed(m.domain.mod.to_list()))) if _of_cosines(m.domain) else ()
    field = order_of_field(monic) if monic else None
    if field is None or not field[1]:
        return ImmutableMatrix(m.to_Matrix())
    rows = [[[QQ.to_sympy(c) for c in reversed(e.to_list())] for e in row] for row in m.to_list()]
    return ImmutableMatrix([[write_real(field[0], e) for e in row] for row in rows])


def _of_cosines(domain: Any) -> bool:
    return bool(domain.is_Algebraic and domain.ext.as_expr().has(cos))


def as_monomial(m: ImmutableMatrix) -> Monomial | None:
    """The monomial map with this matrix, when each row and column holds one root of unity and zeros."""
    columns = [[i for i in range(m.rows) if not m[i, j].is_zero] for j in range(m.cols)]
    if any(len(c) != 1 for c in columns) or len({c[0] for c in columns}) != m.rows:
        return None
    image = [c[0] for c in columns]
    phases = [_phase(m[i, j]) for j, i in enumerate(image)]
    known = [p for p in phases if p is not None]
    if len(known) < len(phases):
        return None
    order = int(np.lcm.reduce([p.denominator for p in known]))
    return Monomial(np.array(image), np.array([int(p * order) for p in known]), order)


def _phase(value: Any) -> Fraction | None:
    """The k/n with value = exp(2 pi i k/n), or None when it is no root of unity."""
    if value.is_real:
        return {1: Fraction(0), -1: Fraction(1, 2)}.get(value)
    value = expand_complex(value)
    turn = simplify(arg(value) / (2 * pi))
    if not turn.is_Rational or simplify(value - expand_complex(exp(2 * pi * I * turn))) != 0:
        return None
    return Fraction(int(turn.p), int(turn.q)) % 1
