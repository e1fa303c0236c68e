"""Counts against the reference table, closed forms and floating-point null spaces."""

from __future__ import annotations

import ast
from collections.abc import Callable
from math import comb
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, Rational, bell, cos, pi, sin

from derive.counting.characters import image_counter
from derive.counting.components import component_counter
from derive.counting.count import hom_dimension
from derive.counting.cycle_types import contains_alternating, cycle_counter
from derive.counting.modular import left_kernel, modular_counter
from derive.counting.weyl import weyl_counter
from derive.errors import RepresentationError
from derive.symmetry.catalogue import alternating, cyclic, dihedral, hyperoctahedral, point_group, symmetric
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
from derive.symmetry.standard import defining, determinant, permutation, quotient, regular, sign

ROOT = Path(__file__).parents[3]
Make = Callable[[int], Group]


def dimension(V: Representation, W: Representation) -> object:
    found = hom_dimension(V, W)
    assert found is not None
    return found[0]


def brute(V: Representation, W: Representation) -> int:
    """The nullity of all equations at once, in floating point."""
    normal = np.zeros((V.dim * W.dim,) * 2, dtype=complex)
    for g in V.group.generators:
        a = np.array(W.matrix(g).evalf().tolist(), dtype=complex)
        b = np.array(V.matrix(g).evalf().tolist(), dtype=complex)
        rows = np.kron(a, np.eye(V.dim)) - np.kron(np.eye(W.dim), b.T)
        normal += rows.conj().T @ rows
    return V.dim * W.dim - int((np.linalg.eigvalsh(normal) > 1e-9).sum())


POWERS: list[tuple[Make, int, int, int, int]] = [
    (symmetric, 2, 1, 0, 1), (symmetric, 2, 3, 3, 32), (symmetric, 4, 1, 0, 1), (symmetric, 4, 1, 1, 2),
    (symmetric, 4, 2, 1, 5), (symmetric, 4, 2, 3, 51), (symmetric, 5, 0, 1, 1), (symmetric, 5, 1, 2, 5),
    (symmetric, 6, 1, 1, 2), (symmetric, 6, 0, 2, 2), (alternating, 3, 2, 2, 27), (alternating, 5, 2, 2, 16),
    (hyperoctahedral, 1, 1, 1, 1), (hyperoctahedral, 1, 2, 0, 1), (hyperoctahedral, 2, 2, 0, 1),
    (hyperoctahedral, 2, 2, 2, 4), (hyperoctahedral, 2, 1, 2, 0), (hyperoctahedral, 4, 1, 1, 1),
    (cyclic, 4, 1, 1, 4), (cyclic, 12, 1, 1, 12), (dihedral, 3, 1, 1, 2), (dihedral, 12, 1, 1, 7),
    (orthogonal, 2, 2, 0, 1), (orthogonal, 2, 1, 3, 3), (special_orthogonal, 3, 2, 2, 3),
    (orthogonal, 3, 2, 0, 1),
    (special_orthogonal, 3, 4, 3, 36), (special_orthogonal, 3, 8, 0, 91), (special_orthogonal, 3, 9, 0, 232),
    (special_orthogonal, 4, 8, 0, 196),
]  # fmt: skip


@pytest.mark.parametrize(("make", "n", "a", "b", "dim"), POWERS)
def test_tensor_powers_of_the_reference_table(make: Make, n: int, a: int, b: int, dim: int) -> None:
    V = defining(make(n))
    assert dimension(V**a, V**b) == dim


@pytest.mark.parametrize(
    ("full", "a", "b", "dim"), [(0, 1, 1, 1), (0, 2, 0, 1), (0, 2, 1, 0), (1, 3, 3, 15), (1, 4, 4, 105)]
)
def test_lorentz_rows(full: int, a: int, b: int, dim: int) -> None:
    V = defining(lorentz(full=bool(full)))
    assert dimension(V**a, V**b) == dim


