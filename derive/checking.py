"""The checker: every printed step of a derivation, evaluated on small periodic grids.

It reads the steps alone. The grid's periods are coprime, at least 3 and wider than twice the support: on a
smaller torus -s and s may be the same shift, and a wrong sign would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sympy import Eq, Indexed, Tuple

from derive.errors import DerivationError
from derive.steps import Step
from derive.terms import Term, collect, entry, false, merged, terms, truth
from derive.torus import Torus, smallest_grids

Array = np.ndarray


def check_derivation(steps: Sequence[Step], grid: Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    _check_chain(steps)
    grids = [tuple(grid)] if grid is not None else smallest_grids(steps)
    for periods in grids:
        checker = Checker(steps, Torus.read(steps, periods))
        for number, step in enumerate(steps, 1):
            try:
                RULES[step.rule](checker, step)
            except DerivationError as error:
                raise DerivationError(
                    f"step {number}, {step.rule!r},", error.rule, error.value, error.remedy
                ) from error


def _check_chain(steps: Sequence[Step]) -> None:
    if not steps or steps[0].rule != "write the general operator":
        raise false("must begin by writing the general operator", steps[0].rule if steps else "no steps")
    for step, following in zip(steps, steps[1:], strict=False):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    valued = any(isinstance(domain, sympy.FiniteSet) for _, domain in steps[0].where)
    last = "give the sizes their values" if valued else "count"
    if steps[-1].rule != last:
        raise false(f"must end with {last!r}", steps[-1].rule)
    unknown = [step.rule for step in steps if step.rule not in RULES]
    if unknown:
        raise false("must use known rules", unknown[0])


@dataclass(frozen=True)
class Checker:
    """One derivation on one torus."""

    steps: Sequence[Step]
    torus: Torus

    @property
    def statement(self) -> Tuple:
        return self.steps[0].before

    def expand(self, expr: sympy.Basic, *, everywhere: bool = False, times_x: bool = False) -> Array:
        """The monomials of an expression at every point.

        `everywhere` makes the input entry part of the point; `times_x` multiplies by x[c, q] and sums.
        """
        scope = self.torus.scope(everywhere or times_x)
        items = terms(expr, scope)
        if times_x:
            x = entry(self.torus.x, scope.values)
            items = [Term(t.coefficient, (*t.entries, x), t.mask & self.torus.all_inputs) for t in items]
        points = self.torus.points + (self.torus.inputs if everywhere else ())
        return collect(items, points, self.torus.encode)

    def codes(self, expr: sympy.Basic) -> Array:
        """The code of one entry at every point."""
        if not isinstance(expr, Indexed):
            raise false("must be a single tensor entry", expr)
        torus = self.torus
        value = torus.encode(entry(expr, torus.scope(True).values), np.array(True))
        return np.broadcast_to(value, torus.points + torus.inputs).reshape(-1)

    def require_equal(self, left: Array, right: Array, what: str, shown: object) -> None:
        if left.shape != right.shape or not np.array_equal(left, right):
            raise false(what, shown)

    def require_plain(self, expr: sympy.Basic, indices: tuple[sympy.Basic, ...]) -> None:
        if not isinstance(expr, Indexed) or tuple(expr.indices) != indices:
            raise false(f"must have the plain indices {list(indices)} on its left", expr)


def _general(checker: Checker, step: Step) -> None:
    torus = checker.torus
    first, second = step.before[0], step.before[1]
    checker.require_plain(first.lhs, (torus.c, *torus.into))
    checker.require_plain(second.lhs, (torus.i, *torus.out))
    checker.require_plain(step.after.lhs, (torus.i, *torus.out))
    _require_same(checker, step.after.rhs, torus.general(torus.out, torus.into))


def _require_same(checker: Checker, printed: sympy.Basic, expected: Sequence[Term]) -> None:
    oracle = collect(expected, checker.torus.points, checker.torus.encode)
    checker.require_equal(
        checker.expand(printed), oracle, "must agree term by term with what the rule gives", printed
    )


def _act_on_input(checker: Checker, step: Step) -> None:
    torus = checker.torus
    checker.require_plain(step.after.lhs, (torus.i, *torus.out))
    reading = checker.statement[0].rhs.indices[1:]
    _require_same(checker, step.after.rhs, torus.general(torus.out, reading))


def _act_on_output(checker: Checker, step: Step) -> None:
    torus = checker.torus
    if step.after.lhs != step.before.rhs:
        raise false("must keep T(T_s x) on its left", step.after.lhs)
    _require_same(checker, step.after.rhs, torus.general(checker.statement[1].rhs.indices[1:], torus.into))


def _reindex(checker: Checker, step: Step) -> None:
    for side in (0, 1):
        before, after = (checker.expand(eq.args[side]) for eq in (step.before, step.after))
        checker.require_equal(before, after, "must only rename the summation index", step.after.args[side])


def _compare(checker: Checker, step: Step) -> None:
    for side in (0, 1):
        product = checker.expand(step.after[0].args[side], times_x=True)
        constant = [checker.expand(eq.args[side]) for eq in step.after[1:]]
        total = merged(np.concatenate([product, *constant]))
        shown = step.after
        checker.require_equal(
            checker.expand(step.before.args[side]), total, "must hold every coefficient once", shown
        )


def _relations(checker: Checker, equation: Eq) -> Array:
    """Every instance of 'one entry equals another', as unordered pairs of codes."""
    pairs = np.sort(np.stack([checker.codes(side) for side in equation.args], axis=1), axis=1)
    return np.unique(pairs, axis=0)


def _constrain(checker: Checker, step: Step) -> None:
    _require_equally_many(step)
    for before, after in zip(step.before, step.after, strict=True):
        left, right = _relations(checker, before), _relations(checker, after)
        checker.require_equal(left, right, "must be the same set of equations", after)


def _require_equally_many(step: Step) -> None:
    if len(step.before) != len(step.after):
        raise false("must keep one equation for the weights and one for the bias", step.after)


def _reach(checker: Checker, step: Step) -> None:
    _require_equally_many(step)
    for before, after in zip(step.before, step.after, strict=True):
        _require_plain_weight(checker, after.lhs)
        constraint, reached = _relations(checker, before), _relations(checker, after)
        labels, reached_labels = _partition(constraint, reached)
        checker.require_equal(labels, reached_labels, "must tie exactly what the constraint ties", after)
        if len(np.unique(checker.codes(after.rhs))) != labels.max() + 1:
            raise false("must reach one representative per class", after)


def _require_plain_weight(checker: Checker, expr: sympy.Basic) -> None:
    torus = checker.torus
    plain = (
        (torus.i, *torus.out, torus.c, *torus.into)
        if len(expr.args) > len(torus.out) + 2
        else (torus.i, *torus.out)
    )
    checker.require_plain(expr, plain)


def _partition(*relations: Array) -> list[Array]:
    """The classes that each set of equations makes, as comparable labels."""
    codes, places = np.unique(np.concatenate([r.reshape(-1) for r in relations]), return_inverse=True)
    result, start = [], 0
    for relation in relations:
        ends = places[start : start + relation.size].reshape(-1, 2)
        start += relation.size
        graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(codes), len(codes)))
        labels = connected_components(graph, directed=False)[1]
        _, first, canonical = np.unique(labels, return_index=True, return_inverse=True)
        result.append(np.argsort(np.argsort(first))[canonical])
    return result


def _substitute(checker: Checker, used: Indexed, definition: Eq, plain: int) -> Array:
    """The codes of `used`, with its tensor replaced by what the definition says."""
    names = definition.lhs.indices
    if len(set(names)) != len(names) or not all(isinstance(name, sympy.Symbol) for name in names):
        raise false("must define an entry with plain, different indices", definition.lhs)
    if tuple(names[:plain]) != (checker.torus.i, checker.torus.c)[:plain]:
        raise false("must keep the channel indices first", definition.lhs)
    if definition.lhs.base != used.base or len(names) != len(used.indices):
        raise false("must define the tensor that it uses", definition.lhs)
    return checker.codes(definition.rhs.xreplace(dict(zip(names, used.indices, strict=True))))


def _name(checker: Checker, step: Step) -> None:
    if len(step.after) != len(step.before) + 1 or step.after[2:] != step.before[1:]:
        raise false("must keep the bias as it was", step.after)
    tied, definition = step.after[0], step.after[1]
    _require_plain_weight(checker, tied.lhs)
    codes = _substitute(checker, tied.rhs, definition, 2)
    checker.require_equal(
        codes, checker.codes(step.before[0].rhs), "must name the representative it reached", tied
    )


def _localise(checker: Checker, step: Step) -> None:
    torus = checker.torus
    if len(checker.statement) < 3 or step.after[1:] != step.before[2:]:
        raise false("must impose the support of the statement and keep the bias", step.after)
    tied, kernel = step.after[0], step.before[0].rhs
    _require_plain_weight(checker, tied.lhs)
    values = torus.scope(True).values
    inside = truth(checker.statement[2], values)
    expected = [Term(t.coefficient, t.entries, t.mask & inside) for t in terms(kernel, torus.scope(True))]
    oracle = collect(expected, torus.points + torus.inputs, torus.encode)
    printed = checker.expand(tied.rhs, everywhere=True)
    checker.require_equal(printed, oracle, "must be zero exactly off the support", tied)


def _tie_bias(checker: Checker, step: Step) -> None:
    torus = checker.torus
    tied, old = step.after[1], step.before[-1]
    if step.after[0] != step.before[0]:
        raise false("must keep the weights as they were", step.after[0])
    checker.require_plain(tied.lhs, (torus.i, *torus.out))
    codes = (
        _substitute(checker, tied.rhs, step.after[2], 1) if len(step.after) > 2 else checker.codes(tied.rhs)
    )
    checker.require_equal(codes, checker.codes(old.rhs), "must name the representative of the bias", tied)


def _layer(checker: Checker, step: Step) -> None:
    torus = checker.torus
    checker.require_plain(step.after.lhs, (torus.i, *torus.out))
    tied = checker.expand(step.before[0].rhs, times_x=True)
    bias = [checker.expand(eq.rhs) for eq in step.before[1:2] if torus.biased]
    total = merged(np.concatenate([tied, *bias]))
    checker.require_equal(
        checker.expand(step.after.rhs), total, "must be the operator with tied weights", step.after
    )


def _count(checker: Checker, step: Step) -> None:
    torus = checker.torus
    tied = next(s.after[0].rhs for s in reversed(checker.steps) if s.rule in TYING)
    bias = next((s.after[1].rhs for s in checker.steps if s.rule == "tie the bias"), None)
    expected = [tied] + ([bias] if bias is not None else [])
    if len(step.after) != len(expected):
        raise false("must count the weights and the bias", step.after)
    for printed, expr, name in zip(step.after, expected, ("dim", "bias_dim"), strict=False):
        if str(printed.lhs) != name:
            raise false(f"must name the count {name}", printed)
        found = torus.count(expr)
        claimed = printed.rhs
        if claimed is sympy.oo:
            if not torus.unbounded(expr):
                raise false("must be finite", printed)
        elif sympy.sympify(claimed).subs(torus.sizes) != found:
            raise false(f"must be {found} on this grid", printed)


def _give_values(checker: Checker, step: Step) -> None:
    wanted = {
        s: next(iter(domain)) for s, domain in checker.steps[0].where if isinstance(domain, sympy.FiniteSet)
    }
    split = len(step.after) - len(step.before)
    given = {eq.lhs: eq.rhs for eq in step.after[:split]}
    if given != wanted:
        raise false("must give every size its value", step.after)
    for before, after in zip(step.before, step.after[split:], strict=True):
        if before.lhs != after.lhs or sympy.expand(
            sympy.sympify(before.rhs).subs(wanted) - after.rhs
        ) not in (
            0,
            sympy.nan,
        ):
            raise false("must be the count with the sizes put in", after)


TYING = ("name the kernel", "impose locality", "tie the bias")

RULES: dict[str, Callable[[Checker, Step], None]] = {
    "write the general operator": _general,
    "act on the input": _act_on_input,
    "act on the output": _act_on_output,
    "re-index the sum": _reindex,
    "compare coefficients": _compare,
    "the constraint for every s": _constrain,
    "choose s to reach a representative": _reach,
    "name the kernel": _name,
    "impose locality": _localise,
    "tie the bias": _tie_bias,
    "write the layer": _layer,
    "count": _count,
    "give the sizes their values": _give_values,
}
