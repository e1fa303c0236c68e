"""The convolution as matrix products of which a band is kept, for a long kernel and a short output.

    C[b,r] = sum_m kernel[m B + b] x[rhs_dilation m B + r - low],    0 <= b < B
    y[p] = sum_b C[b, rhs_dilation b + strides p]

along the last axis, m running over blocks of B sites of the kernel and over all else that is summed. It is
for the kernel adjoint of few channels and many taps in a row: products with sites outside the band are
thrown away, and yet a matrix product is faster than a running sum for every tap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import grouped
from kernels.convolution.borders import zero_pad
from kernels.precision import summed


class Line(NamedTuple):
    """The last axis: how many sites its output has, and the steps that output and kernel take over x."""

    out: int
    stride: int
    step: int

    @property
    def block(self) -> int:
        """The sites of a block: the crossings were seen on a two-core CPU, between 11 and 200 taps."""
        return 16 if self.out <= 16 else 32


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
    """One band for every site of the output along the other axes."""
    *size, inputs, outputs = kernel.shape
    line = Line(out[-1], strides[-1], rhs_dilation[-1])
    # In a kernel adjoint these undo transpositions that were made just before.
    image = jnp.swapaxes(zero_pad.surround(summed(x), padding, lhs_dilation), 0, -1)
    rows = jnp.moveaxis(summed(kernel), -2, 0).reshape(inputs * math.prod(size[:-1]), size[-1], outputs)

    def band(p: tuple[int, ...]) -> jax.Array:
        first = [s * q for s, q in zip(strides, (*p, 0), strict=True)]
        seen = zero_pad.window(image, first, (*rhs_dilation[:-1], 1), (*size[:-1], image.shape[-2]))
        seen = seen.reshape(len(rows), *seen.shape[-2:])
        # What does not fill a block is a block of its own: with zeros it would be read where it is not.
        whole = size[-1] // line.block * line.block
        parts = [(0, line.block, whole), (whole, size[-1] - whole, size[-1])]
        sums = [_blocks(seen, rows, *part, line, precision) for part in parts if part[0] < part[2]]
        return sum(sums[1:], start=sums[0])

    y = jnp.stack([band(p) for p in product(*map(range, out[:-1]))])
    return jnp.moveaxis(y.reshape(*out, x.shape[0], outputs), -2, 0).astype(kernel.dtype)


compute = grouped.each(_dense)


def _blocks(
    image: jax.Array, rows: jax.Array, first: int, block: int, stop: int, line: Line, precision: Any
) -> jax.Array:
    """The part of kernel sites first to stop: (m, sites, n) and (m, kernel sites, d) to (out, n, d)."""
    count, stretch = (stop - first) // block, line.step * block
    reach = -(-(line.step * (block - 1) + line.stride * (line.out - 1) + 1) // stretch)
    image = zero_pad.along(image, 1, line.step * first, (count + reach - 1) * stretch)
    left = rows[:, first:stop].reshape(len(rows) * count, -1)

    def products(r: int) -> jax.Array:
        right = image[:, r * stretch : (r + count) * stretch].reshape(len(left), -1)
        found = lax.dot_general(left, right, (((0,), (0,)), ((), ())), precision=precision)
        return found.reshape(block, -1, stretch, image.shape[-1])

    table = jnp.moveaxis(jnp.concatenate([products(r) for r in range(reach)], 2), 1, -1)
    # Rows longer by a step put the band of every row under that of the first.
    skew = zero_pad.after(table.reshape(-1, *table.shape[2:]), 0, line.step * block)
    skew = skew.reshape(block, -1, *skew.shape[1:])
    return jnp.sum(skew[:, : line.stride * (line.out - 1) + 1 : line.stride], 0)
