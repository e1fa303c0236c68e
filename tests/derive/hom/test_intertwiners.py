"""Intertwiners: known dimensions, random groups against brute force, copies, elements, figures, bad input."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, Matrix, Rational, Symbol, sqrt

from derive.errors import RepresentationError, SizeError, SymbolicError, TooLargeError
from derive.hom.intertwiners import intertwiners
from derive.hom.tensors import LinearTensors, OrbitTensors, ProductTensors
from derive.orbits import orbitals as descending
from derive.symmetry.catalogue import alternating, cyclic, dihedral, hyperoctahedral, point_group, symmetric
from derive.symmetry.constructions import wreath
from derive.symmetry.given import matrix_group, permutation_group
from derive.symmetry.group import Group
from derive.symmetry.irreps import irreps
from derive.symmetry.lie import (
    general_linear,
    lorentz,
    orthogonal,
    special_linear,
    special_orthogonal,
    symplectic,
)
from derive.symmetry.outer import outer
from derive.symmetry.representation import Representation, alt, sym, trivial
from derive.symmetry.standard import defining, permutation, regular, sign
from tests.derive.brute_force import check_against_brute_force, equations, nullity


@pytest.fixture(params=["listed", "descended"])
def route(request, monkeypatch):
    """Both ways to find orbits: listing small products, and going down stabilisers."""
    if request.param == "descended":
        monkeypatch.setattr(descending, "LIST_LIMIT", 0)


def cube_faces(name):
    """The six faces of the cube, permuted by a point group."""
    G = point_group(name, dim=3)
    normals = [tuple(s * int(i == j) for j in range(3)) for i in range(3) for s in (1, -1)]
    moved = {g: [tuple(int(x) for x in G.matrix(g) * Matrix(n)) for n in normals] for g in G.generators}
    images = {g: [[int(a == b) for b in m] for a in normals] for g, m in moved.items()}
    return Representation(G, images)


def cycle(n):
    return permutation(dihedral(n))


def direct_sum(V, W):
    """V of one group plus W of another, of their product."""
    return outer(V, trivial(W.group)) + outer(trivial(V.group), W)


S, A, B, Z = (lambda n, G=G: defining(G(n)) for G in (symmetric, alternating, hyperoctahedral, cyclic))

KNOWN = [
    (S(2), 1, 0, 1),
    (S(2), 3, 3, 32),
    (S(4), 1, 0, 1),
    (S(4), 1, 1, 2),
    (S(4), 2, 1, 5),
    (S(4), 2, 3, 51),
    (S(5), 0, 1, 1),
    (S(5), 1, 2, 5),
    (S(6), 1, 1, 2),
    (S(6), 0, 2, 2),
    (A(3), 2, 2, 27),
    (A(5), 2, 2, 16),
    (2 * S(5), 1, 1, 8),
    (Z(4), 1, 1, 4),
    (Z(12), 1, 1, 12),
    (cycle(3), 1, 1, 2),
    (cycle(12), 1, 1, 7),
    (direct_sum(S(3), S(3)), 1, 1, 6),
    (direct_sum(Z(3), Z(4)), 1, 1, 9),
    (outer(Z(3), S(4)), 1, 1, 6),
    (cube_faces("O"), 1, 1, 3),
    (cube_faces("Oh"), 1, 1, 3),
    (B(1), 1, 1, 1),
    (B(1), 2, 0, 1),
    (B(2), 2, 0, 1),
    (B(2), 2, 2, 4),
    (B(2), 1, 2, 0),
    (B(4), 1, 1, 1),
]

LIE = [
    (orthogonal(2), 2, 0, 1),
    (orthogonal(2), 1, 3, 3),
    (special_orthogonal(3), 2, 2, 3),
    (orthogonal(3), 2, 0, 1),
    (lorentz(), 1, 1, 1),
    (lorentz(), 2, 0, 1),
    (lorentz(), 2, 1, 0),
    (lorentz(), 2, 2, 4),
    (lorentz(full=True), 2, 2, 3),
    (special_orthogonal(3), 4, 3, 36),
    (special_orthogonal(3), 8, 0, 91),
    (special_orthogonal(4), 4, 2, 25),
    (lorentz(full=True), 3, 3, 15),
    (special_linear(2), 2, 2, 2),
    (special_linear(2), 4, 0, 2),
    (special_linear(3), 3, 3, 6),
    (special_linear(3), 3, 0, 1),
    (general_linear(3), 2, 2, 2),
    (general_linear(2), 2, 1, 0),
    (symplectic(2), 2, 2, 3),
    (symplectic(1), 4, 0, 2),
]


def power_name(case):
    return f"{case[0].group.name}-{case[0].name}^{case[1]}->{case[2]}"


@pytest.mark.parametrize(("V", "k", "l", "dim"), KNOWN, ids=map(power_name, KNOWN))
def test_known_dimensions(V, k, l, dim, route):
    answer = intertwiners(V**k, V**l)
    assert answer.dim == dim
    if V.dim ** (k + l) < 300:
        check_against_brute_force(V**k, V**l, answer)


@pytest.mark.parametrize(("G", "k", "l", "dim"), LIE, ids=lambda x: x.name if isinstance(x, Group) else None)
def test_known_dimensions_of_lie_groups(G, k, l, dim):
    V = defining(G)
    answer = intertwiners(V**k, V**l)
    assert answer.dim == dim
    if V.dim ** (k + l) < 300:
        check_against_brute_force(V**k, V**l, answer)


@pytest.mark.parametrize(
    ("into", "out", "dim"), [(0, 3, 0), (1, 1, 2), (1, 2, 0), (1, 3, 0), (3, 3, 2), (0, 0, 1)]
)
def test_frequencies_of_the_circle(into, out, dim):
    of = irreps(special_orthogonal(2), max_frequency=3)
    assert intertwiners(of[into], of[out]).dim == dim


@pytest.mark.parametrize(("j", "k"), list(product(range(4), repeat=2)))
def test_characters_of_z4(j, k, route):
    G = cyclic(4)
    V, W = (Representation(G, {"r": [[I**e]]}) for e in (j, k))
    answer = intertwiners(V, W)
    assert answer.dim == (j == k)
    check_against_brute_force(V, W, answer)
    check_against_brute_force(V**3 * W, permutation(G), intertwiners(V**3 * W, permutation(G)))


@pytest.mark.parametrize(
    ("V", "W"),
    [
        (sym(defining(special_orthogonal(3)), 2), defining(special_orthogonal(3)) ** 2),
        (alt(defining(special_orthogonal(3)), 2), defining(special_orthogonal(3))),
        (sym(S(4), 2), alt(S(4), 2) + S(4)),
        (irreps(cyclic(5))[1] ** 2, irreps(cyclic(5))[1] + irreps(cyclic(5))[2]),
        (irreps(cyclic(5))[2], permutation(cyclic(5))),
        (irreps(dihedral(5))[-1] ** 2, irreps(dihedral(5))[-2] + sign(dihedral(5))),
        (irreps(dihedral(3))[-1], regular(dihedral(3))),
        (defining(point_group("C3")), regular(point_group("C3"))),
        (defining(point_group("D6")), regular(point_group("D6")) + sign(point_group("D6"))),
        pytest.param(
            defining(point_group("Oh", 3)) ** 2, regular(point_group("Oh", 3)).dual, marks=pytest.mark.slow
        ),
        (permutation(wreath(cyclic(3), 2)), permutation(wreath(cyclic(3), 2))),
        (2 * S(3) + sign(symmetric(3)), S(3) ** 2 + 3 * trivial(symmetric(3))),
    ],
    ids=lambda V: f"{V.group.name}:{V.name}",
)
def test_constructions_against_brute_force(V, W, route):
    check_against_brute_force(V, W, intertwiners(V, W))
    check_against_brute_force(trivial(W.group), W, intertwiners(trivial(W.group), W))


def free_group(count):
    """No relations, so that any invertible matrices represent it."""
    return Group("free", generators=tuple(f"g{i}" for i in range(count)), relations=())


@st.composite
def signed_matrices(draw, n, signs=(1, -1)):
    p = draw(st.permutations(range(n)))
    return [[draw(st.sampled_from(signs)) if p[j] == i else 0 for j in range(n)] for i in range(n)]


@st.composite
def unimodular_matrices(draw, n):
    """Products of elementary matrices, signs and half-integer shears: invertible and exact."""
    m = Matrix(draw(signed_matrices(n)))
    for _ in range(draw(st.integers(0, 2))):
        i, j = draw(st.permutations(range(n)))[:2] if n > 1 else (0, 0)
        if i != j:
            m[i, :] += draw(st.sampled_from([1, -1, Rational(1, 2)])) * m[j, :]
    return m


@st.composite
def pairs(draw, matrices, most=4):
    """Two representations of one free group, each a sum of a random one, a power of it and trivial ones."""
    G = free_group(draw(st.integers(1, 3)))
    out = []
    for _ in range(2):
        n = draw(st.integers(1, most))
        V = Representation(G, {g: draw(matrices(n)) for g in G.generators})
        shape = draw(st.sampled_from(["V", "2V", "V+1", "VV", "V*"]))
        out.append(
            {"V": V, "2V": 2 * V, "V+1": V + trivial(G), "VV": V**2 if n < 4 else V, "V*": V.dual}[shape]
        )
    return out


def permutations(n):
    return signed_matrices(n, signs=(1,))


def check_pair(pair):
    V, W = pair
    check_against_brute_force(V, W, intertwiners(V, W))


def check_descended(pair):
    before = descending.LIST_LIMIT
    try:
        descending.LIST_LIMIT = 0
        check_pair(pair)
    finally:
        descending.LIST_LIMIT = before


@settings(max_examples=100)
@given(pairs(permutations))
def test_random_permutation_groups(pair):
    check_pair(pair)
    check_descended(pair)


@settings(max_examples=100)
@given(pairs(signed_matrices))
def test_random_signed_permutation_groups(pair):
    check_pair(pair)
    check_descended(pair)


@settings(max_examples=100)
@given(pairs(unimodular_matrices, most=3))
def test_random_matrix_groups(pair):
    check_pair(pair)


@pytest.mark.slow
@settings(max_examples=1000)
@given(pairs(permutations, most=5))
def test_many_random_permutation_groups(pair):
    check_descended(pair)


@pytest.mark.slow
@settings(max_examples=1000)
@given(pairs(signed_matrices, most=5))
def test_many_random_signed_permutation_groups(pair):
    check_descended(pair)


@pytest.mark.slow
@settings(max_examples=1000)
@given(pairs(unimodular_matrices, most=4))
def test_many_random_matrix_groups(pair):
    check_pair(pair)


@settings(max_examples=100)
@given(pairs(signed_matrices, most=3))
def test_both_methods_give_one_basis(pair):
    """Orbits and null spaces both give the reduced echelon basis, so they agree entry by entry."""
    V, W = pair
    hidden = [Representation(V.group, {g: 2 * X.matrix(g) for g in X.group.generators}) for X in pair]
    by_orbits, by_elimination = intertwiners(V, W), intertwiners(*hidden)
    assert all(isinstance(p.maps.tensors, LinearTensors) for p in by_elimination.pairs)
    if len(V.blocks) == len(W.blocks) == 1 and V.blocks[0][0] == W.blocks[0][0] == 1:
        for a, b in zip(by_orbits, by_elimination, strict=True):
            assert (a.dense() == b.dense()).all()
    assert by_orbits.dim == by_elimination.dim


@pytest.mark.parametrize("n", [4, 8, 32, 256, 2048, 20000])
def test_set_partitions_at_every_size(n):
    V = permutation(symmetric(n))
    assert intertwiners(V**2, V**2).dim == 15


def test_large_groups():
    ring = permutation(cyclic(10**6))
    assert intertwiners(ring, ring).dim == 10**6
    V = defining(hyperoctahedral(300))
    assert [intertwiners(V**k, V**l).dim for k, l in [(1, 1), (2, 2), (1, 2), (3, 3)]] == [1, 4, 0, 31]
    P = permutation(alternating(300))
    assert intertwiners(P**2, P**2).dim == 15
    table = outer(permutation(symmetric(500)), permutation(symmetric(700)))
    assert intertwiners(table, table).dim == 4


def test_symmetric_group_from_random_generators():
    random = np.random.default_rng(7)
    G = permutation_group({g: random.permutation(64) for g in "ab"})
    V = permutation(G)
    assert intertwiners(V**2, V**2).dim == 15


M24_PAIRS = [23, 22, 11, 15, 17, 9, 19, 13, 20, 5, 16, 2, 21, 7, 18, 3, 10, 4, 14, 6, 8, 12, 1, 0]
M24 = {
    "a": [tuple(range(23))],
    "b": [(2, 16, 9, 6, 8), (3, 12, 13, 18, 4), (7, 17, 10, 11, 22), (14, 19, 21, 20, 15)],
    "c": [(i, j) for i, j in zip(range(24), M24_PAIRS, strict=True) if i < j],
}

RUBIK = [
    [(1, 3, 8, 6), (2, 5, 7, 4), (9, 33, 25, 17), (10, 34, 26, 18), (11, 35, 27, 19)],
    [(9, 11, 16, 14), (10, 13, 15, 12), (1, 17, 41, 40), (4, 20, 44, 37), (6, 22, 46, 35)],
    [(17, 19, 24, 22), (18, 21, 23, 20), (6, 25, 43, 16), (7, 28, 42, 13), (8, 30, 41, 11)],
    [(25, 27, 32, 30), (26, 29, 31, 28), (3, 38, 43, 19), (5, 36, 45, 21), (8, 33, 48, 24)],
    [(33, 35, 40, 38), (34, 37, 39, 36), (3, 9, 46, 32), (2, 12, 47, 29), (1, 14, 48, 27)],
    [(41, 43, 48, 46), (42, 45, 47, 44), (14, 22, 30, 38), (15, 23, 31, 39), (16, 24, 32, 40)],
]


def test_mathieu_group():
    """Five-fold transitive: as symmetric as all permutations up to five axes."""
    V = permutation(permutation_group(M24))
    assert intertwiners(V**2, V**2).dim == 15
    assert intertwiners(V**3, V**2).dim == 52


def test_rubiks_cube():
    faces = {f"f{i}": [tuple(x - 1 for x in c) for c in cycles] for i, cycles in enumerate(RUBIK)}
    V = permutation(permutation_group(faces))
    assert V.dim == 48
    assert intertwiners(V, V).dim == 9
    assert intertwiners(V**2, V**2).dim == 350


def test_grid_without_translation():
    """D4 on a grid of a million sites: a trillion entries from the stabilisers of its sites."""
    points = np.arange(10**6).reshape(1000, 1000)
    V = permutation(permutation_group({"r": np.rot90(points).ravel(), "m": points[::-1].ravel()}))
    assert intertwiners(V, V).dim == 125_000_250_000


@pytest.mark.slow
def test_high_powers_of_lie_groups():
    for G, k, l, dim in [
        (special_orthogonal(3), 9, 0, 232),
        (special_orthogonal(4), 8, 0, 196),
        (lorentz(full=True), 4, 4, 105),
    ]:
        assert intertwiners(defining(G) ** k, defining(G) ** l).dim == dim


def test_cyclic_irreps_to_third_powers():
    V = irreps(cyclic(5))[1]
    assert intertwiners(V**3, V**3).dim == 20


def test_copies_are_not_solved_again():
    V = permutation(symmetric(4))
    answer = intertwiners(2 * V, 3 * V)
    assert answer.dim == 12
    assert len(answer.pairs) == 1
    # (map, input copy, output copy), the last running fastest
    dense = [e.dense() for e in answer]
    assert [tuple(np.argwhere(d)[0] // 4) for d in dense[:6]] == [(o, i) for i in range(2) for o in range(3)]
    assert (dense[0][:4, :4] == np.eye(4)).all()
    assert (dense[6][:4, :4] == 1 - np.eye(4)).all()


def test_equal_pairs_are_solved_once():
    V = permutation(symmetric(4))
    W = V + trivial(V.group)
    answer = intertwiners(W + W, W)
    assert len({id(p.maps) for p in answer.pairs}) == 4
    assert answer.dim == 2 * (2 + 1 + 1 + 1)


def test_symbolic_copies():
    V, C = permutation(symmetric(4)), Symbol("C", integer=True, positive=True)
    answer = intertwiners(C * V, 5 * V)
    assert answer.dim == 10 * C
    with pytest.raises(SymbolicError, match=r"element needs numbers of copies, got 10\*C; substitute"):
        answer.element(0)


def test_restriction_to_a_subgroup():
    G = special_orthogonal(3)
    V = defining(G)
    H = G.subgroup(["x01"])
    assert intertwiners(V, V).dim == 1
    assert intertwiners(V.restrict(H), V.restrict(H)).dim == 3
    P = permutation(symmetric(5))
    K = P.group.subgroup(["c"])
    assert intertwiners(P.restrict(K), P.restrict(K)).dim == 5


def test_paired_actions():
    """The same group acts by signs on the input and by a permutation on the output."""
    G = cyclic(4)
    V = Representation(G, {"r": [[0, -1], [1, 0]]})
    W = permutation(G)
    check_against_brute_force(V, W, intertwiners(V, W))


def test_factors_of_independent_groups_multiply():
    V = outer(defining(special_orthogonal(3)), permutation(symmetric(40)))
    answer = intertwiners(V**2, V)
    assert answer.dim == 1 * 5
    tensors = answer.pairs[0].maps.tensors
    assert isinstance(tensors, ProductTensors)
    small = outer(defining(special_orthogonal(3)), permutation(symmetric(2)))
    check_against_brute_force(
        small, small + trivial(small.group), intertwiners(small, small + trivial(small.group))
    )
    check_against_brute_force(small**2, small, intertwiners(small**2, small))


def test_irrational_answers_are_exact():
    G = free_group(1)
    V = Representation(G, {"g0": [[0, 1], [5, 0]]})
    W = Representation(G, {"g0": [[sqrt(5)]]})
    [element] = intertwiners(V, W)
    assert list(element.dense()[0]) == [5, sqrt(5)] or list(element.dense()[0]) == [1, sqrt(5) / 5]
    assert (
        (Matrix(element.dense()) * V.matrix("g0") - W.matrix("g0") * Matrix(element.dense()))
        .expand()
        .is_zero_matrix
    )


def test_answers_compare_by_content():
    V = permutation(symmetric(4))
    assert intertwiners(V, V) == intertwiners(permutation(symmetric(4)), V)
    assert hash(intertwiners(V, V)) == hash(intertwiners(V, V))
    U = defining(special_orthogonal(3))
    assert intertwiners(U, U) == intertwiners(U, U) != intertwiners(U**2, U)
    assert isinstance(intertwiners(V, V).pairs[0].maps.tensors, OrbitTensors)


def test_a_dropped_generator_or_a_wrong_sign_is_noticed():
    """Mutants: brute force on the true group must reject the answer for a wrong one."""
    true = Representation(free_group(2), {"g0": [[0, 1], [1, 0]], "g1": [[-1, 0], [0, 1]]})
    dropped = Representation(free_group(2), {"g0": [[0, 1], [1, 0]], "g1": [[1, 0], [0, 1]]})
    sign_slip = Representation(free_group(2), {"g0": [[0, 1], [1, 0]], "g1": [[-1, 0], [0, -1]]})
    assert nullity(equations(true, true)) == intertwiners(true, true).dim == 1
    for wrong in (dropped, sign_slip):
        with pytest.raises(AssertionError):
            check_against_brute_force(true, true, intertwiners(wrong, wrong))


def test_impossible_maps_are_answers():
    V = sign(symmetric(4))
    answer = intertwiners(V, trivial(V.group))
    assert answer.dim == 0
    assert list(answer) == []
    assert answer.pairs[0].maps.tensors.orbits.vanishing() == [(0, 0)]


def test_bad_input():
    V, W = permutation(symmetric(4)), permutation(cyclic(4))
    with pytest.raises(RepresentationError, match="must belong to one group, got S_4 and Z_4"):
        intertwiners(V, W)
    with pytest.raises(SizeError, match="element must be an integer below 2, got 2; count from 0"):
        intertwiners(V, V).element(2)
    big = permutation(symmetric(20000))
    with pytest.raises(
        TooLargeError, match=r"dense element must fit in 2 GiB, got about 3\.2e\+09 bytes; ask for"
    ):
        intertwiners(big, big).element(0).dense()
    assert len(intertwiners(big, big).element(0).rows) == 20000
    huge = defining(special_orthogonal(3)) ** 20
    with pytest.raises(TooLargeError, match="tensors must fit in 2 GiB, got about"):
        intertwiners(trivial(huge.group), huge)


def test_repeated_and_identity_generators():
    G = matrix_group({"e": [[1, 0], [0, 1]], "r": [[0, -1], [1, 0]], "s": [[0, -1], [1, 0]]})
    assert intertwiners(defining(G), defining(G)).dim == 2
    one = cyclic(1)
    assert intertwiners(permutation(one), permutation(one)).dim == 1
