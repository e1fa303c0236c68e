"""The public functions with arguments that fit, and what lax makes of the same convolutions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kernels as kn

X, K, Y = (jnp.ones(shape, "float32") for shape in ((2, 5, 4), (3, 4, 4), (2, 5, 4)))
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "conv": (kn.conv, (X, K), {}),
    "conv_transpose": (kn.conv_transpose, (Y, K), {"output_shape": (5,)}),
    "input_adjoint": (kn.input_adjoint, (Y, K), {"input_shape": X.shape}),
    "kernel_adjoint": (kn.kernel_adjoint, (X, Y), {"kernel_shape": K.shape}),
    "conv_matrix": (kn.conv_matrix, (K, (5,)), {}),
    "patch_matrix": (kn.patch_matrix, (X, 3), {"rank": 1, "out_channels": 4}),
    "conv_separable": (kn.conv_separable, (X, (jnp.ones(3, "float32"),)), {}),
    "avg_pool": (kn.avg_pool, (X, 3), {"rank": 1}),
    "max_pool": (kn.max_pool, (X, 3), {"rank": 1}),
    "explain": (kn.explain, (X.shape, K.shape), {"platform": "cpu"}),
    "autotune": (kn.autotune, (X.shape, K.shape), {"candidates": ("xla",), "rounds": 1}),
}


def takes(argument: str) -> list[str]:
    return [name for name, (op, *_) in FUNCTIONS.items() if argument in inspect.signature(op).parameters]


def takes_arrays(argument: str) -> list[str]:
    """Those that take an argument, and arrays rather than their shapes."""
    return [name for name in takes(argument) if hasattr(FUNCTIONS[name][1][0], "dtype")]


def call(name: str, **changed: Any) -> Any:
    """The function with one of its arguments replaced, wherever it stands."""
    op, arrays, given = FUNCTIONS[name]
    bound = inspect.signature(op).bind(*arrays, **given)
    bound.arguments.update(changed)
    return op(*bound.args, **bound.kwargs)


def says(kind: type[kn.KernelError], message: str, name: str, **changed: Any) -> None:
    with pytest.raises(kind) as error:
        call(name, **changed)
    assert type(error.value) is kind, name
    assert str(error.value) == message, name


def theirs(
    x: jax.Array, kernel: jax.Array, strides: Any = (1, 1), padding: Any = "SAME", **options: Any
) -> jax.Array:
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=numbers, **options)


def three(op: Any, x: jax.Array, kernel: jax.Array) -> list[jax.Array]:
    y, pull = jax.vjp(op, x, kernel)
    return [y, *pull(jnp.cos(y).astype(y.dtype))]


def agree(ours: Any, expected: Any, x: jax.Array, kernel: jax.Array, tolerance: float = 1e-12) -> None:
    """Value and both gradients."""
    pairs = zip(three(ours, x, kernel), three(expected, x, kernel), strict=True)
    for got, wanted in pairs:
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance, strict=True)
