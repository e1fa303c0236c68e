"""A certificate looks at the basis that users get: one element changed, lost or doubled fails it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.answer.basis import Basis
from derive.certificate import certificate
from tests.derive.test_certificate import NUMBERS

P4M, PG, P6 = dv.wallpaper("p4m"), dv.wallpaper("pg"), dv.wallpaper("p6")
D4 = dv.point_group("D4")
S4, SO3 = dv.symmetric(4), dv.special_orthogonal(3)


def scalar(group: Any, **where: Any) -> dv.Field:
    return dv.Field(group, 1, **where)


def vector(group: dv.SpaceGroup) -> dv.Field:
    return dv.Field(group, fibre=dv.defining(group.point))


def turns(n: int) -> dv.Representation:
    return dv.irreps(dv.cyclic(n))[1]


KINDS: dict[str, Callable[[], tuple]] = {
    **{name: lambda given=given: given for name, given in NUMBERS.items()},  # type: ignore[misc]
    "dense": lambda: (scalar(dv.translations(1, 0), grid=3),) * 2,
    "symbolic radius": lambda: (scalar(dv.translations(1)), dv.Field(dv.translations(1), "C"), dv.box("r")),
    "symbolic grid": lambda: (scalar(dv.translations(1), grid="N", boundary="periodic"),) * 2 + (dv.box(1),),
    "p4m": lambda: (scalar(P4M), scalar(P4M), dv.box(1)),
    "p4m, to vectors": lambda: (scalar(P4M), vector(P4M), dv.box(1)),
    "p4m, copies and blocks": lambda: (
        dv.Field(P4M, fibre=2 * dv.trivial(P4M.point) + dv.sign(P4M.point)),
        dv.Field(P4M, fibre=dv.regular(P4M.point)),
        dv.box(1),
    ),
    "p4m, symbolic radius": lambda: (scalar(P4M), scalar(P4M), dv.box("r")),
    "p4m, torus": lambda: (scalar(P4M, grid=(4, 4), boundary="periodic"),) * 2,
    "p4m, window": lambda: (scalar(P4M, grid=(3, 3), boundary="zero"),) * 2,
    "pg": lambda: (scalar(PG), scalar(PG), dv.box(1)),
    "p6, to vectors": lambda: (scalar(P6), vector(P6), dv.hexagon(1)),
    "D4 without translations": lambda: (scalar(D4, grid=(3, 3)),) * 2,
    "orbits": lambda: (dv.permutation(S4) ** 2,) * 2,
    "signs": lambda: (dv.defining(dv.hyperoctahedral(3)) ** 2,) * 2,
    "matrices": lambda: (dv.defining(SO3) ** 2,) * 2,
    "roots": lambda: (turns(5) * turns(5), dv.regular(dv.cyclic(5))),
    "blocks": lambda: (dv.trivial(S4) + 2 * dv.permutation(S4), dv.permutation(S4) + dv.sign(S4)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_right_ones_hold(kind: str) -> None:
    assert dv.solve(*KINDS[kind]()).certificate.holds


class _Changed:
    """An element with one more entry."""

    def __init__(self, element: Any) -> None:
        self.element = element

    def dense(self) -> np.ndarray:
        array = np.array(self.element.dense(), dtype=object)
        place = np.unravel_index(int(np.flatnonzero(array.reshape(-1) == 0)[-1]), array.shape)
        array[place] = array[place] + sp.Integer(3)
        return array if self.element.dense().dtype == object else array.astype(np.int64)


def _spoil(monkeypatch: pytest.MonkeyPatch, other: Callable[[Sequence, int], Any]) -> None:
    """Another element in the place of the last one, wherever it is asked for."""
    original = Basis.__getitem__

    def spoilt(self: Basis, index: Any) -> Any:
        last = len(self) - 1
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        if index in (last, -1):
            return other([original(self, j) for j in range(last + 1)], last)
        return original(self, index)

    monkeypatch.setattr(Basis, "__getitem__", spoilt)


@every_kind
def test_one_changed_element_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoil(monkeypatch, lambda elements, last: _Changed(elements[last]))
    assert not _holds(kind)


@every_kind
def test_one_element_twice_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoil(monkeypatch, lambda elements, last: elements[0])
    assert not _holds(kind)


@every_kind
def test_a_lost_element_is_noticed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    length = Basis.__len__
    monkeypatch.setattr(Basis, "__len__", lambda self: length(self) - 1)
    assert not _holds(kind)


@every_kind
def test_a_sample_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the basis is too large to look at as a whole, the certificate says how much it saw."""
    monkeypatch.setattr(certificate, "ENTRIES", 4)
    found = dv.solve(*KINDS[kind]()).certificate
    assert found.holds
    if len(_small(kind).basis) > 4:
        assert "basis elements" in found.scope or "operators" in found.scope
        assert not found.scope.startswith("every basis element")


def _small(kind: str) -> dv.Solution:
    solution = dv.solve(*KINDS[kind]())
    if not solution.dim.free_symbols and not solution.assumptions:
        return solution
    return dv.solve(scalar(P4M), scalar(P4M), dv.box(1))


def _holds(kind: str) -> bool:
    return dv.solve(*KINDS[kind]()).certificate.holds
