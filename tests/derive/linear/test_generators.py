"""The parts of method 3: quarter turns, conjugate generators, one basis whatever the way there."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import expm

from derive.linear import generators as linear
from derive.linear.generators import LinearSystem, solve_linear
from derive.linear.quarter_turns import as_monomial, monomial_turns, quarter_turn
from derive.symmetry.catalogue import cyclic
from derive.symmetry.irreps import irreps
from derive.symmetry.lie import (
    general_linear,
    lorentz,
    orthogonal,
    special_linear,
    special_orthogonal,
    symplectic,
)
from derive.symmetry.standard import defining

TURNS = [
    [[0, -1], [1, 0]],
    [[0, -3], [3, 0]],
    [[0, -2], [2, 0]],
    [[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -3], [0, 0, 3, 0]],
    [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
]
BOOSTS = [
    [[0, 1], [1, 0]],
    [[1, 0], [0, -1]],
    [[2, 0], [0, -3]],
    [[0, 3], [3, 0]],
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]],
]


@pytest.mark.parametrize(("x", "unit"), [(x, 1) for x in TURNS] + [(x, 1j) for x in BOOSTS])
def test_quarter_turns_are_exponentials(x, unit):
    real, imaginary = quarter_turn(np.array(x))
    exact = real.astype(float) + 1j * imaginary.astype(float)
    assert np.allclose(exact, expm(np.pi / 2 * unit * np.array(x)), atol=1e-12)
    assert as_monomial(real, imaginary) is not None


@pytest.mark.parametrize("x", [[[0, 1], [0, 0]], [[0, -1], [2, 0]], [[1, 1], [0, 2]], [[0, 7], [-7, 0]]])
def test_other_elements_have_no_exact_quarter_turn_or_none_that_is_monomial(x):
    turn = quarter_turn(np.array(x))
    assert turn is None or as_monomial(*turn) is None


def test_fractions_are_read():
    third = np.array([[0, Fraction(-1, 3)], [3, 0]], dtype=object)
    real, _ = quarter_turn(third)
    assert (real == third).all()
    assert as_monomial(real, real * 0) is None


def test_unipotent_generators_turn_in_pairs():
    """In SL(2) neither e01 nor e10 is a turn; their difference is."""
    e, f = np.array([[0, 1], [0, 0]]), np.array([[0, 0], [1, 0]])
    assert monomial_turns([(e,)]) == []
    assert any((m.image == [1, 0]).all() for (m,) in monomial_turns([(e,), (f,)]))


def system(G, k, l):
    [(_, V)] = defining(G).blocks
    return LinearSystem((V,) * l, (V,) * k, G.algebra, G.discrete)


@pytest.mark.parametrize(
    ("G", "count"),
    [(special_orthogonal(5), 1), (lorentz(), 1), (lorentz(full=True), 1), (special_linear(3), 2)],
    ids=lambda x: getattr(x, "name", None),
)
def test_one_generator_of_each_class_is_eliminated(G, count, monkeypatch):
    """SL(3): one unipotent element and one dilation, which are not conjugate."""
    seen = []
    original = linear._derivation
    monkeypatch.setattr(linear, "_derivation", lambda *a: seen.append(1) or original(*a))
    solve_linear(system(G, 1, 1))
    assert len(seen) == count


GROUPS = [
    special_orthogonal(3),
    orthogonal(3),
    lorentz(full=True),
    special_linear(2),
    general_linear(2),
    symplectic(2),
]


@pytest.mark.parametrize("G", GROUPS, ids=lambda G: G.name)
def test_the_basis_does_not_depend_on_the_way(G, monkeypatch):
    """With or without the monomial subgroup, python-flint or NumPy: the same integers."""
    quick = solve_linear(system(G, 2, 2))
    slow = solve_linear(system(G, 2, 2), use_flint=False)
    monkeypatch.setattr(linear, "monomial_turns", lambda elements: [])
    plain = solve_linear(system(G, 2, 2))
    for other in (slow, plain):
        assert quick.shape == other.shape
        assert quick.parts == other.parts


def test_irrational_matrices_have_rational_invariants():
    [(_, V)] = irreps(cyclic(5))[1].blocks
    found = solve_linear(LinearSystem((V, V), (V, V), (), ("r",)))
    fallback = solve_linear(LinearSystem((V, V), (V, V), (), ("r",)), use_flint=False)
    assert found.shape == (16, 6)
    assert not any(p.nnz for p in found.parts[1:])
    assert found.parts[0] == fallback.parts[0]
