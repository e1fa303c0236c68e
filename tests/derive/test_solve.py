"""One call to solve per layer: the form, the counts and every equation, pinned by SymPy equality."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from sympy import Eq, Sum, oo

import derive as dv
from tests.derive.cases import (
    BY_NAME,
    CASES,
    A,
    C,
    Case,
    D,
    K,
    Side,
    b,
    box,
    c,
    du,
    dv_,
    eq,
    i,
    over,
    p,
    q,
    s_u,
    s_v,
    u,
    v,
    x,
    y,
)

every_case = pytest.mark.parametrize("case", CASES, ids=repr)
flagship = BY_NAME["convolution 2-D"]
LETTERS = "uvw"


# ---- every row ------------------------------------------------------------------------------------------


@every_case
def test_form(case: Case) -> None:
    assert case.solution.form == case.form


@every_case
def test_layer(case: Case) -> None:
    assert case.solution.layer == case.layer


@every_case
def test_dim(case: Case) -> None:
    assert case.solution.dim == case.dim


@every_case
def test_bias_dim(case: Case) -> None:
    assert case.solution.bias_dim == case.bias_dim


@every_case
def test_assumptions(case: Case) -> None:
    assert set(case.solution.assumptions) == set(case.assumptions)
    assert len(case.solution.assumptions) == len(case.assumptions)


def _sites(case: Case) -> tuple[list, list]:
    return (
        [sp.Symbol(letter, integer=True) for letter, _ in zip(LETTERS, case.out, strict=False)],
        [sp.Symbol(letter + "'", integer=True) for letter, _ in zip(LETTERS, case.into, strict=False)],
    )


def _moved(sites: list, sides: tuple[Side, ...], sign: int) -> list:
    return [
        z + sign * side.step * sp.Symbol("s_" + letter, integer=True)
        for z, side, letter in zip(sites, sides, LETTERS, strict=False)
    ]


def _channels(case: Case) -> sp.Expr:
    return C if case.given[0] is not None and isinstance(case.given[0], dv.Field) else sp.Integer(5)


def _operator_sum(case: Case, out: list, reading: list, bias_at: list, windows: bool) -> sp.Expr:
    """Sum(A[i, out, c, q] x[c, reading]) + b[i, bias_at], every range written out."""
    sites, limits = _sites(case)[1], []
    for z, side in zip(sites, case.into, strict=True):
        endless = side.size is None or (side.window and not windows)
        limits.append((z, -oo, oo) if endless else (z, 0, side.size - 1))
    term = A[(i, *out, c, *sites)] * x[(c, *reading)]
    return Sum(term, (c, 0, _channels(case) - 1), *limits) + b[(i, *bias_at)]


@every_case
def test_operator_is_the_most_general_one(case: Case) -> None:
    out, into = _sites(case)
    assert case.solution.operator == eq(y[(i, *out)], _operator_sum(case, out, into, out, windows=True))


@every_case
def test_equation_writes_both_sides_out_as_sums(case: Case) -> None:
    """T(T_s x)[i,p] = Sum A[i,p,c,q] x[c, q - Q s] and (T_s T x)[i,p] = Sum A[i, p - P s, c, q] x[c,q]."""
    out, into = _sites(case)
    back = _moved(out, case.out, -1)
    left = _operator_sum(case, out, _moved(into, case.into, -1), out, windows=False)
    right = _operator_sum(case, back, into, back, windows=False)
    assert case.solution.equation == eq(left, right)


@every_case
def test_constraint_moves_both_sites_of_a_pair(case: Case) -> None:
    out, into = _sites(case)
    there = A[(i, *_moved(out, case.out, 1), c, *_moved(into, case.into, 1))]
    assert case.solution.constraint == eq(there, A[(i, *out, c, *into)])


@every_case
def test_the_form_solves_the_constraint(case: Case) -> None:
    """The form's right-hand side takes the same value at a pair and at its translate, for any s."""
    kernel = case.solution.form.rhs
    out, into = _sites(case)
    moved = dict(zip([*out, *into], [*_moved(out, case.out, 1), *_moved(into, case.into, 1)], strict=True))
    rng = np.random.default_rng(0)
    sizes = dict(zip(sorted(kernel.free_symbols, key=str), rng.integers(5, 9, 20), strict=False))
    for _ in range(5):
        draw = {s: int(rng.integers(-9, 9)) for s in (*out, *into, *sp.symbols("s_u s_v s_w", integer=True))}
        values = {**{s: 2 * int(n) for s, n in sizes.items()}, **draw}
        before, after = kernel.subs(values), kernel.subs(moved, simultaneous=True).subs(values)
        assert before == after


# ---- the design's own lines -----------------------------------------------------------------------------


def test_the_mission_in_eight_lines() -> None:
    """Every attribute of the first example, letter by letter."""
    G = dv.translations(2)
    X = dv.Field(G, channels="C", name="x")
    Y = dv.Field(G, channels="D", name="y")
    s = dv.solve(X, Y, support=dv.box(1))
    everywhere = ((p, -oo, oo), (q, -oo, oo))
    assert s.operator == eq(y[i, u, v], over(A[i, u, v, c, p, q] * x[c, p, q], *everywhere) + b[i, u, v])
    assert s.equation == eq(
        over(A[i, u, v, c, p, q] * x[c, p - s_u, q - s_v], *everywhere) + b[i, u, v],
        over(A[i, u - s_u, v - s_v, c, p, q] * x[c, p, q], *everywhere) + b[i, u - s_u, v - s_v],
    )
    assert s.constraint == eq(A[i, u + s_u, v + s_v, c, p + s_u, q + s_v], A[i, u, v, c, p, q])
    assert s.form == eq(A[i, u, v, c, p, q], K[i, c, p - u, q - v])
    assert s.layer == eq(y[i, u, v], over(K[i, c, du, dv_] * x[c, u + du, v + dv_], *box(du, dv_)) + b[i])
    assert (s.dim, s.bias_dim) == (9 * C * D, D)
    assert s.certificate.holds


def test_printed_text_reads_from_left_to_right() -> None:
    s = flagship.solution
    assert dv.text(s.form) == "A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v]"
    assert dv.text(s.constraint) == "A[i,u+s_u,v+s_v,c,u'+s_u,v'+s_v] = A[i,u,v,c,u',v']"
    assert dv.text(s.layer) == (
        "y[i,u,v] = Sum(K[i,c,du,dv]*x[c,u+du,v+dv], (c, 0, C - 1), (du, -1, 1), (dv, -1, 1)) + b[i]"
    )
    assert dv.latex(s.form) == "A_{i,u,v,c,u',v'} = K_{i,c,u'-u,v'-v}"


def test_relations_of_equal_sides_do_not_collapse() -> None:
    """Eq(A, A) would be True; with the trivial group the constraint is that line all the same."""
    s = BY_NAME["nothing moves"].solution
    assert isinstance(s.constraint, Eq)
    assert s.constraint.lhs == s.constraint.rhs
