"""The convolution with one spatial axis less: the window along the first axis joins the channels.

    y[n,(p0,p'),i] = sum_{j',(j0,c)} kernel[(j0,j'),c,i] x[n, (strides0 p0 + rhs_dilation0 j0 - low0, ...), c]

Output rows p0 join the batch, window rows j0 the channels. XLA on CPU has a fast kernel in one and two
dimensions only, so this is how it computes three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from kernels.convolution import grouped, xla, zeros


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
) -> jax.Array:
    """One convolution of one dimension less, with out[0] times the batch and size[0] times the channels."""
    whole = ((0, 0),) * (len(out) - 1)
    image = zeros.insert(x, (padding[0], *whole), (lhs_dilation[0], *(1,) * len(whole)))
    lines = _lines(image, kernel.shape[0], out[0], strides[0], rhs_dilation[0])
    taps = jnp.moveaxis(kernel, 0, -3)
    y = xla.compute(
        lines.reshape(-1, *lines.shape[2:]),
        taps.reshape(*taps.shape[:-3], -1, taps.shape[-1]),
        out=out[1:],
        strides=strides[1:],
        padding=padding[1:],
        lhs_dilation=lhs_dilation[1:],
        rhs_dilation=rhs_dilation[1:],
        groups=1,
        precision=precision,
    )
    return y.reshape(x.shape[0], *out, y.shape[-1])


compute = grouped.each(_dense)


def _lines(image: jax.Array, size: int, out: int, stride: int, step: int) -> jax.Array:
    """(N, rows, ..., C) -> (N, out, ..., size C); slices go over the shorter of window and output."""
    rest, channels = image.shape[2:-1], image.shape[-1:]

    def rows(first: int, every: int, count: int) -> jax.Array:
        zero = (0,) * len(rest)
        return zeros.window(image, (first, *zero), (every, *(1,) * len(rest)), (count, *rest))

    if size <= out:
        return jnp.concatenate([rows(step * j, stride, out) for j in range(size)], -1)
    lines = jnp.stack([rows(stride * p, step, size) for p in range(out)], 1)  # (n, p, j, ..., c)
    lines = jnp.moveaxis(lines, 2, -2)
    return lines.reshape(*lines.shape[:-2], size * channels[0])
