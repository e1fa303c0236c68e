"""A grouped convolution as one dense convolution per group, for which alone XLA on CPU has a fast kernel.

A loop over the groups: written out one by one they are no faster, and their compile time grows with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import xla

Compute = Callable[..., jax.Array]


def each(dense: Compute) -> Compute:
    """`dense`, which knows no groups, on every group: channel block g of y from block g of x and kernel.

    Without groups it also gets `kept`, the kernel as the caller has it where it was turned, if it takes that.
    """

    def compute(
        x: jax.Array, kernel: jax.Array, *, groups: int, kept: jax.Array | None = None, **options: Any
    ) -> jax.Array:
        if groups == 1:
            return dense(x, kernel, **options if kept is None else options | {"kept": kept})
        outputs = kernel.shape[-1] // groups

        def add(g: jax.Array, y: jax.Array) -> jax.Array:
            part = dense(_block(x, g, groups), _block(kernel, g, groups), **options)
            return lax.dynamic_update_slice_in_dim(y, part, g * outputs, -1)

        y = jnp.zeros((x.shape[0], *options["out"], kernel.shape[-1]), kernel.dtype)
        return lax.fori_loop(0, groups, add, y)

    return compute


def _block(array: jax.Array, g: jax.Array, groups: int) -> jax.Array:
    """Block g of the last axis cut into equal ones."""
    size = array.shape[-1] // groups
    return lax.dynamic_slice_in_dim(array, g * size, size, axis=-1)


def _dense(x: jax.Array, kernel: jax.Array, convolve: Compute = xla.compute, **options: Any) -> jax.Array:
    return convolve(x, kernel, groups=1, **options)


compute = each(_dense)
