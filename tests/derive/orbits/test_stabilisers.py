"""Every kind of stabiliser against the listed group, and the proofs that recognise large groups."""

from __future__ import annotations

from math import factorial, lcm

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy.combinatorics import Permutation, PermutationGroup
from sympy.combinatorics.named_groups import AlternatingGroup

from derive.errors import TooLargeError
from derive.orbits import giants, schreier
from derive.orbits import recognise as recognising
from derive.orbits.cover import cover_map
from derive.orbits.giants import Giant, recognise_giant
from derive.orbits.recognise import recognise
from derive.orbits.schreier import Chain, schreier_sims
from derive.orbits.stabilisers import Abelian, Enumerated, Product, Trivial, abelian, enumerate_group
from derive.symmetry.monomial import Monomial, direct_sum, identity_map
from tests.derive.brute_force import closure, orbit_of
from tests.derive.orbits.test_cover import monomials


def moving(covers):
    return [g for g in covers if (g != np.arange(len(g))).any()]


def check_stabilisers(group, covers, size, order):
    """The stabiliser of each point, and of a further point in it, holds exactly the right elements."""
    elements = closure(covers, size * order)
    assert closure(list(group.generators), size * order) == elements
    for x in range(min(size, 3)):
        fixing = [g for g in elements if g[x * order] // order == x]
        inner = group.stabiliser(x)
        assert closure(list(inner.generators), size * order) == fixing
        deeper = inner.stabiliser(size - 1)
        both = [g for g in fixing if g[(size - 1) * order] // order == size - 1]
        assert closure(list(deeper.generators), size * order) == both


@given(monomials(most=5))
def test_recognised_stabilisers(case):
    n, order, maps = case
    assume(order**n * factorial(n) < 4000)
    covers = [cover_map(m, order) for m in maps]
    check_stabilisers(recognise(n, order, covers), covers, n, order)


@given(monomials(most=5))
def test_schreier_sims_stabilisers(case):
    n, order, maps = case
    covers = moving([cover_map(m, order) for m in maps])
    assume(covers and order**n * factorial(n) < 4000)
    chain = schreier_sims(n, order, covers)
    assert chain.group_order == len(closure(covers, n * order))
    check_stabilisers(chain, covers, n, order)


@given(st.lists(st.permutations(range(9)), min_size=1, max_size=3))
def test_schreier_sims_order(permutations):
    generators = moving([np.array(p) for p in permutations])
    assume(generators)
    expected = PermutationGroup([Permutation(g.tolist()) for g in generators]).order()
    assert schreier_sims(9, 1, generators).group_order == expected


@given(
    monomials(most=4),
    monomials(most=4),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3),
)
def test_abelian_stabilisers(left, right, exponents):
    """Products of powers of two maps with disjoint supports commute."""
    assume(left[2] and right[2])
    a, b, order = left[2][0], right[2][0], lcm(left[1], right[1])
    a, b = direct_sum([a, identity_map(right[0])]), direct_sum([identity_map(left[0]), b])
    generators = [cover_map(power(a, i) * power(b, j), order) for i, j in exponents]
    size = left[0] + right[0]
    check_stabilisers(abelian(size, order, generators), generators, size, order)


def power(m, k):
    result = identity_map(m.dim)
    for _ in range(k):
        result = result * m
    return result


def test_abelian_with_relations_between_generators():
    ring = np.arange(12)
    generators = [(ring + 4) % 12, (ring + 6) % 12, (ring + 3) % 12]
    group = abelian(12, 1, generators)
    assert isinstance(group, Abelian)
    check_stabilisers(group, generators, 12, 1)


def test_a_torus_has_a_trivial_stabiliser():
    points = np.arange(60).reshape(6, 10)
    shifts = [np.roll(points, 1, axis).ravel() for axis in (0, 1)]
    assert isinstance(recognise(60, 1, shifts).stabiliser(7), Trivial)


def test_disjoint_generators_form_a_product():
    a, b = np.r_[1, 2, 0, 3:8], np.r_[0:3, 4, 5, 6, 7, 3]
    a2, b2 = np.r_[1, 0, 2:8], np.r_[0:3, 4, 3, 5:8]
    group = recognise(8, 1, [a, b, a2, b2])
    assert isinstance(group, Product)
    check_stabilisers(group, [a, b, a2, b2], 8, 1)


def test_small_groups_are_listed_and_share_stabilisers():
    points = np.arange(49).reshape(7, 7)
    generators = [np.rot90(points).ravel(), points[::-1].ravel()]
    group = enumerate_group(49, 1, generators)
    assert isinstance(group, Enumerated)
    assert len(group.elements) == 8
    found = group.stabilisers(np.arange(49))
    assert sorted(len(s.generators) for _, s in found) == [0, 1, 1, 1, 1, 2]
    assert sorted(np.concatenate([i for i, _ in found]).tolist()) == list(range(49))


def signed_generators(n, sign_part):
    """Signed permutations with alternating or symmetric part and a diagonal part."""
    ring, zero = (np.arange(n) + 1) % n, np.zeros(n, dtype=int)
    swap = np.r_[1, 0, 2:n]
    first = np.eye(1, n, dtype=int)[0]
    both = first + np.eye(1, n, 1, dtype=int)[0]
    maps = [Monomial(ring, zero, 2), Monomial(swap, zero, 2)]
    maps += {"B": [Monomial(np.arange(n), first, 2)], "D": [Monomial(np.arange(n), both, 2)], "S": []}[
        sign_part
    ]
    maps += [Monomial(np.arange(n), zero + 1, 2)] if sign_part == "S" else []
    return [cover_map(m, 2) for m in maps]


@pytest.mark.parametrize(("kind", "factor"), [("B", 2**9), ("D", 2**8), ("S", 2)])
def test_signed_giants(kind, factor):
    n, covers = 9, signed_generators(9, kind)
    giant = recognise_giant(n, 2, covers, recognise)
    assert isinstance(giant, Giant)
    order = factorial(n) * factor
    assert schreier_sims(n, 2, list(giant.generators)).group_order == order
    assert schreier_sims(n, 2, covers).group_order == order
    point = giant.stabiliser(4)
    assert schreier_sims(n, 2, list(point.generators)).group_order == order // n
    pair = point.stabiliser(8)
    assert schreier_sims(n, 2, list(pair.generators)).group_order == order // n // (n - 1)


@pytest.mark.parametrize("parity", ["A", "S"])
def test_giants_with_a_sign_character(parity):
    n = 10
    cycle, three, swap = np.r_[0, 2:n, 1], np.r_[1, 2, 0, 3:n], np.r_[1, 0, 2:n]
    images = [cycle, three] + ([swap] if parity == "S" else [])
    maps = [
        Monomial(np.r_[p, n], np.r_[np.zeros(n, int), 0 if i < 2 else 1], 2) for i, p in enumerate(images)
    ]
    covers = [cover_map(m, 2) for m in maps]
    giant = recognise_giant(n + 1, 2, covers, recognise)
    assert isinstance(giant, Giant)
    for group in (giant, giant.stabiliser(3)):
        length = 1 if group is giant else n
        expected = AlternatingGroup(n).order() * (2 if parity == "S" else 1) // length
        assert schreier_sims(n + 1, 2, list(group.generators)).group_order == expected


def test_a_giant_is_found_from_random_generators():
    random = np.random.default_rng(3)
    group = recognise(64, 1, [random.permutation(64) for _ in range(2)])
    assert isinstance(group, Giant)
    assert len(orbit_of(5, group.stabiliser(9).base_maps())) == 63


@pytest.mark.parametrize("n", [9, 10])
def test_joined_short_cycles_prove_a_giant(n, monkeypatch):
    """Transpositions give the symmetric group, 3-cycles the alternating one; blocks are not joined."""
    monkeypatch.setattr(giants, "_has_prime_cycle", lambda *a: False)
    ring, swap, three = np.r_[1:n, 0], np.r_[1, 0, 2:n], np.r_[1, 2, 0, 3:n]
    odd_ring = ring if n % 2 else np.r_[0, 2:n, 1]
    for generators, order in (([ring, swap], factorial(n)), ([three, odd_ring], factorial(n) // 2)):
        giant = recognise_giant(n, 1, generators, recognise)
        assert isinstance(giant, Giant)
        assert schreier_sims(n, 1, list(giant.generators)).group_order == order
    paired = np.r_[1, 0, 2 : 2 * n], np.roll(np.arange(2 * n), 2)
    assert recognise_giant(2 * n, 1, paired, recognise) is None


def test_transitive_groups_that_are_not_giant_are_not_taken_for_one():
    blocks = np.arange(16).reshape(2, 8)
    imprimitive = [blocks[::-1].ravel(), np.r_[1, 0, 2:16], np.r_[1:8, 0, 8:16]]
    assert recognise_giant(16, 1, imprimitive, recognise) is None
    chain = recognise(16, 1, imprimitive)
    assert isinstance(chain, Chain)
    assert chain.group_order == factorial(8) ** 2 * 2


def test_a_long_prime_cycle_alone_proves_nothing():
    """PSL(2,7) on 8 points is 2-transitive and holds a 7-cycle, but has 168 elements."""
    images = [np.array([(x + 1) % 7 for x in range(7)] + [7]), np.array([7, 6, 3, 2, 5, 4, 1, 0])]
    assert recognise_giant(8, 1, images, recognise) is None
    assert schreier_sims(8, 1, images).group_order == 168


def test_chains_too_large_to_store_or_to_verify_are_refused(monkeypatch):
    generators = [np.r_[1:12, 0], np.r_[1, 0, 2:12]]
    monkeypatch.setattr(schreier, "STEPS", 1000)
    with pytest.raises(
        TooLargeError, match=r"group must be verified within 1e\+03 steps by Schreier-Sims, got about"
    ):
        schreier_sims(12, 1, generators)
    monkeypatch.setattr(schreier, "ENTRIES", 300)
    with pytest.raises(TooLargeError, match="group must have a stabiliser chain of at most 0 GiB, got"):
        schreier_sims(12, 1, generators)


def test_unknown_large_groups_are_refused(monkeypatch):
    monkeypatch.setattr(recognising, "LARGEST_DEGREE", 15)
    imprimitive = [np.arange(16).reshape(2, 8)[::-1].ravel(), np.r_[1, 0, 2:16], np.r_[1:8, 0, 8:16]]
    with pytest.raises(
        TooLargeError, match=r"group may move at most 15 signed points .*, got 16; state a group"
    ):
        recognise(16, 1, imprimitive)
