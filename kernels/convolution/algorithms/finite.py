"""Forms that multiply values by zeros which an output does not depend on: right while all values are finite."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Bilinear = Callable[[jax.Array, jax.Array], jax.Array]


def guarded(image: jax.Array, form: Bilinear, local: Bilinear) -> Bilinear:
    """`form` while every value of the image is finite, else `local`, in which zero times NaN does not occur."""

    def call(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.cond(jnp.all(jnp.isfinite(image)), form, local, x, kernel)

    return call
