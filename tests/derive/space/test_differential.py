"""Equivariant differential operators: how many there are, what they are called, and what they do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.space.differential import partials

SO3, O3, SO2 = dv.special_orthogonal(3), dv.orthogonal(3), dv.special_orthogonal(2)
x = sp.symbols("x1:4")
f = sp.Function("f")(*x)
v = [sp.Function(n)(*x) for n in "uvw"]


def field(G: dv.Group, V: Any) -> dv.Field:
    return dv.Field(dv.euclidean(G.dim or 0, G), fibre=V)


def operators(G: dv.Group, V: Any, W: Any, order: int) -> Any:
    more = (
        {} if G.algebra else {"max_degree": 1}
    )  # of what is solved for; orders beyond it are solved for too
    return dv.solve(field(G, V), field(G, W), **more).differential(order)


def only(G: dv.Group, V: Any, W: Any, order: int) -> Any:
    (found,) = operators(G, V, W, order)
    return found


S, V1 = dv.irrep(SO3, 0), dv.irrep(SO3, 1)
GRAD, DIV, CURL = only(SO3, S, V1, 1), only(SO3, V1, S, 1), only(SO3, V1, V1, 1)


def test_grad_div_and_curl_are_what_they_are_called() -> None:
    assert [op.name for op in (GRAD, DIV, CURL)] == ["grad", "div", "curl"]
    assert list(GRAD([f], x)) == [sp.diff(f, a) for a in x]
    assert DIV(v, x)[0] == sum(sp.diff(c, a) for c, a in zip(v, x, strict=True))
    u1, u2, u3 = v
    by_hand = [
        sp.diff(u3, x[1]) - sp.diff(u2, x[2]),
        sp.diff(u1, x[2]) - sp.diff(u3, x[0]),
        sp.diff(u2, x[0]) - sp.diff(u1, x[1]),
    ]
    assert list(CURL(v, x)) == by_hand


def test_second_order_on_vectors() -> None:
    found = operators(SO3, V1, V1, 2)
    assert [op.name for op in found] == ["Laplacian", "grad div"]
    laplacian, grad_div = found
    assert list(laplacian(v, x)) == [sum(sp.diff(c, a, 2) for a in x) for c in v]
    assert list(grad_div(v, x)) == [sp.diff(DIV(v, x)[0], a) for a in x]
    assert (GRAD @ DIV).matrix == found.named("grad div").matrix
    twice = (CURL @ CURL).matrix
    assert twice == (grad_div.matrix - laplacian.matrix).applyfunc(sp.expand)


def test_how_the_kernels_were_found_is_derived() -> None:
    G = dv.point_group("C8", dim=2)
    found = operators(G, dv.trivial(G), dv.defining(G), 7)  # solved for up to degree 1, and here to 7
    assert found.derivation.check() is None
    assert len(found) == 4


def test_compositions_that_vanish() -> None:
    assert (CURL @ GRAD).matrix == sp.zeros(3, 1)
    assert (DIV @ CURL).matrix == sp.zeros(1, 3)
    assert (DIV @ GRAD).order == 2


@pytest.mark.parametrize("order", range(5))
def test_scalars_have_powers_of_the_laplacian(order: int) -> None:
    found = operators(SO3, S, S, order)
    names = {0: ["identity"], 2: ["Laplacian"], 4: ["Laplacian^2"]}
    assert [op.name for op in found] == names.get(order, [])


def test_names_in_the_plane() -> None:
    s, w = dv.irrep(SO2, 0), dv.irrep(SO2, 1)
    assert [op.name for op in operators(SO2, s, w, 1)] == ["grad", "J grad"]
    _, rot = operators(SO2, w, s, 1)
    y, u = x[:2], v[:2]
    assert rot(u, y)[0] == sp.diff(u[1], y[0]) - sp.diff(u[0], y[1])
    assert [op.name for op in operators(SO2, w, w, 2)] == ["Laplacian", "J Laplacian", "grad div", "grad rot"]
    grad = operators(SO2, s, w, 1)[0]
    assert (grad @ rot).matrix == operators(SO2, w, w, 2).named("grad rot").matrix
    assert "z = D_1 + i D_2" in str(operators(SO2, w, dv.irrep(SO2, 3), 2))


def test_pseudovectors_alone_have_a_curl_under_reflections() -> None:
    polar, axial = dv.irrep(O3, 1), dv.irrep(O3, 1, "e")
    assert len(operators(O3, polar, polar, 1)) == 0
    assert only(O3, polar, axial, 1).matrix == CURL.matrix


GROUPS: dict[str, tuple[dv.Group, Callable[[dv.Group], Any], Callable[[dv.Group], Any]]] = {
    "SO(3), tensors": (SO3, lambda G: dv.irrep(G, 2), lambda G: dv.irrep(G, 2)),
    "SO(3), vector to tensor": (SO3, lambda G: dv.irrep(G, 1), lambda G: dv.irrep(G, 2)),
    "SO(2)": (SO2, lambda G: dv.irrep(G, 1), lambda G: dv.irrep(G, 2)),
    "O(2)": (dv.orthogonal(2), dv.trivial, lambda G: dv.irreps(G, 2)[-1]),
    "SO(4)": (dv.special_orthogonal(4), dv.defining, dv.defining),
    "D4": (dv.point_group("D4", dim=2), dv.trivial, dv.trivial),
    "C3": (dv.point_group("C3", dim=2), dv.trivial, dv.trivial),
    "C8": (dv.point_group("C8", dim=2), lambda G: dv.irreps(G)[3], dv.trivial),
    "O": (dv.point_group("O", dim=3), dv.defining, lambda G: dv.irrep(G, "E")),
    "copies": (dv.point_group("C4", dim=2), lambda G: 2 * dv.trivial(G) + dv.defining(G), dv.defining),
}


@pytest.mark.parametrize("name", GROUPS)
def test_as_many_as_a_null_space_says(name: str) -> None:
    """Each satisfies the equation in numbers, they are independent, and as many as there can be."""
    G, into, out = GROUPS[name]
    E = dv.euclidean(G.dim or 0, G)
    for order in range(3 if E.dim == 4 else 4):
        found = operators(G, into(G), out(G), order)
        assert found.certificate.holds, str(found.certificate)
        assert len(found) == found.count == _dimension(E, into(G), out(G), order)
        assert all(op.order == order for op in found)


def _dimension(E: dv.Euclidean, V: Any, W: Any, order: int) -> int:
    """The nullity of the equation at random points, for polynomial matrices with unknown coefficients."""
    n, shape = E.dim, (int(W.dim), int(V.dim))
    terms = list(combinations_with_replacement(range(n), order))
    rng = np.random.default_rng(order)
    points = rng.normal(size=(len(terms) + 2, n))
    rows = []
    for g, move in E.action.items():
        m, into, out = (_floats(k) for k in (move, V.matrix(g), W.matrix(g)))
        for d in points:
            if g in E.point.algebra:
                slope = [_slope(t, d, m @ d) for t in terms]
                here = [_monomial(t, d) for t in terms]
                blocks = [
                    np.kron(np.eye(shape[0]), np.eye(shape[1])) * s
                    + h * (np.kron(np.eye(shape[0]), into.T) - np.kron(out, np.eye(shape[1])))
                    for s, h in zip(slope, here, strict=True)
                ]
            else:
                there = [_monomial(t, m @ d) for t in terms]
                here = [_monomial(t, d) for t in terms]
                blocks = [
                    t * np.kron(np.eye(shape[0]), into.T) - h * np.kron(out, np.eye(shape[1]))
                    for t, h in zip(there, here, strict=True)
                ]
            rows.append(np.concatenate(blocks, axis=1))
    system = np.concatenate(rows)
    return system.shape[1] - int(np.linalg.matrix_rank(system, tol=1e-8 * len(system)))


def _floats(m: Any) -> np.ndarray:
    return np.array([[float(e) for e in row] for row in m.tolist()])


def _monomial(term: tuple[int, ...], d: np.ndarray) -> float:
    return float(np.prod(d[list(term)])) if term else 1.0


def _slope(term: tuple[int, ...], d: np.ndarray, along: np.ndarray) -> float:
    parts = ([along[i] if k == j else d[i] for j, i in enumerate(term)] for k in range(len(term)))
    return float(sum(np.prod(p) for p in parts))


def test_how_they_show_themselves() -> None:
    found = operators(SO3, V1, V1, 2)
    assert str(found).splitlines() == [
        "differential operators of order 2, l1 -> l1 on R^3 under SO(3): 2",
        "  1. Laplacian = |d|^2 I",
        "  2. grad div = d d^T",
        "  with d = (D_1, D_2, D_3)",
    ]
    assert repr(found) == "Differential(order=2, l1 -> l1 on R^3 under SO(3): 2)"
    assert str(CURL) == "curl = [d]_x = [[0, -D_3, D_2], [D_3, 0, -D_1], [-D_2, D_1, 0]]"
    assert repr(CURL) == "DifferentialOperator(curl = [d]_x, order=1)"
    assert r"\partial_{3}" in CURL.latex()
    assert r"\operatorname{grad\,div}" in found.latex()
    assert "Differential operators of order 2" in found._repr_html_()
    unnamed = operators(dv.point_group("D4", dim=2), *[dv.trivial(dv.point_group("D4", dim=2))] * 2, 4)
    assert [op.name for op in unnamed] == ["Laplacian^2", None]
    assert "D_1**4 - 6*D_1**2*D_2**2 + D_2**4" in str(unnamed)
    assert pickle.loads(pickle.dumps(found)).operators == found.operators
    assert pickle.loads(pickle.dumps(CURL)) == CURL
    assert partials(2)[1].name == "D_2"


def test_symbolic_copies_are_counted_and_not_listed() -> None:
    found = operators(SO3, "C" * S, V1, 1)
    assert str(found.count) == "C"
    with pytest.raises(dv.SymbolicError, match="need numbers of copies"):
        len(found)


FINITE = dv.symmetric(3)
BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: operators(SO3, S, S, -1), "order must be a non-negative integer, got -1"),
    (lambda: operators(SO3, S, S, 1.5), "order must be"),  # type: ignore[arg-type]
    (lambda: dv.solve(*[dv.permutation(FINITE)] * 2).differential(1), "differential needs a solution on R"),
    (lambda: CURL @ CURL @ DIV, "operator must give the 3 channels"),
    (lambda: CURL([f], x), "components must be 3"),
    (lambda: GRAD([f], x[:2]), "coordinates must be 3"),
    (lambda: operators(SO3, V1, V1, 2).named("curl"), "there are Laplacian, grad div"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(dv.DeriveError, match=message):
        make()
