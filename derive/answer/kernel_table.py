"""Where the classes of site pairs stand in dense arrays: all translates on a grid, the places of a kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from derive.answer.plain import Plain, PlainAxis, PlainSide
from derive.errors import InfiniteError, TooLargeError
from derive.lattice.axes import Axis, Side
from derive.symmetry.integers import combined, widened

LIMIT = 1 << 27


def plain_axes(axes: Sequence[Axis]) -> tuple[PlainAxis, ...]:
    """Axes as plain data; a size that is still a symbol is open."""
    return tuple(_plain_axis(axis) for axis in axes)


def _plain_axis(axis: Axis) -> PlainAxis:
    def side(part: Side | None) -> PlainSide | None:
        if part is None:
            return None
        size = int(part.size) if part.size is not None and part.size.is_Integer else None
        return PlainSide(part.step, part.spacing, part.offset, size, part.boundary)

    return PlainAxis(axis.name, side(axis.out), side(axis.into))


def grid_shape(answer: Plain) -> tuple[int, ...]:
    """(*out sites, *in sites) of a finite grid."""
    sides = [a.out for a in answer.axes if a.out] + [a.into for a in answer.axes if a.into]
    if any(side.size is None for side in sides):
        raise InfiniteError("grid", "must be finite here", "an infinite lattice", "give the fields a grid")
    return tuple(int(side.size or 0) for side in sides)


def refuse_large(shape: Sequence[int]) -> None:
    entries = int(np.prod([int(n) for n in shape], dtype=object))
    if entries > LIMIT:
        raise TooLargeError(
            "dense array", f"must hold at most {LIMIT} entries", entries, "use a smaller grid"
        )


def members(answer: Plain, k: int) -> Iterator[tuple[int, ...]]:
    """Every pair of the grid in class k, as an index (*out sites, *in sites)."""
    runs = [
        _run(axis, int(answer.out_site[k, i]), int(answer.in_site[k, i]))
        for i, axis in enumerate(answer.axes)
    ]
    for combination in product(*runs):
        out = [p for p, _ in combination if p is not None]
        yield (*out, *(q for _, q in combination if q is not None))


def _run(axis: PlainAxis, p: int, q: int) -> list[tuple[int | None, int | None]]:
    """All translates of one pair along one axis that stay on the grid."""
    sides = [(side, site) for side, site in ((axis.out, p), (axis.into, q)) if side is not None]
    if not sides:
        return [(None, None)]
    periodic = sides[0][0].boundary == "periodic"
    turns = [int(side.size or 0) // side.step for side, _ in sides if side.step]
    found: dict[tuple[int | None, int | None], None] = {}
    span = max(turns, default=0) + max(
        (abs(site) // side.step + 1 for side, site in sides if side.step), default=0
    )
    for t in range(-span, span + 1) if turns else (0,):
        places = [site + t * side.step for side, site in sides]
        if periodic:
            places = [z % int(side.size or 1) for z, (side, _) in zip(places, sides, strict=True)]
        if all(0 <= z < int(side.size or 0) for z, (side, _) in zip(places, sides, strict=True)):
            rest = iter(places)
            found[(next(rest) if axis.out else None, next(rest) if axis.into else None)] = None
    return list(found)


def kernel_labels(answer: Plain) -> np.ndarray:
    """The class at every place of the kernel K, -1 where it is zero.

    Axes: output phases where there are several, then the displacement (position(q) - position(p), over
    its bounding box) or, along an axis without translations, the output and input sites.
    """
    phases, places = [], []
    for i, axis in enumerate(answer.axes):
        p, q = answer.out_site[:, i], answer.in_site[:, i]
        if axis.out is None or axis.into is None:
            phases += [q] if axis.out is None else [p]
        elif not (axis.out.step or axis.into.step):
            places += [p, q]
        else:
            mesh = axis.mesh
            a, b = int(axis.into.spacing / mesh), int(axis.out.spacing / mesh)
            phases.append(widened([p], a)[0] // a)
            places.append(combined([(a, q), (-b, p)]))
    columns = [c for c in phases if len(c) and c.max() > 0] + places
    if not columns:
        return np.arange(len(answer.out_site)).reshape(())
    columns = [combined([(1, c)], -int(c.min())) for c in columns]
    shape = [int(c.max()) + 1 for c in columns]
    refuse_large(shape)
    table = np.full(shape, -1, dtype=np.int64)
    table[tuple(c.astype(np.int64) for c in columns)] = np.arange(len(answer.out_site))
    return table
