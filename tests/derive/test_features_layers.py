"""Rows 14 to 26: limits, borders, pooling, strides, stacks and worked cases, derived and run."""

from __future__ import annotations

from math import comb, factorial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from sympy import Mod

import derive as dv
import kernels as kn
from tests.derive.cases import (
    BY_NAME,
    HALF,
    T1,
    T2,
    A,
    C,
    D,
    F,
    K,
    c,
    eq,
    field,
    i,
    p,
    q,
    u,
    v,
)
from tests.derive.oracle import Line, Sites, solve
from tests.derive.shown import TAPS, matrices, on_grid, run

# ---- 14 to 18 -------------------------------------------------------------------------------------------


def test_row_14_what_a_rotation_asks_of_the_kernel() -> None:
    """K must be constant on orbits of offsets: 3 free weights of 9; another kernel fails a quarter turn."""
    G = dv.wallpaper("p4")
    turned = dv.Field(G, fibre=dv.trivial(G.point))
    assert dv.solve(turned, turned, dv.box(1)).dim == 3
    image = np.random.default_rng(3).integers(-9, 9, (6, 6)).astype(np.float32)
    symmetric = np.array([[1, 2, 1], [2, 5, 2], [1, 2, 1]], np.float32)
    for taps, equal in ((TAPS, False), (symmetric, True)):
        there, here = run(np.rot90(image), taps), np.rot90(run(image, taps))
        assert np.array_equal(there, here) == equal


def test_row_14_gain_and_constants() -> None:
    """T(a x) = a T(x) iff b = 0; a constant added to x adds the sum of the kernel to y."""
    a, t = sp.symbols("a t")
    taps = sp.symbols("k0:3")
    signal = sp.symbols("x0:5")
    bias = sp.Symbol("b")

    def layer(values: list) -> list:
        return [sum(k * values[site + d] for d, k in enumerate(taps)) + bias for site in range(3)]

    plain_, gained = layer(list(signal)), layer([a * s for s in signal])
    gap = {sp.expand(g - a * f) for f, g in zip(plain_, gained, strict=True)}
    assert gap == {sp.expand(bias - a * bias)}
    raised = layer([s + t for s in signal])
    assert {sp.expand(r - f) for f, r in zip(plain_, raised, strict=True)} == {sp.expand(t * sum(taps))}


def test_row_14_a_zero_border_responds_to_a_constant() -> None:
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)
    flat = np.ones((5, 5), np.float32)
    assert not run(flat, laplacian, padding="CIRCULAR").any()
    response = run(flat, laplacian)
    assert not response[1:-1, 1:-1].any()
    assert response[0].all()


@pytest.mark.parametrize(("n", "k"), [(5, 3), (6, 3), (7, 5)])
def test_row_15_valid_leaves_fewer_sites(n: int, k: int) -> None:
    """The output window lies inside by the radius: 5 with 3 taps gives 3, in general H - k + 1."""
    r = k // 2
    into, out = on_grid(n, "zero", T1), on_grid(n - k + 1, "zero", T1, offset=r)
    solution = dv.solve(into, out, dv.box(r))
    assert solution.dim == k
    assert all(m.sum() == n - k + 1 for m in matrices(solution)), "every tap is used at every output"
    taps, signal = np.arange(1.0, k + 1, dtype=np.float32), np.arange(n, dtype=np.float32) ** 2
    expected = np.tensordot(taps, matrices(solution), axes=1) @ signal
    ran = kn.conv(jnp.asarray(signal)[None, :, None], jnp.asarray(taps)[:, None, None], padding="VALID")
    assert np.array_equal(np.asarray(ran)[0, :, 0], expected)
    assert ran.shape[1] == n - k + 1


def test_row_16_zero_padding_touches_the_border_alone() -> None:
    """3x3 SAME on 8x8: 28 border outputs, 4 terms at corners and 6 at edges."""
    solution = dv.solve(on_grid(8, "zero"), on_grid(8, "zero"), dv.box(1))
    assert solution.dim == 9
    terms = matrices(solution).sum(axis=(0, 2)).reshape(8, 8)
    assert np.count_nonzero(terms < 9) == 28
    assert {int(terms[a, d]) for a in (0, 7) for d in (0, 7)} == {4}
    assert set(terms[0, 1:-1].tolist()) == set(terms[1:-1, 7].tolist()) == {6}
    assert np.array_equal(run(np.ones((8, 8), np.float32), np.ones((3, 3), np.float32)), terms)


