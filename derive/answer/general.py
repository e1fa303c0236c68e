"""The general answer without a lattice, in its free weights: A = sum_k w_k B_k, and the layer that it is.

While it is small, the matrix is written out. Else A[i,c] = Sum(w[k]*B[k,i,c]), where B[k] is `basis[k]`.
Between symbolic numbers of copies of two pieces, w[k,p,q] is weight k from copy q to copy p, and every B[k],
a map of one piece to the other, is written out beside it.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy import Eq, ImmutableMatrix, IndexedBase, Mod, Sum, Symbol, Tuple, floor

from derive.answer.maps import MapAnswer
from derive.methods.intertwiners import BlockPair, Element

SHOWN = 256  # entries of a matrix that is written out
TERMS = 64  # free weights in a sum that is written out

i, c, k = (Symbol(name, integer=True) for name in "ick")
A, B, w, b, v, x, y = (IndexedBase(name) for name in ("A", "B", "w", "b", "v", "x", "y"))


def general_form(answer: MapAnswer) -> Eq | Tuple:
    """A with its free weights w[k] written in while it is small, else A[i,c] = Sum(w[k] B[k,i,c])."""
    matrix = _matrix(answer, w)
    if matrix is not None:
        return Eq(A.label, matrix, evaluate=False)
    combined = Eq(A[i, c], _combination(answer), evaluate=False)
    pair = _symbolic_pair(answer)
    pieces = _pieces(pair) if pair is not None and answer.dim != 0 else ()
    return Tuple(combined, *pieces) if pieces else combined


def general_layer(answer: MapAnswer, bias: Any) -> Eq:
    """y = A x + b with its free weights: w[k] of A, v[k] of the bias."""
    rows, columns = answer.shape
    matrix = _matrix(answer, w)
    constant = None if bias is None else _matrix(bias, v)
    if matrix is None or (bias is not None and constant is None):
        total = Sum(_combination(answer) * x[c], (c, 0, columns - 1)) if answer.dim != 0 else sympy.S.Zero
        free = bias is not None and bias.dim != 0
        return Eq(y[i], total + b[i] if free else total, evaluate=False)
    image = matrix * ImmutableMatrix(columns, 1, lambda j, _: x[j])
    image = image + constant if constant is not None else image
    return Eq(ImmutableMatrix(rows, 1, lambda j, _: y[j]), image, evaluate=False)


def _combination(answer: MapAnswer) -> sympy.Expr:
    if answer.dim == 0:
        return sympy.S.Zero
    pair = _symbolic_pair(answer)
    if pair is None:
        return Sum(w[k] * B[k, i, c], (k, 0, answer.dim - 1))
    rows, columns = pair.maps.shape
    weight = w[k, floor(i / rows), floor(c / columns)]
    return Sum(weight * B[k, Mod(i, rows), Mod(c, columns)], (k, 0, pair.maps.dim - 1))


def _symbolic_pair(answer: MapAnswer) -> BlockPair | None:
    """The one pair of blocks, where its numbers of copies are symbols."""
    pairs = answer.maps.pairs
    numbers = all(sympy.sympify(size).is_Integer for size in answer.shape)
    return pairs[0] if len(pairs) == 1 and not numbers else None


def _pieces(pair: BlockPair) -> tuple[Eq, ...]:
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
