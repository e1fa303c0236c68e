"""Trading an axis, the batch above all, for the channels of each group."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def batch_to_channels(x: jax.Array, groups: int) -> jax.Array:
    """(N, ..., G C) -> (C, ..., G N): the channels of a group become the batch, the batch its channels.

    It is its own inverse.
    """
    return swap(x, 0, groups)


def swap(array: jax.Array, axis: int, groups: int) -> jax.Array:
    """Swap an axis with the channels of each group: (..., B, ..., G C) -> (..., C, ..., G B)."""
    if groups == 1:  # without an axis of length 1: then XLA compiles exactly what it does for lax's gradients
        return jnp.swapaxes(array, axis, -1)
    *head, channels = array.shape
    split = jnp.swapaxes(array.reshape(*head, groups, channels // groups), axis, -1)
    return split.reshape(*split.shape[:-2], groups * head[axis])


def scaled(x: jax.Array, factors: jax.Array) -> jax.Array:
    """x times numbers for its last axes, the other axes being spelled out."""
    return x * factors.reshape((1,) * (x.ndim - factors.ndim) + factors.shape)


def squeezed(array: jax.Array) -> jax.Array:
    """Without a last axis of length 1: XLA copies an operand of a loop or of a call that has one."""
    return array.reshape(array.shape[:-1]) if array.shape[-1] == 1 else array


def samples_to_groups(x: jax.Array, groups: int) -> jax.Array:
    """Groups of samples become groups of channels: (G N, ..., C) -> (N, ..., G C)."""
    if groups == 1:
        return x
    split = jnp.moveaxis(x.reshape(groups, x.shape[0] // groups, *x.shape[1:]), 0, -2)
    return split.reshape(*split.shape[:-2], groups * x.shape[-1])


def groups_to_samples(x: jax.Array, groups: int) -> jax.Array:
    """The inverse: (N, ..., G C) -> (G N, ..., C)."""
    if groups == 1:
        return x
    split = jnp.moveaxis(x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups), -2, 0)
    return split.reshape(groups * x.shape[0], *split.shape[2:])
