"""No single change of a right derivation gets past the checker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import combinations

import pytest
import sympy as sp
from sympy import Eq, Piecewise, Tuple, oo

import derive as dv
from derive.steps import Step
from tests.derive.cases import (
    BY_NAME,
    CASES,
    T1,
    A,
    C,
    Case,
    D,
    K,
    N,
    b,
    box,
    c,
    du,
    eq,
    i,
    over,
    p,
    plain,
    s_u,
    u,
    x,
    y,
)
from tests.derive.lines import LINES, RULES
from tests.derive.mutants import narrowed, replaced, restated, survives, variants

every_case = pytest.mark.parametrize("case", CASES, ids=repr)


THOROUGH = ("convolution", "rational")  # every mutant of these in the normal run, a sample of the others
SAMPLE = 11

# Widening the range of a sum whose terms a condition cuts off changes nothing; presuming more of a size than
# is needed is true of fewer sizes.
EQUIVALENT = {
    ("listed", "(du, 0, 4)"),
    ("ring, local", "4 <= N"),
    ("window, local", "3 <= N"),
    ("polyphase window", "3 <= N"),
    # a window wide enough for its support is read as Z, where nothing depends on its size
    ("window, local", "N <= 2"),
    ("window, local", "-2 <= N"),
    ("polyphase window", "(du, -N - 1, N - 1)"),
    ("polyphase window", "(du, -N + 1, N + 1)"),
    ("polyphase window", "(du, -N + 1, N)"),
}


def mutants(derivation: dv.Derivation) -> list[tuple[str, sp.Basic, dv.Derivation]]:
    """Every derivation that differs in one index, sign, bound or connective of a step or of the statement."""
    found = [("statement", m, restated(derivation, m)) for m in variants(derivation[0].before)]
    for place, step in enumerate(derivation):
        found += [(step.rule, m, replaced(derivation, place, m)) for m in variants(step.after)]
    return found


def missed(name: str, every: int, start: int = 0) -> list[str]:
    derivation = dv.solve(*LINES[name]).derivation
    tried = mutants(derivation)[start::every]
    assert len(tried) > 60 // every
    lines = [f"{rule}: {dv.text(m)}" for rule, m, mutant in tried if survives(mutant)]
    return [line for line in lines if not any(name == n and part in line for n, part in EQUIVALENT)]


# ---- wrong derivations do not ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINES)
def test_indices_signs_and_bounds_mutated(name: str) -> None:
    every = 1 if name in THOROUGH else SAMPLE
    assert missed(name, every, start=list(LINES).index(name) % every) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
def test_all_indices_signs_and_bounds_mutated(name: str) -> None:
    assert missed(name, 1) == []


@pytest.mark.parametrize("case", ["convolution 2-D", "torus, local", "one axis only"])
def test_planes_mutated(case: str) -> None:
    derivation = BY_NAME[case].solution.derivation
    sample = mutants(derivation)[11::61]
    assert len(sample) > 10
    assert [dv.text(m) for _, m, mutant in sample if survives(mutant)] == []


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_all_cases_mutated(case: Case) -> None:
    derivation = case.solution.derivation
    sample = mutants(derivation)[:: 1 if len(case.out) == 2 else 10]
    names = {"listed displacements", "ball", "radius 0"}  # conditions cut sums off; -0 is 0
    survivors = [m for _, m, mutant in sample if survives(mutant) and case.name not in names]
    assert [dv.text(m) for m in survivors if not narrowed(derivation[0].before, m)] == []


@every_case
def test_no_step_can_be_left_out(case: Case) -> None:
    steps = case.solution.derivation
    for place in range(len(steps)):
        assert not survives(dv.Derivation([*steps[:place], *steps[place + 1 :]])), steps[place].rule


@every_case
def test_no_two_steps_can_be_swapped(case: Case) -> None:
    steps = case.solution.derivation
    for first, second in combinations(range(len(steps)), 2):
        order = list(steps)
        order[first], order[second] = order[second], order[first]
        assert not survives(dv.Derivation(order)), (first, second)


@pytest.mark.parametrize("name", ["convolution", "ring, local", "strided window, local"])
def test_a_step_left_out_and_the_chain_mended(name: str) -> None:
    """Each step's `before` is joined to the `after` above it, so that only the missing rule tells."""
    steps = dv.solve(*LINES[name]).derivation
    for place in range(1, len(steps) - 1):
        following = dataclasses.replace(steps[place + 1], before=steps[place - 1].after)
        assert not survives(dv.Derivation([*steps[:place], following, *steps[place + 2 :]]))


