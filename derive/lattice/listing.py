"""Which classes of site pairs there are along one axis, as arrays of integers."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import sympy

from derive.errors import InfiniteError, TooLargeError
from derive.lattice.axes import Axis, integer
from derive.symmetry.integers import SAFE, combined, integers, largest, widened

MEMORY = 1 << 32


def list_classes(axis: Axis, displacements: tuple[Fraction, ...] | None) -> np.ndarray:
    """Every class as a row (p, q, displacement in units of mesh); p or q is 0 for a missing side."""
    if len(axis.sides) < 2:
        count = axis.count()
        if count is sympy.oo:
            raise InfiniteError(
                "grid", f"must be finite along {axis.name} to list classes", None, "give a grid"
            )
        sites = np.arange(integer(count, axis.name))
        zero = np.zeros_like(sites)
        return np.stack([zero, sites, zero] if axis.out is None else [sites, zero, zero], axis=1)
    out, into = axis.both
    rows = out.step if axis.translated else integer(out.size, axis.name)
    count = axis.count() if displacements is None else rows * len(displacements)
    if count is not sympy.oo:
        refuse_classes(count, 8 * 8)
    p, q = _pairs(axis, rows) if displacements is None else _pairs_at(axis, rows, displacements)
    a, b = int(into.spacing / axis.mesh), int(out.spacing / axis.mesh)
    units = combined([(a, q), (-b, p)])
    phase = p.astype(object) // a if axis.translated and a >= SAFE else p // (a if axis.translated else 1)
    return np.stack([p, q, units], axis=1)[np.lexsort((units, phase))]


def _pairs(axis: Axis, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Every output site below `rows` with every input site that makes a class with it."""
    if rows > 4096:
        return np.divmod(np.arange(rows * integer(axis.both[1].size, axis.name)), int(axis.both[1].size))
    pairs = [_all_inputs(axis, p) for p in range(rows)]
    q = np.concatenate(pairs) if pairs else np.zeros(0, int)
    return np.repeat(np.arange(rows), [len(q) for q in pairs]), q


def _pairs_at(axis: Axis, rows: int, displacements: tuple[Fraction, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The same with the input sites at some displacements."""
    out, into = axis.both
    common = lcm(*(d.denominator for d in (*displacements, axis.residue, out.spacing, into.spacing)))
    scaled = [d.numerator * (common // d.denominator) for d in displacements]
    ahead = integers([d - int(axis.residue * common) for d in scaled])
    p, step = np.repeat(np.arange(rows), len(ahead)), int(into.spacing * common)
    places = combined([(1, np.tile(ahead, rows)), (int(out.spacing * common), p)])
    places = widened([places], max(step, largest(places)))[0]
    kept = places % step == 0
    p, q = p[kept], places[kept] // step
    if axis.translated and axis.boundary != "zero":
        return p, q
    if not axis.translated and axis.boundary == "periodic" == into.boundary:
        n = integer(into.size, axis.name)
        return p, widened([q], max(n, largest(q)))[0] % n
    kept = _meets_window(axis, p, q) if into.size is not None else np.ones(len(q), dtype=bool)
    return p[kept], q[kept]


def _all_inputs(axis: Axis, p: int) -> np.ndarray:
    out, into = axis.both
    if into.size is None:
        raise InfiniteError(
            "support", "must be given on an infinite lattice to list classes", None, "use box(1)"
        )
    n = integer(into.size, axis.name)
    if not axis.translated or axis.boundary == "periodic":
        return np.arange(n)
    later = (integer(out.size, axis.name) - 1 - p) // out.step
    q = np.arange(-into.step * later, n)
    return q[_meets_window(axis, np.full(len(q), p), q)]


def _meets_window(axis: Axis, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Whether some translate of (p, q) has both sites in the window."""
    out, into = axis.both
    n = integer(into.size, axis.name)
    if not axis.translated:
        return (q >= 0) & (q < n)
    sites = integer(out.size, axis.name)
    reach = max(n, sites, out.step, into.step * (largest(q) // max(into.step, 1) + 1)) + largest(q)
    p, q = widened([p, q], reach + largest(p))
    later = (sites - 1 - p) // out.step
    first = np.maximum(0, -(q // into.step)) if into.step else np.zeros_like(q)
    moved = q + first * into.step
    return (later >= 0) & (first <= later) & (moved >= 0) & (moved < n)


def refuse_classes(count: Any, bytes_each: int) -> None:
    """Raise before classes are listed that would not fit in memory."""
    needed = int(count) * bytes_each
    if needed > MEMORY:
        raise TooLargeError(
            "grid, support",
            "must leave few enough classes of site pairs to list",
            f"{count} classes, about {needed / 2**30:.0f} GiB",
            "use a smaller grid or a support such as box(1)",
        )
