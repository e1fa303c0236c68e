"""Every complaint in full: the argument, the rule, the value and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn

X, K = jnp.zeros((2, 5, 4), jnp.float32), jnp.zeros((3, 4, 6), jnp.float32)

PADDING = "padding must be a name, an integer, or 1 of names, integers and (low, high) pairs, "
BAD = [
    (kn.WindowError, {"strides": 0}, "strides must be a positive integer, got 0; give 1 or more"),
    (kn.WindowError, {"strides": -2}, "strides must be a positive integer, got -2; give 1 or more"),
    (kn.WindowError, {"strides": 1.5}, "strides must be a positive integer, got 1.5; give 1 or more"),
    (kn.WindowError, {"strides": True}, "strides must be a positive integer, got True; give 1 or more"),
    (kn.WindowError, {"dilation": "2"}, "dilation must be a positive integer, got '2'; give 1 or more"),
    (
        kn.WindowError,
        {"dilation": (1, 2)},
        "dilation must have one entry per spatial axis (1), got (1, 2); give an integer or 1 of them",
    ),
    (
        kn.PaddingError,
        {"padding": "FULL"},
        "padding must be a known name, got 'FULL'; "
        "give one of ('SAME', 'SAME_LOWER', 'VALID', 'CAUSAL', 'CIRCULAR', 'REFLECT', 'REPLICATE') or pairs",
    ),
    (
        kn.PaddingError,
        {"padding": (1, 2)},
        PADDING + "got (1, 2); write [(low, high), ...]",
    ),
    (
        kn.PaddingError,
        {"padding": [(1, 1), (1, 1)]},
        PADDING + "got [(1, 1), (1, 1)]; write [(low, high), ...]",
    ),
    (
        kn.PaddingError,
        {"padding": 0.5},
        PADDING + "got 0.5; write [(low, high), ...]",
    ),
    (kn.GroupsError, {"groups": 0}, "groups must be a positive integer, got 0; give 1 or more"),
    (
        kn.GroupsError,
        {"groups": 4},
        "groups must divide the 6 output channels of the kernel, got 4; give a divisor",
    ),
    (
        kn.GroupsError,
        {"groups": 3},
        "groups must divide the 4 input channels of x, got 3; give a divisor",
    ),
    (
        kn.ImplementationError,
        {"implementation": "winograd"},
        "implementation must be a known name, got 'winograd'; "
        "give one of ('auto', 'lax', 'xla', 'shifted', 'grouped', 'matmul', 'fft', 'col2im', 'unfold', "
        "'phases', "
        "'blocks', 'pieces', 'eigen', 'bands') "
        "or a policy",
    ),
]


@contextmanager
def raises(kind: type[kn.KernelError], message: str) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert str(caught.value) == message  # not `match`, which would include the notes that JAX adds


@pytest.mark.parametrize(("kind", "options", "message"), BAD)
def test_options(kind, options, message) -> None:
    with raises(kind, message):
        kn.conv(X, K, **options)
    with raises(kind, message):
        jax.jit(lambda x, k: kn.conv(x, k, **options))(X, K)


@pytest.mark.parametrize(("kind", "options", "message"), BAD[:-2])
def test_adjoints_say_the_same(kind, options, message) -> None:
    with raises(kind, message):
        kn.input_adjoint(X, K, input_shape=(2, 5, 4), **options)
    with raises(kind, message):
        kn.kernel_adjoint(X, X, kernel_shape=(3, 4, 6), **options)


@pytest.mark.parametrize("dtype", ["int32", "bool", "uint8"])
def test_integer_arrays(dtype: str) -> None:
    message = f"x must be a real floating-point array, got {dtype}; convert it first, x.astype(jnp.float32)"
    for pool in (kn.max_pool, kn.avg_pool):
        with raises(kn.DtypeError, message):
            pool(X.astype(dtype), (2,))
    message = (
        f"x of integers needs to be told the dtype of its sums, got {dtype}; "
        "say preferred_element_type=jnp.int32, or convert it first, x.astype(jnp.float32)"
    )
    if dtype == "bool":
        message = (
            "x must be of floats of 16 bits or more, complex numbers or integers, got bool; "
            "convert it first, x.astype(jnp.float32)"
        )
    with raises(kn.DtypeError, message):
        kn.conv(X.astype(dtype), K)
    with raises(
        kn.DtypeError,
        message.replace("x of", "kernel of").replace("x must", "kernel must").replace(" x.as", " kernel.as"),
    ):
        kn.conv(X, K.astype(dtype))


def test_complex_and_other_arrays() -> None:
    parts = "treat its real and imaginary parts as two arrays"
    with raises(kn.DtypeError, f"x must be a real floating-point array, got complex64; {parts}"):
        kn.max_pool(X.astype("complex64"), (2,))  # complex numbers have no order
    with raises(
        kn.DtypeError, "x and kernel must have one dtype, got complex64 and float32; cast with x.astype"
    ):
        kn.conv(X.astype("complex64"), K)
    with raises(kn.DtypeError, "kernel must be an array, got list; wrap it in jnp.asarray"):
        kn.conv(X, [[[1.0]]])
    with raises(kn.DtypeError, "x must be an array, got list; wrap it in jnp.asarray"):
        kn.conv([[1.0]], K)
    with raises(kn.DtypeError, "x must be an array, got float; wrap it in jnp.asarray"):
        kn.max_pool(1.0, (2,))


def test_mixed_dtypes() -> None:
    with raises(
        kn.DtypeError, "x and kernel must have one dtype, got float32 and float64; cast with x.astype"
    ):
        kn.conv(X, K.astype("float64"))
    with raises(
        kn.DtypeError, "ybar and kernel must have one dtype, got float16 and float32; cast with ybar.astype"
    ):
        kn.input_adjoint(jnp.zeros((2, 5, 6), "float16"), K, input_shape=(2, 5, 4))
    with raises(
        kn.DtypeError, "x and ybar must have one dtype, got float32 and bfloat16; cast with x.astype"
    ):
        kn.kernel_adjoint(X, jnp.zeros((2, 5, 6), "bfloat16"), kernel_shape=(3, 4, 6))


def test_shapes() -> None:
    with raises(
        kn.ShapeError,
        "kernel must have axes (spatial..., C_in / groups, C_out), got (4, 6); add the missing axes",
    ):
        kn.conv(X, jnp.zeros((4, 6)), padding=[(1, 1)])
    with raises(
        kn.ShapeError,
        "kernel must have at least one tap on every spatial axis, got (0, 4, 6); give it positive sizes",
    ):
        kn.conv(X, jnp.zeros((0, 4, 6), "float32"))
    with raises(
        kn.ShapeError,
        "x must have axes (batch..., 2 spatial, channels), got (5, 4); add the missing axes",
    ):
        kn.conv(X[0], jnp.zeros((3, 3, 4, 6), "float32"))
    with raises(
        kn.ShapeError,
        "x must have 4 channels (kernel (3, 4, 6), groups 1), got 3; match the last axis to the kernel",
    ):
        kn.conv(X[..., :3], K)
    with raises(
        kn.ShapeError,
        "x must have 6 channels (the last axis of the kernel), got 4; match the last axis to the kernel",
    ):
        kn.conv_transpose(X, K)


def test_adjoint_shapes() -> None:
    with raises(
        kn.ShapeError,
        "ybar must have the shape (2, 5, 6) of conv's result, got (2, 4, 6); "
        "check input_shape and the options",
    ):
        kn.input_adjoint(jnp.zeros((2, 4, 6), "float32"), K, input_shape=X.shape)
    with raises(
        kn.ShapeError,
        "ybar must have the shape (2, 3, 6) of conv's result, got (2, 5, 6); check x and the options",
    ):
        kn.kernel_adjoint(X, jnp.zeros((2, 5, 6), "float32"), kernel_shape=K.shape, strides=2)
    with raises(
        kn.ShapeError,
        "output_shape must be a spatial shape that conv takes to (5,), got (8,); "
        "give one that fits, or leave it out",
    ):
        kn.conv_transpose(jnp.zeros((2, 5, 6), "float32"), K, strides=2, output_shape=(8,))


def test_borders_that_cannot_repeat() -> None:
    kernel = jnp.zeros((3, 1, 1), jnp.float32)
    with raises(
        kn.PaddingError,
        "padding REFLECT needs at least two sites on every axis, got 1; use SAME, VALID or pairs",
    ):
        kn.conv(jnp.zeros((1, 1), jnp.float32), kernel, padding="REFLECT")
    with raises(
        kn.PaddingError,
        "padding CIRCULAR needs at least one site on every axis, got 0; use SAME, VALID or pairs",
    ):
        kn.conv(jnp.zeros((0, 1), jnp.float32), kernel, padding="CIRCULAR")


def test_windows_and_matrices() -> None:
    with raises(kn.WindowError, "window must be a positive integer, got 0; give 1 or more"):
        kn.avg_pool(X, (0,))
    for call in (kn.avg_pool, kn.max_pool, kn.patch_matrix):
        name = "kernel_size" if call is kn.patch_matrix else "window"
        remedy = "add rank=2, say, or give a tuple such as (3, 3)"
        with raises(
            kn.WindowError, f"{name} of one integer needs the number of spatial axes, got 3; {remedy}"
        ):
            call(X, 3)
        with raises(kn.WindowError, f"rank must be the 1 axes of {name} (3,), got 2; leave it out"):
            call(X, (3,), rank=2)
        with raises(kn.WindowError, "rank must be a positive integer, got True; give 1 or more"):
            call(X, 3, rank=True)
    with raises(
        kn.WindowError,
        "window must leave an axis for channels among 3, got (2, 2, 2); give one size per spatial axis",
    ):
        kn.max_pool(X, (2, 2, 2))
    with raises(
        kn.ShapeError,
        "spatial_shape must have one size per spatial axis (1), got (5, 5); match the kernel's rank",
    ):
        kn.conv_matrix(K, (5, 5))
    for wrong in (2.5, (2.5,), (-1,), True, "5"):
        message = (
            f"spatial_shape must be non-negative integers, got {wrong!r}; give one size per spatial axis"
        )
        with raises(kn.ShapeError, message):
            kn.conv_matrix(K, wrong)
    with raises(kn.GroupsError, "groups must divide the 3 output channels, got 2; give a divisor"):
        kn.patch_matrix(X, (3,), out_channels=3, groups=2)
    with raises(kn.ShapeError, "out_channels must be a positive integer, got 0; give 1 or more"):
        kn.patch_matrix(X, (3,), out_channels=0)


def test_layouts() -> None:
    with raises(
        kn.LayoutError, "source must have I, O and each spatial letter once, got 'OHW'; write e.g. 'HWIO'"
    ):
        kn.convert_layout(K, "OHW", "HWO")
    with raises(
        kn.LayoutError, "target must have I, O and each spatial letter once, got 'OOI'; write e.g. 'HWIO'"
    ):
        kn.convert_layout(K, "WIO", "OOI")
    with raises(kn.LayoutError, "target must have the letters of 'WIO', got 'HIO'; reorder those letters"):
        kn.convert_layout(K, "WIO", "HIO")
    with raises(
        kn.LayoutError, "source must name the 3 axes of the kernel, got 'OIHW'; give one letter per axis"
    ):
        kn.convert_layout(K, "OIHW", "HWIO")


def test_errors_carry_their_parts() -> None:
    with pytest.raises(kn.KernelError) as caught:
        kn.conv(X, K, strides=0)
    error = caught.value
    assert (error.argument, error.rule, error.value) == ("strides", "must be a positive integer", "0")
    assert error.remedy == "give 1 or more"
    assert isinstance(error, ValueError)


def test_nan_passes_through() -> None:
    """A NaN reaches exactly the outputs that see it, in values, adjoints, pools and matrices."""
    x = np.zeros((7, 1), np.float32)
    x[3] = np.nan
    ones = np.ones((3, 1, 1), np.float32)
    seen = [2, 3, 4]
    assert np.flatnonzero(np.isnan(kn.conv(x, ones))).tolist() == seen
    assert np.flatnonzero(np.isnan(kn.input_adjoint(x, ones, input_shape=(7, 1)))).tolist() == seen
    for pool in (kn.max_pool, kn.avg_pool):
        assert np.flatnonzero(np.isnan(pool(x, (3,), strides=1, padding="SAME"))).tolist() == seen
    assert np.isnan(kn.patch_matrix(x, (3,))).sum() == 3
    ones[1] = np.nan
    assert np.isnan(kn.conv_matrix(ones, 7)).sum() == 7
