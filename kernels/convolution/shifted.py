"""The convolution as a sum of shifted copies of the image, each times one number per group.

    y[n,p,(g,d)] = sum_{j,c} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)]

Products and sums alone: nothing a matrix product could do better where a group has one channel or a few. The
shorter side is written out: the taps of the kernel, one pass over the image, or, in the kernel adjoint, whose
kernel is as large as an image, the sites of the output (``rows.py``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import rows, zeros


def compute(x: jax.Array, kernel: jax.Array, *, out: Sequence[int], **options: Any) -> jax.Array:
    """The sum, written out over taps and channels, or over samples, sites and channels of the output."""
    *size, inputs, outputs = kernel.shape
    by_taps = math.prod(size) * inputs <= math.prod(out) * x.shape[0] * (outputs // options["groups"])
    return (_over_taps if by_taps else rows.compute)(x, kernel, out=out, **options)


def _over_taps(
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
    """One term per tap and channel of a group; `precision` says nothing to products of single numbers."""
    *size, inputs, outputs = kernel.shape
    image = zeros.insert(zeros.wide(x), padding, lhs_dilation)
    image = image.reshape(*image.shape[:-1], groups, inputs)
    taps = zeros.wide(kernel).reshape(*size, inputs, groups, outputs // groups)

    def term(j: Sequence[int], channel: int) -> jax.Array:
        start = [e * i for e, i in zip(rhs_dilation, j, strict=True)]
        stop = [a + s * (n - 1) + 1 for a, s, n in zip(start, strides, out, strict=True)]
        one = image[..., channel]
        seen = lax.slice(one, (0, *start, 0), (one.shape[0], *stop, groups), (1, *strides, 1))
        return seen[..., None] * taps[(*j, channel)]

    terms = (term(j, channel) for j, channel in product(product(*map(range, size)), range(inputs)))
    y = reduce(jnp.add, terms)
    return y.reshape(*y.shape[:-2], outputs).astype(kernel.dtype)
