"""Borders that repeat the image: CIRCULAR and REFLECT, and the adjoint that folds them back.

Both continue a line of n sites periodically, with period n or, mirrored, 2 (n - 1). A continued line is a row
of *runs* of the original, each forward or backward; extending copies the runs, folding adds them up again.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.options import Pads
from kernels.convolution.sharding import explicit_mesh
from kernels.errors import PaddingError


class Run(NamedTuple):
    """Sites start <= i < stop of the line, read backward or not."""

    start: int
    stop: int
    backward: bool


def runs(n: int, low: int, high: int, mode: str) -> tuple[Run, ...]:
    """The runs that continue a line of n sites by `low` before and `high` after it.

    >>> for run in runs(4, 1, 2, "REFLECT"):
    ...     print(run)
    Run(start=1, stop=2, backward=True)
    Run(start=0, stop=4, backward=False)
    Run(start=1, stop=3, backward=True)
    """
    if not isinstance(n, int):
        return _near(n, low, high, mode)
    if low == high == 0:
        return (Run(0, n, False),)
    if n < 1 or (mode == "REFLECT" and n < 2):
        least = "one site" if mode == "CIRCULAR" else "two sites"
        raise PaddingError(
            "padding", f"{mode} needs at least {least} on every axis", n, "use SAME, VALID or pairs"
        )
    if low < n and high < n:
        return _near(n, low, high, mode)
    return _far(n, low, high, mode)


def _near(n: int, low: int, high: int, mode: str) -> tuple[Run, ...]:
    """Borders shorter than the line: one run each (n may be symbolic)."""
    if mode == "CIRCULAR":
        row = (Run(n - low, n, False), Run(0, n, False), Run(0, high, False))
    else:
        row = (Run(1, 1 + low, True), Run(0, n, False), Run(n - 1 - high, n - 1, True))
    return (row[0],) * (low > 0) + (row[1],) + (row[2],) * (high > 0)


def _far(n: int, low: int, high: int, mode: str) -> tuple[Run, ...]:
    """Borders of any length: cut the continued line wherever it jumps or turns."""
    cut = n if mode == "CIRCULAR" else n - 1
    out: list[Run] = []
    site = -low
    while site < n + high:
        lap, first = divmod(site, cut)
        length = min(cut - first, n + high - site)
        backward = mode == "REFLECT" and lap % 2 == 1
        start = cut - first - length + 1 if backward else first
        out.append(Run(start, start + length, backward))
        site += length
    return tuple(out)


def extend(x: jax.Array, pads: Pads, mode: str) -> jax.Array:
    """Continue every spatial axis of x (N, spatial..., C) by its (low, high) widths, "CIRCULAR" or "REFLECT".

    >>> extend(jnp.arange(4.0).reshape(1, 4, 1), ((1, 2),), "REFLECT").ravel().tolist()
    [1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    for axis, (low, high) in enumerate(pads, start=1):
        row = runs(x.shape[axis], low, high, mode)
        x = explicit_mesh.whole(x, axis) if len(row) > 1 else x
        pieces = [lax.slice_in_dim(x, r.start, r.stop, axis=axis) for r in row]
        turned = [
            lax.rev(piece, (axis,)) if r.backward else piece for piece, r in zip(pieces, row, strict=True)
        ]
        x = lax.concatenate(turned, axis) if len(turned) > 1 else turned[0]
    return x


def fold(xbar: jax.Array, pads: Pads, mode: str) -> jax.Array:
    """The adjoint of `extend`: every border is added back onto the sites it was copied from.

    >>> fold(jnp.ones((1, 7, 1)), ((1, 2),), "REFLECT").ravel().tolist()
    [1.0, 3.0, 2.0, 1.0]
    """
    for axis, (low, high) in enumerate(pads, start=1):
        xbar = _fold_axis(xbar, axis, runs(xbar.shape[axis] - low - high, low, high, mode))
    return xbar


def _fold_axis(xbar: jax.Array, axis: int, row: tuple[Run, ...]) -> jax.Array:
    n = max(r.stop for r in row)
    xbar = explicit_mesh.whole(xbar, axis) if len(row) > 1 else xbar
    pieces, site = [], 0
    for r in row:
        piece = lax.slice_in_dim(xbar, site, site + r.stop - r.start, axis=axis)
        piece = lax.rev(piece, (axis,)) if r.backward else piece
        room = [(0, 0, 0)] * xbar.ndim
        room[axis] = (r.start, n - r.stop, 0)
        pieces.append(lax.pad(piece, jnp.zeros((), xbar.dtype), room))
        site += r.stop - r.start
    return reduce(jnp.add, pieces)