def test_products_of_the_reference_table() -> None:
    block = permutation(symmetric(3) * symmetric(3))
    assert dimension(block, block) == 6
    rings = permutation(cyclic(3) * cyclic(4))
    assert dimension(rings, rings) == 9
    both = outer(permutation(cyclic(3)), permutation(symmetric(4)))
    assert hom_dimension(both, both) == (6, hom_dimension(both, both)[1])  # type: ignore[index]
    large = outer(permutation(symmetric(2000)), permutation(symmetric(1000)))
    assert dimension(large**2, large**2) == 15 * 15


@pytest.mark.parametrize("name", ["O", "Oh"])
def test_faces_of_the_cube(name: str) -> None:
    G = point_group(name, dim=3)
    faces = [tuple(s * (i == k) for i in range(3)) for k in range(3) for s in (1, -1)]
    moves = {}
    for g in G.generators:
        array = np.array(G.matrix(g).tolist(), dtype=int)
        moves[g] = [faces.index(tuple((array @ f).tolist())) for f in faces]
    V = permutation(permutation_group(moves))
    assert dimension(V, V) == 3


def test_deep_sets() -> None:
    V = permutation(symmetric(5))
    assert dimension(2 * V, 2 * V) == 8
    C, D = sympy.symbols("C D", integer=True, positive=True)
    assert sympy.expand(dimension(C * V, D * V + trivial(V.group)) - (2 * C * D + C)) == 0


def test_frequencies_of_the_circle() -> None:
    for G, commutant in ((special_orthogonal(2), 2), (orthogonal(2), 1)):
        by_frequency = {V.blocks[0][1].name: V for V in irreps(G, 3) if V.dim == 2}
        for a, V in by_frequency.items():
            for b, W in by_frequency.items():
                assert dimension(V, W) == (commutant if a == b else 0)
    O2 = orthogonal(2)
    V = irreps(O2, 2)[-1]
    assert [dimension(power(V, 2), W) for power in (sym, alt) for W in (trivial(O2), sign(O2))] == [
        1,
        0,
        0,
        1,
    ]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 64, 20000])
@pytest.mark.parametrize("k", range(7))
def test_symmetric_groups_count_set_partitions(n: int, k: int) -> None:
    partitions = sum(sympy.functions.combinatorial.numbers.stirling(k, j) for j in range(min(k, n) + 1))
    V = permutation(symmetric(n))
    assert dimension(V**k, trivial(V.group)) == partitions
    if n >= k:
        assert partitions == bell(k)


@pytest.mark.parametrize(("n", "m"), [(2, 1), (3, 2), (4, 3), (5, 2)])
def test_classical_invariants(n: int, m: int) -> None:
    """First fundamental theorems: pairings for O and Sp, permutations for GL, one determinant for SL."""
    matchings = sympy.factorial2(2 * m - 1)
    if n >= 2 * m:
        assert dimension(defining(orthogonal(n)) ** (2 * m), trivial(orthogonal(n))) == matchings
    G = symplectic(m)
    assert dimension(defining(G) ** (2 * m), trivial(G)) == matchings
    V = defining(general_linear(n))
    if n >= m:
        assert dimension(V**m, V**m) == sympy.factorial(m)
    assert dimension(V**m, trivial(V.group)) == 0
    assert dimension(V * V.dual, trivial(V.group)) == 1
    assert dimension(alt(V, n), sign(V.group)) == 1
    S = defining(special_linear(n))
    assert dimension(S**n, trivial(S.group)) == 1
    assert dimension(sym(S, m), sym(S, m)) == 1


def test_orthogonal_harmonics() -> None:
    """Sym^k of the vector is the sum of the harmonics of degree k, k-2, ...: k // 2 + 1 irreps."""
    for n in (3, 4, 5):
        for G in (special_orthogonal(n), orthogonal(n)):
            V = defining(G)
            for k in range(4):
                assert dimension(sym(V, k), sym(V, k)) == k // 2 + 1
    for n in (2, 4, 6):
        half = n // 2
        V, W = defining(special_orthogonal(n)), defining(orthogonal(n))
        assert (dimension(alt(V, half), alt(V, half)), dimension(alt(W, half), alt(W, half))) == (2, 1)


