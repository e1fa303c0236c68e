"""One chapter of a derivation on R^n: the statement as it is printed, and what the steps have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, Expr, Integral, MatrixBase, Symbol

from derive.checking.terms import false
from derive.notation import At, Generator, Moved, Tangent, Translation
from derive.steps import Step
from derive.symmetry.exact import over_common_field
from derive.symmetry.polynomials import Action

p, q, s, d, h, b = (Symbol(name, commutative=False) for name in "pqsdhb")
D0 = Symbol("d_0", commutative=False)


def require(holds: object, what: str, shown: object) -> None:
    """Raise unless a step holds."""
    if not bool(holds):
        raise false(what, shown)


@dataclass(frozen=True)
class SpaceChapter:
    """The steps about one pair of blocks."""

    steps: Sequence[Step]

    @property
    def given(self) -> Sequence[Any]:
        return tuple(self.steps[0].before)

    # ---- the statement ----------------------------------------------------------------------------------

    @cached_property
    def fields(self) -> tuple[Symbol, Symbol]:
        """The input and the output, in the order in which their laws are given."""
        named = dict.fromkeys(eq.lhs.head.field for eq in self._laws)
        require(len(named) == 2 and len(self._laws) == 4, "must say how both fields move", self.given)
        x, y = named
        return x, y

    @property
    def _laws(self) -> list[Eq]:
        return [eq for eq in self.given if isinstance(eq.lhs, At) and isinstance(eq.lhs.head, Moved)]

    def law(self, mover: Symbol, field: Symbol) -> Eq:
        """How a mover moves a field."""
        found = [eq for eq in self._laws if eq.lhs.head.mover == mover and eq.lhs.head.field == field]
        require(
            len(found) == 1 and found[0].lhs.points == (p,), "must say how each field moves, once", self.given
        )
        return found[0]

    def require_laws(self) -> None:
        """(T_s x)(p) = x(p - s) and (h x)(p) = rho(h) x(h^-1 p)."""
        for field in self.fields:
            shifted, turned = self.law(Translation(), field).rhs, self.law(h, field).rhs
            require(shifted == At(field, p - s), "must move fields by translations", shifted)
            law = At(Symbol(f"rho_{field}"), h) * At(field, h**-1 * p)
            require(turned == law, "must move fields by the point group", turned)

    @property
    def rho_x(self) -> Symbol:
        return Symbol(f"rho_{self.fields[0]}")

    @property
    def rho_y(self) -> Symbol:
        return Symbol(f"rho_{self.fields[1]}")

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The matrices of every generator: orthogonal, or skew for one of a Lie algebra."""
        found: dict[tuple[str, bool], dict[str, Any]] = {}
        for eq in self.given:
            if isinstance(eq.lhs, At) and isinstance(eq.lhs.points[0], Generator):
                head = eq.lhs.head
                infinitesimal = isinstance(head, Tangent)
                side = found.setdefault((eq.lhs.points[0].name, infinitesimal), {})
                name = str(head.of if infinitesimal else head)
                require(name not in side, "must give each matrix once", eq)
                side[name] = sympy.Matrix(eq.rhs)
        names = ("M", str(self.rho_x), str(self.rho_y))
        whole = all(set(m) == set(names) for m in found.values())
        require(found and whole, "must give all matrices of a generator", self.given)
        require(len({name for name, _ in found}) == len(found), "must name generators once", self.given)
        return tuple(_action(*key, *(m[k] for k in names)) for key, m in found.items())

    @property
    def dim(self) -> int:
        return int(self.actions[0].move.rows)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.actions[0].out.rows), int(self.actions[0].into.rows)

    def copies(self, field: Symbol) -> Any:
        """How many copies of its block a field has."""
        named = Symbol(f"copies_{field}")
        return next((eq.rhs for eq in self.given if eq.lhs == named), sympy.S.One)

    @cached_property
    def biased(self) -> bool:
        return self.steps[0].after[0].rhs.has(At(b, p))

    @cached_property
    def transitive(self) -> bool:
        """Whether spheres are orbits: the algebra moves a vector in all directions across it."""
        axis = sympy.Matrix([0] * (self.dim - 1) + [1])
        slopes = [a.move * axis for a in self.actions if a.infinitesimal]
        return self.dim > 1 and bool(slopes) and sympy.Matrix.hstack(*slopes).rank() == self.dim - 1

    @property
    def label(self) -> str:
        """T(x), as it is printed."""
        return str(self.fields[0])


def _action(name: str, infinitesimal: bool, move: MatrixBase, into: MatrixBase, out: MatrixBase) -> Action:
    m, one = over_common_field([move, sympy.eye(move.rows)])
    kept = (m + m.transpose()).is_zero_matrix if infinitesimal else m * m.transpose() == one
    require(kept, "must move space by orthogonal matrices, or skew ones of an algebra", move)
    return Action(name, move, into, out, infinitesimal)


def split(equation: Eq) -> tuple[Expr, Symbol, Expr | None]:
    """The integrand, what it is integrated over, and the rest."""
    parts = sympy.Add.make_args(equation.rhs)
    integrals = [part for part in parts if isinstance(part, Integral)]
    require(len(integrals) == 1 and len(parts) <= 2, "must be an integral and a bias", equation)
    (integral,) = integrals
    require(len(integral.limits) == 1 and len(integral.limits[0]) == 1, "must integrate over R^n", equation)
    rest = [part for part in parts if part is not integral]
    return integral.function, integral.limits[0][0], rest[0] if rest else None


def tidy(expr: Any) -> Any:
    """Vectors multiplied out: h (d + h^-1 p) is h d + p."""
    if not isinstance(expr, Expr):
        return expr
    return sympy.Add(*sympy.Add.make_args(sympy.expand(expr)))


def put(expr: Any, values: dict[Any, Any]) -> Any:
    """Vectors replaced, all at once."""
    return None if expr is None else tidy(expr.xreplace(values))
