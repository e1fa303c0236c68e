"""Every printed step is checked: right derivations pass, and no single change of one gets through."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from itertools import combinations, pairwise, product
from typing import Any

import pytest
import sympy as sp
from sympy import Eq, Piecewise, Sum, Tuple, oo

import derive as dv
from derive.steps import Step
from tests.derive.cases import (
    BY_NAME,
    CASES,
    HALF,
    T1,
    A,
    C,
    Case,
    D,
    K,
    N,
    T1by2,
    b,
    box,
    c,
    du,
    eq,
    field,
    i,
    over,
    p,
    plain,
    s_u,
    u,
    x,
    y,
)
from tests.derive.mutants import replaced, restated, survives, variants

every_case = pytest.mark.parametrize("case", CASES, ids=repr)

RULES = [
    "write the general operator",
    "act on the input",
    "act on the output",
    "re-index the sum",
    "compare coefficients",
    "the constraint for every s",
    "choose s to reach a representative",
    "name the kernel",
    "impose locality",
    "tie the bias",
    "write the layer",
    "count",
    "give the sizes their values",
]

# One axis of every kind of layer: small enough to mutate everywhere.
LINES = {
    "convolution": (*plain(T1), dv.box(1)),
    "symbolic radius": (*plain(T1), dv.box("k")),
    "no support": plain(T1),
    "no bias": (*plain(T1), dv.box(1), False),
    "dilated": (*plain(T1), dv.window(3, dilation=2)),
    "even window": (field(T1, "C"), field(T1, "D", offset=HALF), dv.window(2)),
    "listed": (*plain(T1), [0, 3]),
    "strided": (field(T1by2, "C"), field(T1by2, "D", spacing=2), dv.box(1)),
    "transposed": BY_NAME["transposed"].given,
    "rational": BY_NAME["rational, 2 against 3"].given,
    "polyphase": (*plain(T1by2), dv.box(1)),
    "pooling": (field(T1, "C"), 4 * dv.trivial(T1.point)),
    "from a fixed vector": (4 * dv.trivial(T1.point), field(T1, "D")),
    "ring": plain(T1, grid="N", boundary="periodic"),
    "ring, local": (*plain(T1, grid="N", boundary="periodic"), dv.box(1)),
    "strided ring": BY_NAME["strided ring"].given,
    "window": plain(T1, grid="N", boundary="zero"),
    "window, local": (*plain(T1, grid="N", boundary="zero"), dv.box(1)),
    "strided window, local": BY_NAME["strided window, local"].given,
    "polyphase window": BY_NAME["polyphase window"].given,
    "VALID window": BY_NAME["VALID window"].given,
    "nothing moves": BY_NAME["nothing moves"].given,
    "nothing moves, local": (*plain(dv.translations(1, 0), grid="N"), dv.box(1)),
}
THOROUGH = ("convolution", "rational")  # every mutant of these in the normal run, a sample of the others
SAMPLE = 11

# Widening the range of a sum whose terms a condition cuts off changes nothing.
EQUIVALENT = {("listed", "(du, 0, 4)")}


def mutants(derivation: dv.Derivation) -> list[tuple[str, sp.Basic, dv.Derivation]]:
    """Every derivation that differs in one index, sign, bound or connective of a step or of the statement."""
    found = [("statement", m, restated(derivation, m)) for m in variants(derivation[0].before)]
    for place, step in enumerate(derivation):
        found += [(step.rule, m, replaced(derivation, place, m)) for m in variants(step.after)]
    return found


def missed(name: str, every: int, start: int = 0) -> list[str]:
    derivation = dv.solve(*LINES[name]).derivation
    tried = mutants(derivation)[start::every]
    assert len(tried) > 200 // every
    lines = [f"{rule}: {dv.text(m)}" for rule, m, mutant in tried if survives(mutant)]
    return [line for line in lines if not any(name == n and part in line for n, part in EQUIVALENT)]


# ---- right derivations pass -----------------------------------------------------------------------------


@every_case
def test_every_case_checks(case: Case) -> None:
    """On two grids of coprime sides; in three dimensions the smaller one alone, for time."""
    case.solution.derivation.check(grid=(3, 4, 5) if len(case.out) == 3 else None)


@pytest.mark.parametrize("name", LINES)
def test_every_line_checks(name: str) -> None:
    dv.solve(*LINES[name]).derivation.check()


@every_case
def test_rules_follow_the_design(case: Case) -> None:
    """The same road for every layer; locality and values appear where there is something to say."""
    absent = set()
    if len(case.given) < 3:
        absent.add("impose locality")
    given = [step.rule for step in case.solution.derivation]
    if "give the sizes their values" not in given:
        absent.add("give the sizes their values")
    assert given == [rule for rule in RULES if rule not in absent]


@every_case
def test_each_step_begins_where_the_last_one_ended(case: Case) -> None:
    steps = case.solution.derivation
    assert isinstance(steps, tuple)
    assert all(isinstance(step, Step) and step.because for step in steps)
    for step, following in pairwise(steps):
        assert step.after == following.before


@every_case
def test_the_solution_says_what_the_derivation_derives(case: Case) -> None:
    """form, layer and counts are those of the steps, with the sizes put in."""
    solution, last = case.solution, case.solution.derivation[-1].after
    counts = {str(e.lhs): e.rhs for e in last}
    assert sp.expand(counts["dim"] - solution.dim) in (0, sp.nan)
    assert counts["dim"] == solution.dim or solution.dim is not oo
    assert sp.expand(counts["bias_dim"] - solution.bias_dim) == 0
    named = next(step for step in solution.derivation if step.rule == "name the kernel").after[0]
    values = {e.lhs: e.rhs for e in last if str(e.lhs) not in counts or isinstance(e.lhs, sp.Symbol)}
    assert named.xreplace({k: v for k, v in values.items() if k.is_positive}) == solution.form


@pytest.mark.parametrize("grid", [5, (5,), [7], (3,)])
def test_a_grid_of_ones_own(grid: Any) -> None:
    dv.solve(*LINES["convolution"]).derivation.check(grid=grid)


def test_witnesses_reach_the_representative() -> None:
    """The s that the words name carries the pair (u, u') to the representative that is printed."""
    steps = {"convolution": (1, 1), "strided": (1, 2), "polyphase": (2, 2), "rational": (3, 2)}
    for name, (out_step, in_step) in steps.items():
        derivation = dv.solve(*LINES[name]).derivation
        step = next(s for s in derivation if s.rule == "choose s to reach a representative")
        words = step.because.split("s_u = ")[1].split(" carries")[0]
        shift = sp.sympify(words.replace("'", "_prime"), locals={"u": u, "u_prime": p})
        _, left, _, right = step.after[0].rhs.indices
        for at in ({u: a, p: z} for a, z in product(range(-7, 8), repeat=2)):
            s = shift.subs(at)
            assert [left.subs(at), right.subs(at)] == [at[u] + out_step * s, at[p] + in_step * s]


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
    sample = mutants(case.solution.derivation)[:: 1 if len(case.out) == 2 else 10]
    names = {"listed displacements", "ball", "radius 0"}  # conditions cut sums off; -0 is 0
    assert [dv.text(m) for _, m, mutant in sample if survives(mutant) and case.name not in names] == []


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
    wrong = replaced(steps, 5, Tuple(eq(A[i, u + s_u, c, p - s_u], A[i, u, c, p]), steps[5].after[1]))
    with pytest.raises(dv.DerivationError, match="step 6, 'the constraint for every s'") as error:
        wrong.check()
    assert "derive it again" in str(error.value)
    following = dataclasses.replace(steps[4], before=steps[2].after)
    shorter = dv.Derivation([*steps[:3], following, *steps[5:]])
    with pytest.raises(dv.DerivationError, match=r"must go on with 're-index the sum', got compare"):
        shorter.check()
    with pytest.raises(dv.DerivationError, match="must continue where 'act on the output' stopped"):
        dv.Derivation([*steps[:3], *steps[4:]]).check()


# ---- the slips of the sources, carried through consistently ---------------------------------------------


def _chain(first: Step, afters: list[sp.Basic], rules: list[str]) -> dv.Derivation:
    steps, before = [], first.before
    for rule, after in zip(rules, afters, strict=True):
        steps.append(dataclasses.replace(first, rule=rule, before=before, after=after))
        before = after
    return dv.Derivation(steps)


def _everywhere(term: sp.Expr) -> sp.Expr:
    return over(term, (p, -oo, oo))


def hankel(derivation: dv.Derivation) -> dv.Derivation:
    """The output shifted the wrong way: everything after follows, and ends in K[u + u']."""
    right = _everywhere(A[i, u + s_u, c, p] * x[c, p])
    afters = [
        derivation[0].after,
        derivation[1].after,
        eq(derivation[1].after.rhs, right),
        eq(_everywhere(A[i, u, c, p + s_u] * x[c, p]), right),
        Tuple(eq(A[i, u, c, p + s_u], A[i, u + s_u, c, p])),
        Tuple(eq(A[i, u - s_u, c, p + s_u], A[i, u, c, p])),
        Tuple(eq(A[i, u, c, p], A[i, 0, c, p + u])),
        Tuple(eq(A[i, u, c, p], K[i, c, p + u]), eq(K[i, c, du], A[i, 0, c, du])),
        eq(y[i, u], _everywhere(K[i, c, p + u] * x[c, p])),
        derivation[-1].after,
    ]
    return _chain(derivation[0], afters, [step.rule for step in derivation])


def test_row_05_the_hankel_form_is_caught_where_the_sign_slips() -> None:
    derivation = dv.solve(*plain(T1), bias=False).derivation
    derivation.check()
    with pytest.raises(dv.DerivationError, match="step 3, 'act on the output'"):
        hankel(derivation).check()


def test_row_05_the_hankel_form_alone_is_caught() -> None:
    """K[u + u'] has the right count: only the form tells."""
    for name in ("no support", "ring"):
        derivation = dv.solve(*LINES[name]).derivation
        place = RULES.index("name the kernel")
        tied = derivation[place].after
        wrong = Tuple(eq(tied[0].lhs, tied[0].rhs.subs(u, -u)), *tied[1:])
        assert wrong != tied
        with pytest.raises(dv.DerivationError, match="name the kernel"):
            replaced(derivation, place, wrong).check()


def test_row_05_dropping_the_offset_from_x_is_caught() -> None:
    """T x read at u instead of at the neighbours ties only sums of weights."""
    derivation = dv.solve(*LINES["convolution"]).derivation
    acted = derivation[1].after
    dropped = eq(acted.lhs, over(A[i, u, c, p] * x[c, u - s_u], (p, -oo, oo)) + b[i, u])
    with pytest.raises(dv.DerivationError, match="step 2, 'act on the input'"):
        replaced(derivation, 1, dropped).check()
    place = RULES.index("write the layer")
    literal = eq(y[i, u], over(K[i, c, du] * x[c, u], *box(du)) + b[i])
    with pytest.raises(dv.DerivationError, match="write the layer"):
        replaced(derivation, place, literal).check()


def test_row_05_flipping_the_sign_on_the_way_is_caught() -> None:
    derivation = dv.solve(*LINES["convolution"]).derivation
    acted = derivation[1].after
    flipped = eq(acted.lhs, over(A[i, u, c, p] * x[c, p + s_u], (p, -oo, oo)) + b[i, u])
    with pytest.raises(dv.DerivationError, match="step 2, 'act on the input'"):
        replaced(derivation, 1, flipped).check()
    place = RULES.index("write the layer")
    convolved = eq(y[i, u], over(K[i, c, du] * x[c, u - du], *box(du)) + b[i])
    with pytest.raises(dv.DerivationError, match="write the layer"):
        replaced(derivation, place, convolved).check()


def test_row_08_zero_only_where_both_offsets_are_large_is_caught() -> None:
    """|du| <= 1 or |dv| <= 1, stated, imposed and counted alike: the layer and the count give it away."""
    derivation = BY_NAME["convolution 2-D"].solution.derivation
    place = RULES.index("impose locality")
    loose = sp.Or(*derivation[0].before[2].args)

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


# ---- what a person reads --------------------------------------------------------------------------------


@every_case
def test_text_holds_every_rule_reason_and_equation(case: Case) -> None:
    derivation = case.solution.derivation
    printed = str(derivation)
    for number, step in enumerate(derivation, 1):
        assert f"{number:2d}. {step.rule}: {step.because}" in printed
    assert dv.text(case.solution.derivation[5].after[0]) in printed
    assert printed.startswith("given\n     T_s x[")
    assert len(printed.splitlines()) > 2 * len(derivation)
    assert "Sum(" in printed
    assert "Indexed" not in printed
    assert "Tuple" not in printed


def test_text_of_the_convolution() -> None:
    printed = str(BY_NAME["convolution 2-D"].solution.derivation)
    for line in (
        "T_s x[c,u',v'] = x[c,u'-s_u,v'-s_v]",
        "|u' - u| <= 1 and |v' - v| <= 1",
        "A[i,u+s_u,v+s_v,c,u'+s_u,v'+s_v] = A[i,u,v,c,u',v']",
        "A[i,u,v,c,u',v'] = A[i,0,0,c,u'-u,v'-v]",
        "A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v]",
        "K[i,c,du,dv] = A[i,0,0,c,du,dv]",
        "A[i,u,v,c,u',v'] = (K[i,c,u'-u,v'-v] if |u' - u| <= 1 and |v' - v| <= 1 else 0)",
        "y[i,u,v] = Sum(K[i,c,du,dv]*x[c,u+du,v+dv], (c, 0, C - 1), (du, -1, 1), (dv, -1, 1)) + b[i]",
        "dim = 9*C*D",
        "bias_dim = D",
        "for i in 0..D - 1, c in 0..C - 1, u in Z, v in Z, u' in Z, v' in Z, s_u in Z, s_v in Z",
    ):
        assert line in printed, line
    assert "x is arbitrary" in printed
    assert "s is every translation" in printed


@every_case
def test_latex_is_one_balanced_environment(case: Case) -> None:
    printed = case.solution.derivation.latex()
    assert printed.startswith(r"\begin{align*}")
    assert printed.endswith(r"\end{align*}")
    assert _balanced(printed)
    for number, step in enumerate(case.solution.derivation, 1):
        assert rf"\text{{{number}. {step.rule}}}" in printed
    rows = printed.splitlines()[1:-1]
    assert all(row.startswith("& ") and row.endswith(r"\\") for row in rows)
    assert printed.count(r"\left") == printed.count(r"\right")


def _balanced(printed: str) -> bool:
    depth = 0
    for before, here in zip(" " + printed, printed, strict=False):
        if before != "\\":
            depth += (here == "{") - (here == "}")
        if depth < 0:
            return False
    return depth == 0


def test_latex_of_the_convolution() -> None:
    printed = BY_NAME["convolution 2-D"].solution.derivation.latex()
    assert "A_{i,u,v,c,u',v'} = K_{i,c,u'-u,v'-v}" in printed
    assert r"\sum_{" in printed
    assert r"\left|u' - u\right| \leq 1" in printed


def test_markdown_numbers_its_steps() -> None:
    derivation = BY_NAME["torus, local"].solution.derivation
    printed = derivation.markdown()
    for number, step in enumerate(derivation, 1):
        assert f"{number}. **{step.rule}**: {step.because}" in printed
    assert printed.count("$$") % 2 == 0
    assert r"\bmod H" in printed


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.items = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.items += tag == "li"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_case
def test_html_is_well_formed(case: Case) -> None:
    derivation = case.solution.derivation
    tags = _Tags()
    tags.feed(derivation.html())
    tags.close()
    assert tags.open == []
    assert tags.items == len(derivation)
    assert all(step.rule in derivation.html() for step in derivation)


def test_notebooks_find_their_representations() -> None:
    solution = BY_NAME["convolution 1-D"].solution
    derivation = solution.derivation
    assert derivation._repr_latex_() == derivation.latex()
    assert derivation._repr_html_() == derivation.html()
    assert solution._repr_latex_().startswith("$")
    assert "13" not in repr(derivation)
    assert repr(derivation).startswith("Derivation of 12 steps: write the general operator; act on")
    assert derivation.steps == tuple(derivation)


def test_printing_does_not_change_what_is_checked() -> None:
    derivation = BY_NAME["polyphase window"].solution.derivation
    before = list(derivation)
    str(derivation), derivation.latex(), derivation.markdown(), derivation.html()
    assert list(derivation) == before
    assert hash(derivation) == hash(dv.Derivation(before))


def test_sums_keep_their_bounds_in_print() -> None:
    layer = dv.solve(*LINES["transposed"]).layer
    assert layer.rhs.has(Sum)
    assert "(u', ceiling(u/2 - 1/2), floor(u/2 + 1/2))" in dv.text(layer)
