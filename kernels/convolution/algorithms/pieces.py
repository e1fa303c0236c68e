"""The convolution as a sum of convolutions that fit into cache, one after another in a loop.

    y = sum over S, R of  sum_{j in R, c in S} x[n, strides p + rhs_dilation j - low, c] kernel[j,c,i]

with S some of the channels and R some rows of the kernel, an interval along its first axis. It is for the
kernel adjoint, whose channels are the samples of a batch, whose kernel is as large as an image and whose
output is small: XLA on CPU gathers windows out of the whole batch for every entry of the output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import divisors, grouped, xla
from kernels.convolution.borders import zero_pad
from kernels.convolution.choice import in_effect
from kernels.precision import sum_dtype, summed


class Rows(NamedTuple):
    """`blocks` of `block` rows of the kernel each, from row `first` on."""

    first: int
    block: int
    blocks: int


def _dense(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """In a kernel adjoint these undo transpositions that were made just before, so a piece lies together."""
    return over_pieces(jnp.swapaxes(x, 0, -1), jnp.moveaxis(kernel, -2, 0), **options)


compute = grouped.each(_dense)


def over_pieces(
    images: jax.Array,
    lines: jax.Array,
    *,
    out: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    precision: Any,
) -> jax.Array:
    """The sum for x as (channels, rows, ..., N) and the kernel as (channels, rows, ..., D)."""
    samples, ranges = pieces(images.shape, lines.shape)
    border, base, reach = tuple(padding), tuple(lhs_dilation), images.shape[1]
    if ranges[0].block < lines.shape[1]:  # where a piece begins must not depend on the border
        rest = len(out) - 1
        images = zero_pad.insert(images, (padding[0], *((0, 0),) * rest), (lhs_dilation[0], *(1,) * rest))
        border, base = ((0, 0), *border[1:]), (1, *base[1:])
        reach = 0

    def piece(turn: jax.Array, rows: Rows) -> jax.Array:
        sample, row = samples * (turn // rows.blocks), rows.first + rows.block * (turn % rows.blocks)
        seen = reach or strides[0] * (out[0] - 1) + rhs_dilation[0] * (rows.block - 1) + 1
        image = _part(images, sample, samples, rhs_dilation[0] * row, seen)
        line = _part(lines, sample, samples, row, rows.block)
        return xla.compute(
            jnp.swapaxes(summed(image), 0, -1),
            jnp.moveaxis(summed(line), 0, -2),
            out=out,
            strides=strides,
            padding=border,
            lhs_dilation=base,
            rhs_dilation=rhs_dilation,
            groups=1,
            precision=precision,
        )

    y = jnp.zeros((images.shape[-1], *out, lines.shape[-1]), sum_dtype(lines.dtype))
    for rows in ranges:
        turns = images.shape[0] // samples * rows.blocks
        y = lax.fori_loop(0, turns, lambda turn, y, rows=rows: y + piece(turn, rows), y)
    return y.astype(lines.dtype)


def _part(array: jax.Array, sample: jax.Array, samples: int, row: jax.Array, rows: int) -> jax.Array:
    """Some rows of some samples of (samples, rows, ...)."""
    start: list[Any] = [sample, row, *[0] * (array.ndim - 2)]
    return lax.dynamic_slice(array, start, (samples, rows, *array.shape[2:]))


def pieces(images: Sequence[int], lines: Sequence[int]) -> tuple[int, tuple[Rows, ...]]:
    """The channels in a piece, and its rows of the kernel: all of them, or what fits of a single channel.

    >>> pieces((8, 28, 28, 64), (8, 28, 28, 64))  # a kernel adjoint: 8 samples, 64 channels on both sides
    (2, (Rows(first=0, block=28, blocks=1),))
    >>> pieces((8, 224, 224, 64), (8, 224, 224, 64))
    (1, (Rows(first=0, block=8, blocks=28),))
    >>> pieces((8, 223, 223, 64), (8, 223, 223, 64))
    (1, (Rows(first=0, block=9, blocks=24), Rows(first=216, block=7, blocks=1)))
    """
    samples, size = lines[:2]
    room = in_effect.read().thresholds.piece_bytes  # they and their windows stay in a second-level cache
    row = 4 * (math.prod(lines[2:]) + math.prod(images[1:]) // size)
    fit = [n for n in range(1, samples + 1) if samples % n == 0 and n * size * row <= room]
    if fit:
        return fit[-1], (Rows(0, size, 1),)
    most = min(size, max(1, room // row))
    even = divisors.divisor(size, most)
    block = even if 2 * even > most else most  # a loop for the rest is compiled too
    blocks, rest = divmod(size, block)
    whole = Rows(0, block, blocks)
    return 1, (whole, Rows(size - rest, rest, 1)) if rest else (whole,)
