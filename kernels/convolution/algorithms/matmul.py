"""The convolution as matrix products over the channels, one per tap or one per output site.

    by taps    y[n,p,i] = sum_j x[n, strides p + rhs_dilation j - low, :] @ kernel[j,:,i]
    by sites   y[n,p,i] = x[n, strides p + rhs_dilation . - low, .] @ kernel[.,.,i],  one product for each p

The shorter side is written out. A 1x1 layer is one product either way, and so is its kernel adjoint x^T ybar:
there the kernel is as large as an image and the output is one site.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import grouped, tiles
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
    """The sum over taps, or one product per output site; where windows tile the image, one in all."""
    if tiles.tiled(kernel.shape[:-2], out, strides, lhs_dilation, rhs_dilation):
        return tiles.compute(
            x,
            kernel,
            out=out,
            strides=strides,
            padding=padding,
            lhs_dilation=lhs_dilation,
            rhs_dilation=rhs_dilation,
            precision=precision,
        )
    border = partial(zero_pad.insert, padding=padding, lhs_dilation=lhs_dilation)
    if math.prod(kernel.shape[:-2]) <= math.prod(out):
        return _over_taps(border(x), kernel, kept, out, strides, rhs_dilation, precision)
    if kernel.shape[-1] > 8 * x.shape[0]:  # a layer over the whole image: the kernel must not be copied
        return _over_sites(border(x), kernel, 0, out, strides, rhs_dilation, precision)
    # In a kernel adjoint these two undo transpositions that were made just before.
    image, taps = border(jnp.swapaxes(x, 0, -1)), jnp.moveaxis(kernel, -2, 0)  # (c, ..., n) and (c, ..., i)
    return _over_sites(image, taps, image.ndim - 1, out, strides, rhs_dilation, precision)


compute = grouped.each(_dense)


def _over_taps(
    image: jax.Array,
    kernel: jax.Array,
    kept: jax.Array | None,
    out: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    precision: Any,
) -> jax.Array:
    """One product (n p, c) (c, i) per tap; of a turned kernel with the one that is kept, (n p, c) (i, c)."""
    size, stored = kernel.shape[:-2], kernel if kept is None else kept
    channels = (((image.ndim - 1,), (0 if kept is None else 1,)), ((), ()))

    def term(j: tuple[int, ...]) -> jax.Array:
        seen = zero_pad.window(image, [e * i for e, i in zip(dilation, j, strict=True)], strides, out)
        return _product(seen, stored[j if kept is None else flipped(j, size)], channels, precision)

    terms = map(term, product(*map(range, size)))
    return reduce(jnp.add, terms).astype(kernel.dtype)


def flipped(j: Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
    """The tap of a kernel that is tap j of the turned one."""
    return tuple(k - 1 - i for i, k in zip(j, size, strict=True))


def _over_sites(
    image: jax.Array,
    kernel: jax.Array,
    free: int,
    out: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    precision: Any,
) -> jax.Array:
    """One product (n, j c) (j c, i) per output site, n being the free axis of the image."""
    mine, theirs = [a for a in range(image.ndim) if a != free], list(range(kernel.ndim - 1))
    size = kernel.shape[:-2] if free == 0 else kernel.shape[1:-1]

    def site(p: tuple[int, ...]) -> jax.Array:
        seen = zero_pad.window(image, [s * i for s, i in zip(strides, p, strict=True)], dilation, size)
        if free == 0 or seen.shape[free] <= kernel.shape[-1]:
            return _product(seen, kernel, ((mine, theirs), ((), ())), precision)
        # A product x^T y is computed from a copy of x that is transposed: make it of the smaller side. The
        # barrier keeps XLA from turning the product round again.
        turned = _product(kernel, seen, ((theirs, mine), ((), ())), precision)
        return lax.optimization_barrier(turned).T

    y = jnp.stack([site(p) for p in product(*map(range, out))])
    y = jnp.moveaxis(y, 0, 1)
    return y.reshape(y.shape[0], *out, y.shape[-1]).astype(kernel.dtype)


def _product(a: jax.Array, b: jax.Array, dimensions: Any, precision: Any) -> jax.Array:
    """Summed in float32 at least, without widening the operands: units for half precision take them so."""
    return lax.dot_general(a, b, dimensions, precision, sum_dtype(b.dtype))
