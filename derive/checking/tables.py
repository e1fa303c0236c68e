"""The checker's part from constraints on the kernel to the count: tables, zeros, layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import sympy
from sympy import Eq, Indexed

from derive.checking.classes import Class, classes_of
from derive.checking.context import Chapter, Rule, Target
from derive.checking.entries import EntryTable
from derive.checking.matrices import MatrixTable
from derive.checking.scene import NEAR, tied_bias
from derive.checking.statement import ends, size_symbols
from derive.checking.terms import false
from derive.checking.trials import trial_sizes
from derive.steps import Step


@dataclass(frozen=True)
class Listing:
    """Every entry tied to a free one, or every class to a matrix."""

    chapter: Chapter

    @cached_property
    def targets(self) -> list[Target]:
        """The kernel (or A) and the bias."""
        chapter, s = self.chapter, self.chapter.s
        each = chapter.each
        own = chapter.found.state[1 + 2 * each :] if s.translated else chapter.found.constraints
        plain = (chapter.weight, chapter.bias)
        forms = (chapter.found.form, chapter.found.bias_form)
        found = []
        for k in range(each):
            form = forms[k] if forms[k] is not None else Eq(plain[k], plain[k], evaluate=False)
            named = {a.name: own[j * each + k] for j, a in enumerate(s.point)}
            label = "b" if k else ("K" if s.translated else "A")
            found.append(Target(label, form, named, bool(k)))
        return found

    def rules(self) -> Iterator[Rule]:
        chapter = self.chapter
        counted: list[Callable[[], sympy.Expr]] = []
        if chapter.s.point and not size_symbols(chapter.s) and self._finite():
            for target in self.targets:
                kind = MatrixTable if chapter.found.upcoming.startswith("solve at") else EntryTable
                table = kind(chapter, target, classes_of(chapter, target) or [])
                yield from table.rules()
                counted.append(table.count)
        yield "write the layer", partial(self._layer, counted)
        yield "count", partial(self._count, counted)

    def _finite(self) -> bool:
        return all(classes_of(self.chapter, target) is not None for target in self.targets)

    # ---- the layer --------------------------------------------------------------------------------------

    def _layer(self, counted: Sequence[Callable[[], sympy.Expr]], step: Step) -> None:
        chapter, (printed, *rest) = self.chapter, step.after
        s = chapter.s
        if tuple(rest) != chapter.found.state[1:]:
            raise false("must keep what was found", step.after)
        if not isinstance(printed.lhs, Indexed) or tuple(printed.lhs.indices) != s.out:
            raise false("must have plain indices on its left", printed.lhs)
        weight, bias = (target.form.rhs for target in [*self.targets, self.targets[0]][:2])
        if s.condition is not None and not s.translated:
            weight = chapter.weight  # the operator again: where weights vanish has been said
        total = chapter.total(weight * chapter.read) + (bias if self._has_bias(counted) else 0)
        full = len(s.out)
        if str(printed.lhs.base.label) in ("A", "K", "b", str(s.x)):
            raise false("must name the output", printed.lhs)
        self._require_forward(printed.rhs)
        self._require_whole_grids(printed.rhs)
        chapter.scene.require_same(
            tied_bias(printed.rhs, full), tied_bias(total, full), endless=2 * (NEAR + chapter.scene.reach) + 1
        )

    def _has_bias(self, counted: Sequence[Callable[[], sympy.Expr]]) -> bool:
        """Whether anything of the bias is free: the layer shows it then, and only then."""
        if not self.chapter.s.biased:
            return False
        if counted:
            return counted[1]() != 0
        return any(many != 0 for _, many in self._tried(1, sympy.S.Zero))

    def _require_whole_grids(self, right: sympy.Expr) -> None:
        """Beyond a grid that ends every entry is 0, so a sum that runs too far would be the same."""
        s = self.chapter.s
        for total in right.atoms(sympy.Sum):
            for variable, *limits in total.limits:
                ending = variable in s.into and s.where[variable] is not sympy.S.Integers
                if ending and tuple(limits) != ends(s.where[variable]):
                    raise false("must sum over the ranges that it states", total.limits)

    def _require_forward(self, right: sympy.Expr) -> None:
        """Sums run forwards over input sites: shifted or turned round they would be the same, but mislead."""
        s = self.chapter.s
        sites = s.sites[1]
        for read in (e for e in right.atoms(Indexed) if e.base.label == s.x):
            for index, plain in zip(read.indices[len(s.into) - len(sites) :], sites, strict=True):
                inner = index.args[0] if isinstance(index, sympy.Mod) else index
                own = inner.free_symbols & set(sites)
                displaced = inner.free_symbols - set(s.where)
                if (own and inner != plain) or any(inner.coeff(d) <= 0 for d in displaced):
                    raise false("must sum forwards over input sites", read)

    # ---- the count --------------------------------------------------------------------------------------

    def _count(self, counted: Sequence[Callable[[], sympy.Expr]], step: Step) -> None:
        names = ["dim", "bias_dim"][: self.chapter.each]
        if [str(eq.lhs) for eq in step.after] != names:
            raise false(f"must count {' and '.join(names)}", step.after)
        for k, printed in enumerate(step.after):
            copies = self._copies("i") * (1 if k else self._copies("c"))
            if counted:
                found = copies * counted[k]()
                if sympy.expand(printed.rhs.doit() - found) != 0:
                    raise false(f"must be {found}", printed)
            else:
                self._require_tried(k, copies, printed)

    def _copies(self, name: str) -> sympy.Expr:
        stops = [d.stop for s, d in self.chapter.s.where.items() if s.name == name]
        return stops[0] if stops else sympy.S.One

    def _require_tried(self, k: int, copies: sympy.Expr, printed: Any) -> None:
        """A count with symbols: classes and orbits counted at more sizes than it has degrees.

        Channels stay symbols. Where classes never end the count is oo.
        """
        for known, found in self._tried(k, printed.rhs):
            if (found is sympy.oo) != (printed.rhs is sympy.oo):
                raise false("must be infinite exactly where classes are", printed)
            if found is not sympy.oo and sympy.expand((printed.rhs - copies * found).subs(known)) != 0:
                raise false(f"must be {copies * found} at {known}", printed)

    def _tried(self, k: int, claim: sympy.Expr) -> Iterator[tuple[Any, sympy.Expr]]:
        """Sizes that decide a claim, each with what is free there per pair of copies; oo without end."""
        for known in trial_sizes(self.chapter.s, claim):
            tried = self.chapter.with_sizes(known)
            target = Listing(tried).targets[k]
            classes = classes_of(tried, target)
            yield known, sympy.oo if classes is None else self._free(tried, target, classes)

    def _free(self, tried: Chapter, target: Target, classes: list[Class]) -> sympy.Expr:
        """The free weights per pair of copies: without generators every entry of every class is one."""
        if not tried.s.point:
            dims = tried.scene.components
            return sympy.Integer(len(classes) * dims["y"] * (1 if target.bias else dims["x"]))
        kind = MatrixTable if any(a.mixes for a in tried.s.point) else EntryTable
        return kind(tried, target, classes).free()
