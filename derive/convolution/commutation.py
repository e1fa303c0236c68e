"""f * g = g * f: convolution commutes, and cross-correlation commutes up to a flip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Eq, Expr, Function, IndexedBase, Integral, Sum, Symbol, Tuple

from derive.convolution.window import dimension
from derive.derivation.chain import chain
from derive.derivation.derivation import Derivation
from derive.notation import Convolution, Correlation
from derive.pickling import Fields
from derive.symmetry.sizes import flag
from derive.symmetry.spacegroup import axis_names


@dataclass(frozen=True)
class Commutation(Fields):
    """Two functions on Z^dim or R^dim, their product in both orders, and the proof.

    `product`, `reversed_product`: the definitions of both; `equation`: how they are related.
    """

    dim: int
    lattice: bool
    flip: bool

    @cached_property
    def product(self) -> Eq:
        """(f*g)[u] = Sum(f[u'] g[u-u'])."""
        return self._definition("f", "g")

    @cached_property
    def reversed_product(self) -> Eq:
        return self._definition("g", "f")

    @cached_property
    def equation(self) -> Eq:
        """(f*g)[u] = (g*f)[u]; without the flip the right side is read at -u."""
        turned = self._at if self.flip else tuple(-u for u in self._at)
        return Eq(self.product.lhs, self._entry(self._name("g", "f"), turned), evaluate=False)

    @cached_property
    def derivation(self) -> Derivation:
        """Write the product, re-index, recognise the other product; `check()` evaluates it."""
        product = self.product
        other = tuple(self._second(a) for a in self._over)
        total = self._total(self._entry("f", other) * self._entry("g", self._over))
        reindexed = Eq(product.lhs, total, evaluate=False)
        return chain(
            Tuple(product, self.reversed_product),
            self._domains,
            [
                ("write the convolution", product, "the definition; f and g are such that it converges"),
                (
                    "re-index the sum",
                    reindexed,
                    "rename the index to the argument of g, a bijection that keeps volumes",
                ),
                ("read the other product", self.equation, "this is the definition with f and g exchanged"),
            ],
        )

    @property
    def counterexample(self) -> Tuple | None:
        """Where cross-correlation does not commute: entries of f and g that are not listed are 0.

        f[0] = 1, g[1] = 1, so corr(f,g)[1] = 1 but corr(g,f)[1] = 0; None for convolution and on R^dim.
        """
        if self.flip or not self.lattice:
            return None
        zero, one = (sympy.S.Zero,) * self.dim, (sympy.S.One,) * self.dim
        known = (
            ("f", zero, 1),
            ("g", one, 1),
            (self._name("f", "g"), one, 1),
            (self._name("g", "f"), one, 0),
        )
        return Tuple(*(Eq(self._entry(name, at), sympy.Integer(n), evaluate=False) for name, at, n in known))

    @property
    def _at(self) -> tuple[Symbol, ...]:
        return tuple(self._letter(name) for name in axis_names(self.dim))

    @property
    def _over(self) -> tuple[Symbol, ...]:
        return tuple(self._letter(name + "'") for name in axis_names(self.dim))

    def _letter(self, name: str) -> Symbol:
        return Symbol(name, integer=True) if self.lattice else Symbol(name, real=True)

    @property
    def _domains(self) -> tuple[tuple[Symbol, sympy.Set], ...]:
        return tuple((s, sympy.S.Integers) for s in (*self._at, *self._over)) if self.lattice else ()

    def _second(self, a: Symbol) -> Expr:
        """Where f is read once g is read at a."""
        u = self._at[self._over.index(a)]
        return u - a if self.flip else a - u

    def _definition(self, f: str, g: str) -> Eq:
        pairs = zip(self._at, self._over, strict=True)
        second = tuple(u - a if self.flip else u + a for u, a in pairs)
        term = self._entry(f, self._over) * self._entry(g, second)
        return Eq(self._entry(self._name(f, g), self._at), self._total(term), evaluate=False)

    def _name(self, f: str, g: str) -> Symbol:
        return (Convolution if self.flip else Correlation)(Symbol(f), Symbol(g))

    def _entry(self, name: str | Symbol, at: tuple[Expr, ...]) -> Expr:
        return IndexedBase(name)[at] if self.lattice else Function(str(name))(*at)

    def _total(self, term: Expr) -> Expr:
        limits = ((a, -sympy.oo, sympy.oo) for a in self._over)
        return Sum(term, *limits) if self.lattice else Integral(term, *limits)


def commutation(dim: int = 1, *, lattice: bool = True, flip: bool = True) -> Commutation:
    """Whether f * g is g * f, proved for every f and g on Z^dim (`lattice`) or R^dim.

        (f*g)[u] = Sum(f[u'] g[u-u']) = (g*f)[u]               convolution, flip=True
        corr(f,g)[u] = Sum(f[u'] g[u+u']) = corr(g,f)[-u]      cross-correlation, flip=False

    Raises SizeError.

    >>> from derive.derivation.render import text
    >>> print(text(commutation().equation))
    (f*g)[u] = (g*f)[u]
    >>> print(text(commutation(flip=False).equation))
    corr(f,g)[u] = corr(g,f)[-u]
    >>> commutation(2).derivation.check()

    Source: R. Bracewell, "The Fourier transform and its applications", chapter 3.
    """
    return Commutation(dimension(dim), flag(lattice, "lattice"), flag(flip, "flip"))
