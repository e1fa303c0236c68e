"""Projections of what people have at hand: floats, complex numbers, mixed entries; against least squares."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import derive as dv

C3 = dv.cyclic(3)
ROOT = dv.Representation(C3, {"r": [[sympy.exp(2 * sympy.pi * sympy.I / 3)]]})
REAL, COMPLEX = dv.regular(C3), dv.regular(C3) + ROOT


def nearest(solution: Any, a: np.ndarray) -> np.ndarray:
    """The least-squares combination of the basis, in floating point."""
    rows = [np.asarray(element.dense()) for element in solution.basis]
    columns = np.array([[complex(v) for v in row.reshape(-1)] for row in rows]).T
    weights = np.linalg.lstsq(columns, a.reshape(-1).astype(complex), rcond=None)[0]
    return (columns @ weights).reshape(a.shape)


@pytest.mark.parametrize("V", [REAL, COMPLEX], ids=["real", "complex"])
@pytest.mark.parametrize("kind", ["ints", "floats", "complex", "objects", "gaussian"])
def test_the_nearest_operator_is_the_least_squares_one(V: dv.Representation, kind: str) -> None:
    rng = np.random.default_rng(3)
    shape = (V.dim, V.dim)
    whole = rng.integers(-4, 5, (2, *shape))
    a = {
        "ints": whole[0],
        "floats": whole[0] / 2,
        "complex": whole[0] + 0.5j * whole[1],
        "objects": np.array([[Fraction(int(v), 2) for v in row] for row in whole[0]], dtype=object),
        "gaussian": np.array(sympy.Matrix(whole[0]) + sympy.I * sympy.Matrix(whole[1])),
    }[kind]
    solution = dv.solve(V, V, bias=False)
    found = solution.project(a)
    numbers = np.array([complex(v) for v in a.reshape(-1)]).reshape(shape)
    right = nearest(solution, numbers)
    got = np.array([complex(v) for v in np.asarray(found).reshape(-1)]).reshape(shape)
    assert np.allclose(got, right)
    assert np.isclose(float(found.distance), np.linalg.norm(numbers - right))
    assert isinstance(found.distance, sympy.Expr) == (kind in ("ints", "objects", "gaussian"))


@pytest.mark.parametrize(
    ("a", "part"),
    [
        ([["a", "b"], ["c", "d"]], "a must have numbers as entries, got 'a'; give integers"),
        ([[1, 2], [3]], "a must be an array, got [[1, 2], [3]]; give rows of one length"),
        ([[1, None], [0, 0]], "a must have numbers as entries, got None"),
        ([1, 2, 3, 4], "a must have the shape (2, 2) of the basis elements, got (4,); reshape it"),
    ],
)
def test_what_is_no_array_of_numbers(a: Any, part: str) -> None:
    V = dv.defining(dv.point_group("C4"))
    with pytest.raises(dv.SizeError) as error:
        dv.solve(V, V).project(a)
    assert part in str(error.value)


def test_mixed_entries_are_floats_as_soon_as_one_is() -> None:
    V = dv.defining(dv.point_group("C4"))
    found = dv.solve(V, V).project([[1, 0.5], [sympy.Rational(1, 2), Fraction(3)]])
    assert found.dtype == float
    assert np.allclose(found, [[2, 0], [0, 2]])
    assert np.allclose(dv.solve(V, V).project([[True, False], [False, True]]).astype(float), np.eye(2))
