"""The form of a convolution that XLA on CPU gives to Eigen: the zeros in it are never seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.convolution.algorithms import eigen
from kernels.convolution.choice.thresholds import Thresholds
from kernels.convolution.work import Work

OPTIONS = [
    {},
    {"strides": (3, 2)},
    {"dilation": 2, "padding": [(2, -1), (0, 3)]},
    {"padding": [(-1, -2), (-2, -1)], "strides": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_nothing_spreads_from_where_it_is_not_read(options, rng) -> None:
    """Sites of the image that no window reads may be anything, in the value and in the kernel adjoint."""
    clean, kernel = rng.standard_normal((2, 11, 9, 3)), rng.standard_normal((3, 2, 3, 4))
    y = reference.conv(clean, kernel, **options)
    read = reference.conv_transpose(
        np.ones(y.shape), np.ones(kernel.shape), output_shape=clean.shape[1:3], **options
    )
    x = np.where(read > 0, clean, np.nan)
    assert np.isnan(x).any() == (options not in ({}, {"strides": (3, 2)}))
    got = kn.conv(jnp.asarray(x), kernel, implementation="eigen", **options)
    np.testing.assert_allclose(got, y, rtol=1e-12, atol=1e-12)
    kbar = kn.kernel_adjoint(
        jnp.asarray(x), jnp.asarray(y), kernel_shape=kernel.shape, implementation="eigen", **options
    )
    units = np.eye(kernel.size).reshape(-1, *kernel.shape)
    exact = [np.vdot(y, reference.conv(clean, unit, **options)) for unit in units]
    np.testing.assert_allclose(kbar, np.reshape(exact, kernel.shape), rtol=1e-11, atol=1e-11)


def compiled(function, *shapes: tuple[int, ...]) -> str:
    """The convolution in the compiled program, with its window."""
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    text = jax.jit(function).lower(*arrays).as_text(dialect="hlo")
    (line,) = re.findall(r"= \S+ convolution\(.*", text)
    return line


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="a choice on CPU")
def test_what_is_compiled_where_it_pays(thresholds: Callable[..., None]) -> None:
    thresholds(eigen_products=1 << 27, eigen_strided_products=1 << 24, eigen_adjoint_channels=64)
    x, kernel = (8, 28, 28, 64), (3, 3, 64, 64)
    layer = compiled(kn.conv, x, kernel)
    assert all(step in layer for step in ("pad=1_1x2_2", "stride=1x2", "lhs_dilate=1x2", "rhs_dilate=1x2"))
    adjoint = compiled(lambda x, y: kn.kernel_adjoint(x, y, kernel_shape=kernel), x, x)
    assert "lhs_dilate=1x2" in adjoint
    strided = compiled(partial(kn.conv, strides=2), x, kernel)
    assert all(step in strided for step in ("pad=0_1x0_2", "stride=2x4"))
    assert "dilate" not in compiled(kn.conv, (1, *x[1:]), kernel)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="a choice on CPU")
def test_phases_take_what_pays(monkeypatch: pytest.MonkeyPatch, rng) -> None:
    """Each phase is chosen for itself on CPU, and all agree with the oracle whatever is chosen."""
    x, kernel = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((4, 3, 2, 3))
    exact = reference.conv_transpose(x, kernel, output_shape=(10, 12), strides=2)
    for answer in (True, False):
        asked: list[Work] = []

        def pays(work: Work, t: Thresholds, answer: bool = answer, asked: list[Work] = asked) -> bool:
            asked.append(work)
            return answer

        monkeypatch.setattr(eigen, "pays", pays)
        jax.clear_caches()
        y = kn.conv_transpose(x, kernel, strides=2, implementation="phases")
        np.testing.assert_allclose(y, exact, rtol=1e-12, atol=1e-12)
        assert [work.lhs_dilation for work in asked] == [(1, 1)] * 4
    jax.clear_caches()
