"""Kernels of rank one against the full kernel that is the product of their factors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from tests.kernels.test_errors import raises

OPTIONS = {
    "same": {},
    "valid, strides": {"padding": "VALID", "strides": (2, 1)},
    "circular, dilated": {"padding": "CIRCULAR", "dilation": (1, 2)},
    "reflect, flip": {"padding": "REFLECT", "flip": True},
    "pairs": {"padding": [(2, 0), (-1, 1)]},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("own", [False, True], ids=["shared", "of each channel"])
def test_product_of_factors(options, own: bool, rng) -> None:
    x = rng.normal(size=(2, 6, 7, 3))
    u, v = (rng.normal(size=(n, 3)) for n in (3, 2))
    if not own:
        u, v = (np.repeat(f[:, :1], 3, 1) for f in (u, v))
    full = (u[:, None] * v[None])[:, :, None]  # (3, 2, 1, 3)
    factors = (u, v) if own else (u[:, 0], v[:, 0])
    y = kn.conv_separable(jnp.asarray(x), tuple(map(jnp.asarray, factors)), **options)
    np.testing.assert_allclose(y, reference.conv(x, full, groups=3, **options), rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_the_full_kernel(rng) -> None:
    x, u, v = (jnp.asarray(rng.normal(size=shape)) for shape in ((1, 5, 6, 2), (3,), (3,)))

    def by_passes(x, u, v):
        return jnp.sum(jnp.sin(kn.conv_separable(x, (u, v))))

    def at_once(x, u, v):
        full = jnp.broadcast_to((u[:, None] * v)[..., None, None], (3, 3, 1, 2))
        return jnp.sum(jnp.sin(kn.conv(x, full, groups=2)))

    every = (0, 1, 2)
    got, expected = (jax.jit(jax.grad(f, every))(x, u, v) for f in (by_passes, at_once))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_errors() -> None:
    x, u = jnp.zeros((5, 6, 2), jnp.float32), jnp.zeros((3,), jnp.float32)
    with raises(kn.ShapeError, "factors[1] must be (size,) or (size, 2), got (3, 4); give one value per tap"):
        kn.conv_separable(x, (u, jnp.zeros((3, 4), jnp.float32)))
    with raises(
        kn.ShapeError, "factors must be one per spatial axis of x (5, 6, 2), got 0; give fewer, at least one"
    ):
        kn.conv_separable(x, ())
    with raises(
        kn.DtypeError, "x and kernel must have one dtype, got float32 and float64; cast with x.astype"
    ):
        kn.conv_separable(x, (u.astype("float64"),) * 2)
