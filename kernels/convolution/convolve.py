"""The public convolutions: `conv`, its exact transpose, and its two adjoints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from kernels.convolution import adjoint, border, primitive
from kernels.convolution import options as opt
from kernels.convolution.options import Ints, Options, Padding, Precision
from kernels.errors import GroupsError, PaddingError, ShapeError


def conv(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str = "auto",
    precision: Precision = None,
) -> jax.Array:
    """Convolution of a field with a kernel, in any number of spatial dimensions, channels last.

        y[n,p,i] = sum_{j,c} kernel[j,c,i] x[n, strides p + dilation j - low, c]

    (cross-correlation, the convention of the field; ``flip=True`` reverses the kernel in space, which makes it the
    convolution of mathematics).

    Args:
        x: (batch..., spatial..., C_in), zero or more batch axes, real floating-point.
        kernel: (spatial..., C_in / groups, C_out) of the same dtype; its rank fixes the spatial dimension.
        strides, dilation: a positive integer, or one per spatial axis.
        padding: "SAME" (zeros; the output has ceil(n / stride) sites, an odd zero goes to the end), "VALID" (none; a
            window larger than the image gives an empty result), "CIRCULAR" or "REFLECT" (the image continued
            periodically or mirrored without repeating the edge, each window centred on input strides * p), an
            integer (that many zeros on every side), or a (low, high) pair per axis, negative to crop.
        groups: input and output channels fall into this many blocks that do not mix; block g of the outputs
            is ``kernel[..., g * C_out / groups : (g + 1) * C_out / groups]``.
        implementation: "auto", or the name of one way to compute it.
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
        x, kernel, _parse(kernel, strides, padding, dilation, groups, flip, implementation, precision)
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
    implementation: str = "auto",
    precision: Precision = None,
) -> jax.Array:
    """The exact transpose of `conv` with the same kernel and options: <conv(x, k), y> = <x, conv_transpose(y, k)>.

        y[n,q,c] = sum_{p,j,i : q = strides p + dilation j - low} kernel[j,c,i] x[n,p,i]

    Args:
        x: (batch..., spatial..., C_out), a field such as `conv` returns.
        kernel: (spatial..., C_in / groups, C_out), the kernel of that `conv`.
        output_shape: the spatial shape of the result. With strides above 1 several inputs of `conv` give one output
            shape; by default the result is strides * n for SAME, CIRCULAR and REFLECT, and the shortest,
            strides (n - 1) + dilation (k - 1) + 1 - low - high, for VALID and explicit padding.
        strides, padding, dilation, groups, flip, implementation, precision: as in `conv`.

    Returns:
        (batch..., *output_shape, C_in).

    Raises:
        ShapeError: `conv` does not take `output_shape` to the spatial shape of x; other kinds as in `conv`.

    >>> x = jnp.array([1.0, 10.0]).reshape(2, 1)
    >>> conv_transpose(x, jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), strides=2, padding="VALID").ravel().tolist()
    [1.0, 2.0, 13.0, 20.0, 30.0]

    Source: M. Zeiler, D. Krishnan, G. Taylor, R. Fergus, "Deconvolutional networks", CVPR 2010.
    """
    options = _parse(kernel, strides, padding, dilation, groups, flip, implementation, precision)
    return _conv_transpose(x, kernel, options, None if output_shape is None else tuple(output_shape))


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
    implementation: str = "auto",
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

    >>> ybar = jnp.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(5, 1)
    >>> input_adjoint(ybar, jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), input_shape=(5, 1)).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 0.0]

    Source: as for `conv`, section 4.
    """
    options = _parse(kernel, strides, padding, dilation, groups, flip, implementation, precision)
    return _input_adjoint(ybar, kernel, options, tuple(input_shape))


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
    implementation: str = "auto",
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

    >>> x = jnp.arange(1.0, 6.0).reshape(5, 1)
    >>> ybar = jnp.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(5, 1)
    >>> kernel_adjoint(x, ybar, kernel_shape=(3, 1, 1)).ravel().tolist()
    [2.0, 3.0, 4.0]

    Source: as for `conv`.
    """
    shape = tuple(kernel_shape)
    rank = opt.check_kernel(shape, opt.positive("groups", groups, GroupsError), "kernel_shape")
    options = opt.parse(rank, strides, padding, dilation, groups, flip, implementation, precision)
    return _kernel_adjoint(x, ybar, options, shape)


def _parse(kernel: Any, *options: Any) -> Options:
    opt.check_array("kernel", kernel)
    return opt.parse(max(len(kernel.shape) - 2, 0), *options)


