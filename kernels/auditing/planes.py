"""A second look at a shift that was seen at few sites: single planes of sites must all be shifted alike.

Each plane makes something of its own of what one window, or a kernel of equal numbers, sums up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from kernels.auditing.matching import distance
from kernels.auditing.motions import Vector

FEW = 3  # sites at which a shift must be seen where sites are left out or put between
MOST = 4  # planes

Run = Callable[[Mapping[int, np.ndarray]], list[np.ndarray]]


class Seen(NamedTuple):
    """A shift along an axis: of inputs by number, of outputs in order."""

    axis: int
    shifts: Mapping[int, Vector]
    found: list[Vector]


def is_scant(seen: Seen, inputs: Mapping[int, np.ndarray], outputs: list[np.ndarray]) -> bool:
    """Whether outputs of another size showed the shift at so few sites that another might have been seen."""
    lengths = {length(a, seen.axis) for a in inputs.values()} - {0}
    for a, shift in zip(outputs, seen.found, strict=True):
        n = length(a, seen.axis)
        if n and lengths - {n} and n - 2 * (n // 4) - abs(shift[seen.axis]) < FEW:
            return True
    return False


def look_again(
    run: Run, seen: Seen, inputs: Mapping[int, np.ndarray], outputs: list[np.ndarray], limit: float
) -> tuple[float, bool]:
    """How much planes differ inside of the border; whether they are shifted so everywhere, and only so."""
    longest = max((length(a, seen.axis) for a in inputs.values()), default=0)
    shortest = min((length(a, seen.axis) for a in outputs if length(a, seen.axis)), default=1)
    nothing, inside, anywhere = run({i: 0 * a for i, a in inputs.items()}), 0.0, {0: 0.0, -1: 0.0, 1: 0.0}
    for back in range(min(max(-(-longest // shortest), 2), MOST)):
        planes = {i: plane(a, seen.axis, back) for i, a in inputs.items()}
        moved = {i: rolled(a, seen.shifts[i]) for i, a in planes.items()}
        for got, base, zero, shift in zip(run(moved), run(planes), nothing, seen.found, strict=True):
            for other in anywhere:
                t = (shift[seen.axis] if shift else 0) + other
                inner, outer = gaps(got - zero, base - zero, seen.axis, t)
                inside = max(inside, inner) if not other else inside
                anywhere[other] = max(anywhere[other], outer)
    return inside, anywhere[0] <= limit < min(anywhere[-1], anywhere[1])


def length(array: np.ndarray, axis: int) -> int:
    """The sites along an axis; 0 of an array without sites."""
    return array.shape[1 + axis] if array.ndim > 2 else 0


def plane(array: np.ndarray, axis: int, back: int) -> np.ndarray:
    """Zeros but on one plane of sites, so many before the middle."""
    n = length(array, axis)
    keep = np.arange(n) == max(n // 2 - back, 0)
    return array * keep.reshape(-1, *(1,) * (array.ndim - 2 - axis)).astype(array.dtype) if n else array


def rolled(array: np.ndarray, shift: Vector) -> np.ndarray:
    """The array shifted around its ends."""
    return np.roll(array, shift, axis=tuple(range(1, array.ndim - 1))) if array.ndim > 2 else array


def gaps(got: np.ndarray, base: np.ndarray, axis: int, t: int) -> tuple[float, float]:
    """The largest differences after a shift, inside of the border and anywhere."""
    n, margin = length(base, axis), length(base, axis) // 4
    if not n:
        return (distance(got, base),) * 2
    here = got.take(range(max(t, 0), min(n, n + t)), 1 + axis)
    there = base.take(range(max(-t, 0), min(n, n - t)), 1 + axis)
    gap = np.abs(here - there).max(axis=tuple(k for k in range(got.ndim) if k != 1 + axis), initial=0)
    gap = gap / (float(np.abs(base).max()) or 1.0)
    low, high = max(margin, margin + t) - max(t, 0), min(n - margin, n - margin + t) - max(t, 0)
    return float(gap[max(low, 0) : max(high, 0)].max(initial=0)), float(gap.max(initial=0))
