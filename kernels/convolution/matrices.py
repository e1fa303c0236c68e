"""The two matrices of a convolution: it is bilinear, so it is a matrix in the input and one in the kernel.

    conv(x, k).reshape(-1) == conv_matrix(k, ...) @ x.reshape(-1) == patch_matrix(x, ...) @ k.reshape(-1)

Entries are copied to their places, never multiplied by zero, so a NaN stays where it belongs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from kernels import integers
from kernels.convolution import operands, shapes
from kernels.convolution import options as opt
from kernels.convolution.borders import wrap
from kernels.convolution.borders.border import REPEATS, Padding
from kernels.convolution.options import Options
from kernels.errors import GroupsError, ShapeError, WindowError
from kernels.integers import Ints


def conv_matrix(
    kernel: jax.Array,
    spatial_shape: Ints,
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
) -> jax.Array:
    """The matrix of x -> conv(x, kernel) for one sample: M @ x.reshape(-1) == conv(x, kernel).reshape(-1).

        M[(p,i), (q,c)] = sum of kernel[j,c,i] over the taps j that bring q to p

    Args:
        kernel: (spatial..., C_in / groups, C_out).
        spatial_shape: the spatial shape of x; an integer in one dimension.
        strides, padding, dilation, input_dilation, groups, flip: as in `conv`.

    Returns:
        (prod(out) * C_out, prod(spatial_shape) * C_in), sites outermost and channels innermost on both sides.

    Raises:
        ShapeError: `spatial_shape` does not fit the kernel; other kinds as in `conv`.

    >>> conv_matrix(jnp.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), 5).astype(int).tolist()
    [[2, 3, 0, 0, 0], [1, 2, 3, 0, 0], [0, 1, 2, 3, 0], [0, 0, 1, 2, 3], [0, 0, 0, 1, 2]]

    Source: R. Gray, "Toeplitz and circulant matrices: a review", 2006.
    """
    operands.check_copied("kernel", kernel)
    options = operands.parse_for(
        kernel,
        strides=strides,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
        groups=groups,
        flip=flip,
    )
    one = integers.index(spatial_shape)
    spatial = integers.sizes(
        "spatial_shape", spatial_shape if one is None else (one,), "give one size per spatial axis"
    )
    if len(spatial) != options.rank:
        raise ShapeError(
            "spatial_shape",
            f"must have one size per spatial axis ({options.rank})",
            spatial,
            "match the kernel's rank",
        )
    return _conv_matrix(kernel, spatial, options)


def patch_matrix(
    x: jax.Array,
    kernel_size: Ints,
    *,
    rank: int | None = None,
    out_channels: int | None = None,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
) -> jax.Array:
    """The matrix X of kernel -> conv(x, kernel), with X @ kernel.reshape(-1) == conv(x, kernel).reshape(-1).

        X[(n,p,i), (j,c,i')] = x[n, strides p + dilation j - low, c] if i == i' else 0

    Args:
        x: (batch..., spatial..., C_in).
        kernel_size: the spatial shape of the kernel, or one integer for all of its `rank` axes.
        rank: the number of spatial axes, where `kernel_size` is an integer.
        out_channels: C_out of the kernel; one per group unless given.
        strides, padding, dilation, input_dilation, groups, flip: as in `conv`.

    Returns:
        (batch * prod(out) * C_out, prod(kernel_size) * C_in / groups * C_out).

    Raises:
        ShapeError, GroupsError: x, `out_channels` and `groups` do not fit; other kinds as in `conv`.

    >>> patch_matrix(jnp.arange(1.0, 6.0).reshape(5, 1), (3,)).astype(int).tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 0]]

    Source: K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for document
    processing", 2006 (unrolled convolution).
    """
    operands.check_copied("x", x)
    size = window_shape("kernel_size", kernel_size, rank, len(x.shape))
    options = opt.parse(
        len(size),
        strides=strides,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
        groups=groups,
        flip=flip,
    )
    outputs = options.groups
    if out_channels is not None:
        outputs = integers.positive("out_channels", out_channels, ShapeError)
    if outputs % options.groups != 0:
        raise GroupsError("groups", f"must divide the {outputs} output channels", groups, "give a divisor")
    return _patch_matrix(x, size, outputs, options)


def window_shape(name: str, window: Ints, rank: int | None, ndim: int) -> tuple[int, ...]:
    """A window's spatial shape: a tuple says how many axes are spatial, an integer needs `rank` to say it."""
    axes = None if rank is None else integers.positive("rank", rank)
    size = integers.sequence(window)
    if size is None:
        number = integers.positive(name, window)
        if axes is None:
            remedy = f"add rank=2, say, or give a tuple such as {(number,) * 2}"
            raise WindowError(name, "of one integer needs the number of spatial axes", number, remedy)
        size = (number,) * axes
    size = tuple(integers.positive(name, n) for n in size)
    if axes not in (None, len(size)):
        raise WindowError("rank", f"must be the {len(size)} axes of {name} {size}", axes, "leave it out")
    if not 0 < len(size) < ndim:
        raise WindowError(
            name, f"must leave an axis for channels among {ndim}", size, "give one size per spatial axis"
        )
    return size


