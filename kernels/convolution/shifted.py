"""The convolution as a sum of shifted copies of the image, each times one number per group.

    y[n,p,(g,d)] = sum_{j,c} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)]

Products and sums alone: nothing a matrix product could do better where a group has one channel or a few. The
shorter side is written out: the taps of the kernel, one pass over the image, or, in the kernel adjoint, whose
kernel is as large as an image, the sites of the output (``rows.py``). Many taps are a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import phases, rows, zeros

BARE = 10  # the most taps for which asking costs less than a border
Apart = Callable[[Callable[..., jax.Array]], Callable[..., jax.Array]]
UNROLLED = 32  # the most terms written out one by one: compiling more takes longer than it saves


def _merged(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    return function


def compute(
    x: jax.Array, kernel: jax.Array, *, out: Sequence[int], apart: Apart = _merged, **options: Any
) -> jax.Array:
    """The sum, written out over taps and channels, or over samples, sites and channels of the output.

    `apart`: how a function is called that XLA is not to merge with its neighbours.
    """
    *size, inputs, outputs = kernel.shape
    if math.prod(size) * inputs > math.prod(out) * x.shape[0] * (outputs // options["groups"]):
        return rows.compute(x, kernel, out=out, **options)
    if max(options["lhs_dilation"]) > 1:
        return apart(partial(phases.compute, out=out, convolve=compute, **options))(x, kernel)
    if x.shape[-1] == 1 and math.prod(size) <= BARE and max(options["strides"]) == 1:
        bare = partial(_borderless, out=out, padding=options["padding"], rhs_dilation=options["rhs_dilation"])
        return apart(bare)(x, kernel)
    return _over_taps(x, kernel, out=out, apart=apart, **options)


def _borderless(
    x: jax.Array,
    kernel: jax.Array,
    out: Sequence[int],
    padding: Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int],
) -> jax.Array:
    """An image of one channel, strides of 1: every term asks where the image ends, and no border is made."""
    image, taps = zeros.wide(x), zeros.wide(kernel)

    def term(j: tuple[int, ...]) -> jax.Array:
        first = [e * i - lo for e, i, (lo, _) in zip(rhs_dilation, j, padding, strict=True)]
        return zeros.beyond(image, first, out) * taps[(*j, 0)]

    terms = map(term, product(*map(range, kernel.shape[:-2])))
    return reduce(jnp.add, terms).astype(kernel.dtype)


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
    apart: Apart,
) -> jax.Array:
    """One term per tap and channel of a group; `precision` says nothing to products of single numbers."""
    *size, inputs, outputs = kernel.shape
    image = zeros.insert(x, padding, lhs_dilation)
    taps = zeros.wide(kernel).reshape(*size, inputs, groups, outputs // groups)

    def add(y: jax.Array | None, image: jax.Array, taps: jax.Array) -> jax.Array:
        """y and a term for each of these taps; the image is no longer than they need."""
        split = image.reshape(*image.shape[:-1], groups, inputs)

        def term(j: tuple[int, ...], channel: int) -> jax.Array:
            first = [e * i for e, i in zip(rhs_dilation, j, strict=True)]
            seen = zeros.window(split[..., channel], first, strides, out)
            return zeros.wide(seen)[..., None] * taps[(*j, channel)]

        every = product(product(*map(range, taps.shape[:-3])), range(inputs))
        terms = [term(j, channel) for j, channel in every]
        return reduce(jnp.add, terms if y is None else [y, *terms])

    if math.prod(size) * inputs <= UNROLLED or size[0] == 1:
        y = apart(partial(add, None))(image, taps)
    else:
        length = strides[0] * (out[0] - 1) + 1

        def row(j: jax.Array, y: jax.Array) -> jax.Array:
            lines = lax.dynamic_slice_in_dim(image, rhs_dilation[0] * j, length, 1)
            return add(y, lines, lax.dynamic_slice_in_dim(taps, j, 1, 0))

        zero = jnp.zeros((x.shape[0], *out, groups, outputs // groups), taps.dtype)
        y = lax.fori_loop(0, size[0], row, zero)
    return y.reshape(*y.shape[:-2], outputs).astype(kernel.dtype)
