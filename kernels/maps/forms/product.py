"""Products of maps on whose factors independent groups act: one factor after the other.

    y = sum over k, l, ... of w[k, l, ...] (A_k (x) B_l (x) ...) x

All maps of the first parts are applied, each into a channel of its own; the last part takes these channels
together with the weights. No array grows beyond the field times the few maps of the first parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from kernels.maps.forms.entries import Form
from kernels.precision import constant
from kernels.sparse import SparseMatrix, times
from kernels.static import Content


@dataclass(frozen=True, eq=False)
class Product(Content):
    """The forms of the parts, the last one with the weights; `counts`: the maps of each.

    `axes_in`, `axes_out`: the axes of every part; `order`: weights to (maps of the first part, ...).
    """

    forms: tuple[Form, ...]
    counts: tuple[int, ...]
    sizes_in: tuple[int, ...]
    sizes_out: tuple[int, ...]
    axes_in: tuple[tuple[int, ...], ...]
    axes_out: tuple[tuple[int, ...], ...]
    order: SparseMatrix

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        """(weights, C_in, C_out) and (batch, C_in, points) to (batch, C_out, points)."""
        z = self._steps(x)[-1]
        y = self.forms[-1].apply(self._weights(w), _last(z))
        y = y.reshape(len(x), *z.shape[2:-1], *y.shape[1:])
        return _unsplit(jnp.moveaxis(y, -2, 1), self.sizes_out, self.axes_out)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The parts' adjoints in the opposite order."""
        steps = self._steps(x)
        back = _last(_split(ybar, self.sizes_out, self.axes_out))
        wbar, bar = self.forms[-1].adjoint(self._weights(w), _last(steps[-1]), back)
        bar = bar.reshape(len(x), *steps[-1].shape[2:-1], *bar.shape[1:])
        bar = jnp.moveaxis(bar, -2, 1)
        for t in reversed(range(len(steps) - 1)):
            back = _returned(bar, self.counts[t], t)
            _, one = self.forms[t].adjoint(self._unit(t, x), _taken(steps[t], t), back)
            bar = _given(one, steps[t].shape, t)
        return self._unweighted(wbar, w.shape), _unsplit(bar, self.sizes_in, self.axes_in)

    def _steps(self, x: jax.Array) -> list[jax.Array]:
        """The field (batch, channels, points of every part) before each part is applied."""
        steps = [_split(x, self.sizes_in, self.axes_in)]
        for t, form in enumerate(self.forms[:-1]):
            z = form.apply(self._unit(t, x), _taken(steps[-1], t))
            steps.append(_given(z, steps[-1].shape, t))
        return steps

    def _unit(self, t: int, x: jax.Array) -> jax.Array:
        """Weights that put every map of part t into a channel of its own."""
        return constant(np.eye(self.counts[t]), x.dtype)[:, None]

    def _weights(self, w: jax.Array) -> jax.Array:
        """(maps of the last part, C_in and maps of the others, C_out)."""
        w = times(self.order, w).reshape(-1, self.counts[-1], *w.shape[1:])
        return w.transpose(1, 2, 0, 3).reshape(self.counts[-1], -1, w.shape[3])

    def _unweighted(self, bar: jax.Array, shape: Sequence[int]) -> jax.Array:
        bar = bar.reshape(self.counts[-1], shape[1], -1, shape[2]).transpose(2, 0, 1, 3)
        return times(self.order.transposed, bar.reshape(shape))

    def describe(self) -> str:
        """The parts, in the order in which they are applied."""
        parts = "; then ".join(form.describe() for form in self.forms)
        return f"a product of {len(self.forms)} parts, free weights {math.prod(self.counts)}: {parts}"


def _order(sizes: Sequence[int], axes: Sequence[Sequence[int]]) -> list[int]:
    """The axes part by part, then those of one point."""
    first = [a for part in axes for a in part]
    return [*first, *(a for a in range(len(sizes)) if a not in first)]


def _split(x: jax.Array, sizes: Sequence[int], axes: Sequence[Sequence[int]]) -> jax.Array:
    """(batch, channels, points) to (batch, channels, points of every part)."""
    x = x.reshape(*x.shape[:2], *sizes).transpose(0, 1, *(2 + a for a in _order(sizes, axes)))
    return x.reshape(*x.shape[:2], *(math.prod(sizes[a] for a in part) for part in axes))


def _unsplit(x: jax.Array, sizes: Sequence[int], axes: Sequence[Sequence[int]]) -> jax.Array:
    order = _order(sizes, axes)
    x = x.reshape(*x.shape[:2], *(sizes[a] for a in order))
    return x.transpose(0, 1, *(2 + int(a) for a in np.argsort(order))).reshape(*x.shape[:2], -1)


def _taken(z: jax.Array, t: int) -> jax.Array:
    """The points of part t last, everything else in the batch."""
    return jnp.moveaxis(z, 2 + t, -1).reshape(-1, 1, z.shape[2 + t])


def _given(y: jax.Array, shape: Sequence[int], t: int) -> jax.Array:
    """(batch, maps, points of part t) back to a field of this shape, the maps as channels."""
    sizes = (*shape[:2], *shape[2 : 2 + t], *shape[3 + t :])
    y = jnp.moveaxis(y.reshape(*sizes, *y.shape[1:]), (-2, -1), (2, 3 + t))
    return y.reshape(shape[0], shape[1] * y.shape[2], *y.shape[3:])


def _returned(bar: jax.Array, maps: int, t: int) -> jax.Array:
    """The inverse of `_given`."""
    bar = bar.reshape(bar.shape[0], bar.shape[1] // maps, maps, *bar.shape[2:])
    bar = jnp.moveaxis(bar, (2, 3 + t), (-2, -1))
    return bar.reshape(-1, *bar.shape[-2:])


def _last(z: jax.Array) -> jax.Array:
    """The points of the last part last, after the channels."""
    z = jnp.moveaxis(z, 1, -2)
    return z.reshape(-1, *z.shape[-2:])