SMALL = [
    (permutation(symmetric(3)), 3), (defining(hyperoctahedral(2)), 3), (permutation(alternating(4)), 2),
    (permutation(dihedral(4)), 2), (defining(point_group("D4", dim=2)), 3),
    (defining(point_group("T", dim=3)), 2),
    (defining(point_group("D6", dim=2)), 3), (defining(special_orthogonal(3)), 2),
    (defining(orthogonal(2)), 3),
    (defining(orthogonal(3)), 2), (defining(lorentz()), 2), (defining(special_linear(2)), 3),
    (defining(symplectic(2)), 2), (defining(general_linear(2)), 2), (irreps(cyclic(5))[1], 3),
    (irreps(dihedral(5))[2], 3),
]  # fmt: skip
LARGEST = 100  # entries of a matrix that is found by brute force


@pytest.mark.parametrize(("V", "k"), SMALL, ids=lambda x: getattr(getattr(x, "group", None), "name", x))
def test_counts_are_nullities(V: Representation, k: int) -> None:
    one, turn = trivial(V.group), determinant(V)
    pieces = [one, V, V * turn, sym(V, 2), alt(V, 2), V**2 + 2 * turn, V * V.dual] + ([V**3] if k > 2 else [])
    pieces = [p for p in pieces if p.blocks]
    for a in pieces:
        for b in pieces[:4]:
            if a.dim * b.dim <= LARGEST:
                assert dimension(a, b) == brute(a, b), (a, b)


def test_every_method_gives_the_same_answer() -> None:
    S4 = symmetric(4)
    V = permutation(S4)
    pieces = [p for W in (V, V * V, sign(S4), V * sign(S4)) for _, p in W.blocks]
    expected = [[2, 5, 0, 1], [5, 15, 0, 3]]
    for make in (cycle_counter, image_counter, component_counter, modular_counter):
        counter = make(S4, pieces, 256)
        assert counter is not None
        found = [[counter[0](p, q) for q in pieces] for p in pieces[:2]]
        assert [row[:2] for row in found] == [row[:2] for row in expected]
        assert found[0][2:] == [brute(V, sign(S4)), brute(V, V * sign(S4))]
    so3 = special_orthogonal(3)
    vectors = [p for k in range(3) for _, p in (defining(so3) ** k).blocks]
    for make in (weyl_counter, modular_counter):
        counter = make(so3, vectors)
        assert counter is not None
        assert [counter[0](p, vectors[2]) for p in vectors] == [1, 1, 3]


def test_methods_say_which_they_are() -> None:
    V = permutation(symmetric(6))
    assert hom_dimension(V, V) == (2, "character average over cycle types")
    W = defining(special_orthogonal(3))
    assert hom_dimension(W, W) == (1, "Weyl constant term")
    D = regular(point_group("D4", dim=2))
    assert hom_dimension(D, D) == (8, "character average over the image (8 elements)")
    shear = Group("free", generators=("a", "b"))
    U = Representation(shear, {"a": [[1, 1], [0, 1]], "b": [[1, 0], [1, 1]]})
    assert hom_dimension(U, U) == (1, "nullity modulo a prime (an upper bound)")


def test_regular_representations() -> None:
    for G in (cyclic(6), dihedral(5), symmetric(4), point_group("Oh", dim=3), dihedral(2)):
        R = regular(G)
        assert dimension(R, R) == R.dim == G.order
        assert dimension(R, trivial(G)) == 1
    G = symmetric(4)
    H = G.subgroup(["s", "c*s*c^-1"])
    assert dimension(quotient(G, H), permutation(G)) == 2


def test_characters_of_the_four_ring() -> None:
    G = cyclic(4)
    characters = [Representation(G, {"r": [[I**k]]}) for k in range(4)]
    table = [[dimension(a, b) for b in characters] for a in characters]
    assert table == np.eye(4, dtype=int).tolist()


