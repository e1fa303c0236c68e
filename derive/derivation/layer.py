"""The layer: the operator with its weights tied, summed over displacements where they fix the input."""

from __future__ import annotations

import sympy
from sympy import Eq, Mod, Piecewise, Sum, Symbol, ceiling, floor

from derive.derivation.kernel import input_axes, kernel_at, tied_bias
from derive.derivation.locality import locality
from derive.derivation.operator import Notation
from derive.lattice.classes import Axis
from derive.symmetry.sizes import number


def layer(n: Notation) -> Eq:
    """y[i,u,v] = Sum(K[i,c,du,dv] x[c,u+du,v+dv]) + b[i]: the operator with its weights tied."""
    into, limits, pending = [], [n.channel_limit], []
    for i, axis in enumerate(n.problem.axes):
        if axis.into is None:
            continue
        site, limit, done = _run(n, i, axis)
        into.append(site)
        limits.append(limit)
        if not done:
            pending.append(i)
    pair = (*n.out, *into)
    reads = [Mod(q, n.grid[i]) if n.wraps(i) else q for q, i in zip(into, input_axes(n), strict=True)]
    term = kernel_at(n, pair) * n.x[(n.c, *reads)]
    condition = locality(n, pending) if pending else sympy.true
    if condition != sympy.true:
        condition = condition.xreplace(dict(zip(n.into, into, strict=True)))
        term = Piecewise((term, condition), (0, True))
    total = Sum(term, *limits)
    right = total + tied_bias(n) if n.problem.bias else total
    return Eq(n.y[(n.i, *n.out)], right, evaluate=False)


def _run(n: Notation, i: int, axis: Axis) -> tuple[sympy.Expr, tuple, bool]:
    """Along one axis: the input site, the summation limits, and whether they already impose the support."""
    q = Symbol(axis.name + "'", integer=True)
    support = n.problem.support
    plain = (q, next(limit for limit in n.site_limits if limit[0] == q))
    if axis.out is None or not axis.translated:
        free = support is None or (support.points is None and n.problem.span(i) is None)
        return plain[0], plain[1], free
    out, into = axis.both
    ratio = out.spacing / into.spacing
    if ratio.denominator == 1:
        return _run_displacement(n, i, axis, int(ratio))
    span = n.problem.span(i)
    if span is None or n.wraps(i):
        return plain[0], plain[1], support is None and n.problem.cut(i) is None
    spacing = number(into.spacing)
    here = q - n.displacement[i] / spacing
    reach = span.radius / spacing
    return q, (q, ceiling(here - reach), floor(here + reach)), number(span.step) == number(axis.mesh)


def _run_displacement(n: Notation, i: int, axis: Axis, ratio: int) -> tuple[sympy.Expr, tuple, bool]:
    p, d = Symbol(axis.name, integer=True), Symbol("d" + axis.name, integer=True)
    support, span, cut = n.problem.support, n.problem.span(i), n.problem.cut(i)
    spacing, gap = axis.both[1].spacing, number(axis.residue)
    if span is not None:
        low, high = ((sign * span.radius - gap) / number(spacing) for sign in (-1, 1))
        step = int(span.step / spacing) if low != high else 1
        start = sympy.S.Zero if step == 1 or (low.is_Integer and low % step == 0) else low
        return ratio * p + start + step * d, (d, (low - start) / step, (high - start) / step), cut is None
    if support is not None and support.points is not None:
        values = support.values(i) or ()
        low, high = (number((v - axis.residue) / spacing) for v in (values[0], values[-1]))
        return ratio * p + d, (d, low, high), False
    if n.wraps(i):
        return ratio * p + d, (d, 0, n.grid[i] - 1), True
    if cut is not None:
        ends, begins = (side.size - 1 for side in cut.both)
        return ratio * p + d, (d, -ratio * ends, begins), cut.phases == 1
    return ratio * p + d, (d, -sympy.oo, sympy.oo), True