def _taps(spatial: Sequence[int], size: Sequence[int], options: Options) -> np.ndarray:
    """The flat input site under each (output site, tap), -1 where a zero is."""
    pads = shapes.borders(spatial, size, options)
    out = shapes.output_shape(spatial, size, options)
    table = np.zeros((1, 1), dtype=np.int64)
    for axis, n in enumerate(spatial):
        place = np.arange(out[axis])[:, None] * options.strides[axis]
        place = place + np.arange(size[axis]) * options.dilation[axis] - pads[axis][0]
        step = _sites(place, n, options.input_dilation[axis], options.padding[axis].name, pads[axis])
        grown = table[:, None, :, None] * n + step[None, :, None, :]
        lost = (table[:, None, :, None] < 0) | (step[None, :, None, :] < 0)
        table = np.where(lost, -1, grown).reshape(table.shape[0] * out[axis], table.shape[1] * size[axis])
    return table


def _sites(place: np.ndarray, n: int, base: int, mode: str, pad: tuple[int, int]) -> np.ndarray:
    """The input sites at places of the continued line, -1 for zeros: site q lies at place `base` q."""
    if mode in REPEATS and pad != (0, 0):
        wrap.check(n, mode)
    elif mode in REPEATS:
        mode = "ZERO"  # nothing looks beyond the ends
    return np.where(place % base == 0, wrap.site(place // base, n, mode), -1)


@partial(jax.jit, static_argnums=(1, 2))
def _conv_matrix(kernel: jax.Array, spatial: tuple[int, ...], options: Options) -> jax.Array:
    operands.check_kernel(kernel.shape, options.groups)
    *size, inputs, outputs = kernel.shape
    channels = inputs * options.groups
    table = _taps(spatial, size, options)
    block, taps = outputs // options.groups, math.prod(size)
    kernel = kernel.reshape(taps, inputs, outputs)
    kernel = kernel[::-1] if options.flip else kernel
    full = jnp.zeros((taps, channels, outputs), kernel.dtype)
    for g in range(options.groups):
        own = slice(g * block, (g + 1) * block)
        full = full.at[:, g * inputs : (g + 1) * inputs, own].set(kernel[..., own])
    p, j = np.nonzero(table >= 0)
    columns = math.prod(spatial)
    matrix = jnp.zeros((table.shape[0], columns, channels, outputs), kernel.dtype)
    matrix = matrix.at[p, table[p, j]].add(full[j])
    return matrix.transpose(0, 3, 1, 2).reshape(table.shape[0] * outputs, columns * channels)


@partial(jax.jit, static_argnums=(1, 2, 3))
def _patch_matrix(x: jax.Array, size: tuple[int, ...], outputs: int, options: Options) -> jax.Array:
    inputs = x.shape[-1] // options.groups
    batch = operands.check_input("x", x.shape, (*size, inputs, outputs), options)
    table = _taps(x.shape[len(batch) : -1], size, options)
    table = table[:, ::-1] if options.flip else table
    rows, taps = table.shape
    sites = x.reshape(math.prod(batch), math.prod(x.shape[len(batch) : -1]), x.shape[-1])
    if 0 in sites.shape or rows == 0:
        return jnp.zeros((math.prod(batch) * rows * outputs, taps * inputs * outputs), x.dtype)
    patches = jnp.where((table >= 0)[None, :, :, None], sites[:, np.maximum(table, 0)], 0)
    patches = patches.reshape(-1, rows, taps, options.groups, inputs)
    group = np.arange(outputs) // (outputs // options.groups)
    patches = jnp.moveaxis(patches[:, :, :, group], 3, 2)  # (n, p, i, j, c)
    same = np.eye(outputs, dtype=bool)[:, None, None, :]
    matrix = jnp.where(same, patches[..., None], 0)  # (n, p, i, j, c, i')
    return matrix.reshape(-1, taps * inputs * outputs)
