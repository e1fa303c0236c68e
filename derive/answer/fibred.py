"""Answers with fibres: free weights by orbit and fibre map, for every pair of pieces and of their copies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import sympy

from derive.answer.counting_lattice import count_average
from derive.answer.plain import Plain, PlainBlock
from derive.answer.tying import _refuse_large, grid_shape, kernel_labels, members
from derive.equation.problem import Problem
from derive.errors import InfiniteError, SymbolicError
from derive.methods.fibres import Entries
from derive.methods.spacegroups import Composition, SpaceSolution, StabiliserOrbits, compose, require_memory
from derive.methods.tables import Table
from derive.symmetry.fields import Field
from derive.symmetry.pieces import Piece
from derive.symmetry.representations import Representation, trivial


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
class FibredAnswer:
    """The answer to one problem, block pair by block pair, output blocks outermost."""

    problem: Problem

    @cached_property
    def composition(self) -> Composition:
        p = self.problem
        classes = p.classes.opened()
        sizes = [side.size for axis in classes.axes for side in axis.sides if side.size is not None]
        symbols = sorted({str(s) for n in sizes for s in n.free_symbols})
        if symbols or (p.support is not None and p.support.symbolic):
            what = symbols or "a symbolic radius"
            raise SymbolicError("sizes", "must be numbers to list orbits", what, "give numbers")
        return compose(p.group, p.x, p.y, classes)

    @cached_property
    def pairs(self) -> tuple[PiecePair, ...]:
        return tuple(
            PiecePair(output, input_, copies_out, copies_in, row, column)
            for row, copies_out, output in _placed(self.problem.y.fibre)
            for column, copies_in, input_ in _placed(self.problem.x.fibre)
        )

    @cached_property
    def solved(self) -> dict[tuple[Piece, Piece], SpaceSolution]:
        """Every pair of pieces, solved once."""
        kinds = dict.fromkeys((pair.output, pair.input) for pair in self.pairs)
        return {(output, input_): self.composition.between(output, input_) for output, input_ in kinds}

    def of(self, pair: PiecePair) -> SpaceSolution:
        return self.solved[pair.output, pair.input]

    @cached_property
    def dim(self) -> sympy.Expr:
        """The number of free weights; by the character average while sizes are symbols."""
        if self.problem.classes.count() is sympy.oo:
            return sympy.oo
        try:
            dims = [self.of(pair).dim for pair in self.pairs]
        except SymbolicError:
            return self.counted
        return sympy.sympify(
            sum((d * p.copies_in * p.copies_out for d, p in zip(dims, self.pairs, strict=True)), 0)
        )

    @cached_property
    def counted(self) -> sympy.Expr:
        """The same number by characters alone."""
        if self.problem.classes.count() is sympy.oo:
            return sympy.oo
        total = sympy.S.Zero
        for pair in self.pairs:
            total += count_average(self.problem, pair.output, pair.input) * pair.copies_in * pair.copies_out
        return sympy.expand(total)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(int(self.of(p).dim * p.copies_in * p.copies_out) for p in self.pairs)]

    def place(self, k: int) -> tuple[PiecePair, int, int, int]:
        """Basis element k as (block pair, weight, input copy, output copy), the last running fastest."""
        at = bisect_right(self._starts, k) - 1
        pair = self.pairs[at]
        weight, rest = divmod(k - self._starts[at], int(pair.copies_in * pair.copies_out))
        return pair, weight, *divmod(rest, int(pair.copies_out))

    @cached_property
    def listed(self) -> Plain:
        """All classes and blocks as NumPy arrays."""
        p = self.problem
        classes = p.classes.opened()
        require_memory(classes.count(), p.group)
        sites = classes.listing()[:, :, :2]
        look = Table(_flat(self.composition.maps.canonical(sites.copy())))
        kinds: dict[tuple[Piece, Piece], PlainBlock] = {}
        for pair in self.pairs:
            if (pair.output, pair.input) not in kinds:
                kinds[pair.output, pair.input] = _block(self.of(pair), pair, look)
        blocks = tuple(_placed_block(kinds[pair.output, pair.input], pair) for pair in self.pairs)
        from derive.answer.tying import plain_axes

        return Plain(
            axes=plain_axes(p.axes),
            channels_in=int(p.x.channels),
            channels_out=int(p.y.channels),
            out_site=sites[:, :, 0],
            in_site=sites[:, :, 1],
            bias_site=np.zeros((0, len(p.axes)), dtype=int),
            blocks=blocks,
        )


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


def _block(solution: SpaceSolution, pair: PiecePair, look: Table) -> PlainBlock:
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
class FibredElement:
    """One free weight set to 1, everything else to 0."""

    answer: FibredAnswer
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
    from derive.answer.tying import plain_axes

    axes = plain_axes(problem.axes)
    kind = values.dtype
    channels = (int(problem.y.channels), int(problem.x.channels))
    sides = [s for axis in axes for s in (axis.out, axis.into) if s is not None]
    if any(side.size is None for side in sides):
        frame = _frame(problem)
        full = np.zeros((*channels, *frame.shape), dtype=kind)
        look = Table(_flat(frame.pairs))
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
    _refuse_large(whole)
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
    from derive.answer.tying import plain_axes

    table = problem.classes.listing()
    empty = np.zeros((0, table.shape[1]), dtype=int)
    answer = Plain(plain_axes(problem.axes), 1, 1, table[:, :, 0], table[:, :, 1], empty)
    return _Frame(table[:, :, :2], kernel_labels(answer))


def _flat(pairs: np.ndarray) -> np.ndarray:
    return pairs.reshape(len(pairs), -1)


@dataclass(frozen=True)
class FibredBasis(Sequence):
    """The exact basis of all solutions, one element per free weight."""

    answer: FibredAnswer

    def __len__(self) -> int:
        if self.answer.dim is sympy.oo:
            remedy = "give a support such as box(1), or a grid"
            raise InfiniteError("support", "must leave finitely many weights to list them", None, remedy)
        return int(self.answer.dim)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"basis index {index} out of range for dimension {len(self)}")
        return FibredElement(self.answer, int(index) % len(self))


def residual(answer: FibredAnswer, sample: int = 24) -> int:
    """The largest entry of rho_out(g) K rho_in(g)^-1 - K(g .), over generators: exactly 0 when right.

    Every fibre map is tested against its whole stabiliser; some operators are carried by every generator.
    """
    worst = 0
    for solution in answer.solved.values():
        for kind, stabiliser in enumerate(solution.orbits.stabilisers):
            base = solution.bases[kind]
            moved = (solution.fibres.moved(s, base) for s in stabiliser[1:])
            worst = max([worst, *(_difference(base.which, base, e.which, e) for e in moved)])
        many = min(sample, solution.dim)
        chosen = {j * (solution.dim - 1) // max(many - 1, 1) for j in range(many)}
        worst = max([worst, *(_operator_gap(solution, k) for k in chosen)])
    return worst


def _difference(at: np.ndarray, a: Entries, other: np.ndarray, b: Entries) -> int:
    """The largest difference of entries: `a` holds those of the maps `at`, `b` those of the maps `other`."""
    orders = np.lexsort((a.columns, a.rows, at)), np.lexsort((b.columns, b.rows, other))
    pairs = ((at, other), (a.rows, b.rows), (a.columns, b.columns), (a.values, b.values))
    if len(at) == len(other) and all((x[orders[0]] == y[orders[1]]).all() for x, y in pairs):
        return 0
    left, right = _as_map(at, a), _as_map(other, b)
    keys = left.keys() | right.keys()
    gaps = [
        sympy.simplify(left.get(k, 0) - right.get(k, 0)) for k in keys if left.get(k, 0) != right.get(k, 0)
    ]
    return max((1 if not g.is_Integer else abs(int(g)) for g in gaps if g != 0), default=0)


def _as_map(at: np.ndarray, e: Entries) -> dict[tuple[int, ...], Any]:
    found: dict[tuple[int, ...], Any] = {}
    for key in zip(at.tolist(), e.rows.tolist(), e.columns.tolist(), e.values.tolist(), strict=True):
        found[key[:3]] = found.get(key[:3], 0) + key[3]
    return found


def _operator_gap(solution: SpaceSolution, k: int) -> int:
    pairs, entries, at = solution.element(k)
    look = Table(_flat(pairs))
    generators = range(1, 1 + len(solution.fibres.point.generators))
    worst = 0
    for g in generators:
        if g >= solution.maps.order:
            break
        image = look.find(_flat(solution.maps.apply(g, pairs)))
        moved = solution.fibres.moved(
            g, Entries(np.arange(len(at)), entries.rows, entries.columns, entries.values)
        )
        worst = max(worst, _difference(at, entries, image[at[moved.which]], moved))
    return worst


def _rank(base: Entries, spots: np.ndarray, count: int) -> int:
    matrix = sympy.zeros(count, int(spots.max()) + 1)
    for k, spot, value in zip(base.which.tolist(), spots.tolist(), base.values.tolist(), strict=True):
        matrix[k, spot] += value
    return int(matrix.rank(simplify=True))


def independent(answer: FibredAnswer) -> bool:
    """Every fibre map has an entry that no other map of its stabiliser has; orbits do not overlap."""
    for solution in answer.solved.values():
        for base in solution.bases:
            spots = base.rows * solution.fibres.shape[1] + base.columns
            alone = np.bincount(spots, minlength=1)[spots] == 1
            count = int(base.which.max(initial=-1)) + 1
            if len(np.unique(base.which[alone])) != count and _rank(base, spots, count) != count:
                return False
        if not isinstance(solution.orbits, StabiliserOrbits) and not _disjoint(solution):
            return False
    return True


def _disjoint(solution: SpaceSolution) -> bool:
    """Whether no orbit is listed twice, by whichever members: their least images all differ."""
    maps, pairs = solution.maps, solution.orbits.pairs
    if not len(pairs):
        return True
    images = [_flat(maps.apply(e, pairs.copy())) for e in range(maps.order)]
    codes = Table(np.concatenate(images)).codes.reshape(maps.order, -1)
    return len(np.unique(codes.min(axis=0))) == len(pairs)
