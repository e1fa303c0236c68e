"""An array moved by an element: sites and channels, as one jitted linear map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.action.fibres import Block, check_numbers, move_channels, read_blocks
from kernels.action.sites import SiteMap
from kernels.errors import ShapeError
from kernels.precision import cast, constant, in_its_mode, summed
from kernels.sparse import reorder, times


def move(sites: SiteMap | None, rank: int, blocks: Sequence[Any], x: Any) -> jax.Array:
    """The array moved; `blocks`: how the element acts on the fibre, as `derive` describes it."""
    x = jnp.asarray(x)
    made, matrices = _blocks(tuple(blocks))
    channels = sum(block.channels for block in made)
    if x.shape[-1] != channels:
        raise ShapeError("x", f"must have {channels} channels", x.shape[-1], "give arrays of this field")
    check_numbers(x, made, matrices)
    kind = summed(x).dtype
    return _moved(sites, rank, made, [_of(m, kind) for m in matrices], x)


def _blocks(blocks: tuple[Any, ...]) -> Any:
    """Read once per content, unless a parameter is an array, which may be traced."""
    terms = (t for block in blocks for terms in block.factors for t in terms)
    arrays = any(isinstance(p, jax.Array) for t in terms for p in getattr(t, "parameters", ()))
    return read_blocks(blocks) if arrays else _read(blocks)


_read = lru_cache(maxsize=256)(read_blocks)


def _of(matrix: Any, kind: Any) -> jax.Array:
    """A matrix in a dtype; of whole numbers, rounded."""
    if not isinstance(matrix, np.ndarray):
        return cast(matrix, kind)
    return constant(matrix if jnp.issubdtype(kind, jnp.inexact) else np.round(matrix), kind)


@partial(jax.jit, static_argnums=(0, 1, 2), inline=True)
@in_its_mode
def _moved(
    sites: SiteMap | None, rank: int, blocks: tuple[Block, ...], matrices: Any, x: jax.Array
) -> jax.Array:
    with jax.named_scope("act"):
        y = x if sites is None else move_sites(sites, rank, x)
        return move_channels(blocks, matrices, y)


def move_sites(sites: SiteMap, rank: int, x: jax.Array) -> jax.Array:
    """Every entry to the place of its site's image; spatial axes stand before the last one."""
    lead = x.ndim - 1 - rank
    if sites.order is not None:
        shape = x.shape[lead:-1]
        flat = x.reshape(*x.shape[:lead], -1, x.shape[-1])
        return times(reorder(sites.order.array), flat, lead).reshape(*x.shape[:lead], *shape, x.shape[-1])
    x = jnp.transpose(x, (*range(lead), *(lead + a for a in sites.axes), x.ndim - 1))
    turned = tuple(lead + i for i, s in enumerate(sites.signs) if s < 0)
    x = lax.rev(x, turned) if turned else x
    rolls = [(h, lead + i) for i, h in enumerate(sites.shift) if h]
    return jnp.roll(x, [h for h, _ in rolls], [a for _, a in rolls]) if rolls else x
