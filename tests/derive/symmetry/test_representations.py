"""Representations: exact matrices, their algebra, what they refuse."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import I, Matrix, Symbol, diag, eye, sqrt

from derive.errors import (
    ExactnessError,
    GroupError,
    InfiniteError,
    RepresentationError,
    SizeError,
    SymbolicError,
    TooLargeError,
)
from derive.symmetry.catalogue import alternating, cyclic, dihedral, hyperoctahedral, point_group, symmetric
from derive.symmetry.given import matrix_group, permutation_group
from derive.symmetry.group import Group
from derive.symmetry.homomorphism import check_homomorphism
from derive.symmetry.irreps import irreps
from derive.symmetry.lie import general_linear, lorentz, orthogonal, special_linear, special_orthogonal
from derive.symmetry.monomial import Monomial
from derive.symmetry.outer import outer
from derive.symmetry.representation import Representation, alt, sym, trivial
from derive.symmetry.standard import defining, determinant, permutation, quotient, regular, sign
from derive.symmetry.words import evaluate_word

S3, D4, Oh = symmetric(3), point_group("D4", dim=2), point_group("Oh", dim=3)
SO3, O2 = special_orthogonal(3), orthogonal(2)


def from_monomial(m: Monomial) -> np.ndarray:
    """The matrix of a monomial map, from its definition."""
    out = np.zeros((m.dim, m.dim), dtype=complex)
    for j in range(m.dim):
        out[m.image[j], j] = np.exp(2j * np.pi * m.phase[j] / m.order)
    return out


def dense(V: Representation, g: str) -> np.ndarray:
    return np.array(V.matrix(g).evalf().tolist(), dtype=complex)


SAMPLES = [
    trivial(D4), sign(D4), defining(D4), regular(D4), quotient(D4, D4.subgroup("m")), defining(D4) ** 2,
    3 * defining(D4) + 2 * sign(D4), sym(defining(D4), 3), alt(regular(D4), 2), defining(D4) * regular(D4),
    determinant(defining(D4) ** 2), permutation(S3) ** 2, sign(S3), regular(S3), sym(permutation(S3), 2),
    alt(permutation(S3), 3), defining(hyperoctahedral(3)), alt(defining(hyperoctahedral(3)), 2),
    sym(defining(hyperoctahedral(2)), 2), defining(Oh) * sign(Oh), permutation(alternating(4)),
    *irreps(cyclic(5)), *irreps(dihedral(6)), irreps(cyclic(5))[1] ** 2, *irreps(D4), defining(SO3),
    defining(SO3) ** 2, sym(defining(SO3), 2), alt(defining(SO3), 2), defining(O2) ** 2, sign(O2),
    *irreps(O2, 2),    defining(lorentz(full=True)), defining(lorentz()).dual, sign(general_linear(2)),
    defining(general_linear(2)).dual, outer(permutation(S3), defining(D4)),
    outer(defining(SO3), permutation(S3)),
    sym(defining(SO3) + trivial(SO3), 2),
]  # fmt: skip


@pytest.mark.parametrize("V", SAMPLES, ids=lambda V: f"{V.name} of {V.group.name}"[:60])
def test_everything_built_is_a_homomorphism(V: Representation) -> None:
    check_homomorphism(V.group, tuple(V.matrix(g) for g in V.group.generators))
    assert all(V.matrix(g).shape == (V.dim, V.dim) for g in V.group.generators)


@pytest.mark.parametrize("V", SAMPLES, ids=lambda V: f"{V.name} of {V.group.name}"[:60])
def test_monomial_maps_are_the_matrices(V: Representation) -> None:
    for g in V.group.generators:
        m = V.monomial(g)
        matrix = dense(V, g)
        one_each = (np.count_nonzero(matrix, axis=0) == 1).all() and np.allclose(abs(matrix.sum(axis=0)), 1)
        assert (m is not None) == (bool(one_each) and g not in V.group.algebra)
        if m is not None:
            assert np.allclose(from_monomial(m), matrix)
            assert m.order in (1, 2)


@pytest.mark.parametrize("V", SAMPLES, ids=lambda V: f"{V.name} of {V.group.name}"[:60])
def test_duals_are_inverse_transposes(V: Representation) -> None:
    for g in V.group.generators:
        pairing = dense(V.dual, g).T @ dense(V, g)
        if g in V.group.algebra:
            assert np.allclose(dense(V.dual, g), -dense(V, g).T)
        else:
            assert np.allclose(pairing, np.eye(V.dim))
    symmetric_power = V.name.startswith("sym")
    assert V.dual.dual == V or (symmetric_power and V.monomial(V.group.generators[0]) is None)


def test_equality_is_by_content() -> None:
    V = permutation(S3)
    same = Representation(
        S3, {"c": [[0, 0, 1], [1, 0, 0], [0, 1, 0]], "s": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}, "W"
    )
    assert same == V
    assert hash(V) == hash(same)
    assert permutation(alternating(3)) != V
    assert V + V == 2 * V
    assert 2 * (V + trivial(S3)) == V + trivial(S3) + V + trivial(S3)
    assert V**0 == trivial(S3) == trivial(S3) ** 5
    assert V * trivial(S3) == V == V**1
    assert V * V == V**2
    a = Group("G", generators=("a",), relations=("a^4",))
    b = Group("G", generators=("a",), relations=("a^2",))
    assert Representation(a, {"a": [[-1]]}) != Representation(b, {"a": [[-1]]})


def test_channels_are_ordered_block_copy_fibre() -> None:
    V = 2 * defining(D4) + sign(D4)
    r, s = D4.matrix("r"), Matrix([[D4.matrix("r").det()]])
    assert V.matrix("r") == diag(r, r, s)
    assert (defining(D4) * regular(D4)).matrix("r") == sympy.kronecker_product(r, regular(D4).matrix("r"))


def test_a_product_remembers_its_factors() -> None:
    V, W = defining(D4) + sign(D4), 2 * regular(D4)
    assert (V * W).product == (V, W)
    assert (V**3).product == (V**2, V)
    assert (V * (W * V)).product == (V, W * V)
    assert all(U.product is None for U in (V, W, V**0, V**1, V * W + V, (V * W).dual, sym(V, 2)))
    half = D4.subgroup({"t": "r^2"})
    left, right = (V * W).restrict(half).product
    assert (left, right) == (V.restrict(half), W.restrict(half))
    assert left * right == (V * W).restrict(half)
    assert hash(V * W) == hash((V * W).restrict(D4))


def test_symbolic_copies() -> None:
    C = Symbol("C", integer=True, positive=True)
    V = C * defining(D4)
    assert V.dim == 2 * C
    assert ("C" * trivial(D4)).dim == C
    assert ((C * trivial(D4)) * (3 * sign(D4))).dim == 3 * C
    for ask in (V.matrix, V.monomial):
        with pytest.raises(SymbolicError, match="needs a number of copies"):
            ask("r")
    with pytest.raises(SymbolicError, match="must be an integer, being outermost"):
        C * (trivial(D4) + sign(D4))


@pytest.mark.parametrize("copies", [0, -1, sympy.Rational(1, 2), 1.5])
def test_bad_copies(copies: object) -> None:
    with pytest.raises(SizeError, match="copies must be a positive integer or a symbol"):
        copies * trivial(D4)
    with pytest.raises(SizeError, match="power must be a non-negative integer"):
        trivial(D4) ** sympy.Rational(1, 2)


def test_tensor_powers_are_lazy() -> None:
    V = permutation(symmetric(20000)) ** 2
    assert V.dim == 400_000_000
    with pytest.raises(TooLargeError, match=r"would have .* entries"):
        V.monomial("c")
    with pytest.raises(TooLargeError, match="GiB at least"):
        permutation(symmetric(20000)).matrix("c")


@given(st.integers(1, 3), st.integers(1, 3), st.sampled_from([sym, alt]))
def test_powers_have_the_right_traces(n: int, k: int, power: object) -> None:
    """Against the average over index permutations of traces of cycles, in NumPy."""
    if power is alt and k > n:
        assert alt(defining(matrix_group({"a": eye(n)})), k).dim == 0
        return
    rng = np.random.default_rng(n * 10 + k)
    while True:
        m = rng.integers(-2, 3, (n, n))
        if abs(round(np.linalg.det(m))) == 1:
            break
    V = defining(matrix_group({"a": m}))
    W = power(V, k)  # type: ignore[operator]
    assert W.dim == (comb(n + k - 1, k) if power is sym else comb(n, k))
    eigenvalues = np.linalg.eigvals(m.astype(float))
    generating = np.poly(eigenvalues)
    expected = (-1) ** k * generating[k] if power is alt else series_inverse(generating, k)
    assert np.isclose(complex(W.matrix("a").trace()), expected, atol=1e-6)


def series_inverse(polynomial: np.ndarray, k: int) -> complex:
    out = [1.0 + 0j]
    for i in range(1, k + 1):
        out.append(-sum(polynomial[j] * out[i - j] for j in range(1, min(i, len(polynomial) - 1) + 1)))
    return out[k]


def test_relations_are_required() -> None:
    with pytest.raises(RepresentationError, match=r"must satisfy the relation r\^3 = 1 of Z_3"):
        Representation(cyclic(3), {"r": [[0, -1], [1, 0]]})
    G = permutation_group({"a": [1, 2, 3, 0], "b": [1, 0, 2, 3]})
    with pytest.raises(RepresentationError, match="must satisfy every relation of permutation group"):
        Representation(G, {"a": [[1]], "b": [[-1]]})
    with pytest.raises(RepresentationError, match="must satisfy every relation"):
        Representation(G, {"a": [[1, 1], [0, 1]], "b": [[1, 0], [0, 1]]})
    assert Representation(G, {"a": [[-1]], "b": [[-1]]}) == sign(G)
    with pytest.raises(RepresentationError, match="must satisfy every relation"):
        Representation(D4.subgroup("r"), {"r": [[0, 0, 1], [1, 0, 0], [0, 1, 0]]})


def test_brackets_are_required() -> None:
    good = {g: sym(defining(SO3), 2).matrix(g) for g in SO3.generators}
    assert Representation(SO3, good).dim == 6
    with pytest.raises(RepresentationError, match=r"must satisfy \[x01, x02\] = "):
        Representation(SO3, {**good, "x01": 2 * good["x01"]})
    with pytest.raises(RepresentationError, match=r"must satisfy m x01 m\^-1 = -1 x01"):
        Representation(O2, {"x01": [[0, -2], [2, 0]], "m": [[1, 0], [0, 1]]})
    assert Representation(O2, {"x01": [[0, -2], [2, 0]], "m": [[-1, 0], [0, 1]]}) == irreps(O2, 2)[3]


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        ({}, "must be given for each of the generators r, m"),
        ({"r": [[1]], "m": [[1]], "z": [[1]]}, "must be given for each of the generators r, m, got r, m, z"),
        ({"r": [[1]], "m": [[1, 0], [0, 1]]}, "must all have one size, got r: 1, m: 2"),
        ({"r": [[0]], "m": [[1]]}, "matrix of 'r' must be invertible"),
        ({"r": [[1, 2]], "m": [[1]]}, "must be a square matrix"),
    ],
)
def test_bad_matrices(matrices: dict, message: str) -> None:
    with pytest.raises(RepresentationError, match=message):
        Representation(D4, matrices)


def test_floats_are_refused() -> None:
    with pytest.raises(ExactnessError, match=r"matrix of 'r' must have exact entries, got 0\.70"):
        Representation(cyclic(8), {"r": np.array([[0.7071, -0.7071], [0.7071, 0.7071]])})
    half = sqrt(2) / 2
    assert Representation(cyclic(8), {"r": [[half, -half], [half, half]]}).dim == 2


def test_groups_must_match() -> None:
    with pytest.raises(RepresentationError, match=r"must belong to one group, got S_3 and D4; use outer"):
        permutation(S3) + defining(D4)
    with pytest.raises(RepresentationError, match="must belong to one group"):
        permutation(S3) * defining(D4)
    with pytest.raises(RepresentationError, match=r"must be a subgroup of D4.*G.subgroup"):
        defining(D4).restrict(S3)


def test_complex_characters() -> None:
    V = Representation(cyclic(4), {"r": [[I]]})
    assert V.monomial("r") == Monomial(np.array([0]), np.array([1]), 4)
    assert (V * V).matrix("r") == Matrix([[-1]])
    assert V.dual.matrix("r") == Matrix([[-I]])
    cube = Representation(cyclic(3), {"r": [[sympy.exp(2 * sympy.pi * I / 3)]]})
    rooted = Representation(cyclic(3), {"r": [[(-1 + sqrt(3) * I) / 2]]})
    assert cube.monomial("r") == rooted.monomial("r") == Monomial(np.array([0]), np.array([1]), 3)


def test_standard_representations_need_what_they_need() -> None:
    free = Group("free", generators=("a",))
    with pytest.raises(GroupError, match="defining needs matrices or permutations"):
        defining(free)
    with pytest.raises(GroupError, match="permutation needs a group given by permutations"):
        permutation(D4)
    with pytest.raises(InfiniteError):
        regular(SO3)
    with pytest.raises(GroupError, match="irreps needs a cyclic or dihedral group"):
        irreps(symmetric(4))
    with pytest.raises(GroupError, match="max_frequency is needed"):
        irreps(O2)


def test_regular_is_left_translation_in_element_order() -> None:
    V, elements = regular(D4), D4.elements
    matrices = [element_matrix(w) for w in elements.words]
    for g in D4.generators:
        for h, m in enumerate(matrices):
            assert matrices[V.monomial(g).image[h]] == D4.matrix(g) * m  # type: ignore[union-attr]


def element_matrix(word: tuple) -> Matrix:
    matrices = {g: D4.matrix(g) for g in D4.generators}
    return evaluate_word(word, matrices, eye(2), lambda a, b: a * b, lambda m: m.inv())


def test_quotients() -> None:
    assert quotient(D4, D4).dim == 1
    assert quotient(D4, D4.subgroup("r")).matrix("m") == Matrix([[0, 1], [1, 0]])
    assert quotient(D4, D4.subgroup(["r^4"])).dim == 8
    S4 = symmetric(4)
    assert quotient(S4, S4.subgroup(["s", "c*s*c^-1"])).dim == 4


def test_sign_is_determinant_or_parity() -> None:
    assert [sign(symmetric(5)).matrix(g)[0, 0] for g in ("c", "s")] == [1, -1]
    assert [sign(Oh).matrix(g)[0, 0] for g in ("r", "t", "i")] == [1, 1, -1]
    assert sign(general_linear(2)).matrix("e00") == Matrix([[1]])
    assert sign(special_linear(2)) == trivial(special_linear(2))
    for V in (
        defining(D4) ** 2,
        permutation(S3) + 3 * sign(S3),
        sym(defining(D4), 2),
        regular(D4) * defining(D4),
    ):
        for g in V.group.generators:
            assert determinant(V).matrix(g)[0, 0] == V.matrix(g).det()


def test_restriction_evaluates_words() -> None:
    H = D4.subgroup({"h": "r^2", "d": "r*m"})
    V = (2 * defining(D4) + regular(D4) * sign(D4) + sym(defining(D4), 2)).restrict(H)
    W = 2 * defining(D4) + regular(D4) * sign(D4) + sym(defining(D4), 2)
    assert V.group == H
    assert V.matrix("h") == W.matrix("r") ** 2
    assert V.matrix("d") == W.matrix("r") * W.matrix("m")
    K = H.subgroup(["h*d"])
    assert W.restrict(K).matrix("h0") == W.matrix("r") ** 3 * W.matrix("m")
    assert V.restrict(K) == W.restrict(K)
    turn = SO3.subgroup(["x12"])
    assert defining(SO3).restrict(turn).matrix("x12") == SO3.matrix("x12")


def test_outer_products_act_by_factor() -> None:
    V = outer(permutation(cyclic(3)), permutation(symmetric(4)))
    assert (V.dim, V.group) == (12, cyclic(3) * symmetric(4))
    assert V.matrix("r") == sympy.kronecker_product(permutation(cyclic(3)).matrix("r"), eye(4))
    both = outer(permutation(S3), permutation(S3))
    assert both.matrix("c_2") == sympy.kronecker_product(eye(3), permutation(S3).matrix("c"))
    three = outer(both, sign(S3))
    assert three.matrix("s_3") == -eye(9)
    assert three.matrix("s_1") == sympy.kronecker_product(permutation(S3).matrix("s"), eye(3))


@pytest.mark.parametrize(
    "G", [cyclic(1), cyclic(2), cyclic(7), cyclic(8), dihedral(1), dihedral(2), dihedral(5), D4]
)
def test_irreps_fill_the_regular_representation(G: Group) -> None:
    """Sum of squares over the dimension of the commutant, which is 2 for the rotations of a cyclic group."""
    total = 0
    for V in irreps(G):
        check_homomorphism(G, tuple(V.matrix(g) for g in G.generators))
        commutant = 2 if V.dim == 2 and (G.family is not None and G.family.type == "C") else 1
        total += V.dim**2 // commutant
    assert total == G.order


def test_irreps_of_circles() -> None:
    assert [V.dim for V in irreps(special_orthogonal(2), 3)] == [1, 2, 2, 2]
    assert irreps(special_orthogonal(2), 3)[3].matrix("x01") == Matrix([[0, -3], [3, 0]])
    by_hand = Representation(special_orthogonal(2), {"x01": [[0, -3], [3, 0]]})
    assert by_hand == irreps(special_orthogonal(2), 3)[3]
