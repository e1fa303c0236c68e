"""One host exports for CPU, CUDA and TPU together; the CPU part is run, sizes may stay symbolic."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import kernels as kn
from tests.kernels.cases import CASES, NAMES

PLATFORMS = ("cpu", "cuda", "tpu")
# Together they reach every option of the primitive, both borders, and an empty result.
CHOSEN = (
    "1d kernel larger than the image",
    "2d circular, dilated, groups",
    "2d reflect stride, flip",
    "2d groups, stride, dilation",
    "2d transposed pairs, dilated, flip",
    "3d everything",
)
SOME = [CASES[NAMES.index(name)] for name in CHOSEN]


def everywhere(f, *args) -> export.Exported:
    exported = export.export(f, platforms=PLATFORMS)(*args)
    assert exported.platforms == PLATFORMS
    return exported


@pytest.mark.parametrize("case", SOME, ids=CHOSEN)
def test_value_and_gradients(case) -> None:
    x, kernel, ybar = case.arrays(dtype=np.float32)

    @jax.jit
    def everything(x, kernel, ybar):
        y, pull = jax.vjp(case.op, x, kernel)
        return y, *pull(ybar)

    called = everywhere(everything, x, kernel, ybar).call
    for got, expected in zip(called(x, kernel, ybar), everything(x, kernel, ybar), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_pools() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6, 1)), jnp.float32)
    f = jax.jit(lambda x: (kn.avg_pool(x, 2), kn.max_pool(x, 3, strides=1, padding="REFLECT")))
    for got, expected in zip(everywhere(f, x).call(x), f(x), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


SYMBOLIC = {
    "same": {},
    "stride": {"strides": 2},
    "valid, stride": {"strides": 2, "padding": "VALID"},
    "dilated groups": {"dilation": 2, "groups": 2},
    "circular": {"padding": "CIRCULAR"},
    "reflect, stride": {"padding": "REFLECT", "strides": 2},
}


@pytest.mark.parametrize("options", SYMBOLIC.values(), ids=SYMBOLIC)
def test_symbolic_batch_and_image(options) -> None:
    """Batch, height and width stay symbols through the value and both gradients."""
    b, h, w = export.symbolic_shape("b, h, w", constraints=["h >= 6", "w >= 6"])
    kernel = jnp.asarray(
        np.random.default_rng(0).normal(size=(3, 3, 4 // options.get("groups", 1), 2)), jnp.float32
    )

    @jax.jit
    def everything(x, kernel):
        loss = lambda x, kernel: 0.5 * jnp.sum(kn.conv(x, kernel, **options) ** 2)  # noqa: E731
        return kn.conv(x, kernel, **options), *jax.grad(loss, (0, 1))(x, kernel)

    shape = jax.ShapeDtypeStruct((b, h, w, 4), jnp.float32)
    called = everywhere(everything, shape, kernel).call
    for size in ((2, 6, 7, 4), (1, 9, 8, 4)):
        x = jnp.asarray(np.random.default_rng(1).normal(size=size), jnp.float32)
        for got, expected in zip(called(x, kernel), everything(x, kernel), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
