"""One call to solve per layer: the form, the counts and every equation, pinned by SymPy equality."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from sympy import Eq, Ge, Mod, Rational, Sum, oo

import derive as dv
from tests.derive.cases import (
    BY_NAME,
    CASES,
    HALF,
    T1,
    T2,
    TORUS,
    A,
    C,
    Case,
    D,
    H,
    K,
    M,
    N,
    Side,
    W,
    b,
    box,
    c,
    conv_1d,
    du,
    dv_,
    eq,
    field,
    i,
    k0,
    over,
    p,
    plain,
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


# ---- what a person may give -----------------------------------------------------------------------------


def test_numbers_in_place_of_letters() -> None:
    options = {"grid": (8, 10), "boundary": "periodic"}
    s = dv.solve(field(T2, 3, **options), field(T2, 16, **options), dv.box(1))
    assert (s.dim, s.bias_dim, s.assumptions) == (9 * 3 * 16, 16, ())
    assert s.form == eq(A[i, u, v, c, p, q], K[i, c, Mod(p - u, 8), Mod(q - v, 10)])
    assert s.layer.rhs.atoms(Sum).pop().limits == (
        (c, 0, 2),
        (du, -1, 1),
        (dv_, -1, 1),
    )


def test_names_of_fields_are_the_letters_of_the_equations() -> None:
    f, g = sp.IndexedBase("f"), sp.IndexedBase("g")
    s = dv.solve(field(T1, "C", name="f"), field(T1, "D", name="g"), dv.box(0))
    assert s.layer == eq(g[i, u], over(K[i, c, du] * f[c, u + du], (du, 0, 0)) + b[i])
    twins = dv.solve(field(T1, "C", name="f"), field(T1, "D", name="f"), dv.box(0))
    assert twins.layer.lhs.base != f


def test_without_a_bias() -> None:
    s = dv.solve(*plain(T1), dv.box(1), bias=False)
    assert s.bias_dim == 0
    assert s.layer == eq(y[i, u], over(K[i, c, du] * x[c, u + du], *box(du)))
    assert not s.operator.has(b)
    s.derivation.check()
    assert "tie the bias" not in [step.rule for step in s.derivation]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (dv.box(2), dv.window(5)),
        (dv.box((1, 2)), dv.window((3, 5))),
        (dv.box(0), [(0, 0)]),
        (dv.window(3), list(product((-1, 0, 1), repeat=2))),
        (dv.window(3, dilation=2), list(product((-2, 0, 2), repeat=2))),
        (dv.ball(1), np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])),
        (dv.box(1), dv.ball(Rational(3, 2))),
        ([(0, 0), (0, 0), (1, 0)], {(1, 0), (0, 0)}),
    ],
)
def test_one_support_in_two_ways(one: object, other: object) -> None:
    first, second = (dv.solve(field(T2, 1), field(T2, 1), support) for support in (one, other))
    assert first.dim == second.dim
    assert np.array_equal(sum(e.dense() for e in first.basis), sum(e.dense() for e in second.basis))


@pytest.mark.parametrize("value", [3, np.int64(3), np.int32(3), sp.Integer(3)])
def test_integers_of_every_kind(value: object) -> None:
    s = dv.solve(field(T1, value), field(T1, "D"), dv.window(value))
    assert s.dim == 9 * D


def test_symbols_and_names_of_symbols() -> None:
    """A user's own integer symbol is kept as it is; a bare one stands for the number all the same."""
    mine = sp.Symbol("C", integer=True, positive=True)
    assert dv.solve(field(T1, mine), field(T1, "D"), dv.box("k")) == dv.solve(
        field(T1, "C"), field(T1, "D"), dv.box(k0)
    )
    bare = sp.Symbol("n")
    assert dv.solve(field(T1, bare), field(T1, "D"), dv.box(1)).dim == 3 * bare * D
    assert dv.solve(field(T1, 2 * mine), field(T1, "D"), dv.box(1)).dim == 6 * C * D


def test_periods_spacings_and_offsets_may_be_fractions() -> None:
    fine = dv.translations(1, period=HALF)
    s = dv.solve(field(fine, "C", spacing="1/2"), field(fine, "D", spacing=HALF), dv.window(3))
    assert s.form == conv_1d
    assert s.dim == 3 * C * D
    assert s.layer.rhs.atoms(Sum).pop().limits[1] == (du, -1, 1)
    assert [t for t in s.layer.atoms(sp.Indexed) if t.base == x] == [x[c, u + 2 * du]]


# ---- counts ---------------------------------------------------------------------------------------------


def _numbers(names: list[sp.Symbol], values: tuple[int, ...]) -> dict:
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("boundary", "period", "offset", "radius"),
    [
        ("periodic", 1, 0, 1),
        ("periodic", 2, 0, 1),
        ("periodic", 0, 0, 2),
        ("periodic", 1, 1, 1),
        ("zero", 1, 0, 2),
        ("zero", 2, 0, 1),
        ("zero", 1, 1, 1),
        ("zero", 3, -2, 1),
        ("zero", 0, 0, 2),
        ("zero", 0, 1, 1),
        ("zero", 1, 0, None),
        ("zero", 2, 0, None),
        ("zero", 0, 0, None),
        ("periodic", 3, 0, None),
    ],
)
@pytest.mark.parametrize("square", [True, False])
def test_symbolic_counts_hold_wherever_their_assumptions_do(
    boundary: str, period: int, offset: int, radius: int | None, square: bool
) -> None:
    """Every count with letters is compared with the count in numbers, at all sizes it claims to cover."""
    group = dv.translations(1, period)
    support = None if radius is None else dv.box(radius)

    def ask(n: object, m: object) -> dv.Solution:
        into = dv.Field(group, channels=1, grid=n, boundary=boundary, offset=0)
        out = dv.Field(group, channels=1, grid=m, boundary=boundary, offset=offset)
        return dv.solve(into, out, support)

    letters = ask("N", "N" if square or boundary == "periodic" else "M")
    held = 0
    for n, m in product(range(1, 10), repeat=2):
        values = {N: n, M: m}
        if (square or boundary == "periodic") and n != m:
            continue
        if not all(bool(relation.subs(values)) for relation in letters.assumptions):
            continue
        numbers = ask(n, m)
        assert letters.dim.subs(values) == numbers.dim, (n, m)
        assert letters.bias_dim.subs(values) == numbers.bias_dim, (n, m)
        held += 1
    assert held >= 3


