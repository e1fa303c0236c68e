"""Three more forms that a pair of blocks takes: circular convolution, one entry per row, a small matrix.

Every form has ``apply(w, x) -> y`` and ``adjoint(w, x, ybar) -> (wbar, xbar)``: w (weights, C_in, C_out),
x (batch, C_in, points) and y (batch, C_out, points); the adjoints are written out, not differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution.convolve import conv
from kernels.convolution.pullback import input_adjoint, kernel_adjoint
from kernels.expansion import Block, contract, expand
from kernels.ops import Static

LONG = 256  # points from which a circular convolution of as many taps goes through the Fourier transform
HALVES = ("float16", "bfloat16")  # which the Fourier transform does not know


@dataclass(frozen=True)
class Matrix:
    """y = A x with the weights put into a small dense matrix: labels with signs, or a basis."""

    block: Block

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        y = x.reshape(x.shape[0], -1) @ self._matrix(w)
        return y.reshape(x.shape[0], w.shape[2], self.block.dim_out)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        flat, back = x.reshape(x.shape[0], -1), ybar.reshape(x.shape[0], -1)
        wbar = contract((self.block,), (flat.T @ back)[None])
        return wbar, (back @ self._matrix(w).T).reshape(x.shape)

    def _matrix(self, w: jax.Array) -> jax.Array:
        return expand((self.block,), w, 1)[0]

    def describe(self) -> str:
        b = self.block
        return f"dense {b.dim_out} x {b.dim_in} matrix, free weights {b.weights}"

    @cached_property
    def _hash(self) -> int:
        return hash(self.block)

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Rows:
    """y[r] = sum_j value[r, j] w[weight[r, j]] x[column[r, j]], few entries in every row.

    With one entry in every row, on the diagonal, it scales each channel by itself (depthwise).
    """

    weight: Static
    column: Static
    value: Static
    dim_in: int
    weights: int

    @property
    def width(self) -> int:
        return self.column.array.shape[1]

    @cached_property
    def is_diagonal(self) -> bool:
        column = self.column.array
        return column.shape == (self.dim_in, 1) and bool((column[:, 0] == np.arange(self.dim_in)).all())

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.einsum("bcrj,rjcd->bdr", self._read(x), self._factors(w))

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        bars = jnp.einsum("bcrj,bdr->rjcd", self._read(x), ybar) * self._values(w.dtype)
        empty = jnp.zeros((self.weights + 1, *w.shape[1:]), w.dtype)
        wbar = empty.at[self.weight.array].add(bars)[:-1]
        back = jnp.einsum("bdr,rjcd->bcrj", ybar, self._factors(w))
        if self.is_diagonal:
            return wbar, back[..., 0]
        return wbar, jnp.zeros_like(x).at[:, :, self.column.array].add(back)

    def _read(self, x: jax.Array) -> jax.Array:
        return x[..., None] if self.is_diagonal else x[:, :, self.column.array]

    def _values(self, dtype: Any) -> jax.Array:
        return jnp.asarray(self.value.array, dtype)[:, :, None, None]

    def _factors(self, w: jax.Array) -> jax.Array:
        padded = jnp.concatenate([w, jnp.zeros((1, *w.shape[1:]), w.dtype)])
        return padded[self.weight.array] * self._values(w.dtype)

    def describe(self) -> str:
        if self.is_diagonal:
            return f"depthwise: scales each of {self.dim_in} channels, free weights {self.weights}"
        rows = len(self.column.array)
        return f"gathers {self.width} entries for each of {rows} rows, free weights {self.weights}"

    @cached_property
    def _hash(self) -> int:
        return hash((self.weight, self.column, self.value, self.dim_in))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class Circular:
    """y[out[t, i]] = sum over d, j of value[d, i, j] w[weight[d, i, j]] x[into[t + d, j]], t and d modulo n.

    A circular convolution of n taps along the cycle; weights are -1 where a tap is zero.
    """

    out: Static
    into: Static
    weight: Static
    value: Static
    weights: int

    @property
    def points(self) -> int:
        return len(self.out.array)

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        taps, field = self._taps(w), _along(x, self.into.array)
        y = (
            _spectral(field, taps)
            if self.points >= LONG
            else conv(field, self._centred(taps), padding="CIRCULAR")
        )
        return _back(y, self.out.array)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        taps, field, back = self._taps(w), _along(x, self.into.array), _along(ybar, self.out.array)
        if self.points >= LONG:
            taps_bar, field_bar = _spectral_adjoint(field, taps, back)
        else:
            kernel = self._centred(taps)
            kernel_bar = kernel_adjoint(field, back, kernel_shape=kernel.shape, padding="CIRCULAR")
            taps_bar = jnp.roll(kernel_bar, -self._low, 0)
            field_bar = input_adjoint(back, kernel, input_shape=field.shape, padding="CIRCULAR")
        return self._untapped(taps_bar, w), _back(field_bar, self.into.array)

    @property
    def _low(self) -> int:
        """The taps that a centred window has before its centre."""
        return (self.points - 1) // 2

    def _centred(self, taps: jax.Array) -> jax.Array:
        return jnp.roll(taps, self._low, 0)

    def _taps(self, w: jax.Array) -> jax.Array:
        """The kernel (displacement, C_in, C_out) with the orbits of the cycle as channels, fastest."""
        padded = jnp.concatenate([w, jnp.zeros((1, *w.shape[1:]), w.dtype)])
        taps = padded[self.weight.array] * self._values(w.dtype)
        n, outs, ins = self.weight.array.shape
        return taps.transpose(0, 3, 2, 4, 1).reshape(n, w.shape[1] * ins, w.shape[2] * outs)

    def _untapped(self, bar: jax.Array, w: jax.Array) -> jax.Array:
        n, outs, ins = self.weight.array.shape
        bar = bar.reshape(n, w.shape[1], ins, w.shape[2], outs).transpose(0, 4, 2, 1, 3)
        empty = jnp.zeros((self.weights + 1, *w.shape[1:]), w.dtype)
        return empty.at[self.weight.array].add(bar * self._values(w.dtype))[:-1]

    def _values(self, dtype: Any) -> jax.Array:
        return jnp.asarray(self.value.array, dtype)[..., None, None]

    def describe(self) -> str:
        n, outs, ins = self.weight.array.shape
        how = ", by the Fourier transform" if n >= LONG else ""
        return (
            f"circular convolution on {n} points, {ins} -> {outs} channels, free weights {self.weights}{how}"
        )

    @cached_property
    def _hash(self) -> int:
        return hash((self.out, self.into, self.weight, self.value))

    def __hash__(self) -> int:
        return self._hash


Form = Any  # Diagonals, Circular, Rows or Matrix: apply, adjoint, describe


def _along(x: jax.Array, points: np.ndarray) -> jax.Array:
    """(batch, C, points) to (batch, cycle, C * orbits)."""
    if points.shape[1] > 1 or (points[:, 0] != np.arange(len(points))).any():
        x = x[:, :, points]
    x = x.reshape(*x.shape[:2], *points.shape)
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], len(points), -1)


def _back(y: jax.Array, points: np.ndarray) -> jax.Array:
    """The inverse of `_along`, which is also its transpose."""
    n, orbits = points.shape
    flat = y.reshape(y.shape[0], n, -1, orbits).transpose(0, 2, 1, 3).reshape(y.shape[0], -1, points.size)
    inverse = np.argsort(points.reshape(-1))
    return flat if (inverse == np.arange(points.size)).all() else flat[:, :, inverse]


def _spectral(x: jax.Array, taps: jax.Array) -> jax.Array:
    """y[t] = sum_d taps[d] x[t + d]: a product of one spectrum with the conjugate of the other."""
    waves = jnp.einsum("bfc,fcd->bfd", _rfft(x, 1), _rfft(taps, 0).conj(), precision="highest")
    return _irfft(waves, x.shape[1], 1, x.dtype)


def _spectral_adjoint(x: jax.Array, taps: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
    back = _rfft(ybar, 1)
    taps_bar = jnp.einsum("bfc,bfd->fcd", _rfft(x, 1), back.conj(), precision="highest")
    x_bar = jnp.einsum("bfd,fcd->bfc", back, _rfft(taps, 0), precision="highest")
    return _irfft(taps_bar, x.shape[1], 0, x.dtype), _irfft(x_bar, x.shape[1], 1, x.dtype)


def _rfft(x: jax.Array, axis: int) -> jax.Array:
    return jnp.fft.rfft(x.astype(jnp.float32) if x.dtype.name in HALVES else x, axis=axis)


def _irfft(waves: jax.Array, n: int, axis: int, dtype: Any) -> jax.Array:
    return jnp.fft.irfft(waves, n, axis=axis).astype(dtype)
