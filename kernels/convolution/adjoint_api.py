"""The public adjoints of `conv`, with respect to its input and to its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax

from kernels.convolution import complex_parts, geometry, operands, primitive, transposes
from kernels.convolution import options as opt
from kernels.convolution.borders.border import Padding
from kernels.convolution.channel_axes import groups_to_samples, samples_to_groups
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import DtypeLike, Options, Precision
from kernels.integers import Ints, sizes


def input_adjoint(
    ybar: jax.Array,
    kernel: jax.Array,
    *,
    input_shape: Sequence[int],
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    batch_group_count: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
    preferred_element_type: DtypeLike = None,
) -> jax.Array:
    """The adjoint of x -> conv(x, kernel): what a cotangent of the output says about the input.

    With stride 1 it is the cross-correlation of `ybar` with the flipped, channel-transposed kernel:

        xbar[n,q,c] = sum_{p,j,i : q = strides p + dilation j - low} kernel[j,c,i] ybar[n,p,i]

    Args:
        ybar: (batch..., out..., C_out).
        kernel: (spatial..., C_in / groups, C_out).
        input_shape: (batch..., spatial..., C_in), the shape of x.
        other arguments: as in `conv`.

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
    options = operands.parse_for(
        kernel,
        strides=strides,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
        groups=groups,
        batch_group_count=batch_group_count,
        flip=flip,
        implementation=implementation,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )
    shape = sizes("input_shape", input_shape, "give the shape of x")
    return input_adjoint_of(ybar, kernel, options, shape)


def kernel_adjoint(
    x: jax.Array,
    ybar: jax.Array,
    *,
    kernel_shape: Sequence[int],
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    batch_group_count: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
    preferred_element_type: DtypeLike = None,
) -> jax.Array:
    """The adjoint of kernel -> conv(x, kernel): the transpose of the patch matrix of x, applied to `ybar`.

        kbar[j,c,i] = sum_{n,p} ybar[n,p,i] x[n, strides p + dilation j - low, c]

    Args:
        x: (batch..., spatial..., C_in).
        ybar: (batch..., out..., C_out).
        kernel_shape: (spatial..., C_in / groups, C_out).
        other arguments: as in `conv`.

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
    shape = sizes("kernel_shape", kernel_shape, "give the shape of the kernel")
    options = opt.parse(
        operands.check_kernel(shape, 1, "kernel_shape"),
        strides=strides,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
        groups=groups,
        batch_group_count=batch_group_count,
        flip=flip,
        implementation=implementation,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )
    return _kernel_adjoint(x, ybar, options, shape)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def input_adjoint_of(
    ybar: jax.Array, kernel: jax.Array, options: Options, shape: tuple[int, ...]
) -> jax.Array:
    """`input_adjoint` with its options parsed."""
    operands.check_numbers("ybar", ybar, "kernel", kernel, options.wanted)
    batch = operands.check_input("input_shape", shape, kernel.shape, options)
    operands.check_output("ybar", ybar.shape, "input_shape", shape, batch, kernel.shape, options)
    spatial = shape[-options.rank - 1 : -1]
    how = geometry.geometry(spatial, kernel.shape, options)

    def product(ybar: jax.Array, kernel: jax.Array) -> jax.Array:
        kernel = transposes.flip(kernel) if options.flip else kernel
        ybar = operands.flatten(ybar, operands.output_batch(batch, options))
        xbar = how.more.fold(primitive.input_adjoint(ybar, kernel, how.more.longer(spatial), **how.options))
        return operands.unflatten(groups_to_samples(xbar, options.batch_groups), batch)

    return complex_parts.bilinear(product)(ybar, kernel)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _kernel_adjoint(x: jax.Array, ybar: jax.Array, options: Options, shape: tuple[int, ...]) -> jax.Array:
    operands.check_numbers("x", x, "ybar", ybar, options.wanted)
    batch = operands.check_input("x", x.shape, shape, options)
    operands.check_output("ybar", ybar.shape, "x", x.shape, batch, shape, options)

    def product(x: jax.Array, ybar: jax.Array) -> jax.Array:
        x = samples_to_groups(operands.flatten(x, batch), options.batch_groups)
        x, how = geometry.bordered(x, shape, options)
        ybar = operands.flatten(ybar, operands.output_batch(batch, options))
        kbar = primitive.kernel_adjoint(x, ybar, shape[:-2], **how)
        return transposes.flip(kbar) if options.flip else kbar

    return complex_parts.bilinear(product)(x, ybar)
