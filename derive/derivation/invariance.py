"""T(g x) = g T(x) for every generator g in turn: act, re-index by g, compare coefficients.

    A[g p, g q] rho_x(g) = rho_y(g) A[p, q]        b[g p] = rho_y(g) b[p]

Every function makes one state from the one before; a state is the tuple of what has been found so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sympy
from sympy import Eq, Indexed, IndexedBase, Tuple

from derive.derivation.block import Block, Mover, summed
from derive.derivation.chain import Move
from derive.derivation.fibre import Action, Fibre
from derive.derivation.operator import Sites
from derive.derivation.presentation import presentation
from derive.notation import Translation, image

Weight = Callable[[Sites, Sites], sympy.Expr]  # of the components alpha and beta
Bias = Callable[[Sites], sympy.Expr]  # of alpha


def statement(block: Block) -> Tuple:
    """How every generator acts on both fields, by which tables, what generators satisfy, the support."""
    acting = [eq for mover in block.movers for eq in _acting(block, mover)]
    tables = [eq for mover in block.movers for a in (mover.input, mover.output) for eq in a.definitions]
    where = [block.condition] if block.condition != sympy.true else []
    return Tuple(*acting, *tables, *presentation(block.problem.group.point), *block.presumed, *where)


def _acting(block: Block, mover: Mover) -> tuple[Eq, Eq]:
    """(g x)[g beta, g q] = rho_x(g) x[beta, q], and the same for y."""
    x, y, n = block.x, block.y, block.n
    if isinstance(mover.symbol, Translation):  # as it is usually written: read where T_s brought it from
        beta, alpha = block.input.index, block.output.index
        return (
            Eq(
                block.read(mover.of(x), beta, n.into),
                block.read(x, beta, n.shifted("into", -1)),
                evaluate=False,
            ),
            Eq(
                block.output_entry(mover.of(y), alpha, n.out),
                block.output_entry(y, alpha, n.shifted("out", -1)),
                evaluate=False,
            ),
        )
    return (
        _acts(block.input, mover.input, block.read, (n.into, mover.into), (x, mover.of(x))),
        _acts(block.output, mover.output, block.output_entry, (n.out, mover.out), (y, mover.of(y))),
    )


def _acts(
    fibre: Fibre,
    action: Action,
    entry: Callable[[IndexedBase, Sites, Sites], Indexed],
    sites: tuple[Sites, Sites],
    names: tuple[IndexedBase, IndexedBase],
) -> Eq:
    """One side's definition: the image of component beta times its factor, or the sum over a matrix."""
    (here, there), (plain, moved) = sites, names
    left = entry(moved, action.image(fibre.index), there)
    if action.matrix is None:
        return Eq(left, action.factor(fibre.index) * entry(plain, fibre.index, here), evaluate=False)
    term = action.matrix[(*fibre.index, *fibre.other)] * entry(plain, fibre.other, here)
    return Eq(left, summed(term, fibre.limits(fibre.other)), evaluate=False)


def equivariance(block: Block) -> Iterator[Move]:
    """The moves from the statement to one constraint on A and b per generator."""
    n, written = block.n, image(block.x)
    state: tuple[sympy.Basic, ...] = (block.operator(written),)
    yield (
        "write the general linear operator",
        Tuple(*state),
        "a linear map (with a bias) has one weight per pair of an output and an input entry" + _notes(block),
    )
    for mover in block.movers:
        g = mover.name
        acted = _acted(block, mover)
        yield (
            f"act on the input by {g}",
            Tuple(*state, acted),
            f"put {g} {block.x.label} in the place of {block.x.label}" + _derivative(mover),
        )
        reindexed, equation = _reindexed(block, mover), both_sides(block, mover)
        yield (
            f"re-index by {g}",
            Tuple(*state, reindexed),
            f"{g} permutes the entries that are summed over, and outputs are read where {g} takes them"
            if not mover.infinitesimal
            else f"{g} {block.x.label} is written out",
        )
        yield (
            f"act on the output by {g}",
            Tuple(*state, equation),
            f"equivariance asks that this is {g} {written.label}, read at the same place",
        )
        state = (*state, *constraint(block, mover, (n.out, n.into)))
        yield (
            f"compare coefficients under {g}",
            Tuple(*state),
            f"{block.x.label} is arbitrary, so the coefficients of each of its entries agree"
            + (", and so do the constants" if block.biased else "")
            + ("; s is every translation" if isinstance(mover.symbol, Translation) else ""),
        )


def both_sides(block: Block, mover: Mover) -> Eq:
    """T(g x) = g T(x), both sides written out and read where g takes the output."""
    return Eq(_reindexed(block, mover).rhs, _output_side(block, mover), evaluate=False)


def written_equation(block: Block, mover: Mover) -> Eq:
    """T(g x) = g T(x) at one output; for translations T(T_s x)[p] = (T_s T(x))[p], the site as it is."""
    if not isinstance(mover.symbol, Translation):
        return both_sides(block, mover)
    n, alpha, beta = block.n, block.output.index, block.input.index
    back, source = n.shifted("out", -1), n.shifted("into", -1)
    acted = summed(block.weight(alpha, n.out, beta, n.into) * block.read(block.x, beta, source), block.limits)
    image = summed(block.weight(alpha, back, beta, n.into) * block.read(block.x, beta, n.into), block.limits)
    return Eq(
        _plus(block, mover, acted, alpha, n.out), _plus(block, mover, image, alpha, back), evaluate=False
    )


