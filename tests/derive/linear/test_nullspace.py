"""Exact null spaces against SymPy, with and without python-flint, over the rationals and number fields."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import I, Matrix, Rational, S, cos, expand, pi, sin, sqrt

from derive.errors import ExactnessError, TooLargeError
from derive.linear import nullspace as module
from derive.linear.field import common_field, from_integers
from derive.linear.lifting import fraction
from derive.linear.nullspace import nullspace

small = st.integers(-3, 3)
matrices = st.integers(1, 6).flatmap(
    lambda columns: st.lists(st.lists(small, min_size=columns, max_size=columns), min_size=1, max_size=7)
)


def exact(m):
    """A field matrix as SymPy numbers."""
    powers = [m.field.generator**t if t else S.One for t in range(m.field.degree)]
    return sum(
        (p * Matrix(part.toarray().tolist()) for p, part in zip(powers, m.parts, strict=True)),
        Matrix.zeros(*m.shape),
    )


def same(a, b):
    return a.parts == b.parts


@given(matrices)
def test_rational_null_spaces(rows):
    basis = nullspace(from_integers(rows))
    m, b = Matrix(rows), exact(basis)
    assert basis.shape[1] == m.shape[1] - m.rank()
    if basis.shape[1]:
        assert (m * b).is_zero_matrix
        assert is_echelon(basis.parts[0].toarray())
    assert same(basis, nullspace(from_integers(rows), use_flint=False))


def is_echelon(b):
    """Each column starts with a positive number where the others are zero, and its entries are coprime."""
    first = (b != 0).argmax(axis=0)
    return (
        (np.diff(first) > 0).all()
        and (b[first] == np.diag(np.diag(b[first]))).all()
        and (np.diag(b[first]) > 0).all()
        and (np.gcd.reduce(b, axis=0) == 1).all()
    )


@given(
    matrices, matrices, st.sampled_from([sqrt(5), I, sqrt(2) * I - 1, sqrt(2) + sqrt(3), 2 ** Rational(1, 3)])
)
def test_null_spaces_over_number_fields(a, b, root):
    columns = min(len(a[0]), len(b[0]))
    count = min(len(a), len(b))
    rows = [[a[r][c] + root * b[r][c] for c in range(columns)] for r in range(count)]
    _, [(m, _)] = common_field([Matrix(rows)])
    basis = nullspace(m)
    assert same(basis, nullspace(m, use_flint=False))
    product = (Matrix(rows) * exact(basis)).applyfunc(expand)
    assert all(abs(x.evalf(40)) < 1e-25 for x in product)
    numeric = np.array(Matrix(rows).evalf(30).tolist(), dtype=complex)
    assert basis.shape[1] == columns - np.linalg.matrix_rank(numeric, tol=1e-9)


def test_large_coefficients_need_more_than_one_prime():
    rows = [[10**6 + 3, 10**6 + 7, 0], [0, 10**6 + 9, 10**6 + 21]]
    basis = nullspace(from_integers(rows))
    assert (Matrix(rows) * exact(basis)).is_zero_matrix
    assert same(basis, nullspace(from_integers(rows), use_flint=False))


def test_a_prime_that_divides_the_pivots_does_no_harm(monkeypatch):
    p = 2**31 - 1
    rows = [[p, 0, 0], [0, 1, 1]]
    assert exact(nullspace(from_integers(rows))) == Matrix([[0], [1], [-1]])


def test_without_flint_the_fallback_is_taken(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    assert module._flint() is None
    assert exact(nullspace(from_integers([[1, 2]]))) == Matrix([[2], [-1]])


def test_tall_matrices_are_combined_and_verified():
    random = np.random.default_rng(0)
    rows = random.integers(-2, 3, size=(200, 4)) @ random.integers(-2, 3, size=(4, 9))
    basis = nullspace(from_integers(rows))
    assert basis.shape == (9, 5)
    assert not (rows @ basis.parts[0].toarray()).any()
    assert same(basis, nullspace(from_integers(rows), use_flint=False))


def test_no_rows_and_no_columns():
    assert exact(nullspace(from_integers(np.zeros((0, 2), dtype=int)))) == Matrix.eye(2)
    assert nullspace(from_integers(np.zeros((3, 0), dtype=int))).shape == (0, 0)


def test_numbers_beyond_64_bits_are_refused():
    random = np.random.default_rng(1)
    with pytest.raises(TooLargeError, match="null space must have coefficients below 2\\^62, got"):
        nullspace(from_integers(random.integers(-9, 9, size=(30, 31))))


def test_equal_blocks_are_solved_once(monkeypatch):
    calls = []
    solve = module._solve
    monkeypatch.setattr(module, "_solve", lambda *a: calls.append(1) or solve(*a))
    block = [[1, 1, 0], [0, 1, 1]]
    rows = np.kron(np.eye(5, dtype=int), block)
    assert nullspace(from_integers(rows)).shape == (15, 5)
    assert len(calls) == 1


def test_the_field_of_a_rotation_has_small_numbers():
    angle = 2 * pi / 5
    field, _ = common_field([Matrix([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])])
    assert field.polynomial == (5, 0, -5, 0, 1)


def test_transcendental_entries_are_refused():
    with pytest.raises(ExactnessError, match="matrix entries must be algebraic numbers"):
        common_field([Matrix([[pi, 1], [0, 1]])])


def test_rational_reconstruction():
    modulus = 2**31 - 1
    assert fraction(pow(7, -1, modulus) * -3 % modulus, modulus) == Rational(-3, 7)
    assert fraction(0, modulus) == 0
