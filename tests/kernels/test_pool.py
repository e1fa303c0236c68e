"""Pools against the oracle: values, gradients, borders, and what they commute with."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference

CASES = [
    ((6,), (2,), 2, "VALID"),
    ((7,), (3,), 2, "VALID"),
    ((7,), (3,), 2, "SAME"),
    ((7,), (3,), 1, "CIRCULAR"),
    ((7,), (4,), 3, "REFLECT"),
    ((5,), (2,), 2, [(-1, 2)]),
    ((3,), (5,), 1, "VALID"),
    ((40,), (20,), 3, "SAME"),
    ((4, 5), (2, 3), (1, 2), "SAME"),
    ((4, 6), (4, 6), 1, "VALID"),
    ((4, 4), (1, 2), 2, 1),
    ((3, 4, 4), (2, 2, 3), (1, 2, 1), "SAME"),
]


@pytest.mark.parametrize(("spatial", "window", "strides", "padding"), CASES)
@pytest.mark.parametrize("kind", ["avg", "max", "avg without padding"])
def test_against_oracle(spatial, window, strides, padding, kind, rng) -> None:
    x = rng.normal(size=(2, *spatial, 3))
    include = kind != "avg without padding"
    options = {"strides": strides, "padding": padding}
    pool = partial(kn.max_pool, **options)
    if kind != "max":
        pool = partial(kn.avg_pool, count_include_pad=include, **options)
    expected = reference.pool(x, window, kind=kind[:3], count_include_pad=include, **options)

    @jax.jit
    def everything(x, ybar):
        y, pull = jax.vjp(lambda x: pool(x, window), x)
        return y, *pull(ybar), jax.jvp(lambda x: pool(x, window), (x,), (x,))[1]

    ybar = rng.normal(size=expected.shape)
    y, xbar, dy = everything(x, ybar)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14, strict=True)
    # both pools are linear where no maximum changes hands, so derivatives along x give back the value
    y = np.where(np.isfinite(y), y, 0)
    np.testing.assert_allclose(np.vdot(xbar, x), np.vdot(ybar, y), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(dy, y, rtol=1e-12, atol=1e-14)


def test_average_is_a_convolution(rng) -> None:
    x = rng.normal(size=(2, 6, 6, 3))
    kernel = np.full((2, 2, 1, 3), 0.25)
    y = kn.avg_pool(x, (2, 2))
    np.testing.assert_allclose(y, kn.conv(x, kernel, strides=2, padding="VALID", groups=3), rtol=1e-12)


def test_integer_window_and_no_batch(rng) -> None:
    """An integer is the size on every axis between batch and channels; a tuple fixes the axes itself."""
    x = rng.normal(size=(2, 4, 6, 3))
    np.testing.assert_array_equal(kn.max_pool(x, 2), kn.max_pool(x, (2, 2)))
    np.testing.assert_array_equal(kn.max_pool(x[0], (2, 2)), kn.max_pool(x, 2)[0])
    np.testing.assert_array_equal(kn.avg_pool(x[None], (2, 2))[0], kn.avg_pool(x, 2))
    assert kn.max_pool(x[:0], 2).shape == (0, 2, 3, 3)


def test_pools_are_equivariant(rng) -> None:
    """On a torus both commute with shifts by the stride, and with no other."""
    x = jnp.asarray(rng.normal(size=(1, 6, 6, 1)))
    shift = partial(jnp.roll, shift=(2, -2), axis=(1, 2))
    coarse = partial(jnp.roll, shift=(1, -1), axis=(1, 2))
    one = partial(jnp.roll, shift=1, axis=1)
    for pool in (kn.avg_pool, kn.max_pool):
        assert kn.check_equivariance(lambda x, w, pool=pool: pool(x, 2), None, x, [(shift, coarse)]).passed
        with pytest.raises(kn.CheckError, match="symmetry 0 must agree"):
            kn.check_equivariance(lambda x, w, pool=pool: pool(x, 2), None, x, [(one, one)])


def test_ties_give_the_gradient_to_the_first() -> None:
    grad = jax.grad(lambda x: kn.max_pool(x, (2,)).sum())(jnp.ones((4, 1)))
    np.testing.assert_array_equal(grad.ravel(), [1, 0, 1, 0])


def test_half_precision_sums_do_not_stall() -> None:
    """4096 ones in bfloat16 sum to 4096, where adding one by one would stop at 256."""
    x = jnp.ones((1, 64, 64, 1), "bfloat16")
    assert kn.avg_pool(x, (64, 64)).ravel().tolist() == [1.0]


def test_vmap_and_jit(rng) -> None:
    x = jnp.asarray(rng.normal(size=(3, 2, 4, 4, 2)))
    for pool in (kn.avg_pool, kn.max_pool):
        mapped = jax.jit(jax.vmap(lambda x, pool=pool: pool(x, 2)))(x)
        np.testing.assert_allclose(mapped, pool(x, (2, 2)), rtol=1e-12)