def _notes(block: Block) -> str:
    notes = []
    if block.reads_modulo:
        notes.append(f"; sites along {', '.join(block.reads_modulo)} are read modulo the grid")
    if block.ends:
        notes.append(
            f"; a field is 0 outside its window along {', '.join(block.ends)}, so its sites are read as Z: "
            "what is equivariant on the window is so on Z, with weights where a pair or a translate of it "
            "lies in the window"
        )
    return "".join(notes)


def _derivative(mover: Mover) -> str:
    return "; L is the derivative along exp(t X), so that constants drop out" * mover.infinitesimal


def _acted(block: Block, mover: Mover) -> Eq:
    n, alpha, beta = block.n, block.output.index, block.input.index
    term = block.weight(alpha, n.out, beta, n.into) * block.read(mover.of(block.x), beta, n.into)
    return Eq(
        block.output_entry(image(mover.of(block.x)), alpha, n.out),
        _plus(block, mover, summed(term, block.limits), alpha, n.out),
        evaluate=False,
    )


def _reindexed(block: Block, mover: Mover) -> Eq:
    n, beta = block.n, block.input.index
    alpha = mover.output.image(block.output.index)
    if mover.input.matrix is None:
        weight = block.weight(alpha, mover.out, mover.input.image(beta), mover.into)
        term = weight * mover.input.factor(beta) * block.read(block.x, beta, n.into)
        limits = block.limits
    else:
        weight = block.weight(alpha, mover.out, beta, mover.into)
        other = block.input.other
        term = weight * mover.input.matrix[(*beta, *other)] * block.read(block.x, other, n.into)
        limits = (
            *block.copy_limits,
            *block.input.limits(beta),
            *block.input.limits(other),
            *block.site_limits,
        )
    return Eq(
        block.output_entry(image(mover.of(block.x)), alpha, mover.out),
        _plus(block, mover, summed(term, limits), alpha, mover.out),
        evaluate=False,
    )


def _plus(block: Block, mover: Mover, total: sympy.Expr, alpha: Sites, out: Sites) -> sympy.Expr:
    return total + block.bias(alpha, out) if block.biased and not mover.infinitesimal else total


def _output_side(block: Block, mover: Mover) -> sympy.Expr:
    """g T(x), read where g takes the output entry."""
    n, alpha, beta = block.n, block.output.index, block.input.index
    read = block.read(block.x, beta, n.into)
    if mover.output.matrix is None:
        factor = mover.output.factor(alpha)
        total = summed(factor * block.weight(alpha, n.out, beta, n.into) * read, block.limits)
        return total + factor * block.bias(alpha, n.out) if block.biased else total
    other = block.output.other
    table, limits = mover.output.matrix[(*alpha, *other)], block.output.limits(other)
    total = summed(table * block.weight(other, n.out, beta, n.into) * read, (*limits, *block.limits))
    return total + summed(table * block.bias(other, n.out), limits) if block.biased else total


def constraint(block: Block, mover: Mover, pair: tuple[Sites, Sites]) -> tuple[Eq, ...]:
    """A[g p, g q] rho_x(g) = rho_y(g) A[p, q] and b[g p] = rho_y(g) b[p], entry by entry."""
    out, into = pair
    put = dict(zip((*block.n.out, *block.n.into), (*out, *into), strict=True))
    there = tuple(tuple(e.xreplace(put) for e in sites) for sites in (mover.out, mover.into))
    found = [
        tied(
            block,
            mover,
            lambda alpha, beta: block.weight(alpha, there[0], beta, there[1]),
            lambda alpha, beta: block.weight(alpha, out, beta, into),
        )
    ]
    if block.biased:
        found.append(
            tied_bias(
                block, mover, lambda alpha: block.bias(alpha, there[0]), lambda alpha: block.bias(alpha, out)
            )
        )
    return tuple(found)


def tied(block: Block, mover: Mover, there: Weight, here: Weight) -> Eq:
    """there(g alpha, g beta) rho_x = rho_y here(alpha, beta), for entries given by their components."""
    beta, moved = block.input.index, mover.output.image(block.output.index)
    if mover.input.matrix is None:
        left = mover.input.factor(beta) * there(moved, mover.input.image(beta))
    else:
        other = block.input.other
        left = summed(there(moved, other) * mover.input.matrix[(*other, *beta)], block.input.limits(other))
    return Eq(left, _mixed(block, mover, lambda alpha: here(alpha, beta)), evaluate=False)


def tied_bias(block: Block, mover: Mover, there: Bias, here: Bias) -> Eq:
    """there(g alpha) = rho_y here(alpha); for a Lie algebra 0 = rho_y here(alpha)."""
    left = sympy.S.Zero if mover.infinitesimal else there(mover.output.image(block.output.index))
    return Eq(left, _mixed(block, mover, here), evaluate=False)


def _mixed(block: Block, mover: Mover, here: Bias) -> sympy.Expr:
    alpha = block.output.index
    if mover.output.matrix is None:
        return mover.output.factor(alpha) * here(alpha)
    other = block.output.other
    return summed(mover.output.matrix[(*alpha, *other)] * here(other), block.output.limits(other))