@partial(jax.jit, static_argnums=2, inline=True)
def _conv(x: jax.Array, kernel: jax.Array, options: Options) -> jax.Array:
    opt.check_dtypes("x", x, "kernel", kernel)
    batch = _check_input("x", x.shape, kernel.shape, options)
    x, primitive_options = _border(opt.flatten(x, batch), kernel.shape, options)
    kernel = adjoint.flip(kernel) if options.flip else kernel
    return opt.unflatten(primitive.bind(x, kernel, **primitive_options), batch)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _input_adjoint(ybar: jax.Array, kernel: jax.Array, options: Options, shape: tuple[int, ...]) -> jax.Array:
    opt.check_dtypes("ybar", ybar, "kernel", kernel)
    batch = _check_input("input_shape", shape, kernel.shape, options)
    _check_output("ybar", ybar.shape, "input_shape", shape, batch, kernel.shape, options)
    pads, wraps = _pads(shape[-options.rank - 1 : -1], kernel.shape, options)
    spatial = _spatial(shape, pads, wraps, options)
    kernel = adjoint.flip(kernel) if options.flip else kernel
    zero = _primitive_options(pads, wraps, options)
    lhs, rhs, form = adjoint.input_form(opt.flatten(ybar, batch), kernel, spatial, **zero)
    xbar = primitive.bind(lhs, rhs, **form)
    return opt.unflatten(border.fold(xbar, pads, str(options.padding)) if wraps else xbar, batch)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _kernel_adjoint(x: jax.Array, ybar: jax.Array, options: Options, shape: tuple[int, ...]) -> jax.Array:
    opt.check_dtypes("x", x, "ybar", ybar)
    batch = _check_input("x", x.shape, shape, options)
    _check_output("ybar", ybar.shape, "x", x.shape, batch, shape, options)
    x, zero = _border(opt.flatten(x, batch), shape, options)
    lhs, rhs, form = adjoint.kernel_form(x, opt.flatten(ybar, batch), shape[:-2], **zero)
    kbar = jnp.moveaxis(primitive.bind(lhs, rhs, **form), 0, -2)
    return adjoint.flip(kbar) if options.flip else kbar


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _conv_transpose(
    x: jax.Array, kernel: jax.Array, options: Options, output_shape: tuple[int, ...] | None
) -> jax.Array:
    opt.check_dtypes("x", x, "kernel", kernel)
    rank = opt.check_kernel(kernel.shape, options.groups)
    batch = opt.check_field("x", x.shape, rank, kernel.shape[-1], "the last axis of the kernel")
    if output_shape is None:
        output_shape = _transposed_shape(x.shape[-rank - 1 : -1], kernel.shape[:-2], options)
    channels = kernel.shape[-2] * options.groups
    shape = (*batch, *output_shape, channels)
    if (
        len(output_shape) != rank
        or opt.output_shape(output_shape, kernel.shape[:-2], options) != x.shape[-rank - 1 : -1]
    ):
        raise ShapeError(
            "output_shape",
            f"must be a spatial shape that conv takes to {x.shape[-rank - 1 : -1]}",
            output_shape,
            "give one that fits, or leave it out",
        )
    return _input_adjoint(x, kernel, options, shape)


def _transposed_shape(spatial: Sequence[int], size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The input shape of `conv` that `conv_transpose` chooses among those with this output shape."""
    if options.padding in ("SAME", *opt.WRAPS):
        return tuple(n * s for n, s in zip(spatial, options.strides, strict=True))
    window = opt.extents(size, options.dilation)
    pads = opt.widths(options.padding, spatial, window, options.strides)
    return tuple(
        opt.clamp(s * (n - 1) + w - lo - hi)
        for n, s, w, (lo, hi) in zip(spatial, options.strides, window, pads, strict=True)
    )


def _check_input(
    name: str, shape: Sequence[int], kernel_shape: Sequence[int], options: Options
) -> tuple[int, ...]:
    """The input fits the kernel; returns its batch shape."""
    rank = opt.check_kernel(kernel_shape, options.groups)
    channels, groups = kernel_shape[-2] * options.groups, options.groups
    if groups > 1 and len(shape) > rank and shape[-1] % groups != 0:
        raise GroupsError(
            "groups", f"must divide the {shape[-1]} input channels of {name}", groups, "give a divisor"
        )
    return opt.check_field(name, shape, rank, channels, f"kernel {tuple(kernel_shape)}, groups {groups}")


def _check_output(
    name: str,
    shape: Sequence[int],
    source: str,
    input_shape: Sequence[int],
    batch: Sequence[int],
    kernel_shape: Sequence[int],
    options: Options,
) -> None:
    """A cotangent has the shape that `conv` returns."""
    out = opt.output_shape(input_shape[len(batch) : -1], kernel_shape[:-2], options)
    expected = (*batch, *out, kernel_shape[-1])
    if tuple(shape) != expected:
        raise ShapeError(
            name,
            f"must have the shape {expected} of conv's result",
            tuple(shape),
            f"check {source} and the options",
        )


def _pads(spatial: Sequence[int], kernel_shape: Sequence[int], options: Options) -> tuple[opt.Pads, bool]:
    """The border widths, and whether they repeat the image."""
    window = opt.extents(kernel_shape[:-2], options.dilation)
    return opt.widths(options.padding, spatial, window, options.strides), options.padding in opt.WRAPS


def _spatial(shape: Sequence[int], pads: opt.Pads, wraps: bool, options: Options) -> tuple[int, ...]:
    """The spatial shape that the primitive sees: with the repeated border, where there is one."""
    spatial = shape[-options.rank - 1 : -1]
    return tuple(n + lo + hi for n, (lo, hi) in zip(spatial, pads, strict=True)) if wraps else tuple(spatial)


def _border(x: jax.Array, kernel_shape: Sequence[int], options: Options) -> tuple[jax.Array, dict[str, Any]]:
    """x with a repeated border where there is one, and the primitive's options."""
    pads, wraps = _pads(x.shape[1:-1], kernel_shape, options)
    x = border.extend(x, pads, str(options.padding)) if wraps else x
    return x, _primitive_options(pads, wraps, options)


def _primitive_options(pads: opt.Pads, wraps: bool, options: Options) -> dict[str, Any]:
    """The primitive's options; the precision is settled here, in the caller's context."""
    precision = options.precision
    if precision is None:
        precision = jax.config.jax_default_matmul_precision
    return {
        "strides": options.strides,
        "padding": ((0, 0),) * options.rank if wraps else pads,
        "lhs_dilation": (1,) * options.rank,
        "rhs_dilation": options.dilation,
        "groups": options.groups,
        "implementation": options.implementation,
        "precision": precision,
    }
