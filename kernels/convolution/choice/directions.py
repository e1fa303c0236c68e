"""The three convolutions of a layer: forward, and the adjoints with respect to its input and its kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels.convolution.api import conv, conv_transpose
from kernels.convolution.primitive import works
from kernels.convolution.work import Work
from kernels.integers import sizes
from kernels.lax_alone import only_lax


class Direction(NamedTuple):
    """A name, the function of two arrays, their shapes, and the one convolution that it is."""

    name: str
    call: Callable[..., jax.Array]
    operands: tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]
    work: Work


def directions(
    x_shape: Sequence[int],
    kernel_shape: Sequence[int],
    dtype: Any,
    platform: str | None,
    transposed: bool,
    **options: Any,
) -> tuple[Direction, Direction, Direction]:
    """The three of `conv`, or of `conv_transpose`, for operands of these shapes."""
    op: Callable[..., jax.Array] = partial(conv_transpose if transposed else conv, **options)
    shapes = {"x_shape": x_shape, "kernel_shape": kernel_shape}
    x, kernel = (
        jax.ShapeDtypeStruct(sizes(name, shape, "give the shape of the array"), jnp.dtype(dtype))
        for name, shape in shapes.items()
    )
    ybar = jax.eval_shape(op, x, kernel)

    def input_adjoint(ybar: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.linear_transpose(lambda x: op(x, kernel), x)(ybar)[0]

    def kernel_adjoint(x: jax.Array, ybar: jax.Array) -> jax.Array:
        return jax.linear_transpose(lambda kernel: op(x, kernel), kernel)(ybar)[0]

    def direction(name: str, call: Callable[..., jax.Array], *shaped: jax.ShapeDtypeStruct) -> Direction:
        return Direction(name, call, (shaped[0], shaped[1]), _work(call, shaped, platform))

    return (
        direction("forward", op, x, kernel),
        direction("input adjoint", input_adjoint, ybar, kernel),
        direction("kernel adjoint", kernel_adjoint, x, ybar),
    )


def _work(call: Callable[..., Any], shaped: Sequence[Any], platform: str | None) -> Work:
    """What the one primitive in the trace of `call` has to do."""
    with only_lax(False):
        (work,) = works(jax.make_jaxpr(call)(*shaped).jaxpr, platform)
    return work
