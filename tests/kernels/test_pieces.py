"""The kernel adjoint cut into pieces that fit into cache: by samples, and by rows with and without a rest."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.algorithms import pieces


@pytest.fixture(autouse=True)
def _little_room(thresholds: Callable[..., None]) -> None:
    thresholds(piece_bytes=2048)


@pytest.mark.parametrize(
    ("image", "cut"),
    [
        ((6, 5, 4, 3), (3, (pieces.Rows(0, 5, 1),))),
        ((2, 14, 10, 3), (1, (pieces.Rows(0, 7, 2),))),
        ((2, 11, 10, 3), (1, (pieces.Rows(0, 7, 1), pieces.Rows(7, 4, 1)))),
    ],
    ids=["samples", "rows", "rows and a rest"],
)
@pytest.mark.parametrize(
    "options", [{}, {"strides": 2}, {"dilation": 2, "padding": "VALID"}, {"padding": "CIRCULAR"}], ids=str
)
def test_by_the_sum_as_it_is_written(image, cut, options, rng) -> None:
    x, kernel = rng.standard_normal(image), rng.standard_normal((3, 2, 3, 4))
    if not options:
        assert pieces.pieces(image, (*image[:3], 4)) == cut
    shape = reference.conv(x, kernel, **options).shape
    ybar = rng.standard_normal(shape)
    kbar = jax.jit(
        lambda x, y: kn.kernel_adjoint(x, y, kernel_shape=kernel.shape, implementation="pieces", **options)
    )(x, ybar)
    units = np.eye(kernel.size).reshape(-1, *kernel.shape)
    exact = [np.vdot(ybar, reference.conv(x, unit, **options)) for unit in units]
    np.testing.assert_allclose(kbar, np.reshape(exact, kernel.shape), rtol=1e-12, atol=1e-12)


def test_nothing_spreads_from_where_it_is_not_read(rng) -> None:
    """An image row that no window of the layer reads is multiplied by nothing, not even by zero."""
    x = jnp.asarray(rng.standard_normal((2, 12, 10, 3))).at[:, -1].set(jnp.nan)
    ybar = jnp.asarray(rng.standard_normal((2, 5, 9, 4)))
    options = {"padding": "VALID", "strides": (2, 1)}
    kbar = kn.kernel_adjoint(x, ybar, kernel_shape=(3, 2, 3, 4), implementation="pieces", **options)
    assert jnp.all(jnp.isfinite(kbar))
