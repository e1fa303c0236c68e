"""A smaller space of operators inside a larger one: the exact E with B_small = B_large E.

Both are sums over the same blocks of channels, and copies of a block repeat its coefficients. Within a
block an element of the large basis has an entry that no other element has, so its coefficient is read off
there; only elements without one are solved for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy import EXRAW, QQ
from sympy.polys.matrices import DomainMatrix

from derive.answer.plain import Plain
from derive.errors import TooLargeError
from derive.hom.fibres import entries_of
from derive.hom.intertwiners import Intertwiners

LIMIT = 1 << 22
Vectors = list[dict[int, Any]]  # sparse vectors, by place


@dataclass(frozen=True, eq=False)
class Columns:
    """Sparse basis elements of one block: entry j puts `values[j]` at `places[j]` of element `which[j]`."""

    count: int
    which: np.ndarray
    places: np.ndarray
    values: np.ndarray

    def vectors(self) -> Vectors:
        """Each element by itself."""
        found: Vectors = [{} for _ in range(self.count)]
        for k, place, value in zip(
            self.which.tolist(), self.places.tolist(), self.values.tolist(), strict=True
        ):
            found[k][place] = found[k].get(place, 0) + value
        return [{place: value for place, value in vector.items() if value != 0} for vector in found]


@dataclass(frozen=True, eq=False)
class BasisBlock:
    """Copies of one block of a basis, between the channels where they begin.

    Element w for input copy c and output copy i has the number start + (w copies_in + c) copies_out + i.
    """

    columns: Columns
    start: int
    row: int
    column: int
    dim_out: int
    dim_in: int
    copies_out: int
    copies_in: int

    def numbers(self, weights: np.ndarray, copy_in: int, copy_out: int) -> np.ndarray:
        return self.start + (weights * self.copies_in + copy_in) * self.copies_out + copy_out

    @property
    def size(self) -> int:
        return self.columns.count * self.copies_in * self.copies_out


def plain_blocks(answer: Plain) -> list[BasisBlock]:
    """The blocks of an answer on a lattice; places are classes of site pairs with fibre rows and columns."""
    if answer.blocks is None:
        each = np.arange(len(answer.out_site))
        columns = Columns(len(each), each, each, np.ones(len(each), dtype=np.int64))
        return [BasisBlock(columns, 0, 0, 0, 1, 1, answer.channels_out, answer.channels_in)]
    found: list[BasisBlock] = []
    shared: dict[int, Columns] = {}
    start = 0
    for b in answer.blocks:
        if id(b.weight) not in shared:
            places = (b.site * b.dim_out + b.row) * b.dim_in + b.column
            shared[id(b.weight)] = Columns(b.weights, b.weight, places, b.value)
        columns = shared[id(b.weight)]
        found.append(
            BasisBlock(
                columns, start, b.first_out, b.first_in, b.dim_out, b.dim_in, b.copies_out, b.copies_in
            )
        )
        start += found[-1].size
    return found


def map_blocks(maps: Intertwiners) -> list[BasisBlock]:
    """The blocks of an answer without a lattice; places are the entries of a block's matrix."""
    len(maps)  # numbers of copies must be numbers
    found: list[BasisBlock] = []
    shared: dict[int, Columns] = {}
    start = 0
    for pair in maps.pairs:
        out, into = pair.maps.shape
        if id(pair.maps) not in shared:
            e = entries_of(pair.maps)
            shared[id(pair.maps)] = Columns(pair.maps.dim, e.which, e.rows * into + e.columns, e.values)
        copies = pair.copies_out, pair.copies_in
        found.append(BasisBlock(shared[id(pair.maps)], start, pair.row, pair.column, out, into, *copies))
        start += found[-1].size
    return found


Coefficients = tuple[np.ndarray, np.ndarray, list[Any]]  # large, small, value


def embedding(small: Sequence[BasisBlock], large: Sequence[BasisBlock]) -> sympy.ImmutableMatrix:
    """The exact matrix E with B_small = B_large E."""
    shape = (sum(b.size for b in large), sum(b.size for b in small))
    return _matrix(sparse_embedding(small, large), shape)