def test_a_step_told_twice_or_under_another_name_is_caught() -> None:
    steps = dv.solve(*LINES["convolution"]).derivation
    assert not survives(dv.Derivation([*steps, steps[-1]]))
    assert not survives(dv.Derivation([]))
    for place, step in enumerate(steps):
        renamed = dataclasses.replace(step, rule=RULES[(RULES.index(step.rule) + 1) % len(RULES)])
        assert not survives(dv.Derivation([*steps[:place], renamed, *steps[place + 1 :]]))


@pytest.mark.parametrize("name", ["convolution", "ring, local", "nothing moves"])
def test_ranges_mutated(name: str) -> None:
    """What the indices range over is printed too: no range is missing, shifted or that of another index."""
    steps = dv.solve(*LINES[name]).derivation
    entries = steps[0].where
    for place, (index, domain) in enumerate(entries):
        if str(index) == "s_u":
            continue
        wrong: list[tuple] = [(), ((index, sp.FiniteSet(3)),), ((index, sp.Range(1, N)),)]
        if index == c:
            wrong += [((index, sp.Range(0, n)),) for n in (D, C + 1, 7)] + [((index, sp.S.Integers),)]
        for new in wrong:
            where = (*entries[:place], *new, *entries[place + 1 :])
            mutant = dv.Derivation([dataclasses.replace(steps[0], where=where), *steps[1:]])
            assert not survives(mutant), (index, domain, new)


@pytest.mark.parametrize("name", ["convolution", "pooling", "ring", "transposed", "no support"])
def test_an_infinite_count_must_be_one(name: str) -> None:
    steps = dv.solve(*LINES[name]).derivation
    place = next(k for k, step in enumerate(steps) if step.rule == "count")
    for part, count in enumerate(steps[place].after):
        if count.rhs is oo:
            assert not survives(replaced(steps, place, _put(steps[place].after, part, C * D)))
        else:
            assert not survives(replaced(steps, place, _put(steps[place].after, part, oo)))


def _put(counts: Tuple, part: int, value: sp.Expr) -> Tuple:
    new = list(counts)
    new[part] = eq(new[part].lhs, value)
    return Tuple(*new)


def test_the_message_names_the_first_false_step() -> None:
    steps = dv.solve(*LINES["convolution"]).derivation
    place = RULES.index("compare coefficients under T_s")
    kept = steps[place].after
    wrong = replaced(steps, place, Tuple(kept[0], eq(A[i, u + s_u, c, p - s_u], A[i, u, c, p]), kept[2]))
    with pytest.raises(
        dv.DerivationError, match=f"step {place + 1}, 'compare coefficients under T_s'"
    ) as error:
        wrong.check()
    assert "derive it again" in str(error.value)
    following = dataclasses.replace(steps[4], before=steps[2].after)
    shorter = dv.Derivation([*steps[:3], following, *steps[5:]])
    with pytest.raises(dv.DerivationError, match=r"must go on with 'act on the output by T_s', got compare"):
        shorter.check()
    with pytest.raises(dv.DerivationError, match="must continue where 're-index by T_s' stopped"):
        dv.Derivation([*steps[:3], *steps[4:]]).check()


# ---- the slips of the sources, carried through consistently ---------------------------------------------


def _everywhere(term: sp.Expr) -> sp.Expr:
    return over(term, (p, -oo, oo))


def hankel(derivation: dv.Derivation) -> dv.Derivation:
    """The output shifted the wrong way, from the statement on: everything follows, and ends in K[u + u']."""
    back = {u + s_u: u - s_u}

    def turned(expr: sp.Basic) -> sp.Basic:
        moved = expr.replace(
            lambda e: isinstance(e, sp.Indexed) and str(e.base.label) in ("A", "b", "T(T_s x)", "T_s y"),
            lambda e: e.base[
                tuple(index.xreplace(back) if index == u + s_u else index for index in e.indices)
            ],
        )
        return moved.xreplace({K[i, c, p - u]: K[i, c, p + u], A[i, 0, c, p - u]: A[i, 0, c, p + u]})

    return dv.Derivation(
        dataclasses.replace(
            step, before=_unevaluated(step.before, turned), after=_unevaluated(step.after, turned)
        )
        for step in derivation
    )