def test_row_16_shifts_that_stay_inside_survive_and_others_do_not() -> None:
    image = np.zeros((8, 8), np.float32)
    image[3:5, 3:5] = [[1, 2], [3, 4]]

    def moved(signal: np.ndarray, steps: int) -> np.ndarray:
        return np.roll(signal, steps, axis=0)

    assert np.array_equal(run(moved(image, 1), TAPS), moved(run(image, TAPS), 1))
    assert not np.array_equal(run(moved(image, 3), TAPS), moved(run(image, TAPS), 3))


@pytest.mark.parametrize("grid", [(3, 4), (5, 5)])
def test_row_17_global_pooling_is_what_invariance_leaves(grid: tuple[int, int]) -> None:
    """The sum, up to scale: one weight per pair of channels."""
    solution = dv.solve(on_grid(grid), dv.trivial(T2.point))
    assert solution.dim == 1
    assert np.array_equal(solution.basis[0].dense(), np.ones((1, 1, *grid)))


def test_row_17_average_pooling_needs_permutations_of_each_block() -> None:
    """Stride-2 shifts alone leave 4 weights at 2x2; with every permutation inside a block they become 1."""
    group = dv.translations(2, 2)
    coarse = on_grid(2, group=group, spacing=2, offset=HALF)
    strided = dv.solve(on_grid(4, group=group), coarse, dv.window(2))
    assert strided.dim == 4
    sites = np.arange(16).reshape(4, 4)
    swap, cycle = np.arange(16), np.arange(16)
    block = [0, 1, 5, 4]
    swap[[0, 1]] = [1, 0]
    cycle[block] = np.roll(block, -1)
    down, across = (np.roll(sites, 2, axis=a).reshape(-1) for a in (0, 1))
    G = dv.permutation_group({"s": swap, "c": cycle, "d": down, "a": across})
    still = np.eye(4, dtype=int)
    rolled = {k: np.kron(*((still[:2, :2][::-1], still[:2, :2])[:: 1 if k == "d" else -1])) for k in "da"}
    blocks = dv.Representation(G, {"s": still, "c": still, **rolled})
    pooled = dv.solve(dv.permutation(G), blocks)
    own = [e.dense() for e in pooled.basis if np.array(e.dense(), dtype=int)[0, 0]]
    assert len(own) == 1
    assert np.array_equal(np.array(own[0], dtype=int), matrices(strided).sum(axis=0))


def test_row_18_stride_is_derived_and_run() -> None:
    group = dv.translations(1, 2)
    into = on_grid(12, group=group)
    out = on_grid(6, group=group, spacing=2)
    solution = dv.solve(into, out, dv.box(1))
    assert solution.form == eq(A[i, u, c, p], K[i, c, Mod(p - 2 * u, 12)])
    taps, signal = np.array([2, 3, 7], np.float32), np.arange(12, dtype=np.float32) ** 2
    expected = np.tensordot(taps, matrices(solution), axes=1) @ signal
    dense = run(np.stack([signal]), taps[None], padding="CIRCULAR")[0]
    assert np.array_equal(dense[::2], expected)


def test_row_18_dilation_reaches_further_with_the_same_weights_and_work() -> None:
    close, far = (
        dv.solve(on_grid(12, group=T1), on_grid(12, group=T1), dv.window(3, dilation=e)) for e in (1, 3)
    )
    assert close.dim == far.dim == 3
    for solution, reach in ((close, 3), (far, 7)):
        rows = matrices(solution).sum(axis=0)
        assert set(rows.sum(axis=1).tolist()) == {3}, "three products per output"
        places = np.flatnonzero(rows[6])
        assert places.max() - places.min() + 1 == reach


# ---- 19, 24, 25, 26 -------------------------------------------------------------------------------------


