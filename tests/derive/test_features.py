"""From dense layers to convolutions, rows 1 to 10: what is claimed, derived, counted and run."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy import Mod, oo

import derive as dv
import kernels as kn
from tests.derive.cases import (
    BY_NAME,
    T1,
    T2,
    TORUS,
    A,
    C,
    D,
    H,
    K,
    W,
    b,
    c,
    du,
    dv_,
    eq,
    i,
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
from tests.derive.oracle import commutant, null_space, same_span
from tests.derive.shown import STILL, TAPS, matrices, on_grid, run, template

conv_2d = BY_NAME["convolution 2-D"].solution


# ---- 1 to 4: the dense layer ----------------------------------------------------------------------------


def test_row_01_the_dense_layer_is_a_six_index_operator() -> None:
    assert conv_2d.operator == eq(
        y[i, u, v],
        over(A[i, u, v, c, p, q] * x[c, p, q], (p, -oo, oo), (q, -oo, oo)) + b[i, u, v],
    )
    entry = next(e for e in conv_2d.operator.atoms(sp.Indexed) if e.base == A)
    assert len(entry.indices) == 6


def test_row_01_flattening_in_both_channel_orders() -> None:
    """j = (c H + u) W + v, channels first, and j = (u W + v) C + c, channels last, are the same layer."""
    h, w, cin, cout = 2, 3, 2, 3
    into, out = (dv.Field(STILL, channels=n, grid=(h, w)) for n in (cin, cout))
    solution = dv.solve(into, out)
    assert (solution.dim, solution.bias_dim) == (h * w * cin * h * w * cout, h * w * cout)
    rng = np.random.default_rng(1)
    weights = rng.integers(-9, 9, int(solution.dim))
    operator = sum(n * e.dense() for n, e in zip(weights, solution.basis, strict=True))
    assert operator.shape == (cout, h, w, cin, h, w)
    signal = rng.integers(-9, 9, (cin, h, w))
    expected = np.einsum("iuvcpq,cpq->iuv", operator, signal)
    first = operator.reshape(cout * h * w, cin * h * w)
    assert np.array_equal((first @ signal.reshape(-1)).reshape(cout, h, w), expected)
    last = operator.transpose(1, 2, 0, 4, 5, 3).reshape(h * w * cout, h * w * cin)
    image = signal.transpose(1, 2, 0)
    assert np.array_equal((last @ image.reshape(-1)).reshape(h, w, cout), expected.transpose(1, 2, 0))
    assert not np.array_equal(first, last)


def test_row_02_offsets_are_a_bijection_whose_range_depends_on_the_site() -> None:
    """V[i, a] = W[i, i + a] with -i <= a <= H - 1 - i: as many entries as W, not H (2 H - 1)."""
    h = 5
    solution = dv.solve(
        dv.Field(dv.translations(1, 0), channels=1, grid=h),
        dv.Field(dv.translations(1, 0), channels=1, grid=h),
    )
    pairs = [tuple(int(z) for z in np.argwhere(e.dense()[0, :, 0])[0]) for e in solution.basis]
    offsets = [(place, there - place) for place, there in pairs]
    assert len(set(offsets)) == len(pairs) == h * h < h * (2 * h - 1)
    for site in range(h):
        assert sorted(a for place, a in offsets if place == site) == list(range(-site, h - site))


def test_row_03_the_numbers_of_a_dense_layer() -> None:
    """Quoted 10^9, 200M and 10^12; exactly 10^9 + 1000 biases, 196,608,000 and 10^12."""
    units = 1000 * dv.trivial(STILL.point)
    grey = dv.solve(dv.Field(STILL, channels=1, grid=1000), units)
    assert (grey.dim, grey.bias_dim) == (10**9, 1000)
    colour = dv.Field(STILL, channels=3, grid=256)
    assert colour.channels * 256 * 256 == 196_608
    assert dv.solve(colour, units).dim == 196_608_000
    image = dv.Field(STILL, channels=1, grid=1000)
    assert dv.solve(image, image).dim == 10**12
    letters = dv.solve(
        dv.Field(STILL, channels="C", grid=("H", "W")), sp.Integer(1) * dv.trivial(STILL.point)
    )
    assert letters.dim == C * H * W


def test_row_04_the_trivial_group_ties_nothing() -> None:
    solution = BY_NAME["nothing moves"].solution
    assert solution.constraint.lhs == solution.constraint.rhs
    dense = dv.solve(dv.Field(STILL, channels=1, grid=3), dv.Field(STILL, channels=1, grid=3))
    assert dense.dim == 81


@pytest.mark.parametrize("n", [4, 6])
def test_row_04_commuting_with_every_permutation_leaves_two_weights(n: int) -> None:
    """a I + b J. The set of all dense layers is closed under relabelling, one of them is not unchanged."""
    swap, cycle = (np.eye(n)[[1, 0, *range(2, n)]], np.roll(np.eye(n), 1, axis=0))
    expected = commutant([(swap, swap), (cycle, cycle)])
    assert expected.shape[1] == 2
    V = dv.permutation(dv.symmetric(n))
    solution = dv.solve(V, V)
    assert solution.dim == 2
    assert same_span([element.dense() for element in solution.basis], expected)
    assert same_span([np.eye(n), np.ones((n, n))], expected)
    fixed = np.arange(n * n).reshape(n, n)
    assert not np.array_equal(swap @ fixed @ swap.T, fixed)


def test_row_04_a_dense_layer_breaks_the_shift_on_a_photograph_and_a_convolution_does_not() -> None:
    images = pytest.importorskip("sklearn.datasets")
    photo = images.load_sample_image("china.jpg")[:64:8, :64:8].sum(axis=-1).astype(np.float32)
    dense = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)

    def error(layer: object) -> float:
        moved = np.roll(photo, (1, 2), axis=(0, 1))
        there, here = layer(moved), np.roll(layer(photo), (1, 2), axis=(0, 1))  # type: ignore[operator]
        return float(np.linalg.norm(there - here) / np.linalg.norm(here))

    assert error(lambda image: (dense @ image.reshape(-1)).reshape(8, 8)) > 0.5
    assert error(lambda image: run(image, TAPS, padding="CIRCULAR")) == 0


# ---- 5 to 9: the shift and what it leaves ----------------------------------------------------------------


def test_row_05_the_shift_reads_where_it_came_from() -> None:
    """(T_s x)[c,u,v] = x[c, u - s_u, v - s_v], stated first and used throughout."""
    moved = conv_2d.derivation[0].before[0]
    assert moved.rhs == x[c, p - s_u, q - s_v]
    assert tuple(moved.lhs.indices) == (c, p, q)


def test_row_05_dropping_the_offset_ties_only_sums_of_weights() -> None:
    """Ring of 5, 3 taps, y[u] = sum_a A[u,a] x[u]: 15 weights, 4 equations of sums, 11 free and not 3."""
    normal = np.zeros((15, 15))
    for site in range(4):
        row = np.zeros(15)
        row[3 * site : 3 * site + 3], row[3 * site + 3 : 3 * site + 6] = 1, -1
        normal += np.outer(row, row)
    assert null_space(normal).shape[1] == 11
    ring = dv.solve(on_grid(5, group=T1), on_grid(5, group=T1), dv.box(1))
    assert ring.dim == 3


def test_row_05_the_hankel_form_has_the_same_count_and_another_span() -> None:
    shift = np.roll(np.eye(5), 1, axis=0)
    hankel = commutant([(shift, shift.T)])
    ring = dv.solve(on_grid(5, group=T1), on_grid(5, group=T1))
    assert ring.dim == hankel.shape[1] == 5
    assert same_span([e.dense() for e in ring.basis], commutant([(shift, shift)]))
    assert not same_span([e.dense() for e in ring.basis], hankel)
    assert ring.form.rhs == K[i, c, Mod(p - u, 5)]
    assert ring.form.rhs != K[i, c, Mod(p + u, 5)]


def test_row_06_the_equation_is_solved_for_the_weights() -> None:
    """Constraint, then K; x is arbitrary and s is every shift, both said; conversely every K solves it."""
    steps = {step.rule: step for step in conv_2d.derivation}
    assert "x is arbitrary" in steps["compare coefficients under T_s"].because
    assert "s is every translation" in steps["compare coefficients under T_s"].because
    assert conv_2d.constraint == eq(A[i, u + s_u, v + s_v, c, p + s_u, q + s_v], A[i, u, v, c, p, q])
    offsets = conv_2d.constraint.xreplace({p: u + du, q: v + dv_})
    assert offsets.lhs == A[i, u + s_u, v + s_v, c, u + du + s_u, v + dv_ + s_v]
    assert conv_2d.form == eq(A[i, u, v, c, p, q], K[i, c, p - u, q - v])
    moved = {u: u + s_u, v: v + s_v, p: p + s_u, q: q + s_v}
    assert conv_2d.form.rhs.subs(moved, simultaneous=True) == conv_2d.form.rhs


def test_row_06_weights_are_shared_across_sites_not_across_offsets() -> None:
    """(2r+1)^2 classes with H W members each on a torus."""
    local = dv.solve(*plain(T2, **TORUS), dv.box("k"))
    assert sp.simplify(local.tying.classes - (2 * sp.Symbol("k", integer=True, positive=True) + 1) ** 2) == 0
    assert local.tying.members == H * W
    small = matrices(dv.solve(on_grid((4, 5)), on_grid((4, 5)), dv.box(1)))
    assert [int(m.sum()) for m in small] == [20] * 9


def test_row_07_the_bias_is_one_number_per_output_channel() -> None:
    assert conv_2d.bias_dim == D
    tied = next(step for step in conv_2d.derivation if step.rule == "tie the bias").after[3]
    assert tied == eq(b[i, u, v], b[i])
    free = dv.solve(dv.Field(STILL, channels=1, grid=1000), dv.Field(STILL, channels=1, grid=1000))
    shared = dv.solve(on_grid(1000), on_grid(1000))
    assert (free.bias_dim, shared.bias_dim) == (10**6, 1)


def test_row_08_locality_is_an_and() -> None:
    """Zero unless both offsets are small: 9 weights; zero only where both are large would keep 11,985."""
    window = on_grid(1000, "zero")
    assert dv.solve(window, window, dv.box(1)).dim == 9
    reach = range(-999, 1000)
    loose = {(a, d) for a in reach for d in (-1, 0, 1)} | {(a, d) for a in (-1, 0, 1) for d in reach}
    assert dv.solve(window, window, loose).dim == 11_985
    condition = conv_2d.derivation[0].before[2]
    assert isinstance(condition, sp.And)
    assert condition == sp.And(sp.Abs(p - u) <= 1, sp.Abs(q - v) <= 1)
    assert not condition.subs({p: u + 2, q: v})


def test_row_09_the_ladder_of_parameter_counts() -> None:
    """Dense 10^12; invariant 10^6 or 3,996,001 or 1, by what a shift does at the border; local (2r+1)^2."""
    still = dv.Field(STILL, channels=1, grid=1000)
    assert dv.solve(still, still).dim == 10**12
    torus, window = on_grid(1000), on_grid(1000, "zero")
    assert dv.solve(torus, torus).dim == 10**6
    assert dv.solve(window, window).dim == (2 * 1000 - 1) ** 2 == 3_996_001
    for radius, count in ((1, 9), (2, 25), (9, 361)):
        assert dv.solve(window, window, dv.box(radius)).dim == count == (2 * radius + 1) ** 2
        assert count not in (4 * radius**2, radius**2)


def test_row_09_shifts_that_fill_with_zeros_in_all_directions_leave_one_weight() -> None:
    """Commuting with the nilpotent shift and its transpose along both axes: multiples of the identity."""
    n = 3
    down = np.kron(np.eye(n, k=-1), np.eye(n))
    right = np.kron(np.eye(n), np.eye(n, k=-1))
    expected = commutant([(m, m) for m in (down, down.T, right, right.T)])
    assert same_span([np.eye(n * n)], expected)


# ---- 10: the layer --------------------------------------------------------------------------------------


def test_row_10_the_matrix_is_sparse_and_shared() -> None:
    """Every row of the matrix is the one template, shifted; as one weight image per output pixel."""
    matrix = template(TAPS)
    images = matrix.reshape(5, 5, 5, 5)
    for a, d in product(range(5), repeat=2):
        centred = np.roll(images[a, d], (-a, -d), axis=(0, 1))
        assert np.array_equal(centred, np.roll(images[0, 0], 0))
        assert np.count_nonzero(centred) == 9
    assert np.array_equal(np.roll(images[2, 2], (-1, -1), axis=(0, 1))[:3, :3], TAPS)
    assert np.count_nonzero(matrix) == 9 * 25 < 25 * 25


def test_row_10_the_layer_that_runs_is_the_layer_that_was_derived() -> None:
    image = np.random.default_rng(2).integers(-9, 9, (5, 5)).astype(np.float32)
    expected = (template(TAPS) @ image.reshape(-1)).reshape(5, 5)
    assert np.array_equal(run(image, TAPS, padding="CIRCULAR"), expected)


def test_row_10_influence_is_nonzero_only_on_the_window() -> None:
    """dy[p]/dx and dy/dx[q] of the op, against the matrix."""
    jacobian = jax.jacobian(
        lambda image: jnp.asarray(
            kn.conv(image[None, ..., None], jnp.asarray(TAPS)[..., None, None], padding="CIRCULAR")
        )[0, ..., 0]
    )(jnp.zeros((5, 5), jnp.float32))
    assert np.array_equal(np.asarray(jacobian).reshape(25, 25), template(TAPS))
    reads, is_read = np.argwhere(jacobian[2, 2]), np.argwhere(jacobian[:, :, 2, 2])
    assert np.abs(reads - 2).max() == np.abs(is_read - 2).max() == 1
