"""Pooling: the mean or the largest value of each window, in any number of dimensions, channels last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import operands, shapes
from kernels.convolution import options as opt
from kernels.convolution.borders import wrap
from kernels.convolution.matrices import window_shape
from kernels.convolution.options import WRAPS, Ints, Options, Padding, Pads

UNROLL = 16  # taps per axis up to which a sum of strided slices is faster than a window reduction


def avg_pool(
    x: jax.Array,
    window: Ints,
    *,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
) -> jax.Array:
    """The mean of every window: the convolution of each channel with a constant kernel.

        y[n,p,c] = 1/prod(window) sum_j x[n, strides p + j - low, c]

    Args:
        x: (batch..., spatial..., C).
        window: a size per spatial axis, which fixes the number of these; an integer is that size on every
            axis between the first (batch) and the last (channels).
        strides: as in `conv`; the window itself unless given, so that windows tile.
        padding: as in `conv`.
        count_include_pad: divide by the window's size, zeros included; otherwise by the number of its sites
            that lie on the image (0 where there is none).

    Returns:
        (batch..., out..., C).

    Raises:
        KernelError: one of its kinds, as in `conv`.

    >>> avg_pool(jnp.arange(6.0).reshape(6, 1), 2).ravel().tolist()
    [0.5, 2.5, 4.5]

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998 (subsampling).
    """
    size, options = _parse(x, window, strides, padding)
    return _avg_pool(x, size, options, bool(count_include_pad))


def max_pool(
    x: jax.Array, window: Ints, *, strides: Ints | None = None, padding: Padding = "VALID"
) -> jax.Array:
    """The largest value of every window, channel by channel; it commutes with whatever permutes the windows.

        y[n,p,c] = max_j x[n, strides p + j - low, c]

    Padding adds minus infinity, which is the result only where a window lies off the image altogether. Where
    values tie the gradient goes to the first of them.

    Args:
        x, window, strides, padding: as in `avg_pool`.

    Returns:
        (batch..., out..., C).

    Raises:
        KernelError: one of its kinds, as in `conv`.

    >>> max_pool(jnp.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0]).reshape(6, 1), 2).ravel().tolist()
    [3.0, 4.0, 9.0]

    Source: M. Riesenhuber, T. Poggio, "Hierarchical models of object recognition in cortex", 1999.
    """
    size, options = _parse(x, window, strides, padding)
    return _max_pool(x, size, options)


def _parse(
    x: jax.Array, window: Ints, strides: Ints | None, padding: Padding
) -> tuple[tuple[int, ...], Options]:
    operands.check_array("x", x)
    size = window_shape("window", window, len(x.shape))
    return size, opt.parse(len(size), size if strides is None else strides, padding)


def _framed(x: jax.Array, size: Sequence[int], options: Options) -> tuple[jax.Array, Pads, tuple[int, ...]]:
    """x with one batch axis and any repeated border, the border still to be added, and the batch shape."""
    batch = operands.check_field("x", x.shape, options.rank, x.shape[-1], "its own")
    x = operands.flatten(x, batch)
    pads = shapes.widths(options.padding, x.shape[1:-1], size, options.strides)
    if options.padding in WRAPS:
        return wrap.extend(x, pads, str(options.padding)), ((0, 0),) * options.rank, batch
    return x, pads, batch


@partial(jax.jit, static_argnums=(1, 2, 3), inline=True)
def _avg_pool(x: jax.Array, size: tuple[int, ...], options: Options, count_include_pad: bool) -> jax.Array:
    x, pads, batch = _framed(x, size, options)
    # half precision loses small terms of a long sum
    wide = x.astype(jnp.float32) if x.dtype.itemsize < 4 else x
    total = _window_sum(wide, size, pads, options.strides)
    count: jax.Array | int = math.prod(size)
    if not count_include_pad:
        sites = _window_sum(jnp.ones((1, *x.shape[1:-1], 1), wide.dtype), size, pads, options.strides)
        count = jnp.maximum(sites, 1)
    return operands.unflatten((total / count).astype(x.dtype), batch)


def _window_sum(x: jax.Array, size: Sequence[int], pads: Pads, strides: Sequence[int]) -> jax.Array:
    """The sum over every window, one axis after the other."""
    room = [(0, 0, 0), *((lo, hi, 0) for lo, hi in pads), (0, 0, 0)]
    x = lax.pad(x, jnp.zeros((), x.dtype), room)
    for axis, (k, s) in enumerate(zip(size, strides, strict=True), start=1):
        x = _axis_sum(x, axis, k, s)
    return x


def _axis_sum(x: jax.Array, axis: int, k: int, stride: int) -> jax.Array:
    count = shapes.steps(x.shape[axis], k, stride)
    if isinstance(count, int) and count == 0:
        return lax.slice_in_dim(x, 0, 0, axis=axis)
    if k == x.shape[axis]:
        return jnp.sum(x, axis, keepdims=True)
    if k <= UNROLL:
        last = (count - 1) * stride + 1
        return sum(
            (lax.slice_in_dim(x, j, j + last, stride, axis) for j in range(1, k)),
            lax.slice_in_dim(x, 0, last, stride, axis),
        )
    window, strides = [1] * x.ndim, [1] * x.ndim
    window[axis], strides[axis] = k, stride
    return lax.reduce_window(x, 0.0, lax.add, window, strides, "VALID")


@partial(jax.jit, static_argnums=(1, 2), inline=True)
def _max_pool(x: jax.Array, size: tuple[int, ...], options: Options) -> jax.Array:
    x, pads, batch = _framed(x, size, options)
    least = jnp.array(-jnp.inf, x.dtype)
    room = [(0, 0, 0), *((lo, hi, 0) for lo, hi in pads), (0, 0, 0)]
    padded = lax.pad(x, least, room)
    y = lax.reduce_window(padded, -jnp.inf, lax.max, (1, *size, 1), (1, *options.strides, 1), "VALID")
    return operands.unflatten(y, batch)
