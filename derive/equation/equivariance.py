"""T(g x) = g T(x), written out for translations: act, re-index, compare coefficients.

Every function returns one step's statement; nothing here knows which layer will come out.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy
from sympy import And, Eq, Le, Mod, Or, Range, Tuple

from derive.equation.operator import Notation, apply_general
from derive.notation import Translation, image, moved
from derive.steps import Step
from derive.symmetry.sizes import number


def equivariance_steps(n: Notation) -> list[Step]:
    """From the general operator to A(g p, g q) = A(p, q) and b(g p) = b(p), for every translation g."""
    statement = symmetry_statement(n)
    general = Eq(image(n.x)[(n.i, *n.out)], apply_general(n), evaluate=False)
    acted = Eq(
        image(moved(Translation(), n.x))[(n.i, *n.out)],
        apply_general(n, reading=n.shifted("into", -1)),
        evaluate=False,
    )
    equation = Eq(acted.rhs, apply_general(n, at=n.shifted("out", -1)), evaluate=False)
    reindexed = Eq(_reindexed(n), equation.rhs, evaluate=False)
    compared = _with_bias(
        n,
        Eq(n.weight(n.out, n.shifted("into", 1)), n.weight(n.shifted("out", -1), n.into), evaluate=False),
        Eq(n.bias(n.out), n.bias(n.shifted("out", -1)), evaluate=False),
    )
    constraint = _with_bias(
        n,
        Eq(n.weight(n.shifted("out", 1), n.shifted("into", 1)), n.weight(n.out, n.into), evaluate=False),
        Eq(n.bias(n.shifted("out", 1)), n.bias(n.out), evaluate=False),
    )
    return [
        Step(
            "write the general operator",
            statement,
            general,
            "a linear map (with a bias) has one weight per pair of an output and an input entry; "
            + _reading(n),
            domains(n),
        ),
        Step(
            "act on the input",
            general,
            acted,
            "put T_s x in the place of x: every x[c, ...] is read at the site that T_s brought there",
        ),
        Step(
            "act on the output",
            acted,
            equation,
            "equivariance asks that T(T_s x) is T_s T(x), which is T(x) read at the shifted output site",
        ),
        Step(
            "re-index the sum",
            equation,
            reindexed,
            "rename the input site on the left, a bijection, so that both sides show the same x",
        ),
        Step(
            "compare coefficients",
            reindexed,
            compared,
            "x is arbitrary, so the coefficients of every single x[c, ...] agree, and so do the constants",
        ),
        Step(
            "the constraint for every s",
            compared,
            constraint,
            "rename the output site; s is every translation, so this holds for all of them at once",
        ),
    ]


def symmetry_statement(n: Notation) -> Tuple:
    """How T_s acts on both fields, and where weights may be."""
    of_x, of_y = (moved(Translation(), field) for field in (n.x, n.y))
    parts = [
        Eq(of_x[(n.c, *n.into)], n.x[(n.c, *n.shifted("into", -1))], evaluate=False),
        Eq(of_y[(n.i, *n.out)], n.y[(n.i, *n.shifted("out", -1))], evaluate=False),
    ]
    if n.problem.support is not None:
        parts.append(locality(n))
    return Tuple(*parts)


def domains(n: Notation) -> tuple[tuple[sympy.Symbol, sympy.Set], ...]:
    """What every index ranges over."""
    entries: list[tuple[sympy.Symbol, sympy.Set]] = [(n.i, Range(0, n.D)), (n.c, Range(0, n.C))]
    for sites, side in ((n.out, "out"), (n.into, "into")):
        parts = [part for part in (getattr(axis, side) for axis in n.counted) if part is not None]
        for site, part in zip(sites, parts, strict=True):
            entries.append((site, sympy.S.Integers if part.size is None else Range(0, part.size)))
    values = sorted(n.values.items(), key=lambda item: item[0].name)
    return (
        *entries,
        *((s, sympy.S.Integers) for s in n.shifts),
        *((symbol, sympy.FiniteSet(value)) for symbol, value in values),
    )


def locality(n: Notation, only: Iterable[int] | None = None) -> sympy.Basic:
    """The condition on (p, q) under which a weight may be nonzero; `only` keeps some of the axes."""
    support = n.problem.support
    axes = range(len(n.problem.axes)) if only is None else tuple(only)
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
    into = n.axes[axis].into
    if into is None or into.size is None:
        return sympy.oo
    return into.size * number(into.spacing)


def _reindexed(n: Notation) -> sympy.Expr:
    total = sympy.Sum(
        n.weight(n.out, n.shifted("into", 1)) * n.x[(n.c, *n.into)], n.channel_limit, *n.site_limits
    )
    return total + n.bias(n.out) if n.problem.bias else total


def _with_bias(n: Notation, *parts: Eq) -> Tuple:
    return Tuple(*parts) if n.problem.bias else Tuple(parts[0])


def _reading(n: Notation) -> str:
    periodic = [axis.name for axis in n.axes if axis.translated and axis.boundary == "periodic"]
    windows = [axis.name for axis in n.axes if axis.translated and axis.boundary == "zero"]
    notes = []
    if periodic:
        notes.append(f"sites along {', '.join(periodic)} are read modulo the grid")
    if windows:
        notes.append(
            f"a field is 0 outside its window along {', '.join(windows)}, so sums may run over all of Z"
        )
    return "; ".join(notes) or "sums run over all input entries"
