"""The proof that an answer is right and complete, by counting that shares no code with the methods.

(a) every basis element satisfies the equation, residual exactly 0; (b) they are independent; (c) there are
as many as an independent count says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import sympy

from derive.equation.problem import Problem

PERIODS = 4
LISTED = 20_000


@dataclass(frozen=True)
class Certificate:
    """What was checked, and by which formula.

    `residual`: the largest entry of rho(g) A - A rho(g), exactly 0 when right, over `scope`;
    `independent`: whether the basis elements are linearly independent; `dim`: how many there are;
    `expected_dim`: how many there must be by `method` (None where no formula applies).
    """

    residual: int
    independent: bool
    dim: Any
    expected_dim: Any
    method: str
    scope: str = "every basis element"

    @property
    def holds(self) -> bool:
        """Right, independent and complete."""
        return self.residual == 0 and self.independent and self.complete is True

    @property
    def complete(self) -> bool | None:
        """Whether nothing is missing; None where no independent count applies."""
        if self.expected_dim is None:
            return None
        gap = sympy.sympify(self.dim) - self.expected_dim
        return self.dim == self.expected_dim or sympy.simplify(gap) == 0

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FAILS" if self.complete is not None else "is incomplete"
        return "\n".join(
            [
                f"certificate {verdict}",
                f"  residual of T(g x) = g T(x) on {self.scope}: {self.residual}",
                f"  basis elements independent: {'yes' if self.independent else 'NO'}",
                f"  free weights found: {self.dim}",
                f"  free weights counted independently: {self.expected_dim}",
                f"  by {self.method}",
            ]
        )


def certify_translations(problem: Problem, dim: Any) -> Certificate:
    """The certificate of an answer whose group is translations alone."""
    channels = problem.x.channels * problem.y.channels
    expected = _count(problem)
    listed = _listed(problem)
    return Certificate(
        residual=_residual(problem),
        independent=_separates(problem) and (listed is None or _all_different(problem, listed)),
        dim=dim if listed is None or len(listed) == expected else channels * len(listed),
        expected_dim=expected if expected is sympy.oo else sympy.sympify(channels * expected),
        method="a census of site pairs: translations act freely, so a class is counted at its first member",
    )


def _listed(problem: Problem) -> Any:
    """The classes that the basis is made of, one member each, where sizes are numbers and not too large."""
    count = sympy.sympify(problem.classes.count())
    symbols = [
        a.name for a in problem.axes if any(s.size is not None and not s.size.is_Integer for s in a.sides)
    ]
    if symbols or not count.is_Integer or count > LISTED:
        return None
    return problem.classes.listing().tolist()


def _all_different(problem: Problem, rows: list) -> bool:
    """No two listed pairs are translates of each other: they differ in the first period."""
    return len(
        {tuple(_first(a, *z[:2]) for a, z in zip(problem.axes, row, strict=True)) for row in rows}
    ) == len(rows)


def _first(axis: Any, p: int, q: int) -> tuple[int, int]:
    """The translate of a pair that stands in the first period."""
    sides = [(side, z) for side, z in ((axis.out, p), (axis.into, q)) if side is not None]
    turns = sides[0][1] // sides[0][0].step if sides and sides[0][0].step else 0
    moved = [z - turns * side.step for side, z in sides]
    wrap = sides and all(side.boundary == "periodic" for side, _ in sides)
    first = [z % int(side.size) if wrap else z for z, (side, _) in zip(moved, sides, strict=True)]
    return (first[0], first[-1]) if first else (0, 0)


def _residual(problem: Problem) -> int:
    """How much the class of a pair changes under a translation, or around a periodic grid: exactly 0."""
    quotient = problem.quotient
    residual = 0
    for coordinate in (*quotient.phases, *quotient.free):
        for column in zip(*quotient.moves, strict=True):
            change = sum(k * step for k, step in zip(coordinate.row, column, strict=True))
            residual = max(residual, abs(change % coordinate.modulus if coordinate.modulus else change))
    return residual


def _separates(problem: Problem) -> bool:
    """Whether phases and displacements are complete: unimodular, and as many phases as there are."""
    rows = [c.row for c in (*problem.quotient.moved, *problem.quotient.free)]
    if any(len(row) != len(rows) for row in rows) or (rows and abs(sympy.Matrix(rows).det()) != 1):
        return False
    return problem.quotient.index == prod(axis.phases for axis in problem.axes if axis.translated)


# ---- the census ---------------------------------------------------------------------------------------


def _count(problem: Problem) -> sympy.Expr:
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
        return _interpolate(span.radius, [(r, _census(axis, _run(r))) for r in range(3)])
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
    """Pairs inside the grid that are the first of their class: no translate of them comes earlier."""
    sides = axis.sides
    periodic = sides[0].boundary == "periodic" and sides[-1].boundary == "periodic"
    steps = [side.step for side in sides]
    length = sizes[-1] * sides[-1].spacing
    total = 0
    for sites in product(*(range(n) for n in sizes)):
        if displacements is not None:
            gap = _gap(sides, sites)
            hit = any((gap - d) % length == 0 if periodic else gap == d for d in displacements)
            if not hit:
                continue
        if not any(steps):
            total += 1
        elif periodic:
            turns = range(max(n // s for n, s in zip(sizes, steps, strict=True) if s))
            images = (
                tuple((z + k * s) % n for z, s, n in zip(sites, steps, sizes, strict=True)) for k in turns
            )
            total += sites == min(images)
        else:
            earlier = [z - s for z, s in zip(sites, steps, strict=True)]
            total += any(z < 0 for z in earlier)
    return total


def _gap(sides: Any, sites: tuple[int, ...]) -> Fraction:
    out, into = sides
    return into.spacing * sites[1] + into.offset - out.spacing * sites[0] - out.offset
