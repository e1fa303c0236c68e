"""Every derivation passes its own check, says what the solution says, and can be read."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise, product
from typing import Any

import pytest
import sympy as sp
from sympy import Sum

import derive as dv
from derive.steps import Step
from tests.derive.cases import (
    BY_NAME,
    CASES,
    Case,
    p,
    u,
)
from tests.derive.lines import LINES, RULES, UNMOVED

every_case = pytest.mark.parametrize("case", CASES, ids=repr)


# ---- right derivations pass -----------------------------------------------------------------------------


@every_case
def test_every_case_checks(case: Case) -> None:
    case.solution.derivation.check()


@pytest.mark.parametrize("name", LINES)
def test_every_line_checks(name: str) -> None:
    dv.solve(*LINES[name]).derivation.check()


@every_case
def test_rules_follow_the_design(case: Case) -> None:
    """The same road for every layer; locality appears where there is something to say."""
    given = [step.rule for step in case.solution.derivation]
    wanted = RULES if case.solution.problem.translated else UNMOVED
    local = len(case.given) > 2 or any(side.window for side in (*case.out, *case.into))
    assert given == [rule for rule in wanted if local or rule != "impose locality"]


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
    assert counts["dim"] == solution.dim or sp.expand(counts["dim"] - solution.dim) == 0
    assert sp.expand(counts["bias_dim"] - solution.bias_dim) == 0
    steps = {step.rule: step for step in solution.derivation}
    if "name the kernel" in steps:
        assert steps["name the kernel"].after[1] == solution.form
        assert steps["write the layer"].after[0] == solution.layer


def test_witnesses_reach_the_representative() -> None:
    """The s that the words name carries the pair (u, u') to the representative that is printed."""
    steps = {"convolution": (1, 1), "strided": (1, 2), "polyphase": (2, 2), "rational": (3, 2)}
    for name, (out_step, in_step) in steps.items():
        derivation = dv.solve(*LINES[name]).derivation
        step = next(s for s in derivation if s.rule == "choose s to reach a representative")
        words = step.because.split("s_u = ")[1].split(" carries")[0]
        shift = sp.sympify(words.replace("'", "_prime"), locals={"u": u, "u_prime": p})
        _, left, _, right = step.after[1].rhs.indices
        for at in ({u: a, p: z} for a, z in product(range(-7, 8), repeat=2)):
            s = shift.subs(at)
            assert [left.subs(at), right.subs(at)] == [at[u] + out_step * s, at[p] + in_step * s]


# ---- what a person reads --------------------------------------------------------------------------------


@every_case
def test_text_holds_every_rule_reason_and_equation(case: Case) -> None:
    derivation = case.solution.derivation
    printed = str(derivation)
    for number, step in enumerate(derivation, 1):
        assert f"{number:2d}. {step.rule}: {step.because}" in printed
    assert dv.text(case.solution.derivation[-2].after[0]) in printed
    assert printed.startswith("given\n")
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
        rule = step.rule.replace("_", r"\_")
        assert rf"\text{{{number}. {rule}}}" in printed
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
    assert repr(derivation).startswith("Derivation of 11 steps: write the general linear operator; act on")
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
