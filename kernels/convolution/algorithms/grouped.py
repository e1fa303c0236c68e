"""A grouped convolution as one dense convolution per group, for which alone XLA on CPU has a fast kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

from kernels.convolution.algorithms import xla

Compute = Callable[..., jax.Array]


def each(dense: Compute) -> Compute:
    """`dense`, which knows no groups, on every group: channel block g of y from block g of x and kernel."""

    def compute(x: jax.Array, kernel: jax.Array, *, groups: int, **options: Any) -> jax.Array:
        if groups == 1:
            return dense(x, kernel, **options)
        pairs = zip(_blocks(x, groups), _blocks(kernel, groups), strict=True)
        return lax.concatenate([dense(a, b, **options) for a, b in pairs], x.ndim - 1)

    return compute


def _blocks(array: jax.Array, groups: int) -> list[jax.Array]:
    """The last axis cut into equal blocks."""
    size = array.shape[-1] // groups
    return [lax.slice_in_dim(array, g * size, (g + 1) * size, axis=-1) for g in range(groups)]


def _dense(x: jax.Array, kernel: jax.Array, convolve: Compute = xla.compute, **options: Any) -> jax.Array:
    return convolve(x, kernel, groups=1, **options)


compute = each(_dense)
