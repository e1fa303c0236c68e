"""The public convolutions: `conv`, and `conv_transpose`, its exact transpose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp  # noqa: F401  (the examples use it)

from kernels.convolution import adjoint_api, operands, primitive, shapes, transposes
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import WRAPS, Ints, Options, Padding, Precision
from kernels.errors import ShapeError


def conv(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> jax.Array:
    """Convolution of a field with a kernel, in any number of spatial dimensions, channels last.

        y[n,p,i] = sum_{j,c} kernel[j,c,i] x[n, strides p + dilation j - low, c]

    (cross-correlation, the convention of the field; ``flip=True`` reverses the kernel in space, which makes
    it the convolution of mathematics).

    Args:
        x: (batch..., spatial..., C_in), zero or more batch axes, real floating-point.
        kernel: (spatial..., C_in / groups, C_out) of the same dtype; its rank fixes the spatial dimension.
        strides, dilation: a positive integer, or one per spatial axis.
        padding: one of
            "SAME": zeros; the output has ceil(n / stride) sites, an odd zero goes to the end;
            "VALID": none; a window larger than the image gives an empty result;
            "CIRCULAR", "REFLECT": the image continued periodically, or mirrored without repeating the edge;
            each window is centred on input site strides * p (an even one reaches one further to the right);
            an integer: that many zeros on every side;
            a (low, high) pair per axis: as many zeros, negative to crop.
        groups: input and output channels fall into this many blocks that do not mix; block g of the outputs
            is ``kernel[..., g * C_out / groups : (g + 1) * C_out / groups]``.
        implementation: "auto", the name of one way to compute it and its adjoints, "lax" for a trace of
            nothing but `lax` (see `only_lax`), or a measured policy; see `explain`, `autotune` and
            `calibrate`. Unless transforms are named ("fft"), a value, be it NaN or huge, changes no output
            whose window it is not in.
        precision: as in `jax.lax`.

    Returns:
        (batch..., out..., C_out).

    Raises:
        KernelError: one of its kinds, which names the argument, the rule, the value and the remedy.

    >>> x = jnp.arange(9.0).reshape(3, 3, 1)
    >>> kernel = jnp.array([[0.0, 1.0], [2.0, 3.0]]).reshape(2, 2, 1, 1)
    >>> conv(x, kernel, padding="VALID")[..., 0].tolist()
    [[19.0, 25.0], [37.0, 43.0]]

    Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    return _conv(
        x,
        kernel,
        operands.parse_for(kernel, strides, padding, dilation, groups, flip, implementation, precision),
    )


def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    output_shape: Sequence[int] | None = None,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> jax.Array:
    """The exact transpose of `conv`, same kernel and options: <conv(x, k), y> = <x, conv_transpose(y, k)>.

        y[n,q,c] = sum_{p,j,i : q = strides p + dilation j - low} kernel[j,c,i] x[n,p,i]

    Args:
        x: (batch..., spatial..., C_out), a field such as `conv` returns.
        kernel: (spatial..., C_in / groups, C_out), the kernel of that `conv`.
        output_shape: the spatial shape of the result. With strides above 1 several inputs of `conv` give one
            output shape; by default the result is strides * n for SAME, CIRCULAR and REFLECT, and the
            shortest, strides (n - 1) + dilation (k - 1) + 1 - low - high, for VALID and explicit padding.
        strides, padding, dilation, groups, flip, implementation, precision: as in `conv`.

    Returns:
        (batch..., *output_shape, C_in).

    Raises:
        ShapeError: `conv` does not take `output_shape` to the spatial shape of x; other kinds as in `conv`.

    >>> x, kernel = jnp.array([[1.0], [10.0]]), jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    >>> conv_transpose(x, kernel, strides=2, padding="VALID").ravel().tolist()
    [1.0, 2.0, 13.0, 20.0, 30.0]

    Source: M. Zeiler, D. Krishnan, G. Taylor, R. Fergus, "Deconvolutional networks", CVPR 2010.
    """
    options = operands.parse_for(kernel, strides, padding, dilation, groups, flip, implementation, precision)
    return _conv_transpose(x, kernel, options, None if output_shape is None else tuple(output_shape))


@partial(jax.jit, static_argnums=2, inline=True)
def _conv(x: jax.Array, kernel: jax.Array, options: Options) -> jax.Array:
    operands.check_dtypes("x", x, "kernel", kernel)
    batch = operands.check_input("x", x.shape, kernel.shape, options)
    x, zero = operands.bordered(operands.flatten(x, batch), kernel.shape, options)
    kernel = transposes.flip(kernel) if options.flip else kernel
    return operands.unflatten(primitive.bind(x, kernel, **zero), batch)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _conv_transpose(
    x: jax.Array, kernel: jax.Array, options: Options, output_shape: tuple[int, ...] | None
) -> jax.Array:
    operands.check_dtypes("x", x, "kernel", kernel)
    rank = operands.check_kernel(kernel.shape, options.groups)
    batch = operands.check_field("x", x.shape, rank, kernel.shape[-1], "the last axis of the kernel")
    spatial, size = x.shape[len(batch) : -1], kernel.shape[:-2]
    if output_shape is None:
        output_shape = _transposed_shape(spatial, size, options)
    if len(output_shape) != rank or shapes.output_shape(output_shape, size, options) != spatial:
        raise ShapeError(
            "output_shape",
            f"must be a spatial shape that conv takes to {spatial}",
            output_shape,
            "give one that fits, or leave it out",
        )
    shape = (*batch, *output_shape, kernel.shape[-2] * options.groups)
    return adjoint_api.input_adjoint_of(x, kernel, options, shape)


def _transposed_shape(spatial: Sequence[int], size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The input shape of `conv` that `conv_transpose` chooses among those with this output shape."""
    if options.padding in ("SAME", *WRAPS):
        return tuple(n * s for n, s in zip(spatial, options.strides, strict=True))
    window = shapes.extents(size, options.dilation)
    pads = shapes.widths(options.padding, spatial, window, options.strides)
    return tuple(
        shapes.clamp(s * (n - 1) + w - lo - hi)
        for n, s, w, (lo, hi) in zip(spatial, options.strides, window, pads, strict=True)
    )