def test_counts_of_a_strided_ring_in_letters() -> None:
    group = dv.translations(1, 2)
    into = field(group, "C", grid="N", boundary="periodic")
    out = field(group, "D", grid="M", boundary="periodic", spacing=2)
    s = dv.solve(into, out)
    assert s.dim == C * D * N
    assert set(s.assumptions) == {eq(Mod(N, 2), 0), Eq(2 * M, N)}


def test_symbolic_radius_on_a_torus_presumes_that_it_fits() -> None:
    s = dv.solve(*plain(T2, **TORUS), dv.box("k"))
    assert set(s.assumptions) == {Ge(H, 2 * k0 + 1), Ge(W, 2 * k0 + 1)}


def test_a_million_sites_are_solved_as_eight_are() -> None:
    options = {"grid": (10**6, 10**6), "boundary": "periodic"}
    s = dv.solve(field(T2, 1, **options), field(T2, 1, **options), dv.box(1))
    assert s.dim == 9
    assert dv.solve(field(T2, 1, **options), field(T2, 1, **options)).dim == 10**12
    assert s.certificate.holds


# ---- tying, basis, identity -----------------------------------------------------------------------------


def test_tying_counts_classes_and_members() -> None:
    s = dv.solve(*plain(T2, **TORUS), dv.box(1))
    assert (s.tying.classes, s.tying.members) == (9, H * W)


@pytest.mark.parametrize(
    ("case", "shape"),
    [
        ("convolution 2-D", (3, 3)),
        ("radius 0", (1, 1)),
        ("even window", (2, 2)),
        ("dilated", (5, 5)),
        ("ball", (3, 3)),
        ("listed displacements", (2, 3)),
        ("strided", (3, 3)),
        ("transposed", (3,)),
        ("rational, 2 against 3", (5,)),
        ("polyphase", (2, 2, 3, 3)),
    ],
)
def test_kernels_on_a_lattice_fill_the_bounding_box(case: str, shape: tuple[int, ...]) -> None:
    """basis[k].dense() is K[i, c, *phases, *displacements]; together the elements are the support."""
    given = BY_NAME[case].given
    x2, y3 = (
        dv.Field(f.group, channels=n, spacing=f.lattice.spacing, offset=f.lattice.offset)
        for f, n in zip(given[:2], (2, 3), strict=True)
    )
    s = dv.solve(x2, y3, given[2])
    tables = [element.dense() for element in s.basis]
    assert {t.shape for t in tables} == {(3, 2, *shape)}
    assert all(t.sum() == 1 for t in tables)
    assert len({t.tobytes() for t in tables}) == len(tables) == s.dim
    places = np.argwhere(sum(tables)[0, 0]) - np.array([n // 2 for n in shape])
    if case == "ball":
        assert {tuple(row) for row in places.tolist()} == {(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)}
    if case == "dilated":
        assert {tuple(row) for row in places.tolist()} == set(product((-2, 0, 2), repeat=2))


def test_displacements_run_from_the_output_to_the_input() -> None:
    """K[i, c, 1] at du = +1 joins y[u] to x[u + 1]: the first axis of dense() is du, in rising order."""
    ring = {"grid": 5, "boundary": "periodic"}
    s = dv.solve(field(T1, 1, **ring), field(T1, 1, **ring), [0, 1])
    first, second = (element.dense()[0, :, 0] for element in s.basis)
    assert np.array_equal(first, np.eye(5))
    assert np.array_equal(second, np.roll(np.eye(5), 1, axis=1))
    line = dv.solve(field(T1, 1), field(T1, 1), [-1, 2])
    assert [element.dense()[0, 0].tolist() for element in line.basis] == [[1, 0, 0, 0], [0, 0, 0, 1]]


def test_the_basis_is_a_sequence() -> None:
    s = dv.solve(field(T1, 2), field(T1, 3), dv.box(1))
    assert len(s.basis) == 18
    assert np.array_equal(s.basis[-1].dense(), s.basis[17].dense())
    assert len(s.basis[3:5]) == 2
    assert sum(1 for _ in s.basis) == 18
    with pytest.raises(IndexError, match="18"):
        s.basis[18]


def test_an_impossible_map_is_an_answer() -> None:
    window = {"grid": 3, "boundary": "zero"}
    s = dv.solve(field(T1, 1, **window), field(T1, 1, **window), [7])
    assert s.dim == 0
    assert len(s.basis) == 0
    assert s.certificate.holds


def test_solutions_compare_and_hash_by_content() -> None:
    first, second = (dv.solve(*plain(dv.translations(2)), dv.box(1)) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != dv.solve(*plain(T2), dv.box(2))
    assert first != dv.solve(*plain(dv.translations(2, 2)), dv.box(1))


def test_the_repr_says_what_was_asked_and_found() -> None:
    assert repr(flagship.solution) == (
        "Solution(Field: C channels on Z^2 under translations(2) -> "
        "Field: D channels on Z^2 under translations(2): 9*C*D free weights, bias D)"
    )
