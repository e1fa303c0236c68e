"""The general answer without a lattice, in its free weights: A = sum_k w_k B_k, and the layer that it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy import Eq, ImmutableMatrix, IndexedBase, Sum, Symbol

from derive.answer.maps import MapAnswer

SHOWN = 64  # entries of a matrix that is written out
TERMS = 64  # free weights in a sum that is written out

i, c, k = (Symbol(name, integer=True) for name in "ick")
A, B, w, b, v, x, y = (IndexedBase(name) for name in ("A", "B", "w", "b", "v", "x", "y"))


def general_form(answer: MapAnswer) -> Eq:
    """A with its free weights w[k] written in while it is small, else A[i,c] = Sum(w[k] B[k,i,c])."""
    matrix = _matrix(answer, w)
    if matrix is not None:
        return Eq(A.label, matrix, evaluate=False)
    return Eq(A[i, c], _combination(answer), evaluate=False)


def general_layer(answer: MapAnswer, bias: Any) -> Eq:
    """y = A x + b with its free weights: w[k] of A, v[k] of the bias."""
    matrix = _matrix(answer, w)
    constant = _matrix(bias, v) if bias is not None else None
    rows, columns = answer.shape
    if matrix is None or (bias is not None and constant is None):
        total = Sum(_combination(answer) * x[c], (c, 0, columns - 1))
        return Eq(y[i], total + b[i] if bias is not None else total, evaluate=False)
    image = matrix * ImmutableMatrix(columns, 1, lambda j, _: x[j])
    image = image + constant if constant is not None else image
    return Eq(ImmutableMatrix(rows, 1, lambda j, _: y[j]), image, evaluate=False)


def _combination(answer: MapAnswer) -> sympy.Expr:
    return Sum(w[k] * B[k, i, c], (k, 0, answer.dim - 1))


def _matrix(answer: Any, weight: IndexedBase) -> ImmutableMatrix | None:
    """The sum of all basis elements, each times its weight; None where it is too large to show."""
    rows, columns = answer.shape
    size = sympy.sympify(rows * columns)
    if not size.is_Integer or size > SHOWN or answer.dim > TERMS:
        return None
    entries: dict[tuple[int, int], Any] = {}
    for number in range(int(answer.dim)):
        element = answer.element(number)
        for place, value in zip(_places(element), element.values.tolist(), strict=True):
            entries[place] = entries.get(place, 0) + sympy.sympify(value) * weight[number]
    return ImmutableMatrix(int(rows), int(columns), lambda r, s: entries.get((int(r), int(s)), 0))


def _places(element: Any) -> Sequence[tuple[int, int]]:
    return list(zip(element.rows.tolist(), element.columns.tolist(), strict=True))
