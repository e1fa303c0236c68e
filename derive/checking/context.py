"""What every stage of the checker works on: one chapter of steps, and what has been found on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy
from sympy import Eq, Indexed, IndexedBase, Symbol

from derive.checking.scene import Scene
from derive.checking.statement import Statement, read_statement
from derive.checking.terms import false
from derive.checking.trials import typical_sizes
from derive.steps import Step

Rule = tuple[str, Callable[[Step], None]]
BEGIN = "write the general linear operator"


@dataclass(frozen=True)
class Target:
    """One tensor that is left to find: its name, its form, and the constraint that each generator makes."""

    label: str
    form: Eq
    constraints: Mapping[str, Eq]
    bias: bool


@dataclass
class _Found:
    """What the steps so far have said: `state` is what the last one left, `upcoming` the next one's rule."""

    state: tuple[sympy.Basic, ...] = ()
    constraints: tuple[Eq, ...] = ()
    form: Eq | None = None
    definition: Eq | None = None
    bias_form: Eq | None = None
    bias_definition: Eq | None = None
    upcoming: str = ""


@dataclass(frozen=True)
class Chapter:
    """One chapter, and what has been found on the way through it."""

    steps: Sequence[Step]
    scene: Scene
    found: _Found = field(default_factory=_Found)

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Chapter:
        if steps[0].rule != BEGIN:
            raise false(f"must go on with {BEGIN!r}", steps[0].rule)
        statement = read_statement(steps)
        return cls(steps, Scene(statement, typical_sizes(statement)))

    @property
    def s(self) -> Statement:
        return self.scene.statement

    @property
    def each(self) -> int:
        """How many equations a generator gives."""
        return 1 + self.s.biased

    # ---- entries ----------------------------------------------------------------------------------------

    @property
    def weight(self) -> Indexed:
        return IndexedBase("A")[(*self.s.out, *self.s.into)]

    @property
    def read(self) -> Indexed:
        return IndexedBase(self.s.x)[self.s.into]

    @property
    def bias(self) -> Indexed:
        return IndexedBase("b")[self.s.out]

    def total(self, term: sympy.Expr) -> sympy.Expr:
        """The sum over all inputs, as stated."""
        limits = self.s.limits(self.s.into)
        return sympy.Sum(term, *limits) if limits else term

    def period(self, site: Symbol) -> int | None:
        """How far one translation moves an output site, None where none does."""
        if not self.s.translated or site not in self.s.out:
            return None
        moved = self.s.actings[0].y.lhs.indices[self.s.out.index(site)]
        return sum(abs(int(sympy.expand(moved).coeff(shift))) for shift in self.s.shifts) or None

    def with_sizes(self, sizes: Mapping[Symbol, int]) -> Chapter:
        """The same chapter with numbers for symbols of sizes."""
        return replace(self, scene=Scene(self.s, sizes))

    def kept(self, step: Step, known: Sequence[sympy.Basic], new: int) -> tuple[sympy.Basic, ...]:
        """The `new` items that a step adds to what it keeps."""
        after = tuple(step.after)
        if after[: len(known)] != tuple(known) or len(after) != len(known) + new:
            raise false("must keep what was found and add to it", step.after)
        return after[len(known) :]
