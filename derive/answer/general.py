"""The general answer without a lattice, in its free weights: A = sum_k w_k B_k, and the layer that it is.

While it is small, the matrix is written out. Else A[i,c] = Sum(w[k]*B[k,i,c]), where B[k] is `basis[k]`, and
the orbit table gives the first nonzero entry of every B[k] and how many it has.
Between symbolic numbers of copies of two pieces, w[k,p,q] is weight k from copy q to copy p, and every B[k],
a map of one piece to the other, is written out beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, ImmutableMatrix, IndexedBase, Mod, Sum, Symbol, Tuple, floor

from derive.answer.off_lattice import MapAnswer
from derive.derivation.operator import Notation
from derive.hom.intertwiners import BlockPair, Element
from derive.notation import NonzeroCount

SHOWN = 256  # entries of a matrix that is written out
TERMS = 64  # free weights in a sum that is written out
ROWS = 256  # of an orbit table

i, c = (Symbol(name, integer=True) for name in "ic")
A, w, v = (IndexedBase(name) for name in "Awv")


@dataclass(frozen=True)
class _Letters:
    """Letters that no size is called by: k numbers the maps, B those of A, D those of the bias."""

    names: Notation

    @property
    def k(self) -> Symbol:
        return Symbol(self.names.fresh("k"), integer=True)

    @property
    def B(self) -> IndexedBase:
        return IndexedBase(self.names.fresh("B"))

    @property
    def D(self) -> IndexedBase:
        return IndexedBase(self.names.fresh("D"))


def general_form(answer: MapAnswer, names: Notation) -> Eq | Tuple:
    """A with its free weights w[k] written in while it is small, else A[i,c] = Sum(w[k] B[k,i,c])."""
    matrix = _matrix(answer, w)
    if matrix is not None:
        return Eq(A.label, matrix, evaluate=False)
    letters = _Letters(names)
    combined = Eq(A[i, c], _combination(answer, letters.k, letters.B, w, c), evaluate=False)
    if answer.dim == 0:
        return combined
    pair = _symbolic_pair(answer)
    rows = _orbit_table(answer, letters.B) if pair is None else _pieces(pair, letters.B)
    return Tuple(combined, *rows) if rows else combined


def general_layer(answer: MapAnswer, bias: MapAnswer | None, names: Notation) -> Eq:
    """y = A x + b with its free weights: w[k] of A, v[k] of the bias; D[k] are the maps of the bias."""
    rows, columns = answer.shape
    matrix = _matrix(answer, w)
    constant = None if bias is None else _matrix(bias, v)
    if matrix is None or (bias is not None and constant is None):
        at = _Letters(names)
        weight = _combination(answer, at.k, at.B, w, c)
        total = Sum(weight * names.x[c], (c, 0, columns - 1)) if answer.dim != 0 else sympy.S.Zero
        shift = sympy.S.Zero if bias is None else _combination(bias, at.k, at.D, v, None)
        return Eq(names.y[i], total + shift, evaluate=False)
    image = matrix * ImmutableMatrix(columns, 1, lambda j, _: names.x[j])
    image = image + constant if constant is not None else image
    return Eq(ImmutableMatrix(rows, 1, lambda j, _: names.y[j]), image, evaluate=False)


def _combination(
    answer: MapAnswer, k: Symbol, maps: IndexedBase, weight: IndexedBase, column: Symbol | None
) -> sympy.Expr:
    """Sum(w[k] B[k,i,c]); without a column, Sum(v[k] D[k,i])."""
    if answer.dim == 0:
        return sympy.S.Zero
    at = () if column is None else (column,)
    pair = _symbolic_pair(answer)
    if pair is None:
        return Sum(weight[k] * maps[(k, i, *at)], (k, 0, answer.dim - 1))
    rows, columns = pair.maps.shape
    number = weight[(k, floor(i / rows), *(floor(j / columns) for j in at))]
    entry = maps[(k, Mod(i, rows), *(Mod(j, columns) for j in at))]
    return Sum(number * entry, (k, 0, pair.maps.dim - 1))


def _orbit_table(answer: MapAnswer, B: IndexedBase) -> tuple[Tuple, ...]:
    """The first nonzero entry of every B[k] and how many it has, while there are few."""
    numbers = [answer.dim, *map(sympy.sympify, answer.shape)]
    if not all(n.is_Integer for n in numbers) or answer.dim > ROWS:
        return ()
    rows = []
    for number in range(int(answer.dim)):
        row, column, value = answer.maps.leading(number)
        first = Eq(B[number, row, column], sympy.sympify(value), evaluate=False)
        many = Eq(NonzeroCount(str(B.label), number), answer.maps.size(number), evaluate=False)
        rows.append(Tuple(w[number], sympy.And(first, many, evaluate=False)))
    return tuple(rows)


def _symbolic_pair(answer: MapAnswer) -> BlockPair | None:
    """The one pair of blocks, where its numbers of copies are symbols."""
    pairs = answer.maps.pairs
    numbers = all(sympy.sympify(size).is_Integer for size in answer.shape)
    return pairs[0] if len(pairs) == 1 and not numbers else None


def _pieces(pair: BlockPair, B: IndexedBase) -> tuple[Eq, ...]:
    """B[0] = ..., B[1] = ...: the maps of the pieces, while they are small."""
    rows, columns = pair.maps.shape
    if rows * columns * pair.maps.dim > SHOWN:
        return ()
    return tuple(
        Eq(B[number], _written([(pair.maps.element(number), sympy.S.One)], rows, columns), evaluate=False)
        for number in range(pair.maps.dim)
    )


def _matrix(answer: MapAnswer, weight: IndexedBase) -> ImmutableMatrix | None:
    """The sum of all basis elements, each times its weight; None where it is too large to show."""
    rows, columns = answer.shape
    size = sympy.sympify(rows * columns)
    if not size.is_Integer or size > SHOWN or answer.dim > TERMS:
        return None
    terms = [(answer.element(number), weight[number]) for number in range(int(answer.dim))]
    return _written(terms, int(rows), int(columns))


def _written(terms: list[tuple[Element, Any]], rows: int, columns: int) -> ImmutableMatrix:
    """The sum of the elements, each times its factor."""
    entries: dict[tuple[int, int], Any] = {}
    for element, factor in terms:
        places = zip(element.rows.tolist(), element.columns.tolist(), element.values.tolist(), strict=True)
        for row, column, value in places:
            entries[row, column] = entries.get((row, column), 0) + sympy.sympify(value) * factor
    return ImmutableMatrix(rows, columns, lambda r, s: entries.get((int(r), int(s)), 0))
