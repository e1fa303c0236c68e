"""The checker's part from constraints on A to constraints on the kernel: representatives, names, locality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import sympy
from sympy import Eq, Indexed, Piecewise, Symbol

from derive.checking.context import Chapter, Rule
from derive.checking.scene import tied_bias
from derive.checking.statement import LEADING
from derive.checking.terms import false
from derive.notation import Translation
from derive.steps import Step

SAMPLES = 12
FURTHEST = 30
Values = Mapping[Symbol, sympy.Integer]


@dataclass(frozen=True)
class Reduction:
    """From the constraint of translations to the kernel, and to its constraints under the point group."""

    chapter: Chapter

    def rules(self) -> Iterator[Rule]:
        s = self.chapter.s
        if s.translated:
            yield "choose s to reach a representative", self._reach
            yield "name the kernel", self._name
            if s.biased:
                yield "tie the bias", self._tie_bias
            for k, acting in enumerate(s.point):
                yield f"act on the kernel by {acting.name}", partial(self._on_kernel, k)
        if s.condition is not None:
            yield "impose locality", self._localise

    @property
    def each(self) -> int:
        return self.chapter.each

    @cached_property
    def samples(self) -> list[Values]:
        """Pairs of sites, the same every time."""
        s, generator = self.chapter.s, np.random.default_rng(1)
        found: list[Values] = []
        for _ in range(SAMPLES):
            sites = (*s.sites[0], *s.sites[1])
            bounds = [self.chapter.scene.bounds(site, 5) for site in sites]
            found.append({
                site: sympy.Integer(int(generator.integers(low, high + 1)))
                for site, (low, high) in zip(sites, bounds, strict=True)
            })  # fmt: skip
        return found

    def _place(self, entry: Indexed, values: Values) -> tuple[sympy.Expr, ...]:
        return self.chapter.scene.place(entry, values)

    # ---- representatives --------------------------------------------------------------------------------

    def _reach(self, step: Step) -> None:
        chapter, each = self.chapter, self.each
        after = tuple(step.after)
        by_translation = chapter.found.constraints[:each]
        if not isinstance(chapter.s.actings[0].mover, Translation):
            raise false("must state translations first", chapter.s.actings[0].name)
        if after != (chapter.found.state[0], *after[1 : 1 + each], *chapter.found.constraints[each:]):
            raise false("must keep the constraints of the point group", step.after)
        for constraint, reached, plain in zip(
            by_translation, after[1 : 1 + each], (chapter.weight, chapter.bias), strict=False
        ):
            self._require_reached(constraint, reached, plain)

    def _require_reached(self, constraint: Eq, reached: Any, plain: Indexed) -> None:
        """The right side is a translate of the left, and the same for every translate."""
        if reached.lhs != plain or reached.rhs.base != plain.base:
            raise false("must have plain indices on its left", reached)
        units = self._steps(constraint)
        for values in self.samples:
            here, there = (self._place(e, values) for e in (plain, reached.rhs))
            if not self._is_translate(here, there, units, plain):
                raise false("must be reached by a translation", reached)
            for unit in units:
                moved = {s: values[s] + unit[k] if s in values else None for k, s in enumerate(plain.indices)}
                again = self._place(
                    reached.rhs, {**values, **{s: v for s, v in moved.items() if v is not None}}
                )
                if again != there:
                    raise false("must reach one representative per class", reached)

    def _steps(self, constraint: Eq) -> list[tuple[sympy.Expr, ...]]:
        """How far each translation moves every index."""
        found = []
        for shift in self.chapter.s.shifts:
            put = {s: sympy.Integer(s == shift) for s in self.chapter.s.shifts}
            left, right = constraint.lhs, constraint.rhs
            found.append(
                tuple(
                    sympy.expand(a.xreplace(put) - b)
                    for a, b in zip(left.indices, right.indices, strict=True)
                )
            )
        return found

    def _is_translate(self, here: tuple, there: tuple, units: list, plain: Indexed) -> bool:
        """Whether some whole number of every translation leads from here to there, on the grids."""
        periods = self.chapter.scene.periods(tuple(plain.indices))
        gaps = [b - a for a, b in zip(here, there, strict=True)]
        left = set(range(len(gaps)))
        furthest = max(FURTHEST, *(n or 0 for n in periods), 0)  # round the largest ring
        for unit in units:
            along = [k for k, step in enumerate(unit) if step != 0]
            left -= set(along)
            if not any(
                all(_same(gaps[k] - n * unit[k], periods[k]) for k in along)
                for n in range(-furthest, furthest + 1)
            ):
                return False
        return all(gaps[k] == 0 for k in left)

    # ---- names ------------------------------------------------------------------------------------------

    def _name(self, step: Step) -> None:
        chapter, after = self.chapter, tuple(step.after)
        if after != (chapter.found.state[0], after[1], after[2], *chapter.found.state[2:]):
            raise false("must keep everything else", step.after)
        self._require_named(after[1], after[2], chapter.found.state[1], chapter.weight)
        chapter.found.form = after[1]
        chapter.found.definition = after[2]

    def _tie_bias(self, step: Step) -> None:
        chapter, after = self.chapter, tuple(step.after)
        if after != (*chapter.found.state[:3], after[3], after[4], *chapter.found.state[4:]):
            raise false("must keep everything else", step.after)
        self._require_named(after[3], after[4], chapter.found.state[3], chapter.bias)
        chapter.found.bias_form = after[3]
        chapter.found.bias_definition = after[4]

    def _require_named(self, form: Any, definition: Any, reached: Any, plain: Indexed) -> None:
        """Putting the class of a pair into the definition gives the representative that was reached."""
        names = tuple(definition.lhs.indices)
        lead = tuple(s for s in plain.indices if s.name in LEADING)
        if form.lhs != plain or form.rhs.base != definition.lhs.base:
            raise false("must have plain indices on its left", form)
        if names[: len(lead)] != lead or tuple(form.rhs.indices)[: len(lead)] != lead:
            raise false("must keep copies and components first", definition)
        if len(set(names)) != len(names) or not all(isinstance(n, Symbol) for n in names):
            raise false("must define an entry with plain, different indices", definition.lhs)
        for values in self.samples:
            at = self.chapter.scene.place(form.rhs, values)
            put = {n: v for n, v in zip(names, at, strict=True) if n not in lead}
            if self._place(definition.rhs, put) != self._place(reached.rhs, values):
                raise false("must name the representative it reached", form)

    # ---- the point group on the kernel --------------------------------------------------------------------

    def _on_kernel(self, k: int, step: Step) -> None:
        chapter, each = self.chapter, self.each
        head = 1 + 2 * each + k * each
        after = tuple(step.after)
        old = chapter.found.constraints[(k + 1) * each : (k + 2) * each]
        if after != (
            *chapter.found.state[:head],
            *after[head : head + each],
            *chapter.found.constraints[(k + 2) * each :],
        ):
            raise false("must keep everything else", step.after)
        forms = (
            (chapter.found.form, chapter.found.definition),
            (chapter.found.bias_form, chapter.found.bias_definition),
        )
        for constraint, (form, definition), printed in zip(
            old, forms, after[head : head + each], strict=False
        ):
            self._require_carried(constraint, form, definition, printed)

    def _require_carried(self, constraint: Eq, form: Any, definition: Any, printed: Any) -> None:
        """The constraint at the representative, every weight written as its class."""
        full, scene = len(self.chapter.s.out), self.chapter.scene
        plain = form.lhs
        at = dict(zip(plain.indices, definition.rhs.indices, strict=True))
        names = [n for n in definition.lhs.indices if n.name not in LEADING]

        def classed(entry: Indexed) -> sympy.Expr:
            put = dict(zip(plain.indices, (e.xreplace(at) for e in entry.indices), strict=True))
            return form.rhs.base[tuple(e.xreplace(put) for e in form.rhs.indices)]

        for side in (0, 1):
            expected = constraint.args[side].replace(
                lambda e: isinstance(e, Indexed) and e.base == plain.base, classed
            )
            values = [scene.place(form.rhs, v)[len(form.rhs.indices) - len(names) :] for v in self.samples]
            extra = {n: [int(v[k]) for v in values] for k, n in enumerate(names)}
            scene.require_same(tied_bias(printed.args[side], full), tied_bias(expected, full), extra=extra)
        _require_form(printed, form)

    def _localise(self, step: Step) -> None:
        chapter, after = self.chapter, tuple(step.after)
        s = chapter.s
        inside = chapter.found.form.rhs if chapter.found.form is not None else chapter.weight
        kept = chapter.found.state[2:] if s.translated else chapter.found.state[1:]
        local = Eq(chapter.weight, Piecewise((inside, s.condition), (0, True)), evaluate=False)
        if after != (chapter.found.state[0], local, *kept):
            raise false("must be zero exactly off the support that was stated", step.after)
        chapter.found.form = local


def _same(gap: sympy.Expr, period: int | None) -> bool:
    return bool(gap == 0 if period is None else gap % period == 0)


def _require_form(printed: Any, form: Any) -> None:
    """K alone on either side, no A."""
    labels = {str(e.base.label) for e in printed.atoms(Indexed)}
    if str(form.rhs.base.label) == "K" and "A" in labels:
        raise false("must be written in K", printed)
