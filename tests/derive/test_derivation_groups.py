"""Derivations for any group: each checks, says what the solution says, and no single change gets past."""

from __future__ import annotations

import dataclasses
import random
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy as sp
from sympy import Eq, Indexed, Tuple

import derive as dv
from tests.derive.group_cases import GROUP_CASES, GROUP_NAMED, GroupCase, scalar
from tests.derive.mutants import equivalent, replaced, restated, survives, variants

every_case = pytest.mark.parametrize("case", GROUP_CASES, ids=repr)
MUTATED = {
    "p4, scalar to irrep": 20,
    "p6, irrational": 10,
    "own glide": 25,
    "own matrices": 40,
    "S_3, sign": 60,
    "global pool": 25,
    "torus, local": 15,
    "SO(3)": 40,
    "blocks": 10,
    "characters of order 5": 10,
}


# ---- right derivations ----------------------------------------------------------------------------------


@every_case
def test_every_case_checks(case: GroupCase) -> None:
    case.solution.derivation.check()


@every_case
def test_counts_are_those_of_the_solution(case: GroupCase) -> None:
    solution = case.solution
    counts = {str(e.lhs): e.rhs for e in solution.derivation[-1].after}
    for name in ("dim", "bias_dim"):
        wanted = getattr(solution, name)
        assert counts[name] is wanted or sp.expand(counts[name].doit() - wanted) == 0


@every_case
def test_each_step_begins_where_the_last_one_ended(case: GroupCase) -> None:
    for step, following in pairwise(case.solution.derivation):
        assert step.after == following.before
        assert step.because


@every_case
def test_all_formats_hold_every_rule(case: GroupCase) -> None:
    derivation = case.solution.derivation
    for printed in (str(derivation), derivation.latex(), derivation.markdown(), derivation.html()):
        plain = printed.replace(r"\_", "_")
        assert all(step.rule in plain for step in derivation)
    assert "Tuple" not in str(derivation)
    assert "Indexed" not in str(derivation)


@pytest.mark.parametrize(
    "name",
    ["p4, scalar to regular", "p4, scalar to irrep", "p4m, impossible", "cube", "own matrices on a lattice"],
)
def test_the_tables_span_the_solution(name: str) -> None:
    """Free entries put to 1 one by one give as many kernels, in the span of the exact basis."""
    solution = GROUP_NAMED[name].solution
    rows = [r[1] for s in solution.derivation for r in _new(s) if s.rule == "list the orbits of K"]
    zeros = [r[2].lhs for s in solution.derivation for r in _new(s) if s.rule == "find the zeros of K"]
    values: dict[Any, dict[Any, int]] = {}
    for equation in rows:
        (start,) = equation.rhs.atoms(Indexed)
        values.setdefault(start, {})[equation.lhs.indices] = int(equation.rhs / start)
    free = [entries for start, entries in values.items() if start not in zeros]
    size = len(rows)
    place = {equation.lhs.indices: k for k, equation in enumerate(rows)}
    mine = np.zeros((len(free), size))
    for k, entries in enumerate(free):
        for at, value in entries.items():
            mine[k, place[at]] = value
    plain = dv.solve(*(_numbered(f) for f in GROUP_NAMED[name].state()))
    assert len(free) == plain.dim
    if plain.dim:
        dense = np.array([b.dense().astype(float).reshape(-1) for b in plain.basis])
        ordered = np.array([[_read(plain, b, at) for at in place] for b in plain.basis])
        assert np.linalg.matrix_rank(dense) == len(free) == np.linalg.matrix_rank(np.vstack([mine, ordered]))


def _numbered(field: Any) -> Any:
    """The same field with one copy, so that bases and tables have the same entries."""
    if isinstance(field, dv.Field) and not field.channels.is_number:
        return scalar(field.group, 1)
    return field


def _read(solution: Any, element: Any, at: Any) -> float:
    """Entry K[(alpha), (copy), displacement] of a dense basis element."""
    dense = element.dense()
    numbers = [int(n) for n in at if getattr(n, "is_Integer", False)]
    dim = dense.ndim - 2
    alpha = numbers[0] if len(numbers) > dim else 0
    return float(dense[(alpha, 0, *(n + 1 for n in numbers[-dim:]))])


def _new(step: Any) -> list[Any]:
    return [item for item in step.after if item not in step.before.args]


def test_what_a_glide_prints() -> None:
    printed = str(GROUP_NAMED["own glide"].solution.derivation)
    for line in (
        "T_s x[c,u',v'] = x[c,u'-s_u,v'-2*s_v]",
        "m x[c,-u',v'+1] = x[c,u',v']",
        "m y[i,-u,v+1] = -y[i,u,v]",
        "m^2 = 1",
        "T(m x)[i,-u,v+1] = Sum(A[i,-u,v+1,c,-u',v'+1]*x[c,u',v'], (c, 0, 0), (u', -oo, oo), (v', -oo, oo))",
        "A[i,-u,v+1,c,-u',v'+1] = -A[i,u,v,c,u',v']",
        "K[i,c,(r_v+1 mod 2),-du,dv] = -K[i,c,r_v,du,dv]",
        "m: K[i,c,1,1,-1] = -K[i,c,0,-1,-1]",
        "dim = 9",
    ):
        assert line in printed, line


