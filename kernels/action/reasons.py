"""In words: why an element does not carry an array of sites onto itself, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kernels.action.sites import KINDS, Matrix, Obstacle, axis_name, by, exchanged_sizes

PERIODIC = "use a field with boundary='periodic'"


def reason_of(
    found: Sequence[Obstacle],
    matrix: Matrix,
    sizes: Sequence[int],
    group: Any,
    near: Callable[[], tuple[str, ...]],
    ring: str = PERIODIC,
) -> tuple[str, str]:
    """The reason, as a thing that was given, and the remedy; `near`: sizes that would do."""
    kind = foremost_kind(found)
    axes = sorted({i for o in found if o.kind == kind for i in o.axes})
    along = " and ".join(axis_name(i, len(sizes)) for i in axes)
    if kind in ("shift", "glide"):
        return f"a {kind} along {along}, which leaves an array that ends there", ring
    if kind == "mix":
        return f"an array that ends along {along}, which becomes one of another shape", ring
    turned, some = exchanged_sizes(matrix, sizes), near()
    remedy = f"use {' or '.join(some)}" if some else ring
    if turned is not None and turned != tuple(sizes):
        return f"{by(sizes)} sites, which become {by(turned)}", remedy
    if turned is None:
        return f"{by(sizes)} sites, whose axes it mixes", remedy
    return f"{by(sizes)} sites, about whose middle {group} has no such motion", remedy


def foremost_kind(found: Sequence[Obstacle]) -> str:
    """The obstacle to speak of."""
    return min((o.kind for o in found), key=KINDS.index)
