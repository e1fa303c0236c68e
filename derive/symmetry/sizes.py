"""Numbers and symbols that users give, made exact."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Set
from fractions import Fraction
from numbers import Integral
from typing import Any

import numpy as np
import sympy

from derive.errors import ExactnessError, SizeError, SymbolicError, brief
from derive.symmetry.names import require_free


def size(value: Any, argument: str, *, least: int = 1) -> sympy.Expr:
    """A size: an integer >= least, or a symbol that stands for one.

    >>> size("C", "channels"), size(3, "channels")
    (C, 3)
    """
    rule = "must be a positive integer or a symbol" if least else "must be an integer >= 0 or a symbol"
    remedy = f"give {least} or more, or a name such as 'n'"
    if isinstance(value, str):
        if not value.isidentifier():
            raise SizeError(argument, rule, brief(value), remedy)
        return named(value, argument)
    if isinstance(value, Integral) and not isinstance(value, bool):
        value = sympy.Integer(int(value))
    if not isinstance(value, sympy.Expr) or value.is_integer is False or isinstance(value, sympy.Float):
        raise SizeError(argument, rule, brief(value), remedy)
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
    named = isinstance(value, str) and value.isidentifier()
    if named or (isinstance(value, sympy.Expr) and value.free_symbols):
        rule, remedy = "must be a number, not a symbol", f"give an integer >= {least}"
        raise SymbolicError(argument, rule, value, remedy)
    integral = isinstance(value, Integral | sympy.Integer) and not isinstance(value, bool)
    if not integral or int(value) < least:
        rule = "must be a positive integer" if least else "must be a non-negative integer"
        raise SizeError(argument, rule, brief(value), f"give {least} or more")
    return int(value)


def rational(value: Any, argument: str) -> Fraction:
    """An exact rational: an int, a Fraction, a SymPy Rational or a string such as '1/2'."""
    if isinstance(value, float | np.floating | sympy.Float) and math.isfinite(value):
        exact = Fraction(float(value)).limit_denominator(64)
        hint = (
            f"give '{exact}'" if float(exact) == float(value) else "give a Fraction or a string such as '1/3'"
        )
        raise ExactnessError(argument, "must be exact", value, hint)
    if isinstance(value, sympy.Rational):
        return Fraction(int(value.p), int(value.q))
    try:
        if not isinstance(value, bool):
            return Fraction(int(value) if isinstance(value, Integral) else value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        pass
    raise ExactnessError(argument, "must be a rational number", brief(value), "give an int or '1/2'")


def read_sizes(
    sizes: Any, symbols: Iterable[sympy.Symbol], radii: Iterable[sympy.Symbol] = ()
) -> dict[str, int]:
    """Numbers for symbols, by name: at least 1, and for radii at least 0."""
    if sizes is None:
        return {}
    if not isinstance(sizes, Mapping):
        raise SizeError("sizes", "must be {name: number}", brief(sizes), "give sizes={'C': 8}")
    zero = {symbol.name for symbol in radii}
    least = {symbol.name: int(symbol.name not in zero) for symbol in symbols}
    named = {str(key): value for key, value in sizes.items()}
    unknown = sorted(set(named) - set(least))
    if unknown:
        rule = f"must name symbols of the solution, {sorted(least)}"
        raise SizeError("sizes", rule, unknown, "leave them out")
    return {name: whole(value, f"sizes[{name!r}]", least=least[name]) for name, value in named.items()}


def read_channels(channels: Any) -> tuple[int, int] | None:
    """The channels of input and output, as numbers."""
    if channels is None:
        return None
    entries = tuple(channels) if isinstance(channels, Iterable) and not isinstance(channels, str) else ()
    if len(entries) != 2:
        raise SizeError("channels", "must be a pair (C_in, C_out)", brief(channels), "give channels=(3, 16)")
    inputs, outputs = (whole(n, "channels") for n in entries)
    return inputs, outputs


def flag(value: Any, argument: str) -> bool:
    """True or False, written so or as 1 or 0."""
    if isinstance(value, bool | np.bool_) or (isinstance(value, Integral) and value in (0, 1)):
        return bool(value)
    raise SizeError(argument, "must be True or False", brief(value), f"write {argument}=True")


def per_axis(value: Any, dim: int, argument: str) -> tuple[Any, ...]:
    """One entry per axis: a scalar is repeated, a sequence must have dim entries.

    >>> per_axis(2, 3, "spacing"), per_axis((1, 0), 2, "period")
    ((2, 2, 2), (1, 0))
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,) * dim
    if isinstance(value, Mapping | Set):
        rule, remedy = f"must be one number or {dim} of them, one per axis", "in the order of the axes"
        raise SizeError(argument, rule, brief(value), f"give {dim} entries {remedy}")
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
