"""Point groups that need no lattice, harmonic polynomials, and the irreducible representations on them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.symmetry.harmonics import expression, harmonic_images, harmonics, product

ORDERS = {
    2: {"C5": 5, "C7": 7, "C8": 8, "C16": 16, "D5": 10, "D8": 16, "D12": 24, "C6": 6, "D3": 6},
    3: {
        "I": 60, "Ih": 120, "Td": 24, "C5": 5, "C4v": 8, "C5v": 10, "C5h": 10, "D5": 10, "D3h": 12, "D5d": 20,
        "S2": 2, "S8": 8, "Cs": 2, "Ci": 2, "C1v": 2,
    },
}  # fmt: skip
ALL = [(name, dim, order) for dim, names in ORDERS.items() for name, order in names.items()]


@pytest.mark.parametrize(("name", "dim", "order"), ALL)
def test_orders_and_space(name: str, dim: int, order: int) -> None:
    """As many elements as the name says, and orthogonal ones in the frame of R^n."""
    G = dv.point_group(name, dim=dim)
    assert G.order == order
    E = dv.euclidean(dim, G)
    assert all(sp.simplify(m * m.T) == sp.eye(dim) for m in E.action.values())
    dv.Representation(G, E.action)  # they multiply as the elements do


def test_lattice_groups_stay_as_they_are() -> None:
    """C3 ... D6 in the plane keep their axial coordinates; R^2 has them converted, exactly."""
    G = dv.point_group("C3", dim=2)
    assert G.matrix("r") == sp.Matrix([[-1, -1], [1, 0]])
    E = dv.euclidean(2, G)
    assert E.point == G
    assert E.action["r"] == sp.Matrix([[-1, -sp.sqrt(3)], [sp.sqrt(3), -1]]) / 2
    assert E.frame * G.matrix("r") * E.frame.inv() == E.action["r"]
    assert dv.euclidean(2, dv.point_group("C8", 2)).frame == sp.eye(2)


@pytest.mark.parametrize(
    ("name", "dim"), [("C08", 2), ("C0", 2), ("C5v", 2), ("S5", 3), ("X", 3), ("C5", 1), ("", 2), ("C٣", 2)]
)
def test_unknown_names_are_refused(name: str, dim: int) -> None:
    with pytest.raises(dv.GroupError, match=r"point_group must be one of .*any Cn"):
        dv.point_group(name, dim=dim)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_harmonics_are_harmonic_and_orthogonal(n: int) -> None:
    letters = sp.symbols(f"x0:{n}")
    for degree in range(5 if n < 4 else 3):
        found = harmonics(n, degree)
        dims = [sp.binomial(n + k - 1, n - 1) if k >= 0 else 0 for k in (degree, degree - 2)]
        assert len(found) == dims[0] - dims[1]
        for k, y in enumerate(found):
            assert sp.expand(sum(sp.diff(expression(y, letters), x, 2) for x in letters)) == 0
            assert [product(y, z) != 0 for z in found[: k + 1]] == [False] * k + [True]
    assert harmonics(n, 1) == tuple({tuple(int(i == j) for j in range(n)): 1} for i in range(n))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
def test_matrices_on_harmonics_by_substitution(degree: int) -> None:
    """Y(g d) = rho(g) Y(d) at random points, for a fifth of a turn and for an infinitesimal one."""
    G = dv.point_group("I", 3)
    letters = sp.symbols("x0:3")
    values = sp.lambdify(letters, [expression(y, letters) for y in harmonics(3, degree)])
    (rho,) = harmonic_images([G.matrix("r")], [False], degree)
    points, move = np.random.default_rng(0).normal(size=(9, 3)), np.array(G.matrix("r").evalf(), dtype=float)
    here, there = (np.array([values(*x) for x in at], dtype=float) for at in (points, points @ move.T))
    assert np.allclose(here @ np.array(rho.evalf(), dtype=float).T, there)


@pytest.mark.parametrize("make", [dv.special_orthogonal, dv.orthogonal])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_irreps_are_representations(make: object, n: int) -> None:
    G = make(n)  # type: ignore[operator]
    for degree in range(4):
        V = dv.irrep(G, degree)
        dv.Representation(
            G, {g: V.matrix(g) for g in G.generators}
        )  # refused unless brackets and relations hold
        assert all(x.is_Rational for g in G.generators for x in V.matrix(g))
        assert dv.solve(V, V).dim == (2 if n == 2 and degree and make is dv.special_orthogonal else 1)
    assert dv.irrep(G, 0) == dv.trivial(G)
    assert dv.irrep(G, 1) == dv.defining(G)


def test_names_and_parities() -> None:
    G = dv.orthogonal(3)
    V = dv.irreps(G, "8x0e + 4x1o+2e")
    assert repr(V) == "Representation(8x0e + 4x1o + 2e, dim=25, group=O(3))"
    assert dv.irreps(G, V.name) == V
    assert [W.name for W in dv.irreps(G, 2)] == ["0e", "0o", "1o", "1e", "2e", "2o"]
    assert dv.irrep(G, 0, "o") == dv.sign(G)
    assert dv.irrep(G, 1, 1).matrix("m") == sp.diag(1, -1, -1)
    assert dv.irreps(dv.special_orthogonal(3), "2x0 + l1").dim == 5
    assert [W.dim for W in dv.irreps(dv.special_orthogonal(2), 2)] == [1, 2, 2]


BAD = [
    (lambda: dv.irreps(dv.orthogonal(3), "8x0"), "must say the parity of each degree, e or o"),
    (lambda: dv.irreps(dv.orthogonal(3), "8y0e"), "must be a sum such as '8x0e"),
    (lambda: dv.irreps(dv.orthogonal(3), ""), "must be a sum such as"),
    (lambda: dv.irreps(dv.special_orthogonal(3), "1o"), "parity must be left out"),
    (lambda: dv.irreps(dv.orthogonal(4), 2), "knows all of SO"),
    (lambda: dv.irreps(dv.orthogonal(3)), "is needed: there are infinitely many"),
    (lambda: dv.irrep(dv.orthogonal(3), 1, "odd"), "parity must be 'e' or 'o'"),
    (lambda: dv.irrep(dv.orthogonal(3), -1), "l must be a non-negative integer"),
    (lambda: dv.irrep(dv.general_linear(2), 1), r"needs SO\(n\) or O\(n\)"),
    (lambda: dv.euclidean(4, dv.lorentz()), "point must be compact"),
    (lambda: dv.euclidean(2, dv.symplectic(1)), "point must be compact"),
    (lambda: dv.euclidean(2, dv.matrix_group([[1, 1], [0, 1]])), "point must be compact"),
    (lambda: dv.euclidean(2, dv.general_linear(2)), "point must be compact"),
    (lambda: dv.euclidean(2, dv.cyclic(8)), r"point must act on R\^2"),
    (lambda: dv.euclidean(3, dv.point_group("C8", 2)), r"use euclidean\(2"),
    (lambda: dv.euclidean(0), "n must be a positive integer"),
    (lambda: dv.euclidean(2, dv.Group("C4", ("a",), ("a^4",))), "must be given by 2 x 2 matrices"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input_is_refused(make: object, message: str) -> None:
    with pytest.raises(dv.DeriveError, match=message):
        make()  # type: ignore[operator]
