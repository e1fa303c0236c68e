"""Forms that multiply values by zeros of their own: right while all values are finite, for 0 NaN = NaN."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Bilinear = Callable[[jax.Array, jax.Array], jax.Array]


def guarded(image: jax.Array, form: Bilinear, local: Bilinear) -> Bilinear:
    """`form` while every value of the image is finite, else `local`, which has no zeros of its own."""

    def call(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.cond(jnp.all(jnp.isfinite(image)), form, local, x, kernel)

    return call
