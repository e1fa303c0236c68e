"""The certificate holds for every right answer, and fails as soon as a class is lost, merged or invented."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.answer.basis import Basis
from derive.certificate.trials import trials
from derive.lattice.problem import with_sizes
from tests.derive.cases import BY_NAME, CASES, T1, T2, Case, T1by2, field, plain

NUMBERS = {
    "lattice": (field(T2, 2), field(T2, 3), dv.box(1)),
    "strided": (field(T1by2, 2), field(T1by2, 1, spacing=2), dv.box(1)),
    "polyphase": (field(T1by2, 1), field(T1by2, 2), dv.box(1)),
    "ring": tuple(field(T1, 2, grid=7, boundary="periodic") for _ in range(2)),
    "window": tuple(field(T1by2, 1, grid=5, boundary="zero") for _ in range(2)),
    "pooling": (field(T1by2, 1, grid=4, boundary="periodic"), dv.trivial(T1by2.point)),
    "listed": (field(T2, 1), field(T2, 1), [(0, 0), (1, 2), (3, -1)]),
}
every_number = pytest.mark.parametrize("name", NUMBERS)


def certify(name: str) -> dv.Certificate:
    """A fresh certificate: nothing cached from before a method was broken."""
    return dv.solve(*NUMBERS[name]).certificate


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_answer_is_certified(case: Case) -> None:
    certificate = case.solution.certificate
    assert certificate.holds, certificate
    assert certificate.residual == 0
    assert certificate.independent is True
    assert certificate.expected_dim == case.dim
    assert certificate.dim == case.dim


@every_number
def test_numbers_are_certified(name: str) -> None:
    assert certify(name).holds


def test_it_says_what_was_checked() -> None:
    printed = str(BY_NAME["convolution 2-D"].solution.certificate)
    assert printed.splitlines() == [
        "certificate holds",
        "  residual of T(g x) = g T(x) on every basis element with C = 2, D = 2: 0",
        "  basis elements independent: yes",
        "  free weights found: 9*C*D",
        "  free weights counted independently: 9*C*D",
        "  by a census of site pairs: translations act freely, so a class is counted at its first member",
    ]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"residual": 1}, "FAILS"),
        ({"independent": False}, "FAILS"),
        ({"dim": 8}, "FAILS"),
        ({"expected_dim": 10}, "FAILS"),
        ({"expected_dim": None}, "incomplete"),
    ],
)
def test_each_part_counts(change: dict[str, Any], word: str) -> None:
    good = dv.Certificate(0, True, 9, 9, "a census")
    assert good.holds
    bad = dataclasses.replace(good, **change)
    assert not bad.holds
    assert word in str(bad)


def test_without_an_independent_count_nothing_is_claimed() -> None:
    unknown = dv.Certificate(0, True, 9, None, "nothing")
    assert unknown.complete is None
    assert not unknown.holds


def test_symbolic_counts_are_compared_as_expressions() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    assert dv.Certificate(0, True, (n + 1) ** 2, n**2 + 2 * n + 1, "").holds
    assert not dv.Certificate(0, True, (n + 1) ** 2, n**2 + 2 * n, "").holds


# ---- broken on purpose ----------------------------------------------------------------------------------


def _pair(x: Any, *more: Any) -> tuple[Any, ...]:
    return (x, x, *more)


P4M = dv.wallpaper("p4m")
SO3, C5 = dv.special_orthogonal(3), dv.cyclic(5)
KINDS: dict[str, Callable[[], tuple[Any, ...]]] = {
    **{name: (lambda given=given: given) for name, given in NUMBERS.items()},
    "dense": lambda: _pair(field(dv.translations(1, period=0), 2, grid=3)),
    "symbols": lambda: BY_NAME["polyphase"].given,
    "symbolic ring": lambda: _pair(field(T1, 1, grid="N", boundary="periodic"), dv.box("r")),
    "symbolic torus": lambda: _pair(field(P4M, 1, grid="n", boundary="periodic")),
    "p4m": lambda: _pair(field(P4M, 1), dv.box(1)),
    "vectors": lambda: _pair(dv.Field(P4M, fibre=dv.defining(P4M.point)), dv.box(1)),
    "blocks": lambda: _pair(dv.Field(P4M, fibre=2 * dv.sign(P4M.point) + dv.defining(P4M.point)), dv.box(1)),
    "pg": lambda: _pair(field(dv.wallpaper("pg"), 1), dv.box(1)),
    "p6": lambda: _pair(field(dv.wallpaper("p6"), 1), dv.hexagon(1)),
    "a window": lambda: _pair(field(dv.space_group(dv.point_group("C4")), 1, grid=(3, 4), boundary="zero")),
    "orbits": lambda: _pair(dv.permutation(dv.symmetric(4)) ** 2),
    "signs": lambda: _pair(dv.defining(dv.hyperoctahedral(3)) ** 2),
    "matrices": lambda: _pair(dv.defining(SO3) ** 2),
    "irreps": lambda: _pair(dv.irreps(C5)[1] + dv.irreps(C5)[2]),
    "copies": lambda: _pair(2 * dv.defining(SO3) + dv.trivial(SO3)),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def _holed(a: np.ndarray) -> np.ndarray:
    """Its first entry lost."""
    b = a.copy()
    b[tuple(np.argwhere(b != 0)[0])] = 0
    return b


SPOILS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zero": lambda a: 0 * a,
    "a hole": _holed,
    "another shape": lambda a: a[..., :0],
    "half a unit more": lambda a: a.astype(float) + 0.5 * (np.arange(a.size).reshape(a.shape) == 0),
}


@every_kind
def test_every_kind_holds(name: str) -> None:
    found = dv.solve(*KINDS[name]()).certificate
    assert found.holds, found


@every_kind
@pytest.mark.parametrize("how", SPOILS)
def test_a_spoilt_element_is_noticed(name: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One element comes back changed, the last one of those that are asked for first."""
    solution = dv.solve(*KINDS[name]())
    known = trials(solution.problem, solution.dim, solution.assumptions)[0]
    kind = type(dv.Solution(with_sizes(solution.problem, known)).basis[0])
    dense, seen = kind.dense, []

    def spoilt(self: Any) -> np.ndarray:
        seen.append(self)
        return SPOILS[how](dense(self)) if len(seen) == 2 else dense(self)

    monkeypatch.setattr(kind, "dense", spoilt)
    found = solution.certificate
    assert not found.holds


