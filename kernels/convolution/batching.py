"""Convolutions under `vmap`: the mapped axis joins the batch, the channels or the groups.

What is mapped on one side only joins the batch or the channels there; mapped on both sides, it joins the
groups, as the outer one. `bind` is the primitive to map, so that this file knows shapes only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

Bind = Callable[..., jax.Array]
Dims = tuple[Any, Any]


def conv(bind: Bind, args: tuple[jax.Array, jax.Array], dims: Dims, **options: Any) -> tuple[jax.Array, int]:
    """Mapped `x`, kernel or both."""
    x, kernel = args
    if _nothing(args, dims):
        return _empty(partial(bind, **options), args, dims)
    if dims[1] is None:
        x = jnp.moveaxis(x, dims[0], 0)
        y = bind(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), kernel, **options)
        return y.reshape(*x.shape[:2], *y.shape[1:]), 0
    kernel = jnp.moveaxis(kernel, dims[1], -2)
    size = kernel.shape[-2]
    if dims[0] is None:
        y = bind(x, _into_channels(kernel, options["groups"]), **options)
        return _out_of_channels(y, size, options["groups"]), 0
    y = bind(_into_groups(jnp.moveaxis(x, dims[0], -2)), _into_groups(kernel), **_more_groups(options, size))
    return _out_of_groups(y, size), 0


def kernel_adjoint(
    bind: Bind, args: tuple[jax.Array, jax.Array], dims: Dims, *, size: tuple[int, ...], **options: Any
) -> tuple[jax.Array, int]:
    """Mapped `x`, cotangent or both."""
    if _nothing(args, dims):
        return _empty(lambda x, ybar: bind(x, ybar, size, **options), args, dims)
    x, ybar = (a if d is None else jnp.moveaxis(a, d, -2) for a, d in zip(args, dims, strict=True))
    groups = options["groups"]
    if dims[1] is None:
        kbar = bind(_into_channels(x, groups), ybar, size, **options)
        kbar = kbar.reshape(*size, x.shape[-2], kbar.shape[-2] // x.shape[-2], kbar.shape[-1])
        return jnp.moveaxis(kbar, -3, 0), 0
    if dims[0] is None:
        kbar = bind(x, _into_channels(ybar, groups), size, **options)
        return _out_of_channels(kbar, ybar.shape[-2], groups), 0
    many = ybar.shape[-2]
    kbar = bind(_into_groups(x), _into_groups(ybar), size, **_more_groups(options, many))
    return _out_of_groups(kbar, many), 0


def _nothing(args: tuple[jax.Array, jax.Array], dims: Dims) -> bool:
    """Whether the mapped axis is empty."""
    mapped = next(a.shape[d] for a, d in zip(args, dims, strict=True) if d is not None)
    return isinstance(mapped, int) and mapped == 0


def _empty(one: Bind, args: tuple[jax.Array, jax.Array], dims: Dims) -> tuple[jax.Array, int]:
    """No results, of the shape that one of them would have."""
    both = zip(args, dims, strict=True)
    shapes = [a.shape if d is None else (*a.shape[:d], *a.shape[d + 1 :]) for a, d in both]
    result = jax.eval_shape(one, *map(jax.ShapeDtypeStruct, shapes, (a.dtype for a in args)))
    return jnp.zeros((0, *result.shape), result.dtype), 0


def _into_channels(array: jax.Array, groups: int) -> jax.Array:
    """Inside each group: (..., B, G C) -> (..., G B C)."""
    *head, size, channels = array.shape
    split = jnp.swapaxes(array.reshape(*head, size, groups, channels // groups), -3, -2)
    return split.reshape(*head, size * channels)


def _out_of_channels(array: jax.Array, size: int, groups: int) -> jax.Array:
    """The inverse on a result: (..., G B C) -> (B, ..., G C)."""
    *head, channels = array.shape
    split = array.reshape(*head, groups, size, channels // (groups * size))
    split = jnp.moveaxis(split, -2, 0)
    return split.reshape(*split.shape[:-2], groups * split.shape[-1])


def _into_groups(array: jax.Array) -> jax.Array:
    """As the outer group: (..., B, G C) -> (..., B G C)."""
    return array.reshape(*array.shape[:-2], array.shape[-2] * array.shape[-1])


def _out_of_groups(array: jax.Array, size: int) -> jax.Array:
    """The inverse on a result: (..., B G C) -> (B, ..., G C)."""
    return jnp.moveaxis(array.reshape(*array.shape[:-1], size, array.shape[-1] // size), -2, 0)


def _more_groups(options: dict[str, Any], size: int) -> dict[str, Any]:
    return options | {"groups": options["groups"] * size}
