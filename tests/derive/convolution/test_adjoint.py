"""Both adjoints of every kind of layer, against loops, unit vectors and derivatives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import derive as dv
from derive.convolution.adjoint import Adjoints, adjoints
from derive.convolution.matrices import conv_matrix, patch_matrix
from tests.derive.convolution.loops import Case, table

SIZES = {1: "N", 2: "HW", 3: "HWL"}
i, c, u, du, r = sp.symbols("i c u du r", integer=True)
q = sp.Symbol("u'", integer=True)
C, D, N = sp.symbols("C D N", integer=True, positive=True)
R = sp.Symbol("r", integer=True, positive=True)
K, KBAR, KT, x, xbar, ybar = (sp.IndexedBase(n) for n in ("K", "Kbar", "Kt", "x", "xbar", "ybar"))


def derived(case: Case) -> Adjoints:
    return adjoints(
        case.dim,
        kernel_size=case.kernel,
        groups="G",
        size=case.size,
        transposed=case.transposed,
        **case.options,
    )


def names(case: Case, a: Adjoints) -> dict[str, int]:
    """What every letter of the printed equations stands for."""
    found = {"G": case.groups, "C": case.channels[0], "D": case.channels[1]}
    other = "in" if case.transposed else "out"
    for axis, letter in enumerate(SIZES[case.dim]):
        n, s = case.size[axis], case.strides[axis]
        blocks = case.padding == "CIRCULAR" and n % s == 0
        found[letter] = n // s if blocks else n
        found[f"{letter}_{other}"] = case.outputs[axis]
        found["low" if case.dim == 1 else f"low_{letter}"] = case.line(axis)[2]
    return found


def check(case: Case) -> None:
    """The printed layer is the loops, and the printed adjoints are the pairings with unit vectors."""
    a, rng = derived(case), np.random.default_rng(7)
    at = names(case, a)
    into = case.coarse_shape() if case.transposed else case.fine_shape()
    out = case.fine_shape() if case.transposed else case.coarse_shape()
    shapes = {"x": into, "ybar": out, "K": case.kernel_shape()}
    arrays = {name: rng.integers(-9, 10, shape).astype(object) for name, shape in shapes.items()}
    expected = case.layer(arrays["x"], arrays["K"])
    np.testing.assert_array_equal(table(a.layer, out, at, arrays), expected)
    for equation, z in ((a.input_adjoint, "x"), (a.kernel_adjoint, "K")):
        unit = np.zeros(shapes[z], dtype=object)
        by_units = np.zeros(shapes[z], dtype=object)
        for place in np.ndindex(*shapes[z]):
            unit[place] = 1
            fields = {**arrays, z: unit}
            by_units[place] = np.sum(arrays["ybar"] * case.layer(fields["x"], fields["K"]))
            unit[place] = 0
        np.testing.assert_array_equal(table(equation, shapes[z], at, arrays), by_units)
    if a.turned_kernel is not None:
        swap = (0, 2, 1, *range(3, 3 + case.dim)) if not case.transposed else tuple(range(3 + case.dim))
        flipped = np.flip(arrays["K"], tuple(range(3, 3 + case.dim))).transpose(swap)
        turned = table(a.turned_kernel, flipped.shape, at, arrays)
        np.testing.assert_array_equal(turned, flipped)
        known = {**arrays, "Kt": flipped}
        np.testing.assert_array_equal(
            table(a.input_layer, into, at, known), table(a.input_adjoint, into, at, arrays)
        )


LINES = [
    Case((5,), (3,), (s,), (e,), padding, flip=flip, transposed=transposed)
    for s, e, padding, flip, transposed in itertools.product(
        (1, 2), (1, 2), ("SAME", "VALID", [(2, 1)]), (False, True), (False, True)
    )
]
MORE = [
    Case((6,), (3,), (2,), (1,), "CIRCULAR"),
    Case((5,), (3,), (2,), (1,), "CIRCULAR"),
    Case((5,), (4,), (1,), (2,), "REFLECT"),
    Case((6,), (3,), (3,), (1,), "CIRCULAR", transposed=True, flip=True),
    Case((5,), (4,), (3,), (2,), "SAME", groups=2),
    Case((3, 4), (2, 3), (1, 1), (1, 1), "SAME", channels=(1, 2)),
    Case((4, 3), (3, 2), (2, 1), (1, 2), "SAME", groups=2, channels=(1, 2)),
    Case((4, 3), (2, 2), (2, 1), (1, 1), "VALID", transposed=True, channels=(1, 2)),
    Case((3, 4), (2, 2), (1, 2), (1, 1), "CIRCULAR", channels=(1, 1)),
    Case((2, 3, 2), (2, 2, 1), (1, 2, 1), (1, 1, 1), "SAME", channels=(1, 1)),
    Case((2, 2, 3), (1, 2, 2), (1, 1, 2), (1, 1, 1), [(0, 0), (1, 0), (0, 1)], channels=(1, 1)),
    Case((2, 2, 3), (2, 1, 2), (1, 1, 2), (1, 1, 1), "SAME", transposed=True, channels=(1, 1)),
]


@pytest.mark.parametrize("case", [*LINES, *MORE], ids=str)
def test_row_23_both_takeaways_for_every_variant(case: Case) -> None:
    check(case)


@given(
    n=st.integers(2, 6),
    k=st.integers(1, 3),
    s=st.integers(1, 3),
    e=st.integers(1, 2),
    low=st.integers(-1, 3),
    high=st.integers(-1, 3),
    groups=st.integers(1, 2),
    flip=st.booleans(),
    transposed=st.booleans(),
)
def test_random_layers(n, k, s, e, low, high, groups, flip, transposed) -> None:
    case = Case((n,), (k,), (s,), (e,), [(low, high)], groups, flip, transposed, (1, 2))
    if all(case.outputs):
        check(case)


SYMBOLIC = [
    {},
    {"strides": "s", "dilation": "e"},
    {"channels": None, "strides": 2},
    {"padding": "VALID", "groups": "G"},
    {"padding": "CIRCULAR", "strides": 2, "kernel_size": 2},
    {"padding": "REFLECT"},
    {"kernel_size": "k", "padding": "p", "flip": True},
]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("dim", "options"),
    [
        *itertools.product((1, 2), SYMBOLIC),
        *((3, options) for options in SYMBOLIC[:3]),
        *(pytest.param(3, options, marks=pytest.mark.slow) for options in SYMBOLIC[3:]),
    ],
)
def test_row_23_every_derivation_checks(dim: int, transposed: bool, options: dict) -> None:
    """Sizes, strides, dilations and borders as symbols."""
    options = dict(options)
    if options.get("padding") == "p":
        options["padding"] = [("a", "b")] * dim
    adjoints(dim, transposed=transposed, **options).derivation.check()


def test_row_21_input_adjoint() -> None:
    """Stride 1: cross-correlation of the cotangent with the flipped, channel-transposed kernel."""
    a = adjoints()
    shown = sp.Sum(K[i, c, du] * ybar[i, q + R - du], (i, 0, D - 1), (du, 0, 2 * R))
    assert a.input_adjoint == sp.Eq(xbar[c, q], shown, evaluate=False)
    assert a.turned_kernel == sp.Eq(KT[c, i, du], K[i, c, 2 * R - du], evaluate=False)
    as_layer = sp.Sum(KT[c, i, du] * ybar[i, q + du - R], (i, 0, D - 1), (du, 0, 2 * R))
    assert a.input_layer == sp.Eq(xbar[c, q], as_layer, evaluate=False)


def test_row_21_a_flipped_forward_pass_gives_an_unflipped_adjoint() -> None:
    a = adjoints(flip=True)
    assert a.turned_kernel is None
    shown = sp.Sum(K[i, c, du] * ybar[i, q + du - R], (i, 0, D - 1), (du, 0, 2 * R))
    assert a.input_layer == sp.Eq(xbar[c, q], shown, evaluate=False)


def test_row_22_kernel_adjoint() -> None:
    shown = sp.Sum(ybar[i, u] * x[c, u + du - R], (u, 0, N - 1))
    assert adjoints().kernel_adjoint == sp.Eq(KBAR[i, c, du], shown, evaluate=False)


def test_row_23_stride_and_dilation() -> None:
    """xbar reads ybar where s divides; a transposed convolution's adjoint is the convolution."""
    s, e = sp.symbols("s e", integer=True, positive=True)
    low = sp.Symbol("a", integer=True, positive=True)
    a = adjoints(strides="s", dilation="e", padding=[("a", "b")])
    site = q + low - e * du
    inside = sp.Piecewise((K[i, c, du] * ybar[i, site / s], sp.Eq(sp.Mod(site, s), 0)), (0, True))
    shown = sp.Sum(inside, (i, 0, D - 1), (du, 0, 2 * R))
    assert a.input_adjoint == sp.Eq(xbar[c, q], shown, evaluate=False)
    back = adjoints(strides="s", dilation="e", padding=[("a", "b")], transposed=True)
    shown = sp.Sum(K[i, c, du] * ybar[c, s * q + e * du - low], (c, 0, C - 1), (du, 0, 2 * R))
    assert back.input_adjoint == sp.Eq(xbar[i, q], shown, evaluate=False)


