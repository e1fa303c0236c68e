"""Where weights may be: the support, and the windows that a field read on all of Z was cut to."""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import And, Eq, Le, Mod, Or, Symbol, floor

from derive.derivation.operator import Notation
from derive.lattice.axes import Axis
from derive.symmetry.sizes import number


def locality(n: Notation, only: Iterable[int] | None = None) -> sympy.Basic:
    """The condition on (p, q) under which a weight may be nonzero; `only` keeps some of the axes."""
    axes = range(len(n.problem.axes)) if only is None else tuple(only)
    windows = (_meets(axis) for axis in map(n.problem.cut, axes) if axis is not None)
    return And(_supported(n, axes), *windows)


def _supported(n: Notation, axes: Iterable[int]) -> sympy.Basic:
    support = n.problem.support
    if support is None or not axes:
        return sympy.true
    if support.points is not None:
        return Or(*(And(*(_at(n, i, number(point[i])) for i in axes)) for point in support.points))
    return And(*(_within(n, i) for i in axes))


def _at(n: Notation, axis: int, value: sympy.Expr) -> sympy.Basic:
    gap = n.displacement[axis] - value
    return Eq(Mod(gap, _length(n, axis)), 0) if n.problem.axes[axis].boundary == "periodic" else Eq(gap, 0)


def _within(n: Notation, axis: int) -> sympy.Basic:
    span = n.problem.span(axis)
    if span is None:
        return sympy.true
    d, step = n.displacement[axis], number(span.step)
    aligned = sympy.true if step == number(n.problem.axes[axis].mesh) else None
    if n.problem.axes[axis].boundary == "periodic":
        ahead = Mod(d + span.radius, _length(n, axis))
        return And(Le(ahead, 2 * span.radius), Eq(Mod(ahead, step), 0) if aligned is None else True)
    return And(Le(sympy.Abs(d), span.radius), Eq(Mod(d + span.radius, step), 0) if aligned is None else True)


def _length(n: Notation, axis: int) -> sympy.Expr:
    into = n.problem.axes[axis].into
    if into is None or into.size is None:
        return sympy.oo
    return into.size * number(into.spacing)


def _meets(axis: Axis) -> sympy.Basic:
    """Whether some translate of (p, q) has both sites in its window.

    Of the translates with both sites at 0 or later, the first has p or q in its first period; any other
    reaches further. So p is in its window where q has come to its first period, and the other way round.
    """
    out, into = axis.both
    p, q = (Symbol(name, integer=True) for name in (axis.name, axis.name + "'"))
    if out.step == into.step == 1 and out.size == into.size:
        return Le(sympy.Abs(q - p), into.size - 1)
    short = into.size.is_Integer and int(into.size) < into.step  # some inputs have no translate inside
    return And(
        Le(Mod(q, into.step), into.size - 1) if short else sympy.true,
        Le(q - into.step * floor(p / out.step), into.size - 1),
        Le(p - out.step * floor(q / into.step), out.size - 1),
    )
