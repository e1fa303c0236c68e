"""Groups: what they hold, how they compare, what they refuse."""

from __future__ import annotations

from itertools import permutations
from math import factorial

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy.combinatorics import Permutation, PermutationGroup

from derive.errors import ExactnessError, GroupError, InfiniteError, TooLargeError
from derive.symmetry.catalogue import alternating, cyclic, dihedral, hyperoctahedral, point_group, symmetric
from derive.symmetry.constructions import wreath
from derive.symmetry.given import matrix_group, permutation_group
from derive.symmetry.group import Group
from derive.symmetry.lie import special_orthogonal
from derive.symmetry.words import format_word, parse_word

QUARTER, MIRROR = [[0, -1], [1, 0]], [[-1, 0], [0, 1]]


def closure(generators: list[tuple[int, ...]]) -> set[tuple[int, ...]]:
    """Every product of the permutations, the obvious way."""
    found = {tuple(range(len(generators[0])))}
    new = set(found)
    while new:
        new = {tuple(g[i] for i in p) for p in new for g in generators} - found
        found |= new
    return found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a^4", (("a", 4),)),
        ("a*b^-1", (("a", 1), ("b", -1))),
        ("a**2", (("a", 2),)),
        ("(a*b)^-2", (("b", -1), ("a", -1), ("b", -1), ("a", -1))),
        ("a*a^-1", ()),
        ("1", ()),
        (" a * b = b * a ", (("a", 1), ("b", 1), ("a", -1), ("b", -1))),
        ("a^(-1)", (("a", -1),)),
    ],
)
def test_words_are_read(text: str, word: tuple) -> None:
    assert parse_word(text, ("a", "b")) == word


@pytest.mark.parametrize("text", ["a^", "a+b", "(a*b", "a b", "a^b", "", "^2", "a*"])
def test_a_word_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(
        GroupError, match=r"relations must be words in the generators.*write products with \*"
    ):
        Group("G", generators=("a", "b"), relations=(text,))


def test_a_word_in_unknown_generators_is_refused() -> None:
    with pytest.raises(GroupError, match="may only use the generators a, got z"):
        Group("G", generators=("a",), relations=("z^2",))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3).filter(bool)), max_size=6))
def test_words_are_read_as_they_print(letters: list[tuple[str, int]]) -> None:
    word = parse_word(tuple(letters), ("a", "b"))
    assert parse_word(format_word(word), ("a", "b")) == word


def test_groups_that_share_a_name_differ() -> None:
    a = Group("G", generators=("a",), relations=("a^4",))
    b = Group("G", generators=("a",), relations=("a^2",))
    assert a != b
    assert a == Group("another name", generators=("a",), relations=("a^4",))
    assert hash(a) == hash(Group("another name", generators=("a",), relations=("a^4",)))
    assert matrix_group({"r": QUARTER}, name="G") != matrix_group({"r": MIRROR}, name="G")
    assert permutation_group({"a": [1, 0, 2]}, name="G") != permutation_group({"a": [0, 2, 1]}, name="G")


def test_a_group_is_frozen() -> None:
    with pytest.raises(AttributeError):
        cyclic(3).name = "other"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        cyclic(3).given[0].image[0] = 0  # type: ignore[index,union-attr]