def test_row_21_22_derivatives() -> None:
    """The takeaways are d<ybar, y>/dx and d<ybar, y>/dw, with w1 != w3."""
    w, s, t = sp.symbols("w1:4"), sp.symbols("x1:6"), sp.symbols("v1:6")
    y = [sum(w[d] * s[p + d - 1] for d in range(3) if 0 <= p + d - 1 < 5) for p in range(5)]
    pairing = sum(v * z for v, z in zip(t, y, strict=True))
    a = adjoints(1, kernel_size=3, channels=None)
    known = {"K": np.array(w), "ybar": np.array(t), "x": np.array(s), "Kt": np.array(w[::-1])}
    for equation in (a.input_adjoint, a.input_layer):
        found = table(equation, (5,), {"N": 5}, known)
        assert [sp.expand(f - sp.diff(pairing, z)) for f, z in zip(found, s, strict=True)] == [0] * 5
    found = table(a.kernel_adjoint, (3,), {"N": 5}, known)
    assert [sp.expand(f - sp.diff(pairing, z)) for f, z in zip(found, w, strict=True)] == [0] * 3
    unflipped = table(a.input_layer, (5,), {"N": 5}, {**known, "Kt": np.array(w)})
    assert any(sp.expand(f - sp.diff(pairing, z)) for f, z in zip(unflipped, s, strict=True))


