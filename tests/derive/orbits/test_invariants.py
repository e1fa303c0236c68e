"""Invariant tensors: descending against listing, leaves for lowering, words, refusals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import SizeError, TooLargeError
from derive.orbits import orbitals as descending
from derive.orbits import schreier
from derive.orbits import stabilisers as chain
from derive.orbits.cover import inverse
from derive.orbits.invariants import InvariantTensors, invariant_tensors
from derive.orbits.orbitals import TensorAxis, product_maps
from derive.symmetry.catalogue import cyclic, dihedral, hyperoctahedral, symmetric
from derive.symmetry.constructions import wreath
from derive.symmetry.monomial import Monomial
from derive.symmetry.outer import outer
from derive.symmetry.representation import trivial
from derive.symmetry.standard import permutation


def both_routes(names, axes) -> list[InvariantTensors]:
    """Listed, and found by going down stabilisers."""
    before = descending.LIST_LIMIT
    out = []
    try:
        for limit in (10**9, 0):
            descending.LIST_LIMIT = limit
            out.append(invariant_tensors(names, axes))
    finally:
        descending.LIST_LIMIT = before
    assert [t.listed for t in out] == [True, False]
    return out


@st.composite
def problems(draw):
    """Axes of up to three kinds, some repeated, some dual, with phases."""
    count, order = draw(st.integers(0, 3)), draw(st.sampled_from([1, 1, 2, 3, 4]))
    kinds = []
    for _ in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 5))
        phases = st.lists(st.integers(0, order - 1), min_size=n, max_size=n)
        images = [draw(st.permutations(range(n))) for _ in range(count)]
        kinds.append((n, tuple(Monomial(np.array(p), np.array(draw(phases)), order) for p in images)))
    axes = draw(st.lists(st.tuples(st.sampled_from(kinds), st.booleans()), min_size=1, max_size=4))
    return [f"g{i}" for i in range(count)], [TensorAxis(maps, n, dual) for (n, maps), dual in axes]


@settings(max_examples=100)
@given(problems())
def test_descending_finds_what_listing_finds(problem):
    listed, descended = both_routes(*problem)
    assert listed.dim == descended.dim
    assert (listed.labels == descended.labels).all()
    assert (listed.phases == descended.phases).all()
    assert listed.vanishing() == descended.vanishing()
    for k in range(listed.dim):
        for tensors in (listed, descended):
            x = tensors.representative(k)
            assert tensors.labels[x] == k
            assert tensors.phases[x] == 0
            points, phases = tensors.members(k)
            assert tensors.size(k) == len(points) == (tensors.labels == k).sum()
            assert (tensors.labels[tuple(points.T)] == k).all()
            assert (tensors.phases[tuple(points.T)] == phases).all()
            assert tuple(points[0]) == x


@settings(max_examples=100)
@given(problems())
def test_descending_by_schreier_sims(problem):
    """The same when small groups are not listed, so that every group needs its chain."""
    before = chain.ENUMERATED_ELEMENTS
    try:
        chain.ENUMERATED_ELEMENTS = 1
        listed, descended = both_routes(*problem)
    finally:
        chain.ENUMERATED_ELEMENTS = before
    assert (listed.labels == descended.labels).all()
    assert listed.dim == descended.dim
    assert [listed.representative(k) for k in range(listed.dim)] == [
        descended.representative(k) for k in range(descended.dim)
    ]


@settings(max_examples=100)
@given(problems())
def test_slices_hold_the_labels(problem):
    for tensors in both_routes(*problem):
        seen = 0
        for prefix, labels, phases in tensors.slices():
            assert (tensors.labels[prefix] == labels).all()
            assert (tensors.phases[prefix] == phases).all()
            seen += len(np.unique(labels[labels >= 0]))
        assert seen == tensors.dim


@settings(max_examples=100)
@given(problems())
def test_complete_leaves_are_patterns(problem):
    """A complete leaf is exactly what its pattern and ranges say; brute force over all tuples."""
    listed, descended = both_routes(*problem)
    for k in range(listed.dim):
        leaf = descended.leaf(k)
        assert leaf.size == listed.leaf(k).size
        assert leaf.pattern == listed.leaf(k).pattern
        described = {x for x in product(*map(range, listed.shape)) if fits(x, leaf, listed.axes)}
        members = set(map(tuple, np.argwhere(listed.labels == k).tolist()))
        assert members <= described
        plain = bool((listed.phases[listed.labels == k] == 0).all())
        if leaf.complete:
            assert plain
            assert members == described


def fits(x, leaf, axes):
    """Equal within blocks, different between blocks of one set, in the ranges."""
    kinds = {}
    for value, block, axis in zip(x, leaf.pattern, axes, strict=True):
        if (
            kinds.setdefault(block, (axis.maps, axis.size, value))[2] != value
            or value not in leaf.ranges[block]
        ):
            return False
    return len(set(kinds.values())) == len(kinds)


@settings(max_examples=60)
@given(problems())
def test_words_take_members_to_representatives_and_vanishing_tuples_to_their_negatives(problem):
    names, axes = problem
    tensors = both_routes(names, axes)[1]
    covers = dict(zip(names, product_maps(axes, tensors.order), strict=True))
    for x in list(np.ndindex(tensors.shape))[:12]:
        at = start = int(np.ravel_multi_index(x, tensors.shape)) * tensors.order
        for name, e in reversed(tensors.word(x)):
            for _ in range(abs(e)):
                at = int((covers[name] if e > 0 else inverse(covers[name]))[at])
        label = tensors.labels[x]
        if label < 0:
            assert at != start
            assert at // tensors.order == start // tensors.order
        else:
            goal = np.ravel_multi_index(tensors.representative(label), tensors.shape)
            assert at // tensors.order == goal
            assert (at + tensors.phases[x]) % tensors.order == 0


def axis(V, dual=False):
    maps = tuple(V.monomial(g) for g in V.group.generators)
    return TensorAxis(maps, V.dim, dual)


def test_leaves_of_graph_tensors():
    """S_n on matrices: the fifteen set partitions of four axes, each an einsum over diagonals."""
    n = 50
    tensors = invariant_tensors(("c", "s"), [axis(permutation(symmetric(n)))] * 4)
    leaves = [tensors.leaf(k) for k in range(tensors.dim)]
    assert len({leaf.pattern for leaf in leaves}) == 15
    assert leaves[0].pattern == (0, 0, 0, 0)
    assert leaves[0].size == n
    assert leaves[-1].pattern == (0, 1, 2, 3)
    assert leaves[-1].size == n * (n - 1) * (n - 2) * (n - 3)
    assert all(leaf.complete for leaf in leaves)
    assert all(len(r) == n for leaf in leaves for r in leaf.ranges)


def test_leaves_with_signs_and_fixed_coordinates():
    B = hyperoctahedral(30)
    maps = tuple(B.image(g) for g in B.generators)
    tensors = invariant_tensors(
        B.generators, [TensorAxis(maps, 30), TensorAxis(maps, 30)] + [TensorAxis(maps, 30, True)] * 2
    )
    assert [tensors.leaf(k).pattern for k in range(4)] == [(0,) * 4, (0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0)]
    assert all(tensors.leaf(k).complete for k in range(4))
    cube = invariant_tensors(("r",), [axis(permutation(cyclic(100)))] * 2)
    assert cube.leaf(0).complete
    assert not cube.leaf(1).complete
    V = permutation(symmetric(60))
    fixed = outer(V, trivial(symmetric(2))) + outer(trivial(V.group), permutation(symmetric(2)))
    maps = tuple(fixed.monomial(g) for g in fixed.group.generators)
    small = invariant_tensors(fixed.group.generators, [TensorAxis(maps, 62)] * 2)
    assert {tuple(map(len, small.leaf(k).ranges)) for k in range(small.dim)} == {
        (60,),
        (2,),
        (60, 60),
        (60, 2),
        (2, 60),
        (2, 2),
    }
    assert all(small.leaf(k).complete for k in range(small.dim))


def test_one_row_of_a_circulant():
    ring = axis(permutation(cyclic(5000)))
    tensors = invariant_tensors(("r",), [ring, ring])
    [(prefix, labels, phases)] = tensors.slices()
    assert prefix == (0,)
    assert (labels == np.arange(5000)).all()
    assert not phases.any()
    points, _ = tensors.members(7)
    assert ((points[:, 1] - points[:, 0]) % 5000 == 7).all()


def test_words_of_a_dihedral_orbit():
    ring = axis(permutation(dihedral(6)))
    tensors = invariant_tensors(("r", "m"), [ring, ring])
    assert tensors.word((0, 1)) == ()
    assert tensors.word((1, 2)) == (("r", -1),)
    with pytest.raises(
        SizeError, match=r"member must lie in a vanishing orbit, got \(0, 1\); see \.vanishing"
    ):
        tensors.vanishing_word((0, 1))
    with pytest.raises(SizeError, match=r"member must be a tuple of indices below \(6, 6\), got \(0, 9\)"):
        tensors.word((0, 9))


def test_large_answers_are_described_but_not_listed():
    big = axis(permutation(symmetric(20000)))
    tensors = invariant_tensors(("c", "s"), [big] * 4)
    assert tensors.dim == 15
    assert tensors.size(14) == 20000 * 19999 * 19998 * 19997
    with pytest.raises(TooLargeError, match=r"labels must fit in 2 GiB, got about .*e\+\d+ bytes"):
        _ = tensors.labels
    with pytest.raises(TooLargeError, match=r"orbit 14 must fit in 2 GiB"):
        tensors.members(14)
    assert len(tensors.members(0)[0]) == 20000


def test_products_are_listed_when_a_chain_is_out_of_reach(monkeypatch):
    """Nine sets of nine points: when the chain would be too long, the 6,561 pairs are few."""
    monkeypatch.setattr(schreier, "STEPS", 10**6)
    W = permutation(wreath(symmetric(9), 9))
    tensors = invariant_tensors(W.group.generators, [axis(W), axis(W, True)])
    assert tensors.listed
    assert tensors.dim == 3
    monkeypatch.setattr(descending, "LIST_ENTRIES", 10)
    with pytest.raises(TooLargeError, match="group must be verified within"):
        invariant_tensors(W.group.generators, [axis(W), axis(W, True)])


def test_too_many_stabilisers_are_refused(monkeypatch):
    monkeypatch.setattr(descending, "NODE_LIMIT", 3)
    V = axis(permutation(symmetric(20)))
    with pytest.raises(TooLargeError, match="orbits may need at most 3 stabilisers"):
        invariant_tensors(("c", "s"), [V] * 6)
