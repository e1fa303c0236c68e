"""Integers, complex numbers and the dtype of sums."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn
from kernels.checking import reference
from kernels.errors import DtypeError
from tests.kernels.functions import FUNCTIONS, K, X, agree, says, takes, takes_arrays, theirs


@pytest.mark.parametrize("dtype", ["int4", "int8", "uint8", "int16"])
@pytest.mark.parametrize("wanted", ["int32", "float32"])
def test_integers_into_wider_ones(dtype: str, wanted: str, rng) -> None:
    """Exact sums of products that the dtype itself could not hold, with every option."""
    top = int(jnp.iinfo(dtype).max)
    x, kernel = (
        jnp.asarray(rng.integers(top // 2, top, size=shape), dtype) for shape in ((2, 5, 4, 4), (3, 2, 2, 4))
    )
    if (dtype, wanted) == ("int16", "int32"):
        kernel = kernel // 64  # so that a sum still fits
    ours = partial(kn.conv, strides=(1, 2), groups=2, padding=("CIRCULAR", 1), preferred_element_type=wanted)
    y, exact = ours(x, kernel), reference.conv(x, kernel, strides=(1, 2), groups=2, padding=("CIRCULAR", 1))
    assert y.dtype == wanted
    np.testing.assert_allclose(y, exact, rtol=0 if wanted == "int32" else 1e-6)
    mapped = jax.vmap(jax.jit(ours), (None, 0))(x, jnp.stack([kernel, kernel]))
    np.testing.assert_array_equal(mapped, jnp.stack([y, y]))


def test_integer_adjoints_and_transposes(rng) -> None:
    x, kernel = (jnp.asarray(rng.integers(-99, 99, size=s), "int8") for s in ((2, 6, 3), (3, 3, 4)))
    y = jnp.asarray(rng.integers(-99, 99, size=(2, 3, 4)), "int8")
    how: dict[str, Any] = {"strides": 2, "preferred_element_type": "int32"}
    xbar = kn.input_adjoint(y, kernel, input_shape=x.shape, **how)
    exact = reference.conv_transpose(y, kernel, output_shape=(6,), strides=2)
    for got in (xbar, kn.conv_transpose(y, kernel, **how)):
        assert got.dtype == "int32"
        np.testing.assert_array_equal(got, exact)
    kbar = kn.kernel_adjoint(x, y, kernel_shape=kernel.shape, **how)
    patches = reference.patch_matrix(x, (3,), out_channels=4, strides=2)
    np.testing.assert_array_equal(kbar.ravel(), patches.T @ np.asarray(y, np.float64).ravel())


def test_accelerators_see_the_narrow_numbers() -> None:
    """There the program says what lax says: products of int8 into int32, and no wider operands."""
    x, kernel = X.astype("int8"), K.astype("int8")
    op = jax.jit(partial(kn.conv, preferred_element_type="int32"))
    text = jax.export.export(op, platforms=["cuda"])(x, kernel).mlir_module()
    (line,) = (line for line in text.splitlines() if "stablehlo.convolution" in line)
    assert "(tensor<2x5x4xi8>, tensor<3x4x4xi8>) -> tensor<2x5x4xi32>" in line


def test_as_wide_as_jax_has_it() -> None:
    with jax.enable_x64(False):
        assert kn.conv(X, K, preferred_element_type="float64").dtype == "float32"
    assert kn.conv(X, K, preferred_element_type="float64").dtype == "float64"


def test_integers_have_no_gradients() -> None:
    """As in lax: `grad` refuses them, `vjp` gives zeros of no dtype."""
    x, kernel = X.astype("int8"), K.astype("int8")
    op = partial(kn.conv, preferred_element_type="int32")
    with pytest.raises(TypeError, match="grad requires real- or complex-valued inputs"):
        jax.grad(lambda x: op(x, kernel).sum())(x)
    zeros = jax.vjp(op, x, kernel)[1](np.zeros((2, 5, 4), jax.dtypes.float0))
    assert [a.dtype for a in zeros] == [jax.dtypes.float0] * 2


@pytest.mark.parametrize("given", ["bfloat16", "float16", "float32"])
def test_wider_sums(given: str, rng) -> None:
    """The result has the wider dtype, unrounded; the gradients come back in that of the operands."""
    wanted = "float64" if given == "float32" else "float32"
    x, kernel = (jnp.asarray(rng.normal(size=s), given) for s in ((2, 5, 4, 3), (3, 2, 3, 4)))
    ours = partial(kn.conv, preferred_element_type=wanted)
    agree(ours, partial(theirs, preferred_element_type=wanted), x, kernel, 1e-5)
    assert ours(x, kernel).dtype == wanted
    exact = reference.conv(x, kernel)
    assert np.abs(np.asarray(ours(x, kernel), np.float64) - exact).max() < 1e-5 * np.abs(exact).max()
    ybar = ours(x, kernel).astype(given)
    for bar in (
        kn.input_adjoint(ybar, kernel, input_shape=x.shape, preferred_element_type=wanted),
        kn.conv_transpose(ybar, kernel, preferred_element_type=wanted),
        kn.kernel_adjoint(x, ybar, kernel_shape=kernel.shape, preferred_element_type=wanted),
    ):
        assert bar.dtype == wanted


def test_second_derivatives_of_wider_sums(rng) -> None:
    x, kernel = (jnp.asarray(rng.normal(size=s), "float32") for s in ((5, 2), (3, 2, 3)))

    def hvp(op: Any) -> Any:
        loss = lambda x, k: jnp.sum(jnp.sin(op(x, k)))  # noqa: E731
        return jax.jvp(jax.grad(loss, (0, 1)), (x, kernel), (x, kernel))[1]

    wide = hvp(partial(kn.conv, preferred_element_type="float64"))
    for got, expected in zip(wide, hvp(kn.conv), strict=True):
        assert got.dtype == "float32"
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("float32", "bfloat16"),
        ("float32", "int32"),
        ("int16", "int8"),
        ("int8", "uint32"),
        ("complex64", "float32"),
    ],
)
def test_dtypes_that_cannot_hold_the_sums(given: str, wanted: str) -> None:
    for name in takes_arrays("preferred_element_type"):
        op, arrays, _ = FUNCTIONS[name]
        both = inspect.signature(op).bind_partial(*arrays).arguments
        cast = {which: array.astype(given) for which, array in both.items()}
        message = (
            f"preferred_element_type must hold sums of {given} products: the same kind of numbers, and no "
            f"narrower, got {wanted}; use a wider dtype, or leave it out"
        )
        says(DtypeError, message, name, **cast, preferred_element_type=wanted)


def test_no_dtype_of_sums() -> None:
    for name in takes("preferred_element_type"):
        for wrong in ("number", "bool", 3, "str"):
            message = f"preferred_element_type must be a dtype of numbers, got {wrong!r}; say jnp.float32"
            says(DtypeError, message, name, preferred_element_type=wrong)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(
    "options",
    [{}, {"strides": (2, 1), "padding": [(1, 0), (2, -1)], "feature_group_count": 2, "rhs_dilation": (1, 2)}],
    ids=["plain", "options"],
)
def test_complex_is_lax_s(dtype: str, options: dict[str, Any], rng) -> None:
    """Value, both gradients and `jvp`: transposes, not conjugates."""
    groups = options.get("feature_group_count", 1)
    shapes = ((2, 5, 6, 4), (3, 2, 4 // groups, 6))
    x, kernel = (jnp.asarray(rng.normal(size=s) + 1j * rng.normal(size=s), dtype) for s in shapes)
    how = {k: v for k, v in options.items() if k in ("strides", "padding")}
    ours = partial(kn.conv, **how, groups=groups, dilation=options.get("rhs_dilation", 1))
    expected = partial(theirs, **options)
    tolerance = 1e-12 if dtype == "complex128" else 2e-4
    agree(ours, expected, x, kernel, tolerance)
    dy, wanted = (
        jax.jvp(op, (x, kernel), (kernel[:1, :1, 0, 0] * x, 1j * kernel))[1] for op in (ours, expected)
    )
    np.testing.assert_allclose(dy, wanted, rtol=tolerance, atol=tolerance)


def test_complex_everywhere(rng) -> None:
    """The named adjoints are A^T; borders, matrices, factors and the checks serve complex numbers too."""
    draw = lambda *shape: jnp.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape))  # noqa: E731
    x, kernel, ybar = draw(2, 5, 3), draw(3, 3, 4), draw(2, 5, 4)
    how = {"padding": "REPLICATE"}
    close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12)
    y = kn.conv(x, kernel, **how)
    close(y, reference.conv(x, kernel, **how))
    matrix, patches = kn.conv_matrix(kernel, 5, **how), kn.patch_matrix(x, (3,), out_channels=4, **how)
    close(patches @ kernel.ravel(), y.ravel())
    close(matrix @ x[0].ravel(), y[0].ravel())
    xbar = kn.input_adjoint(ybar, kernel, input_shape=x.shape, **how)
    close(xbar[0].ravel(), matrix.T @ ybar[0].ravel())
    close(kn.conv_transpose(ybar, kernel, **how), xbar)
    close(kn.kernel_adjoint(x, ybar, kernel_shape=kernel.shape, **how).ravel(), patches.T @ ybar.ravel())
    mapped = jax.vmap(partial(kn.conv, **how), (None, 0))(x, jnp.stack([kernel, 1j * kernel]))
    close(mapped, jnp.stack([y, 1j * y]))
    factor = draw(3)
    depthwise = jnp.zeros((3, 1, 3), complex).at[:].set(factor[:, None, None])
    close(kn.conv_separable(x, (factor,)), kn.conv(x, depthwise, groups=3))
    wide = kn.conv(
        x.astype("complex64"), kernel.astype("complex64"), preferred_element_type="complex128", **how
    )
    assert wide.dtype == "complex128"
    np.testing.assert_allclose(wide, y, rtol=1e-5, atol=1e-5)
