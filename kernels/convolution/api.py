"""The public convolutions: `conv`, and `conv_transpose`, its exact transpose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp  # noqa: F401  (the examples use it)

from kernels.convolution import adjoint_api, complex_parts, geometry, operands, primitive, shapes, transposes
from kernels.convolution.borders.border import Padding
from kernels.convolution.channel_axes import samples_to_groups
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import DtypeLike, Options, Precision
from kernels.errors import ShapeError
from kernels.integers import Ints, sizes


def conv(
    x: jax.Array,
    kernel: jax.Array,
    *,
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
    """Convolution of a field with a kernel, in any number of spatial dimensions, channels last.

        y[n,p,i] = sum_{j,c,q : input_dilation q = strides p + dilation j - low} kernel[j,c,i] x[n,q,c]

    (cross-correlation, the convention of the field; ``flip=True`` reverses the kernel in space, which makes
    it the convolution of mathematics).

    Args:
        x: (batch..., spatial..., C_in), zero or more batch axes: floating-point, complex, or of integers.
        kernel: (spatial..., C_in / groups, C_out) of the same dtype; its rank fixes the spatial dimension.
        strides, dilation: a positive integer, or one per spatial axis.
        padding: for all spatial axes, or a sequence of one for each, mixed freely:
            "SAME": zeros; the output has ceil(n / stride) sites, an odd zero goes to the end;
            "SAME_LOWER": the same, an odd zero goes to the beginning;
            "VALID": none; a window larger than the image gives an empty result;
            "CAUSAL": zeros before the image only, so that output p sees nothing beyond site stride * p;
            "CIRCULAR", "REFLECT", "REPLICATE": the image continued periodically, mirrored without repeating
            the edge, or by its edge sites; each window is centred on input site strides * p (an even one
            reaches one further to the right);
            an integer: that many zeros on both sides;
            a (low, high) pair, which stands in a sequence of one per axis: as many zeros, negative to crop.
        input_dilation: site q of the image, with its border, lies at place input_dilation * q, with zeros
            between. The n above is then input_dilation (n - 1) + 1 places, on a circle input_dilation * n.
        groups: input and output channels fall into this many blocks that do not mix; block g of the outputs
            is ``kernel[..., g * C_out / groups : (g + 1) * C_out / groups]``.
        batch_group_count: samples (of the first batch axis) and output channels fall into this many blocks,
            as in `jax.lax`: block g of the samples gives block g of the channels, and N samples N / count.
        implementation: "auto", the name of one way to compute it and its adjoints, "lax" for a trace of
            nothing but `lax` (see `only_lax`), or a measured policy; see `explain`, `autotune` and
            `calibrate`. Unless transforms are named ("fft"), a value, be it NaN or huge, changes no output
            whose window it is not in.
        precision: as in `jax.lax`.
        preferred_element_type: the dtype of the sums and of the result, as in `jax.lax`; that of x unless
            given. Integers need it, since their products seldom fit: int8 into int32.

    Complex arrays take three real convolutions, the kernel is not conjugated, and the adjoints are JAX's
    transposes, A^T and not A^H. Integers have no gradients.

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
    return conv_of(x, kernel, options)


def conv_transpose(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    batch_group_count: int = 1,
    flip: bool = False,
    output_shape: Sequence[int] | None = None,
    implementation: str | Policy = "auto",
    precision: Precision = None,
    preferred_element_type: DtypeLike = None,
) -> jax.Array:
    """The exact transpose of `conv`, same kernel and options: <conv(x, k), y> = <x, conv_transpose(y, k)>.

        y[n,q,c] = sum_{p,j,i : q = strides p + dilation j - low} kernel[j,c,i] x[n,p,i]

    Args:
        x: (batch..., spatial..., C_out), a field such as `conv` returns.
        kernel: (spatial..., C_in / groups, C_out), the kernel of that `conv`.
        output_shape: the spatial shape of the result. With strides above 1 several inputs of `conv` give one
            output shape; by default the result is the shortest, strides (n - 1) + dilation (k - 1) + 1 - low
            - high, for VALID and explicit padding, and strides * n for all others.
        other arguments: as in `conv`; with a batch_group_count x has as many samples less.

    Returns:
        (batch..., *output_shape, C_in).

    Raises:
        ShapeError: `conv` does not take `output_shape` to the spatial shape of x; other kinds as in `conv`.

    >>> x, kernel = jnp.array([[1.0], [10.0]]), jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    >>> conv_transpose(x, kernel, strides=2, padding="VALID").ravel().tolist()
    [1.0, 2.0, 13.0, 20.0, 30.0]

    Source: M. Zeiler, D. Krishnan, G. Taylor, R. Fergus, "Deconvolutional networks", CVPR 2010.
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
    shape = None
    if output_shape is not None:
        shape = sizes("output_shape", output_shape, "give the spatial shape, or leave it out")
    return _conv_transpose(x, kernel, options, shape)


@partial(jax.jit, static_argnums=2, inline=True)
def conv_of(x: jax.Array, kernel: jax.Array, options: Options) -> jax.Array:
    """`conv` with its options parsed."""
    operands.check_numbers("x", x, "kernel", kernel, options.wanted)
    batch = operands.check_input("x", x.shape, kernel.shape, options)

    def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
        x = samples_to_groups(operands.flatten(x, batch), options.batch_groups)
        x, how = geometry.bordered(x, kernel.shape, options)
        kernel = transposes.flip(kernel) if options.flip else kernel
        return operands.unflatten(primitive.bind(x, kernel, **how), operands.output_batch(batch, options))

    return complex_parts.bilinear(product)(x, kernel)


@partial(jax.jit, static_argnums=(2, 3), inline=True)
def _conv_transpose(
    x: jax.Array, kernel: jax.Array, options: Options, output_shape: tuple[int, ...] | None
) -> jax.Array:
    operands.check_numbers("x", x, "kernel", kernel, options.wanted)
    rank = operands.check_kernel(kernel.shape, options.groups)
    batch = operands.check_field("x", x.shape, rank, kernel.shape[-1], "the last axis of the kernel")
    spatial, size = x.shape[len(batch) : -1], kernel.shape[:-2]
    if output_shape is None:
        output_shape = shapes.input_shape(spatial, size, options)
    if len(output_shape) != rank or shapes.output_shape(output_shape, size, options) != spatial:
        raise ShapeError(
            "output_shape",
            f"must be a spatial shape that conv takes to {spatial}",
            output_shape,
            "give one that fits, or leave it out",
        )
    batch = operands.input_batch(batch, options)
    shape = (*batch, *output_shape, kernel.shape[-2] * options.groups)
    return adjoint_api.input_adjoint_of(x, kernel, options, shape)
