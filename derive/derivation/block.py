"""One pair of blocks of two fields, in letters: copies i, c, components alpha, beta, sites u, v, u', v'.

y[i,alpha,p] = Sum(A[i,alpha,p,c,beta,q] x[c,beta,q]) + b[i,alpha,p]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Indexed, IndexedBase, Sum, Symbol

from derive.derivation.fibre import Action, Fibre, Limit
from derive.derivation.kernel import bias_order, coordinate_symbols, input_axes, kernel_at
from derive.derivation.layer import layer
from derive.derivation.locality import locality
from derive.derivation.operator import Notation, Sites
from derive.lattice.classes import Side
from derive.lattice.problem import Problem
from derive.notation import Generator, Infinitesimal, Translation, moved
from derive.steps import residues
from derive.symmetry.factors import trivial_atom
from derive.symmetry.field import Field
from derive.symmetry.representation import from_blocks
from derive.symmetry.sizes import number

Affine = tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]
Class = tuple[int, ...]


@dataclass(frozen=True)
class Mover:
    """One generator, or all translations at once: where it takes sites, and what it does to components."""

    symbol: Generator | Translation | Infinitesimal
    out: Sites
    into: Sites
    output: Action
    input: Action

    @property
    def name(self) -> str:
        """The mover in words: T_s, r, L(X)."""
        return str(self.symbol)

    @property
    def infinitesimal(self) -> bool:
        """Whether it is an element X of a Lie algebra: the derivative along exp(t X)."""
        return isinstance(self.symbol, Infinitesimal)

    def of(self, field: IndexedBase) -> IndexedBase:
        return moved(self.symbol, field)


@dataclass(frozen=True)
class Block:
    """Linear maps from `copies_in` copies of one piece to `copies_out` copies of another."""

    problem: Problem
    output: Fibre
    input: Fibre
    copies_out: sympy.Expr
    copies_in: sympy.Expr
    presumed: tuple[sympy.Basic, ...] = ()  # what the sizes of the problem have to satisfy
    ends: tuple[str, ...] = ()  # axes along which a window is read as Z

    @cached_property
    def n(self) -> Notation:
        """The letters of the same fields with copies alone for channels."""
        plain = [
            field.replace(fibre=from_blocks(field.fibre.group, [(copies, trivial_atom(field.fibre.group))]))
            for field, copies in ((self.problem.x, self.copies_in), (self.problem.y, self.copies_out))
        ]
        return Notation(replace(self.problem, x=plain[0], y=plain[1]))

    @property
    def x(self) -> IndexedBase:
        return self.n.x

    @property
    def y(self) -> IndexedBase:
        return self.n.y

    @property
    def biased(self) -> bool:
        return self.problem.bias

    # ---- letters ----------------------------------------------------------------------------------------

    @cached_property
    def i(self) -> tuple[Symbol, ...]:
        return () if self.copies_out == 1 and self.output.index else (self.n.i,)

    @cached_property
    def c(self) -> tuple[Symbol, ...]:
        return () if self.copies_in == 1 and self.input.index else (self.n.c,)

    @cached_property
    def copy_limits(self) -> tuple[Limit, ...]:
        return tuple((c, sympy.S.Zero, self.copies_in - 1) for c in self.c)

    @cached_property
    def site_limits(self) -> tuple[Limit, ...]:
        return tuple(tuple(map(sympy.sympify, limit)) for limit in self.n.site_limits)

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """Everything that the operator sums over."""
        return (*self.copy_limits, *self.input.limits(self.input.index), *self.site_limits)

    @cached_property
    def domains(self) -> tuple[tuple[Symbol, sympy.Set], ...]:
        """What every index ranges over."""
        entries: list[tuple[Symbol, sympy.Set]] = [(s, sympy.Range(0, self.copies_out)) for s in self.i]
        entries += [(a, sympy.Range(0, self.output.dim)) for a in self.output.index]
        entries += [(s, sympy.Range(0, self.copies_in)) for s in self.c]
        entries += [(a, sympy.Range(0, self.input.dim)) for a in self.input.index]
        for sites, side in ((self.n.out, "out"), (self.n.into, "into")):
            parts = [part for part in (getattr(a, side) for a in self.problem.axes) if part is not None]
            entries += [(s, _sites(part)) for s, part in zip(sites, parts, strict=True)]
        return (*entries, *((s, sympy.S.Integers) for s in self.n.shifts))

    # ---- entries ----------------------------------------------------------------------------------------

    def weight(self, alpha: Sites, out: Sites, beta: Sites, into: Sites) -> Indexed:
        return self.n.A[(*self.i, *alpha, *out, *self.c, *beta, *into)]

    @property
    def general(self) -> Indexed:
        """A weight at plain indices."""
        return self.weight(self.output.index, self.n.out, self.input.index, self.n.into)

    def bias(self, alpha: Sites, out: Sites) -> Indexed:
        return self.n.b[(*self.i, *alpha, *out)]

    def read(self, field: IndexedBase, beta: Sites, into: Sites) -> Indexed:
        return field[(*self.c, *beta, *into)]

    def output_entry(self, field: IndexedBase, alpha: Sites, out: Sites) -> Indexed:
        return field[(*self.i, *alpha, *out)]

    def kernel(self, alpha: Sites, beta: Sites, at: Sites) -> Indexed:
        return self.n.K[(*self.i, *alpha, *self.c, *beta, *at)]

    # ---- the group --------------------------------------------------------------------------------------

    @cached_property
    def movers(self) -> tuple[Mover, ...]:
        """All translations as one, then every generator of the point group."""
        n, point = self.n, self.problem.group.point
        found = []
        if n.shifts:
            found.append(Mover(Translation(), n.shifted("out", 1), n.shifted("into", 1), Action(), Action()))
        for g in point.generators:
            found.append(
                Mover(
                    Infinitesimal(Generator(g)) if g in point.algebra else Generator(g),
                    _image(self.affine(self.problem.y, g), n.out),
                    _image(self.affine(self.problem.x, g), n.into),
                    self.output.action(g),
                    self.input.action(g),
                )
            )
        return tuple(found)

    def affine(self, field: Field, generator: str) -> Affine:
        """p -> P p + h on the sites of one field."""
        if field.lattice is None:
            return (), ()
        return field.lattice.carry(generator, self.problem.group.motions[generator])

    # ---- classes ----------------------------------------------------------------------------------------

    @property
    def tied(self) -> bool:
        """Whether translations tie the weights to a kernel."""
        return bool(self.n.shifts)

    @cached_property
    def names(self) -> tuple[Symbol, ...]:
        """The coordinates of a class of pairs."""
        return coordinate_symbols(self.n, self.problem.quotient, self.n.pair)

    def representative(self, at: Sites) -> tuple[Sites, Sites]:
        """The pair of sites that stands for a class."""
        phases = len(self.problem.quotient.phases)
        pair = self.problem.quotient.representative(at[:phases], at[phases:])
        return pair[: len(self.n.out)], pair[len(self.n.out) :]

    def class_of(self, out: Sites, into: Sites) -> Sites:
        """The coordinates of the class of a pair."""
        return tuple(
            sympy.expand(e) if not e.has(sympy.Mod) else e
            for e in kernel_at(self.n, (*out, *into)).indices[2:]
        )

    @cached_property
    def bias_names(self) -> tuple[Symbol, ...]:
        """The coordinates of a class of output sites, in the order of the axes."""
        quotient = self.problem.bias_quotient
        names = coordinate_symbols(self.n, quotient, self.n.out)
        return tuple(names[k] for k in bias_order(quotient))

    def bias_representative(self, at: Sites) -> Sites:
        """The output site that stands for a class."""
        quotient = self.problem.bias_quotient
        sorted_back = [at[bias_order(quotient).index(k)] for k in range(len(at))]
        phases = len(quotient.phases)
        return quotient.representative(sorted_back[:phases], sorted_back[phases:])

    def bias_class_of(self, out: Sites) -> Sites:
        """The coordinates of the class of an output site."""
        quotient = self.problem.bias_quotient
        values = (*quotient.phase_of(out), *quotient.displacement_of(out))
        return tuple(values[k] for k in bias_order(quotient))

    @cached_property
    def condition(self) -> sympy.Basic:
        """Where weights may be."""
        return locality(self.n)

    # ---- the layer --------------------------------------------------------------------------------------

    @cached_property
    def layer(self) -> Eq:
        """The operator with its weights tied by translations, or as it was where there are none."""
        if not self.tied:
            return self.operator(self.y)
        plain = layer(self.n)
        return Eq(self._dressed(plain.lhs), self._dressed(plain.rhs), evaluate=False)

    def layer_with(self, bias: bool) -> Eq:
        """The layer, without the bias where the symmetry leaves none."""
        if bias or not self.biased:
            return self.layer
        return replace(self, problem=replace(self.problem, bias=False)).layer

    def operator(self, image: IndexedBase) -> Eq:
        """y[i,alpha,p] = Sum(A[i,alpha,p,c,beta,q] x[c,beta,q]) + b[i,alpha,p]."""
        alpha, out, beta, into = self.output.index, self.n.out, self.input.index, self.n.into
        term = self.weight(alpha, out, beta, into) * self.read(self.x, beta, into)
        total = summed(term, self.limits)
        right = total + self.bias(alpha, out) if self.biased else total
        return Eq(self.output_entry(image, alpha, out), right, evaluate=False)

    def _dressed(self, expr: sympy.Expr) -> sympy.Expr:
        """Copies and components for the plain channels of an expression."""
        builders: dict[IndexedBase, Callable[[Sequence[sympy.Expr]], Indexed]] = {
            self.n.K: lambda e: self.kernel(self.output.index, self.input.index, tuple(e[2:])),
            self.n.b: lambda e: self.bias(self.output.index, tuple(e[1:])),
            self.x: lambda e: self.read(self.x, self.input.index, tuple(e[1:])),
            self.y: lambda e: self.output_entry(self.y, self.output.index, tuple(e[1:])),
        }
        dressed = expr.replace(lambda e: isinstance(e, Indexed), lambda e: builders[e.base](e.indices))
        return dressed.replace(lambda e: isinstance(e, Sum), self._limited)

    def _limited(self, total: Sum) -> sympy.Expr:
        sites = [limit for limit in total.limits if limit[0] != self.n.c]
        return summed(total.function, (*self.copy_limits, *self.input.limits(self.input.index), *sites))

    @cached_property
    def reads_modulo(self) -> tuple[str, ...]:
        """The axes whose sites are read modulo the grid."""
        return tuple(self.problem.axes[i].name for i in input_axes(self.n) if self.n.wraps(i))


def _sites(part: Side) -> sympy.Set:
    """The sites of one side along an axis: all of Z, Z mod n on a ring, or 0 to n - 1."""
    if part.size is None:
        return sympy.S.Integers
    return residues(part.size) if part.boundary == "periodic" else sympy.Range(0, part.size)


def summed(term: sympy.Expr, limits: Sequence[Any]) -> sympy.Expr:
    """The sum over these limits, in their order; the term itself where there are none."""
    return Sum(term, *limits) if limits else term


def _image(affine: Affine, sites: tuple[Symbol, ...]) -> Sites:
    matrix, shift = affine
    return tuple(
        sympy.Add(*(number(k) * s for k, s in zip(row, sites, strict=True) if k), number(h))
        for row, h in zip(matrix, shift, strict=True)
    )
