"""The slow, obvious matrix of a lattice op: one entry for every pair of sites and class, nothing folded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from kernels.lattice.axes import AxisPlan
from kernels.lattice.plan import LatticePlan


def dense(plan: LatticePlan, w: np.ndarray, grid: Sequence[int]) -> np.ndarray:
    """A[*out sites, i, *in sites, c] in float64."""
    out_shape = plan.output_shape(grid)
    full = np.zeros((*out_shape, *grid, plan.channels_in))
    sizes = iter(grid)
    lengths = [next(sizes) if axis.has_input else 0 for axis in plan.axes]
    outs = iter(out_shape)
    counts = [next(outs) if axis.has_output else 0 for axis in plan.axes]
    for k, (p, q) in enumerate(zip(plan.out_site.array, plan.in_site.array, strict=True)):
        pairs = [
            _pairs(axis, int(p[i]), int(q[i]), lengths[i], counts[i]) for i, axis in enumerate(plan.axes)
        ]
        for combination in product(*pairs):
            at: tuple[Any, ...] = tuple(P for P, _ in combination if P is not None)
            read: tuple[Any, ...] = tuple(Q for _, Q in combination if Q is not None)
            full[(*at, slice(None), *read, slice(None))] += w[k].T
    return full


def _pairs(axis: AxisPlan, p: int, q: int, n: int, count: int) -> list[tuple[int | None, int | None]]:
    """Every (output, input) site pair along one axis that the class with representative (p, q) joins."""
    if axis.kind == "sum":
        return [(None, Q) for Q in range(n) if Q % axis.b == q % axis.b]
    if axis.kind == "tile":
        return [(P, None) for P in range(count) if P % axis.a == p]
    if axis.kind == "dense":
        return [(p, q)]
    found: list[tuple[int | None, int | None]] = []
    for P in range(count):
        Q = _read(axis, p, q, P, n)
        if Q is not None:
            found.append((P, Q))
    return found


def _read(axis: AxisPlan, p: int, q: int, P: int, n: int) -> int | None:
    """The input site that output site P of the result reads through this class, if any."""
    if axis.kind == "conv" and axis.border not in ("ZERO", "CIRCULAR"):
        low = 0 if axis.border == "VALID" else -axis.first if axis.border == "REFLECT" else axis.border[0]
        place = axis.b * P + (axis.a * q - axis.b * p - axis.first) - low
    else:
        turns, rest = divmod(P + axis.start - p, axis.a)
        if axis.kind == "fold" and rest:
            return None
        site = axis.b * (P + axis.start - p) + axis.a * q
        place = site if axis.kind == "conv" else axis.a * (q + axis.b * turns)
    if place % axis.a:
        return None
    return _inside(place // axis.a, n, axis.border)


def _inside(site: int, n: int, border: Any) -> int | None:
    if 0 <= site < n:
        return site
    if border == "CIRCULAR":
        return site % n
    if border == "REFLECT":
        turn = site % (2 * (n - 1))
        return min(turn, 2 * (n - 1) - turn)
    return None
