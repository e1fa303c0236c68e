"""Convolutions with one axis less: rows as windows, as results or as sites, in every direction."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.algorithms import unfold, xla


@pytest.mark.parametrize(
    ("image", "kernel", "options"),
    [
        ((2, 5, 4, 6, 3), (3, 2, 3, 3, 3), {}),
        ((2, 5, 4, 6, 3), (3, 2, 3, 3, 7), {}),  # more results than inputs
        ((1, 6, 5, 4, 3), (3, 3, 2, 3, 2), {"strides": (2, 1, 2)}),
        ((1, 7, 6, 3, 3), (2, 3, 1, 3, 2), {"dilation": (3, 2, 1), "padding": "VALID"}),
        ((1, 5, 3, 3, 2), (3, 2, 2, 2, 2), {"padding": ((4, 1), (0, 1), (1, 0))}),
        ((1, 4, 4, 4, 2), (3, 3, 3, 2, 2), {"padding": "CIRCULAR"}),
        ((1, 4, 4, 4, 4), (3, 3, 3, 2, 4), {"groups": 2}),
        ((3, 9, 2), (4, 2, 3), {}),  # one axis: none is left
        ((2, 6, 5, 2), (3, 3, 2, 2), {}),
    ],
    ids=str,
)
def test_value_and_adjoints(image, kernel, options, rng) -> None:
    """By the sum as it is written; the adjoints by <ybar, conv(x, k)>."""
    x, k = rng.standard_normal(image), rng.standard_normal(kernel)

    @jax.jit
    def everything(x, k, ybar):
        y, pull = jax.vjp(lambda x, k: kn.conv(x, k, implementation="unfold", **options), x, k)
        return y, *pull(ybar)

    exact = reference.conv(x, k, **options)
    dx, dk, ybar = (rng.standard_normal(shape) for shape in (image, kernel, exact.shape))
    y, xbar, kbar = everything(*map(jnp.asarray, (x, k, ybar)))
    np.testing.assert_allclose(y, exact, rtol=1e-12, atol=1e-12)
    by_input, by_kernel = reference.conv(dx, k, **options), reference.conv(x, dk, **options)
    np.testing.assert_allclose(np.vdot(xbar, dx), np.vdot(ybar, by_input), rtol=1e-10)
    np.testing.assert_allclose(np.vdot(kbar, dk), np.vdot(ybar, by_kernel), rtol=1e-10)


@pytest.mark.parametrize(("stride", "low"), [(1, 1), (2, 0), (1, 6), (3, 2)])
def test_row_by_row_or_side_by_side(stride: int, low: int, rng) -> None:
    """A kernel adjoint of a volume, by what every row of the result sees, or by the kernel moved for each."""
    lhs, rhs = (jnp.asarray(rng.standard_normal(shape)) for shape in ((3, 5, 4, 4, 2), (5, 4, 4, 2, 6)))
    rest = {"strides": (1, 2), "lhs_dilation": (1, 1), "rhs_dilation": (1, 1), "padding": ((1, 0), (0, 1))}
    rest |= {"out": (2, 1), "precision": None}
    right = unfold._by_sites(lhs, rhs, 3, stride, low, rest)
    rows = unfold._by_rows(lhs, rhs, 3, stride, low, rest, xla.compute)
    assert rows.shape == (3, 3, 2, 1, 6)
    np.testing.assert_allclose(rows, right, rtol=1e-12, atol=1e-12)
