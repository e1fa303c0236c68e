"""The general linear operator between two fields, as SymPy objects, and the letters it is written in.

y[i,u,v] = Sum(A[i,u,v,c,u',v'] x[c,u',v']) + b[i,u,v]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Indexed, IndexedBase, Sum, Symbol

from derive.lattice.problem import Problem
from derive.symmetry.names import fresh
from derive.symmetry.sizes import number

Sites = tuple[sympy.Expr, ...]
Limit = tuple[Symbol, sympy.Expr, sympy.Expr]
SIZES = {1: "N", 2: "HW", 3: "HWL"}


@dataclass(frozen=True)
class Notation:
    """The letters of one problem."""

    problem: Problem

    i = Symbol("i", integer=True)
    c = Symbol("c", integer=True)
    A = IndexedBase("A")
    K = IndexedBase("K")
    b = IndexedBase("b")
    k = IndexedBase("k")

    @cached_property
    def x(self) -> IndexedBase:
        return IndexedBase(self.problem.x.name or "x")

    @cached_property
    def y(self) -> IndexedBase:
        name = self.problem.y.name or "y"
        return IndexedBase(name if name != self.x.label.name else name + "_out")

    @cached_property
    def out(self) -> tuple[Symbol, ...]:
        """u, v, ...: the output site."""
        return tuple(_integer(axis.name) for axis in self.problem.axes if axis.out)

    @cached_property
    def into(self) -> tuple[Symbol, ...]:
        """u', v', ...: the input site."""
        return tuple(_integer(axis.name + "'") for axis in self.problem.axes if axis.into)

    def fresh(self, preferred: str) -> str:
        """A letter that is not the name of a size."""
        return fresh(preferred, {s.name for s in self.C.free_symbols | self.D.free_symbols})

    @property
    def pair(self) -> tuple[Symbol, ...]:
        return (*self.out, *self.into)

    @cached_property
    def shifts(self) -> tuple[Symbol, ...]:
        """s_u, s_v, ...: how many periods a translation T_s moves."""
        return tuple(_integer(f"s_{self.problem.axes[i].name}") for i in self.problem.translated)

    @property
    def C(self) -> sympy.Expr:
        """The number of input channels."""
        return self.problem.x.channels

    @property
    def D(self) -> sympy.Expr:
        """The number of output channels."""
        return self.problem.y.channels

    @cached_property
    def grid(self) -> tuple[Any, ...]:
        """The number of input sites along each axis, None where it is all of Z."""
        return tuple(axis.into.size if axis.into else None for axis in self.problem.axes)

    def wraps(self, axis: int) -> bool:
        """Whether sums over input sites along an axis run over a periodic grid."""
        return self.problem.axes[axis].boundary == "periodic" and self.problem.axes[axis].translated

    @cached_property
    def site_limits(self) -> tuple[Limit, ...]:
        """The range of each input site: a translated window is read as Z, the field being zero outside."""
        return self._limits(windows=False)

    @cached_property
    def window_limits(self) -> tuple[Limit, ...]:
        """The range of each input site, windows being what they are."""
        return self._limits(windows=True)

    def _limits(self, windows: bool) -> tuple[Limit, ...]:
        limits = []
        sites = iter(self.into)
        for i, axis in enumerate(self.problem.axes):
            if axis.into is None:
                continue
            n = self.grid[i]
            finite = n is not None and (windows or not axis.translated or axis.into.boundary != "zero")
            limits.append((next(sites), 0, n - 1) if finite else (next(sites), -sympy.oo, sympy.oo))
        return tuple(limits)

    @property
    def channel_limit(self) -> tuple[Symbol, int, sympy.Expr]:
        return (self.c, 0, self.C - 1)

    def shifted(self, side: str, sign: int) -> tuple[sympy.Expr, ...]:
        """The sites of one side moved by T_s (sign +1) or by its inverse (sign -1)."""
        sites = self.out if side == "out" else self.into
        return tuple(site + sign * move for site, move in zip(sites, self.moves(side), strict=True))

    def moves(self, side: str) -> tuple[sympy.Expr, ...]:
        """How far T_s moves the sites of one side."""
        steps = dict(zip(self.problem.translated, self.shifts, strict=True))
        parts = [(i, getattr(axis, side)) for i, axis in enumerate(self.problem.axes)]
        return tuple(part.step * steps.get(i, sympy.S.Zero) for i, part in parts if part is not None)

    def weight(self, out: tuple[sympy.Expr, ...], into: tuple[sympy.Expr, ...]) -> Indexed:
        return self.A[(self.i, *out, self.c, *into)]

    def bias(self, out: tuple[sympy.Expr, ...]) -> Indexed:
        return self.b[(self.i, *out)]

    @cached_property
    def displacement(self) -> tuple[sympy.Expr, ...]:
        """position(q) - position(p) along each axis, in physical units."""
        result = []
        for axis in self.problem.axes:
            if axis.out is None or axis.into is None:
                continue
            p, q = _integer(axis.name), _integer(axis.name + "'")
            result.append(number(axis.into.spacing) * q - number(axis.out.spacing) * p + number(axis.residue))
        return tuple(result)


def _integer(name: str) -> Symbol:
    return Symbol(name, integer=True)


def general_operator(n: Notation) -> Eq:
    """y[i,u,v] = Sum(A[i,u,v,c,u',v'] x[c,u',v']) + b[i,u,v]."""
    total = _plus_bias(n, n.weight(n.out, n.into) * n.x[(n.c, *n.into)], n.window_limits, n.out)
    return Eq(n.y[(n.i, *n.out)], total, evaluate=False)


def _plus_bias(n: Notation, term: sympy.Expr, limits: tuple[Limit, ...], out: Sites) -> sympy.Expr:
    total = Sum(term, n.channel_limit, *limits)
    return total + n.bias(out) if n.problem.bias else total
