"""Certificates of group answers fail once an orbit, a fibre map or a basis element is lost or doubled."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
import derive as dv
from derive.hom.fibres import Entries, FibreMaps
from derive.hom.intertwiners import PieceMaps
from derive.lattice import pair_orbits as spacegroups
from derive.lattice.pair_orbits import PairOrbits

P4M, P4G = dv.wallpaper("p4m"), dv.wallpaper("p4g")
QUARTER = dv.space_group(dv.point_group("C4"))


def _scalars(G: dv.SpaceGroup, **lattice: Any) -> tuple[Any, Any]:
    x = dv.Field(G, channels=1, **lattice)
    return x, x


VECTORS = dv.Field(P4M, fibre=dv.defining(P4M.point))
LATTICES: dict[str, tuple[Any, ...]] = {
    "scalars": (*_scalars(P4M), dv.box(2)),
    "glides": (*_scalars(P4G), dv.box(1)),
    "torus": _scalars(P4M, grid=(4, 4), boundary="periodic"),
    "window": _scalars(QUARTER, grid=(3, 4), boundary="zero"),
    "no translations": _scalars(dv.point_group("D4"), grid=(3, 3)),  # type: ignore[arg-type]
    "vectors": (VECTORS, VECTORS, dv.box(2)),
    "blocks": (
        dv.Field(P4M, fibre=2 * dv.sign(P4M.point) + dv.regular(P4M.point)),
        dv.Field(P4M, fibre=dv.regular(P4M.point)),
        dv.box(2),
    ),
}
every_lattice = pytest.mark.parametrize("name", LATTICES)


def certify(name: str) -> dv.Certificate:
    """A fresh certificate: nothing cached from before a method was broken."""
    return dv.solve(*LATTICES[name]).certificate


def orbits_changed(monkeypatch: Any, change: Callable[[PairOrbits, Any], PairOrbits]) -> None:
    original = spacegroups.find_orbits

    def changed(*given: Any) -> Any:
        made = original(*given)
        return dataclasses.replace(made, orbits=change(made.orbits, made.maps))

    monkeypatch.setattr("derive.answer.on_lattice.find_orbits", changed)


def _without(orbits: PairOrbits, k: int) -> PairOrbits:
    return PairOrbits(np.delete(orbits.pairs, k, axis=0), np.delete(orbits.kinds, k), orbits.stabilisers)


@every_lattice
def test_untouched_it_holds(name: str) -> None:
    found = certify(name)
    assert found.holds, found
    assert found.method.startswith("the average over the")


@every_lattice
@pytest.mark.parametrize("which", [0, -1])
def test_a_dropped_orbit_is_missed(name: str, which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    orbits_changed(monkeypatch, lambda orbits, _: _without(orbits, which))
    found = certify(name)
    assert not found.holds
    assert found.dim < found.expected_dim


@every_lattice
def test_two_merged_orbits_are_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second orbit's members now answer to the first one's weight: one weight fewer, and it is seen."""
    original = spacegroups.orbit_table

    def merged(table: Any, move: Any, elements: Any) -> Any:
        found = original(table, move, elements)
        a, b = found.representatives[:2]
        assert a != b
        return dataclasses.replace(
            found,
            representatives=np.delete(found.representatives, 1),
            kinds=np.delete(found.kinds, 1),
        )

    monkeypatch.setattr(spacegroups, "orbit_table", merged)
    assert not certify(name).holds


@every_lattice
def test_an_orbit_listed_twice_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One orbit takes the place of another of its kind, by the same member or by another one."""

    def doubled(orbits: PairOrbits, maps: Any) -> PairOrbits:
        kind = int(np.argmax(orbits.counts))
        first, second = np.flatnonzero(orbits.kinds == kind)[:2]
        pairs = orbits.pairs.copy()
        pairs[second] = maps.apply(maps.order - 1, pairs[first][None].copy())[0]
        return PairOrbits(pairs, orbits.kinds, orbits.stabilisers)

    orbits_changed(monkeypatch, doubled)
    found = certify(name)
    assert found.dim == found.expected_dim  # the count alone would not notice
    assert not found.holds


@pytest.mark.parametrize("name", ["vectors", "blocks"])
def test_a_dropped_fibre_map_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = FibreMaps.fixed

    def fewer(self: FibreMaps, stabiliser: Any) -> Entries:
        found = original(self, stabiliser)
        keep = found.which != found.which.max(initial=-1)
        return Entries(found.which[keep], found.rows[keep], found.columns[keep], found.values[keep])

    monkeypatch.setattr(FibreMaps, "fixed", fewer)
    found = certify(name)
    assert not found.holds
    assert found.dim < found.expected_dim


@pytest.mark.parametrize("name", ["vectors", "blocks"])
def test_a_fibre_map_with_a_wrong_sign_leaves_a_residual(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = FibreMaps.fixed

    def flipped(self: FibreMaps, stabiliser: Any) -> Entries:
        found = original(self, stabiliser)
        values = found.values.copy()
        values[-1:] *= -1
        return dataclasses.replace(found, values=values)

    monkeypatch.setattr(FibreMaps, "fixed", flipped)
    found = certify(name)
    assert found.residual > 0
    assert not found.holds


def test_fibres_moved_the_wrong_way_leave_a_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    """K(g d) = rho(g) K(d) rho(g)^-1, not the other way round."""
    original = FibreMaps.moved

    def inverse(self: FibreMaps, element: int, maps: Entries) -> Entries:
        return original(self, int(self.point.elements.inverse[element]), maps)

    monkeypatch.setattr(FibreMaps, "moved", inverse)
    assert not certify("blocks").holds


# ---- without a lattice ----------------------------------------------------------------------------------


def _maps() -> dict[str, tuple[Any, Any]]:
    S4, C5 = dv.permutation(dv.symmetric(4)), dv.irreps(dv.cyclic(5))
    V = dv.defining(dv.special_orthogonal(3))
    return {"S_4": (S4**2, S4), "irreps": (C5[1] + C5[2], C5[1]), "SO(3)": (V**2, V**2)}


every_map = pytest.mark.parametrize("name", ["S_4", "irreps", "SO(3)"])


@every_map
def test_maps_are_certified(name: str) -> None:
    assert dv.solve(*_maps()[name]).certificate.holds


@every_map
def test_a_dropped_basis_matrix_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = PieceMaps.dim.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(PieceMaps, "dim", property(lambda self: max(original(self) - 1, 0)))
    found = dv.solve(*_maps()[name]).certificate
    assert not found.holds
    assert found.dim < found.expected_dim


@every_map
def test_a_doubled_basis_matrix_is_not_independent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = PieceMaps.element
    monkeypatch.setattr(PieceMaps, "element", lambda self, k: original(self, 0))
    found = dv.solve(*_maps()[name]).certificate
    assert found.independent is False or found.dim == 1


# ---- what the count is made of --------------------------------------------------------------------------


def test_the_count_asks_nothing_of_an_answer() -> None:
    """What it may import is tested with the house; here that no counting module reads what a solver found."""
    paths = sorted((Path(derive.__file__).parent / "counting").glob("*.py"))
    assert "lattice.py" in [path.name for path in paths]
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not asked & {"listing", "quotient", "composition", "solved"}, path.name
