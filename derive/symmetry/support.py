"""Locality: which physical displacements position(q) - position(p) a weight may join."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import isqrt, lcm, prod
from typing import Any

import sympy

from derive.errors import SupportError, TooLargeError, brief
from derive.symmetry.names import require_free
from derive.symmetry.sizes import number, per_axis, rational, size, whole

MEMORY = 1 << 32
POINT_BYTES = 256  # of a displacement as a tuple of fractions


@dataclass(frozen=True)
class Span:
    """The numbers -radius, -radius + step, ..., radius; radius may be a symbol."""

    radius: sympy.Expr
    step: Fraction = Fraction(1)

    @property
    def count(self) -> sympy.Expr:
        return 2 * self.radius / number(self.step) + 1

    @property
    def symbolic(self) -> bool:
        return not self.radius.is_number

    def lands(self, residue: Fraction, mesh: Fraction) -> sympy.Basic:
        """Whether its first value is in residue + mesh * Z: a relation where the radius has symbols."""
        units = sympy.expand((self.radius + number(residue)) / number(mesh))
        bottom = sympy.ilcm(1, *(k.q for k in units.as_coefficients_dict().values()))
        top = sympy.expand(units * bottom)
        symbols = sorted(top.free_symbols, key=str)
        slope, rest = (top.coeff(symbols[0]), top.coeff(symbols[0], 0)) if symbols else (top, top)
        if len(symbols) != 1 or not (slope.is_Integer and rest.is_Integer):
            return sympy.Eq(sympy.Mod(top, bottom), 0)
        common = sympy.igcd(slope, bottom)
        if rest % common:
            return sympy.false
        modulus = int(bottom // common)
        start = -int(rest // common) * pow(int(slope // common), -1, modulus) % modulus if modulus > 1 else 0
        return sympy.Eq(sympy.Mod(symbols[0], modulus), start) if modulus > 1 else sympy.true

    def within(self, extent: Fraction) -> Span:
        """The values of absolute value at most `extent`."""
        over = rational(self.radius, "radius") - extent
        return self if over <= 0 else Span(self.radius - number(-(-over // self.step) * self.step), self.step)

    def values(self) -> tuple[Fraction, ...]:
        """All values in order; `count` is how many there are."""
        radius = rational(self.radius, "radius")
        common = lcm(radius.denominator, self.step.denominator)
        last, step = int(radius * common), int(self.step * common)
        return tuple(Fraction(n, common) for n in range(-last, last + 1, step))


@dataclass(frozen=True)
class Support:
    """A set of physical displacements, before the number of axes is known.

    `kind` is 'box', 'points', 'ball' or 'hexagon'.
    """

    kind: str
    radius: Any = None
    step: Any = 1
    points: tuple[tuple[Fraction, ...], ...] = ()

    def __str__(self) -> str:
        if self.kind == "points":
            return f"{len(self.points)} displacements"
        step = "" if self.step == 1 else f", step={self.step}"
        return f"{self.kind}({self.radius}{step})"


def box(radius: Any) -> Support:
    """|d_i| <= radius along every axis, in unit steps: the (2r+1)^n displacements of a kernel.

    `radius`: an int, a half-integer, a symbol, or one of these per axis; None along an axis leaves it free.

    >>> box(1) == window(3), box((1, 2)) == window((3, 5))
    (True, True)
    """
    if isinstance(radius, Iterable) and not isinstance(radius, str):
        return Support("box", tuple(_radius(r) for r in radius))
    return Support("box", _radius(radius))


def window(size_: Any, dilation: Any = 1) -> Support:
    """The `size` displacements dilation * (j - (size - 1) / 2), j = 0..size-1, along every axis.

    Displacements of an even size are half-integers, so the output field must be offset by one half.

    >>> window(3, dilation=2)
    Support(kind='box', radius=2, step=2, points=())
    """
    sizes = tuple(size_) if isinstance(size_, Iterable) and not isinstance(size_, str) else None
    steps = tuple(dilation) if isinstance(dilation, Iterable) else None
    if sizes is None and steps is None:
        radius, step = _window_axis(size_, dilation)
        return Support("box", radius, step)
    axes = len(sizes if sizes is not None else steps or ())
    pairs = [
        _window_axis(k, e)
        for k, e in zip(per_axis(size_, axes, "size"), per_axis(dilation, axes, "dilation"), strict=True)
    ]
    steps = tuple(step for _, step in pairs)
    return Support("box", tuple(r for r, _ in pairs), 1 if set(steps) == {1} else steps)


def _window_axis(count: Any, dilation: Any) -> tuple[sympy.Expr, int]:
    n, step = size(count, "size"), whole(dilation, "dilation")
    return step * (n - 1) / 2, 1 if n == 1 else step


def hexagon(radius: Any) -> Support:
    """All 3 r (r + 1) + 1 sites of a hexagonal lattice within r steps, in axial coordinates."""
    return Support("hexagon", whole(radius, "radius", least=0))


def ball(radius: Any) -> Support:
    """|d| <= radius in the metric that the point group leaves invariant; on R^n the radius may be a name.

    >>> ball(1).kind, str(ball("R"))
    ('ball', 'ball(R)')
    """
    if isinstance(radius, sympy.Symbol) or (isinstance(radius, str) and radius.isidentifier()):
        require_free([str(radius)], "radius")
        return Support("ball", sympy.Symbol(str(radius), positive=True))
    r = rational(radius, "radius")
    if r < 0:
        raise SupportError("radius", "must be >= 0", r, "give 0 for a single displacement")
    return Support("ball", r)


def _radius(radius: Any) -> Any:
    if radius is None or radius is sympy.oo:
        return None
    if isinstance(radius, (Fraction, sympy.Rational)) and not isinstance(radius, sympy.Integer):
        if rational(radius, "radius").denominator != 2 or radius < 0:
            raise SupportError("radius", "must be an integer or half-integer >= 0", radius, "give 1 or '1/2'")
        return number(rational(radius, "radius"))
    if isinstance(radius, str) and not radius.isidentifier():
        return _radius(rational(radius, "radius"))
    return size(radius, "radius", least=0)


def as_support(value: Any, dim: int) -> Support:
    """A support as users give it: a Support, or any finite set of displacements."""
    if isinstance(value, Support):
        return value
    matrix = isinstance(value, sympy.MatrixBase)
    if matrix or not isinstance(value, Iterable) or isinstance(value, str):
        raise SupportError(
            "support",
            "must be box, window, ball, hexagon or a set of displacements",
            f"a {value.rows} x {value.cols} matrix" if matrix else brief(value),
            "use value.tolist() for a matrix with one displacement per row" if matrix else "use box(1)",
        )
    points = {tuple(rational(x, "support") for x in per_axis(entry, dim, "support")) for entry in value}
    if not points:
        raise SupportError(
            "support", "must hold at least one displacement", "none", "use box(0) for one site"
        )
    return Support("points", points=tuple(sorted(points)))


@dataclass(frozen=True)
class Region:
    """A support on given lattices: a product of spans (None: free), or an explicit list of points."""

    spans: tuple[Span | None, ...] | None = None
    points: tuple[tuple[Fraction, ...], ...] | None = None

    @property
    def dim(self) -> int:
        return len(self.spans) if self.spans is not None else len((self.points or ((),))[0])

    @property
    def symbolic(self) -> bool:
        return self.spans is not None and any(s is not None and s.symbolic for s in self.spans)

    def reach(self, axis: int) -> sympy.Expr | None:
        """The largest |d| along one axis, None where it is free."""
        if self.spans is not None:
            span = self.spans[axis]
            return None if span is None else span.radius
        return number(max(abs(p[axis]) for p in self.points or ()))

    def values(self, axis: int) -> tuple[Fraction, ...] | None:
        """The displacements that occur along one axis, in order."""
        if self.spans is not None:
            span = self.spans[axis]
            return None if span is None else span.values()
        return tuple(sorted({p[axis] for p in self.points or ()}))


def resolve(
    support: Support, dim: int, residue: tuple[Fraction, ...], mesh: tuple[Fraction, ...], metric: Any
) -> Region:
    """The displacements of a support that the two lattices attain: residue + mesh * Z along each axis.

    Raises SupportError when a displacement of a box, window or list is not attained.
    """
    if support.kind == "box":
        steps = per_axis(support.step, dim, "dilation")
        radii = per_axis(support.radius, dim, "radius")
        spans = tuple(None if r is None else Span(r, Fraction(e)) for r, e in zip(radii, steps, strict=True))
        for axis, span in enumerate(spans):
            if span is not None:
                _require_attained(_ends(span, residue[axis], mesh[axis]), axis, residue, mesh)
        return Region(spans=spans)
    if support.kind == "points":
        for axis in range(dim):
            _require_attained({p[axis] for p in support.points}, axis, residue, mesh)
        return Region(points=support.points)
    return Region(points=_within(support, dim, residue, mesh, metric))


def _ends(span: Span, residue: Fraction, mesh: Fraction) -> set[Fraction]:
    """The first displacement and the next; with symbols, representatives of them modulo the mesh."""
    if not span.symbolic:
        first = -rational(span.radius, "radius")
    elif span.lands(residue, mesh) is not sympy.false:
        first = residue
    else:
        first = -rational(span.radius.subs(dict.fromkeys(span.radius.free_symbols, 0)), "radius")
    return {first, first + (0 if span.count == 1 else span.step)}


def _require_attained(values: Iterable[Fraction], axis: int, residue: Any, mesh: Any) -> None:
    for value in values:
        miss = (value - residue[axis]) % mesh[axis]
        if miss:
            raise SupportError(
                "support",
                f"must hold displacements that the lattices attain along axis {axis}, "
                f"{residue[axis] % mesh[axis]} modulo {mesh[axis]}",
                value,
                f"shift the output field by offset={-miss % mesh[axis]} there, or change the support",
            )


def _within(
    support: Support, dim: int, residue: Any, mesh: Any, metric: Any
) -> tuple[tuple[Fraction, ...], ...]:
    """The attained displacements of a ball or a hexagon, in lexicographic order."""
    if isinstance(support.radius, sympy.Symbol):
        rule = "must have a number as its radius on a lattice, where displacements are listed"
        raise SupportError("support", rule, support, "give ball(2), or box('R')")
    if support.kind == "hexagon":
        points = _in_hexagon(support, residue, mesh, metric)
    else:
        points = _in_ball(support, dim, residue, mesh, metric)
    if not points:
        raise SupportError("support", "must hold at least one displacement", support, "use a larger radius")
    return points


def _in_hexagon(support: Support, residue: Any, mesh: Any, metric: Any) -> tuple[tuple[Fraction, ...], ...]:
    sign, r = _hexagon_sign(metric), Fraction(support.radius)
    _refuse_large(support, prod(int(2 * r / step) + 1 for step in mesh))
    axes = [list(_run(start, step, Fraction(0), r**2)) for start, step in zip(residue, mesh, strict=True)]
    return tuple(p for p in product(*axes) if abs(p[0] + sign * p[1]) <= r)


def _in_ball(
    support: Support, dim: int, residue: Any, mesh: Any, metric: Any
) -> tuple[tuple[Fraction, ...], ...]:
    """All d with ``d^T F d <= r^2 F_00``, one coordinate after another (Fincke and Pohst 1985)."""
    form = metric or tuple(tuple(int(i == j) for j in range(dim)) for i in range(dim))
    bound = Fraction(support.radius) ** 2 * form[0][0]
    squares = _squares(form)
    _refuse_large(support, _box_size(form, bound, mesh))
    points: list[tuple[tuple[Fraction, ...], Fraction]] = [((), bound)]
    for (weight, row), start, step in zip(squares, residue, mesh, strict=True):
        points = [
            ((*p, x), left - weight * (x + shift) ** 2)
            for p, left in points
            for shift in (sum((c * v for c, v in zip(row, p, strict=True)), Fraction(0)),)
            for x in _run(start, step, shift, left / weight)
        ]
    return tuple(p for p, _ in points)


def _squares(form: Sequence[Sequence[Any]]) -> list[tuple[Fraction, tuple[Fraction, ...]]]:
    """A positive definite form as ``sum_i w_i (x_i + sum_(j<i) c_ij x_j)^2``: each w_i with its row c_i."""
    rest = [[Fraction(v) for v in row] for row in form]
    squares = []
    for i in reversed(range(len(form))):
        weight = rest[i][i]
        row = tuple(v / weight for v in rest[i][:i])
        squares.append((weight, row))
        rest = [[rest[j][k] - weight * row[j] * row[k] for k in range(i)] for j in range(i)]
    return squares[::-1]


def _run(start: Fraction, step: Fraction, shift: Fraction, square: Fraction) -> Iterator[Fraction]:
    """The x in ``start + step * Z`` with ``(x + shift)^2 <= square``, in order."""
    centre, limit = (start + shift) / step, square / step**2
    p, q = centre.numerator, centre.denominator
    last = isqrt(q**2 * limit.numerator // limit.denominator)
    return (start + step * j for j in range(-((last + p) // q), (last - p) // q + 1))


def _box_size(form: Sequence[Sequence[Any]], bound: Fraction, mesh: Any) -> int:
    """How many displacements the smallest box around a ball holds: ``d_i^2 <= bound * (F^-1)_ii``."""
    inverse = sympy.Matrix(form).inv()
    squares = [bound * rational(inverse[i, i], "metric") / step**2 for i, step in enumerate(mesh)]
    return prod(2 * isqrt(s.numerator // s.denominator) + 1 for s in squares)


def _refuse_large(support: Support, candidates: int) -> None:
    needed = candidates * POINT_BYTES
    if needed > MEMORY:
        raise TooLargeError(
            "support",
            "must have few enough displacements to list",
            f"{candidates} for {support}, about {needed / 2**30:.0f} GiB",
            "use a smaller radius",
        )


def _hexagon_sign(metric: Any) -> int:
    """1 where the axes of axial coordinates meet at 60 degrees, -1 where they meet at 120."""
    if (
        not metric
        or len(metric) != 2
        or 2 * abs(metric[0][1]) != metric[0][0]
        or metric[0][0] != metric[1][1]
    ):
        raise SupportError(
            "support",
            "hexagon needs a hexagonal point group in axial coordinates",
            metric,
            "use C3, C6, D3 or D6",
        )
    return 1 if metric[0][1] > 0 else -1
