"""A convolution layer and its cotangent as one trilinear form in a coarse field, a kernel and a fine field.

    P = sum coarse[i,p] K[i,c,d] fine[c, s p + e d - low]

A convolution reads the fine field and writes the coarse one, a transposed convolution the other way round;
the layer and both adjoints are the coefficients of one of the three in P, so all come from the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import And, Eq, Expr, Indexed, IndexedBase, Piecewise, Range, Sum, Symbol

from derive.convolution.window import Window
from derive.pickling import Fields
from derive.symmetry.spacegroup import axis_names

Sites = tuple[Symbol, ...]


@dataclass(frozen=True)
class Trilinear(Fields):
    """The letters of one layer; `C`, `D`: fine and coarse channels (of one group), None for no such index."""

    windows: tuple[Window, ...]
    C: Expr | None
    D: Expr | None
    G: Expr | None
    transposed: bool

    K = IndexedBase("K")

    @property
    def names(self) -> tuple[str, ...]:
        return axis_names(len(self.windows))

    @cached_property
    def out(self) -> Sites:
        """u, v, ...: the output site."""
        return tuple(_index(name) for name in self.names)

    @cached_property
    def into(self) -> Sites:
        """u', v', ...: the input site."""
        return tuple(_index(name + "'") for name in self.names)

    @cached_property
    def taps(self) -> Sites:
        return tuple(_index("d" + name) for name in self.names)

    @property
    def g(self) -> Sites:
        return (_index("g"),) if self.G is not None else ()

    @property
    def c(self) -> Sites:
        return (_index("c"),) if self.C is not None else ()

    @property
    def i(self) -> Sites:
        return (_index("i"),) if self.D is not None else ()

    # ---- the two fields: coarse and fine, output and input ------------------------------------------------

    @property
    def coarse(self) -> Sites:
        return self.into if self.transposed else self.out

    @property
    def fine(self) -> Sites:
        return self.out if self.transposed else self.into

    @property
    def out_channel(self) -> Sites:
        return self.c if self.transposed else self.i

    @property
    def in_channel(self) -> Sites:
        return self.i if self.transposed else self.c

    def at_out(self, base: IndexedBase, sites: Sequence[Expr] | None = None) -> Indexed:
        return base[(*self.g, *self.out_channel, *(self.out if sites is None else sites))]

    def at_in(self, base: IndexedBase, sites: Sequence[Expr] | None = None) -> Indexed:
        return base[(*self.g, *self.in_channel, *(self.into if sites is None else sites))]

    def kernel(self, base: IndexedBase | None = None, taps: Sequence[Expr] | None = None) -> Indexed:
        return (base or self.K)[(*self.g, *self.i, *self.c, *(self.taps if taps is None else taps))]

    # ---- what every index ranges over ---------------------------------------------------------------------

    @cached_property
    def extent(self) -> dict[Symbol, Expr]:
        sizes: dict[Symbol, Expr] = {}
        for index, n in ((self.g, self.G), (self.i, self.D), (self.c, self.C)):
            sizes.update((s, n) for s in index if n is not None)
        for w, p, q, d in zip(self.windows, self.coarse, self.fine, self.taps, strict=True):
            sizes.update({p: w.outputs, q: w.n, d: w.taps})
        return sizes

    @property
    def domains(self) -> tuple[tuple[Symbol, sympy.Set], ...]:
        order = (*self.g, *self.i, *self.c, *self.out, *self.into, *self.taps)
        return tuple((s, Range(0, self.extent[s])) for s in order)

    def sum(self, term: Expr, *indices: Symbol) -> Expr:
        return Sum(term, *((s, 0, sympy.expand(self.extent[s] - 1)) for s in indices)) if indices else term

    # ---- reading along the relation fine = s coarse + e tap - low -----------------------------------------

    @property
    def solvable(self) -> bool:
        return all(w.solvable for w in self.windows)

    def product(
        self,
        free: Sites,
        out: IndexedBase | None = None,
        into: IndexedBase | None = None,
        kernel: Expr | None = None,
        taps: Sequence[Expr] | None = None,
    ) -> tuple[Expr, Sites]:
        """out * kernel * into with the sites `free` at plain indices, and what else must be summed over.

        Either field may be left out; `taps` are met in the place of d. Where a fine site and a tap do not fix
        the coarse site (a mirrored border), both sites stay plain under the condition that they meet.
        """
        term = self.kernel() if kernel is None else kernel
        d = self.taps if taps is None else taps
        solved = self._solved(free, d)
        place: dict[Sites, Sequence[Expr]] = {self.coarse: self.coarse, self.fine: self.fine}
        if solved is not None:
            place[self.fine if free == self.coarse else self.coarse] = solved
        if out is not None:
            term = self.at_out(out, place[self.out]) * term
        if into is not None:
            term = term * self.at_in(into, place[self.into])
        if free == self.coarse:
            return term, ()
        if solved is None:
            return self.delta(term), self.coarse
        parts = (w.divides(q, j) for w, q, j in zip(self.windows, self.fine, d, strict=True))
        return _cases(term, And(*parts)), ()

    def _solved(self, free: Sites, taps: Sequence[Expr]) -> tuple[Expr, ...] | None:
        """The sites that `free` and the taps fix on the other side."""
        if free == self.coarse:
            return tuple(w.read(p, d) for w, p, d in zip(self.windows, self.coarse, taps, strict=True))
        if not self.solvable:
            return None
        return tuple(w.output(q, d) for w, q, d in zip(self.windows, self.fine, taps, strict=True))

    def delta(self, term: Expr) -> Expr:
        """The term where coarse site, tap and fine site meet, else 0."""
        triples = zip(self.windows, self.coarse, self.taps, self.fine, strict=True)
        return _cases(term, And(*(Eq(w.read(p, d), q) for w, p, d, q in triples)))


def _cases(term: Expr, condition: sympy.Basic) -> Expr:
    if condition == sympy.true:
        return term
    return Piecewise((term, condition), (0, True), evaluate=False)


def _index(name: str) -> Symbol:
    return Symbol(name, integer=True)
