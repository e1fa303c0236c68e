"""Borders and gaps of zeros, made beforehand where an implementation reads the image as it lies."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax


def insert(x: jax.Array, padding: Sequence[tuple[int, int]], lhs_dilation: Sequence[int]) -> jax.Array:
    """x (N, spatial..., C) with zeros between its sites and around them; a negative width crops.

    >>> insert(jnp.array([[[1.0], [2.0]]]), ((1, 0),), (3,)).ravel().tolist()
    [0.0, 1.0, 0.0, 0.0, 2.0]
    """
    room = [(lo, hi, b - 1) for (lo, hi), b in zip(padding, lhs_dilation, strict=True)]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *room, (0, 0, 0)])


def wide(x: jax.Array) -> jax.Array:
    """x in float32 at least: sums of half-precision products are kept there, as XLA's convolution does."""
    return x if x.dtype in (jnp.float32, jnp.float64) else x.astype(jnp.float32)
