"""Windows that tile the image: every direction as one matrix product, and where it is chosen."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.algorithms import tiles

LAYERS = [
    ((2, 6, 3), (2, 3, 4), {"strides": 2}),
    ((2, 7, 5, 3), (3, 2, 3, 4), {"strides": (3, 2), "padding": "SAME"}),
    ((2, 7, 5, 3), (3, 2, 3, 4), {"strides": (3, 2), "padding": ((2, 0), (-1, 4))}),
    ((1, 5, 4, 6, 2), (2, 2, 3, 2, 3), {"strides": (2, 2, 3), "padding": "VALID"}),
    ((2, 4, 5, 4), (2, 1, 2, 6), {"strides": (2, 1), "groups": 2}),
    ((1, 8, 6, 2), (2, 3, 2, 2), {"strides": (2, 3), "padding": "CIRCULAR"}),
]


@pytest.mark.parametrize(("image", "kernel", "options"), LAYERS, ids=str)
def test_value_and_adjoints(image, kernel, options, rng, monkeypatch) -> None:
    """By the sum as it is written; the adjoints by <ybar, conv(x, k)>; all three are one product."""
    seen = []
    monkeypatch.setattr(
        tiles, "compute", lambda *args, run=tiles.compute, **how: seen.append(1) or run(*args, **how)
    )
    x, k = rng.standard_normal(image), rng.standard_normal(kernel)
    exact = reference.conv(x, k, **options)
    dx, dk, ybar = (rng.standard_normal(shape) for shape in (image, kernel, exact.shape))

    @jax.jit
    def everything(x, k, ybar):
        y, pull = jax.vjp(lambda x, k: kn.conv(x, k, implementation="matmul", **options), x, k)
        return y, *pull(ybar)

    y, xbar, kbar = everything(*map(jnp.asarray, (x, k, ybar)))
    assert len(seen) == 3  # groups share one trace
    np.testing.assert_allclose(y, exact, rtol=1e-12, atol=1e-12)
    by_input, by_kernel = reference.conv(dx, k, **options), reference.conv(x, dk, **options)
    np.testing.assert_allclose(np.vdot(xbar, dx), np.vdot(ybar, by_input), rtol=1e-10)
    np.testing.assert_allclose(np.vdot(kbar, dk), np.vdot(ybar, by_kernel), rtol=1e-10)


@pytest.mark.parametrize(
    ("image", "size", "strides", "padding"),
    [((2, 24, 24, 24, 8), 2, 2, "VALID"), ((2, 64, 64, 24), 8, 8, "VALID"), ((4, 400, 32), 4, 4, "SAME")],
)
def test_adjoints_of_layers_without_overlap_are_products(image, size, strides, padding) -> None:
    window = (size,) * (len(image) - 2)
    told = kn.explain(image, (*window, image[-1], 24), strides=strides, padding=padding, platform="cpu")
    for reason in (told.input_adjoint, told.kernel_adjoint):
        assert (reason.implementation, "tile" in reason.why) == ("matmul", True)
    # one site more in the window overlaps, one step more leaves gaps
    for other in ({"strides": strides - 1}, {"strides": strides + 1}):
        told = kn.explain(image, (*window, image[-1], 24), padding=padding, platform="cpu", **other)
        assert "tile" not in told.input_adjoint.why + told.kernel_adjoint.why


def test_a_nan_stays_in_its_tile() -> None:
    x = jnp.ones((1, 4, 4, 2)).at[0, 1, 2, 0].set(jnp.nan)
    y = kn.conv(x, jnp.ones((2, 2, 2, 3)), strides=2, implementation="matmul")
    assert jnp.isnan(y[..., 0]).astype(int).tolist() == [[[0, 1], [0, 0]]]
    up = kn.conv_transpose(y, jnp.ones((2, 2, 2, 3)), strides=2, implementation="matmul")
    assert int(jnp.isnan(up[..., 0]).sum()) == 4
