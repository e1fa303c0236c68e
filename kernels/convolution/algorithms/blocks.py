"""The convolution with the sites of a block as channels, for images of one channel or a few.

With blocks of b output sites, p = b p' + t,

    y[n,b p'+t,i] = sum_{m,c} K[m,c,(t,i)] x[n, strides b p' + m - low, c]
    K[strides t + rhs_dilation j, c, (t,i)] = kernel[j,c,i], zero elsewhere

K holds one shifted copy of the kernel for every site t of a block: as many times the channels, which a kernel
made for matrix products can use, for a window larger by the block. Its zeros meet values that the output does
not depend on: where one of them is not finite, XLA's convolution is computed instead.

In a kernel adjoint, whose kernel is as large as an image, the blocks are of the kernel: ``block_sums.py``.

Source: the Toeplitz matrix of a convolution cut into blocks of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import block_sums, finite, grouped, xla
from kernels.convolution.borders import zero_pad


def _dense(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """By blocks of the kernel or of the output, whichever is larger."""
    if math.prod(kernel.shape[:-2]) > math.prod(options["out"]):
        return block_sums.compute(x, kernel, **options)
    blocks, whole = (partial(f, **options) for f in (_over_blocks, partial(xla.compute, groups=1)))
    return finite.guarded(x, blocks, whole)(x, kernel)


def _over_blocks(
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
    """XLA's convolution with strides of a block, then blocks back to sites."""
    axes, outputs = range(len(out)), kernel.shape[-1]
    block = block_shape(len(out), kernel.shape[-2] * outputs)
    for a in axes:
        kernel = _copies(kernel, a, block[a], strides[a], rhs_dilation[a])
    kernel = kernel.reshape(*kernel.shape[: len(out) + 1], -1)
    count = [-(-n // b) for n, b in zip(out, block, strict=True)]
    steps = [s * b for s, b in zip(strides, block, strict=True)]
    need = [steps[a] * (count[a] - 1) + kernel.shape[a] for a in axes]
    have = [lhs_dilation[a] * (x.shape[1 + a] - 1) + 1 + padding[a][0] for a in axes]
    y = xla.compute(
        x,
        kernel,
        out=count,
        strides=steps,
        padding=tuple((padding[a][0], need[a] - have[a]) for a in axes),
        lhs_dilation=lhs_dilation,
        rhs_dilation=(1,) * len(out),
        groups=1,
        precision=precision,
    )
    return _to_sites(y.reshape(*y.shape[:-1], *block, outputs), out)


compute = grouped.each(_dense)


def block_shape(rank: int, products: int) -> tuple[int, ...]:
    """32 sites along the last two axes, or half as many where there are several channels already.

    >>> block_shape(1, 1), block_shape(2, 1), block_shape(3, 9)
    ((32,), (4, 8), (1, 4, 4))
    """
    if rank == 1:
        return (32,) if products == 1 else (16,)
    return (*(1,) * (rank - 2), 4, 8 if products == 1 else 4)


def _copies(kernel: jax.Array, axis: int, block: int, stride: int, dilation: int) -> jax.Array:
    """Copies of the kernel, each `stride` further along the axis, side by side before the output channels."""
    room, zero = stride * (block - 1), jnp.zeros((), kernel.dtype)

    def copy(t: int) -> jax.Array:
        here = (stride * t, room - stride * t, dilation - 1)
        return lax.pad(kernel, zero, [here if a == axis else (0, 0, 0) for a in range(kernel.ndim)])

    return jnp.stack([copy(t) for t in range(block)], -2)


def _to_sites(y: jax.Array, out: Sequence[int]) -> jax.Array:
    """(N, count..., block..., D) -> (N, out..., D)."""
    rank = len(out)
    y = jnp.moveaxis(y, range(1 + rank, 1 + 2 * rank), range(2, 2 + 2 * rank, 2))
    sites = (y.shape[1 + 2 * a] * y.shape[2 + 2 * a] for a in range(rank))
    y = y.reshape(y.shape[0], *sites, y.shape[-1])
    return zero_pad.window(y, (0,) * rank, (1,) * rank, out)