def _unevaluated(expr: sp.Basic, change: Callable[[sp.Basic], sp.Basic]) -> sp.Basic:
    if isinstance(expr, Tuple):
        return Tuple(*(_unevaluated(part, change) for part in expr))
    return eq(change(expr.lhs), change(expr.rhs)) if isinstance(expr, Eq) else expr


def test_row_05_the_hankel_form_is_caught_where_the_sign_slips() -> None:
    """y moved the wrong way while x is moved the right way: the statement's two actions are not one shift."""
    derivation = dv.solve(*plain(T1), bias=False).derivation
    derivation.check()
    slipped = hankel(derivation)
    assert slipped != derivation
    with pytest.raises(dv.DerivationError):
        slipped.check()


def test_row_05_the_hankel_form_alone_is_caught() -> None:
    """K[u + u'] has the right count: only the form tells."""
    for name in ("no support", "ring"):
        derivation = dv.solve(*LINES[name]).derivation
        place = [step.rule for step in derivation].index("name the kernel")
        tied = derivation[place].after
        wrong = Tuple(tied[0], eq(tied[1].lhs, tied[1].rhs.subs(u, -u)), *tied[2:])
        assert wrong != tied
        with pytest.raises(dv.DerivationError, match="name the kernel"):
            replaced(derivation, place, wrong).check()


def test_row_05_dropping_the_offset_from_x_is_caught() -> None:
    """T x read at u instead of at the neighbours ties only sums of weights."""
    derivation = dv.solve(*LINES["convolution"]).derivation
    place = RULES.index("re-index by T_s")
    shown = derivation[place].after
    dropped = eq(shown[1].lhs, over(A[i, u + s_u, c, p + s_u] * x[c, u], (p, -oo, oo)) + b[i, u + s_u])
    with pytest.raises(dv.DerivationError, match="'re-index by T_s'"):
        replaced(derivation, place, Tuple(shown[0], dropped)).check()
    place = RULES.index("write the layer")
    literal = eq(y[i, u], over(K[i, c, du] * x[c, u], *box(du)) + b[i])
    with pytest.raises(dv.DerivationError, match="write the layer"):
        replaced(derivation, place, Tuple(literal, *derivation[place].after[1:])).check()


def test_row_05_flipping_the_sign_on_the_way_is_caught() -> None:
    derivation = dv.solve(*LINES["convolution"]).derivation
    place = RULES.index("re-index by T_s")
    shown = derivation[place].after
    flipped = eq(shown[1].lhs, over(A[i, u + s_u, c, p - s_u] * x[c, p], (p, -oo, oo)) + b[i, u + s_u])
    with pytest.raises(dv.DerivationError, match="'re-index by T_s'"):
        replaced(derivation, place, Tuple(shown[0], flipped)).check()
    place = RULES.index("write the layer")
    convolved = eq(y[i, u], over(K[i, c, du] * x[c, u - du], *box(du)) + b[i])
    with pytest.raises(dv.DerivationError, match="write the layer"):
        replaced(derivation, place, Tuple(convolved, *derivation[place].after[1:])).check()


def test_row_08_zero_only_where_both_offsets_are_large_is_caught() -> None:
    """|du| <= 1 or |dv| <= 1, stated, imposed and counted alike: the layer and the count give it away."""
    derivation = BY_NAME["convolution 2-D"].solution.derivation
    place = RULES.index("impose locality")
    loose = sp.Or(*derivation[0].before[-1].args)

    def loosened(step: Step) -> Step:
        return dataclasses.replace(step, before=_loosen(step.before, loose), after=_loosen(step.after, loose))

    with pytest.raises(dv.DerivationError):
        dv.Derivation([loosened(step) for step in derivation]).check()
    imposed = replaced(derivation, place, _loosen(derivation[place].after, loose))
    carried = replaced(imposed, place + 1, _loosen(derivation[place + 1].after, loose))
    with pytest.raises(dv.DerivationError, match="impose locality"):
        carried.check()


def _loosen(expr: sp.Basic, loose: sp.Basic) -> sp.Basic:
    if isinstance(expr, sp.And):
        return loose
    if not isinstance(expr, (Tuple, Piecewise, Eq, sp.functions.elementary.piecewise.ExprCondPair)):
        return expr
    parts = [_loosen(arg, loose) for arg in expr.args]
    return eq(*parts) if isinstance(expr, Eq) else expr.func(*parts)
