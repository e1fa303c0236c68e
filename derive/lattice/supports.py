"""Supports that a point group preserves: every generator carries each displacement to a displacement."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

from derive.errors import SupportError
from derive.symmetry.motion import Integers, show
from derive.symmetry.sizes import rational
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.support import Region, Span

SHOWN = 8
Vector = tuple[Fraction, ...]


def require_invariant(space: SpaceGroup, support: Region | None) -> None:
    """Refuse a support that some generator carries outside itself, and say what is missing from it."""
    if support is None:
        return
    for name in space.point.generators:
        lost = _lost(support, space.motions[name].matrix)
        if lost is not None:
            raise SupportError(
                "support",
                f"must be carried to itself by every generator, and {name!r} carries a displacement of it",
                f"to {lost}, which is outside",
                _remedy(space, support),
            )


def _lost(support: Region, matrix: Integers) -> str | None:
    """An image that lies outside, or None."""
    if support.points is not None:
        points = set(support.points)
        outside = sorted({_image(matrix, p) for p in points} - points)
        return show(outside[0]) if outside else None
    spans = support.spans or ()
    for row, span in zip(matrix, spans, strict=True):
        if span is not None and any(m and s is None for m, s in zip(row, spans, strict=True)):
            return "all displacements along an axis that is bounded"
    runs = _numbers(spans)
    for point in _extremes(runs):
        image = _image(matrix, point)
        if not all(_within(run, d) for run, d in zip(runs, image, strict=True)):
            return show(image)
    return None


def _image(matrix: Integers, point: Vector) -> Vector:
    return tuple(sum((m * d for m, d in zip(row, point, strict=True)), Fraction(0)) for row in matrix)


def _numbers(spans: tuple[Span | None, ...]) -> list[tuple[Fraction, Fraction] | None]:
    """(radius, step) of every span; different symbols become different numbers."""
    symbols = sorted({s for span in spans if span for s in span.radius.free_symbols}, key=str)
    trial = {symbol: 2 + j for j, symbol in enumerate(symbols)}
    return [
        None if span is None else (rational(span.radius.subs(trial), "radius"), span.step) for span in spans
    ]


def _extremes(runs: list[tuple[Fraction, Fraction] | None]) -> Iterator[Vector]:
    """The corners of a box, and the neighbours of one: if their images lie inside, so do all images.

    A corner has the largest image along every axis, and from one corner the rest are whole steps away.
    """
    yield from product(*((Fraction(0),) if run is None else (-run[0], run[0]) for run in runs))
    first = [Fraction(0) if run is None else -run[0] for run in runs]
    for j, run in enumerate(runs):
        if run is not None and run[0]:
            yield tuple(d + run[1] * (i == j) for i, d in enumerate(first))


def _within(run: tuple[Fraction, Fraction] | None, d: Fraction) -> bool:
    return run is None or (abs(d) <= run[0] and (d + run[0]) % run[1] == 0)


def _remedy(space: SpaceGroup, support: Region) -> str:
    if support.points is None:
        return "use the same sizes along axes that a generator exchanges, or a ball or hexagon"
    missing = sorted(_closed(space, set(support.points)) - set(support.points))
    if len(missing) > SHOWN:
        return f"add the images, {len(missing)} displacements in all"
    return f"add {', '.join(show(p) for p in missing)}"


def _closed(space: SpaceGroup, points: set[Vector]) -> set[Any]:
    """The points with all their images."""
    reached, frontier = set(points), set(points)
    while frontier:
        images = {_image(space.motions[g].matrix, p) for g in space.point.generators for p in frontier}
        frontier = images - reached
        reached |= images
    return reached
