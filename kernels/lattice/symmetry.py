"""Which elements of its group a lattice op keeps on arrays of given sizes, and how they move its arrays.

One motion of space has to carry the array of inputs onto itself and the array of outputs onto itself. Where
padding moves the windows, the operator is one of the lattice moved by a vector d, and its group is
d G d^-1: v -> M v + t becomes v -> M v + t + (1 - M) d.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, NamedTuple

import jax

from kernels.action.moves import move
from kernels.action.reasons import foremost_kind, reason_of
from kernels.action.sites import (
    Obstacle,
    Pair,
    SiteMap,
    Sites,
    Vector,
    apply,
    by,
    carry,
    is_carried,
    sizes_near,
)
from kernels.errors import ShapeError
from kernels.lattice.plan import LatticePlan

Grid = tuple[int, ...]
RING = "use padding='CIRCULAR', or fields with boundary='periodic'"
TRIED = 24  # sizes that are looked at before none is said to do


class Move(NamedTuple):
    """How a generator moves space, and what of it is a translation that was asked for."""

    motion: Any
    translation: Vector


def generator(space: Any, name: str) -> Move:
    """A generator of a space group, as it moves space; the fibre left out."""
    zero = (Fraction(0),) * space.dim
    return Move(space.motions[name], space.translations.get(name, zero))


class Both(NamedTuple):
    """The arrays of the inputs and of the outputs; None where a field has no lattice."""

    into: Sites | None
    out: Sites | None


def sites(plan: LatticePlan, into: Any, out: Any, grid: Grid) -> Both:
    """Where the inputs and the outputs of an op stand, on an input of these sizes."""
    own = iter(grid)
    places = [axis.places(next(own) if axis.has_input else 0) for axis in plan.axes]
    return Both(*(_sites(f.lattice, [p[k] for p in places]) for k, f in enumerate((into, out))))


def _sites(lattice: Any, places: Sequence[Any]) -> Sites | None:
    if lattice is None:
        return None
    rings = (p.ring or kind == "periodic" for p, kind in zip(places, lattice.boundary, strict=True))
    first, sizes = tuple(p.first for p in places), tuple(p.size for p in places)
    return Sites(tuple(lattice.spacing), tuple(lattice.offset), first, sizes, tuple(rings))


def defect(plan: LatticePlan, both: Both) -> tuple[Fraction, ...]:
    """The vector of the input's lattice by which padding has moved the operator."""
    if both.into is None or both.out is None:
        return (Fraction(0),) * len(plan.axes)
    found = []
    for i, axis in enumerate(plan.axes):
        ratio = both.into.spacing[i] / both.out.spacing[i]
        whole = (k for k in range(max(axis.b, 1)) if (k * ratio - both.out.first[i]).denominator == 1)
        found.append(both.into.spacing[i] * next(whole, 0))
    return tuple(found)


def carried(plan: LatticePlan, into: Any, out: Any, action: Any, grid: Grid, to: Grid | None = None) -> Any:
    """How an element moves the sites of input and output, or the obstacles.

    `to`: the sizes of the input that it should become, if others than its own.
    """
    both = sites(plan, into, out, grid)
    other = both if to is None else sites(plan, into, out, to)
    pairs = tuple((a, b) for a, b in zip(both, other, strict=True) if a is not None and b is not None)
    motion, d = action.motion, defect(plan, both)
    turned = apply(motion.matrix, d)
    shift = tuple(t + x - y for t, x, y in zip(motion.shift, d, turned, strict=True))
    return _carried(motion.matrix, shift, action.translation, into.group.period, pairs)


@lru_cache(maxsize=4096)
def _carried(matrix: Any, shift: Any, translation: Any, period: Any, pairs: tuple[Pair, ...]) -> Any:
    return carry(matrix, shift, translation, period, pairs)


def maps(plan: LatticePlan, into: Any, out: Any, action: Any, grid: Grid) -> Any:
    """The two site maps, None for a field without a lattice; or the obstacles."""
    found = carried(plan, into, out, action, grid)
    if not is_carried(found):
        return found
    moved = iter(found)
    return tuple(next(moved) if field.lattice is not None else None for field in (into, out))


def are_maps(found: tuple[Any, ...]) -> bool:
    """Whether `maps` found maps and not obstacles."""
    return all(m is None or isinstance(m, SiteMap) for m in found)


def apart(plan: LatticePlan, into: Any, out: Any, action: Any, grid: Grid) -> Any:
    """Two site maps, each about the middle of its own array, if both arrays are carried so; else None."""
    found: list[SiteMap | None] = []
    for own in sites(plan, into, out, grid):
        maps: Any = (None,)
        if own is not None:
            motion = action.motion
            maps = _carried(motion.matrix, motion.shift, action.translation, None, ((own, own),))
        if not are_maps(maps):
            return None
        found += maps
    return tuple(found)


# ---- what is said where an element is not carried ----------------------------------------------------------


def why_not(plan: LatticePlan, into: Any, out: Any, action: Any, grid: Grid, found: Any) -> tuple[str, str]:
    """The reason and the remedy."""
    both = sites(plan, into, out, grid)
    own = both.into or both.out
    assert own is not None
    if both.into and both.out and foremost_kind(found) == "centre":
        near = near_sizes(plan, into, out, action, grid)
        mended = _mended(both.into, both.out)
        return _beside(plan, both.into, both.out), ", or ".join(
            [f"use {' or '.join(near)}"] * bool(near) + [mended]
        )
    matrix = action.motion.matrix
    return reason_of(
        found, matrix, own.sizes, into.group, lambda: near_sizes(plan, into, out, action, grid), RING
    )


