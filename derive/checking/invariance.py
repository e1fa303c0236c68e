"""The checker's part from the general operator to constraints on A: the operator under every generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import sympy
from sympy import Eq, Indexed, IndexedBase

from derive.checking.actions import check_relations
from derive.checking.context import BEGIN, Chapter, Rule
from derive.checking.statement import Acting
from derive.checking.terms import false
from derive.notation import Images, image, moved
from derive.steps import Step


@dataclass(frozen=True)
class Invariance:
    """From the general operator to one constraint on its entries for every generator."""

    chapter: Chapter

    def rules(self) -> Iterator[Rule]:
        yield BEGIN, self._general
        for acting in self.chapter.s.actings:
            g = acting.name
            yield f"act on the input by {g}", partial(self._act_on_input, acting)
            yield f"re-index by {g}", partial(self._reindex, acting)
            yield f"act on the output by {g}", partial(self._act_on_output, acting)
            yield f"compare coefficients under {g}", self._compare
        self.chapter.found.constraints = self.chapter.found.state[1:]

    def _general(self, step: Step) -> None:
        chapter, s = self.chapter, self.chapter.s
        (printed,) = step.after
        if chapter.scene.permutations is not None:  # looked at first: they must be permutations
            check_relations(s, chapter.scene.components)
        self._require_limits(printed.rhs)
        chapter.scene.require_same(
            printed.rhs,
            chapter.total(chapter.weight * chapter.read) + (chapter.bias if s.biased else 0),
        )

    def _require_limits(self, right: sympy.Expr) -> None:
        """Sums over inputs run over the stated ranges, all of them."""
        s = self.chapter.s
        stated = dict.fromkeys(s.limits(s.into))
        for total in right.atoms(sympy.Sum):
            own = [limit for limit in total.limits if limit[0] in s.into]
            if dict.fromkeys(own) != stated and own:
                raise false("must sum over the ranges that it states", total.limits)

    def _moved(self, acting: Acting) -> IndexedBase:
        return moved(acting.mover, IndexedBase(self.chapter.s.x))

    def _act_on_input(self, acting: Acting, step: Step) -> None:
        chapter, s = self.chapter, self.chapter.s
        (printed,) = chapter.kept(step, chapter.found.state, 1)
        if printed.lhs != image(self._moved(acting))[s.out]:
            raise false("must have plain indices on its left", printed.lhs)
        read = self._moved(acting)[s.into]
        constant = chapter.bias if s.biased and not acting.infinitesimal else 0
        self._require_limits(printed.rhs)
        chapter.scene.require_same(printed.rhs, chapter.total(chapter.weight * read) + constant)

    def _reindex(self, acting: Acting, step: Step) -> None:
        chapter, s = self.chapter, self.chapter.s
        (printed,) = chapter.kept(step, chapter.found.state[:-1], 1)
        chapter.scene.require_bijective(acting.x)
        chapter.scene.require_inside(acting.x, s.into)
        chapter.scene.require_inside(acting.y, s.out)
        there, at = tuple(acting.x.lhs.indices), tuple(acting.y.lhs.indices)
        if printed.lhs != image(self._moved(acting))[at]:
            raise false(f"must be read where {acting.name} takes the output", printed.lhs)
        constant = IndexedBase("b")[at] if s.biased and not acting.infinitesimal else 0
        expected = chapter.total(IndexedBase("A")[(*at, *there)] * acting.x.rhs) + constant
        self._require_limits(printed.rhs)
        chapter.scene.require_same(printed.rhs, expected)

    def _act_on_output(self, acting: Acting, step: Step) -> None:
        chapter, s = self.chapter, self.chapter.s
        (printed,) = chapter.kept(step, chapter.found.state[:-1], 1)
        if printed.lhs != chapter.found.state[-1].rhs:
            raise false("must keep its left side", printed.lhs)
        operator = chapter.found.state[0].rhs
        defined = Eq(IndexedBase(acting.output)[s.out], operator, evaluate=False)
        self._require_limits(printed.rhs)
        chapter.scene.require_same(printed.rhs, acting.y.rhs, defined)

    def _compare(self, step: Step) -> None:
        chapter, s = self.chapter, self.chapter.s
        new = chapter.kept(step, chapter.found.state[:-1], chapter.each)
        for side in (0, 1):
            weight, *constant = (eq.args[side] for eq in new)
            chapter.scene.require_same(
                chapter.total(weight * chapter.read) + sum(constant),
                chapter.found.state[-1].args[side],
            )
        if any(
            str(e.base.label) != "A" and e.base.label not in s.tables
            for e in new[0].atoms(Indexed)
            if not isinstance(e.base.label, Images)
        ):
            raise false("must compare the coefficients of x alone", new[0])
