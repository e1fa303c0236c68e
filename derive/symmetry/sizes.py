"""Numbers and symbols as people write them, made exact."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from numbers import Integral
from typing import Any

import sympy

from derive.errors import ExactnessError, SizeError, SymbolicError
from derive.symmetry.names import require_free

Sizes = int | str | sympy.Expr | None


def size(value: Any, argument: str, *, least: int = 1) -> sympy.Expr:
    """A size: an integer >= least, or a symbol that stands for one.

    >>> size("C", "channels"), size(3, "channels")
    (C, 3)
    """
    rule = "must be a positive integer or a symbol" if least else "must be an integer >= 0 or a symbol"
    remedy = f"give {least} or more, or a name such as 'n'"
    if isinstance(value, str):
        if not value.isidentifier():
            raise SizeError(argument, rule, repr(value), remedy)
        return named(value, argument)
    if isinstance(value, Integral) and not isinstance(value, bool):
        value = sympy.Integer(int(value))
    if not isinstance(value, sympy.Expr) or value.is_integer is False or isinstance(value, sympy.Float):
        raise SizeError(argument, rule, repr(value), remedy)
    if value.is_number and value < least:
        raise SizeError(argument, rule, value, remedy)
    require_free((s.name for s in value.free_symbols), argument)
    return value


def named(name: str, argument: str) -> sympy.Symbol:
    """The symbol that a name stands for, the same wherever it is given; 0 is no size in a formula."""
    require_free([name], argument)
    return sympy.Symbol(name, integer=True, positive=True)


def whole(value: Any, argument: str, *, least: int = 1) -> int:
    """A size that has to be a number, such as a dimension or a dilation."""
    number_ = size(value, argument, least=least)
    if not number_.is_Integer:
        raise SymbolicError(argument, "must be a number, not a symbol", value, f"give an integer >= {least}")
    return int(number_)


def rational(value: Any, argument: str) -> Fraction:
    """An exact rational: an int, a Fraction, a SymPy Rational or a string such as '1/2'."""
    if isinstance(value, float | sympy.Float):
        exact = Fraction(float(value)).limit_denominator(64)
        hint = (
            f"give '{exact}'" if float(exact) == float(value) else "give a Fraction or a string such as '1/3'"
        )
        raise ExactnessError(argument, "must be exact", value, hint)
    if isinstance(value, sympy.Rational):
        return Fraction(int(value.p), int(value.q))
    try:
        return Fraction(int(value) if isinstance(value, Integral) else value)
    except (TypeError, ValueError):
        raise ExactnessError(
            argument, "must be a rational number", repr(value), "give an int or '1/2'"
        ) from None


def per_axis(value: Any, dim: int, argument: str) -> tuple[Any, ...]:
    """One entry per axis: a scalar is repeated, a sequence must have dim entries.

    >>> per_axis(2, 3, "spacing"), per_axis((1, 0), 2, "period")
    ((2, 2, 2), (1, 0))
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,) * dim
    entries = tuple(value)
    if len(entries) != dim:
        raise SizeError(
            argument, f"must be one number or {dim} of them, one per axis", entries, f"give {dim} entries"
        )
    return entries


def number(value: sympy.Expr | Fraction | int) -> sympy.Rational | sympy.Expr:
    """A Fraction as a SymPy number; SymPy expressions pass."""
    return (
        sympy.Rational(value.numerator, value.denominator)
        if isinstance(value, Fraction)
        else sympy.sympify(value)
    )