def test_a_forced_zero_shows_the_word_that_returns() -> None:
    printed = str(GROUP_NAMED["p4, scalar to irrep"].solution.derivation)
    assert "r^2: K[0,c,0,0] = -K[0,c,0,0], so K[0,c,0,0] = 0" in printed
    assert "r^3: K[1,c,-1,1] = -K[0,c,-1,-1]" in printed


def test_matrices_show_what_a_stabiliser_fixes() -> None:
    printed = str(GROUP_NAMED["p6, irrational"].solution.derivation)
    assert "r: K[c,0,0] = [[0], [0]]" in printed
    assert "r^3: K[c,1,0] = [[w[0,c]], [w[1,c]]]" in printed


def test_lie_algebras_are_derivatives() -> None:
    printed = str(GROUP_NAMED["SO(3)"].solution.derivation)
    assert "L(x01) y[alpha] = Sum(rho_y(x01)[alpha,alpha']*y[alpha'], (alpha', 0, 2))" in printed
    assert "x01*x02 - x02*x01 = -x12" in printed or "x01*x02 - x02*x01 = x12" in printed
    assert "0 = Sum(b[alpha']*rho_y(x01)[alpha,alpha'], (alpha', 0, 2))" in printed


def test_what_is_closed_to_a_ring_says_so() -> None:
    closed, open_ = (
        str(GROUP_NAMED[f"{kind} without translations"].solution.derivation) for kind in ("torus", "grid")
    )
    assert "u in Z mod 3" in closed
    assert "u in 0..2" in open_
    assert r"u \in \mathbb{Z} / 3" in GROUP_NAMED["torus without translations"].solution.derivation.latex()


def test_an_action_that_leaves_an_open_grid_is_caught() -> None:
    """-u' + 1 and -u' - 1 are one site of a ring of two, but no site of two that end."""
    derivation = GROUP_NAMED["grid without translations"].solution.derivation
    left = [m for m in variants(derivation[0].before) if "m x[c,-u'-1,v']" in dv.text(m)]
    assert left
    with pytest.raises(dv.DerivationError, match=r"must keep u' inside 0\.\.1"):
        restated(derivation, left[0]).check()


def test_too_many_entries_are_refused_before_they_are_listed() -> None:
    G = dv.wallpaper("p4m")
    torus = {"grid": (1000, 1000), "boundary": "periodic"}
    with pytest.raises(dv.TooLargeError, match=r"at most 4,096, got 1,000,000; derive a smaller"):
        _ = dv.solve(scalar(G, **torus), scalar(G, **torus)).derivation


def test_a_window_that_cuts_single_phases_off() -> None:
    """On three sites, the odd phase has no displacement by 2; the mirror carries the window to itself."""
    G = dv.space_group(dv.point_group("D1", 1), period=2, centre=1)
    window = {"grid": 3, "boundary": "zero"}
    solution = dv.solve(scalar(G, **window), scalar(G, **window))
    solution.derivation.check()
    assert solution.derivation[-1].after[0].rhs.doit() == solution.dim == 5


# ---- wrong ones -----------------------------------------------------------------------------------------


class Mutant(NamedTuple):
    """A derivation with one print changed."""

    rule: str
    before: sp.Basic
    after: sp.Basic
    derivation: dv.Derivation


def mutants(derivation: dv.Derivation) -> list[Mutant]:
    """Every derivation that differs in one index, sign, bound, word or number."""
    given = derivation[0].before
    found = [Mutant("statement", given, m, restated(derivation, m)) for m in variants(given)]
    for place, step in enumerate(derivation):
        found += [
            Mutant(step.rule, step.after, m, replaced(derivation, place, m)) for m in variants(step.after)
        ]
    return found


def missed(name: str, sample: int) -> list[str]:
    tried = mutants(GROUP_NAMED[name].solution.derivation)
    random.Random(name).shuffle(tried)
    survivors = [m for m in tried[:sample] if survives(m.derivation)]
    return [f"{m.rule}: {dv.text(m.after)}" for m in survivors if not equivalent(m.before, m.after)]


