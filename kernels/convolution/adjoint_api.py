"""The public adjoints of `conv`, with respect to its input and to its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax

from kernels.convolution import operands, primitive, transposes
from kernels.convolution import options as opt
from kernels.convolution.borders import wrap
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import Ints, Options, Padding, Precision


def input_adjoint(
    ybar: jax.Array,
    kernel: jax.Array,
    *,
    input_shape: Sequence[int],
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> jax.Array:
    """The adjoint of x -> conv(x, kernel): what a cotangent of the output says about the input.

    With stride 1 it is the cross-correlation of `ybar` with the flipped, channel-transposed kernel:

        xbar[n,q,c] = sum_{p,j,i : q = strides p + dilation j - low} kernel[j,c,i] ybar[n,p,i]

    Args:
        ybar: (batch..., out..., C_out).
        kernel: (spatial..., C_in / groups, C_out).
        input_shape: (batch..., spatial..., C_in), the shape of x.
        strides, padding, dilation, groups, flip, implementation, precision: as in `conv`.

    Returns:
        An array of shape `input_shape`.

    Raises:
        ShapeError: `conv` does not take `input_shape` to the shape of `ybar`; other kinds as in `conv`.

    >>> import jax.numpy as jnp
    >>> ybar = jnp.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(5, 1)
    >>> input_adjoint(ybar, jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), input_shape=(5, 1)).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 0.0]

    Source: as for `conv`, section 4.
    """
    options = operands.parse_for(kernel, strides, padding, dilation, groups, flip, implementation, precision)
    return input_adjoint_of(ybar, kernel, options, tuple(input_shape))


def kernel_adjoint(
    x: jax.Array,
    ybar: jax.Array,
    *,
    kernel_shape: Sequence[int],
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> jax.Array:
    """The adjoint of kernel -> conv(x, kernel): the transpose of the patch matrix of x, applied to `ybar`.

        kbar[j,c,i] = sum_{n,p} ybar[n,p,i] x[n, strides p + dilation j - low, c]

    Args:
        x: (batch..., spatial..., C_in).
        ybar: (batch..., out..., C_out).
        kernel_shape: (spatial..., C_in / groups, C_out).
        strides, padding, dilation, groups, flip, implementation, precision: as in `conv`.

    Returns:
        An array of shape `kernel_shape`.

    Raises:
        ShapeError: `conv` does not take x and such a kernel to the shape of `ybar`; other kinds as in `conv`.

    >>> import jax.numpy as jnp
    >>> x = jnp.arange(1.0, 6.0).reshape(5, 1)
    >>> ybar = jnp.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(5, 1)
    >>> kernel_adjoint(x, ybar, kernel_shape=(3, 1, 1)).ravel().tolist()
    [2.0, 3.0, 4.0]

    Source: as for `conv`.
    """
    shape = tuple(kernel_shape)
    rank = operands.check_kernel(shape, 1, "kernel_shape")
    options = opt.parse(rank, strides, padding, dilation, groups, flip, implementation, precision)
    return _kernel_adjoint(x, ybar, options, shape)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def input_adjoint_of(
    ybar: jax.Array, kernel: jax.Array, options: Options, shape: tuple[int, ...]
) -> jax.Array:
    """`input_adjoint` with its options parsed."""
    operands.check_dtypes("ybar", ybar, "kernel", kernel)
    batch = operands.check_input("input_shape", shape, kernel.shape, options)
    operands.check_output("ybar", ybar.shape, "input_shape", shape, batch, kernel.shape, options)
    spatial = shape[-options.rank - 1 : -1]
    how = operands.geometry(spatial, kernel.shape, options)
    if how.mirrored:
        spatial = tuple(n + lo + hi for n, (lo, hi) in zip(spatial, how.mirrored, strict=True))
    kernel = transposes.flip(kernel) if options.flip else kernel
    xbar = primitive.input_adjoint(operands.flatten(ybar, batch), kernel, spatial, **how.options)
    return operands.unflatten(wrap.fold(xbar, how.mirrored, "REFLECT") if how.mirrored else xbar, batch)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _kernel_adjoint(x: jax.Array, ybar: jax.Array, options: Options, shape: tuple[int, ...]) -> jax.Array:
    operands.check_dtypes("x", x, "ybar", ybar)
    batch = operands.check_input("x", x.shape, shape, options)
    operands.check_output("ybar", ybar.shape, "x", x.shape, batch, shape, options)
    x, zero = operands.bordered(operands.flatten(x, batch), shape, options)
    kbar = primitive.kernel_adjoint(x, operands.flatten(ybar, batch), shape[:-2], **zero)
    return transposes.flip(kbar) if options.flip else kbar
