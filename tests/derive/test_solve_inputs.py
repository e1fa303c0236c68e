"""What a person may give to solve, what the counts presume, and what the basis holds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy as sp
from sympy import Eq, Ge, Mod, Rational, Sum

import derive as dv
from tests.derive.cases import (
    BY_NAME,
    HALF,
    T1,
    T2,
    TORUS,
    A,
    C,
    D,
    H,
    K,
    M,
    N,
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
    u,
    v,
    x,
    y,
)

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
    assert repr(BY_NAME["convolution 2-D"].solution) == (
        "Solution(Field: C channels on Z^2 under translations(2) -> "
        "Field: D channels on Z^2 under translations(2): 9*C*D free weights, bias D)"
    )
