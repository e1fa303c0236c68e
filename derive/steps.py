"""A derivation as data: steps that every stage appends, each with what was true before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sympy

from derive.pickling import Expressions, hold, release


@dataclass(frozen=True)
class Step(Expressions):
    """One move of a derivation: `before` implies `after` by `rule`, `because` of what stands there.

    `where` says what the indices range over (given once, in the first step).
    """

    rule: str
    before: sympy.Basic
    after: sympy.Basic
    because: str
    where: tuple[tuple[sympy.Symbol, sympy.Set], ...] = ()


def residues(n: sympy.Expr) -> sympy.Set:
    """Z mod n: the sites of an axis that is closed to a ring, so that n - 1 is followed by 0."""
    name = "k'" if "k" in {s.name for s in n.free_symbols} else "k"
    k = sympy.Symbol(name, integer=True)
    return sympy.ImageSet(sympy.Lambda(k, sympy.Mod(k, n, evaluate=False)), sympy.S.Integers)


def modulus(domain: sympy.Set) -> sympy.Expr | None:
    """The n of Z mod n, None for other domains."""
    if isinstance(domain, sympy.ImageSet) and domain.base_set is sympy.S.Integers:
        rule = domain.lamda
        if isinstance(rule.expr, sympy.Mod) and rule.expr.args[0] in rule.variables:
            return rule.expr.args[1]
    return None


class Derivation(tuple[Step, ...]):
    """A tuple of steps; each step's `before` is the `after` of the one above it.

    `check()` evaluates what is printed; `str`, `.latex()`, `.markdown()` and `.html()` print it.
    """

    __slots__ = ()

    def __new__(cls, steps: Iterable[Step] = ()) -> Derivation:
        return super().__new__(cls, tuple(steps))

    def __reduce__(self) -> tuple[Any, ...]:
        """All steps at once, so that what one step hands to the next is carried once."""
        names = [f.name for f in fields(Step)]
        return _derivation, (type(self), hold(tuple(tuple(getattr(s, n) for n in names) for s in self)))

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(self)

    def check(self, grid: int | Sequence[int] | None = None) -> None:
        """Evaluate every step on small grids and compare both sides term by term.

        `grid`: input sites along each axis, for derivations about convolutions such as adjoints; the sizes of
        an equivariance derivation are checked as they are, or at as many as decide it, and GridError refuses
        another choice. Raises DerivationError naming the first step that is false, missing or out of order.
        """
        from derive.checking.dispatch import checker

        checker(self)(self, grid)

    def __str__(self) -> str:
        from derive.answer.render import as_text

        return as_text(self)

    def __repr__(self) -> str:
        return f"Derivation of {len(self)} steps: " + "; ".join(step.rule for step in self)

    def latex(self) -> str:
        """The derivation as a LaTeX align environment."""
        from derive.answer.render import as_latex

        return as_latex(self)

    def markdown(self) -> str:
        """The derivation as Markdown with inline mathematics."""
        from derive.answer.render import as_markdown

        return as_markdown(self)

    def html(self) -> str:
        """The derivation as HTML with inline mathematics."""
        from derive.answer.render import as_html

        return as_html(self)

    def _repr_latex_(self) -> str:
        return self.latex()

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _derivation(kind: type[Derivation], steps: Any) -> Derivation:
    return kind(Step(*step) for step in release(steps))
