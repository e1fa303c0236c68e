"""A grouped convolution as one dense convolution per group, for which alone XLA on CPU has a fast kernel."""

from __future__ import annotations

from typing import Any

import jax
from jax import lax

from kernels.convolution import xla


def compute(x: jax.Array, kernel: jax.Array, *, groups: int, **options: Any) -> jax.Array:
    """The groups side by side: channel block g of y from channel block g of x and of the kernel."""
    pairs = zip(_blocks(x, groups), _blocks(kernel, groups), strict=True)
    return lax.concatenate([xla.compute(a, b, groups=1, **options) for a, b in pairs], x.ndim - 1)


def _blocks(array: jax.Array, groups: int) -> list[jax.Array]:
    """The last axis cut into equal blocks."""
    size = array.shape[-1] // groups
    return [lax.slice_in_dim(array, g * size, (g + 1) * size, axis=-1) for g in range(groups)]
