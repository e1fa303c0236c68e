"""A table of entries: each is a phase times the first of its orbit, reached by the word printed beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Indexed, Symbol

from derive.checking.actions import is_zero
from derive.checking.classes import Class
from derive.checking.context import Chapter, Rule, Target
from derive.checking.statement import LEADING
from derive.checking.terms import false
from derive.notation import Generator
from derive.steps import Step

Place = tuple[sympy.Expr, ...]


@dataclass(frozen=True)
class EntryTable:
    """The entries of one tensor, and how the printed constraints move them."""

    chapter: Chapter
    target: Target
    classes: list[Class]

    @cached_property
    def plain(self) -> tuple[Symbol, ...]:
        """The indices of the tensor before its classes: copies and components."""
        s = self.chapter.s
        own = s.out if self.target.bias else (*s.out, *s.into)
        if self.target.label == "A":
            return own
        return tuple(index for index in own if index.name in LEADING)

    @cached_property
    def places(self) -> list[Place]:
        """Every entry: copies as letters, components and classes as numbers."""
        found: list[Place] = [()]
        lead = [index for index in self.plain if index.name in LEADING]
        for index in lead:
            runs = [index] if index.name in ("i", "c") else _numbers(self.chapter.scene.stop(index) or 0)
            found = [(*place, value) for place in found for value in runs]
        return [self._order(place, at) for place in found for at in self.classes]

    def _order(self, lead: Place, at: Class) -> Place:
        """Indices as they are printed: A has sites after each side's components, K has classes last."""
        if self.target.label != "A" and not (self.target.bias and not self.chapter.s.translated):
            return (*lead, *at)
        own = self.chapter.s.out if self.target.bias else (*self.chapter.s.out, *self.chapter.s.into)
        leading, sites = iter(lead), iter(at)
        return tuple(next(leading) if index.name in LEADING else next(sites) for index in own)

    @cached_property
    def moves(self) -> dict[str, dict[Place, tuple[Place, sympy.Expr]]]:
        """By generator: where the constraint takes an entry, and times what."""
        return {g: self._moves(eq) for g, eq in self.target.constraints.items()}

    def _moves(self, constraint: Any) -> dict[Place, tuple[Place, sympy.Expr]]:
        (before, image), (after, here) = (self._single(side) for side in constraint.args)
        if not all(isinstance(index, Symbol) for index in here.indices):
            raise false("must have plain indices on its right", constraint)
        found = {}
        for place in self.places:
            put = {s: v for s, v in zip(here.indices, place, strict=True) if s != v}
            goes = self.chapter.scene.place(image, put)
            found[place] = goes, self._value(after, put) / self._value(before, put)
        return found

    def _single(self, side: sympy.Expr) -> tuple[sympy.Expr, Indexed]:
        """One side as a number times one entry."""
        entries = [e for e in side.atoms(Indexed) if str(e.base.label) == self.target.label]
        if len(entries) != 1 or side.has(sympy.Sum):
            raise false("must tie one entry to one entry", side)
        return side / entries[0], entries[0]

    def _value(self, factor: sympy.Expr, put: dict[Any, Any]) -> sympy.Expr:
        """A sign, a phase or a product of them, looked up."""
        tables = self.chapter.s.tables
        looked = {}
        for entry in factor.atoms(Indexed):
            at = tuple(int(index.xreplace(put)) for index in entry.indices)
            table = tables[entry.base.label]
            looked[entry] = table[at] if len(at) == 2 else table[at[0]]
        return factor.xreplace(looked)

    # ---- the steps --------------------------------------------------------------------------------------

    def rules(self) -> Iterator[Rule]:
        label = self.target.label
        yield f"list the orbits of {label}", self._listed
        if self.vanishing:
            yield f"find the zeros of {label}", self._zeros

    def _listed(self, step: Step) -> None:
        new = step.after[len(self.chapter.found.state) :]
        if step.after[: len(self.chapter.found.state)] != self.chapter.found.state:
            raise false("must keep what was found", step.after)
        rows = [self._row(row) for row in new]
        if len(rows) != len(self.places) or {row[0] for row in rows} != set(self.places):
            raise false("must list every entry once", f"{len(rows)} rows for {len(self.places)} entries")
        first = {place for place, _, _, word in rows if not word}
        for place, coefficient, start, word in rows:
            if start not in first or self.walk(start, word) != (place, coefficient):
                raise false("must be reached by its word", (word, place))
        self.tied.update({place: (start, coefficient) for place, coefficient, start, _ in rows})

    @cached_property
    def tied(self) -> dict[Place, tuple[Place, sympy.Expr]]:
        """Filled by the table that was printed: the representative of every entry, and times what."""
        return {}

    def _row(self, row: Any) -> tuple[Place, sympy.Expr, Place, tuple[str, ...]]:
        word, equation = row
        entry = equation.lhs
        coefficient, start = self._single(equation.rhs)
        if not isinstance(entry, Indexed) or str(entry.base.label) != self.target.label:
            raise false("must have one entry on its left", equation)
        return tuple(entry.indices), coefficient, tuple(start.indices), letters(word)

    def walk(self, start: Place, word: tuple[str, ...]) -> tuple[Place, sympy.Expr]:
        """Where a word takes an entry, the last letter first, and times what."""
        place, total = start, sympy.S.One
        for g in reversed(word):
            place, by = self.moves[g][place]
            total = total * by
        return place, sympy.simplify(total) if total.has(sympy.exp) else total

    @cached_property
    def vanishing(self) -> set[Place]:
        """The representatives that some word brings back with another phase."""
        zero = set()
        for by_generator in self.moves.values():
            for place, (image, by) in by_generator.items():
                if image not in self.tied:
                    raise false("must carry the support to itself", (place, image))
                (start, a), (end, b) = self.tied[place], self.tied[image]
                if start != end:
                    raise false("must not split an orbit", (place, image))
                if not _equal(by * a, b):
                    zero.add(start)
        return zero

    def _zeros(self, step: Step) -> None:
        new = step.after[len(self.chapter.found.state) :]
        if step.after[: len(self.chapter.found.state)] != self.chapter.found.state:
            raise false("must keep what was found", step.after)
        found = set()
        for word, equation, conclusion in new:
            entry = equation.lhs
            coefficient, again = self._single(equation.rhs)
            back = self.walk(tuple(entry.indices), letters(word))
            if again != entry or back != (tuple(entry.indices), coefficient) or _equal(coefficient, 1):
                raise false("must come back with another phase", equation)
            if conclusion.lhs != entry or conclusion.rhs != 0 or tuple(entry.indices) in found:
                raise false("must be zero, once", conclusion)
            found.add(tuple(entry.indices))
        if found != self.vanishing:
            raise false("must find every zero", f"{len(found)} of {len(self.vanishing)}")

    def count(self) -> sympy.Expr:
        """The representatives that are free."""
        return sympy.Integer(len({start for start, _ in self.tied.values()} - self.vanishing))

    def free(self) -> sympy.Expr:
        """The same without a table: orbits found by following the constraints."""
        for place in self.places:
            if place in self.tied:
                continue
            self.tied[place] = place, sympy.S.One
            frontier = [place]
            while frontier:
                here = frontier.pop()
                for by_generator in self.moves.values():
                    image, by = by_generator[here]
                    if image not in self.tied:
                        self.tied[image] = place, by * self.tied[here][1]
                        frontier.append(image)
        return self.count()


def letters(word: sympy.Expr) -> tuple[str, ...]:
    """A printed word, letter by letter; only positive powers are words."""
    found: list[str] = []
    for factor in sympy.Mul.make_args(word):
        if factor == 1:
            continue
        base, power = factor.as_base_exp()
        if not isinstance(base, Generator) or not power.is_Integer or power < 1:
            raise false("must be a word in the generators", word)
        found += [base.name] * int(power)
    return tuple(found)


def _numbers(stop: int) -> list[sympy.Integer]:
    return [sympy.Integer(n) for n in range(stop)]


def _equal(a: sympy.Expr, b: sympy.Expr) -> bool:
    return bool(a == b) or is_zero(sympy.sympify(a) - b)
