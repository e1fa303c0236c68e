"""Printed sums of products, multiplied out on small sizes: exact polynomials in independent entries.

Every entry such as K[i,c,du] is its own unknown, so two expressions are equal exactly when their monomials
agree. An entry that is read at a computed index is 0 outside its tensor; one at plain indices must be inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import sympy
from sympy import Eq, Expr, Indexed, Symbol

from derive.checking.terms import Array, false, number, truth
from derive.errors import TooLargeError

LIMIT = 1 << 24
FAR = 1 << 40
Values = Mapping[Symbol, Array]
Bounds = tuple[int, int]


class Expansion(NamedTuple):
    """Monomials: the row of the table each belongs to, its coefficient, and the codes of its entries."""

    row: Array
    coefficient: Array
    codes: Array


@dataclass(frozen=True)
class Expander:
    """What tensors there are: `bounds` of each index, first and last; `defined` ones are multiplied out.

    `sizes`: what size symbols stand for; `endless`: where a sum over all of Z may stop; `strict`: whether
    plain indices have to be inside; `modulo`: the periods of indices that are read modulo a grid; `tables`:
    integers that may stand in an index.
    """

    bounds: Mapping[str, tuple[Bounds, ...]]
    sizes: Mapping[Symbol, int]
    defined: Mapping[str, Eq] = field(default_factory=dict)
    endless: Bounds = (-6, 6)
    strict: bool = True
    modulo: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    tables: Mapping[str, Array] = field(default_factory=dict)

    def with_definitions(self, *equations: Eq) -> Expander:
        named = {label(eq.lhs): eq for eq in equations}
        return replace(self, defined={**self.defined, **named})

    @cached_property
    def _starts(self) -> dict[str, int]:
        starts, free = {}, 1
        for name, bounds in self.bounds.items():
            starts[name] = free
            free += int(np.prod([high - low + 1 for low, high in bounds], dtype=object))
        return starts

    # ---- polynomials ------------------------------------------------------------------------------------

    def polynomial(self, expr: Expr, at: Sequence[Symbol] = (), ranges: Sequence[Bounds] = ()) -> Array:
        """Sorted rows (point, codes..., coefficient) without zeros, for every point of the indices `at`."""
        values, count = points(at, ranges)
        return collect(self.expand(expr, values, count))

    def total(self, expr: Expr, at: Sequence[Symbol], ranges: Sequence[Bounds]) -> Array:
        """The same summed over all points."""
        values, count = points(at, ranges)
        found = self.expand(expr, values, count)
        return collect(found._replace(row=np.zeros_like(found.row)))

    # ---- one expression over a table of index values -----------------------------------------------------

    def expand(self, expr: Expr, values: Values, count: int) -> Expansion:
        _refuse_large(count)
        if isinstance(expr, sympy.Integer):
            rows = np.arange(count if expr != 0 else 0)
            return Expansion(rows, np.full(len(rows), int(expr)), np.zeros((len(rows), 0), dtype=np.int64))
        if isinstance(expr, Indexed):
            return self._entry(expr, values, count)
        if isinstance(expr, sympy.Add):
            return _union(self.expand(arg, values, count) for arg in expr.args)
        if isinstance(expr, sympy.Mul):
            return self._product(expr.args, values, count)
        if isinstance(expr, sympy.Sum):
            return self._sum(expr, values, count)
        if isinstance(expr, sympy.Piecewise):
            return self._cases(expr, values, count)
        raise false("must be sums of products of tensor entries", expr)

    def _entry(self, expr: Indexed, values: Values, count: int) -> Expansion:
        name = label(expr)
        definition = self.defined.get(name)
        if definition is not None and len(definition.lhs.indices) != len(expr.indices):
            raise false("must be used with as many indices as it was defined with", expr)
        indices = [self.integers(index, values, count) for index in expr.indices]
        if name in self.modulo:
            periods = zip(indices, self.modulo[name], strict=True)
            indices = [index if n is None else index % n for index, n in periods]
        if name not in self.bounds or len(self.bounds[name]) != len(indices):
            raise false("must use tensors that were introduced", expr)
        inside = np.ones(count, dtype=bool)
        code = np.zeros(count, dtype=np.int64)
        for printed, index, (low, high) in zip(expr.indices, indices, self.bounds[name], strict=True):
            within = (low <= index) & (index <= high)
            if self.strict and isinstance(printed, Symbol) and not within.all():
                raise false(f"must keep indices of {name} inside their range {low}..{high}", expr)
            inside &= within
            code = code * (high - low + 1) + np.clip(index, low, high) - low
        row = np.flatnonzero(inside)
        if definition is None:
            codes = (code + self._starts[name])[row, None]
            return Expansion(row, np.ones(len(row), dtype=np.int64), codes)
        own = {s: index[row] for s, index in zip(definition.lhs.indices, indices, strict=True)}
        inner = self.expand(definition.rhs, own, len(row))
        return inner._replace(row=row[inner.row])

    def _product(self, args: Sequence[Expr], values: Values, count: int) -> Expansion:
        result = self.expand(sympy.S.One, values, count)
        for arg in args:
            here = {s: v[result.row] for s, v in values.items()}
            more = self.expand(arg, here, len(result.row))
            result = Expansion(
                result.row[more.row],
                result.coefficient[more.row] * more.coefficient,
                np.concatenate([result.codes[more.row], more.codes], axis=1),
            )
        return result

    def _sum(self, expr: sympy.Sum, values: Values, count: int) -> Expansion:
        row = np.arange(count)
        inner = dict(values)
        for variable, low, high in expr.limits:
            if (low is -sympy.oo) != (high is sympy.oo):
                raise false("must sum over all of Z or between two ends", expr.limits)
            low, high = self.endless if low is -sympy.oo else (low, high)
            first, last = (self.integers(sympy.sympify(e), inner, len(row)) for e in (low, high))
            lengths = np.maximum(last - first + 1, 0)
            _refuse_large(int(lengths.sum()))
            again = np.repeat(np.arange(len(row)), lengths)
            step = np.arange(len(again)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            row = row[again]
            inner = {s: v[again] for s, v in inner.items()}
            inner[variable] = first[again] + step
        found = self.expand(expr.function, inner, len(row))
        return found._replace(row=row[found.row])

    def _cases(self, expr: sympy.Piecewise, values: Values, count: int) -> Expansion:
        rest = np.arange(count)
        parts = []
        for value, condition in expr.args:
            here = {s: v[rest] for s, v in values.items()}
            holds = np.broadcast_to(truth(condition.xreplace(self._put), here), rest.shape)
            chosen = rest[holds]
            found = self.expand(value, {s: v[chosen] for s, v in values.items()}, len(chosen))
            parts.append(found._replace(row=chosen[found.row]))
            rest = rest[~holds]
        return _union(parts)

    @cached_property
    def _put(self) -> dict[Symbol, sympy.Integer]:
        return {s: sympy.Integer(n) for s, n in self.sizes.items()}

    def integers(self, expr: Expr, values: Values, count: int) -> Array:
        """An index at every row; it must be an integer."""
        for entry in expr.atoms(Indexed):
            looked = self._looked_up(entry, values, count)
            values, expr = {**values, looked[0]: looked[1]}, expr.xreplace({entry: looked[0]})
        expr = expr.xreplace(self._put)
        _refuse_far(expr)
        value = number(expr, values)
        whole, rest = np.divmod(value.top, value.bottom)
        if np.any(rest):
            raise false("must hold integers in its indices", expr)
        return np.broadcast_to(np.asarray(whole, dtype=np.int64), (count,))

    def _looked_up(self, entry: Indexed, values: Values, count: int) -> tuple[Symbol, Array]:
        """A table's entry in an index, as a symbol of its own with a value at every row."""
        table = self.tables.get(label(entry))
        if table is None or len(entry.indices) != 1:
            raise false("must use tables that were stated in its indices", entry)
        at = self.integers(entry.indices[0], values, count)
        if np.any((at < 0) | (at >= len(table))):
            raise false(f"must look up entries 0..{len(table) - 1}", entry)
        return sympy.Dummy(integer=True), table[at]


