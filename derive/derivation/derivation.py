"""A derivation: steps that can be printed, and checked by what is printed alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from derive.checking.dispatch import checker
from derive.derivation.render import as_html, as_latex, as_markdown, as_text
from derive.pickling import hold, release
from derive.steps import Step


class Derivation(tuple[Step, ...]):
    """A tuple of steps; each step's `before` is the `after` of the one above it.

    `check()` evaluates what is printed; `str`, `.latex()`, `.markdown()` and `.html()` print it.
    """

    __slots__ = ()

    def __new__(cls, steps: Iterable[Step] = ()) -> Derivation:
        return super().__new__(cls, tuple(steps))

    def __reduce__(self) -> tuple[Any, ...]:
        """All steps at once, so that what two steps share is written once."""
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
        checker(self)(self, grid)

    def __str__(self) -> str:
        return as_text(self)

    def __repr__(self) -> str:
        return f"Derivation of {len(self)} steps: " + "; ".join(step.rule for step in self)

    def latex(self) -> str:
        """The derivation as a LaTeX align environment."""
        return as_latex(self)

    def markdown(self) -> str:
        """The derivation as Markdown with inline mathematics."""
        return as_markdown(self)

    def html(self) -> str:
        """The derivation as HTML whose formulas are MathML: nothing is fetched or run to read it."""
        return as_html(self)

    def _repr_latex_(self) -> str:
        return self.latex()

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _derivation(kind: type[Derivation], steps: Any) -> Derivation:
    return kind(Step(*step) for step in release(steps))
