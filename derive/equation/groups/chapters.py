"""The whole derivation for any group: one chapter per pair of blocks of the two fields.

A linear map between direct sums is one map per pair of blocks, and each is equivariant on its own; copies
of a piece are indices, not chapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import sympy
from sympy import Eq, Tuple

from derive.equation.chain import Move
from derive.equation.groups.block import Block, replaced
from derive.equation.groups.fibre import Fibre
from derive.equation.groups.invariance import constraint, equivariance, statement
from derive.equation.groups.listing import Count, listing
from derive.equation.groups.reduction import reduction
from derive.equation.operator import Notation
from derive.equation.problem import Problem
from derive.equation.tying import BIAS_DIM, DIM
from derive.errors import DerivationError
from derive.steps import Derivation, Step
from derive.symmetry.fields import Field
from derive.symmetry.pieces import Piece
from derive.symmetry.representations import Representation, from_blocks
from derive.symmetry.sizes import number
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.support import Region, Span


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


def derive_maps(x: Representation, y: Representation, bias: bool) -> Derivation:
    """The derivation for two representations: fields over no lattice."""
    space = SpaceGroup(x.group, (), ())
    problem = Problem(Field.off_lattice(space, x), Field.off_lattice(space, y), None, bias)
    return derive_fields(problem, lambda p: (sympy.nan, sympy.nan))  # never asked: nothing has a size


def derive_fields(problem: Problem, count: Count) -> Derivation:
    """The derivation for two fields; `count` counts free weights and biases where sizes are symbols."""
    problem = opened(problem)
    blocks = _blocks(problem)
    steps: list[Step] = []
    if len(blocks) == 1:
        (block,) = blocks
        return _chain(statement(block), block, _moves(block, count))
    given = Tuple(*dict.fromkeys(item for block in blocks for item in statement(block)))
    state: sympy.Basic = given
    totals: list[tuple[sympy.Basic, ...]] = []
    for block in blocks:
        told = statement(block)
        rule = f"take {block.y.label} from {block.x.label}"
        steps.append(Step(rule, state, told, _because(problem, block), block.domains))
        chapter = _chain(told, block, _moves(block, count))
        steps += chapter
        state = steps[-1].after
        totals.append(tuple(state))
    steps.append(_added(state, totals))
    return Derivation(steps)


def constraints(problem: Problem) -> Tuple:
    """A[g p, g q] rho_x(g) = rho_y(g) A[p, q], entry by entry, for translations and every generator."""
    found = []
    for block in _blocks(opened(problem)):
        pair = (block.n.out, block.n.into)
        found += [constraint(block, mover, pair)[0] for mover in block.movers]
    return Tuple(*found)


def _chain(given: sympy.Basic, block: Block, moves: Iterator[Move]) -> Derivation:
    steps: list[Step] = []
    before = given
    for rule, after, because in moves:
        steps.append(Step(rule, before, after, because, () if steps else block.domains))
        before = after
    return Derivation(steps)


def _moves(block: Block, count: Count) -> Iterator[Move]:
    state: tuple[sympy.Basic, ...] = ()
    for move in equivariance(block):
        yield move
        state = tuple(move[1])
    for move in reduction(block, state):
        yield move
        state = tuple(move[1])
    yield from listing(block, state, count)


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


def _blocks(problem: Problem) -> list[Block]:
    n = Notation(problem)
    rows, columns = _parts(problem.y, str(n.y.label)), _parts(problem.x, str(n.x.label))
    return [
        Block(
            Problem(
                _field(problem.x, column), _field(problem.y, row), problem.support, problem.bias and not k
            ),
            Fibre(row.piece, "y", row.name),
            Fibre(column.piece, "x", column.name),
            row.copies,
            column.copies,
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
    return replaced(field, from_blocks(field.group.point, [(part.copies, part.piece)]), part.name)


def opened(problem: Problem) -> Problem:
    """Windows with a zero border read as Z: what meets the window, and its images, is the support."""
    zero = [i for i in problem.translated if problem.axes[i].boundary == "zero"]
    if not zero:
        return problem
    fields = [_without_window(field, zero) for field in (problem.x, problem.y)]
    sizes = [side.size for i in zero for side in problem.axes[i].sides]
    if problem.support is not None and (problem.support.symbolic or any(n.free_symbols for n in sizes)):
        return Problem(fields[0], fields[1], problem.support, problem.bias)  # it fits: that is presumed
    table = problem.classes.listing()
    points = _closure(problem, {tuple(_displacement(problem, row)) for row in table})
    found = Problem(fields[0], fields[1], _region(sorted(points)), problem.bias)
    if problem.quotient.index > 1 and found.classes.count() != problem.classes.count():
        raise DerivationError(
            "derivation",
            "is not written out for a window that cuts single phases off",
            problem.x,
            "make the window a whole number of periods",
        )
    return found


def _closure(problem: Problem, points: set[tuple[Fraction, ...]]) -> set[tuple[Fraction, ...]]:
    """The displacements with all their images under the point group."""
    matrices = [problem.group.motions[g].matrix for g in problem.group.point.generators]
    frontier = points
    while frontier:
        images = {
            tuple(sum((k * x for k, x in zip(row, d, strict=True)), Fraction(0)) for row in matrix)
            for matrix in matrices
            for d in frontier
        }
        frontier = images - points
        points = points | frontier
    return points


def _region(points: list[tuple[Fraction, ...]]) -> Region:
    """The displacements as a box in unit steps, where they fill one."""
    spans = tuple(Span(number(max(abs(p[k]) for p in points))) for k in range(len(points[0])))
    filled = prod(int(span.count) for span in spans) == len(points)
    return Region(spans=spans) if filled else Region(points=tuple(points))


def _displacement(problem: Problem, row: Any) -> Any:
    for axis, (p, q, _) in zip(problem.axes, row, strict=True):
        out, into = axis.both
        yield into.spacing * int(q) - out.spacing * int(p) + axis.residue


def _without_window(field: Field, axes: list[int]) -> Field:
    lattice = field.lattice
    if lattice is None:
        return field
    grid = tuple(None if k in axes else n for k, n in enumerate(lattice.grid))
    boundary = tuple(None if k in axes else kind for k, kind in enumerate(lattice.boundary))
    new = replaced(field, field.fibre)
    object.__setattr__(new, "lattice", replace(lattice, grid=grid, boundary=boundary))
    return new