def test_irreps_are_irreducible_and_distinct() -> None:
    for G, double in ((cyclic(7), 2), (dihedral(6), 1)):
        found = irreps(G)
        for i, V in enumerate(found):
            for j, W in enumerate(found):
                assert dimension(V, W) == (0 if i != j else (double if V.dim == 2 else 1))
    V = sum(irreps(cyclic(5))[1:], trivial(cyclic(5)))
    assert dimension(V**3, V**3) == 5**5


def test_long_rings() -> None:
    V = permutation(cyclic(10**6))
    assert dimension(V, V) == 10**6
    mixed = permutation(permutation_group({"a": [(0, 1, 2, 3), (4, 5, 6, 7, 8, 9)]}))
    assert dimension(mixed, mixed) == 4 + 6 + 2 * 2 == brute(mixed, mixed)
    signed = defining(matrix_group({"a": [[0, 0, -1], [1, 0, 0], [0, 1, 0]]}))
    assert dimension(signed, sign(signed.group)) == brute(signed, sign(signed.group))
    assert dimension(signed**2, signed) == brute(signed**2, signed)


def test_giants_are_recognised_by_a_proof_only() -> None:
    random = np.random.default_rng(5)
    many = [random.permutation(64), random.permutation(64)]
    V = permutation(permutation_group({"a": many[0], "b": many[1]}))
    assert hom_dimension(V**2, V**2) == (15, "character average over cycle types")
    assert contains_alternating([np.roll(np.arange(11), 1)]) is None
    wreathed = permutation_group(
        {"a": [(0, 1)], "b": [(0, 1, 2, 3, 4, 5)], "c": [(0, 6), (1, 7), (2, 8), (3, 9), (4, 10), (5, 11)]}
    )
    assert contains_alternating([m.image for m in wreathed.given]) is None  # type: ignore[union-attr]
    even = [
        np.array(p)
        for p in ([1, 2, 0, 3, 4, 5, 6, 7, 8], [0, 1, 3, 4, 5, 6, 7, 8, 2], [2, 0, 1, 4, 3, 6, 5, 7, 8])
    ]
    assert contains_alternating(even) == ("A", 9)


def test_large_permutation_groups() -> None:
    m24 = permutation_group(
        {
            "a": [tuple(range(23))],
            "b": [(2, 16, 9, 6, 8), (3, 12, 13, 18, 4), (7, 17, 10, 11, 22), (14, 19, 21, 20, 15)],
            "c": [(0, 23), (1, 22), (2, 11), (3, 15), (4, 17), (5, 9), (6, 19), (7, 13), (8, 20), (10, 16),
                  (12, 21), (14, 18)],
        }
    )  # fmt: skip
    V = permutation(m24)
    # M24 is 5-transitive, so it has as many orbits on k-tuples as S_24 for k up to 5.
    assert [dimension(V**a, V**b) for a, b in ((1, 1), (2, 1), (2, 2), (3, 2))] == [2, 5, 15, 52]


RUBIK = {
    "u": [(0, 2, 7, 5), (1, 4, 6, 3), (8, 32, 24, 16), (9, 33, 25, 17), (10, 34, 26, 18)],
    "l": [(8, 10, 15, 13), (9, 12, 14, 11), (0, 16, 40, 39), (3, 19, 43, 36), (5, 21, 45, 34)],
    "f": [(16, 18, 23, 21), (17, 20, 22, 19), (5, 24, 42, 15), (6, 27, 41, 12), (7, 29, 40, 10)],
    "r": [(24, 26, 31, 29), (25, 28, 30, 27), (2, 37, 42, 18), (4, 35, 44, 20), (7, 32, 47, 23)],
    "b": [(32, 34, 39, 37), (33, 36, 38, 35), (2, 8, 45, 31), (1, 11, 46, 28), (0, 13, 47, 26)],
    "d": [(40, 42, 47, 45), (41, 44, 46, 43), (13, 21, 29, 37), (14, 22, 30, 38), (15, 23, 31, 39)],
}


