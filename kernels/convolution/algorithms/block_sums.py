"""The convolution with blocks of kernel sites as channels, for a large kernel and a small output.

With blocks of b kernel sites, j = b m + t, and the image folded into stretches as long as a block,

    C[u,v,c,(t,i)] = sum_{m,n} x[c, rhs_dilation b (m + u) + v - low, n] kernel[b m + t, n, i]
    y[c,p,i] = sum_t C at rhs_dilation b u + v = strides p + rhs_dilation t

one matrix product for each u. It is for the kernel adjoint of a few channels and many taps, in which c runs
over the input channels and n over the samples. What is not read from C was computed in vain, and yet a matrix
product is faster than a running sum for every tap; nothing is multiplied by a zero that was not there.

Source: both sides of a correlation in polyphase form; P. Vaidyanathan, "Multirate systems and filter banks".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.borders import zero_pad
from kernels.precision import summed


class Axis(NamedTuple):
    """Along one axis, `blocks` of `block` kernel sites each from site `first` on, and the steps over x."""

    first: int
    block: int
    blocks: int
    out: int
    stride: int
    step: int

    @property
    def stretch(self) -> int:
        """The sites of the image from one block to the next."""
        return self.step * self.block

    @property
    def turns(self) -> int:
        """How many stretches see one block, from any site of the output."""
        return -(-(self.stride * (self.out - 1) + self.step * (self.block - 1) + 1) // self.stretch)

    @property
    def stop(self) -> int:
        return self.first + self.block * self.blocks


def compute(
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
    """The sum over all whole blocks, and over what does not fill one, along every axis."""
    image = zero_pad.insert(summed(x), padding, lhs_dilation)
    lines = summed(kernel)
    blocks = block_shape(out, x.shape[0] * kernel.shape[-1])
    parts = [
        [
            Axis(first, block, count, out[a], strides[a], rhs_dilation[a])
            for first, block, count in _cut(kernel.shape[a], blocks[a])
        ]
        for a in range(len(out))
    ]
    sums = [_part(image, lines, axes, precision) for axes in product(*parts)]
    return sum(sums[1:], start=sums[0]).astype(kernel.dtype)


def block_shape(out: Sequence[int], pairs: int) -> tuple[int, ...]:
    """32 sites, or 64 where there are several pairs of channels, along the last two axes that have a window.

    >>> block_shape((15, 15), 1), block_shape((31, 31), 9), block_shape((1, 99), 1), block_shape((3, 3, 3), 1)
    ((4, 8), (8, 8), (1, 32), (1, 4, 8))
    """
    long = [a for a, n in enumerate(out) if n > 1][-2:] or [len(out) - 1]
    sizes = (32,) if len(long) == 1 else ((4, 8) if pairs == 1 else (8, 8))
    return tuple(sizes[long.index(a)] if a in long else 1 for a in range(len(out)))


def _cut(size: int, block: int) -> list[tuple[int, int, int]]:
    """(first, block, count): whole blocks, and the rest as a block of its own."""
    count, rest = divmod(size, block)
    cut = [(0, block, count), (size - rest, rest, 1)]
    return [part for part in cut if part[1] and part[2]]


def _part(image: jax.Array, lines: jax.Array, axes: Sequence[Axis], precision: Any) -> jax.Array:
    """The part of y that one rectangle of blocks gives."""
    seen, blocks = _folded_image(image, axes), _folded_kernel(lines, axes)
    count, room = tuple(a.blocks for a in axes), seen.shape[len(axes) :]

    def turn(u: jax.Array) -> jax.Array:
        part = lax.dynamic_slice(seen, (*u, 0, 0), (*count, *room)).reshape(len(blocks), -1)
        return lax.dot_general(part, blocks, (((0,), (0,)), ((), ())), precision=precision)

    turns = [a.turns for a in axes]
    table = lax.map(turn, jnp.asarray(list(product(*map(range, turns)))))
    shape = (*turns, image.shape[0], *(a.stretch for a in axes), *(a.block for a in axes), lines.shape[-1])
    return _diagonals(table.reshape(shape), axes)


def _folded_image(image: jax.Array, axes: Sequence[Axis]) -> jax.Array:
    """(c, sites..., n) -> (stretches..., n, c and the sites of a stretch)."""
    rank = len(axes)
    for i, a in enumerate(axes, 1):
        image = zero_pad.along(image, i, a.step * a.first, (a.blocks + a.turns - 1) * a.stretch)
    channels, samples = image.shape[0], image.shape[-1]
    folds = [n for a in axes for n in (a.blocks + a.turns - 1, a.stretch)]
    image = image.reshape(channels, *folds, samples)
    image = jnp.transpose(image, (*range(1, 2 * rank, 2), 2 * rank + 1, 0, *range(2, 2 * rank + 1, 2)))
    return image.reshape(*image.shape[: rank + 1], -1)


def _folded_kernel(lines: jax.Array, axes: Sequence[Axis]) -> jax.Array:
    """(sites..., n, i) -> (blocks and n, the sites of a block and i)."""
    rank = len(axes)
    *_, samples, outputs = lines.shape
    first, stop = [a.first for a in axes], [a.stop for a in axes]
    lines = lax.slice(lines, (*first, 0, 0), (*stop, samples, outputs))
    lines = lines.reshape(*(n for a in axes for n in (a.blocks, a.block)), samples, outputs)
    lines = jnp.transpose(lines, (*range(0, 2 * rank, 2), 2 * rank, *range(1, 2 * rank, 2), 2 * rank + 1))
    return lines.reshape(math.prod(a.blocks for a in axes) * samples, -1)


def _diagonals(table: jax.Array, axes: Sequence[Axis]) -> jax.Array:
    """(turns..., c, stretch..., block..., i) -> (c, out..., i): each site of a block where it was seen."""
    rank = len(axes)
    pairs = [i for a in range(rank) for i in (a, rank + 1 + a)]
    table = jnp.transpose(table, (rank, *pairs, *range(2 * rank + 1, 3 * rank + 2)))
    sites = [a.turns * a.stretch for a in axes]
    table = table.reshape(table.shape[0], *sites, *table.shape[2 * rank + 1 :])
    for i, a in enumerate(axes, 1):
        rows = [lax.index_in_dim(table, t, 1 + rank, keepdims=False) for t in range(a.block)]
        length = a.stride * (a.out - 1) + 1
        table = sum(
            (
                lax.slice_in_dim(row, a.step * t, a.step * t + length, a.stride, i)
                for t, row in enumerate(rows[1:], 1)
            ),
            start=lax.slice_in_dim(rows[0], 0, length, a.stride, i),
        )
    return table