def test_relations_are_checked() -> None:
    with pytest.raises(GroupError, match=r"must satisfy the relation r\^3 = 1"):
        matrix_group({"r": QUARTER}, relations=("r^3",))
    with pytest.raises(GroupError, match=r"must satisfy the relation a\^2 = 1"):
        permutation_group({"a": [1, 2, 0]}, relations=("a^2",))
    assert matrix_group({"r": QUARTER, "m": MIRROR}, relations=("r^4", "m^2", "(r*m)^2")).order == 8


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 0], [0, 0]], "must be invertible"),
        ([[2, 0], [0, 1]], "must have an integer inverse"),
        ([[1, 0]], "must be a square matrix, got 1 x 2"),
        ([[1, 0], [1]], "rows of one length"),
        ("r", "must be a matrix"),
        ([[1, sympy.Symbol("x")], [0, 1]], "substitute the symbols first"),
        ([[sympy.zoo]], "must have finite numbers"),
        ([["one"]], "finite numbers|numbers as entries"),
        ([[None]], "must have numbers as entries"),
    ],
)
def test_a_matrix_that_is_no_generator_is_refused(matrix: object, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        matrix_group({"r": matrix})


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(0.5, r"write Rational\(1, 2\)"), (-1.0, "write -1"), (0.1, "give exact"), (float("nan"), "give exact")],
)
def test_floats_are_refused_and_converted_only_when_exact(value: float, remedy: str) -> None:
    with pytest.raises(ExactnessError, match=f"must have exact entries, got {value}; {remedy}"):
        matrix_group({"r": [[value]]})
    with pytest.raises(ExactnessError):
        matrix_group({"r": np.array([[value]])})
    if value == value:
        with pytest.raises(ExactnessError):
            matrix_group({"r": sympy.Matrix([[sympy.Float(value)]])})


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([0, 0, 1], r"must be a permutation of 0\.\.2, got \[0, 0, 1\]"),
        ([1, 2, 3], r"counting from 0"),
        ([1.0, 0.0], "list of integers"),
        ([(0, 1), (1, 2)], "disjoint cycles"),
        ([(0, -1)], "disjoint cycles"),
    ],
)
def test_images_that_are_no_bijection_are_refused(images: list, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        permutation_group({"a": images})


def test_permutations_come_in_many_shapes() -> None:
    expected = permutation_group({"a": [1, 2, 0, 3], "b": [0, 1, 3, 2]})
    assert permutation_group({"a": np.array([1, 2, 0, 3]), "b": (0, 1, 3, 2)}) == expected
    assert permutation_group({"a": [(0, 1, 2)], "b": [(2, 3)]}) == expected
    assert permutation_group({"a": Permutation(3)(0, 1, 2), "b": Permutation(3)(2, 3)}) == expected
    named = permutation_group(PermutationGroup(Permutation(3)(0, 1, 2), Permutation(3)(2, 3)))
    assert (named.given, named.generators) == (expected.given, ("g0", "g1"))


def test_repeated_and_identity_generators_are_fine() -> None:
    assert matrix_group({"a": QUARTER, "b": QUARTER, "e": [[1, 0], [0, 1]]}).order == 4
    assert permutation_group({"e": [0, 1, 2]}).order == 1


@pytest.mark.parametrize("names", [("a", "a"), ("2a",), ("a b",), (3,)])
def test_generator_names_are_checked(names: tuple) -> None:
    with pytest.raises(GroupError, match="generators must"):
        Group("G", generators=names)


permutation_lists = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.permutations(range(n)).map(tuple), min_size=1, max_size=3)
)


@given(permutation_lists)
def test_elements_are_all_products(generators: list[tuple[int, ...]]) -> None:
    G = permutation_group({f"g{i}": list(p) for i, p in enumerate(generators)})
    expected = closure(generators)
    elements = G.elements
    assert elements.order == G.order == len(expected)
    made = []
    for word in elements.words:
        at = np.arange(len(generators[0]))
        for g, e in reversed(word):
            image = np.array(generators[int(g[1:])])
            for _ in range(e):
                at = image[at]
        made.append(tuple(at.tolist()))
    assert set(made) == expected
    for i, a in enumerate(made):
        for j, b in enumerate(made):
            assert made[elements.table[i, j]] == tuple(a[k] for k in b)
    for i in range(len(made)):
        assert elements.table[i, elements.inverse[i]] == 0


