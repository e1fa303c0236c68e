"""The nearest equivariant operator, and coordinates in an exact basis: B (B^T B)^-1 B^T a."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from derive.errors import SizeError, TooLargeError

LIMIT = 1 << 24


class Projection(np.ndarray):
    """The nearest equivariant operator, an array; `distance` is the Frobenius norm of what was taken away.

    The distance is a SymPy number for exact input, a float for floats.
    """

    distance: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.distance = getattr(other, "distance", None)


def project(basis: Sequence[Any], shape: tuple[int, ...], a: Any) -> Projection:
    """The equivariant operator nearest to `a` in the Frobenius norm; exact for exact input."""
    given = _array(a)
    if given.shape != shape:
        raise SizeError("a", f"must have the shape {shape} of the basis elements", given.shape, "reshape it")
    rows = dense_rows(basis, shape)
    flat = given.reshape(-1)
    nearest = coordinates(rows, flat).dot(rows) if len(rows) else 0 * flat
    result = np.asarray(nearest).reshape(shape).view(Projection)
    gap = flat - np.asarray(nearest)
    square = gap.dot(gap) if gap.size else 0
    exact = given.dtype == object
    result.distance = (
        sympy.sqrt(sympy.nsimplify(square)) if exact else float(np.sqrt(max(float(square), 0.0)))
    )
    return result


def dense_rows(basis: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    """All basis elements as rows of exact numbers."""
    entries = len(basis) * int(np.prod(shape, dtype=object))
    if entries > LIMIT:
        raise TooLargeError(
            "basis", f"must hold at most {LIMIT} entries to project", entries, "use a smaller grid"
        )
    if not len(basis):
        return np.zeros((0, int(np.prod(shape))), dtype=np.int64)
    return np.stack([element.dense().reshape(-1) for element in basis])


def coordinates(rows: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """The coefficients of the least-squares combination of the rows: (B B^T)^-1 B a, block by block."""
    gram, right = rows.dot(rows.T), rows.dot(flat)
    if flat.dtype != object and rows.dtype != object:
        return np.linalg.solve(gram.astype(float), right)
    result = np.zeros(len(rows), dtype=object)
    for block in _blocks(gram):
        if len(block) == 1:
            result[block[0]] = _ratio(right[block[0]], gram[block[0], block[0]])
            continue
        left = sympy.Matrix(
            len(block), len(block), [sympy.sympify(v) for v in gram[np.ix_(block, block)].flat]
        )
        solved = left.LUsolve(sympy.Matrix([_exact(right[k]) for k in block]))
        result[block] = [sympy.radsimp(sympy.expand(v)) for v in solved]
    return result


def _ratio(top: Any, bottom: Any) -> Any:
    if isinstance(top, sympy.Basic) or isinstance(bottom, sympy.Basic):
        return sympy.radsimp(_exact(top) / _exact(bottom))
    return Fraction(top) / Fraction(int(bottom))


def _exact(value: Any) -> sympy.Expr:
    return (
        sympy.Rational(value.numerator, value.denominator)
        if isinstance(value, Fraction)
        else sympy.sympify(value)
    )


def _blocks(gram: np.ndarray) -> list[np.ndarray]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = np.nonzero(gram != 0)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=gram.shape)
    labels = connected_components(graph, directed=False)[1]
    return [np.flatnonzero(labels == k) for k in range(int(labels.max(initial=-1)) + 1)]


def _array(a: Any) -> np.ndarray:
    """Floats stay floats; integers, fractions and SymPy numbers become exact objects."""
    array = np.asarray(a)
    if array.dtype.kind == "f":
        return array
    flat = [Fraction(int(v)) if isinstance(v, int | np.integer) else _fraction(v) for v in array.reshape(-1)]
    return np.array([*flat, None], dtype=object)[:-1].reshape(array.shape)


def _fraction(value: Any) -> Any:
    return Fraction(int(value.p), int(value.q)) if isinstance(value, sympy.Rational) else value
