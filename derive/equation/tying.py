"""From the constraint to the layer: reach a representative, name the kernel, impose locality, tie the bias, count."""

from __future__ import annotations

import sympy
from sympy import Eq, Indexed, Mod, Piecewise, Sum, Symbol, Tuple, ceiling, floor

from derive.equation.equivariance import locality
from derive.equation.operator import Notation
from derive.methods.classes import Axis, Classes
from derive.methods.elimination import Coordinate, Quotient
from derive.steps import Step
from derive.symmetry.sizes import number

DIM, BIAS_DIM = Symbol("dim"), Symbol("bias_dim")


def tying_steps(n: Notation, constraint: Tuple) -> list[Step]:
    """Everything after the constraint, in the order it is derived."""
    stages = [_reach, _name]
    stages += [_localise] if n.problem.support is not None else []
    stages += [_tie_bias] if n.problem.bias else []
    stages += [_write_layer, _count]
    stages += [_evaluate] if n.values else []
    steps: list[Step] = []
    before: sympy.Basic = constraint
    for stage in stages:
        steps.append(stage(n, before))
        before = steps[-1].after
    return steps


def form(n: Notation) -> Eq:
    """A[i,u,v,c,u',v'] = K[i,c,...]: the weight of a pair is a function of its class."""
    return Eq(n.weight(n.out, n.into), _kernel(n, n.pair), evaluate=False)


def _kernel(n: Notation, pair: tuple[sympy.Expr, ...]) -> Indexed:
    quotient = n.problem.quotient
    return n.K[(n.i, n.c, *quotient.phase_of(pair), *_displacement(n, pair))]