def test_conjugacy_classes_are_the_cycle_types() -> None:
    assert [len(np.unique(symmetric(n).elements.classes)) for n in (1, 2, 3, 4, 5)] == [1, 2, 3, 5, 7]
    assert len(np.unique(point_group("Oh", dim=3).elements.classes)) == 10
    assert sorted(np.bincount(alternating(4).elements.classes)) == [1, 3, 4, 4]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_orders_of_families_are_those_of_their_generators(n: int) -> None:
    for G, order in [
        (cyclic(n), n),
        (dihedral(n), 2 * n),
        (symmetric(n), factorial(n)),
        (alternating(n), max(factorial(n) // 2, 1)),
        (hyperoctahedral(n), 2**n * factorial(n)),
    ]:
        assert G.order == order == G.elements.order, G


@pytest.mark.parametrize(
    "G",
    [cyclic(6), dihedral(1), dihedral(5), symmetric(4), symmetric(5), hyperoctahedral(2), hyperoctahedral(3)],
)
def test_relations_define_the_group(G: Group) -> None:
    abstract = Group("by relations", G.generators, G.relations)
    assert abstract.order == G.order


def test_wreath_products() -> None:
    for G, n in [(cyclic(3), 2), (symmetric(3), 2), (cyclic(2), 3), (cyclic(2), 1)]:
        W = wreath(G, n)
        assert W.order == G.order**n * factorial(n) == W.elements.order
    relations_only = Group("C2", generators=("a",), relations=("a^2",))
    assert wreath(relations_only, 3).order == 48
    with pytest.raises(GroupError, match="wreath needs a finite or discrete group"):
        wreath(special_orthogonal(2), 2)


def test_direct_products_rename_and_commute() -> None:
    G = cyclic(3) * cyclic(4) * symmetric(3)
    assert G.generators == ("r_1", "r_2", "c", "s")
    assert (G.order, G.degree, len(G.factors)) == (72, 10, 3)
    assert Group("by relations", G.generators, G.relations).order == 72
    mixed = symmetric(3) * point_group("C4", dim=2)
    assert (mixed.given_by, mixed.dim, mixed.order) == ("matrices", 5, 24)
    lie = special_orthogonal(2) * cyclic(2)
    assert (lie.algebra, lie.discrete, lie.order) == (("x01",), ("r",), sympy.oo)


def test_subgroups_keep_their_words() -> None:
    D4 = point_group("D4", dim=2)
    H = D4.subgroup({"h": "r^2", "m": "m"})
    assert (H.generators, H.order) == (("h", "m"), 4)
    assert H.matrix("h") == -sympy.eye(2)
    assert D4.subgroup("r").order == 4
    assert D4.subgroup(["r^2"]).subgroup(["h0"]).order == 2
    by_relations = Group("D4", D4.generators, D4.relations)
    assert by_relations.subgroup(["r^2", "m*r"]).order == 4
    with pytest.raises(GroupError, match="may use a Lie algebra generator only by itself"):
        special_orthogonal(3).subgroup(["x01*x02"])


def test_infinite_and_huge_groups_are_refused_with_the_reason() -> None:
    with pytest.raises(InfiniteError, match="must generate a finite group"):
        matrix_group({"t": [[1, 1], [0, 1]]}).order  # noqa: B018
    with pytest.raises(InfiniteError, match="elements need a finite group"):
        special_orthogonal(3).elements  # noqa: B018
    with pytest.raises(TooLargeError, match="elements of S_10 would number more than 200,000"):
        symmetric(10).elements  # noqa: B018
    with pytest.raises(TooLargeError, match="too many cosets"):
        Group("Z", generators=("a", "b"), relations=("a^2",)).order  # noqa: B018
    assert symmetric(20000).order == factorial(20000)


def test_rational_and_algebraic_matrix_groups() -> None:
    half = sympy.Rational(1, 2)
    root = sympy.sqrt(3) / 2
    assert matrix_group({"r": [[half, -root], [root, half]]}).order == 6
    assert matrix_group({"r": [[sympy.I]]}).order == 4
    assert matrix_group({"a": [[0, 2], [half, 0]]}).order == 2


def test_mathieu_and_cube_orders() -> None:
    m24 = permutation_group(
        {
            "a": [tuple(range(23))],
            "b": [(2, 16, 9, 6, 8), (3, 12, 13, 18, 4), (7, 17, 10, 11, 22), (14, 19, 21, 20, 15)],
            "c": [(0, 23), (1, 22), (2, 11), (3, 15), (4, 17), (5, 9), (6, 19), (7, 13), (8, 20), (10, 16),
                (12, 21), (14, 18)],
        }
    )  # fmt: skip
    assert m24.order == 244823040


def test_brute_force_closure_is_a_real_oracle() -> None:
    assert len(closure([(1, 2, 3, 0), (1, 0, 2, 3)])) == 24 == len(list(permutations(range(4))))


def test_groups_by_relations_multiply_from_the_left() -> None:
    """The relation a b a^-1 = b^2 of the group of order 21 does not survive reversal."""
    G = Group("F21", generators=("a", "b"), relations=("a^3", "b^7", "a*b*a^-1 = b^2"))
    assert G.order == 21
    a, b = G.elements.left
    assert (a[b] == b[b[a]]).all()
    assert not (b[a] == a[b[b]]).all()
