"""The convolution one row of the kernel at a time, every output site at once.

    y[n,p,(g,d)] = sum_{j'} ( sum_{c,j0} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)] )

with j = (j0, j'), j' along the last axis. It is for the kernel adjoint of a depthwise convolution, where the
kernel is as large as an image and the output as small as a kernel. A loop adds row after row to running sums,
one for every p and j', which stay in cache; only they are reduced, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import channels, zeros

ROOM = 1 << 16  # numbers in the running sums: what a second-level cache holds


def compute(
    x: jax.Array,
    kernel: jax.Array,
    *,
    out: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    groups: int,
    precision: Any,
) -> jax.Array:
    """A loop over the rows of the kernel; `precision` says nothing to products of single numbers."""
    *size, inputs, outputs = kernel.shape
    copies = x.shape[0] * math.prod(out) * outputs
    pieces, width = _pieces(size[-1], copies)
    block = inputs if inputs * width * copies <= ROOM else 1
    # In a kernel adjoint these undo transpositions that were made just before: they cost nothing, and the
    # border is the one that the layer itself has made.
    image = zeros.insert(channels.batch_to_channels(zeros.wide(x), groups), padding, lhs_dilation)
    image = _batch_second(image, groups, x.shape[0])
    image = zeros.after(image, -2, rhs_dilation[-1] * (pieces * width - size[-1]))
    weights = zeros.after(jnp.moveaxis(zeros.wide(kernel), -2, 0), -2, pieces * width - size[-1])
    reach = [s * (n - 1) + 1 for s, n in zip(strides, out, strict=True)]
    reach[-1] += rhs_dilation[-1] * (width - 1)
    part = (*(1,) * (len(size) - 1), width)

    def row(i: jax.Array, sums: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        c, *j, piece = _digits(i, (inputs // block, *size[:-1], pieces))
        j = [*j, piece * width]
        first = [e * a for e, a in zip(rhs_dilation, j, strict=True)]
        seen = lax.dynamic_slice(image, (c, 0, *first, 0), (block, x.shape[0], *reach, groups))
        weight = lax.dynamic_slice(weights, (c, *j, 0), (block, *part, outputs))
        weight = weight.reshape(block, 1, *part, groups, outputs // groups)

        def term(p: int) -> jax.Array:
            start = [0] * len(size) + [strides[-1] * p]
            step, count = (1, *strides[:-1], rhs_dilation[-1]), (x.shape[0], *out[:-1], width)
            return zeros.window(seen, start, step, count)[..., None] * weight

        return tuple(y + term(p) for p, y in enumerate(sums))

    zero = jnp.zeros((block, x.shape[0], *out[:-1], width, groups, outputs // groups), weights.dtype)
    sums = lax.fori_loop(0, inputs // block * math.prod(size[:-1]) * pieces, row, (zero,) * out[-1])
    y = jnp.stack([jnp.sum(one, (0, -3)) for one in sums], -3)
    return y.reshape(x.shape[0], *out, outputs).astype(kernel.dtype)


def _batch_second(image: jax.Array, groups: int, batch: int) -> jax.Array:
    """(c, ..., g n) -> (c, n, ..., g); nothing moves where n is 1."""
    if batch == 1:
        return image[:, None]
    return jnp.moveaxis(image.reshape(*image.shape[:-1], groups, batch), -1, 1)


def _pieces(row: int, copies: int) -> tuple[int, int]:
    """How many pieces a row is cut into, and their width, so that the running sums stay in cache."""
    width = -(-row // max(1, min(row, row * copies // ROOM)))
    return -(-row // width), width


def _digits(i: jax.Array, base: Sequence[int]) -> list[jax.Array]:
    """i >= 0 in a mixed base, the most significant digit first."""
    digits = []
    for n in reversed(base):
        digits.append(lax.rem(i, jnp.asarray(n, i.dtype)))
        i = lax.div(i, jnp.asarray(n, i.dtype))
    return digits[::-1]
