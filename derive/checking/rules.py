"""The checker: every printed step of a derivation, evaluated on small periodic grids.

It reads the steps alone. The grid's periods are coprime, at least 3 and wider than twice the support: on a
smaller torus -s and s may be the same shift, and a wrong sign would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

import numpy as np
import sympy
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sympy import Eq, Indexed, Mod, Piecewise, Tuple

from derive.checking.reading import given_grid, read_ranges, smallest_grids
from derive.checking.terms import Term, collect, entry, false, merged, terms, truth
from derive.checking.torus import Torus
from derive.errors import DerivationError
from derive.steps import Step

Array = np.ndarray


def check_derivation(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    _check_chain(steps)
    _check_statement(steps[0].before)
    grids = [given_grid(steps, grid)] if grid is not None else smallest_grids(steps)
    for periods in grids:
        checker = Checker(steps, Torus(**vars(read_ranges(steps, periods))))
        for number, step in enumerate(steps, 1):
            try:
                RULES[step.rule](checker, step)
            except DerivationError as error:
                raise DerivationError(
                    f"step {number}, {step.rule!r},", error.rule, error.value, error.remedy
                ) from error
            except (AttributeError, IndexError, TypeError, StopIteration) as error:
                raise false(f"must be well formed at step {number}, {step.rule!r}", error) from error


def _check_chain(steps: Sequence[Step]) -> None:
    if not steps:
        raise false("must hold steps", "none")
    for step, following in pairwise(steps):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    found, wanted = [step.rule for step in steps], _wanted_rules(steps[0])
    for rule, expected in zip_longest(found, wanted):
        if rule != expected:
            raise false(f"must go on with {expected!r}" if expected else "must end there", rule or "nothing")


def _wanted_rules(first: Step) -> list[str]:
    """The rules a derivation must use, in order, read off its first step."""
    absent = set()
    if len(first.before.args) < 3:
        absent.add("impose locality")
    if not any(str(e.base.label) == "b" for e in first.after.atoms(Indexed)):
        absent.add("tie the bias")
    if not any(isinstance(domain, sympy.FiniteSet) for _, domain in first.where):
        absent.add("give the sizes their values")
    return [rule for rule in RULES if rule not in absent]


def _check_statement(statement: sympy.Basic) -> None:
    """T_s x and T_s y must be defined at plain indices, one letter each."""
    if not isinstance(statement, Tuple) or len(statement) not in (2, 3):
        raise false("must begin with how T_s acts on both fields", statement)
    for definition in statement[:2]:
        left, right = definition.args
        if not (
            isinstance(left, Indexed)
            and isinstance(right, Indexed)
            and len(left.indices) == len(right.indices)
        ):
            raise false("must define T_s on single entries", definition)
        if not all(isinstance(index, sympy.Symbol) for index in left.indices):
            raise false("must define T_s at plain indices", left)
        if left.indices[0] != right.indices[0]:
            raise false("must leave the channels where they are", definition)


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
    _require_ranges(torus, step)
    _require_same(checker, step.after.rhs, torus.general(torus.out, torus.into))


def _require_ranges(torus: Torus, step: Step) -> None:
    """Every index has one printed range, which begins at 0 or is Z, and sums run over the printed ranges."""
    where = dict(step.where)
    indices = (torus.i, torus.c, *torus.out, *torus.into)
    if len(where) != len(step.where) or not where.keys() >= set(indices):
        raise false("must say once what every index ranges over", step.where)
    values = {s: next(iter(d)) for s, d in step.where if isinstance(d, sympy.FiniteSet)}
    ends = {index: _ends(where[index], index) for index in indices}
    for total in step.after.rhs.atoms(sympy.Sum):
        for variable, *limits in total.limits:
            endless = variable in torus.into and limits == [-sympy.oo, sympy.oo]  # 0 outside a window
            stated = [end.xreplace(values) for end in ends.get(variable, ())]
            if [end.xreplace(values) for end in limits] != stated and not endless:
                raise false("must sum over the ranges that it states", total.limits)


def _ends(domain: sympy.Set, index: sympy.Symbol) -> list[sympy.Basic]:
    if domain is sympy.S.Integers:
        return [-sympy.oo, sympy.oo]
    if not isinstance(domain, sympy.Range) or domain.start != 0 or domain.step != 1:
        raise false("must let every index range over Z or from 0", (index, domain))
    return [sympy.S.Zero, domain.stop - 1]


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


def _constrain(checker: Checker, step: Step) -> None:
    """Rename the output site p to the site that T_s moves to p, in both equations."""
    _require_equally_many(step)
    acting = checker.statement[1]
    moved = {p: 2 * p - q for p, q in zip(acting.lhs.indices[1:], acting.rhs.indices[1:], strict=True)}
    for before, after in zip(step.before, step.after, strict=True):
        for old, new in zip(before.args, after.args, strict=True):
            renamed = checker.codes(old.xreplace(moved))
            checker.require_equal(renamed, checker.codes(new), "must only rename the output site", after)


def _relations(checker: Checker, equation: Eq) -> Array:
    """Every instance of 'one entry equals another', as unordered pairs of codes."""
    pairs = np.sort(np.stack([checker.codes(side) for side in equation.args], axis=1), axis=1)
    return np.unique(pairs, axis=0)


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
    if tied.rhs != Piecewise((kernel, checker.statement[2]), (0, True)):
        raise false("must print the support that was stated", tied)
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
    for total_ in step.after.rhs.atoms(sympy.Sum):
        _require_forward(checker, total_)


def _require_forward(checker: Checker, total: sympy.Sum) -> None:
    """Sums run forwards over input sites: x[c,-u'] over all of Z would be the same sum, but misleads."""
    for read in (e for e in total.function.atoms(Indexed) if e.base == checker.torus.x.base):
        for index in read.indices[1:]:
            inner = index.args[0] if isinstance(index, Mod) else index
            for variable in {limit[0] for limit in total.limits} & inner.free_symbols:
                plain = inner == variable if variable in checker.torus.into else inner.coeff(variable) > 0
                if not plain:
                    raise false("must sum forwards over input sites", read)


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