def label(entry: Indexed) -> str:
    return str(entry.base.label)


def points(at: Sequence[Symbol], ranges: Sequence[Bounds]) -> tuple[dict[Symbol, Array], int]:
    """A table with one row for every combination of index values."""
    runs = [np.arange(low, high + 1) for low, high in ranges]
    grid = np.meshgrid(*runs, indexing="ij") if runs else []
    count = int(np.prod([len(run) for run in runs], dtype=int))
    return {s: g.reshape(-1) for s, g in zip(at, grid, strict=True)}, count


def _refuse_far(expr: Expr) -> None:
    """Numbers in indices are kept small enough for sums and products of them to fit in 64 bits."""
    worst = max((abs(int(n.p)) for n in expr.atoms(sympy.Rational)), default=0)
    if worst > FAR:
        raise TooLargeError(
            "derivation",
            f"must have numbers up to {FAR:,} in its indices to be checked",
            f"{worst:,}",
            "check the same support scaled down",
        )


def _refuse_large(count: int) -> None:
    if count > LIMIT:
        raise TooLargeError(
            "derivation",
            f"must have at most {LIMIT} terms to be checked",
            count,
            "leave channels as symbols, or check a smaller grid",
        )


def _union(parts: Iterable[Expansion]) -> Expansion:
    listed = list(parts)
    width = max(part.codes.shape[1] for part in listed)
    codes = [np.pad(part.codes, ((0, 0), (0, width - part.codes.shape[1]))) for part in listed]
    return Expansion(
        np.concatenate([part.row for part in listed]),
        np.concatenate([part.coefficient for part in listed]),
        np.concatenate(codes),
    )


def collect(found: Expansion) -> Array:
    """Equal monomials added up, zeros dropped, in one order; factors commute, and code 0 is no factor."""
    codes = np.sort(found.codes, axis=1)
    codes = codes[:, codes.any(axis=0)]
    table = np.column_stack([found.row, codes])
    order = np.lexsort(table.T[::-1])
    table, coefficient = table[order], found.coefficient[order]
    if not len(table):
        return np.zeros((0, 2), dtype=np.int64)
    first = np.flatnonzero(np.r_[True, (np.diff(table, axis=0) != 0).any(axis=1)])
    summed = np.column_stack([table[first], np.add.reduceat(coefficient, first)])
    return summed[summed[:, -1] != 0]
