"""The convolution one row of the kernel at a time, every output site at once.

    y[n,p,(g,d)] = sum_{j'} ( sum_{c,j0} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)] )

with j = (j0, j'), j' along the last axis. It is for the kernel adjoint of a depthwise convolution, where the
kernel is as large as an image and the output as small as a kernel. A loop adds row after row to running sums,
one for every p and j', which stay in cache; only they are reduced, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import channel_axes
from kernels.convolution.algorithms import divisors
from kernels.convolution.borders import zero_pad
from kernels.convolution.choice import in_effect
from kernels.precision import summed


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
    t = in_effect.read().thresholds
    copies = x.shape[0] * math.prod(out) * outputs
    pieces, width = _pieces(size[-1], copies, t.sum_numbers)
    block = inputs if inputs * width * copies <= t.sum_numbers else 1
    rest = pieces * width - size[-1]  # sites of zeros that make all pieces equal
    # In a kernel adjoint these undo transpositions that were made just before: they cost nothing.
    image = channel_axes.batch_to_channels(summed(x), groups)
    image = _bordered(image, x.shape[0], groups, padding, lhs_dilation)
    batch = image.shape[1 : image.ndim - len(size) - 1]  # nothing for a batch of one
    image = channel_axes.squeezed(zero_pad.after(image, -2, rhs_dilation[-1] * rest))
    weights = channel_axes.squeezed(zero_pad.after(jnp.moveaxis(summed(kernel), -2, 0), -2, rest))
    window = [s * (n - 1) + 1 for s, n in zip(strides[:-1], out[:-1], strict=True)]
    window.append(rhs_dilation[-1] * (width - 1) + 1)
    steps = (1, 1, *strides[:-1], rhs_dilation[-1], 1)
    part = (*(1,) * (len(size) - 1), width)
    base = [inputs // block, *size[:-1]]
    turn = divisors.divisor(base[-1], t.turn_terms // out[-1])
    base[-1] //= turn

    def add(i: jax.Array, sums: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        *lead, last, piece = _digits(i, (*base, pieces))
        site: list[Any] = [*lead, last * turn, piece * width]  # the sample, then the first site of the kernel
        scale = (1, *rhs_dilation)
        start: list[Any] = [e * a for e, a in zip(scale, site, strict=True)]

        def term(p: int, row: int) -> jax.Array:
            """Every term slices for itself: where terms shared a slice, a turn took 2 to 9 times as long."""
            first = [*start[:-2], start[-2] + scale[-2] * row, start[-1] + strides[-1] * p]
            seen = _part(image, (first[0], *(0,) * len(batch), *first[1:]), (block, *batch, *window, groups))
            seen = seen.reshape(block, x.shape[0], *window, groups)
            here = (*site[:-2], site[-2] + row, site[-1])
            weight = _part(weights, here, (block, *part, outputs))
            weight = weight.reshape(block, 1, *part, groups, outputs // groups)
            read = lax.slice(seen, (0,) * seen.ndim, seen.shape, steps)
            if rest:  # the zeros at the end of the weights are no weights: what they meet may be anything
                read = jnp.where(jnp.arange(width)[:, None] < size[-1] - site[-1], read, 0)
            return read[..., None] * weight

        return tuple(y + reduce(jnp.add, [term(p, row) for row in range(turn)]) for p, y in enumerate(sums))

    zero = jnp.zeros((block, x.shape[0], *out[:-1], width, groups, outputs // groups), weights.dtype)
    sums = lax.fori_loop(0, math.prod(base) * pieces, add, (zero,) * out[-1])
    y = jnp.stack([jnp.sum(one, (0, -3)) for one in sums], -3)
    return y.reshape(x.shape[0], *out, outputs).astype(kernel.dtype)


def _part(array: jax.Array, start: Sequence[Any], size: Sequence[int]) -> jax.Array:
    """All channels of what was perhaps squeezed, from `start` on."""
    axes = array.ndim
    return lax.dynamic_slice(array, (*start, 0)[:axes], size[:axes]).reshape(size)


def _bordered(
    image: jax.Array,
    batch: int,
    groups: int,
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
) -> jax.Array:
    """(c, ..., g n) -> (c, n, ..., g), or (c, ..., g) for n = 1, with its border."""
    if batch == 1:  # nothing moves, and the border is the one that the layer itself has made
        return zero_pad.surround(image, padding, lhs_dilation)
    moved = jnp.moveaxis(image.reshape(*image.shape[:-1], groups, batch), -1, 1)
    return zero_pad.surround(moved, ((0, 0), *padding), (1, *lhs_dilation))


def _pieces(row: int, copies: int, room: int) -> tuple[int, int]:
    """How many pieces a row is cut into, and their width, so that the running sums stay in cache."""
    most = -(-row // max(1, min(row, row * copies // room)))
    even = divisors.divisor(row, most)
    width = even if 2 * even > most else most  # what is cut unevenly needs zeros at its end
    return -(-row // width), width


def _digits(i: jax.Array, base: Sequence[int]) -> list[jax.Array]:
    """i >= 0 in a mixed base, the most significant digit first."""
    digits = []
    for n in reversed(base):
        digits.append(lax.rem(i, jnp.asarray(n, i.dtype)))
        i = lax.div(i, jnp.asarray(n, i.dtype))
    return digits[::-1]
