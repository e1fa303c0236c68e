"""Answers with fibres: free weights by orbit and fibre map, for every pair of pieces and of their copies."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from typing import Any

import numpy as np
import sympy

from derive.answer.embedding import BasisBlock, plain_blocks
from derive.answer.kernel_table import grid_shape, kernel_labels, members, plain_axes, refuse_large
from derive.answer.numbers import require_numbers
from derive.answer.plain import Plain, PlainBlock
from derive.counting.lattice import count_average
from derive.derivation.found import Found
from derive.errors import SymbolicError
from derive.lattice.free import FreeOrbit
from derive.lattice.pair_orbits import OrbitMaps, ProblemOrbits, find_orbits, require_memory
from derive.lattice.problem import Problem
from derive.lattice.row_index import RowIndex
from derive.pickling import Fields
from derive.symmetry.factors import Piece
from derive.symmetry.field import Field
from derive.symmetry.representation import Representation, trivial
from derive.symmetry.words import format_word


@dataclass(frozen=True, eq=False)
class PiecePair:
    """One block of the output and one of the input, with the channels where they begin."""

    output: Piece
    input: Piece
    copies_out: Any
    copies_in: Any
    row: Any
    column: Any


@dataclass(frozen=True)
class LatticeAnswer(Fields):
    """The answer to one problem, block pair by block pair, output blocks outermost."""

    problem: Problem

    @property
    def name(self) -> str:
        """What is mapped to what."""
        return f"{self.problem.x!r} -> {self.problem.y!r}"

    @property
    def _listable(self) -> bool:
        """Whether orbits can be listed: no symbols among the sizes that bound them, and an end."""
        classes = self.problem.classes.opened()
        sizes = [side.size for axis in classes.axes for side in axis.sides if side.size is not None]
        support = self.problem.support
        symbolic = any(n.free_symbols for n in sizes) or (support is not None and support.symbolic)
        return not symbolic and self.problem.classes.count() is not sympy.oo

    @cached_property
    def composition(self) -> ProblemOrbits:
        p = self.problem
        classes = p.classes.opened()
        sizes = [side.size for axis in classes.axes for side in axis.sides if side.size is not None]
        symbols = sorted({str(s) for n in sizes for s in n.free_symbols})
        if symbols or (p.support is not None and p.support.symbolic):
            what = symbols or "a symbolic radius"
            raise SymbolicError("sizes", "must be numbers to list orbits", what, "give numbers")
        return find_orbits(p.group, p.x, p.y, classes)

    @cached_property
    def pairs(self) -> tuple[PiecePair, ...]:
        return tuple(
            PiecePair(output, input_, copies_out, copies_in, row, column)
            for row, copies_out, output in _placed(self.problem.y.fibre)
            for column, copies_in, input_ in _placed(self.problem.x.fibre)
        )

    @cached_property
    def solved(self) -> dict[tuple[Piece, Piece], OrbitMaps]:
        """Every pair of pieces, solved once."""
        kinds = dict.fromkeys((pair.output, pair.input) for pair in self.pairs)
        return {(output, input_): self.composition.between(output, input_) for output, input_ in kinds}

    def of(self, pair: PiecePair) -> OrbitMaps:
        return self.solved[pair.output, pair.input]

    @cached_property
    def weights(self) -> dict[tuple[Piece, Piece], sympy.Expr]:
        """Free weights between two pieces; where sizes are symbols, by a formula."""
        kinds = dict.fromkeys((pair.output, pair.input) for pair in self.pairs)
        return {kind: sympy.sympify(self._weights(*kind)) for kind in kinds}

    def _weights(self, output: Piece, input_: Piece) -> Any:
        count = self.problem.classes.count()
        if count is sympy.oo or not self.problem.group.point.generators:
            return count * output.dim * input_.dim  # every class is an orbit of its own
        if self._listable:
            return self.solved[output, input_].dim
        return count_average(self.problem, output, input_)

    @cached_property
    def dim(self) -> sympy.Expr:
        """The number of free weights."""
        if self.problem.classes.count() is sympy.oo:
            return sympy.oo
        return sympy.Add(*(self.weights[p.output, p.input] * p.copies_in * p.copies_out for p in self.pairs))

    @property
    def found(self) -> tuple[Found, ...]:
        """What a derivation prints of every pair of blocks."""
        count = sympy.sympify(self.problem.classes.count())
        return tuple(
            Found(
                self.weights[pair.output, pair.input],
                count,
                partial(self._orbits, pair) if self._listable else None,
            )
            for pair in self.pairs
        )

    def _orbits(self, pair: PiecePair) -> list[FreeOrbit]:
        return list(self.of(pair).free_orbits())

    @cached_property
    def _starts(self) -> list[int]:
        require_numbers(self.problem)
        return [0, *accumulate(int(self.of(p).dim * p.copies_in * p.copies_out) for p in self.pairs)]

    @property
    def listed_dim(self) -> int:
        """How many basis elements are listed."""
        return self._starts[-1]

    def place(self, k: int) -> tuple[PiecePair, int, int, int]:
        """Basis element k as (block pair, weight, input copy, output copy), the last running fastest."""
        at = bisect_right(self._starts, k) - 1
        pair = self.pairs[at]
        weight, rest = divmod(k - self._starts[at], int(pair.copies_in * pair.copies_out))
        return pair, weight, *divmod(rest, int(pair.copies_out))

    def element(self, k: int) -> LatticeElement:
        """Basis element k."""
        return LatticeElement(self, k)

    @cached_property
    def listed(self) -> Plain:
        """All classes and blocks as NumPy arrays."""
        p = self.problem
        classes = p.classes.opened()
        require_memory(classes.count(), p.group)
        sites = classes.listing()[:, :, :2]
        look = RowIndex(_flat(self.composition.maps.canonical(sites.copy())))
        kinds: dict[tuple[Piece, Piece], PlainBlock] = {}
        for pair in self.pairs:
            if (pair.output, pair.input) not in kinds:
                kinds[pair.output, pair.input] = _block(self.of(pair), pair, look)
        blocks = tuple(_placed_block(kinds[pair.output, pair.input], pair) for pair in self.pairs)
        return Plain(
            axes=plain_axes(p.axes),
            channels_in=int(p.x.channels),
            channels_out=int(p.y.channels),
            out_site=sites[:, :, 0],
            in_site=sites[:, :, 1],
            bias_site=np.zeros((0, len(p.axes)), dtype=int),
            blocks=blocks,
        )

    @property
    def basis_blocks(self) -> list[BasisBlock]:
        """The basis as sparse columns, block by block."""
        return plain_blocks(self.listed)

    def plain(self, bias: Any, description: str) -> Plain:
        """The answer as plain NumPy for lowering, with the sites and blocks of the bias."""
        plain = replace(self.listed, description=description)
        if bias is not None:
            plain = replace(plain, bias_site=bias.listed.out_site, bias_blocks=bias.listed.blocks)
        return replace(plain, blocks=None, bias_blocks=None) if self._is_plain else plain

    @property
    def _is_plain(self) -> bool:
        """Whether translations are all there is, and channels alike."""
        return not self.problem.group.point.generators and all(
            len(field.fibre.blocks) == 1 and field.fibre.blocks[0][1].dim == 1
            for field in (self.problem.x, self.problem.y)
        )

    def why_zero(self) -> str:
        """What fixes every orbit and leaves it no fibre map, orbit by orbit."""
        point = self.problem.group.point
        lines = ["every operator is zero, orbit by orbit of site pairs:"]
        for pair in self.pairs:
            orbits = self.of(pair).orbits
            for kind, stabiliser in enumerate(orbits.stabilisers):
                words = ", ".join(format_word(point.elements.words[e]) for e in stabiliser if e)
                lines.append(
                    f"  {int(orbits.counts[kind])} orbit(s), such as sites {orbits.example(kind)}, fixed by "
                    f"{words or '1'}: no map {pair.input.name} -> {pair.output.name} commutes with them but 0"
                )
        return "\n".join(lines)


def bias_problem(problem: Problem) -> Problem:
    """The bias as a map from the trivial representation."""
    source = Field.off_lattice(problem.group, trivial(problem.group.point))
    return Problem(source, problem.y, None, False)


def _placed(V: Representation) -> list[tuple[Any, Any, Piece]]:
    at: Any = 0
    found = []
    for copies, piece in V.blocks:
        found.append((at, copies, piece))
        at = at + copies * piece.dim
    return found


def _block(solution: OrbitMaps, pair: PiecePair, look: RowIndex) -> PlainBlock:
    """The expansion of one block's free weights into fibre maps of every class, as sparse entries."""
    columns: list[list[np.ndarray]] = [[], [], [], [], []]
    for orbits, pairs, entries in solution.runs():
        site = look.find(pairs.reshape(len(pairs), -1))
        shape = (len(orbits), len(entries.rows))
        keep = np.broadcast_to(site[:, None] >= 0, shape)
        parts = (
            solution.starts[orbits][:, None] + entries.which,
            site[:, None],
            entries.rows,
            entries.columns,
            entries.values,
        )
        for column, part in zip(columns, parts, strict=True):
            column.append(np.broadcast_to(part, shape)[keep])
    join = [np.concatenate(c) if c else np.zeros(0, dtype=np.int64) for c in columns]
    return PlainBlock(
        int(pair.copies_in),
        int(pair.copies_out),
        int(pair.column),
        int(pair.row),
        pair.input.dim,
        pair.output.dim,
        solution.dim,
        *join,
    )


