"""The whole derivation for any group: one chapter per pair of blocks of the two fields.

A linear map between direct sums is one map per pair of blocks, and each is equivariant on its own; copies
of a piece are indices, not chapters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import sympy
from sympy import Eq, Tuple

from derive.derivation.block import Block
from derive.derivation.chain import Move
from derive.derivation.derivation import Derivation
from derive.derivation.fibre import Fibre
from derive.derivation.found import Found
from derive.derivation.invariance import constraint, equivariance, statement, written_equation
from derive.derivation.names import distinct
from derive.derivation.operator import Notation
from derive.derivation.orbits import BIAS_DIM, DIM, listing
from derive.derivation.reduction import reduction
from derive.derivation.windows import opened
from derive.lattice.problem import Problem
from derive.steps import Step
from derive.symmetry.factors import Piece
from derive.symmetry.field import Field
from derive.symmetry.representation import from_blocks


@dataclass(frozen=True)
class Part:
    """One block of a field: copies of one piece, from channel `start` on."""

    name: str
    copies: sympy.Expr
    piece: Piece
    start: sympy.Expr

    def channels(self, of: str) -> str:
        """Which channels of the field these are, in words."""
        last = sympy.expand(self.start + self.copies * self.piece.dim - 1)
        return f"{self.name} are the channels {self.start}..{last} of {of}"


def derive(problem: Problem, weights: Sequence[Found], biases: Sequence[Found]) -> Derivation:
    """The derivation for two fields, printed from what was found for every pair of blocks.

    `weights`: pair by pair, output blocks outermost; `biases`: one for each output block.
    """
    blocks = _blocks(problem)
    columns = len(problem.x.fibre.blocks)
    found = [(weights[k], biases[k // columns] if block.biased else None) for k, block in enumerate(blocks)]
    steps: list[Step] = []
    if len(blocks) == 1:
        (block,) = blocks
        return _chain(statement(block), block, _moves(block, *found[0]))
    given = Tuple(*dict.fromkeys(item for block in blocks for item in statement(block)))
    state: sympy.Basic = given
    totals: list[tuple[sympy.Basic, ...]] = []
    for block, answers in zip(blocks, found, strict=True):
        given_here = statement(block)
        rule = f"take {block.y.label} from {block.x.label}"
        steps.append(Step(rule, state, given_here, _because(problem, block), block.domains))
        chapter = _chain(given_here, block, _moves(block, *answers))
        steps += chapter
        state = steps[-1].after
        totals.append(tuple(state))
    steps.append(_added(state, totals))
    return Derivation(steps)


def constraints(problem: Problem) -> tuple[Eq, ...]:
    """A[g p, g q] rho_x(g) = rho_y(g) A[p, q], entry by entry, for translations and every generator."""
    blocks = _blocks(problem)
    found = [
        constraint(block, mover, (block.n.out, block.n.into))[0] for block in blocks for mover in block.movers
    ]
    return tuple(found) or tuple(_nothing(block.general) for block in blocks)


def equations(problem: Problem) -> tuple[Eq, ...]:
    """T(g x) = g T(x), both sides written out as sums, for translations and every generator."""
    blocks = _blocks(problem)
    found = [written_equation(block, mover) for block in blocks for mover in block.movers]
    return tuple(found) or tuple(_nothing(block.operator(block.y).rhs) for block in blocks)


def _nothing(side: sympy.Expr) -> Eq:
    """What holds where nothing moves."""
    return Eq(side, side, evaluate=False)


def _chain(given: sympy.Basic, block: Block, moves: Iterator[Move]) -> Derivation:
    steps: list[Step] = []
    before = given
    for rule, after, because in moves:
        steps.append(Step(rule, before, after, because, () if steps else block.domains))
        before = after
    return Derivation(steps)


def _moves(block: Block, weights: Found, biases: Found | None) -> Iterator[Move]:
    state: tuple[sympy.Basic, ...] = ()
    for move in equivariance(block):
        yield move
        state = tuple(move[1])
    for move in reduction(block, state):
        yield move
        state = tuple(move[1])
    yield from listing(block, state, weights, biases)


def _because(problem: Problem, block: Block) -> str:
    n = Notation(problem)
    where = [
        part.channels(whole)
        for field, whole, name in ((problem.y, str(n.y.label), block.y), (problem.x, str(n.x.label), block.x))
        for part in _parts(field, whole)
        if part.name == str(name.label) != whole
    ]
    return "each pair of blocks of the two fields has a map of its own; " + " and ".join(where)


def _added(state: sympy.Basic, totals: list[tuple[sympy.Basic, ...]]) -> Step:
    sums = []
    for name in (DIM, BIAS_DIM):
        parts = [eq.rhs for total in totals for eq in total if eq.lhs == name]
        if parts:
            sums.append(Eq(name, sympy.Add(*parts, evaluate=False), evaluate=False))
    return Step("add up the blocks", state, Tuple(*sums), "every pair of blocks has its own weights")


def _blocks(given: Problem) -> list[Block]:
    """Every pair of blocks as it is printed: windows read as Z, no generator called like anything else."""
    blocks = _named_blocks(given)
    return _named_blocks(distinct(given, blocks))


def _named_blocks(given: Problem) -> list[Block]:
    presumed, problem = given.classes.assumptions(), opened(given)
    ends = tuple(given.axes[i].name for i in given.translated if given.axes[i].boundary == "zero")
    n = Notation(problem)
    rows, columns = _parts(problem.y, str(n.y.label)), _parts(problem.x, str(n.x.label))
    return [
        Block(
            replace(
                problem,
                x=_field(problem.x, column),
                y=_field(problem.y, row),
                bias=problem.bias and not k,
            ),
            Fibre(row.piece, "y", row.name),
            Fibre(column.piece, "x", column.name),
            row.copies,
            column.copies,
            presumed,
            ends,
        )
        for row in rows
        for k, column in enumerate(columns)
    ]


def _parts(field: Field, name: str) -> list[Part]:
    blocks = field.fibre.blocks
    found, start = [], sympy.S.Zero
    for k, (copies, piece) in enumerate(blocks, 1):
        copies = sympy.sympify(copies)
        found.append(Part(name if len(blocks) == 1 else f"{name}_{k}", copies, piece, start))
        start = start + copies * piece.dim
    return found


def _field(field: Field, part: Part) -> Field:
    return field.replace(fibre=from_blocks(field.group.point, [(part.copies, part.piece)]), name=part.name)
