"""Pooling: the mean or the largest value of each window, in any number of dimensions, channels last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels import precision
from kernels.convolution import operands, shapes
from kernels.convolution import options as opt
from kernels.convolution.borders import wrap
from kernels.convolution.borders.border import REPEATS, Padding, Pads
from kernels.convolution.matrices import window_shape
from kernels.convolution.options import Options
from kernels.integers import Ints
from kernels.lax_alone import asked
from kernels.precision import in_its_mode

UNROLL = 16  # taps per axis up to which a sum of strided slices is faster than a window reduction


def avg_pool(
    x: jax.Array,
    window: Ints,
    *,
    rank: int | None = None,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints = 1,
    count_include_pad: bool = True,
) -> jax.Array:
    """The mean of every window: the convolution of each channel with a constant kernel.

        y[n,p,c] = 1/prod(window) sum_j x[n, strides p + dilation j - low, c]

    Args:
        x: (batch..., spatial..., C), real or complex.
        window: a size per spatial axis, which fixes the number of these, or one integer for all `rank` of
            them.
        rank: the number of spatial axes, where `window` is an integer.
        strides: as in `conv`; the window itself unless given, so that windows tile.
        padding, dilation: as in `conv`.
        count_include_pad: divide by the window's size, zeros included; otherwise by the number of its sites
            that lie on the image (0 where there is none).

    Returns:
        (batch..., out..., C).

    Raises:
        KernelError: one of its kinds, as in `conv`.

    >>> avg_pool(jnp.arange(6.0).reshape(6, 1), 2, rank=1).ravel().tolist()
    [0.5, 2.5, 4.5]

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998 (subsampling).
    """
    operands.check_copied("x", x)
    size, options = _parse(x, window, rank, strides, padding, dilation)
    return _avg_pool(x, size, options, bool(count_include_pad))


def max_pool(
    x: jax.Array,
    window: Ints,
    *,
    rank: int | None = None,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints = 1,
) -> jax.Array:
    """The largest value of every window, channel by channel; it commutes with whatever permutes the windows.

        y[n,p,c] = max_j x[n, strides p + dilation j - low, c]

    Padding adds minus infinity, which is the result only where a window lies off the image altogether. Where
    values tie the gradient goes to the first of them.

    Args:
        x: as in `avg_pool`, but real: complex numbers have no order.
        window, rank, strides, padding, dilation: as there.

    Returns:
        (batch..., out..., C).

    Raises:
        KernelError: one of its kinds, as in `conv`.

    >>> max_pool(jnp.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0]).reshape(6, 1), (2,)).ravel().tolist()
    [3.0, 4.0, 9.0]

    Source: M. Riesenhuber, T. Poggio, "Hierarchical models of object recognition in cortex", 1999.
    """
    operands.check_array("x", x)
    size, options = _parse(x, window, rank, strides, padding, dilation)
    return _max_pool(x, size, options, asked())


def _parse(
    x: jax.Array, window: Ints, rank: int | None, strides: Ints | None, padding: Padding, dilation: Ints
) -> tuple[tuple[int, ...], Options]:
    size = window_shape("window", window, rank, len(x.shape))
    own = size if strides is None else strides
    return size, opt.parse(len(size), strides=own, padding=padding, dilation=dilation)


class _Framed(NamedTuple):
    """x with one batch axis and any repeated border; the border still to be added; the batch shape."""

    x: jax.Array
    pads: Pads
    batch: tuple[int, ...]

    def padded(self, value: float) -> jax.Array:
        room = [(0, 0, 0), *((lo, hi, 0) for lo, hi in self.pads), (0, 0, 0)]
        return lax.pad(self.x, jnp.array(value, self.x.dtype), room)


def _framed(x: jax.Array, size: Sequence[int], options: Options) -> _Framed:
    batch = operands.check_field("x", x.shape, options.rank, x.shape[-1], "its own")
    x = operands.flatten(x, batch)
    pads = shapes.borders(x.shape[1:-1], size, options)
    repeated = [border.name in REPEATS for border in options.padding]
    copied = tuple(pair if own else (0, 0) for pair, own in zip(pads, repeated, strict=True))
    left = tuple((0, 0) if own else pair for pair, own in zip(pads, repeated, strict=True))
    return _Framed(wrap.extend(x, copied, [border.name for border in options.padding]), left, batch)


@partial(jax.jit, static_argnums=(1, 2, 3), inline=True)
@in_its_mode
def _avg_pool(x: jax.Array, size: tuple[int, ...], options: Options, count_include_pad: bool) -> jax.Array:
    frame = _framed(x, size, options)
    # half precision loses small terms of a long sum
    wide = frame._replace(x=precision.summed(frame.x))
    total = _window_sum(wide, size, options)
    count: jax.Array | int = math.prod(size)
    if not count_include_pad:
        real = jnp.finfo(wide.x.dtype).dtype
        ones = wide._replace(x=jnp.ones((1, *wide.x.shape[1:-1], 1), real))
        count = jnp.maximum(_window_sum(ones, size, options), 1)
    return operands.unflatten((total / jnp.asarray(count, total.dtype)).astype(x.dtype), frame.batch)


def _window_sum(frame: _Framed, size: Sequence[int], options: Options) -> jax.Array:
    """The sum over every window, one axis after the other."""
    x = frame.padded(0)
    for axis, (k, s, e) in enumerate(zip(size, options.strides, options.dilation, strict=True), start=1):
        x = _axis_sum(x, axis, k, s, e)
    return x


def _axis_sum(x: jax.Array, axis: int, k: int, stride: int, dilation: int) -> jax.Array:
    if k == x.shape[axis] and dilation == 1:
        return jnp.sum(x, axis, keepdims=True)
    if k <= UNROLL or _windows(x, axis, k, stride, dilation) == 0:
        return reduce(jnp.add, _taps(x, axis, k, stride, dilation))
    window, strides, apart = [1] * x.ndim, [1] * x.ndim, [1] * x.ndim
    window[axis], strides[axis], apart[axis] = k, stride, dilation
    return lax.reduce_window(
        x, np.zeros((), x.dtype), lax.add, window, strides, "VALID", window_dilation=apart
    )


def _windows(x: jax.Array, axis: int, k: int, stride: int, dilation: int) -> int:
    """How many windows fit along an axis."""
    return shapes.steps(x.shape[axis], shapes.dilated(k, dilation), stride)


def _taps(x: jax.Array, axis: int, k: int, stride: int, dilation: int) -> list[jax.Array]:
    """What every tap of the windows along an axis reads, one array for each."""
    count = _windows(x, axis, k, stride, dilation)
    if isinstance(count, int) and count == 0:
        return [lax.slice_in_dim(x, 0, 0, axis=axis)]
    last = (count - 1) * stride + 1
    return [lax.slice_in_dim(x, j, j + last, stride, axis) for j in range(0, k * dilation, dilation)]


@partial(jax.jit, static_argnums=(1, 2, 3))  # not inlined: what depends on the platform is cached with it
@in_its_mode
def _max_pool(x: jax.Array, size: tuple[int, ...], options: Options, only_lax: bool) -> jax.Array:
    frame = _framed(x, size, options)
    by_taps = partial(_max_of_taps, size=size, options=options)
    by_windows = partial(_max_of_windows, size=size, options=options)
    x = frame.padded(-jnp.inf)
    if max(options.dilation) > 1:  # JAX has no gradient of its own for windows with gaps
        y = by_taps(x)
    elif only_lax or max(size) > UNROLL:
        y = by_windows(x)
    else:
        y = lax.platform_dependent(x, cpu=by_taps, default=by_windows)
    return operands.unflatten(y, frame.batch)


def _max_of_windows(x: jax.Array, size: Sequence[int], options: Options) -> jax.Array:
    """JAX's own, whose gradient on CPU goes through arrays of indices and a scatter."""
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *size, 1), (1, *options.strides, 1), "VALID")


def _max_of_taps(x: jax.Array, size: Sequence[int], options: Options) -> jax.Array:
    """One axis after the other, entry by entry, gradient too.

    The last axis comes first, so that ties go to the first tap of a window in the order of its rows.
    """
    for axis in reversed(range(options.rank)):
        taps = _taps(x, axis + 1, size[axis], options.strides[axis], options.dilation[axis])
        x = reduce(_first_largest, taps)
    return x


def _first_largest(a: jax.Array, b: jax.Array) -> jax.Array:
    """The larger entry, with a gradient for `a` where they tie; a NaN is the largest."""
    return jnp.where((b > a) | jnp.isnan(b), b, a)