def _gap(own: Sites, other: Sites) -> tuple[Fraction, ...]:
    """From the middle of the outputs to the middle of the inputs."""
    return tuple(a - b for a, b in zip(own.centre, other.centre, strict=True))


def _beside(plan: LatticePlan, own: Sites, other: Sites) -> str:
    strides = [axis.b for axis in plan.axes if axis.kind == "conv"]
    how = f" at stride {by(tuple(dict.fromkeys(strides)))}" if max(strides, default=1) > 1 else ""
    gap = _vector(_gap(own, other))
    return f"{by(other.sizes)} outputs{how} that stand {gap} beside the middle of {by(own.sizes)} inputs"


def _mended(own: Sites, other: Sites) -> str:
    """The offset of the outputs that mends it, and the window that goes with it."""
    gap = _gap(own, other)
    moved = tuple((o + g) % s for o, g, s in zip(other.offset, gap, other.spacing, strict=True))
    steps = map(_common, own.spacing, other.spacing)
    beside = ((m - o) / step for m, o, step in zip(moved, own.offset, steps, strict=True))
    window = "an even window" if any(x.denominator == 2 for x in beside) else "an odd window"
    return f"put the outputs at offset={_vector(moved)}, the group's centre too, with {window}"


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The greatest common divisor."""
    return Fraction(
        gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator
    )


def _vector(v: Sequence[Fraction]) -> str:
    return "(" + ", ".join(map(str, v)) + ("," if len(v) == 1 else "") + ")"


def near_sizes(plan: LatticePlan, into: Any, out: Any, action: Any, grid: Grid) -> tuple[str, ...]:
    """Sizes of input near those given at which an element is carried."""
    if any(axis.size_in is not None for axis in plan.inputs) or len(plan.inputs) < len(plan.axes):
        return ()
    least = tuple(1 if axis.border == "ZERO" else axis.window for axis in plan.inputs)

    def obstacles(sizes: Grid) -> tuple[Obstacle, ...]:
        if any(axis.border == "CIRCULAR" and n % axis.b for axis, n in zip(plan.inputs, sizes, strict=True)):
            return tuple(Obstacle("sizes", (i,)) for i, n in enumerate(sizes) if n % plan.inputs[i].b)
        found = carried(plan, into, out, action, sizes)
        return () if is_carried(found) else found

    return sizes_near(action.motion.matrix, grid, obstacles, least)


def kept(plan: LatticePlan, into: Any, out: Any) -> tuple[str, ...]:
    """The generators that arrays of a plan carry: on its own grid, or at some size that is tried."""
    if into is None or out is None:
        return ()
    return tuple(name for name in into.group.generators if some_size(plan, into, out, name) is not None)


def some_size(plan: LatticePlan, into: Any, out: Any, name: str) -> Grid | None:
    """The first sizes at which a generator is carried."""
    action = generator(into.group, name)
    return next((n for n in trials(plan) if is_carried(carried(plan, into, out, action, n))), None)


def trials(plan: LatticePlan) -> Iterator[Grid]:
    """The sizes of the input, equal where the answer has not fixed them."""
    fixed = tuple(axis.size_in for axis in plan.inputs)
    least = max((axis.window for axis in plan.inputs), default=1)
    for n in range(least, least + (TRIED if None in fixed else 1)):
        sizes = tuple(n if known is None else known for known in fixed)
        if all(
            axis.border != "CIRCULAR" or m % axis.b == 0 for axis, m in zip(plan.inputs, sizes, strict=True)
        ):
            yield sizes


# ---- the symmetries of an op, by name ----------------------------------------------------------------------


def move_input(plan: LatticePlan, into: Any, out: Any, name: str, x: jax.Array) -> jax.Array:
    """An input moved by a generator, as one motion with its output; or the error that it cannot be."""
    action = into.action(name, plan.channels_in)
    if into.lattice is None:
        return move(None, 0, action.blocks, x)
    grid = x.shape[x.ndim - 1 - plan.rank : -1]
    found = maps(plan, into, out, action, grid)
    if not are_maps(found):
        reason, remedy = why_not(plan, into, out, action, grid, found)
        raise ShapeError("x", f"must be carried onto itself by {name!r}", reason, remedy)
    return move(found[0], plan.rank, action.blocks, x)


def move_output(plan: LatticePlan, into: Any, out: Any, name: str, y: jax.Array) -> jax.Array:
    """An output moved by a generator: about its own middle along axes where it ends."""
    action = out.action(into.action(name).element, plan.channels_out)
    if out.lattice is None:
        return move(None, 0, action.blocks, y)
    rank = out.lattice.dim
    sizes = y.shape[y.ndim - 1 - rank : -1]
    rings = [p is not None and p.ring for p in (axis.places(axis.b)[1] for axis in plan.axes)]
    places = zip(rings, out.lattice.boundary, strict=True)
    zero = (Fraction(0),) * rank
    wraps = tuple(ring or kind == "periodic" for ring, kind in places)
    own = Sites(tuple(out.lattice.spacing), tuple(out.lattice.offset), zero, tuple(sizes), wraps)
    motion = action.motion
    found = carry(motion.matrix, motion.shift, action.translation, None, [(own, own)])
    if not is_carried(found):
        raise ShapeError("y", f"must be carried onto itself by {name!r}", by(sizes), "use equal sizes")
    return move(found[0], rank, action.blocks, y)  # type: ignore[arg-type]
