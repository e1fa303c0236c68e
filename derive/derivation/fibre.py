"""A fibre as it is printed: the index of its components, and how every generator acts on them.

A generator that permutes components up to phases is written with two tables,

    (g x)[pi_x(g)[beta]] = sign_x(g)[beta] x[beta],

any other one with its matrix, (g x)[beta] = Sum(rho_x(g)[beta,beta'] x[beta']).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, ImmutableMatrix, IndexedBase, Integer, Symbol, Tuple

from derive.notation import ComponentTable, Images, Mixing, Phases, Primed
from derive.symmetry.factors import Piece
from derive.symmetry.monomial import root_of_unity

LETTERS = {"x": "beta", "y": "alpha"}
Limit = tuple[Symbol, sympy.Expr, sympy.Expr]


@dataclass(frozen=True)
class Action:
    """What one generator does to components: component `a` goes to `image(a)` times `factor(a)`.

    Where `matrix` is a table the components mix instead; `definitions` are the tables, to be printed.
    """

    images: IndexedBase | None = None
    phases: IndexedBase | None = None
    matrix: IndexedBase | None = None
    constant: sympy.Expr = sympy.S.One
    definitions: tuple[Eq, ...] = ()

    def image(self, component: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        return tuple(self.images[a] for a in component) if self.images is not None else component

    def factor(self, component: tuple[sympy.Expr, ...]) -> sympy.Expr:
        return self.phases[component] if self.phases is not None else self.constant


@dataclass(frozen=True)
class Fibre:
    """One piece of the side "x" or "y"; `field` names the field in its tables."""

    piece: Piece
    side: str
    field: str

    @property
    def dim(self) -> int:
        return int(self.piece.dim)

    @cached_property
    def index(self) -> tuple[Symbol, ...]:
        """beta for the input, alpha for the output; nothing where there is one component."""
        return (Symbol(LETTERS[self.side], integer=True),) if self.dim > 1 else ()

    @cached_property
    def other(self) -> tuple[Symbol, ...]:
        """A second component, to be summed over."""
        return tuple(Primed(a, integer=True) for a in self.index)

    def limits(self, index: tuple[Symbol, ...]) -> tuple[Limit, ...]:
        return tuple((a, sympy.S.Zero, Integer(self.dim - 1)) for a in index)

    def mixes(self, generator: str) -> bool:
        """Whether a generator is written with its matrix."""
        return self.dim > 1 and self.monomial(generator) is None

    def monomial(self, generator: str) -> Any:
        """The generator as a permutation with phases, or None; an element of a Lie algebra never is one."""
        return None if generator in self.piece.group.algebra else self.piece.monomial(generator)

    def action(self, generator: str) -> Action:
        """The generator on components, with the tables it is printed with."""
        if self.dim == 1:
            return self._scaling(generator)
        found = self.monomial(generator)
        if found is None:
            table = Mixing(self.field, generator)
            return Action(
                matrix=IndexedBase(table),
                definitions=(_definition(table, ImmutableMatrix(self.piece.matrix(generator))),),
            )
        images = _table(Images(self.field, generator), found.image.tolist(), list(range(self.dim)))
        roots = [root_of_unity(k, found.order) for k in found.phase.tolist()]
        phases = _table(Phases(self.field, generator), roots, [1] * self.dim)
        tables = [table for table in (images, phases) if table is not None]
        return Action(
            images=None if images is None else IndexedBase(images.lhs),
            phases=None if phases is None else IndexedBase(phases.lhs),
            definitions=tuple(tables),
        )

    def _scaling(self, generator: str) -> Action:
        value = sympy.sympify(self.piece.matrix(generator)[0, 0])
        if value.is_Integer:
            return Action(constant=value)
        table = Mixing(self.field, generator)
        defined = _definition(table, ImmutableMatrix([[value]]))
        return Action(constant=IndexedBase(table)[0, 0], definitions=(defined,))


def _table(name: ComponentTable, values: list[Any], plain: list[Any]) -> Eq | None:
    """A table of numbers, unless it says nothing."""
    return None if values == plain else _definition(name, Tuple(*values))


def _definition(name: ComponentTable, value: sympy.Basic) -> Eq:
    return Eq(name, value, evaluate=False)
