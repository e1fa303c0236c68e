"""The convolution as a product of Fourier transforms, for kernels whose size would cost too much.

    y[n,p,i] = F^-1( sum_c  F x[n,.,c]  conj(F kernel[.,c,i]) ) at the sites strides p

Along the first axis the longer of output and kernel is cut into tiles, those of the image reaching over into
the next by the shorter one (overlap-save; where the kernel is cut, as in kernel adjoints, the spectra of its
tiles are summed). A period holds both sides, so no output meets the wrap-around.

An output mixes all numbers of its tile. Its error is relative to their norms, not to itself:
|y - exact| <= 10 eps log2(period) |x| |kernel|, and a NaN reaches every output of its tile.

Source: T. Stockham, "High-speed convolution and correlation", 1966.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution import zeros

MOST = 16  # tiles, which are written out one by one


class Cut(NamedTuple):
    """The first axis in `tiles` tiles of `step` sites, each transformed together with `reach` sites more."""

    tiles: int
    step: int
    reach: int

    @property
    def period(self) -> int:
        return fast(self.step + self.reach)


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
    """Transform, multiply, transform back; `precision` says nothing to transforms."""
    image = zeros.insert(zeros.wide(x), padding, lhs_dilation)
    image = jnp.moveaxis(image.reshape(*image.shape[:-1], groups, -1), (-2, -1), (1, 2))[:, :, None]
    weight = _taps(zeros.wide(kernel), rhs_dilation, groups)  # both (n, g, i, c, sites...)
    dense = [s * (n - 1) + 1 for s, n in zip(strides, out, strict=True)]
    product = _by_rows if dense[0] >= weight.shape[4] else _by_kernel_rows
    y = product(image, weight, dense)
    y = y.reshape(x.shape[0], kernel.shape[-1], *dense)
    y = lax.slice(y, (0,) * y.ndim, y.shape, (1, 1, *strides))
    return jnp.moveaxis(y, 1, -1).astype(kernel.dtype)


def _taps(kernel: jax.Array, dilation: Sequence[int], groups: int) -> jax.Array:
    """The kernel with its gaps filled in, as (1, g, i, c, sites...)."""
    *size, inputs, outputs = kernel.shape
    apart = zeros.insert(kernel.reshape(1, *size, -1), ((0, 0),) * len(size), dilation)
    split = apart.reshape(*apart.shape[:-1], inputs, groups, outputs // groups)
    return jnp.moveaxis(split, (-2, -1, -3), (1, 2, 3))


def _by_rows(image: jax.Array, weight: jax.Array, out: Sequence[int]) -> jax.Array:
    """Tiles of output rows: each tile of the image with the whole kernel."""
    cut = cheapest(out[0], weight.shape[4], image.size // image.shape[4], weight.size // weight.shape[4])
    period = _period(cut, image.shape[5:])
    spectrum = jnp.conj(_transform(weight, period))
    tiles = [_transform(tile, period) for tile in _tiles(image, cut, cut.reach)]
    rows = [_back(jnp.sum(tile * spectrum, axis=3), period, (cut.step, *out[1:])) for tile in tiles]
    return lax.slice_in_dim(lax.concatenate(rows, 3), 0, out[0], axis=3)


def _by_kernel_rows(image: jax.Array, weight: jax.Array, out: Sequence[int]) -> jax.Array:
    """Tiles of kernel rows: their spectra are summed before the one transform back."""
    cut = cheapest(weight.shape[4], out[0], image.size // image.shape[4], weight.size // weight.shape[4])
    period = _period(cut, image.shape[5:])
    pairs = zip(_tiles(image, cut, cut.reach), _tiles(weight, cut, 0), strict=True)
    terms = (jnp.sum(_transform(a, period) * jnp.conj(_transform(b, period)), axis=3) for a, b in pairs)
    return _back(reduce(jnp.add, terms), period, out)


def cheapest(long: int, short: int, *_: int) -> Cut:
    """The cut of the first axis that costs least, n numbers costing n log n.

    >>> cheapest(1024, 31)
    Cut(tiles=9, step=114, reach=30)
    """
    cuts = (Cut(m, -(-long // m), short - 1) for m in range(1, MOST + 1))
    return min(cuts, key=lambda c: c.tiles * c.period * math.log2(c.period + 1))


def _period(cut: Cut, rest: Sequence[int]) -> tuple[int, ...]:
    return (cut.period, *map(fast, rest))


def _tiles(array: jax.Array, cut: Cut, reach: int) -> list[jax.Array]:
    """The rows of every tile; rows beyond the last are zeros."""
    length = cut.tiles * cut.step + reach
    room = [(0, length - array.shape[4] if axis == 4 else 0, 0) for axis in range(array.ndim)]
    array = lax.pad(array, jnp.zeros((), array.dtype), room)
    return [
        lax.slice_in_dim(array, m * cut.step, (m + 1) * cut.step + reach, axis=4) for m in range(cut.tiles)
    ]


def _transform(array: jax.Array, period: Sequence[int]) -> jax.Array:
    return jnp.fft.rfftn(array, period, range(-len(period), 0))


def _back(spectrum: jax.Array, period: Sequence[int], keep: Sequence[int]) -> jax.Array:
    full = jnp.fft.irfftn(spectrum, period, range(-len(period), 0))
    return lax.slice(full, (0,) * full.ndim, (*full.shape[:3], *keep))


def fast(n: int) -> int:
    """The least length of at least n with small factors, for which transforms are fast.

    >>> [fast(n) for n in (7, 1054)]
    [8, 1080]
    """
    from scipy.fft import next_fast_len  # here, because it takes long to import

    return int(next_fast_len(n, real=True))
