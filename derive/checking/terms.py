"""Printed SymPy expressions, evaluated on small grids as exact sums of monomials.

Every entry such as A[i,u,v,c,u',v'] is its own independent symbol, so two expressions are equal exactly
when their monomials agree term by term. Nothing is rounded and nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Entry:
    """One factor of a monomial: which tensor, and which of its entries at every point."""

    tensor: tuple[str, int]
    index: tuple[Array, ...]


@dataclass(frozen=True)
class Term:
    """coefficient * product of entries, where `mask` holds."""

    coefficient: Array
    entries: tuple[Entry, ...] = ()
    mask: Array = field(default_factory=lambda: np.array(True))


@dataclass(frozen=True)
class Range:
    """A summation variable's values at every point, and where they count."""

    values: Array
    mask: Array


class Scope(NamedTuple):
    """What symbols stand for, and how a new summation variable is laid out."""

    values: Mapping[sympy.Symbol, Array]
    bind: Callable[[sympy.Symbol, Number | None, Number | None, Mapping[sympy.Symbol, Array]], Range]


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


def terms(expr: sympy.Basic, scope: Scope) -> list[Term]:
    """An expression as a list of terms; sums add axes, products join entries, cases become masks."""
    if isinstance(expr, sympy.Rational):
        if not expr.is_Integer:
            raise false("must have integer coefficients", expr)
        return [] if expr == 0 else [Term(np.array(int(expr)))]
    if isinstance(expr, sympy.Indexed):
        return [Term(np.array(1), (entry(expr, scope.values),))]
    if isinstance(expr, sympy.Add):
        return [term for arg in expr.args for term in terms(arg, scope)]
    if isinstance(expr, sympy.Mul):
        result = [Term(np.array(1))]
        for arg in expr.args:
            result = [_join(a, b) for a in result for b in terms(arg, scope)]
        return result
    if isinstance(expr, sympy.Sum):
        return _summed(expr, scope)
    if isinstance(expr, sympy.Piecewise):
        return _cases(expr, scope)
    raise false("must be sums of products of tensor entries", expr)


def entry(expr: sympy.Indexed, values: Mapping[sympy.Symbol, Array]) -> Entry:
    return Entry((str(expr.base.label), len(expr.indices)), tuple(integers(e, values) for e in expr.indices))


def _join(a: Term, b: Term) -> Term:
    return Term(a.coefficient * b.coefficient, (*a.entries, *b.entries), a.mask & b.mask)


def _summed(expr: sympy.Sum, scope: Scope) -> list[Term]:
    values, mask = dict(scope.values), np.array(True)
    for variable, low, high in expr.limits:
        bounds = [None if abs(e) is sympy.oo else number(e, values) for e in (low, high)]
        if (low is sympy.oo) or (high is -sympy.oo):
            raise false("must sum from below to above", expr.limits)
        run = scope.bind(variable, bounds[0], bounds[1], values)
        values[variable] = run.values
        mask = mask & run.mask
    inner = terms(expr.function, Scope(values, scope.bind))
    return [Term(t.coefficient, t.entries, t.mask & mask) for t in inner]


def _cases(expr: sympy.Piecewise, scope: Scope) -> list[Term]:
    result: list[Term] = []
    remaining = np.array(True)
    for value, condition in expr.args:
        holds = truth(condition, scope.values)
        for term in terms(value, scope):
            result.append(Term(term.coefficient, term.entries, term.mask & remaining & holds))
        remaining = remaining & ~holds
    return result


Encode = Callable[[Entry, Array], Array]


def collect(items: Sequence[Term], points: tuple[int, ...], encode: Encode) -> Array:
    """All monomials at every point, as sorted rows (point, code, code, coefficient) without zeros.

    `points` is the shape of the leading axes; every further axis is summed over.
    """
    blocks = [_monomials(term, points, encode) for term in items]
    table = np.concatenate([np.zeros((0, 4), dtype=np.int64), *blocks])
    return merged(table)


def merged(table: Array) -> Array:
    """Rows (point, code, code, coefficient) in order, equal monomials added up, zeros dropped."""
    if not len(table):
        return table
    radix = table[:, :3].max(axis=0).astype(object) + 1
    if radix[0] * radix[1] * radix[2] >= 2**63:
        raise false("is too large to evaluate on this grid", tuple(radix))
    keys = (table[:, 0] * int(radix[1]) + table[:, 1]) * int(radix[2]) + table[:, 2]
    order = np.argsort(keys, kind="stable")
    table, keys = table[order], keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    table = np.column_stack([table[first, :3], np.add.reduceat(table[:, 3], first)])
    return table[table[:, 3] != 0]


def _monomials(term: Term, points: tuple[int, ...], encode: Encode) -> Array:
    codes = [encode(e, term.mask) for e in term.entries]
    if len(codes) > 2:
        raise false("must be at most bilinear", len(codes))
    dims = max(np.ndim(a) for a in (*codes, term.mask, term.coefficient, np.zeros(points)))
    space = points + (1,) * (dims - len(points))
    shape = np.broadcast_shapes(space, term.mask.shape, term.coefficient.shape, *(c.shape for c in codes))
    mask = np.broadcast_to(term.mask, shape)
    at = np.arange(int(np.prod(points))).reshape(space)
    columns = [np.broadcast_to(c, shape)[mask] for c in codes]
    columns += [np.zeros(int(mask.sum()), dtype=np.int64)] * (2 - len(columns))
    coefficient = np.broadcast_to(term.coefficient, shape)[mask]
    pair = np.sort(np.stack(columns), axis=0)
    return np.stack([np.broadcast_to(at, shape)[mask], *pair, coefficient], axis=1).astype(np.int64)
