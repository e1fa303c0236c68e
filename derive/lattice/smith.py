"""Method 1: eliminate translations by the Smith normal form of how they move pairs of sites.

A translation t moves the output site p by P t and the input site q by Q t. Pairs of sites up to
translation are the group Z^(m+n) / [P; Q] Z^d; unimodular coordinates on it are a finite *phase* and a
free *displacement*. H, W and the radius may stay symbols: grids are reduced afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import ZZ
from sympy.matrices.normalforms import smith_normal_decomp
from sympy.utilities.iterables import connected_components

from derive.pickling import Fields

Row = tuple[int, ...]


@dataclass(frozen=True)
class Coordinate:
    """An integer functional of a pair (p, q): taken modulo `modulus`, or free when that is 0.

    A coordinate with modulus d counts, in its quotient by d, how far translations have carried the pair;
    the remainder is the phase (absent when d is 1).
    """

    row: Row
    modulus: int

    def __call__(self, pair: Sequence[sympy.Expr]) -> sympy.Expr:
        return sympy.Add(*(k * z for k, z in zip(self.row, pair, strict=True) if k))


@dataclass(frozen=True)
class Quotient(Fields):
    """Pairs of sites modulo translations: z = W (p, q), with W unimodular.

    `moved` are the coordinates that translations change (s = V floor(z / d)), `free` those they do not.
    """

    moves: tuple[Row, ...]
    moved: tuple[Coordinate, ...]
    free: tuple[Coordinate, ...]
    reach: tuple[Row, ...]

    @property
    def phases(self) -> tuple[Coordinate, ...]:
        return tuple(c for c in self.moved if c.modulus > 1)

    @property
    def index(self) -> int:
        """The number of phases."""
        return int(sympy.prod(c.modulus for c in self.moved))

    def translation(self, pair: Sequence[sympy.Expr]) -> tuple[sympy.Expr, ...]:
        """The translation s that carries the pair to its representative when it is undone."""
        steps = [c(pair) if c.modulus == 1 else sympy.floor(c(pair) / c.modulus) for c in self.moved]
        return tuple(sympy.Add(*(k * t for k, t in zip(row, steps, strict=True))) for row in self.reach)

    def phase_of(self, pair: Sequence[sympy.Expr]) -> tuple[sympy.Expr, ...]:
        return tuple(sympy.Mod(c(pair), c.modulus) for c in self.phases)

    def displacement_of(self, pair: Sequence[sympy.Expr]) -> tuple[sympy.Expr, ...]:
        return tuple(c(pair) for c in self.free)

    @cached_property
    def lift(self) -> tuple[Row, ...]:
        """The inverse of W: coordinates (moved, then free) back to pairs."""
        rows = [c.row for c in (*self.moved, *self.free)]
        return _rows(sympy.Matrix(rows).inv()) if rows else ()

    def representative(
        self, phase: Sequence[sympy.Expr], free: Sequence[sympy.Expr]
    ) -> tuple[sympy.Expr, ...]:
        """The canonical pair with these coordinates: the one that no translation has moved."""
        phases = iter(phase)
        coordinates = [next(phases) if c.modulus > 1 else sympy.S.Zero for c in self.moved] + list(free)
        return tuple(sympy.Add(*(k * z for k, z in zip(row, coordinates, strict=True))) for row in self.lift)


def quotient(moves: Sequence[Sequence[int]], outputs: int) -> Quotient:
    """The quotient of Z^(m+n) by the columns of `moves`, whose first `outputs` rows move the output site.

    >>> q = quotient([[1], [2]], 1)                       # output by 1, input by 2: stride 2
    >>> [c.row for c in q.free], q.index
    ([(-2, 1)], 1)
    >>> q = quotient([[2], [2]], 1)                       # both by 2: two phases
    >>> [(c.row, c.modulus) for c in (*q.phases, *q.free)]
    [((1, 0), 2), ((-1, 1), 0)]
    """
    matrix = tuple(tuple(int(x) for x in row) for row in moves)
    count = len(matrix)
    shifts = len(matrix[0]) if matrix else 0
    moved: list[tuple[Coordinate, list[int]]] = []
    free: list[Coordinate] = []
    columns: list[Row] = []
    for rows, cols in _blocks(matrix, shifts):
        block = [[matrix[i][j] for j in cols] for i in rows]
        inputs = [i for i, r in enumerate(rows) if r >= outputs]
        outer, inner, reach = _smith_coordinates(block, inputs, len(cols))
        free += [Coordinate(_spread(row, rows, count), 0) for row in inner]
        for (row, modulus), column in zip(outer, zip(*reach, strict=True), strict=True):
            moved.append((Coordinate(_spread(row, rows, count), modulus), [0] * shifts))
            columns.append(_spread(column, cols, shifts))
    order = sorted(free, key=lambda c: (_axis(c.row, outputs), [-abs(k) for k in c.row]))
    return Quotient(
        moves=matrix,
        moved=tuple(c for c, _ in moved),
        free=tuple(order),
        reach=tuple(zip(*columns, strict=True)) if columns else tuple(() for _ in range(shifts)),
    )


def _axis(row: Row, outputs: int) -> tuple[int, int]:
    first = next(i for i, k in enumerate(row) if k)
    return (first, 0) if first < outputs else (first - outputs, 1)


def _spread(entries: Sequence[int], places: Sequence[int], length: int) -> Row:
    row = [0] * length
    for place, entry in zip(places, entries, strict=True):
        row[place] = int(entry)
    return tuple(row)


def _blocks(matrix: Sequence[Row], shifts: int) -> list[tuple[list[int], list[int]]]:
    """Connected blocks of rows and columns: independent axes are solved separately."""
    nodes = [("row", i) for i in range(len(matrix))] + [("col", j) for j in range(shifts)]
    edges = [(("row", i), ("col", j)) for i, row in enumerate(matrix) for j, k in enumerate(row) if k]
    groups = connected_components((nodes, edges + [(b, a) for a, b in edges]))
    blocks = [
        (sorted(i for kind, i in group if kind == "row"), sorted(j for kind, j in group if kind == "col"))
        for group in groups
    ]
    return sorted(blocks)


def _smith_coordinates(
    block: list[list[int]], inputs: list[int], shifts: int
) -> tuple[list[tuple[Row, int]], list[Row], tuple[Row, ...]]:
    """Coordinates of one block: rows with their moduli, free rows, and V with s = V (counts)."""
    size = len(block)
    if not shifts:
        return [], [tuple(int(i == j) for j in range(size)) for i in range(size)], ()
    diagonal, left, right = smith_normal_decomp(sympy.Matrix(block), domain=ZZ)
    invariants = [int(diagonal[i, i]) if i < size else 0 for i in range(min(size, shifts))]
    rank = sum(1 for d in invariants if d)
    inner = _echelon(_rows(left)[rank:], inputs)
    outer = []
    signs = [1 if d > 0 else -1 for d in invariants[:rank]]
    for row, d, sign in zip(_rows(left)[:rank], invariants[:rank], signs, strict=True):
        outer.append((_reduce(tuple(sign * k for k in row), inner, inputs), abs(d)))
    return outer, [_orient(row, inputs) for row in inner], _rows(right)


def _rows(matrix: sympy.Matrix) -> tuple[Row, ...]:
    return tuple(tuple(int(x) for x in matrix.row(i)) for i in range(matrix.rows))


def _echelon(rows: Sequence[Row], inputs: Sequence[int]) -> list[Row]:
    """Hermite form with pivots on input sites first: displacements read 'q minus something'."""
    if not rows:
        return []
    order = [*inputs, *(i for i in range(len(rows[0])) if i not in inputs)]
    work = [[row[i] for i in order] for row in rows]
    top = 0
    for column in range(len(order)):
        while sum(1 for row in work[top:] if row[column]) > 1:
            live = sorted(
                (r for r in range(top, len(work)) if work[r][column]), key=lambda r: abs(work[r][column])
            )
            low = live[0]
            for r in live[1:]:
                factor = work[r][column] // work[low][column]
                work[r] = [x - factor * y for x, y in zip(work[r], work[low], strict=True)]
        pivot = next((r for r in range(top, len(work)) if work[r][column]), None)
        if pivot is None:
            continue
        work[top], work[pivot] = work[pivot], work[top]
        if work[top][column] < 0:
            work[top] = [-x for x in work[top]]
        for r in range(top):
            factor = work[r][column] // work[top][column]
            work[r] = [x - factor * y for x, y in zip(work[r], work[top], strict=True)]
        top += 1
    back = [order.index(i) for i in range(len(order))]
    return [tuple(row[i] for i in back) for row in work]


def _reduce(row: Row, free: Sequence[Row], inputs: Sequence[int]) -> Row:
    """Subtract multiples of the free coordinates, so that a phase depends on the output site where it can."""
    result = list(row)
    order = [*inputs, *(i for i in range(len(row)) if i not in inputs)]
    for other in free:
        pivot = next(i for i in order if other[i])
        factor = result[pivot] // other[pivot]
        result = [x - factor * y for x, y in zip(result, other, strict=True)]
    return tuple(result)


def _orient(row: Row, inputs: Sequence[int]) -> Row:
    """q - s p where the input site can be solved for, p - s q and a p - b q otherwise."""
    outputs = [i for i in range(len(row)) if i not in inputs]
    mixed = any(row[i] for i in inputs) and any(row[i] for i in outputs)
    return tuple(-k for k in row) if mixed and all(row[i] != 1 for i in inputs) else row
