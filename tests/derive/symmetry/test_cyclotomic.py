"""Sums of roots of unity against floating-point values and SymPy's own polynomials."""

import cmath
import math
import time

import numpy as np
import pytest
import sympy
from sympy import I, Rational, cos, exp, pi, sin, sqrt

import derive as dv
from derive.linear.field import common_field
from derive.symmetry.algebraic import common_domain, read_cyclotomic, short_number, write_cyclotomic
from derive.symmetry.cyclotomic import cyclotomic_polynomial, order_of_field, real_polynomial

READ = [
    *(f(2 * pi * k / n) for n in (5, 7, 8, 13, 15, 16, 24, 61) for k in (1, n - 2) for f in (cos, sin)),
    sqrt(7), sqrt(6), 1 / sqrt(3), sqrt(Rational(3, 7)), sqrt(-5), (-1) ** Rational(2, 7), sqrt(2 - sqrt(2)),
    exp(2 * I * pi / 9), (1 + I) / sqrt(2), sqrt(2 + sqrt(2 + sqrt(2))), cos(pi / 7) ** 3 - I * sin(pi / 5),
]  # fmt: skip


@pytest.mark.parametrize("value", READ, ids=str)
def test_numbers_are_read_as_what_they_are(value: sympy.Expr) -> None:
    found = read_cyclotomic(value)
    assert found is not None
    number = sum(float(c) * cmath.exp(2j * cmath.pi * k / found.order) for k, c in found.terms)
    assert abs(number - complex(value.evalf())) < 1e-9
    assert abs(complex(write_cyclotomic(found).evalf()) - number) < 1e-9
    dense = np.array([float(c) for c in found.coefficients])
    root = cmath.exp(2j * cmath.pi / found.order)
    assert abs(dense @ root ** np.arange(len(dense)) - number) < 1e-9


@pytest.mark.parametrize("value", [sympy.cbrt(2), sqrt(1 + sqrt(3)), cos(1), sympy.pi, sqrt(pi)], ids=str)
def test_other_numbers_are_left_to_others(value: sympy.Expr) -> None:
    assert read_cyclotomic(value) is None


def test_the_polynomials_are_the_minimal_ones() -> None:
    x = sympy.Symbol("x")
    for n in range(3, 70):
        theirs = sympy.Poly(sympy.cyclotomic_poly(n, x), x).all_coeffs()
        assert tuple(reversed(theirs)) == cyclotomic_polynomial(n)
        real = real_polynomial(n)
        roots = [2 * math.cos(2 * math.pi * k / n) for k in range(1, n) if math.gcd(k, n) == 1]
        assert len(real) - 1 == len(roots) // 2
        values = [sum(c * r**i for i, c in enumerate(real)) for r in roots]
        assert max(map(abs, values)) < 1e-9 * max(map(abs, real)) * 2 ** len(real)
        assert order_of_field(cyclotomic_polynomial(n)) is not None


def test_equal_numbers_have_equal_images() -> None:
    a, b = cos(2 * pi / 13), sin(2 * pi / 13)
    domain, (x, y, one) = common_domain([a, b, sympy.Integer(1)])
    assert x**2 + y**2 == one
    assert domain.mod.degree() == 12


def test_rational_combinations_stay_rational() -> None:
    value = cos(2 * pi / 7) + cos(4 * pi / 7) + cos(6 * pi / 7)
    field, ((m, denominator),) = common_field([sympy.ImmutableMatrix([[value]])])
    assert field.degree == 1
    assert m.parts[0].toarray().tolist() == [[-1]]
    assert denominator == 2


def test_numbers_are_written_shortly() -> None:
    a, b = cos(2 * pi / 13), sin(2 * pi / 13)
    assert short_number(a**2 + b**2) == 1
    assert short_number(1 / (1 + sqrt(2))) == sqrt(2) - 1
    long = (a + b) ** 5 - a * b
    assert abs(short_number(long).evalf() - long.evalf()) < 1e-12


# ---- irreducible representations over such fields -------------------------------------------------------


def _expected(n: int, a: int, b: int, c: int) -> int:
    """Hom of frequencies a x b -> c of Z_n, all of two dimensions: pairs of equal characters."""
    return sum((s * a + t * b - u * c) % n == 0 for s in (1, -1) for t in (1, -1) for u in (1, -1))


@pytest.mark.parametrize("n", [5, 7, 13, 16, 25, 29, 37, 48, 61, 64])
def test_tensor_products_of_cyclic_irreps(n: int) -> None:
    G = dv.cyclic(n)
    V = {W.name: W for W in dv.irreps(G)}
    assert sum(W.dim for W in V.values()) == n
    top = (n - 1) // 2
    started = time.perf_counter()
    for a, b, c in {(1, 2, min(3, top)), (1, 1, 2), (top, top, 1), (1, top, top)}:
        solution = dv.solve(V[f"f{a}"] * V[f"f{b}"], V[f"f{c}"])
        assert solution.dim == _expected(n, a, b, c)
        assert solution.certificate.holds
    assert time.perf_counter() - started < 15  # about 0.5 s on a free machine; it used to be minutes


@pytest.mark.parametrize("n", [7, 13, 23])
def test_tensor_products_of_dihedral_irreps(n: int) -> None:
    """Over O(2) the same pairs, half of them: the mirror joins each with its opposite."""
    V = {W.name: W for W in dv.irreps(dv.dihedral(n))}
    for a, b, c in ((1, 2, 3), (1, 1, 2), (1, 2, 2), (2, 3, n - 5 if n < 11 else 5)):
        solution = dv.solve(V[f"f{a}"] * V[f"f{b}"], V[f"f{c}"])
        assert solution.dim == _expected(n, a, b, c) // 2
        assert solution.certificate.holds


def test_products_of_cyclic_groups() -> None:
    V = dv.outer(dv.irreps(dv.cyclic(13))[1], dv.irreps(dv.cyclic(11))[2])
    solution = dv.solve(V, V)
    assert solution.dim == 4
    assert solution.certificate.holds


def test_irrational_maps_are_right_numerically() -> None:
    """Regular to frequency 2 of Z_17: every basis element against floating-point matrices."""
    G = dv.cyclic(17)
    R, V = dv.regular(G), dv.irreps(G)[2]
    solution = dv.solve(R, V)
    assert solution.dim == 2
    assert solution.certificate.holds
    left, right = (np.array(W.matrix("r").evalf().tolist(), dtype=float) for W in (V, R))
    for k in range(2):
        a = np.array([[complex(sympy.N(e)).real for e in row] for row in solution.basis[k].dense()])
        assert abs(a).max() > 0.1
        assert np.allclose(left @ a, a @ right)


def test_a_matrix_group_of_rotations_and_its_dual() -> None:
    t = 2 * pi / 11
    turn = [[cos(t), -sin(t)], [sin(t), cos(t)]]
    G = dv.matrix_group({"r": turn, "m": [[1, 0], [0, -1]]}, relations=["r^11"])
    V = dv.defining(G)
    assert V.dual == V  # orthogonal
    solution = dv.solve(V * V, V * V)
    assert solution.dim == 3
    assert solution.certificate.holds