def test_row_19_stacking_convolutions_convolves_their_kernels() -> None:
    """On Z, with symbols: the weight at d of the composition is the sum over d1 + d2 = d."""
    f, g = sp.symbols("f_-1 f_0 f_1"), sp.symbols("g_-1 g_0 g_1")
    ring = dv.solve(on_grid(7, group=T1), on_grid(7, group=T1), dv.box(1))
    first, second = (
        sum((s * sp.Matrix(m) for s, m in zip(names, matrices(ring), strict=True)), sp.zeros(7))
        for names in (f, g)
    )
    wide = dv.solve(on_grid(7, group=T1), on_grid(7, group=T1), dv.box(2))
    taps = [sum(f[a] * g[d - a] for a in range(3) if 0 <= d - a < 3) for d in range(5)]
    expected = sum((t * sp.Matrix(m) for t, m in zip(taps, matrices(wide), strict=True)), sp.zeros(7))
    assert (second * first - expected).expand() == sp.zeros(7)


def test_row_19_supports_add_and_receptive_fields_grow() -> None:
    """box(1) twice is box(2); the receptive field is 1 + sum d_l (k_l - 1) times the earlier strides."""
    ones = [matrices(dv.solve(on_grid(9), on_grid(9), dv.box(r))).sum(axis=0) for r in (1, 2)]
    assert np.array_equal((ones[0] @ ones[0]) > 0, ones[1] > 0)
    layers = [(3, 1, 2), (5, 2, 1), (3, 1, 1)]  # size, dilation, stride
    group = dv.translations(1, 2)
    total, spacing = np.eye(40), 1
    for size, dilation, stride in layers:
        n = total.shape[0]
        into = on_grid(n * spacing // spacing, group=group, spacing=spacing)
        out = on_grid(n // stride, group=group, spacing=spacing * stride)
        solution = dv.solve(into, out, dv.window(size, dilation=dilation * spacing))
        total, spacing = matrices(solution).sum(axis=0) @ total, spacing * stride
    places = np.flatnonzero(total[total.shape[0] // 2])
    strides = np.cumprod([1, *(s for _, _, s in layers)])
    field_size = 1 + sum(d * (k - 1) * s for (k, d, _), s in zip(layers, strides[:-1], strict=True))
    assert places.max() - places.min() + 1 == field_size == 1 + 2 + 16 + 4


def test_row_19_a_network_with_global_pooling_is_exactly_invariant_on_a_torus() -> None:
    image = np.random.default_rng(4).integers(-4, 4, (6, 7)).astype(np.float32)

    def network(signal: np.ndarray) -> float:
        hidden = np.maximum(run(signal, TAPS, padding="CIRCULAR"), 0)
        return float(np.maximum(run(hidden, TAPS[::-1] - 4, padding="CIRCULAR"), 0).sum())

    assert network(np.roll(image, (2, 3), axis=(0, 1))) == network(image)
    assert network(image[::-1]) != network(image)


def test_row_24_radius_0_is_one_matrix_at_every_pixel() -> None:
    """It commutes with every permutation of the pixels, not with shifts alone."""
    solution = BY_NAME["radius 0"].solution
    assert (solution.dim, solution.bias_dim) == (C * D, D)
    small = [dv.Field(T2, channels=n, grid=(2, 3), boundary="periodic") for n in (2, 3)]
    order = np.random.default_rng(5).permutation(6)
    for element in dv.solve(*small, dv.box(0)).basis:
        table = element.dense().reshape(3, 6, 2, 6)
        assert np.array_equal(table[:, order][:, :, :, order], table)
        assert np.array_equal(table, np.einsum("ic,pq->ipcq", table[:, 0, :, 0], np.eye(6)))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_row_25_audio_images_and_volumes_by_one_derivation(dim: int) -> None:
    group = dv.translations(dim)
    solution = dv.solve(field(group, "C"), field(group, "D"), dv.box(1))
    assert solution.dim == 3**dim * C * D
    ring = {"grid": 4, "boundary": "periodic"}
    small = dv.solve(field(group, 1, **ring), field(group, 1, **ring), dv.box(1))
    taps = np.arange(1.0, 3**dim + 1, dtype=np.float32)
    signal = np.random.default_rng(dim).integers(-9, 9, (4,) * dim).astype(np.float32)
    expected = (np.tensordot(taps, matrices(small), axes=1) @ signal.reshape(-1)).reshape(signal.shape)
    assert np.array_equal(run(signal, taps.reshape((3,) * dim), padding="CIRCULAR"), expected)


def test_row_25_a_spectrogram_is_convolved_in_time_and_dense_in_frequency() -> None:
    solution = BY_NAME["one axis only"].solution
    assert solution.form == eq(A[i, u, v, c, p, q], K[i, c, p - u, v, q])
    assert (solution.dim, solution.bias_dim) == (3 * C * D * F**2, D * F)
    time = dv.translations(2, period=(1, 0))
    small = dv.Field(time, channels=1, grid=(5, 3), boundary=("periodic", None))
    lines = [Line(Sites(5), Sites(5), 1, True), Line(Sites(3), Sites(3), 0, False)]
    expected = solve(lines)
    assert dv.solve(small, small).dim == expected.shape[1] == 5 * 9


def test_row_25_nothing_beyond_the_receptive_field_is_felt() -> None:
    jacobian = jax.jacobian(
        lambda signal: kn.conv(signal[None, :, None], jnp.ones((3, 1, 1), jnp.float32))[0, :, 0]
    )(jnp.zeros(9, jnp.float32))
    reach = np.abs(np.subtract.outer(np.arange(9), np.arange(9)))
    assert np.array_equal(np.asarray(jacobian) != 0, reach <= 1)


def _span_holds(solution: dv.Solution, kernels: list[np.ndarray]) -> bool:
    basis = np.stack([np.array(e.dense(), dtype=float).reshape(-1) for e in solution.basis])
    rank = np.linalg.matrix_rank(basis)
    return all(np.linalg.matrix_rank(np.vstack([basis, k.reshape(-1)])) == rank for k in kernels)


def test_row_26_gradients_are_what_the_square_leaves_from_scalars_to_vectors() -> None:
    """Two weights: central difference, Prewitt, Sobel and Scharr are all of this form."""
    G = dv.wallpaper("p4m")
    scalar, vector = (dv.Field(G, fibre=f(G.point)) for f in (dv.trivial, dv.defining))
    gradient = dv.solve(scalar, vector, dv.box(1))
    assert gradient.dim == 2
    known = []
    for smooth in ((0, 1, 0), (1, 1, 1), (1, 2, 1), (3, 10, 3)):
        along = np.outer([-1, 0, 1], smooth)
        known.append(np.stack([along, along.T]))
    assert _span_holds(gradient, known)
    assert not _span_holds(gradient, [np.stack([along, -along.T])])


def test_row_26_laplacians_are_what_the_square_leaves_from_scalars_to_scalars() -> None:
    G = dv.wallpaper("p4m")
    scalar = dv.Field(G, fibre=dv.trivial(G.point))
    solution = dv.solve(scalar, scalar, dv.box(1))
    assert solution.dim == 3
    five = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    nine = np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    assert _span_holds(solution, [five, nine, np.array([[1, 4, 1], [4, -20, 4], [1, 4, 1]])])
    assert not _span_holds(solution, [np.outer([-1, 0, 1], [1, 2, 1])])


@pytest.mark.parametrize("order", range(6))
def test_row_26_moment_equations_give_binomial_taps(order: int) -> None:
    """sum_j w_j j^m = d! if m = d else 0 for m <= d, solved exactly: (-1)^(d-j) C(d,j), and no fewer taps."""
    taps = sp.symbols(f"w_0:{order + 1}")
    moments = [
        sum(w * sp.Integer(j) ** m for j, w in enumerate(taps)) - (factorial(order) if m == order else 0)
        for m in range(order + 1)
    ]
    (found,) = sp.linsolve(moments, taps)
    assert list(found) == [(-1) ** (order - j) * comb(order, j) for j in range(order + 1)]
    fewer = [moment.subs(taps[-1], 0) for moment in moments]
    assert sp.linsolve(fewer, *taps[:-1]) == sp.S.EmptySet if order else fewer == [-1]
