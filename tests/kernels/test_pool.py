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
    ((6,), (3,), 2, "REPLICATE"),
    ((6, 5), (4, 3), (3, 1), ("SAME_LOWER", "CAUSAL")),
    ((5, 4), (3, 2), 1, ("REFLECT", 1)),
]
DILATED = [
    ((7,), (3,), 2, "VALID", 2),
    ((4, 5), (2, 3), (1, 2), ("SAME", "CIRCULAR"), (3, 2)),
    ((60,), (20,), 3, "SAME", 2),
    ((3,), (3,), 1, "VALID", 2),
]


@pytest.mark.parametrize(
    ("spatial", "window", "strides", "padding", "dilation"), [*((*case, 1) for case in CASES), *DILATED]
)
@pytest.mark.parametrize("kind", ["avg", "max", "avg without padding"])
def test_against_oracle(spatial, window, strides, padding, dilation, kind, rng) -> None:
    x = rng.normal(size=(2, *spatial, 3))
    include = kind != "avg without padding"
    options = {"strides": strides, "padding": padding, "dilation": dilation}
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
    """An integer is the size on all `rank` axes, whatever lies before them; so `vmap` changes nothing."""
    x = rng.normal(size=(2, 4, 6, 3))
    for op in (kn.max_pool, kn.avg_pool, kn.patch_matrix):
        single = partial(op, rank=2)
        own = jax.vmap(lambda x, single=single: single(x, 2))(x)
        np.testing.assert_array_equal(single(x, 2), op(x, (2, 2)))
        np.testing.assert_array_equal(single(x[0], 2), own[0])
        np.testing.assert_array_equal(single(x, 2), own.reshape(single(x, 2).shape))
        np.testing.assert_array_equal(single(x[None], 2).ravel(), own.ravel())
    assert kn.max_pool(x[:0], 2, rank=2).shape == (0, 2, 3, 3)
    assert kn.avg_pool(x[..., 0], 2, rank=1).shape == (2, 2, 6)


def test_pools_are_equivariant(rng) -> None:
    """On a torus both commute with shifts by the stride, and with no other."""
    x = jnp.asarray(rng.normal(size=(1, 6, 6, 1)))
    shift = partial(jnp.roll, shift=(2, -2), axis=(1, 2))
    coarse = partial(jnp.roll, shift=(1, -1), axis=(1, 2))
    one = partial(jnp.roll, shift=1, axis=1)
    for pool in (kn.avg_pool, kn.max_pool):
        assert kn.check_equivariance(
            lambda x, w, pool=pool: pool(x, (2, 2)), None, x, [(shift, coarse)]
        ).passed
        with pytest.raises(kn.CheckError, match="symmetry 0 must agree"):
            kn.check_equivariance(lambda x, w, pool=pool: pool(x, (2, 2)), None, x, [(one, one)])


def test_ties_give_the_gradient_to_the_first() -> None:
    grad = jax.grad(lambda x: kn.max_pool(x, (2,)).sum())(jnp.ones((4, 1)))
    np.testing.assert_array_equal(grad.ravel(), [1, 0, 1, 0])
    grad = jax.grad(lambda x: kn.max_pool(x, (2, 2), dilation=2, strides=9).sum())
    ties = jnp.array([[0, 7, 1], [8, 8, 8], [1, 9, 1]], "float32")[..., None]
    np.testing.assert_array_equal(grad(ties)[..., 0], [[0, 0, 1], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(("window", "strides"), [((2, 2), 2), ((3, 3), 2), ((3, 2), 1), ((2, 20), 1)])
def test_every_tie_gives_the_gradient_to_the_first(window, strides, rng) -> None:
    """Few different values, so nearly every window has ties: entry by entry, in the order of its rows."""
    x = rng.integers(0, 3, size=(7, 23)).astype("float32")
    y, pull = jax.vjp(lambda x: kn.max_pool(x, window, strides=strides), jnp.asarray(x[..., None]))
    ybar = rng.normal(size=y.shape).astype("float32")
    expected = np.zeros_like(x)
    for p, q in np.ndindex(y.shape[:2]):
        part = x[p * strides : p * strides + window[0], q * strides : q * strides + window[1]]
        a, b = np.unravel_index(part.argmax(), part.shape)  # the first of the largest
        expected[p * strides + a, q * strides + b] += ybar[p, q, 0]
    np.testing.assert_allclose(pull(ybar)[0][..., 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_windows_of_jax_where_nothing_else_was_measured(platform: str) -> None:
    """A maximum is taken tap by tap on CPU, as XLA's windows are on accelerators, `only_lax` everywhere."""

    def lowered() -> str:
        slope = jax.jit(jax.value_and_grad(lambda x: kn.max_pool(x, (3, 3), strides=2).sum()))
        return slope.trace(jnp.ones((1, 9, 9, 2))).lower(lowering_platforms=(platform,)).as_text()

    text = lowered()
    assert ("reduce_window" in text) == ("select_and_scatter" in text) == (platform != "cpu")
    with kn.only_lax():
        assert "select_and_scatter" in lowered()


def test_a_nan_is_the_largest_in_windows_with_gaps() -> None:
    x = jnp.array([1.0, 5, jnp.nan, 2, 3, 4, 0, 0])[:, None]
    y = kn.max_pool(x, (2,), strides=1, dilation=2)
    np.testing.assert_array_equal(y.ravel(), [np.nan, 5, np.nan, 4, 3, 4])


def test_half_precision_sums_do_not_stall() -> None:
    """4096 ones in bfloat16 sum to 4096, where adding one by one would stop at 256."""
    x = jnp.ones((1, 64, 64, 1), "bfloat16")
    assert kn.avg_pool(x, (64, 64)).ravel().tolist() == [1.0]


def test_vmap_and_jit(rng) -> None:
    x = jnp.asarray(rng.normal(size=(3, 2, 4, 4, 2)))
    for pool in (kn.avg_pool, kn.max_pool):
        mapped = jax.jit(jax.vmap(lambda x, pool=pool: pool(x, 2, rank=2)))(x)
        np.testing.assert_allclose(mapped, pool(x, (2, 2)), rtol=1e-12)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("window", [2, 20])
def test_complex_averages_are_those_of_both_parts(window: int, count_include_pad: bool, rng) -> None:
    x = jnp.asarray(rng.normal(size=(2, 24, 3)) + 1j * rng.normal(size=(2, 24, 3)))
    options = {"rank": 1, "strides": 2, "padding": "SAME", "count_include_pad": count_include_pad}
    y = kn.avg_pool(x, window, **options)
    assert y.dtype == x.dtype
    parts = [np.asarray(kn.avg_pool(part, window, **options)) for part in (x.real, x.imag)]
    np.testing.assert_allclose(y, parts[0] + 1j * parts[1], atol=1e-12)


def test_complex_numbers_have_no_largest() -> None:
    with pytest.raises(kn.DtypeError, match="x must be a real floating-point array, got complex"):
        kn.max_pool(jnp.ones((4, 1), complex), 2, rank=1)
