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
    return lax.pad(x, jnp.zeros_like(x, shape=()), [(0, 0, 0), *room, (0, 0, 0)])


def surround(x: jax.Array, padding: Sequence[tuple[int, int]], lhs_dilation: Sequence[int]) -> jax.Array:
    """`insert` for what is written to memory as it is, not read by what XLA merges with it.

    >>> surround(jnp.array([[[1.0], [2.0]]]), ((1, 0),), (1,)).ravel().tolist()
    [0.0, 1.0, 2.0]
    """
    if x.shape[-1] > 1 or max(lhs_dilation) > 1 or min(map(min, padding)) < 0:
        return insert(x, padding, lhs_dilation)
    for axis, room in enumerate(padding, 1):  # rows of one channel: whole rows are copied, not entries
        low, high = (jnp.zeros((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype) for n in room)
        x = lax.concatenate([low, x, high], axis)
    return x


def window(image: jax.Array, first: Sequence[int], step: Sequence[int], count: Sequence[int]) -> jax.Array:
    """Along each spatial axis `count` sites of the image (N, spatial..., C), `step` apart, from `first` on.

    >>> window(jnp.arange(8.0).reshape(1, 8, 1), (1,), (3,), (2,)).ravel().tolist()
    [1.0, 4.0]
    """
    stop = [a + s * (n - 1) + 1 for a, s, n in zip(first, step, count, strict=True)]
    return lax.slice(image, (0, *first, 0), (image.shape[0], *stop, image.shape[-1]), (1, *step, 1))


def beyond(
    x: jax.Array, first: Sequence[int], count: Sequence[int], base: Sequence[int] | None = None
) -> jax.Array:
    """Along each spatial axis `count` sites of x (N, spatial..., C) from `first` on, zeros beyond it.

    `base`: how far apart the sites of x are set beforehand.

    >>> beyond(jnp.arange(1.0, 4.0).reshape(1, 3, 1), (-1,), (3,)).ravel().tolist()
    [0.0, 1.0, 2.0]
    """
    base = (1,) * len(first) if base is None else base
    ends = [b * (n - 1) + 1 for b, n in zip(base, x.shape[1:-1], strict=True)]
    room = [(-a, a + m - n) for a, m, n in zip(first, count, ends, strict=True)]
    return insert(x, room, base)


def along(x: jax.Array, axis: int, first: int, count: int, base: int = 1) -> jax.Array:
    """The same along one axis of any array, with its entries set `base` apart.

    >>> along(jnp.arange(1.0, 4.0), 0, -1, 5, 2).tolist()
    [0.0, 1.0, 0.0, 2.0, 0.0]
    """
    length = base * (x.shape[axis] - 1) + 1
    room = (-first, first + count - length, base - 1)
    return lax.pad(x, jnp.zeros_like(x, shape=()), [room if a == axis else (0, 0, 0) for a in range(x.ndim)])


def after(x: jax.Array, axis: int, count: int) -> jax.Array:
    """x with `count` zeros after the end of one axis; a negative count crops.

    >>> after(jnp.ones((1, 2)), 1, 2).tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    """
    if count == 0:
        return x
    room = [(0, count if a == axis % x.ndim else 0, 0) for a in range(x.ndim)]
    return lax.pad(x, jnp.zeros_like(x, shape=()), room)


def around(x: jax.Array, room: Sequence[tuple[int, int]]) -> jax.Array:
    """x with (low, high) zeros along every one of its axes.

    >>> around(jnp.ones(2), [(1, 0)]).tolist()
    [0.0, 1.0, 1.0]
    """
    if all(pair == (0, 0) for pair in room):
        return x
    return lax.pad(x, jnp.zeros_like(x, shape=()), [(low, high, 0) for low, high in room])
