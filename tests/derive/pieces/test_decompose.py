"""V.decompose(): the pieces, how often, of which type, and an exact basis in which V is their sum."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.pieces.parts import parts_of
from tests.derive.pieces.brute import characters, floats
from tests.derive.pieces.cases import F20, F21, Q8, SL23, faithful

S4, S5, A5 = dv.symmetric(4), dv.symmetric(5), dv.alternating(5)
P4, P5 = dv.permutation(S4), dv.permutation(S5)
ICO, CUBE = dv.point_group("I", dim=3), dv.point_group("Oh", dim=3)
FINITE: dict[str, Callable[[], dv.Representation]] = {
    "permutations": lambda: P5,
    "square": lambda: P4**2,
    "cube": lambda: P4**3,
    "copies and a sum": lambda: 3 * P4 + dv.sign(S4) + P4**2 + 2 * P4,
    "symmetric power": lambda: dv.sym(P4, 3),
    "alternating power": lambda: dv.alt(P5, 2),
    "regular, S_4": lambda: dv.regular(S4),
    "regular, S_5": lambda: dv.regular(S5),
    "regular, A_5": lambda: dv.regular(A5),
    "cosets": lambda: dv.quotient(S4, S4.subgroup(["s"])),
    **{f"regular, Z_{n}": lambda n=n: dv.regular(dv.cyclic(n)) for n in (1, 2, 3, 5, 7, 12)},  # type: ignore[misc]
    **{f"regular, D_{n}": lambda n=n: dv.regular(dv.dihedral(n)) for n in (2, 3, 5, 8)},  # type: ignore[misc]
    "vectors, I": lambda: dv.defining(ICO) ** 2,
    "vectors, Oh": lambda: dv.defining(CUBE) ** 3,
    "vectors, D5h": lambda: dv.defining(dv.point_group("D5h", dim=3)) ** 2,
    "hexagon": lambda: dv.regular(dv.point_group("D6", dim=2)),
    "Q8": lambda: dv.regular(Q8),
    "SL(2,3)": lambda: dv.regular(SL23),
    "F20": lambda: dv.permutation(F20) ** 2,
    "F21": lambda: dv.regular(F21),
    "Z_3 x Z_3": lambda: dv.regular(dv.cyclic(3) * dv.cyclic(3)),
    "outer": lambda: dv.outer(dv.permutation(dv.symmetric(3)) ** 2, dv.permutation(dv.cyclic(4))),
    "a subgroup": lambda: (P5**2).restrict(S5.subgroup(["s", "c^2"])),
    "signed": lambda: dv.defining(dv.hyperoctahedral(4)) ** 2,
    "not orthogonal": lambda: dv.Representation(S4, {g: _sheared(P4.matrix(g)) for g in "cs"}),
    "nothing": lambda: dv.alt(dv.trivial(S4), 2),
}


def _sheared(m: sp.Matrix) -> sp.Matrix:
    shear = sp.eye(4)
    shear[0, 1], shear[2, 3] = 2, sp.Rational(1, 3)
    return shear * m * shear.inv()


@pytest.mark.parametrize("name", FINITE)
def test_finite_groups(name: str) -> None:
    V = FINITE[name]()
    found = V.decompose()
    check_basis(found)
    assert found.certificate.holds, str(found.certificate)
    if not V.dim:
        return
    irreps = [p.irrep for p in found]
    table = characters(faithful(V.group), [V, *irreps])
    inner = table[1:] @ table.T / table.shape[1]
    squares = np.diag(inner[:, 1:]).round()
    assert np.allclose(inner[:, 1:], np.diag(squares))  # they are irreducible and different
    assert [p.type for p in found] == [{1: "real", 2: "complex", 4: "quaternionic"}[int(d)] for d in squares]
    assert np.allclose(inner[:, 0] / squares, [p.multiplicity for p in found])


def check_basis(found: Any) -> None:
    """rho(g) B = B D(g) with B invertible and D block diagonal, by NumPy and, where small, exactly."""
    V, B = found.V, found.basis
    assert B.shape == (V.dim, V.dim)
    if not V.dim:
        return
    own = [V.matrix(g) for g in V.group.generators]
    small = V.dim <= 9 and all(x.is_Rational for m in (B, *own) for x in m.flat())
    for g in V.group.generators:
        blocks = [p.irrep.matrix(g) for p in found for _ in range(p.multiplicity)]
        D = sp.diag(*blocks)
        assert np.allclose(floats(V.matrix(g)) @ floats(B), floats(B) @ floats(D), atol=1e-9 * _norm(B))
        assert found.representation.matrix(g) == D
        assert not small or B.inv() * V.matrix(g) * B == D
    scaled = floats(B) / np.linalg.norm(floats(B), axis=0)
    assert np.linalg.matrix_rank(scaled) == V.dim


def _norm(B: sp.Matrix) -> float:
    return float(np.abs(floats(B)).max())


def _alone(V: dv.Representation) -> dv.Representation:
    """Its matrices, and nothing of how it was made."""
    return dv.Representation(V.group, {g: V.matrix(g) for g in V.group.generators})


SPLIT: dict[str, tuple[Callable[[], dv.Representation], list[tuple[int, int, str]]]] = {
    "Z_15": (
        lambda: dv.regular(dv.cyclic(15)),
        [(1, 1, "real")] + [(2, 1, "complex")] * 7,
    ),
    "D_9": (
        lambda: dv.regular(dv.dihedral(9)),
        [(1, 1, "real")] * 2 + [(2, 2, "real")] * 4,
    ),
    "S_4": (
        lambda: dv.regular(S4),
        [(1, 1, "real")] * 2 + [(2, 2, "real")] + [(3, 3, "real")] * 2,
    ),
    "two fields, i and sqrt(-3)": (
        lambda: _alone(dv.outer(dv.irrep(dv.alternating(3), (2, 1)), dv.irrep(dv.cyclic(4), 1))),
        [(2, 1, "complex")] * 2,
    ),
    "not orthogonal": (
        lambda: dv.Representation(dv.cyclic(5), {"r": sp.Matrix.companion(sp.Poly("x**4+x**3+x**2+x+1"))}),
        [(2, 1, "complex")] * 2,
    ),
}


@pytest.mark.parametrize("name", SPLIT)
def test_representations_split_where_nothing_is_known(name: str) -> None:
    """Roots of polynomials of elements that commute: square roots, cosines and roots of higher degree."""
    make, wanted = SPLIT[name]
    V = make()
    parts = parts_of(V.blocks[0][1], ())
    assert sorted((p.irrep.dim, len(p.maps), p.irrep.kind) for p in parts) == sorted(wanted)
    for part in parts:
        W = part.irrep.representation
        for T in part.maps:
            for g in V.group.generators:
                assert np.allclose(floats(V.matrix(g)) @ floats(T), floats(T) @ floats(W.matrix(g)))


# ---- known answers ----------------------------------------------------------------------------------------

SO2, SO3, O3 = dv.special_orthogonal(2), dv.special_orthogonal(3), dv.orthogonal(3)
SO4, O2 = dv.special_orthogonal(4), dv.orthogonal(2)
KNOWN: dict[str, tuple[Callable[[], dv.Representation], str]] = {
    "vector as 1o": (lambda: dv.defining(O3), "1o"),
    "vectors squared": (lambda: dv.defining(O3) ** 2, "0e + 1e + 2e"),
    "elasticity": (lambda: dv.sym(dv.sym(dv.defining(O3), 2), 2), "2x0e + 2x2e + 4e"),
    "2e x 2e": (lambda: dv.irrep(O3, 2) ** 2, "0e + 1e + 2e + 3e + 4e"),
    "1o x 2e": (lambda: dv.irrep(O3, 1) * dv.irrep(O3, 2), "1o + 2o + 3o"),
    "a sum": (lambda: dv.irreps(O3, "2x1o + 0e") + dv.defining(O3), "0e + 3x1o"),
    "cubed": (lambda: dv.defining(SO3) ** 3, "l0 + 3 l1 + 2 l2 + l3"),
    "SO(2)": (lambda: dv.defining(SO2) ** 3, "3 f1 + f3"),
    "O(2)": (lambda: dv.irreps(O2, 2)[3] ** 2, "1 + sign + f4"),
    "SO(4)": (lambda: dv.defining(SO4) ** 2, "l0 + 3a + 3b + l2"),
    "SO(5)": (lambda: dv.defining(dv.special_orthogonal(5)) ** 2, "l0 + 10a + l2"),
    "a fibre": (lambda: dv.outer(dv.defining(SO3), dv.permutation(dv.symmetric(3))), "3a + 6a"),
    "S_8": (lambda: dv.permutation(dv.symmetric(8)) ** 2, "2 (8) + 3 (7,1) + (6,2) + (6,1,1)"),
    "dodecahedron": (lambda: dv.irrep(ICO, "T1") ** 2, "A + T1 + H"),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_sums(name: str) -> None:
    make, wanted = KNOWN[name]
    found = make().decompose()
    assert found.sum == wanted
    assert found.certificate.holds, str(found.certificate)
    check_basis(found)


def test_types() -> None:
    """Rotations by less than half a turn are of complex type, with reflections of real type."""
    assert [p.type for p in dv.regular(dv.cyclic(5)).decompose()] == ["real", "complex", "complex"]
    assert {p.type for p in dv.regular(dv.dihedral(5)).decompose()} == {"real"}
    assert [p.type for p in dv.defining(SO2).decompose()] == ["complex"]
    assert [p.type for p in dv.defining(O2).decompose()] == ["real"]
    assert [p.type for p in dv.regular(Q8).decompose()][-1] == "quaternionic"


@pytest.mark.slow
def test_forms_that_are_their_own_duals_times_i() -> None:
    found = dv.alt(dv.defining(dv.special_orthogonal(6)), 3).decompose()
    assert [(p.dim, p.type) for p in found] == [(20, "complex")]


@pytest.mark.slow
def test_all_functions_on_s6() -> None:
    found = dv.regular(dv.symmetric(6)).decompose()
    assert [p.multiplicity for p in found] == [p.dim for p in found]
    assert found.certificate.holds


def test_one_own_basis_of_vectors() -> None:
    """The change of basis between two conventions: y, z, x against x, y, z."""
    order = sp.Matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    V = dv.Representation(O3, {g: order * O3.matrix(g) * order.T for g in O3.generators})
    found = V.decompose()
    assert found.sum == "1o"
    assert found.basis == order


def test_the_number_field_is_said() -> None:
    assert str((P4**2).decompose().field) == "QQ"
    assert str((dv.defining(ICO) ** 2).decompose().field) == "QQ<sqrt(5)>"


def test_pieces_are_the_representations_that_are_listed() -> None:
    """The same matrices in every decomposition, and in irreps(G)."""
    known = dv.irreps(CUBE)
    for V in (dv.defining(CUBE) ** 2, dv.regular(CUBE)):
        assert all(p.irrep in known for p in V.decompose())


def test_how_it_shows_itself() -> None:
    found = (P4**2).decompose()
    assert repr(found) == "Decomposition(P*P = 2 (4) + (2,2) + 3 (3,1) + (2,1,1), dim=16, group=S_4)"
    assert str(found).splitlines() == [
        "P*P = 2 (4) + (2,2) + 3 (3,1) + (2,1,1), as S_4 acts",
        "piece    copies  dim  type",
        "(4)      2       1    real",
        "(2,2)    1       2    real",
        "(3,1)    3       3    real",
        "(2,1,1)  1       3    real",
    ]
    assert r"\oplus 3\,\mathrm{(3,1)}" in found.latex()
    assert "B = " in P4.decompose().latex()
    assert "dimension 3, real type" in found._repr_html_()
    irrep, multiplicity, kind = found.pieces[2]
    assert (irrep.name, multiplicity, kind) == ("(3,1)", 3, "real")
    assert repr(found.pieces[2]) == "3 x (3,1) (dim 3, real type)"
    assert "certificate holds" in str(found.certificate)
    assert "✗" not in found.certificate._repr_html_()
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.inverse * found.basis == sp.eye(16)
    assert dv.decompose(P4) == P4.decompose()


def test_a_certificate_fails_on_what_is_wrong() -> None:
    """A wrong column, a dropped piece, and pieces that split further are all seen."""
    found = (P4**2).decompose()
    (first, *rest), *others = found.maps
    wrong = sp.ImmutableMatrix([first[0] + 1, *first[1:]])
    spoiled = type(found)(found.V, found.pieces, ((wrong, *rest), *others))
    assert not spoiled.certificate.holds
    assert spoiled.certificate.residual == 1
    twice = type(found)(found.V, found.pieces, ((first, first), *others))
    assert not twice.certificate.independent
    whole = dv.IrreduciblePiece(P4, 1, "real")
    lumped = type(found)(P4, (whole,), ((sp.ImmutableMatrix(sp.eye(4)),),))
    assert (lumped.certificate.residual, lumped.certificate.independent) == (0, True)
    assert (lumped.certificate.dim, lumped.certificate.expected_dim) == (1, 2)


BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: dv.defining(dv.special_linear(2)), "group must be compact: .*generator e01 is not skew"),
    (lambda: dv.defining(dv.lorentz()), "group must be compact: .*generator b1 is not skew; restrict to"),
    (lambda: dv.defining(dv.general_linear(1)), "group must be compact"),
    (lambda: dv.Representation(dv.Group("F", ("a",)), {"a": [[2]]}), "group must be finite or compact"),
    (lambda: dv.Representation(dv.cyclic(4), {"r": [[sp.I]]}), "V must have real matrices"),
    (lambda: "C" * dv.trivial(S4), "decompose needs a number of copies"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_cannot_be_decomposed_says_why(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(dv.DeriveError, match=message):
        make().decompose()


def test_not_a_representation() -> None:
    with pytest.raises(dv.RepresentationError, match="V must be a representation"):
        dv.decompose(S4)  # type: ignore[arg-type]
