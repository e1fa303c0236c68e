"""The nearest equivariant operator, and coordinates in an exact basis: B (B^T B)^-1 B^T a."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np
import sympy

from derive.errors import SizeError, TooLargeError, brief

LIMIT = 1 << 24


class Projection(np.ndarray):
    """The nearest equivariant operator, an array; `distance` is the Frobenius norm of what was taken away.

    The distance is a SymPy number for exact input, a float for floats.
    """

    distance: Any = None

    def __array_finalize__(self, other: Any) -> None:
        self.distance = getattr(other, "distance", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return _projection, (np.asarray(self), self.distance)


def _projection(array: np.ndarray, distance: Any) -> Projection:
    result = array.view(Projection)
    result.distance = distance
    return result


def project(basis: Sequence[Any], shape: tuple[int, ...], a: Any) -> Projection:
    """The equivariant operator nearest to `a` in the Frobenius norm; exact for exact input."""
    given = _array(a)
    if given.shape != shape:
        raise SizeError("a", f"must have the shape {shape} of the basis elements", given.shape, "reshape it")
    rows = dense_rows(basis, shape)
    flat = given.reshape(-1)
    rows = rows if given.dtype == object or rows.dtype != object else _inexact(rows)
    nearest = coordinates(rows, flat).dot(rows) if len(rows) else 0 * flat
    gap = _length(flat - np.asarray(nearest), given.dtype == object)
    return _projection(np.asarray(nearest).reshape(shape), gap)


def _length(gap: np.ndarray, exact: bool) -> Any:
    """The Frobenius norm: a SymPy number for exact entries, a float for others."""
    if exact:
        square = sum((_exact(v) * _exact(w) for v, w in zip(gap, _conjugate(gap), strict=True)), sympy.S.Zero)
        square = square.expand(complex=True) if square.has(sympy.I) else square.expand()
        return sympy.sqrt(sympy.nsimplify(square))
    return float(np.linalg.norm([complex(v) for v in gap]))


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
    """The coefficients of the least-squares combination of the rows: (B B^*)^-1 B^* a, block by block."""
    bars = _conjugate(rows)
    gram, right = bars.dot(rows.T), bars.dot(flat)
    if flat.dtype != object and rows.dtype != object:
        return np.linalg.solve(gram.astype(np.result_type(gram, float)), right)
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
    """Floats stay floats, complex ones too; integers, fractions and SymPy numbers become exact objects."""
    try:
        array = np.asarray(a)
    except ValueError:
        raise SizeError("a", "must be an array", brief(a), "give rows of one length") from None
    if array.dtype.kind in "fc":
        return array
    if array.dtype.kind == "V":  # bfloat16 and its like
        return array.astype(np.float64)
    entries = [_entry(v) for v in array.reshape(-1).tolist()]
    if any(isinstance(v, float | complex) for v in entries):
        numbers = [complex(v) if isinstance(v, complex) else float(v) for v in entries]
        return np.array(numbers).reshape(array.shape)
    return np.array([*entries, None], dtype=object)[:-1].reshape(array.shape)


def _entry(value: Any) -> Any:
    if isinstance(value, sympy.Rational):
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, sympy.Expr | float | complex):
        return value
    if isinstance(value, Rational):  # integers and fractions
        return Fraction(value)
    remedy = "give integers, Fractions, SymPy expressions or floats"
    raise SizeError("a", "must have numbers as entries", brief(value), remedy)


def _inexact(rows: np.ndarray) -> np.ndarray:
    """Exact numbers in floating point, complex ones where they have to be."""
    numbers = np.array([complex(v) for v in rows.reshape(-1)]).reshape(rows.shape)
    return numbers if numbers.imag.any() else numbers.real


def _conjugate(values: np.ndarray) -> np.ndarray:
    """Numbers conjugated; symbols stand for real ones."""
    if values.dtype != object:
        return values.conj()
    flat = [v.conjugate() if getattr(v, "is_number", True) else v for v in values.reshape(-1)]
    return np.array([*flat, None], dtype=object)[:-1].reshape(values.shape)
