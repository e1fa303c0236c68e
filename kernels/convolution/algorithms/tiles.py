"""A convolution whose windows tile the image, without overlap and without gaps, as one matrix product.

With k sites in a window and 0 <= t < k, along every axis

    forward   y[n,p,i]     = sum_{t,c} kernel[t,c,i] x[n, k p + t - low, c]            strides k
    input     y[n,k q+r,i] = sum_c kernel[k-1-t,c,i] x[n,q,c],  r = t + low - (k-1)    base dilation k
    kernel    y[n,t,i]     = sum_{q,c} kernel[q,c,i] x[n, k q + t - low, c]            kernel dilation k

Sites of a tile lie beside each other, so what is summed over or written is a change of shape. It serves
layers that cut an image into patches, that halve it or double it, and both of their adjoints.

Source: A. Dosovitskiy et al., "An image is worth 16x16 words", arXiv:2010.11929, section 3.1 (patches).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from kernels.convolution.borders import zero_pad
from kernels.precision import sum_dtype

Sizes = Sequence[int]


def tiled(window: Sizes, out: Sizes, strides: Sizes, lhs_dilation: Sizes, rhs_dilation: Sizes) -> bool:
    """Whether it is one of the three forms, the same one along every axis, with tiles of several sites.

    >>> tiled((2, 2), (9, 9), (2, 2), (1, 1), (1, 1)), tiled((3, 3), (9, 9), (2, 2), (1, 1), (1, 1))
    (True, False)
    """
    steps = [tuple(step) for step in (strides, lhs_dilation, rhs_dilation)]
    lengths = [tuple(length) for length in (window, window, out)]
    above = [i for i, step in enumerate(steps) if max(step) > 1]
    return len(above) == 1 and steps[above[0]] == lengths[above[0]]


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
    """One product between two changes of shape."""
    size, low = kernel.shape[:-2], [lo for lo, _ in padding]
    if max(lhs_dilation) > 1:
        y = _product(x, lax.rev(kernel, range(len(size))), (x.ndim - 1,), (len(size),), precision)
        return zero_pad.beyond(
            _merged(y, len(size)), [k - 1 - lo for k, lo in zip(size, low, strict=True)], out
        )
    by_kernel = max(rhs_dilation) > 1
    count, tile = (size, out) if by_kernel else (out, size)
    image = zero_pad.beyond(x, [-lo for lo in low], [m * k for m, k in zip(count, tile, strict=True)])
    split = image.reshape(image.shape[0], *(n for pair in zip(count, tile, strict=True) for n in pair), -1)
    summed = range(1 if by_kernel else 2, split.ndim - 1, 2)
    return _product(split, kernel, (*summed, split.ndim - 1), range(len(size) + 1), precision)


def _product(
    x: jax.Array, kernel: jax.Array, mine: Sequence[int], theirs: Sequence[int], precision: Any
) -> jax.Array:
    """Summed in float32 at least; what is left of x first."""
    axes = ((tuple(mine), tuple(theirs)), ((), ()))
    return lax.dot_general(x, kernel, axes, precision, sum_dtype(x.dtype)).astype(kernel.dtype)


def _merged(y: jax.Array, rank: int) -> jax.Array:
    """(N, count..., tile..., D) -> (N, count and tile..., D)."""
    order = [a for axis in range(1, rank + 1) for a in (axis, axis + rank)]
    sites = [y.shape[axis] * y.shape[axis + rank] for axis in range(1, rank + 1)]
    y = lax.transpose(y, (0, *order, y.ndim - 1))
    return y.reshape(y.shape[0], *sites, y.shape[-1])
