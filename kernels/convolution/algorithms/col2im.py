"""The convolution as one matrix product for all taps, whose columns are then shifted and added.

    z[n,q,j,i] = sum_c x[n,q,c] kernel[j,c,i]
    y[n,p,i]   = sum over j, q with  lhs_dilation q = p + rhs_dilation j - low  of  z[n,q,j,i]

The product knows neither strides nor borders, and it takes a kernel either way round. So it is for the input
adjoint of a layer of many channels and few sites: the kernel, by far the larger side, is read as it lies,
where a convolution reads a copy that is flipped and whose channels are transposed.

Source: the adjoint of im2col, K. Chellapilla et al., "High performance convolutional neural networks for
document processing", 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import grouped, matmul
from kernels.convolution.borders import zero_pad
from kernels.precision import sum_dtype


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
    kept: jax.Array | None = None,
) -> jax.Array:
    """With strides, every site between the outputs is computed too."""
    rank = len(out)
    size = kernel.shape[:rank]
    z = _products(x, jnp.swapaxes(kernel, -1, -2) if kept is None else kept, precision)
    steps = [s * (n - 1) + 1 for s, n in zip(strides, out, strict=True)]

    def term(j: tuple[int, ...]) -> jax.Array:
        column = z[(slice(None),) * (rank + 1) + (j if kept is None else matmul.flipped(j, size))]
        first = [e * i - lo for e, i, (lo, _) in zip(rhs_dilation, j, padding, strict=True)]
        return zero_pad.beyond(column, first, steps, lhs_dilation)

    y = reduce(jnp.add, map(term, product(*map(range, size))))
    return zero_pad.window(y, (0,) * rank, strides, out).astype(kernel.dtype)


def _products(x: jax.Array, kernel: jax.Array, precision: Any) -> jax.Array:
    """Every site with every tap, (n, q, c) and (j, i, c) to (n, q, j, i).

    As matrices: of more axes XLA on CPU makes a transposed copy.
    """
    sites, taps = x.shape[:-1], kernel.shape[:-1]
    rows, columns = (a.reshape(-1, a.shape[-1]) for a in (x, kernel))
    z = lax.dot_general(rows, columns, (((1,), (1,)), ((), ())), precision, sum_dtype(kernel.dtype))
    return z.reshape(*sites, *taps)


compute = grouped.each(_dense)
