"""Every property of the convolutions, over every case: all against the NumPy oracle."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from tests.kernels.cases import CASES, NAMES, Case

every_case = pytest.mark.parametrize("case", CASES, ids=NAMES)
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def flat(a: jax.Array) -> np.ndarray:
    return np.asarray(a, np.float64).reshape(-1)


def dense_in_x(case: Case, kernel: jax.Array) -> np.ndarray:
    """The dense matrix over the whole batch."""
    return np.kron(np.eye(int(np.prod(case.batch))), case.matrix(np.asarray(kernel)))


def dense_in_kernel(case: Case, x: jax.Array) -> np.ndarray:
    """The dense matrix kernel -> op(x, kernel), one oracle run per kernel entry."""
    units = np.eye(int(np.prod(case.kernel_shape))).reshape(-1, *case.kernel_shape)
    return np.stack([case.oracle(np.asarray(x), unit).reshape(-1) for unit in units], axis=1)


def half_square(case: Case):
    return lambda x, kernel: 0.5 * jnp.sum(case.op(x, kernel) ** 2)


def many(case: Case, pairs) -> np.ndarray:
    return np.stack([case.oracle(np.asarray(x), np.asarray(k)) for x, k in pairs])


@every_case
def test_value(case: Case) -> None:
    x, kernel, _ = case.arrays()
    y = case.op(x, kernel)
    assert y.shape == case.output_shape
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, case.oracle(np.asarray(x), np.asarray(kernel)), **EXACT)


@every_case
def test_row_23_adjoints_are_dense_transposes(case: Case) -> None:
    """Reverse mode, forward mode and second order, each against the two dense matrices."""
    x, kernel, ybar = case.arrays()
    dx, dk, _ = case.arrays(seed=1)
    in_x, in_kernel = dense_in_x(case, kernel), dense_in_kernel(case, x)

    @jax.jit
    def everything(x, kernel, ybar, dx, dk):
        y, pull = jax.vjp(case.op, x, kernel)
        _, dy = jax.jvp(case.op, (x, kernel), (dx, dk))
        _, hvp = jax.jvp(jax.grad(half_square(case), (0, 1)), (x, kernel), (dx, dk))
        return y, pull(ybar), dy, hvp

    y, (xbar, kbar), dy, (hx, hk) = everything(x, kernel, ybar, dx, dk)
    np.testing.assert_allclose(flat(xbar), in_x.T @ flat(ybar), **EXACT)
    np.testing.assert_allclose(flat(kbar), in_kernel.T @ flat(ybar), **EXACT)
    np.testing.assert_allclose(flat(dy), in_x @ flat(dx) + in_kernel @ flat(dk), **EXACT)
    # the gradient is (M_k^T y, X_x^T y); its derivative differentiates both the matrices and y
    by_dk, by_dx = dense_in_x(case, dk), dense_in_kernel(case, dx)
    np.testing.assert_allclose(flat(hx), by_dk.T @ flat(y) + in_x.T @ flat(dy), **EXACT)
    np.testing.assert_allclose(flat(hk), by_dx.T @ flat(y) + in_kernel.T @ flat(dy), **EXACT)


@every_case
def test_public_adjoints(case: Case) -> None:
    x, kernel, ybar = case.arrays()
    if case.transposed:
        x, ybar = ybar, x

    @jax.jit
    def adjoints(x, kernel, ybar):
        xbar = kn.input_adjoint(ybar, kernel, input_shape=x.shape, **case.options)
        return xbar, kn.kernel_adjoint(x, ybar, kernel_shape=kernel.shape, **case.options)

    xbar, kbar = adjoints(x, kernel, ybar)
    assert (xbar.shape, kbar.shape) == (x.shape, kernel.shape)
    y = reference.conv(x, kernel, **case.options)
    np.testing.assert_allclose(np.vdot(xbar, x), np.vdot(ybar, y), **EXACT)
    np.testing.assert_allclose(np.vdot(kbar, kernel), np.vdot(ybar, y), **EXACT)
    oracle = reference.conv_transpose(ybar, kernel, output_shape=case.spatial, **case.options)
    np.testing.assert_allclose(xbar, oracle, **EXACT)


@every_case
def test_vmap(case: Case) -> None:
    """Over x, over the kernel, over both, and nested; then over a gradient."""
    pairs = [case.arrays(seed) for seed in range(3)]
    xs, ks, ybars = (jnp.stack(a) for a in zip(*pairs, strict=True))
    op = case.op

    def grads(x, k, ybar):
        return jax.vjp(op, x, k)[1](ybar)

    @jax.jit
    def mapped(xs, ks, ybars):
        return (
            jax.vmap(op, (0, None))(xs, ks[0]),
            jax.vmap(op, (None, 0))(xs[0], ks),
            jax.vmap(op, (1, -1), -1)(jnp.moveaxis(xs, 0, 1), jnp.moveaxis(ks, 0, -1)),
            jax.vmap(jax.vmap(op, (None, 0)), (0, None))(xs, ks),
            jax.vmap(grads)(xs, ks, ybars),
        )

    by_x, by_k, by_both, table, (xbars, kbars) = mapped(xs, ks, ybars)
    np.testing.assert_allclose(by_x, many(case, [(x, ks[0]) for x in xs]), **EXACT)
    np.testing.assert_allclose(by_k, many(case, [(xs[0], k) for k in ks]), **EXACT)
    np.testing.assert_allclose(np.moveaxis(by_both, -1, 0), many(case, zip(xs, ks, strict=True)), **EXACT)
    np.testing.assert_allclose(table, np.stack([many(case, [(x, k) for k in ks]) for x in xs]), **EXACT)
    for i, (x, k, ybar) in enumerate(pairs):
        np.testing.assert_allclose(flat(xbars[i]), dense_in_x(case, k).T @ flat(ybar), **EXACT)
        np.testing.assert_allclose(flat(kbars[i]), dense_in_kernel(case, x).T @ flat(ybar), **EXACT)


SOME = ("2d depthwise", "1d transposed same stride", "2d transposed groups")


@pytest.mark.parametrize("case", [CASES[NAMES.index(name)] for name in SOME], ids=SOME)
def test_vmap_of_adjoints_over_some_operands(case: Case) -> None:
    """A cotangent for many images, an image for many cotangents, and so on: every choice of mapped axes."""
    pairs = [case.arrays(seed) for seed in range(2)]
    stacked = [jnp.stack(a) for a in zip(*pairs, strict=True)]
    choices = [axes for axes in product((0, None), repeat=3) if any(axis == 0 for axis in axes)]

    def grads(x, k, ybar):
        return jax.vjp(case.op, x, k)[1](ybar)

    def given(axes):
        return [a if axis == 0 else a[0] for a, axis in zip(stacked, axes, strict=True)]

    @jax.jit
    def mapped():
        return [jax.vmap(grads, axes)(*given(axes)) for axes in choices]

    for axes, (xbars, kbars) in zip(choices, mapped(), strict=True):
        for i in range(2):
            x, k, ybar = (a[i if axis == 0 else 0] for a, axis in zip(stacked, axes, strict=True))
            np.testing.assert_allclose(flat(xbars[i]), dense_in_x(case, k).T @ flat(ybar), **EXACT)
            np.testing.assert_allclose(flat(kbars[i]), dense_in_kernel(case, x).T @ flat(ybar), **EXACT)


@every_case
def test_scan_body_and_remat(case: Case) -> None:
    """The same value and gradients in the body of a scan, under remat."""
    x, kernel, _ = case.arrays()
    _, other, _ = case.arrays(seed=1)
    ks = jnp.stack([kernel, other])

    def loss(x, ks):
        body = jax.checkpoint(lambda total, k: (total + jnp.sum(jnp.sin(case.op(x, k))), None))
        return jax.lax.scan(body, jnp.zeros(()), ks)[0]

    value, (xbar, kbars) = jax.jit(jax.value_and_grad(loss, (0, 1)))(x, ks)
    ys = [case.oracle(np.asarray(x), np.asarray(k)) for k in ks]
    np.testing.assert_allclose(value, sum(np.sin(y).sum() for y in ys), **EXACT)
    expected = sum(dense_in_x(case, k).T @ np.cos(y).reshape(-1) for k, y in zip(ks, ys, strict=True))
    np.testing.assert_allclose(flat(xbar), expected, **EXACT)
    for kbar, y in zip(kbars, ys, strict=True):
        np.testing.assert_allclose(flat(kbar), dense_in_kernel(case, x).T @ np.cos(y).reshape(-1), **EXACT)


@every_case
def test_matrices(case: Case) -> None:
    """conv_matrix and patch_matrix are the oracle's, and multiply to the same answer."""
    x, kernel, _ = case.arrays()
    if case.transposed:
        x = case.arrays()[2]
    y = flat(kn.conv(x, kernel, **case.options))
    matrix = kn.conv_matrix(kernel, case.spatial, **case.options)
    np.testing.assert_array_equal(matrix, reference.conv_matrix(kernel, case.spatial, **case.options))
    np.testing.assert_allclose(np.kron(np.eye(int(np.prod(case.batch))), matrix) @ flat(x), y, **EXACT)
    outputs = case.channels[1]
    patches = kn.patch_matrix(x, case.size, out_channels=outputs, **case.options)
    oracle = reference.patch_matrix(x, case.size, out_channels=outputs, **case.options)
    np.testing.assert_array_equal(patches, oracle)
    np.testing.assert_allclose(patches @ flat(kernel), y, **EXACT)


@every_case
def test_checks_pass(case: Case) -> None:
    x, kernel, _ = case.arrays()
    if x.size == 0:
        with pytest.raises(kn.ShapeError, match="x must hold at least one sample to check"):
            kn.check_adjoints(case.op, kernel, x)
        return
    report = kn.check_adjoints(case.op, kernel, x)
    names = " ".join(c.name for c in report.comparisons)
    assert len(report.comparisons) == 10
    for side in ("input", "kernel"):
        for way in ("derived against jax.vjp", "jax.grad against jax.vjp", "derived against dense transpose"):
            assert f"{side}: {way}" in names
    assert kn.check_against_dense(case.op, kernel, x).passed
