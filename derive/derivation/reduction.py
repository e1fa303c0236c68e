"""From constraints on A to constraints on the kernel: translations are used up, the point group remains.

K[g d] rho_x(g) = rho_y(g) K[d]        b[g r] = rho_y(g) b[r]
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy import Eq, Piecewise, Tuple

from derive.derivation.block import Block, Mover
from derive.derivation.chain import Move
from derive.derivation.invariance import tied, tied_bias

State = tuple[sympy.Basic, ...]


def reduction(block: Block, state: State) -> Iterator[Move]:
    """The moves from one constraint per generator to constraints on K (or on A, with nothing translated)."""
    operator, *constraints = state
    each = 1 + block.biased
    if block.tied:
        constraints = constraints[each:]
        reached = _reached(block)
        yield (
            "choose s to reach a representative",
            Tuple(operator, *reached, *constraints),
            "Smith normal form of the translations gives the invariants of a pair; "
            + _chosen(block)
            + " carries every pair to the representative of its class",
        )
        named = _named(block)
        yield (
            "name the kernel",
            Tuple(operator, *named, *reached[1:], *constraints),
            "K is the weight of the representative: it depends on the class of the pair alone",
        )
        bias = _bias_named(block) if block.biased else ()
        if block.biased:
            yield (
                "tie the bias",
                Tuple(operator, *named, *bias, *constraints),
                "the bias obeys the same constraint: one entry per class of output sites",
            )
        state = (operator, *named, *bias)
        for mover in block.movers[1:]:
            constraints = constraints[each:]
            state = (*state, *_on_kernel(block, mover))
            yield (
                f"act on the kernel by {mover.name}",
                Tuple(*state, *constraints),
                f"the constraint at the representative, which {mover.name} takes to another class",
            )
    if block.condition != sympy.true:
        state = (state[0], _local(block), *state[2 if block.tied else 1 :])
        yield (
            "impose locality",
            Tuple(*state),
            "weights outside the support are zero; every generator carries the support to itself",
        )


def _reached(block: Block) -> tuple[Eq, ...]:
    n, quotient, bias = block.n, block.problem.quotient, block.problem.bias_quotient
    alpha, beta = block.output.index, block.input.index
    p = quotient.representative(quotient.phase_of(n.pair), quotient.displacement_of(n.pair))
    cut = len(n.out)
    found = [
        Eq(
            block.weight(alpha, n.out, beta, n.into),
            block.weight(alpha, p[:cut], beta, p[cut:]),
            evaluate=False,
        )
    ]
    if block.biased:
        at = bias.representative(bias.phase_of(n.out), bias.displacement_of(n.out))
        found.append(Eq(block.bias(alpha, n.out), block.bias(alpha, at), evaluate=False))
    return tuple(found)


def _chosen(block: Block) -> str:
    steps = zip(block.n.shifts, block.problem.quotient.translation(block.n.pair), strict=True)
    return ", ".join(f"{s} = {sympy.sstr(-t)}" for s, t in steps)


def _named(block: Block) -> tuple[Eq, Eq]:
    n, alpha, beta = block.n, block.output.index, block.input.index
    out, into = block.representative(block.names)
    at = block.class_of(n.out, n.into)
    return (
        Eq(block.weight(alpha, n.out, beta, n.into), block.kernel(alpha, beta, at), evaluate=False),
        Eq(block.kernel(alpha, beta, block.names), block.weight(alpha, out, beta, into), evaluate=False),
    )


def _bias_named(block: Block) -> tuple[Eq, Eq]:
    n, alpha = block.n, block.output.index
    at = block.bias_class_of(n.out)
    return (
        Eq(block.bias(alpha, n.out), block.bias(alpha, at), evaluate=False),
        Eq(
            block.bias(alpha, block.bias_names),
            block.bias(alpha, block.bias_representative(block.bias_names)),
            evaluate=False,
        ),
    )


def _on_kernel(block: Block, mover: Mover) -> tuple[Eq, ...]:
    out, into = block.representative(block.names)
    put = dict(zip((*block.n.out, *block.n.into), (*out, *into), strict=True))
    moved = [tuple(sympy.expand(e.xreplace(put)) for e in sites) for sites in (mover.out, mover.into)]
    there = block.class_of(*moved)
    found = [
        tied(
            block,
            mover,
            lambda alpha, beta: block.kernel(alpha, beta, there),
            lambda alpha, beta: block.kernel(alpha, beta, block.names),
        )
    ]
    if block.biased:
        at = dict(zip(block.n.out, block.bias_representative(block.bias_names), strict=True))
        goes = block.bias_class_of(tuple(sympy.expand(e.xreplace(at)) for e in mover.out))
        found.append(
            tied_bias(
                block,
                mover,
                lambda alpha: block.bias(alpha, goes),
                lambda alpha: block.bias(alpha, block.bias_names),
            )
        )
    return tuple(found)


def _local(block: Block) -> Eq:
    n, alpha, beta = block.n, block.output.index, block.input.index
    left = block.weight(alpha, n.out, beta, n.into)
    inside = block.kernel(alpha, beta, block.class_of(n.out, n.into)) if block.tied else left
    return Eq(left, Piecewise((inside, block.condition), (0, True)), evaluate=False)