def test_the_matrices_of_the_derivation_are_the_explicit_ones() -> None:
    """W and X, entry by entry, and the adjoints as multiplication by their transposes."""
    w, s, v = sp.symbols("w1:4"), sp.symbols("x1:6"), sp.symbols("v1:6")
    a = adjoints(1, kernel_size=3, channels=None)
    known = {"K": np.array(w), "x": np.array(s), "ybar": np.array(v)}
    operator, patches = a.matrices[0], a.matrices[1]
    W, X = conv_matrix(w, 5), patch_matrix(s, 3)
    assert sp.Matrix(table(operator, (5, 5), {"N": 5}, known)) == W
    assert sp.Matrix(table(patches, (5, 3), {"N": 5}, known)) == X
    xbar_, kbar = (table(e, (n,), {"N": 5}, known) for e, n in ((a.input_adjoint, 5), (a.kernel_adjoint, 3)))
    assert sp.expand(W.T * sp.Matrix(v)) == sp.expand(sp.Matrix(xbar_))
    assert sp.expand(X.T * sp.Matrix(v)) == sp.expand(sp.Matrix(kbar))


def test_derivation_reads_and_prints() -> None:
    a = adjoints(1, kernel_size=3)
    rules = [step.rule for step in a.derivation]
    assert rules == [
        "pair with a cotangent",
        "substitute the layer",
        "re-index the sum",
        "collect the coefficients of x",
        "collect the coefficients of K",
        "turn the kernel",
        "write as matrices",
    ]
    assert all(one.after == two.before for one, two in itertools.pairwise(a.derivation))
    shown = str(a.derivation)
    assert "y[i,u] = Sum(K[i,c,du]*x[c,u+du-1], (c, 0, C - 1), (du, 0, 2))" in shown
    assert "Kt[c,i,du] = K[i,c,-du+2]" in shown
    assert "Kbar" in repr(a)
    for written in (a.derivation.latex(), a.derivation.markdown(), a.derivation.html()):
        assert "collect the coefficients of x" in written


