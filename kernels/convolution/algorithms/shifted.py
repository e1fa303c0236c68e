"""The convolution as a sum of shifted copies of the image, each times one number per group.

    y[n,p,(g,d)] = sum_{j,c} x[n, strides p + rhs_dilation j - low, (g,c)] kernel[j,c,(g,d)]

Products and sums alone: nothing a matrix product could do better where a group has one channel or a few. The
shorter side is written out: the taps of the kernel, in passes over the image of a few taps and channels each,
or, in the kernel adjoint, whose kernel is as large as an image, the sites of the output (``row_sum.py``).
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

from kernels.convolution import channel_axes
from kernels.convolution.algorithms import divisors, phases, row_sum
from kernels.convolution.borders import zero_pad
from kernels.convolution.choice import in_effect
from kernels.convolution.choice.thresholds import DEFAULT, Thresholds
from kernels.precision import summed

Apart = Callable[[Callable[..., jax.Array]], Callable[..., jax.Array]]


def _merged(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    return function


def compute(
    x: jax.Array, kernel: jax.Array, *, out: Sequence[int], apart: Apart | None = None, **options: Any
) -> jax.Array:
    """The sum, written out over taps and channels, or over samples, sites and channels of the output.

    `apart`: how a function is called that XLA is not to merge with its neighbours, where there is a way.
    """
    call = apart or _merged
    *size, inputs, outputs = kernel.shape
    if math.prod(size) * inputs > math.prod(out) * x.shape[0] * (outputs // options["groups"]):
        return row_sum.compute(x, kernel, out=out, **options)
    if max(options["lhs_dilation"]) > 1:
        return call(partial(phases.compute, out=out, convolve=compute, **options))(x, kernel)
    if x.shape[-1] == 1 and math.prod(size) <= _now().borderless_taps and max(options["strides"]) == 1:
        bare = partial(_borderless, out=out, padding=options["padding"], rhs_dilation=options["rhs_dilation"])
        return call(bare)(channel_axes.squeezed(x), kernel)
    return _over_taps(x, kernel, out=out, apart=apart, **options)


def _borderless(
    planes: jax.Array,
    kernel: jax.Array,
    out: Sequence[int],
    padding: Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int],
) -> jax.Array:
    """One channel, without its axis, strides of 1: no border, every term asks where the image ends."""
    image, taps = summed(planes)[..., None], summed(kernel)

    def term(j: tuple[int, ...]) -> jax.Array:
        first = [e * i - lo for e, i, (lo, _) in zip(rhs_dilation, j, padding, strict=True)]
        return channel_axes.scaled(zero_pad.beyond(image, first, out), taps[(*j, 0)])

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
    apart: Apart | None,
) -> jax.Array:
    """One term per tap and channel of a group; `precision` says nothing to products of single numbers."""
    *size, inputs, outputs = kernel.shape
    height, depth = _block(size, inputs, _now())
    length = strides[0] * (out[0] - 1) + rhs_dilation[0] * (height - 1) + 1
    blocks = list(product(range(0, size[0], height), range(0, inputs, depth)))

    def prepared(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
        image = channel_axes.squeezed(zero_pad.surround(x, padding, lhs_dilation))
        return image, summed(kernel).reshape(*size, inputs, groups, outputs // groups)

    def terms(image: jax.Array, taps: jax.Array) -> jax.Array:
        """What some rows of the kernel and some channels of every group give."""
        split = image.reshape(*image.shape[: 1 + len(size)], groups, -1)
        planes = [split[..., c] for c in range(depth)]

        def term(j: tuple[int, ...], c: int) -> jax.Array:
            first = [e * i for e, i in zip(rhs_dilation, j, strict=True)]
            seen = zero_pad.window(planes[c], first, strides, out)
            return channel_axes.scaled(summed(seen)[..., None], taps[(*j, c)])

        every = product(product(range(height), *map(range, size[1:])), range(depth))
        return reduce(jnp.add, (term(j, c) for j, c in every)).reshape(x.shape[0], *out, outputs)

    def whole(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return terms(*prepared(x, kernel)).astype(kernel.dtype)

    def add(y: jax.Array, image: jax.Array, taps: jax.Array, row: jax.Array, channel: jax.Array) -> jax.Array:
        lines = lax.dynamic_slice_in_dim(image, rhs_dilation[0] * row, length, 1)
        split = lines.reshape(*lines.shape[: 1 + len(size)], groups, inputs)
        some = lax.dynamic_slice_in_dim(split, channel, depth, -1)
        part = lax.dynamic_slice_in_dim(taps, row, height, 0)
        return y + terms(some, lax.dynamic_slice_in_dim(part, channel, depth, -3))

    if len(blocks) == 1:
        return (apart or _merged)(whole)(x, kernel)
    image, taps = prepared(x, kernel)
    y = jnp.zeros((x.shape[0], *out, outputs), taps.dtype)
    if apart and len(blocks) <= _now().calls:
        for row, channel in blocks:
            y = apart(add)(y, image, taps, row, channel)
    else:
        at = jnp.asarray(blocks)
        y = lax.fori_loop(0, len(blocks), lambda i, y: add(y, image, taps, *at[i]), y)
    return y.astype(kernel.dtype)


def _now() -> Thresholds:
    return in_effect.read().thresholds


def _block(size: Sequence[int], inputs: int, t: Thresholds = DEFAULT) -> tuple[int, int]:
    """How many rows of the kernel and channels of a group are written out together, as measured.

    All channels of a row where those are few terms, and as many rows as there is room for; otherwise as many
    rows as there is room for, and then channels.

    >>> _block((3, 3), 1), _block((3, 3), 4), _block((3, 3), 8), _block((7, 7), 1), _block((9, 9), 1)
    ((3, 1), (1, 4), (3, 2), (7, 1), (3, 1))
    """
    line = math.prod(size[1:])
    if inputs == 1 and line * size[0] <= t.one_channel_terms:
        return size[0], 1
    if line * inputs <= t.whole_terms:
        return divisors.divisor(size[0], t.written_terms // (line * inputs)), inputs
    height = divisors.divisor(size[0], t.written_terms // line)
    return height, divisors.divisor(inputs, t.written_terms // (line * height))
