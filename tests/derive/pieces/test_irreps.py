"""Irreducible representations: all of them, by characters; their types; what they are called."""

from __future__ import annotations

import numpy as np
import pytest

import derive as dv
from derive.pieces.young import images
from tests.derive.pieces.brute import characters, indicators
from tests.derive.pieces.cases import GROUPS, faithful

DIVISION = {1: 1.0, 2: 0.0, 4: -2.0}  # the indicator, by the dimension of what commutes


def check_all(G: dv.Group, found: tuple[dv.Representation, ...]) -> np.ndarray:
    """Rows of characters are orthogonal with squares 1, 2, 4; dimensions fill the group algebra."""
    for V in found:
        dv.Representation(G, {g: V.matrix(g) for g in G.generators})  # they multiply as the elements do
    table = characters(faithful(G), found)
    order = table.shape[1]
    assert order == G.order
    gram = table @ table.T / order
    squares = np.diag(gram).round().astype(int)
    assert np.allclose(gram, np.diag(squares))
    assert sum(int(V.dim) ** 2 // d for V, d in zip(found, squares.tolist(), strict=True)) == order
    assert np.allclose(indicators(faithful(G), found), [DIVISION[d] for d in squares.tolist()])
    assert len({V.name for V in found}) == len(found)
    assert [V.dim for V in found] == sorted(V.dim for V in found)
    return table / np.sqrt(order)


@pytest.mark.parametrize("name", GROUPS)
def test_they_are_irreducible_different_and_all(name: str) -> None:
    G = GROUPS[name]()
    found = dv.irreps(G)
    check_all(G, found)
    assert dv.irrep(G, found[-1].name) == found[-1]


NAMED = {  # all names, in any order (Cotton, "Chemical applications of group theory", 1990, appendix)
    "T": "A E T", "Td": "A1 A2 E T1 T2", "Th": "Ag Au Eg Eu Tg Tu", "O": "A1 A2 E T1 T2",
    "Oh": "A1g A2g Eg T1g T2g A1u A2u Eu T1u T2u", "I": "A T1 T2 G H",
    "D2": "A B1 B2 B3", "D3": "A1 A2 E", "D4": "A1 A2 B1 B2 E", "D6": "A1 A2 B1 B2 E1 E2",
    "C2v": "A1 A2 B1 B2", "C3v": "A1 A2 E", "C6v": "A1 A2 B1 B2 E1 E2", "C2h": "Ag Bg Au Bu",
    "C3h": "A' A'' E' E''", "C4h": "Ag Bg Eg Au Bu Eu", "D2h": "Ag B1g B2g B3g Au B1u B2u B3u",
    "D3h": "A1' A2' E' A1'' A2'' E''", "D4h": "A1g A2g B1g B2g Eg A1u A2u B1u B2u Eu",
    "D5h": "A1' A2' E1' E2' A1'' A2'' E1'' E2''", "D2d": "A1 A2 B1 B2 E", "D3d": "A1g A2g Eg A1u A2u Eu",
    "D4d": "A1 A2 B1 B2 E1 E2 E3", "S4": "A B E", "S6": "Ag Eg Au Eu", "S8": "A B E1 E2 E3",
    "Cs": "A' A''", "Ci": "Ag Au", "C1": "A", "C4": "A B E", "C5": "A E1 E2",
    "C2": "A B", "C5v": "A1 A2 E1 E2",
}  # fmt: skip
VECTORS = {  # what displacements are, and what turns (pseudovectors) are, from the same tables
    "T": ("T", "T"), "Td": ("T2", "T1"), "Th": ("Tu", "Tg"), "O": ("T1", "T1"), "Oh": ("T1u", "T1g"),
    "I": ("T1", "T1"), "D2": ("B1 B2 B3", "B1 B2 B3"), "D3": ("A2 E", "A2 E"), "D4": ("A2 E", "A2 E"),
    "C2v": ("A1 B1 B2", "A2 B1 B2"), "C3v": ("A1 E", "A2 E"), "C6v": ("A1 E1", "A2 E1"),
    "C2h": ("Au Bu Bu", "Ag Bg Bg"), "C3h": ("A'' E'", "A' E''"), "D2h": ("B1u B2u B3u", "B1g B2g B3g"),
    "D3h": ("A2'' E'", "A2' E''"), "D4h": ("A2u Eu", "A2g Eg"), "D5h": ("A2'' E1'", "A2' E1''"),
    "D2d": ("B2 E", "A2 E"), "D3d": ("A2u Eu", "A2g Eg"), "D4d": ("B2 E1", "A2 E3"), "S4": ("B E", "A E"),
    "S8": ("B E1", "A E3"), "Cs": ("A' A' A''", "A' A'' A''"), "Ci": ("Au Au Au", "Ag Ag Ag"),
    "C5": ("A E1", "A E1"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_point_groups_have_their_usual_names(name: str) -> None:
    """All, with names as in the tables; displacements and turns are called what they are called there."""
    G = dv.point_group(name, dim=3)
    found = dv.irreps(G)
    assert sorted(V.name for V in found) == sorted(NAMED[name].split())
    table = check_all(G, found)
    V = dv.defining(G)
    motions = characters(V, [V, V * dv.sign(G)]) / np.sqrt(G.order)
    inner = (motions @ table.T / (table**2).sum(axis=1)).round().astype(int)
    for row, names in zip(inner.tolist(), VECTORS.get(name, ()), strict=False):
        seen = [W.name for W, many in zip(found, row, strict=True) for _ in range(many)]
        assert sorted(seen) == sorted(names.split())


def test_partitions() -> None:
    """Young's form: dimensions by hooks, the sign, the standard representation."""
    S5 = dv.symmetric(5)
    assert {(V.name, V.dim) for V in dv.irreps(S5)} == {
        ("(5)", 1), ("(4,1)", 4), ("(3,2)", 5), ("(3,1,1)", 6), ("(2,2,1)", 5), ("(2,1,1,1)", 4),
        ("(1,1,1,1,1)", 1),
    }  # fmt: skip
    assert dv.irrep(S5, (1,) * 5) == dv.sign(S5)
    assert dv.irrep(S5, [4, 1]) == dv.irrep(S5, np.array([4, 1])) == dv.irrep(S5, "(4, 1)")
    assert (dv.permutation(S5)).decompose().sum == "(5) + (4,1)"
    assert dv.irrep(dv.symmetric(4), (2, 2)).dim == 2


def test_young_matrices_multiply_as_permutations_do() -> None:
    rng = np.random.default_rng(0)
    for shape in ((3, 2), (2, 2, 1), (3, 1, 1)):
        a, b = rng.permutation(5), rng.permutation(5)
        first, second, both = images(shape, [a.tolist(), b.tolist(), a[b].tolist()])
        assert first * second == both


def test_which_half_turn_is_which() -> None:
    """B1 is even about z, B3 about x (Cotton, D2); in C2v displacements along x are B1."""
    D2, C2v = dv.point_group("D2", dim=3), dv.point_group("C2v", dim=3)
    assert [dv.irrep(D2, "B1").matrix(g)[0] for g in ("r", "m")] == [1, -1]  # r about z, m about x
    assert [dv.irrep(D2, "B3").matrix(g)[0] for g in ("r", "m")] == [-1, 1]
    assert [dv.irrep(C2v, "B1").matrix(g)[0] for g in ("r", "m")] == [-1, -1]  # m: x -> -x
    D6 = dv.point_group("D6", dim=3)
    assert [dv.irrep(D6, "B1").matrix(g)[0] for g in ("r", "m")] == [-1, 1]
    I = dv.point_group("I", dim=3)
    assert dv.irrep(I, "T1").matrix("r").trace() == I.matrix("r").trace()


@pytest.mark.slow
def test_all_of_s6() -> None:
    G = dv.symmetric(6)
    found = dv.irreps(G)
    table = characters(dv.permutation(G), found)
    assert np.allclose(table @ table.T / 720, np.eye(11))


def test_halves_of_alternating_groups() -> None:
    """(3,1,1) of A_5 has two real halves over Q(sqrt 5), (2,1) of A_3 is one of complex type."""
    A5 = dv.alternating(5)
    half, other = dv.irrep(A5, ((3, 1, 1), "+")), dv.irrep(A5, ((3, 1, 1), "-"))
    assert half.dim == other.dim == 3
    assert half != other
    assert dv.irrep(dv.alternating(3), (2, 1)).decompose().pieces[0].type == "complex"


def test_products_are_labelled_by_tuples() -> None:
    G = dv.symmetric(3) * dv.point_group("O", dim=3)
    V = dv.irrep(G, ((2, 1), "E"))
    assert (V.dim, V.name) == (4, "((2,1), E)")
    both = dv.cyclic(3) * dv.cyclic(3)
    assert [W.name for W in dv.irreps(both)][-2:] == ["(f1, f1)a", "(f1, f1)b"]
    assert dv.irrep(both, (1, 1, "b")).dim == 2
    assert dv.irrep(G, ("(2,1)", "E")) == dv.irrep(G, "((2,1), E)") == V


def test_frequencies_are_labels() -> None:
    assert dv.irrep(dv.cyclic(5), 2) == dv.irreps(dv.cyclic(5))[2]
    assert dv.irrep(dv.dihedral(4), "f2'").dim == 1
    assert dv.irrep(dv.cyclic(4), 0) == dv.trivial(dv.cyclic(4))
    assert dv.irrep(dv.cyclic(4), np.int64(1)).dim == 2
    assert dv.irrep(dv.cyclic(4), 2).matrix("r")[0] == -1


def test_sums_are_read_as_they_are_written() -> None:
    V = dv.irreps(O3, "2xA1 + T2 + 3 E")
    assert (V.name, V.dim) == ("2 A1 + T2 + 3 E", 11)
    assert dv.irreps(O3, V.name) == V
    assert dv.irreps(S4, "(3,1) + 2x(2, 2)").dim == 7
    assert dv.irreps(dv.cyclic(5), "4xf0 + f2").dim == 6
    half = dv.irreps(dv.alternating(5), "2x(3,1,1)+ + (3,1,1)-")
    assert half.decompose().sum == half.name


O3, S4 = dv.point_group("O", dim=3), dv.symmetric(4)
BAD = [
    (
        lambda: dv.irrep(O3, "T3"),
        r"l must name .* of O, got 'T3'; did you mean T.*there are A1, A2, E, T1, T2",
    ),
    (lambda: dv.irrep(S4, (3, 2)), r"l must name .* of S_4, got \(3, 2\).*there are \(4\)"),
    (lambda: dv.irrep(O3, 0), r"l must name .* of O, got 0; there are A1"),
    (lambda: dv.irreps(O3, "2xT4"), "irreps must name .* of O, got 'T4'; did you mean"),
    (lambda: dv.irreps(O3, "8x0e"), "irreps must name"),
    (lambda: dv.irrep(S4, (3, 1), "e"), "parity must be left out for a finite group"),
    (lambda: dv.irrep(dv.cyclic(3) * S4, (1, (3, 2))), "l must name"),
    (lambda: dv.irreps(dv.hyperoctahedral(5)), "irreps are listed for groups of up to 2,000 elements"),
    (lambda: dv.irreps(dv.cyclic(2) * dv.special_orthogonal(3)), "needs SO"),
    (lambda: dv.irrep(dv.Group("F", ("a",)), 1), "irreps must be finitely many to be listed"),
    (lambda: dv.irreps(dv.orthogonal(3)), "is needed: there are infinitely many"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_labels(make: object, message: str) -> None:
    with pytest.raises(dv.DeriveError, match=message):
        make()  # type: ignore[operator]
