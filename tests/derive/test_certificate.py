"""The certificate holds for every right answer, and fails as soon as a class is lost, merged or invented."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.answer import fibred
from derive.methods import spacegroups as pair_orbits
from derive.methods.classes import Axis, Classes
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


def _orbits(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """The solver finds other orbits of classes than there are."""
    original = pair_orbits.find_orbits

    def changed(*given: Any) -> Any:
        found = original(*given)
        return dataclasses.replace(found, orbits=change(found.orbits))

    monkeypatch.setattr(fibred, "find_orbits", changed)


@every_number
def test_a_dropped_class_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _orbits(monkeypatch, lambda o: dataclasses.replace(o, pairs=o.pairs[1:], kinds=o.kinds[1:]))
    assert not certify(name).holds


@every_number
def test_a_class_listed_twice_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubled(orbits: Any) -> Any:
        if len(orbits.pairs) == 1:
            both = [np.concatenate([x, x]) for x in (orbits.pairs, orbits.kinds)]
            return dataclasses.replace(orbits, pairs=both[0], kinds=both[1])
        return dataclasses.replace(orbits, pairs=np.concatenate([orbits.pairs[:1], orbits.pairs[:-1]]))

    _orbits(monkeypatch, doubled)
    assert not certify(name).holds


@pytest.mark.parametrize("name", ["ring", "window", "polyphase", "pooling"])
def test_a_class_and_its_translate_are_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members of one class in place of two classes: as many as expected, but not independent."""
    fields = NUMBERS[name][:2]
    period = int(fields[0].group.period[0])

    def translated(orbits: Any) -> Any:
        extra = orbits.pairs[:1] + period
        kept = max(1, len(orbits.pairs) - 1)
        pairs = np.concatenate([extra, orbits.pairs[:kept]])
        return dataclasses.replace(orbits, pairs=pairs, kinds=np.resize(orbits.kinds, len(pairs)))

    _orbits(monkeypatch, translated)
    assert not certify(name).holds


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
    if how == "half a unit more" and found.residual == 0:
        pytest.skip("every matrix there is equivariant")
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
