"""Forms that multiply values by zeros which an output does not depend on: right while all values are finite."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Bilinear = Callable[[jax.Array, jax.Array], jax.Array]
_BITS = {2: jnp.uint16, 4: jnp.uint32, 8: jnp.uint64}


def guarded(image: jax.Array, form: Bilinear, local: Bilinear) -> Bilinear:
    """`form` while every value of the image is finite, else `local`, in which zero times NaN does not occur."""

    def call(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return lax.cond(_all_finite(image), form, local, x, kernel)

    return call


def _all_finite(image: jax.Array) -> jax.Array:
    """Whether no exponent is all ones. Maxima of integers are vectorized where XLA's of floats are not."""
    bits = lax.bitcast_convert_type(image, _BITS[image.dtype.itemsize])
    infinite = lax.bitcast_convert_type(jnp.asarray(jnp.inf, image.dtype), bits.dtype)
    return jnp.max(bits & infinite, initial=0) < infinite
