"""The kernel adjoint of long rows by products of matrices: blocks, what does not fill one, steps, NaN."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference


@pytest.mark.parametrize(
    ("image", "kernel"),
    [
        ((2, 32, 1), (7, 1, 1)),
        ((2, 37, 3), (7, 3, 2)),
        ((1, 9, 1), (15, 1, 1)),
        ((2, 40, 1), (17, 1, 2)),
        ((2, 3, 21, 2), (1, 15, 2, 1)),
        ((1, 4, 18, 4), (3, 2, 2, 6)),
    ],
    ids=["whole blocks", "a rest", "less than a block", "larger blocks", "rows", "groups"],
)
@pytest.mark.parametrize("options", [{}, {"strides": 2}, {"dilation": 2}, {"padding": "CIRCULAR"}], ids=str)
def test_by_the_sum_as_it_is_written(image, kernel, options, rng) -> None:
    options = options | {"groups": image[-1] // kernel[-2]}
    x = rng.standard_normal(image)
    ybar = rng.standard_normal(reference.conv(x, np.zeros(kernel), **options).shape)
    kbar = jax.jit(
        lambda x, y: kn.kernel_adjoint(x, y, kernel_shape=kernel, implementation="bands", **options)
    )(x, ybar)
    units = np.eye(np.prod(kernel)).reshape(-1, *kernel)
    exact = [np.vdot(ybar, reference.conv(x, unit, **options)) for unit in units]
    np.testing.assert_allclose(kbar, np.reshape(exact, kernel), rtol=1e-12, atol=1e-12)


def test_nothing_spreads_from_where_it_is_not_read(rng) -> None:
    """The last site is read by the last tap alone, also where a block of the kernel ends before it."""
    x = jnp.asarray(rng.standard_normal((1, 39, 1))).at[:, -1].set(jnp.nan)
    ybar = jnp.asarray(rng.standard_normal((1, 37, 1)))
    kbar = kn.kernel_adjoint(x, ybar, kernel_shape=(3, 1, 1), implementation="bands", padding="VALID")
    assert jnp.isfinite(kbar.ravel()).tolist() == [True, True, False]
