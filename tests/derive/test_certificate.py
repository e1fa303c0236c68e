"""The certificate holds for every right answer, and fails as soon as a class is lost, merged or invented."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.equation.problem import Problem
from derive.methods.classes import Axis, Classes
from derive.methods.elimination import Quotient
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
        "  residual of T(g x) = g T(x) on every basis element: 0",
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


@every_number
def test_a_dropped_basis_element_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Classes.listing
    monkeypatch.setattr(Classes, "listing", lambda self: listing(self)[1:])
    assert not certify(name).holds


@every_number
def test_an_element_listed_twice_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Classes.listing

    def doubled(self: Classes) -> np.ndarray:
        rows = listing(self)
        return np.concatenate([rows[:1], rows[:-1]]) if len(rows) > 1 else np.concatenate([rows, rows])

    monkeypatch.setattr(Classes, "listing", doubled)
    assert not certify(name).holds


@pytest.mark.parametrize("name", ["ring", "window", "polyphase", "pooling"])
def test_a_class_and_its_translate_are_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members of one class in place of two classes: as many as expected, but not independent."""
    listing = Classes.listing

    def translated(self: Classes) -> np.ndarray:
        rows = listing(self).copy()
        steps = [[side.step if side else 0 for side in (axis.out, axis.into)] for axis in self.axes]
        extra = rows[:1].copy()
        extra[:, :, :2] += np.array(steps)
        return np.concatenate([extra, rows[: max(1, len(rows) - 1)]])

    monkeypatch.setattr(Classes, "listing", translated)
    assert not certify(name).holds


@pytest.mark.parametrize("wrong", [-1, 1])
@pytest.mark.parametrize("case", ["convolution 2-D", "torus", "window", "polyphase"])
def test_a_wrong_count_is_noticed(case: str, wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Classes.count
    monkeypatch.setattr(Classes, "count", lambda self: count(self) + wrong)
    assert not dv.solve(*BY_NAME[case].given).certificate.holds


def _patched(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    original = Problem.quotient.func  # type: ignore[attr-defined]
    monkeypatch.setattr(Problem, "quotient", property(lambda self: change(original(self))))


def test_merged_phases_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sites alike where the group tells even ones from odd ones."""

    def merge(quotient: Quotient) -> Quotient:
        return dataclasses.replace(
            quotient, moved=tuple(dataclasses.replace(c, modulus=1) for c in quotient.moved)
        )

    _patched(monkeypatch, merge)
    assert not dv.solve(*BY_NAME["polyphase"].given).certificate.holds


def test_merged_displacements_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def merge(quotient: Quotient) -> Quotient:
        twice = [dataclasses.replace(c, row=tuple(2 * k for k in c.row)) for c in quotient.free]
        return dataclasses.replace(quotient, free=tuple(twice))

    _patched(monkeypatch, merge)
    assert not dv.solve(*BY_NAME["convolution 2-D"].given).certificate.holds


def test_a_lost_displacement_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    _patched(monkeypatch, lambda quotient: dataclasses.replace(quotient, free=quotient.free[:1]))
    assert not dv.solve(*BY_NAME["convolution 2-D"].given).certificate.holds


def test_a_slipped_sign_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """u' + u in place of u' - u is not invariant: the residual says so."""

    def slip(quotient: Quotient) -> Quotient:
        turned = [dataclasses.replace(c, row=tuple(abs(k) for k in c.row)) for c in quotient.free]
        return dataclasses.replace(quotient, free=tuple(turned))

    _patched(monkeypatch, slip)
    certificate = dv.solve(*BY_NAME["convolution 2-D"].given).certificate
    assert certificate.residual != 0
    assert not certificate.holds
    assert "FAILS" in str(certificate)


def test_counting_around_the_grid_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torus counted like a window, and a window like a torus."""
    count = Axis.count

    def other(self: Axis) -> sp.Expr:
        kinds = {"periodic": "zero", "zero": "periodic"}
        sides = [s and dataclasses.replace(s, boundary=kinds[s.boundary]) for s in (self.out, self.into)]
        return count(dataclasses.replace(self, out=sides[0], into=sides[1]))

    monkeypatch.setattr(Axis, "count", other)
    for case in ("torus", "window"):
        assert not dv.solve(*BY_NAME[case].given).certificate.holds


# ---- independence ---------------------------------------------------------------------------------------


def test_the_count_uses_none_of_the_methods() -> None:
    """certificate.py imports no method, and asks no object for a count of classes but to compare it."""
    source = Path(dv.__file__).parent / "answer" / "certificate.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not [m for m in modules if m.startswith("derive.methods")]
    census = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("_census")
    ]
    assert len(census) >= 3
    for function in census:
        asked = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        assert not asked & {"count", "count_at", "listing", "classes", "quotient", "phases", "mesh"}, (
            function.name
        )


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
