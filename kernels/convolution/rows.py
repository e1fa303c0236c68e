"""The convolution one row of the kernel at a time, every output site at once.

    y[n,p,(g,d)] = sum_{j_0} sum_{j',c} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)]

with j = (j_0, j'). It is for the kernel adjoint of a depthwise convolution, where the kernel is as large as
an image and the output as small as a kernel: a loop over j_0 keeps one row of each operand in cache while all
sites p use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import zeros


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
    """A loop over the first axis of the kernel; `precision` says nothing to products of single numbers."""
    *size, inputs, outputs = kernel.shape
    # Channels of a group first and groups last. In a kernel adjoint this undoes a transposition that was made
    # just before, so it costs nothing as long as nothing, not even a border, comes between the two.
    image = jnp.moveaxis(zeros.wide(x).reshape(*x.shape[:-1], groups, inputs), -1, 0)  # (c, n, ..., g)
    image = zeros.insert(image, ((0, 0), *padding), (1, *lhs_dilation))
    weights = jnp.moveaxis(zeros.wide(kernel), -2, 0).reshape(inputs, *size, groups, outputs // groups)
    batch = x.shape[0]

    def entry(line: jax.Array, p: Sequence[int], weight: jax.Array) -> jax.Array:
        """What one row of the image and of the kernel, both (c, ..., g), give to site p."""
        start = [s * i for s, i in zip(strides[1:], p, strict=True)]
        stop = [a + e * (k - 1) + 1 for a, e, k in zip(start, rhs_dilation[1:], size[1:], strict=True)]
        seen = lax.slice(line, (0, *start, 0), (inputs, *stop, groups), (1, *rhs_dilation[1:], 1))
        return jnp.sum(seen * weight, axis=tuple(range(len(size))))

    def row(j: jax.Array) -> jax.Array:
        """Every entry of y, as far as kernel row j goes."""
        weight = lax.dynamic_index_in_dim(weights, j, 1, keepdims=False)
        first = (rhs_dilation[0] * j + strides[0] * p for p in range(out[0]))
        lines = [lax.dynamic_index_in_dim(image, i, 2, keepdims=False) for i in first]
        every = product(range(batch), lines, product(*map(range, out[1:])), range(outputs // groups))
        return jnp.stack([entry(line[:, n], p, weight[..., d]) for n, line, p, d in every])

    y = jnp.sum(lax.map(row, jnp.arange(size[0])), axis=0)
    y = jnp.swapaxes(y.reshape(batch, *out, outputs // groups, groups), -2, -1)
    return y.reshape(batch, *out, outputs).astype(kernel.dtype)
