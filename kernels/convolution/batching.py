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
    groups = options["groups"]
    if dims[1] is None:
        x = jnp.moveaxis(x, dims[0], 0)
        y = bind(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), kernel, **options)
        return y.reshape(*x.shape[:2], *y.shape[1:]), 0
    size = kernel.shape[dims[1]]
    if dims[0] is None:
        if options["turned"]:
            kernel = _merged(jnp.moveaxis(kernel, dims[1], -3), -3)
        else:
            kernel = _into_channels(jnp.moveaxis(kernel, dims[1], -2), groups)
        return _out_of_channels(bind(x, kernel, **options), size, groups)
    x, kernel = (_merged(jnp.moveaxis(a, d, -2), -2) for a, d in zip(args, dims, strict=True))
    return _out_of_groups(bind(x, kernel, **_more_groups(options, size)), size)


def kernel_adjoint(
    bind: Bind, args: tuple[jax.Array, jax.Array], dims: Dims, *, size: tuple[int, ...], **options: Any
) -> tuple[jax.Array, int]:
    """Mapped `x`, cotangent or both."""
    if _nothing(args, dims):
        return _empty(lambda x, ybar: bind(x, ybar, size, **options), args, dims)
    x, ybar = (a if d is None else jnp.moveaxis(a, d, -2) for a, d in zip(args, dims, strict=True))
    groups, turned = options["groups"], options["turned"]
    if None not in dims:
        kbar = bind(_merged(x, -2), _merged(ybar, -2), size, **_more_groups(options, x.shape[-2]))
        return _out_of_groups(kbar, x.shape[-2])
    many = (ybar if dims[0] is None else x).shape[-2]
    if dims[0] is None:
        ybar = _into_channels(ybar, groups)
    else:
        x = _into_channels(x, groups)
    kbar = bind(x, ybar, size, **options)
    if turned == (dims[0] is None):  # the first channel axis of the kernel, that of one group
        split = kbar.reshape(*size, many, kbar.shape[-2] // max(many, 1), kbar.shape[-1])
        return split, len(size)
    return _out_of_channels(kbar, many, groups)


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
    if groups == 1:
        return _merged(array, -2)
    *head, size, channels = array.shape
    split = jnp.swapaxes(array.reshape(*head, size, groups, channels // groups), -3, -2)
    return split.reshape(*head, size * channels)


def _out_of_channels(array: jax.Array, size: int, groups: int) -> tuple[jax.Array, int]:
    """The inverse on a result, and where the mapped axis is: (..., G B C) -> (..., B, G C)."""
    if groups == 1:
        return _out_of_groups(array, size)
    *head, channels = array.shape
    split = jnp.moveaxis(array.reshape(*head, groups, size, channels // (groups * size)), -2, -3)
    return split.reshape(*split.shape[:-2], groups * split.shape[-1]), split.ndim - 3


def _merged(array: jax.Array, axis: int) -> jax.Array:
    """An axis and the one after it as one: (..., B, G C, ...) -> (..., B G C, ...)."""
    axis %= array.ndim
    return array.reshape(
        *array.shape[:axis], array.shape[axis] * array.shape[axis + 1], *array.shape[axis + 2 :]
    )


def _out_of_groups(array: jax.Array, size: int) -> tuple[jax.Array, int]:
    """The inverse on a result, and where the mapped axis is: (..., B G C) -> (..., B, G C)."""
    *head, channels = array.shape
    return array.reshape(*head, size, channels // size), len(head)


def _more_groups(options: dict[str, Any], size: int) -> dict[str, Any]:
    return options | {"groups": options["groups"] * size}
