"""Images of one channel and small kernels, whose border is asked for and never made."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference


@pytest.mark.parametrize(
    ("image", "size", "outputs", "options"),
    [
        ((2, 7, 6, 1), (3, 3), 1, {}),
        ((1, 7, 6, 1), (2, 4), 2, {"padding": "VALID"}),
        ((1, 9, 5, 1), (3, 2), 1, {"dilation": (2, 3)}),
        ((2, 5, 4, 1), (3, 3), 1, {"padding": ((4, 0), (0, 5))}),
        ((1, 6, 6, 1), (3, 3), 2, {"padding": "CIRCULAR", "flip": True}),
        ((3, 9, 1), (7,), 1, {}),
        ((1, 4, 5, 3, 1), (2, 2, 2), 1, {}),
    ],
    ids=str,
)
def test_value_and_adjoints(image, size, outputs, options, rng) -> None:
    """By the sum as it is written; the adjoints by <ybar, conv(x, k)>."""
    x, kernel = rng.standard_normal(image), rng.standard_normal((*size, 1, outputs))
    y, pull = jax.vjp(
        lambda x, k: kn.conv(x, k, implementation="shifted", **options), jnp.asarray(x), jnp.asarray(kernel)
    )
    np.testing.assert_allclose(y, reference.conv(x, kernel, **options), rtol=1e-12, atol=1e-12)
    ybar, dx, dk = (rng.standard_normal(shape) for shape in (y.shape, image, kernel.shape))
    xbar, kbar = pull(jnp.asarray(ybar))
    by_input, by_kernel = reference.conv(dx, kernel, **options), reference.conv(x, dk, **options)
    np.testing.assert_allclose(np.vdot(xbar, dx), np.vdot(ybar, by_input), rtol=1e-10)
    np.testing.assert_allclose(np.vdot(kbar, dk), np.vdot(ybar, by_kernel), rtol=1e-10)


def test_no_border_is_made() -> None:
    """One pass: the compiled program holds no image with a border."""
    x, kernel = jnp.ones((1, 40, 40, 1)), jnp.ones((3, 3, 1, 1))
    text = jax.jit(kn.conv).lower(x, kernel).compile().as_text()
    entry = text[text.index("ENTRY") :]
    assert "42" not in "".join(line.split("metadata")[0] for line in entry.splitlines())
