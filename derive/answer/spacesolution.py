"""The answer under a space group: the translation layer, with its kernel tied by the point group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import sympy
from sympy import Tuple

from derive.answer.certificate import Certificate
from derive.answer.embedding import embedding, plain_blocks
from derive.answer.fibred import FibredAnswer, FibredBasis, bias_problem, independent, residual
from derive.answer.pattern import FibredTying
from derive.answer.plain import Plain
from derive.answer.solution import Solution
from derive.answer.tying import known_sizes, plain
from derive.equation.problem import Problem, is_plain, symbols_of, with_sizes
from derive.errors import SymbolicError
from derive.methods.presumptions import trial_sizes
from derive.steps import Derivation
from derive.symmetry.groups import Group
from derive.symmetry.words import format_word

LEAST, TRIALS = 3, 4  # sizes tried for symbols, the first where it may be, and how many


@dataclass(frozen=True)
class SpaceSolution(Solution):
    """All solutions under translations and a point group, with any fibres."""

    @cached_property
    def answer(self) -> FibredAnswer:
        """Orbits of site pairs and the fibre maps that their stabilisers fix."""
        return FibredAnswer(self.problem)

    @cached_property
    def bias_answer(self) -> FibredAnswer:
        """The same for the bias, a map from the trivial representation."""
        return FibredAnswer(bias_problem(self.problem))

    @cached_property
    def dim(self) -> sympy.Expr:
        return self.answer.dim

    @cached_property
    def bias_dim(self) -> sympy.Expr:
        return self.bias_answer.dim if self.problem.bias else sympy.S.Zero

    @cached_property
    def derivation(self) -> Derivation:
        """The numbered steps: one constraint per generator, the orbits with witness words, the count."""
        from derive.equation.groups.chapters import derive_fields

        return derive_fields(self.problem, _counts)

    @cached_property
    def constraint(self) -> Tuple:
        """What the weights obey: one equation for translations, one per generator, pair by pair of blocks."""
        from derive.equation.groups.chapters import constraints

        return constraints(self.problem)

    @property
    def basis(self) -> FibredBasis:
        return FibredBasis(self.answer)

    @property
    def tying(self) -> FibredTying:  # type: ignore[override]
        """Which entries of the kernel share a free weight, and with which sign."""
        return FibredTying(self.answer)

    @cached_property
    def certificate(self) -> Certificate:
        order = self.problem.group.point.order
        method = f"the average over the {order} elements of the point group of characters times fixed classes"
        found, expected = self.dim, self.answer.counted
        try:
            right, apart = residual(self.answer), independent(self.answer)
        except SymbolicError:
            right, apart, tried = self._on_small_sizes()
            method += f"; orbits enumerated at {tried} choices of small sizes agree"
        scope = "every fibre map under its stabiliser, and sampled operators under every generator"
        return Certificate(right, apart, found, expected, method, scope)

    def _on_small_sizes(self) -> tuple[int, bool, int]:
        """Symbols tried as numbers: residual and independence there, and the count against the formula."""
        symbols = sorted(self.answer.counted.free_symbols, key=str)
        worst, apart, tried = 0, True, 0
        for sizes in islice(trial_sizes(self.assumptions, [s.name for s in symbols], LEAST), TRIALS):
            known = {s: sizes[s.name] for s in symbols}
            answer = FibredAnswer(with_sizes(self.problem, known))
            worst = max(worst, residual(answer), int(answer.dim != self.answer.counted.subs(known)))
            apart = apart and independent(answer)
            tried += 1
        return worst, apart and tried > 0, tried

    def plain(self, sizes: Mapping[str, int] | None = None, channels: Sequence[int] | None = None) -> Plain:
        known = known_sizes(self.problem, sizes, channels)
        symbols = {s: known[s.name] for s in symbols_of(self.problem) if s.name in known}
        problem = with_sizes(self.problem, symbols) if symbols else self.problem
        listed = FibredAnswer(problem).listed
        bias = (
            FibredAnswer(bias_problem(problem)).listed
            if problem.bias and self.bias_dim is not sympy.oo
            else None
        )
        return replace(
            listed,
            description=repr(self),
            bias_site=listed.bias_site if bias is None else bias.out_site,
            bias_blocks=() if bias is None else bias.blocks,
        )

    def restrict(self, subgroup: Group) -> tuple[Solution, sympy.ImmutableMatrix]:
        """The solution under a subgroup of the point group, and the exact E with B_here = B_there E."""
        p = self.problem
        space = p.group.restrict(subgroup)
        smaller = Problem(p.x.restrict(space), p.y.restrict(space), p.support, p.bias)
        found = Solution(smaller) if is_plain(smaller) else SpaceSolution(smaller)
        wider = found.answer.listed if isinstance(found, SpaceSolution) else plain(smaller)
        return found, embedding(plain_blocks(self.answer.listed), plain_blocks(wider))

    def why_zero(self) -> str:
        """Why no operator is equivariant: what fixes every orbit and leaves it no fibre map."""
        if self.dim != 0:
            return f"the answer is not zero: {self.dim} weights are free"
        point = self.problem.group.point
        lines = ["every operator is zero, orbit by orbit of site pairs:"]
        for pair in self.answer.pairs:
            solution = self.answer.of(pair)
            orbits = solution.orbits
            for kind, stabiliser in enumerate(orbits.stabilisers):
                words = ", ".join(format_word(point.elements.words[e]) for e in stabiliser if e)
                example = orbits.example(kind)
                count = int(orbits.counts[kind])
                lines.append(
                    f"  {count} orbit(s), such as sites {example}, fixed by {words or '1'}: "
                    f"no map {pair.input.name} -> {pair.output.name} commutes with them but 0"
                )
        return "\n".join(lines)


def _counts(problem: Problem) -> tuple[sympy.Expr, sympy.Expr]:
    """Free weights and biases, by characters."""
    return FibredAnswer(problem).counted, FibredAnswer(bias_problem(problem)).counted