def sparse_embedding(
    small: Sequence[BasisBlock], large: Sequence[BasisBlock]
) -> dict[int, dict[int, sympy.Expr]]:
    """The same matrix by its nonzero entries: {row: {column: value}}."""
    where = _Finder(large)
    solved: dict[tuple[int, int], Coefficients] = {}
    entries: dict[int, dict[int, Any]] = defaultdict(dict)
    for block in small:
        for copy_in in range(block.copies_in):
            for copy_out in range(block.copies_out):
                into, c, i = where.cell(
                    block.row + copy_out * block.dim_out, block.column + copy_in * block.dim_in
                )
                key = id(block.columns), id(into.columns)
                if key not in solved:
                    solved[key] = _coefficients(block.columns, into.columns)
                rows, columns, values = solved[key]
                numbers = (
                    into.numbers(rows, c, i).tolist(),
                    block.numbers(columns, copy_in, copy_out).tolist(),
                )
                for k, j, value in zip(*numbers, values, strict=True):
                    entries[k][j] = value
    _refuse_large(sum(map(len, entries.values())))
    return dict(entries)


class _Finder:
    """The block and the copies that begin at a row and a column of channels."""

    def __init__(self, blocks: Sequence[BasisBlock]) -> None:
        self._rows = sorted({b.row for b in blocks})
        self._columns = sorted({b.column for b in blocks})
        self._blocks = {(b.row, b.column): b for b in blocks}

    def cell(self, row: int, column: int) -> tuple[BasisBlock, int, int]:
        first = self._rows[bisect_right(self._rows, row) - 1]
        left = self._columns[bisect_right(self._columns, column) - 1]
        block = self._blocks[first, left]
        return block, (column - left) // block.dim_in, (row - first) // block.dim_out


def _coefficients(small: Columns, large: Columns) -> Coefficients:
    """small = large e, with e by its nonzero entries."""
    wanted, basis = small.vectors(), large.vectors()
    held = Counter(place for vector in basis for place in vector)
    own = [next((p for p in vector if held[p] == 1), None) for vector in basis]
    at: dict[int, list[tuple[int, Any]]] = defaultdict(list)
    for j, vector in enumerate(wanted):
        for place, value in vector.items():
            at[place].append((j, value))
    found = [
        (k, j, _ratio(value, basis[k][place]))
        for k, place in enumerate(own)
        if place is not None
        for j, value in at[place]
    ]
    left = [k for k, place in enumerate(own) if place is None]
    if left:
        found += _solved(wanted, basis, left, found)
    rows, columns = (np.array([entry[n] for entry in found], dtype=np.int64) for n in (0, 1))
    return rows, columns, [entry[2] for entry in found]


def _solved(
    wanted: Vectors, basis: Vectors, left: Sequence[int], known: Sequence[tuple[int, int, Any]]
) -> list[tuple[int, int, Any]]:
    """The coefficients of elements that share all their entries, once the others are taken away."""
    rest = [dict(vector) for vector in wanted]
    for k, j, factor in known:
        for place, value in basis[k].items():
            rest[j][place] = _exact(rest[j].get(place, 0)) - factor * _exact(value)
    places = sorted({p for k in left for p in basis[k]})
    matrix = sympy.Matrix(len(places), len(left), lambda p, k: _exact(basis[left[k]].get(places[p], 0)))
    _, chosen = matrix.T.rref(simplify=True)
    right = sympy.Matrix(len(left), len(rest), lambda p, j: _exact(rest[j].get(places[chosen[p]], 0)))
    solution = matrix.extract(list(chosen), list(range(len(left)))).LUsolve(right)
    return [
        (left[k], j, value)
        for k in range(len(left))
        for j in range(len(rest))
        if (value := _short(solution[k, j])) != 0
    ]


def _ratio(top: Any, bottom: Any) -> sympy.Expr:
    return _short(_exact(top) / _exact(bottom))


def _short(value: sympy.Expr) -> sympy.Expr:
    return value if value.is_Rational else sympy.radsimp(sympy.expand(value))


def _exact(value: Any) -> sympy.Expr:
    return (
        sympy.Rational(value.numerator, value.denominator)
        if isinstance(value, Fraction)
        else sympy.sympify(value)
    )


def _matrix(entries: dict[int, dict[int, Any]], shape: tuple[int, int]) -> sympy.ImmutableMatrix:
    """A dense matrix for SymPy, made of few entries."""
    rational = all(v.is_Rational for row in entries.values() for v in row.values())
    domain = QQ if rational else EXRAW
    held = {k: {j: domain.from_sympy(v) for j, v in row.items()} for k, row in entries.items() if row}
    return DomainMatrix(held, shape, domain).to_Matrix().as_immutable()


def _refuse_large(entries: int) -> None:
    if entries > LIMIT:
        raise TooLargeError(
            "embedding", f"must have at most {LIMIT:,} entries", f"{entries:,}", "use fewer channels"
        )
