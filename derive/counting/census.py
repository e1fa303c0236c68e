"""A census of site pairs up to translations, axis by axis; sizes may be symbols.

Translations act freely, so there are as many classes as pairs in one period. Around a ring a class has one
pair for each translation; in a window a pair is the first of its class when no translate comes earlier.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import sympy

from derive.lattice.problem import Problem

PERIODS = 4
LISTED = 20_000


def census(problem: Problem) -> sympy.Expr:
    """How many classes of site pairs there are."""
    support = problem.support
    if support is None:
        return _multiply(_census(axis, None) for axis in problem.axes)
    if support.points is not None:
        return sympy.Add(
            *(
                _multiply(_census(a, (d,)) for a, d in zip(problem.axes, p, strict=True))
                for p in support.points
            )
        )
    factors = []
    for axis, span in zip(problem.axes, support.spans or (), strict=True):
        factors.append(_census(axis, None) if span is None else _census_of_span(axis, span))
    return _multiply(factors)


def _census_of_span(axis: Any, span: Any) -> sympy.Expr:
    """Displacements beyond the grid meet nothing; on an infinite axis the count is linear in the radius."""
    if span.symbolic:
        radii = range(3 if _is_roomy(axis) else 2)  # linear in the radius: a third one confirms it
        return _interpolate(span.radius, [(r, _census(axis, _run(r))) for r in radii])
    sizes = [
        side.size * side.spacing for side in axis.sides if side.size is not None and side.size.is_Integer
    ]
    if len(sizes) == 2 and axis.boundary != "periodic":
        span = span.within(Fraction(int(2 * sum(sizes))) + abs(axis.residue) + 1)
    if 2 * span.radius <= LISTED or len(sizes) == 2 or span.step != 1:
        return _census(axis, span.values())
    t = sympy.Symbol("t")
    smaller = [span.radius - span.radius // 1 + r for r in range(3)]  # whole steps below the radius
    points = [(r, _census(axis, type(span)(r).values())) for r in smaller]
    return _interpolate(t, points).subs(t, span.radius)


def _is_roomy(axis: Any) -> bool:
    """Whether a radius of 2 fits on the grids."""
    return all(
        side.size is None or not side.size.is_Integer or side.size * side.spacing >= 6 + abs(axis.residue)
        for side in axis.sides
    )


def _run(radius: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(d) for d in range(-radius, radius + 1))


def _multiply(factors: Iterable[sympy.Expr]) -> sympy.Expr:
    values = list(factors)
    return sympy.S.Zero if any(v == 0 for v in values) else sympy.Mul(*values)


def _interpolate(symbol: sympy.Expr, points: list[tuple[Any, Any]]) -> sympy.Expr:
    return sympy.expand(sympy.interpolate(points, symbol))


def _census(axis: Any, displacements: tuple[Fraction, ...] | None) -> sympy.Expr:
    """Classes along one axis; sizes that are symbols or large are reached by interpolating small ones."""
    sides = axis.sides
    if not sides:
        return sympy.S.One
    if any(side.size is None for side in sides):
        return _census_infinite(axis, displacements)
    sizes = [side.size for side in sides]
    small = 4 * PERIODS * max(1, *(side.step for side in sides)) + _width(displacements)
    if all(n.is_Integer and n <= small for n in sizes):
        return sympy.Integer(_census_finite(axis, [int(n) for n in sizes], displacements))
    return _census_polynomial(axis, sizes, displacements, small)


def _width(displacements: tuple[Fraction, ...] | None) -> int:
    return int(2 * max(abs(d) for d in displacements)) + 2 if displacements else 0


def _census_polynomial(axis: Any, sizes: list[Any], displacements: Any, small: int) -> sympy.Expr:
    """The count is a polynomial of degree 2 in sizes beyond the support: three small grids determine it."""
    t = sympy.Symbol("t", integer=True, positive=True)
    steps = [max(side.step, 1) for side in axis.sides]
    if len({sympy.expand(n / s) for n, s in zip(sizes, steps, strict=True)}) == 1:
        scale = sizes[0] / steps[0]
        tries = [[s * k for s in steps] for k in range(small, small + 3)]
        points = [(small + j, _census_finite(axis, n, displacements)) for j, n in enumerate(tries)]
        return sympy.expand(_interpolate(t, points).subs(t, scale))
    first, second = (sympy.Symbol(name) for name in ("n", "m"))
    rows = []
    for a in range(small, small + 3):
        line = [(b, _census_finite(axis, [a, b], displacements)) for b in range(small, small + 3)]
        rows.append((a, _interpolate(second, line)))
    return sympy.expand(
        _interpolate(first, rows).subs({first: sizes[0], second: sizes[-1]}, simultaneous=True)
    )


def _census_infinite(axis: Any, displacements: tuple[Fraction, ...] | None) -> sympy.Expr:
    """Fix the output site in one period and count the input sites it may see."""
    steps = [side.step for side in axis.sides]
    if not any(steps) or (displacements is None and len(axis.sides) == 2):
        return sympy.oo
    if len(axis.sides) == 1:
        return sympy.Integer(steps[0])
    out, into = axis.sides
    seen = 0
    for p, d in product(range(out.step), displacements or ()):
        seen += ((out.spacing * p + out.offset + d - into.offset) / into.spacing).denominator == 1
    return sympy.Integer(seen)


def _census_finite(axis: Any, sizes: list[int], displacements: tuple[Fraction, ...] | None) -> int:
    """The pairs on these grids, each class once."""
    sides = axis.sides
    ring = sides[0].boundary == "periodic" and sides[-1].boundary == "periodic"
    steps = [side.step for side in sides]
    sites = np.meshgrid(*(np.arange(n) for n in sizes), indexing="ij")
    hit = np.ones(sites[0].shape, dtype=bool)
    if displacements is not None:
        hit = _at_displacements(sides, sites, displacements, sizes[-1] * sides[-1].spacing if ring else None)
    if not any(steps):
        return int(hit.sum())
    if ring:
        translates = max(n // step for n, step in zip(sizes, steps, strict=True) if step)
        return int(hit.sum()) // translates
    first = [z < step for z, step in zip(sites, steps, strict=True)]
    return int((hit & np.any(first, axis=0)).sum())


def _at_displacements(sides: Any, sites: Any, displacements: tuple[Fraction, ...], length: Any) -> np.ndarray:
    """Which pairs lie at one of the displacements, around a ring of this length."""
    out, into = sides
    scale = np.lcm.reduce([x.denominator for x in (*displacements, *_numbers(out), *_numbers(into))])
    p, q = sites
    gap = int(into.spacing * scale) * q - int(out.spacing * scale) * p
    gap = gap + int((into.offset - out.offset) * scale)
    wanted = np.array(sorted({int(d * scale) for d in displacements}), dtype=object)
    if length is not None:
        around = int(length * scale)
        gap, wanted = gap % around, wanted % around
    return np.isin(gap, wanted.astype(np.int64))


def _numbers(side: Any) -> tuple[Fraction, Fraction]:
    return side.spacing, side.offset