def _placed_block(block: PlainBlock, pair: PiecePair) -> PlainBlock:
    """The same entries for another pair of blocks with these pieces."""
    return replace(
        block,
        copies_in=int(pair.copies_in),
        copies_out=int(pair.copies_out),
        first_in=int(pair.column),
        first_out=int(pair.row),
    )


@dataclass(frozen=True)
class LatticeElement:
    """One free weight set to 1, everything else to 0."""

    answer: LatticeAnswer
    k: int

    def dense(self) -> np.ndarray:
        """The exact operator: (i, *out grid, c, *in grid) on a grid, K[i, c, *displacements] on a lattice."""
        pair, weight, copy_in, copy_out = self.answer.place(self.k)
        solution = self.answer.of(pair)
        pairs, entries, at = solution.element(weight)
        rows = entries.rows + int(pair.row) + copy_out * pair.output.dim
        columns = entries.columns + int(pair.column) + copy_in * pair.input.dim
        return _dense(self.answer.problem, pairs[at], rows, columns, entries.values)

    def __repr__(self) -> str:
        pair, weight, copy_in, copy_out = self.answer.place(self.k)
        return (
            f"BasisElement({pair.input.name} -> {pair.output.name}, {weight}, copies {copy_in}, {copy_out})"
        )


def _dense(
    problem: Problem, pairs: np.ndarray, rows: np.ndarray, columns: np.ndarray, values: np.ndarray
) -> np.ndarray:
    axes = plain_axes(problem.axes)
    kind = values.dtype
    channels = (int(problem.y.channels), int(problem.x.channels))
    sides = [s for axis in axes for s in (axis.out, axis.into) if s is not None]
    if any(side.size is None for side in sides):
        frame = _frame(problem)
        full = np.zeros((*channels, *frame.shape), dtype=kind)
        look = RowIndex(_flat(frame.pairs))
        spots = np.argwhere(frame.labels >= 0)[np.argsort(frame.labels[frame.labels >= 0])]
        site = look.find(_flat(pairs))
        full[(rows, columns, *spots[site].T)] = values
        return full
    answer = Plain(
        axes, channels[1], channels[0], pairs[:, :, 0], pairs[:, :, 1], np.zeros((0, len(axes)), int)
    )
    shape = grid_shape(answer)
    outs = sum(1 for axis in axes if axis.out is not None)
    whole = (channels[0], *shape[:outs], channels[1], *shape[outs:])
    refuse_large(whole)
    full = np.zeros(whole, dtype=kind)
    for k, (i, c, value) in enumerate(zip(rows, columns, values, strict=True)):
        for place in members(answer, k):
            full[(i, *place[:outs], c, *place[outs:])] = value
    return full


@dataclass(frozen=True, eq=False)
class _Frame:
    pairs: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.labels.shape


def _frame(problem: Problem) -> _Frame:
    """The kernel's places on an infinite lattice, and the class at each."""
    table = problem.classes.listing()
    empty = np.zeros((0, table.shape[1]), dtype=int)
    answer = Plain(plain_axes(problem.axes), 1, 1, table[:, :, 0], table[:, :, 1], empty)
    return _Frame(table[:, :, :2], kernel_labels(answer))


def _flat(pairs: np.ndarray) -> np.ndarray:
    return pairs.reshape(len(pairs), -1)