def test_the_cube_puzzle() -> None:
    G = permutation_group(RUBIK)
    assert G.order == 43252003274489856000
    V = permutation(G)
    assert dimension(V, V) == 9
    assert dimension(V**2, V) == dimension(V**3, trivial(G))


signed_permutations = st.integers(2, 4).flatmap(
    lambda n: st.lists(
        st.tuples(st.permutations(range(n)), st.lists(st.sampled_from([1, -1]), min_size=n, max_size=n)),
        min_size=1,
        max_size=3,
    )
)


@given(signed_permutations)
@settings(max_examples=30)
def test_random_signed_permutation_groups(generators: list) -> None:
    matrices = {}
    for i, (p, s) in enumerate(generators):
        m = np.zeros((len(p), len(p)), dtype=int)
        m[list(p), range(len(p))] = s
        matrices[f"g{i}"] = m
    V = defining(matrix_group(matrices))
    W = V * V + sign(V.group)
    for a, b in ((V, V), (V, W), (W, sign(V.group))):
        pieces = [q for _, q in (*a.blocks, *b.blocks)]
        by_orbits = component_counter(V.group, pieces)
        assert by_orbits is not None
        total = sum(m * n * by_orbits[0](p, q) for m, p in a.blocks for n, q in b.blocks)
        assert dimension(a, b) == total == brute(a, b)


@given(st.integers(1, 9), st.integers(0, 8), st.integers(1, 9), st.integers(0, 8))
@settings(max_examples=30)
def test_complex_monomial_cycles(n: int, a: int, m: int, b: int) -> None:
    """One generator, two cycles with phases: common eigenvalues, counted numerically."""
    G = Group("Z", generators=("t",))

    def ring(length: int, phase: int) -> Representation:
        matrix = sympy.zeros(length)
        for j in range(length):
            matrix[(j + 1) % length, j] = 1 if j else sympy.exp(2 * pi * I * Rational(phase, 9))
        return Representation(G, {"t": matrix})

    V, W = ring(n, a), ring(m, b)
    assert dimension(V, W) == brute(V, W)


def test_algebraic_matrices_modulo_a_prime() -> None:
    c, s = cos(2 * pi / 5), sin(2 * pi / 5)
    G = Group("free", generators=("a", "b"))
    V = Representation(G, {"a": [[c, -s], [s, c]], "b": [[1, 1], [0, 1]]})
    W = Representation(G, {"a": [[c, s], [-s, c]], "b": [[1, -1], [0, 1]]})
    assert [dimension(V, V), dimension(V, W), dimension(V * V, V * V)] == [
        brute(V, V),
        brute(V, W),
        brute(V * V, V * V),
    ]


def test_left_kernels() -> None:
    m = np.array([[1, 2], [2, 4], [0, 5]])
    kernel = left_kernel(m, 7)
    assert kernel.shape == (1, 3)
    assert not (kernel @ m % 7).any()


def test_two_groups_cannot_be_compared() -> None:
    with pytest.raises(RepresentationError, match="must belong to one group"):
        hom_dimension(permutation(symmetric(3)), permutation(cyclic(3)))


def imported_by(module: str) -> set[str]:
    """The modules of this project that a module's source names, read without running it."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text())
    named = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    named |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return {n for n in named if n.split(".")[0] in ("derive", "kernels")}


def test_counting_shares_no_code_with_the_solvers() -> None:
    seen, new = set(), {"derive.counting.count"}
    while new:
        seen |= new
        new = {n for m in new for n in imported_by(m)} - seen
    assert "derive.counting.weyl" in seen
    solving = ("derive.orbits", "derive.linear", "derive.hom", "derive.lattice", "kernels")
    assert not {m for m in seen if m.startswith(solving)}


def test_the_oracle_sees_a_known_dimension() -> None:
    V = permutation(symmetric(4))
    assert brute(V * V, V) == 5 == comb(4, 2) - 1
