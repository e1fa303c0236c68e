"""The last steps: every entry tied to a free one by a word in the generators, zeros, layer, count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence

import sympy
from sympy import Add, Eq, Mul, Symbol, Tuple

from derive.derivation.block import Block
from derive.derivation.chain import Move
from derive.derivation.fixed import carried_orbits
from derive.derivation.found import Found
from derive.derivation.presentation import word
from derive.derivation.reduction import State
from derive.derivation.unknown import Unknown, bias_entries, weight_entries
from derive.derivation.witnesses import coefficient, signed_orbits

DIM, BIAS_DIM = Symbol("dim"), Symbol("bias_dim")
Listed = tuple[State, sympy.Expr]


def listing(block: Block, state: State, weights: Found, biases: Found | None) -> Iterator[Move]:
    """The moves from constraints on the kernel to the layer and the count, as they were found."""
    totals = []
    listed = all(found is None or found.orbits is not None for found in (weights, biases))
    for found, bias in ((weights, False), (biases, True)):
        if found is None:
            continue
        total = sympy.sympify(found.total)
        if listed and block.problem.group.point.generators:
            unknown = bias_entries(block, found) if bias else weight_entries(block, found)
            state, total = yield from (_by_entries if unknown.monomial else _by_matrices)(unknown, state)
        copies = block.copies_out * (1 if bias else block.copies_in)
        totals.append(Eq(BIAS_DIM if bias else DIM, _times(copies, total), evaluate=False))
    vanishing = biases is not None and biases.total == 0
    state = (block.layer_with(not vanishing), *state[1:])
    yield "write the layer", Tuple(*state), _layered(block) + "; the bias is 0" * vanishing
    yield "count", Tuple(*totals), _counted(block, weights, listed)


def _layered(block: Block) -> str:
    """Why this is the layer."""
    if not block.tied:
        return "the operator again: its weights are now known"
    return (
        "put the tied weights into the general operator; sum over displacements where they fix the input site"
    )


def _counted(block: Block, weights: Found, listed: bool) -> str:
    """Why these are the free numbers."""
    if weights.total is sympy.oo:
        return "one free number per class of pairs: they have no end"
    if not block.problem.group.point.generators:
        return "one free number per class of pairs and pair of channels"
    if not listed:
        return "the average over the point group of characters times fixed classes"
    each = ", and per pair of copies" if block.copies_out * block.copies_in != 1 else ""
    return "one free number per orbit that is not forced to zero" + each


def _by_entries(unknown: Unknown, state: State) -> Generator[Move, None, Listed]:
    """Every entry is a phase times the first one of its orbit."""
    orbits = signed_orbits(unknown)
    rows = tuple(
        Tuple(
            word(letters),
            Eq(unknown.entry(at), coefficient(turn) * unknown.entry(orbit.members[0][0]), evaluate=False),
        )
        for orbit in orbits
        for at, letters, turn in orbit.members
    )
    state = (*state, *rows)
    yield (
        f"list the orbits of {unknown.label}",
        Tuple(*state),
        "apply the constraints letter by letter, the last one first: each word takes the representative on "
        "the right to the entry on the left",
    )
    zeros = []
    for orbit in orbits:
        if orbit.returns is not None:
            first, (letters, turn) = unknown.entry(orbit.members[0][0]), orbit.returns
            zeros.append(
                Tuple(word(letters), Eq(first, coefficient(turn) * first, evaluate=False), Eq(first, 0))
            )
    if zeros:
        state = (*state, *zeros)
        yield (
            f"find the zeros of {unknown.label}",
            Tuple(*state),
            "each word brings the entry back with another phase, so it is zero, and its whole orbit with it",
        )
    return state, sympy.Integer(sum(orbit.returns is None for orbit in orbits))


def _by_matrices(unknown: Unknown, state: State) -> Generator[Move, None, Listed]:
    """Where components mix: the maps that a stabiliser fixes, carried along the orbit."""
    orbits = carried_orbits(unknown)
    solved = tuple(
        Tuple(
            *map(word, orbit.fixing),
            Eq(unknown.matrix(orbit.members[0][0]), orbit.members[0][2], evaluate=False),
        )
        for orbit in orbits
    )
    state = (*state, *solved)
    yield (
        f"solve at the representatives of {unknown.label}",
        Tuple(*state),
        "the words on the left bring a representative back to itself, so its matrix commutes with them; this "
        "is the general one that does",
    )
    carried = tuple(
        Tuple(word(letters), Eq(unknown.matrix(at), matrix, evaluate=False))
        for orbit in orbits
        for at, letters, matrix in orbit.members[1:]
    )
    if carried:
        state = (*state, *carried)
        yield (
            f"carry along the orbits of {unknown.label}",
            Tuple(*state),
            "each word takes the representative of an orbit to the class on the left",
        )
    dims = Counter(orbit.dim for orbit in orbits if orbit.dim)
    return state, _sum_of([_product(many, n) for n, many in sorted(dims.items())])


def _product(many: int, n: int) -> sympy.Expr:
    """So many orbits with n weights each, not multiplied."""
    return sympy.Integer(many * n) if 1 in (many, n) else Mul(many, n, evaluate=False)


def _sum_of(terms: Sequence[sympy.Expr]) -> sympy.Expr:
    """The sum as it stands, not added up."""
    return terms[0] if len(terms) == 1 else Add(*terms, evaluate=False) if terms else sympy.S.Zero


def _times(copies: sympy.Expr, total: sympy.Expr) -> sympy.Expr:
    """Copies times a sum that stands as it is."""
    if total is sympy.oo:
        return total
    if not isinstance(total, Add) or copies == 1:
        return total if copies == 1 else copies * total
    return Mul(*Mul.make_args(copies), total, evaluate=False)
