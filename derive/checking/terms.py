"""Indices and conditions as they are printed, evaluated exactly at many values at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import sympy
from sympy.core.relational import Relational

from derive.errors import DerivationError

Array = np.ndarray
_ORDER = {sympy.Le: np.less_equal, sympy.Lt: np.less, sympy.Ge: np.greater_equal, sympy.Gt: np.greater}


class Number(NamedTuple):
    """An array of exact rationals with one denominator."""

    top: Array
    bottom: int = 1


def false(what: str, value: object) -> DerivationError:
    return DerivationError(
        "derivation", what, value, "derive it again; every step must follow from the one above it"
    )


def number(expr: sympy.Basic, values: Mapping[sympy.Symbol, Array]) -> Number:
    """An integer or rational expression at every point."""
    if isinstance(expr, sympy.Rational):
        return Number(np.array(int(expr.p)), int(expr.q))
    if isinstance(expr, sympy.Symbol):
        if expr not in values:
            raise false("must say what every symbol ranges over", expr)
        return Number(values[expr])
    parts = [number(arg, values) for arg in expr.args]
    if isinstance(expr, sympy.Add):
        bottom = int(np.lcm.reduce([p.bottom for p in parts]))
        return Number(sum(p.top * (bottom // p.bottom) for p in parts), bottom)  # type: ignore[arg-type]
    if isinstance(expr, sympy.Mul):
        top = np.array(1)
        for part in parts:
            top = top * part.top
        return Number(top, int(np.prod([p.bottom for p in parts])))
    if isinstance(expr, sympy.Pow) and isinstance(expr.exp, sympy.Integer) and expr.exp >= 0:
        return Number(parts[0].top ** int(expr.exp), parts[0].bottom ** int(expr.exp))
    if isinstance(expr, sympy.floor):
        return Number(parts[0].top // parts[0].bottom)
    if isinstance(expr, sympy.ceiling):
        return Number(-(-parts[0].top // parts[0].bottom))
    if isinstance(expr, sympy.Abs):
        return Number(np.abs(parts[0].top), parts[0].bottom)
    if isinstance(expr, sympy.Mod):
        bottom = int(np.lcm(parts[0].bottom, parts[1].bottom))
        low, high = (p.top * (bottom // p.bottom) for p in parts)
        return Number(np.mod(low, high), bottom)
    raise false("must hold integer expressions in its indices", expr)


def integers(expr: sympy.Basic, values: Mapping[sympy.Symbol, Array]) -> Array:
    """An expression that is an integer at every point."""
    value = number(expr, values)
    whole, rest = value.top // value.bottom, value.top % value.bottom  # divmod has no Python integers
    if np.any(rest):
        raise false("must hold integers in its indices", expr)
    return whole


def truth(condition: sympy.Basic, values: Mapping[sympy.Symbol, Array]) -> Array:
    """A condition at every point."""
    if condition in (sympy.true, sympy.false):
        return np.array(bool(condition))
    if isinstance(condition, sympy.And | sympy.Or):
        combine = np.logical_and if isinstance(condition, sympy.And) else np.logical_or
        result = truth(condition.args[0], values)
        for part in condition.args[1:]:
            result = combine(result, truth(part, values))
        return result
    if isinstance(condition, sympy.Not):
        return np.logical_not(truth(condition.args[0], values))
    if isinstance(condition, Relational):
        left, right = number(condition.lhs, values), number(condition.rhs, values)
        low, high = left.top * right.bottom, right.top * left.bottom
        if isinstance(condition, sympy.Eq):
            return np.equal(low, high)
        if isinstance(condition, sympy.Ne):
            return np.not_equal(low, high)
        return _ORDER[type(condition)](low, high)
    raise false("must hold conditions on its indices", condition)
