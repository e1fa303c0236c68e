"""Maps that commute with a cycle, as circular convolutions; signs that change after a turn are continued.

See ``entries.py`` for what every form has.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution.adjoint_api import input_adjoint, kernel_adjoint
from kernels.convolution.api import conv
from kernels.convolution.borders import zero_pad
from kernels.convolution.choice.table import Policy
from kernels.maps.forms.entries import Form
from kernels.precision import cast, constant, summed
from kernels.sparse import SparseMatrix, reorder, sparse_matrix, times
from kernels.static import Content, Static

LONG = 256  # points from which a circular convolution of as many taps goes through the Fourier transform


@dataclass(frozen=True, eq=False)
class Circular(Content):
    """y[out[t, i]] = sum over d, j of value[d, i, j] w[weight[d, i, j]] x[into[t + d, j]], 0 <= d < n.

    A circular convolution of n taps along the cycle: beyond n, x begins again, times `turn[j]`. Where that is
    -1 it is negacyclic, the first half of a circular convolution of doubled length. Weights are -1 where a
    tap is zero.
    """

    out: Static
    into: Static
    weight: Static
    value: Static
    turn: Static
    weights: int
    implementation: str | Policy = "auto"

    @property
    def by_transform(self) -> bool:
        """Whether it goes through the Fourier transform: where it is long and nothing else was asked for."""
        return self.points >= LONG and self.implementation == "auto"

    @property
    def points(self) -> int:
        return len(self.out.array)

    @cached_property
    def changes_sign(self) -> bool:
        """Whether a turn changes the sign of some orbit."""
        return bool((self.turn.array < 0).any())

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        taps, field = self._taps(w), _along(x, self.into.index)
        if self.by_transform:
            y = _spectral(self._turned(field), self._longer(taps, 0))[:, : self.points]
        elif self.changes_sign:
            y = conv(self._turned(field)[:, :-1], taps, padding="VALID", implementation=self.implementation)
        else:
            y = conv(field, self._centred(taps), padding="CIRCULAR", implementation=self.implementation)
        return _back(y, self.out.index)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        taps, field, back = self._taps(w), _along(x, self.into.index), _along(ybar, self.out.index)
        if self.by_transform:
            pair = self._longer(taps, 0), self._longer(back, 1)
            taps_bar, field_bar = _spectral_adjoint(self._turned(field), *pair)
            taps_bar, field_bar = taps_bar[: self.points], self._returned(field_bar)
        elif self.changes_sign:
            field = self._turned(field)[:, :-1]
            how: dict[str, Any] = {"padding": "VALID", "implementation": self.implementation}
            taps_bar = kernel_adjoint(field, back, kernel_shape=taps.shape, **how)
            field_bar = input_adjoint(back, taps, input_shape=field.shape, **how)
            field_bar = self._returned(zero_pad.after(field_bar, 1, 1))
        else:
            kernel = self._centred(taps)
            how = {"padding": "CIRCULAR", "implementation": self.implementation}
            kernel_bar = kernel_adjoint(field, back, kernel_shape=kernel.shape, **how)
            taps_bar = jnp.roll(kernel_bar, -self._low, 0)
            field_bar = input_adjoint(back, kernel, input_shape=field.shape, **how)
        return self._untapped(taps_bar, w), _back(field_bar, self.into.index)

    def _turned(self, field: jax.Array) -> jax.Array:
        """The field over two turns, where they differ."""
        if not self.changes_sign:
            return field
        return jnp.concatenate([field, field * self._signs(field)], axis=1)

    def _returned(self, bar: jax.Array) -> jax.Array:
        """The transpose of `_turned`."""
        if not self.changes_sign:
            return bar
        return bar[:, : self.points] + bar[:, self.points :] * self._signs(bar)

    def _signs(self, field: jax.Array) -> jax.Array:
        """One for every channel, the orbits of the cycle fastest."""
        signs = np.tile(self.turn.array, field.shape[2] // len(self.turn.array))
        return constant(signs, field.dtype)[None, None]

    def _longer(self, array: jax.Array, axis: int) -> jax.Array:
        """Zeros for the second turn, where there is one."""
        if not self.changes_sign:
            return array
        more = [self.points if a == axis else n for a, n in enumerate(array.shape)]
        return jnp.concatenate([array, jnp.zeros_like(array, shape=tuple(more))], axis)

    @property
    def _low(self) -> int:
        """The taps that a centred window has before its centre."""
        return (self.points - 1) // 2

    def _centred(self, taps: jax.Array) -> jax.Array:
        return jnp.roll(taps, self._low, 0)

    def _taps(self, w: jax.Array) -> jax.Array:
        """The kernel (displacement, C_in, C_out) with the orbits of the cycle as channels, fastest."""
        n, outs, ins = self.weight.array.shape
        taps = times(self._placing, w).reshape(n, outs, ins, *w.shape[1:])
        return taps.transpose(0, 3, 2, 4, 1).reshape(n, w.shape[1] * ins, w.shape[2] * outs)

    def _untapped(self, bar: jax.Array, w: jax.Array) -> jax.Array:
        n, outs, ins = self.weight.array.shape
        bar = bar.reshape(n, w.shape[1], ins, w.shape[2], outs).transpose(0, 4, 2, 1, 3)
        return times(self._placing.transposed, bar.reshape(-1, *w.shape[1:]))

    @cached_property
    def _placing(self) -> SparseMatrix:
        """Weights to taps, times their values."""
        weight, value = self.weight.array.reshape(-1), self.value.array.reshape(-1)
        (at,) = np.nonzero(weight >= 0)
        return sparse_matrix(at, weight[at], value[at], (len(weight), self.weights))

    def describe(self) -> str:
        n, outs, ins = self.weight.array.shape
        how = ", by the Fourier transform" if self.by_transform else ""
        kind = "circular" if not self.changes_sign else "negacyclic"
        if self.changes_sign and (self.turn.array > 0).any():
            kind = "circular and negacyclic"
        return f"{kind} convolution on {n} points, {ins} -> {outs} channels, free weights {self.weights}{how}"


@dataclass(frozen=True, eq=False)
class Signs(Content):
    """A form between bases with signs: y = sign_out * form(w, sign_in * x)."""

    form: Form
    sign_in: Static
    sign_out: Static

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        y = self.form.apply(w, x * constant(self.sign_in.array, x.dtype)[None, None])
        return y * constant(self.sign_out.array, y.dtype)[None, None]

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        into, out = (constant(s.array, x.dtype)[None, None] for s in (self.sign_in, self.sign_out))
        wbar, xbar = self.form.adjoint(w, x * into, ybar * out)
        return wbar, xbar * into

    def describe(self) -> str:
        return f"{self.form.describe()}, with signs"


def _along(x: jax.Array, points: np.ndarray) -> jax.Array:
    """(batch, C, points) to (batch, cycle, C * orbits)."""
    x = times(reorder(points.reshape(-1)), x, 2)
    x = x.reshape(*x.shape[:2], *points.shape)
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], len(points), -1)


def _back(y: jax.Array, points: np.ndarray) -> jax.Array:
    """The inverse of `_along`, which is also its transpose."""
    n, orbits = points.shape
    flat = y.reshape(y.shape[0], n, -1, orbits).transpose(0, 2, 1, 3).reshape(y.shape[0], -1, points.size)
    return times(reorder(np.argsort(points.reshape(-1))), flat, 2)


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
    """Half precision is summed in single, and the transform knows no other way."""
    return jnp.fft.rfft(summed(x), axis=axis)


def _irfft(waves: jax.Array, n: int, axis: int, dtype: Any) -> jax.Array:
    return cast(jnp.fft.irfft(waves, n, axis=axis), dtype)
