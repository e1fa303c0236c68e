"""From the constraint to the layer: representative, kernel, locality, bias, layer, count."""

from __future__ import annotations

import sympy
from sympy import Eq, Piecewise, Symbol, Tuple

from derive.equation.equivariance import locality
from derive.equation.kernel import bias_order, coordinate_symbols, form, kernel_at, tied_bias
from derive.equation.layer import layer
from derive.equation.operator import Notation
from derive.methods.classes import Axis, Classes
from derive.steps import Step

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
    names = coordinate_symbols(n, quotient, n.pair)
    phases = len(quotient.phases)
    p = quotient.representative(names[:phases], names[phases:])
    definition = Eq(n.K[(n.i, n.c, *names)], n.weight(p[: len(n.out)], p[len(n.out) :]), evaluate=False)
    parts = [form(n), definition]
    because = "K is the weight of the representative: it depends on the class of the pair alone"
    return Step("name the kernel", before, Tuple(*parts, *before[1:]), because)


def _localise(n: Notation, before: Tuple) -> Step:
    inside = Piecewise((kernel_at(n, n.pair), locality(n)), (0, True))
    parts = [Eq(n.weight(n.out, n.into), inside, evaluate=False)]
    if n.problem.bias:
        parts.append(before[2])
    because = (
        "weights outside the support are zero; the support is the same at every site, so the form survives"
    )
    return Step("impose locality", before, Tuple(*parts), because)


def _tie_bias(n: Notation, before: Tuple) -> Step:
    quotient = n.problem.bias_quotient
    names = coordinate_symbols(n, quotient, n.out)
    phases = len(quotient.phases)
    definition = Eq(
        n.b[(n.i, *(names[k] for k in bias_order(quotient)))],
        n.bias(quotient.representative(names[:phases], names[phases:])),
        evaluate=False,
    )
    tied = Eq(n.bias(n.out), tied_bias(n), evaluate=False)
    because = (
        "the bias obeys the same constraint, so it is one number per output channel and class of output sites"
    )
    parts = [before[0], tied] + ([definition] if definition.lhs != definition.rhs else [])
    return Step("tie the bias", before, Tuple(*parts), because)


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
