"""Complex convolutions: what is bilinear over the real numbers, by three real products instead of four."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Bilinear = Callable[[jax.Array, jax.Array], jax.Array]


def bilinear(real: Bilinear) -> Bilinear:
    """The map extended to complex operands, linear (not conjugate) in both; real ones are passed on.

        (a + i a') (b + i b') = m - a' (b + b') + i (m + a (b' - b)),    m = (a + a') b

    The error of each part is relative to the larger of the two.

    >>> bilinear(jnp.multiply)(jnp.array(1 + 2j), jnp.array(3 + 4j)).item()
    (-5+10j)

    Source: D. Knuth, "The art of computer programming", volume 2, section 4.6.4.
    """

    def apply(a: jax.Array, b: jax.Array) -> jax.Array:
        if not jnp.issubdtype(a.dtype, jnp.complexfloating):
            return real(a, b)
        (a_re, a_im), (b_re, b_im) = ((lax.real(v), lax.imag(v)) for v in map(jnp.asarray, (a, b)))
        both = real(a_re + a_im, b_re)
        return lax.complex(both - real(a_im, b_re + b_im), both + real(a_re, b_im - b_re))

    return apply