def test_results_compare_by_content() -> None:
    assert adjoints(2, strides=2) == adjoints(2, strides=(2, 2))
    assert hash(adjoints(2, strides=2)) == hash(adjoints(2, strides=(2, 2)))
    assert adjoints(1) != adjoints(1, flip=True)


def test_the_grid_of_the_check_may_be_given() -> None:
    adjoints(2, channels=None).derivation.check(grid=(5, 4))
    adjoints(2, channels=None).derivation.check(grid=4)
    adjoints(1, padding="CIRCULAR", strides=3).derivation.check(grid=9)
    wrong = dv.Derivation([*adjoints(1).derivation[:1], *adjoints(1, flip=True).derivation[1:]])
    with pytest.raises(dv.DerivationError):
        wrong.check(grid=(7,))


@pytest.mark.parametrize(
    ("options", "grid", "message"),
    [
        ({}, 0, "grid must be a positive integer or a symbol, got 0"),
        ({}, (3, 3), "grid must be one number or 1 of them, one per axis, got (3, 3)"),
        (
            {"padding": "CIRCULAR", "strides": 3},
            8,
            "grid must be 3*N for some N on each axis, got 8; give more",
        ),
        (
            {"padding": "VALID", "kernel_size": 4},
            3,
            "grid must leave an output site on each axis, got 3; give",
        ),
    ],
)
def test_a_grid_that_does_not_fit(options: dict, grid, message: str) -> None:
    with pytest.raises(dv.DeriveError) as error:
        adjoints(1, **options).derivation.check(grid=grid)
    assert str(error.value).startswith(message)


def test_a_check_that_would_not_fit_is_refused() -> None:
    a = adjoints(2, kernel_size=np.array([9, 9]), channels=(512, 512))
    with pytest.raises(dv.TooLargeError, match="derivation must have at most 16777216 terms to be checked"):
        a.derivation.check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strides": 0}, "strides must be a positive integer or a symbol, got 0; give 1 or more"),
        ({"strides": (1, 2)}, "strides must be one number or 1 of them, one per axis, got (1, 2)"),
        ({"dilation": 1.5}, "dilation must be a positive integer or a symbol, got 1.5"),
        ({"kernel_size": -3}, "kernel_size must be a positive integer or a symbol, got -3"),
        ({"padding": "FULL"}, "padding must be a known name, got 'FULL'; give one of SAME, VALID"),
        ({"padding": [(1, 2), (1, 2)]}, "padding must be a name, an integer or 1 (low, high) pairs"),
        ({"padding": 0.5}, "padding must have integers or symbols for widths, got 0.5; write"),
        ({"groups": 0}, "groups must be a positive integer or a symbol, got 0"),
        ({"channels": "C"}, "channels must be a pair (inputs, outputs), got C; give ('C', 'D') or None"),
        ({"channels": (0, 3)}, "channels must be a positive integer or a symbol, got 0"),
        ({"dim": 0}, "dim must be a positive integer, got 0; give 1 or more"),
        ({"dim": "n"}, "dim must be a number, not a symbol, got n; give an integer >= 1"),
    ],
)
def test_errors(options: dict, message: str) -> None:
    with pytest.raises(dv.DeriveError) as error:
        adjoints(**{"dim": 1, **options})
    assert str(error.value).startswith(message)
