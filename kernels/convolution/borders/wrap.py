"""Borders that repeat the image: CIRCULAR, REFLECT and REPLICATE, and the adjoint that folds them back.

The first two continue a line of n sites periodically, with period n or, mirrored, 2 (n - 1); the third
repeats its two ends. A continued line is a row of *runs* of the original, each forward or backward, once or
several times; extending copies the runs, folding adds them up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.convolution.borders.border import Pads
from kernels.convolution.sharding import explicit_mesh
from kernels.errors import PaddingError

Modes = str | Sequence[str]  # one of REPEATS, or one per axis; an axis without a border may have any name


class Run(NamedTuple):
    """Sites start <= i < stop of the line, read backward or not; a run of one site is read `times` times."""

    start: int
    stop: int
    backward: bool
    times: int = 1


def check(n: Any, mode: str) -> None:
    """The line is long enough to be continued."""
    if isinstance(n, int) and n < 1 + (mode == "REFLECT"):
        least = "two sites" if mode == "REFLECT" else "one site"
        raise PaddingError(
            "padding", f"{mode} needs at least {least} on every axis", n, "use SAME, VALID or pairs"
        )


def runs(n: int, low: int, high: int, mode: str) -> tuple[Run, ...]:
    """The runs that continue a line of n sites by `low` before and `high` after it.

    >>> for run in runs(4, 1, 2, "REFLECT"):
    ...     print(*run)
    1 2 True 1
    0 4 False 1
    1 3 True 1
    """
    if isinstance(n, int):
        if low == high == 0:
            return (Run(0, n, False),)
        check(n, mode)
    if mode == "REPLICATE" or not isinstance(n, int) or (low < n and high < n):
        return _near(n, low, high, mode)
    return _far(n, low, high, mode)


def _near(n: int, low: int, high: int, mode: str) -> tuple[Run, ...]:
    """Borders shorter than the line: one run each (n may be symbolic)."""
    if mode == "CIRCULAR":
        row = (Run(n - low, n, False), Run(0, n, False), Run(0, high, False))
    elif mode == "REPLICATE":
        row = (Run(0, 1, False, low), Run(0, n, False), Run(n - 1, n, False, high))
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


def site(q: np.ndarray, n: int, mode: str) -> np.ndarray:
    """The site of the line whose value lies at any place q of the continued line; -1 where a zero lies.

    >>> site(np.arange(-2, 6), 4, "REFLECT").tolist(), site(np.arange(-1, 6), 4, "ZERO").tolist()
    ([2, 1, 0, 1, 2, 3, 2, 1], [-1, 0, 1, 2, 3, -1, -1])
    """
    if mode == "CIRCULAR":
        return q % n
    if mode == "REPLICATE":
        return np.clip(q, 0, n - 1)
    if mode == "REFLECT":
        lap = q % (2 * (n - 1))
        return np.minimum(lap, 2 * (n - 1) - lap)
    return np.where((q >= 0) & (q < n), q, -1)


def extend(x: jax.Array, pads: Pads, mode: Modes) -> jax.Array:
    """Continue every spatial axis of x (N, spatial..., C) by its (low, high) widths.

    >>> extend(jnp.arange(4.0).reshape(1, 4, 1), ((1, 2),), "REFLECT").ravel().tolist()
    [1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    for axis, row in enumerate(_rows(x.shape[1:-1], pads, mode), start=1):
        if len(row) > 1:
            x = explicit_mesh.whole(x, axis)
            x = lax.concatenate([_read(x, axis, run) for run in row], axis)
    return x


def _read(x: jax.Array, axis: int, run: Run) -> jax.Array:
    piece = lax.slice_in_dim(x, run.start, run.stop, axis=axis)
    if run.times > 1:
        return jnp.broadcast_to(piece, (*x.shape[:axis], run.times, *x.shape[axis + 1 :]))
    return lax.rev(piece, (axis,)) if run.backward else piece


def fold(xbar: jax.Array, pads: Pads, mode: Modes) -> jax.Array:
    """The adjoint of `extend`: every border is added back onto the sites it was copied from.

    >>> fold(jnp.ones((1, 7, 1)), ((1, 2),), "REFLECT").ravel().tolist()
    [1.0, 3.0, 2.0, 1.0]
    """
    lines = [n - low - high for n, (low, high) in zip(xbar.shape[1:-1], pads, strict=True)]
    for axis, row in enumerate(_rows(lines, pads, mode), start=1):
        xbar = _fold_axis(xbar, axis, row)
    return xbar


def _rows(lines: Sequence[int], pads: Pads, mode: Modes) -> list[tuple[Run, ...]]:
    modes = (mode,) * len(pads) if isinstance(mode, str) else mode
    return [runs(n, *pair, one) for n, pair, one in zip(lines, pads, modes, strict=True)]


def _fold_axis(xbar: jax.Array, axis: int, row: tuple[Run, ...]) -> jax.Array:
    if len(row) == 1:
        return xbar
    n = max(r.stop for r in row)
    xbar = explicit_mesh.whole(xbar, axis)
    pieces, first = [], 0
    for r in row:
        length = (r.stop - r.start) * r.times
        piece = lax.slice_in_dim(xbar, first, first + length, axis=axis)
        piece = lax.rev(piece, (axis,)) if r.backward else piece
        piece = jnp.sum(piece, axis, keepdims=True) if r.times > 1 else piece
        room = [(0, 0, 0)] * xbar.ndim
        room[axis] = (r.start, n - r.stop, 0)
        pieces.append(lax.pad(piece, jnp.zeros((), xbar.dtype), room))
        first += length
    return reduce(jnp.add, pieces)