def _displacement(n: Notation, pair: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
    """The displacement coordinates, reduced modulo periodic grids."""
    values = []
    for coordinate in n.problem.quotient.free:
        value, modulus = coordinate(pair), _modulus(n, coordinate)
        values.append(value if modulus is None else Mod(value, modulus))
    return tuple(values)


def _modulus(n: Notation, coordinate: Coordinate) -> sympy.Expr | None:
    outputs = len(n.out)
    for place, (i, k) in enumerate(zip(_input_axes(n), coordinate.row[outputs:], strict=True)):
        if k and n.wraps(i) and any(coordinate.row[:outputs]):
            return abs(coordinate.row[outputs + place]) * n.grid[i]
    return None


def _input_axes(n: Notation) -> list[int]:
    return [i for i, axis in enumerate(n.problem.axes) if axis.into is not None]


def _coordinate_symbols(n: Notation, quotient: Quotient, pair: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    """r_u for phases, du for displacements; a coordinate that is one site keeps that site's letter."""
    names = []
    for coordinate in (*quotient.phases, *quotient.free):
        used = [pair[j] for j, k in enumerate(coordinate.row) if k]
        letter = used[0].name.rstrip("'")
        single = len(used) == 1 and not coordinate.modulus
        names.append(
            used[0] if single else Symbol(f"r_{letter}" if coordinate.modulus else f"d{letter}", integer=True)
        )
    return tuple(names)


def _reach(n: Notation, constraint: Tuple) -> Step:
    quotient, bias = n.problem.quotient, n.problem.bias_quotient
    p = quotient.representative(quotient.phase_of(n.pair), quotient.displacement_of(n.pair))
    parts = [Eq(n.weight(n.out, n.into), n.weight(p[: len(n.out)], p[len(n.out) :]), evaluate=False)]
    if n.problem.bias:
        at = bias.representative(bias.phase_of(n.out), bias.displacement_of(n.out))
        parts.append(Eq(n.bias(n.out), n.bias(at), evaluate=False))
    chosen = ", ".join(
        f"{s} = {sympy.sstr(-t)}" for s, t in zip(n.shifts, quotient.translation(n.pair), strict=True)
    )
    return Step(
        "choose s to reach a representative",
        constraint,
        Tuple(*parts),
        f"Smith normal form of the translations gives the invariants of a pair; {chosen or 'nothing moves'} "
        "carries every pair to the representative of its class",
    )


def _name(n: Notation, before: Tuple) -> Step:
    quotient = n.problem.quotient
    names = _coordinate_symbols(n, quotient, n.pair)
    phases = len(quotient.phases)
    p = quotient.representative(names[:phases], names[phases:])
    definition = Eq(n.K[(n.i, n.c, *names)], n.weight(p[: len(n.out)], p[len(n.out) :]), evaluate=False)
    parts = [form(n), definition]
    because = "K is the weight of the representative: it depends on the class of the pair alone"
    return Step("name the kernel", before, Tuple(*parts, *before[1:]), because)


def _localise(n: Notation, before: Tuple) -> Step:
    inside = Piecewise((_kernel(n, n.pair), locality(n)), (0, True))
    parts = [Eq(n.weight(n.out, n.into), inside, evaluate=False)]
    if n.problem.bias:
        parts.append(before[2])
    because = (
        "weights outside the support are zero; the support is the same at every site, so the form survives"
    )
    return Step("impose locality", before, Tuple(*parts), because)


def _tie_bias(n: Notation, before: Tuple) -> Step:
    quotient = n.problem.bias_quotient
    names = _coordinate_symbols(n, quotient, n.out)
    phases = len(quotient.phases)
    definition = Eq(
        n.b[(n.i, *names)], n.bias(quotient.representative(names[:phases], names[phases:])), evaluate=False
    )
    tied = Eq(n.bias(n.out), tied_bias(n), evaluate=False)
    because = (
        "the bias obeys the same constraint, so it is one number per output channel and class of output sites"
    )
    parts = [before[0], tied] + ([definition] if definition.lhs != definition.rhs else [])
    return Step("tie the bias", before, Tuple(*parts), because)


def tied_bias(n: Notation) -> Indexed:
    quotient = n.problem.bias_quotient
    return n.b[(n.i, *quotient.phase_of(n.out), *quotient.displacement_of(n.out))]


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
    reads = [Mod(q, n.grid[i]) if n.wraps(i) else q for q, i in zip(into, _input_axes(n), strict=True)]
    term = _kernel(n, pair) * n.x[(n.c, *reads)]
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
        free = support is None or (support.spans is not None and support.spans[i] is None)
        return plain[0], plain[1], free
    ratio = axis.out.spacing / axis.into.spacing  # type: ignore[union-attr]
    if ratio.denominator == 1:
        return _run_displacement(n, i, axis, int(ratio))
    span = support.spans[i] if support is not None and support.spans is not None else None
    if span is None or n.wraps(i):
        return plain[0], plain[1], support is None
    spacing = number(axis.into.spacing)  # type: ignore[union-attr]
    here = q - n.displacement[i] / spacing
    reach = span.radius / spacing
    return q, (q, ceiling(here - reach), floor(here + reach)), number(span.step) == number(axis.mesh)


def _run_displacement(n: Notation, i: int, axis: Axis, ratio: int) -> tuple[sympy.Expr, tuple, bool]:
    p, d = Symbol(axis.name, integer=True), Symbol("d" + axis.name, integer=True)
    support = n.problem.support
    spacing, gap = axis.into.spacing, number(axis.residue)  # type: ignore[union-attr]
    if support is not None and support.spans is not None and support.spans[i] is not None:
        span = support.spans[i]
        low, high = ((sign * span.radius - gap) / number(spacing) for sign in (-1, 1))
        step = int(span.step / spacing) if low != high else 1
        start = sympy.S.Zero if step == 1 or (low.is_Integer and low % step == 0) else low
        return ratio * p + start + step * d, (d, (low - start) / step, (high - start) / step), True
    if support is not None and support.points is not None:
        values = support.values(i) or ()
        low, high = (number((v - axis.residue) / spacing) for v in (values[0], values[-1]))
        return ratio * p + d, (d, low, high), False
    if n.wraps(i):
        return ratio * p + d, (d, 0, n.grid[i] - 1), True
    return ratio * p + d, (d, -sympy.oo, sympy.oo), True


def _write_layer(n: Notation, before: Tuple) -> Step:
    because = (
        "put the tied weights into the general operator; sum over displacements where they fix the input site"
    )
    return Step("write the layer", before, layer(n), because)


def _count(n: Notation, before: Eq) -> Step:
    classes = Classes(n.counted, n.problem.support)
    parts = [Eq(DIM, _times(n.C * n.D, classes.count()), evaluate=False)]
    if n.problem.bias:
        outputs = Classes(tuple(Axis(a.name, a.out, None) for a in n.counted), None)
        parts.append(Eq(BIAS_DIM, _times(n.D, outputs.count()), evaluate=False))
    because = "one free number per class of pairs and pair of channels"
    return Step("count", before, Tuple(*parts), because)


def _times(channels: sympy.Expr, count: sympy.Expr) -> sympy.Expr:
    return count if count is sympy.oo else channels * count


def _evaluate(n: Notation, before: Tuple) -> Step:
    values = sorted(n.values.items(), key=lambda item: item[0].name)
    parts = [Eq(symbol, value, evaluate=False) for symbol, value in values]
    parts += [Eq(part.lhs, part.rhs.subs(n.values), evaluate=False) for part in before]
    return Step("give the sizes their values", before, Tuple(*parts), "nothing had a size until now")
