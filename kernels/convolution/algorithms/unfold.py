"""The convolution with one spatial axis less: rows of the first axis join the channels, in one of four ways.

    windows   y[n,(p0,.),i] = sum_{j',(j0,c)} kernel[(j0,j'),c,i] x[n, (s p0 + e j0 - low0, .), c]
    results   y[n,(p0,.),i] = sum_{j0} z[n,(p0 + e j0 - low0, .),(j0,i)],
              z[n,(q,.),(j0,i)] = sum_{j',c} kernel[(j0,j'),c,i] x[n, (q, .), c]
    sites     y[n,(p0,.),i] = sum_{j',(q,c)} kernel[(q + low0 - s p0, j'),c,i] x[n, (q, .), c]
    rows      the same, one p0 after another, over the q that there are

with s and e the first of strides and rhs_dilation. XLA on CPU has a fast kernel in one and two dimensions
only, so this is how it computes three. Whatever is copied is the smaller side: the windows of the input, the
results, or, in a kernel adjoint, whose kernel is as large as an image, the kernel, once for each of the few
rows of the output; moved, it has zeros beside the image, so there all values have to be finite. A small one
takes row by row what is seen of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import finite, grouped, pieces, xla
from kernels.convolution.borders import zero_pad
from kernels.convolution.choice import in_effect
from kernels.precision import sum_dtype, summed


def _dense(
    x: jax.Array,
    kernel: jax.Array,
    *,
    out: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    precision: Any,
    convolve: grouped.Compute = xla.compute,
) -> jax.Array:
    """Convolutions of one dimension less between a change of shape before and one after."""
    rest = {
        "strides": strides[1:],
        "padding": padding[1:],
        "lhs_dilation": lhs_dilation[1:],
        "rhs_dilation": rhs_dilation[1:],
        "out": out[1:],
        "precision": precision,
    }
    low, stride, base, step = padding[0][0], strides[0], lhs_dilation[0], rhs_dilation[0]
    if kernel.shape[0] <= out[0] and stride == 1 and kernel.shape[-1] <= x.shape[-1]:
        return _by_results(x, kernel, out[0], base, step, low, rest, convolve)

    def by_windows(x: jax.Array, kernel: jax.Array) -> jax.Array:
        others = len(out) - 1
        image = zero_pad.insert(x, (padding[0], *((0, 0),) * others), (base, *(1,) * others))
        return _by_windows(image, kernel, out[0], stride, step, rest, convolve)

    if kernel.shape[0] > out[0] and base == step == 1 and len(out) > 1:
        if len(out) == 3 and 4 * (x.size + kernel.size) <= in_effect.read().thresholds.piece_bytes:
            return _by_rows(x, kernel, out[0], stride, low, rest, convolve)
        by_sites = partial(_by_sites, out=out[0], stride=stride, low=low, rest=rest)
        return finite.guarded(x, by_sites, by_windows)(x, kernel)
    return by_windows(x, kernel)


compute = grouped.each(_dense)


def _by_results(
    x: jax.Array,
    kernel: jax.Array,
    out: int,
    base: int,
    step: int,
    low: int,
    rest: dict[str, Any],
    convolve: grouped.Compute,
) -> jax.Array:
    """Every row of the image with every row of the kernel, then shifted and added."""
    rows, outputs = kernel.shape[0], kernel.shape[-1]
    taps = jnp.moveaxis(summed(kernel), 0, -2).reshape(*kernel.shape[1:-1], rows * outputs)
    z = convolve(summed(x).reshape(-1, *x.shape[2:]), taps, groups=1, **rest)
    z = z.reshape(*x.shape[:2], *rest["out"], rows, outputs)
    terms = (zero_pad.along(z[..., j, :], 1, step * j - low, out, base) for j in range(rows))
    return reduce(jnp.add, terms).astype(kernel.dtype)


def _by_rows(
    x: jax.Array,
    kernel: jax.Array,
    out: int,
    stride: int,
    low: int,
    rest: dict[str, Any],
    convolve: grouped.Compute,
) -> jax.Array:
    """A convolution for every row of the output, of what it sees, which joins the channels.

    No zeros and no loop: half as much to compile as `_by_sites`, and as fast while everything is in cache.
    """

    def row(p: int) -> jax.Array:
        first = stride * p - low
        begin, end = max(0, -first), min(kernel.shape[0], x.shape[1] - first)
        if begin >= end:  # it sees the border alone
            return jnp.zeros((x.shape[0], *rest["out"], kernel.shape[-1]), kernel.dtype)
        lines = jnp.moveaxis(lax.slice_in_dim(x, begin + first, end + first, axis=1), 1, -1)
        part = jnp.moveaxis(lax.slice_in_dim(kernel, begin, end, axis=0), 0, -2)
        lines = lines.reshape(*lines.shape[:-2], -1)
        part = part.reshape(*part.shape[:-3], -1, part.shape[-1])
        return convolve(lines, part, groups=1, **rest)

    return jnp.stack([row(p) for p in range(out)], 1)


def _by_sites(
    x: jax.Array, kernel: jax.Array, out: int, stride: int, low: int, rest: dict[str, Any]
) -> jax.Array:
    """The kernel moved to where each row of the output sees it, side by side."""
    # Before their transposition for the kernel adjoint rows and samples lie side by side: see ``pieces.py``.
    images, lines = jnp.swapaxes(x, 0, -1), jnp.moveaxis(kernel, -2, 0)

    def one(sample: jax.Array | int) -> jax.Array:
        image, line = (lax.dynamic_index_in_dim(a, sample, keepdims=False) for a in (images, lines))
        moved = [zero_pad.along(summed(line), 0, low - stride * p, image.shape[0]) for p in range(out)]
        return pieces.over_pieces(summed(image), jnp.concatenate(moved, -1), **rest)  # (q, ..., (p i))

    if len(images) == 1:
        y = one(0)
    else:  # from zero on: a first sample outside the loop would be compiled a second time
        zero = jnp.zeros((images.shape[-1], *rest["out"], out * lines.shape[-1]), sum_dtype(x.dtype))
        y = lax.fori_loop(0, len(images), lambda sample, y: y + one(sample), zero)
    y = y.astype(kernel.dtype)
    return jnp.moveaxis(y.reshape(*y.shape[:-1], out, -1), -2, 1)


def _by_windows(
    image: jax.Array,
    kernel: jax.Array,
    out: int,
    stride: int,
    step: int,
    rest: dict[str, Any],
    convolve: grouped.Compute,
) -> jax.Array:
    """Windows of the image along the first axis, as channels."""
    lines = _lines(image, kernel.shape[0], out, stride, step)
    taps = jnp.moveaxis(kernel, 0, -3)
    y = convolve(
        lines.reshape(-1, *lines.shape[2:]),
        taps.reshape(*taps.shape[:-3], -1, taps.shape[-1]),
        groups=1,
        **rest,
    )
    return y.reshape(image.shape[0], out, *y.shape[1:])


def _lines(image: jax.Array, size: int, out: int, stride: int, step: int) -> jax.Array:
    """(N, rows, ..., C) -> (N, out, ..., size C); slices go over the shorter of window and output."""
    rest, channels = image.shape[2:-1], image.shape[-1:]

    def rows(first: int, every: int, count: int) -> jax.Array:
        zero = (0,) * len(rest)
        return zero_pad.window(image, (first, *zero), (every, *(1,) * len(rest)), (count, *rest))

    if size <= out:
        return jnp.concatenate([rows(step * j, stride, out) for j in range(size)], -1)
    lines = jnp.stack([rows(stride * p, step, size) for p in range(out)], 1)  # (n, p, j, ..., c)
    lines = jnp.moveaxis(lines, 2, -2)
    return lines.reshape(*lines.shape[:-2], size * channels[0])
