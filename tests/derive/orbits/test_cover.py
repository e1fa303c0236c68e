"""Orbits with signs against point-by-point search, and words that can be replayed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from derive.orbits.cover import collect, components, cover_map, inverse, signed_orbits, witness
from derive.symmetry.monomial import Monomial
from tests.derive.brute_force import orbit_of


@st.composite
def monomials(draw, most=7):
    n, order = draw(st.integers(1, most)), draw(st.sampled_from([1, 2, 3, 4]))
    count = draw(st.integers(0, 3))
    return (
        n,
        order,
        [
            Monomial(
                np.array(draw(st.permutations(range(n)))),
                np.array(draw(st.lists(st.integers(0, order - 1), min_size=n, max_size=n))),
                order,
            )
            for _ in range(count)
        ],
    )


@given(monomials())
def test_signed_orbits_are_the_orbits_of_the_cover(case):
    n, order, maps = case
    covers = [cover_map(m, order) for m in maps]
    found = signed_orbits(covers, n, order)
    for x in range(n):
        reached = orbit_of(x * order, covers)
        least = min(y // order for y in reached)
        turned = sum(y // order == x for y in reached) > 1
        assert (found.labels[x] < 0) == turned
        assert least in (found.vanishing if turned else found.representatives)
        if not turned:
            assert found.representatives[found.labels[x]] == least
            back = orbit_of(least * order, covers)
            assert x * order + found.phase[x] in back
    assert list(found.representatives) == sorted(found.representatives)
    assert (found.phase[found.representatives] == 0).all()


@given(monomials())
def test_words_replay(case):
    n, order, maps = case
    covers = {f"g{i}": cover_map(m, order) for i, m in enumerate(maps)}
    for goal in range(n * order):
        word = witness(covers, 0, goal)
        assert (word is None) == (goal not in orbit_of(0, list(covers.values())))
        at = 0
        for name, e in reversed(word or ()):
            for _ in range(abs(e)):
                at = int((covers[name] if e > 0 else inverse(covers[name]))[at])
        assert word is None or at == goal


def test_components_are_numbered_by_least_members():
    labels, least = components([np.array([3, 1, 4, 0, 2])], 5)
    assert labels.tolist() == [0, 1, 2, 0, 2]
    assert least.tolist() == [0, 1, 2]


def test_a_vanishing_orbit_has_a_word_that_returns_with_a_sign():
    turn = cover_map(Monomial(np.array([1, 0]), np.array([0, 1]), 2), 2)
    found = signed_orbits([turn], 2, 2)
    assert found.labels.tolist() == [-1, -1]
    assert found.vanishing.tolist() == [0]
    assert witness({"r": turn}, 0, 1) == (("r", 2),)


def test_words_join_equal_letters():
    assert collect([("a", 1), ("a", 1), ("b", 1), ("b", -1), ("a", 1)]) == (("a", 3),)