def test_an_equivalent_print_is_no_mutant() -> None:
    n, k = sp.symbols("n k", integer=True)
    count = lambda value: Tuple(Eq(sp.Symbol("dim"), value, evaluate=False))  # noqa: E731
    assert equivalent(count(sp.gcd(n, 1) + n), count(n + 1))
    assert not equivalent(count(n), count(n + 1))
    terms = [sp.Sum(sp.Piecewise((k, c), (0, True)), (k, 0, 1)) for c in (k > 0, sp.Ne(k, 0), k >= 0)]
    assert equivalent(terms[0], terms[1])
    assert equivalent(terms[0], terms[2])  # k >= 0 adds 0 at k = 0
    assert not equivalent(terms[0], sp.Sum(k + 1, (k, 0, 1)))
    cut = sp.Piecewise((k, k < 2), (0, True))
    assert equivalent(sp.Sum(cut, (k, 0, 1)), sp.Sum(cut, (k, 0, 4)))  # beyond 1 the condition cuts it off
    assert not equivalent(sp.Sum(cut, (k, 0, 1)), sp.Sum(cut, (k, 0, 0)))
    assert not equivalent(sp.Sum(k, (k, 0, 1)), sp.Sum(k, (k, 0, 2)))


@pytest.mark.parametrize("name", MUTATED)
def test_indices_signs_words_and_numbers_mutated(name: str) -> None:
    assert missed(name, MUTATED[name]) == []


@pytest.mark.slow
@every_case
def test_more_of_them_mutated(case: GroupCase) -> None:
    assert missed(case.name, 600) == []


@every_case
def test_no_step_can_be_left_out(case: GroupCase) -> None:
    steps = case.solution.derivation
    for place in range(len(steps)):
        assert not survives(dv.Derivation([*steps[:place], *steps[place + 1 :]])), steps[place].rule


@pytest.mark.parametrize("name", ["own glide", "p4, scalar to irrep", "SO(3)", "S_3, sign", "blocks"])
def test_a_step_left_out_and_the_chain_mended(name: str) -> None:
    steps = GROUP_NAMED[name].solution.derivation
    for place in range(1, min(len(steps) - 1, 24)):  # a chapter is shorter than that
        following = dataclasses.replace(steps[place + 1], before=steps[place - 1].after)
        assert not survives(dv.Derivation([*steps[:place], following, *steps[place + 2 :]])), steps[
            place
        ].rule


@every_case
def test_no_two_steps_can_be_swapped(case: GroupCase) -> None:
    steps = case.solution.derivation
    for first, second in list(combinations(range(len(steps)), 2))[:: max(1, len(steps) // 20)]:
        order = list(steps)
        order[first], order[second] = order[second], order[first]
        assert not survives(dv.Derivation(order)), (first, second)


def test_two_orbits_merged_or_one_forgotten_are_caught() -> None:
    """Consistent lies: a representative tied to another one, a row left out, a zero forgotten."""
    steps = GROUP_NAMED["p4, scalar to irrep"].solution.derivation
    place = next(k for k, s in enumerate(steps) if s.rule == "list the orbits of K")
    rows = list(steps[place].after)
    first = next(k for k, item in enumerate(rows) if isinstance(item, Tuple))
    starts = [k for k, item in enumerate(rows) if isinstance(item, Tuple) and item[0] == 1]
    merged = [*rows]
    other = rows[starts[1]][1].lhs
    merged[starts[1]] = Tuple(sp.S.One, Eq(other, rows[starts[0]][1].lhs, evaluate=False))
    for wrong in (merged, rows[:first] + rows[first + 1 :], rows[:-1]):
        assert not survives(replaced(steps, place, Tuple(*wrong)))
    zeros = next(k for k, s in enumerate(steps) if s.rule == "find the zeros of K")
    kept = steps[zeros].before
    assert not survives(dv.Derivation([*steps[:zeros], *_rejoined(steps[zeros + 1 :], kept)]))


def _rejoined(steps: Any, before: Any) -> list[Any]:
    first, *rest = steps
    return [dataclasses.replace(first, before=before), *rest]


def test_the_message_names_the_first_false_step() -> None:
    steps = GROUP_NAMED["own glide"].solution.derivation
    place = next(k for k, s in enumerate(steps) if s.rule == "act on the output by m")
    after = steps[place].after
    wrong = Tuple(*after[:-1], Eq(after[-1].lhs, -after[-1].rhs, evaluate=False))
    with pytest.raises(dv.DerivationError, match=rf"step {place + 1}, 'act on the output by m'"):
        replaced(steps, place, wrong).check()


@pytest.mark.parametrize("name", ["torus, symbolic", "torus, symbolic, irrational", "no support, irrational"])
def test_a_count_with_symbols_must_be_right(name: str) -> None:
    """Nothing is listed, yet a count that is one off, or finite where it is not, is caught."""
    steps = GROUP_NAMED[name].solution.derivation
    counts = list(steps[-1].after)
    for k, count in enumerate(counts):
        wrong = sp.Integer(7) if count.rhs is sp.oo else count.rhs + 1
        mutant = Tuple(*counts[:k], Eq(count.lhs, wrong, evaluate=False), *counts[k + 1 :])
        assert not survives(replaced(steps, len(steps) - 1, mutant))
