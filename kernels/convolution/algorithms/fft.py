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
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.convolution.borders import zero_pad
from kernels.precision import summed

MOST = 16  # tiles


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
    image = zero_pad.insert(summed(x), padding, lhs_dilation)
    image = jnp.moveaxis(image.reshape(*image.shape[:-1], groups, -1), (-2, -1), (1, 2))[:, :, None]
    weight = _taps(summed(kernel), rhs_dilation, groups)  # both (n, g, i, c, sites...)
    dense = [s * (n - 1) + 1 for s, n in zip(strides, out, strict=True)]
    product = _by_rows if dense[0] >= weight.shape[4] else _by_kernel_rows
    y = product(image, weight, dense)
    y = y.reshape(x.shape[0], kernel.shape[-1], *dense)
    y = lax.slice(y, (0,) * y.ndim, y.shape, (1, 1, *strides))
    return jnp.moveaxis(y, 1, -1).astype(kernel.dtype)


def _taps(kernel: jax.Array, dilation: Sequence[int], groups: int) -> jax.Array:
    """The kernel with its gaps filled in, as (1, g, i, c, sites...)."""
    *size, inputs, outputs = kernel.shape
    apart = zero_pad.insert(kernel.reshape(1, *size, -1), ((0, 0),) * len(size), dilation)
    split = apart.reshape(*apart.shape[:-1], inputs, groups, outputs // groups)
    return jnp.moveaxis(split, (-2, -1, -3), (1, 2, 3))


def _by_rows(image: jax.Array, weight: jax.Array, out: Sequence[int]) -> jax.Array:
    """Tiles of output rows: each tile of the image with the whole kernel."""
    cut = cheapest(out[0], weight.shape[4])
    period = _period(cut, image.shape[5:])
    spectrum = jnp.conj(_transform(weight, period))
    image = _filled(image, cut, cut.reach)

    def rows(m: jax.Array | int) -> jax.Array:
        product = _transform(_tile(image, cut, m, cut.reach), period) * spectrum
        return _back(jnp.sum(product, axis=3), period, (cut.step, *out[1:]))

    if cut.tiles == 1:
        return rows(0)
    y = jnp.moveaxis(lax.map(rows, jnp.arange(cut.tiles)), 0, 3)  # (n, g, i, tile, row, ...)
    y = y.reshape(*y.shape[:3], cut.tiles * cut.step, *out[1:])
    return lax.slice_in_dim(y, 0, out[0], axis=3)


def _by_kernel_rows(image: jax.Array, weight: jax.Array, out: Sequence[int]) -> jax.Array:
    """Tiles of kernel rows: their spectra are summed before the one transform back."""
    cut = cheapest(weight.shape[4], out[0])
    period = _period(cut, image.shape[5:])
    image, weight = _filled(image, cut, cut.reach), _filled(weight, cut, 0)

    def term(m: jax.Array | int) -> jax.Array:
        spectrum = jnp.conj(_transform(_tile(weight, cut, m, 0), period))
        return jnp.sum(_transform(_tile(image, cut, m, cut.reach), period) * spectrum, axis=3)

    zero = jnp.zeros_like(jax.eval_shape(term, 0))
    total = term(0) if cut.tiles == 1 else lax.fori_loop(0, cut.tiles, lambda m, y: y + term(m), zero)
    return _short_back(total, period, out)


def cheapest(long: int, short: int) -> Cut:
    """The cut of the first axis that costs least, n numbers costing n log n.

    >>> cheapest(1024, 31)
    Cut(tiles=9, step=114, reach=30)
    """
    cuts = (Cut(m, -(-long // m), short - 1) for m in range(1, MOST + 1))
    return min(cuts, key=lambda c: c.tiles * c.period * math.log2(c.period + 1))


def _period(cut: Cut, rest: Sequence[int]) -> tuple[int, ...]:
    return (cut.period, *map(fast, rest))


def _filled(array: jax.Array, cut: Cut, reach: int) -> jax.Array:
    """Zeros after the last row, up to the end of the last tile."""
    return zero_pad.after(array, 4, cut.tiles * cut.step + reach - array.shape[4])


def _tile(array: jax.Array, cut: Cut, m: jax.Array | int, reach: int) -> jax.Array:
    """The rows of tile m."""
    return lax.dynamic_slice_in_dim(array, m * cut.step, cut.step + reach, 4)


def _transform(array: jax.Array, period: Sequence[int]) -> jax.Array:
    return jnp.fft.rfftn(array, period, range(-len(period), 0))


def _back(spectrum: jax.Array, period: Sequence[int], keep: Sequence[int]) -> jax.Array:
    full = jnp.fft.irfftn(spectrum, period, range(-len(period), 0))
    return lax.slice(full, (0,) * full.ndim, (*full.shape[: full.ndim - len(keep)], *keep))


def _short_back(spectrum: jax.Array, period: Sequence[int], keep: Sequence[int]) -> jax.Array:
    """`_back` where few rows are kept: they are a matrix product, and few are transformed back."""
    if len(period) == 1:
        return _back(spectrum, period, keep)
    rest = "yz"[: len(period) - 1]
    wave = jnp.asarray(_waves(period[0], keep[0]), spectrum.dtype)
    rows = jnp.einsum(f"rk,...k{rest}->...r{rest}", wave, spectrum, precision=lax.Precision.HIGHEST)
    return _back(rows, period[1:], keep)


def _waves(period: int, rows: int) -> np.ndarray:
    """exp(2 pi i k r / period) / period, the phases reduced as whole numbers."""
    turns = np.outer(np.arange(rows), np.arange(period)) % period / period
    return np.exp(2j * np.pi * turns) / period


def fast(n: int) -> int:
    """The least length of at least n with small factors, for which transforms are fast.

    >>> [fast(n) for n in (7, 1054)]
    [8, 1080]
    """
    from scipy.fft import next_fast_len  # here, because it takes long to import

    return int(next_fast_len(n, real=True))