@every_kind
def test_a_doubled_element_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    solution = dv.solve(*KINDS[name]())
    original = Basis.__getitem__

    def doubled(self: Basis, k: Any) -> Any:
        return original(self, 0 if k == len(self) - 1 else k)

    monkeypatch.setattr(Basis, "__getitem__", doubled)
    found = solution.certificate
    assert not found.holds
    assert not found.independent


@every_kind
def test_a_dropped_element_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    solution = dv.solve(*KINDS[name]())
    length = Basis.__len__
    monkeypatch.setattr(Basis, "__len__", lambda self: length(self) - 1)
    assert not solution.certificate.holds


@every_kind
@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_wrong_count_is_noticed(name: str, wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    solution = dv.solve(*KINDS[name]())
    right = solution.dim
    monkeypatch.setattr(dv.Solution, "dim", property(lambda self: right + wrong))
    assert not solution.certificate.holds


def test_a_weight_outside_the_support_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is equivariant, independent, and as many as there must be: but the statement forbids it."""
    solution = dv.solve(*_pair(field(T1, 1, grid=7, boundary="periodic"), dv.box(1)))
    far = dv.solve(*_pair(field(T1, 1, grid=7, boundary="periodic"))).basis
    outside = next(b for b in far if b.dense()[0, 0, 0, 3])
    original = Basis.__getitem__
    monkeypatch.setattr(Basis, "__getitem__", lambda self, k: outside if k == 0 else original(self, k))
    found = solution.certificate
    assert found.residual == 1
    assert not found.holds


@pytest.mark.parametrize(
    "support", [dv.box(10), dv.box("r"), dv.window("k")], ids=["box(10)", "box(r)", "window(k)"]
)
def test_symbols_are_tried_where_they_are_allowed(support: Any) -> None:
    x = field(T1, "r", grid="N", boundary="periodic")
    solution = dv.solve(x, x, support)
    known = trials(solution.problem, solution.dim, solution.assumptions)
    assert len(known) > 1
    assert all(r.subs(sizes) == sp.true for r in solution.assumptions for sizes in known)
    assert solution.certificate.holds


# ---- independence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 8, 40, 10**6])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_the_census_reaches_large_grids_by_small_ones(size: int, boundary: str) -> None:
    pair = [field(T1by2, 1, grid=2 * size, boundary=boundary) for _ in range(2)]
    certificate = dv.solve(*pair).certificate
    closed = 4 * size if boundary == "periodic" else 4 * size**2 - (2 * size - 2) ** 2
    assert certificate.expected_dim == closed
    assert certificate.holds


def test_certificates_compare_by_content() -> None:
    first, second = (dv.solve(*plain(T1), dv.box(1)).certificate for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
