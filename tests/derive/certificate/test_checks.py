"""The residual of a certificate: 0 for what is right, and only for that."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from sympy import Rational, sqrt

import derive as dv
from derive.certificate.checks import Checks
from derive.certificate.gaps import equation_gap
from derive.hom.intertwiners import Element, PieceMaps
from derive.orbits.invariants import InvariantTensors, Leaf


def _irreps() -> Any:
    f = dv.irreps(dv.cyclic(5))
    return f[1] * f[2]


def _reflections() -> dv.Representation:
    group = dv.Group("two mirrors", generators=("a", "b"), relations=("a^2", "b^2"))
    third = [[Rational(3, 5), Rational(4, 5)], [Rational(4, 5), -Rational(3, 5)]]
    return dv.Representation(group, {"a": [[1, 0], [0, -1]], "b": third})


CASES = {
    "S_5": lambda: (dv.permutation(dv.symmetric(5)) ** 2,) * 2,
    "signs": lambda: (dv.defining(dv.hyperoctahedral(3)) ** 2,) * 2,
    "SO(3)": lambda: (dv.defining(dv.special_orthogonal(3)) ** 2,) * 2,
    "O(1,3)": lambda: (dv.defining(dv.lorentz(full=True)) ** 2,) * 2,
    "nested roots": lambda: (_irreps(), _irreps()),
    "fractions": lambda: (_reflections() ** 2,) * 2,
    "phases": lambda: (dv.Representation(dv.cyclic(3), {"r": [[sqrt(-3) / 2 - Rational(1, 2)]]}),) * 2,
}


@pytest.mark.parametrize("name", CASES)
def test_right_maps_leave_nothing_and_wrong_ones_something(name: str) -> None:
    solution = dv.solve(*CASES[name]())
    assert solution.certificate.holds
    group = solution.answer.group
    for pair in solution.answer.maps.pairs:
        maps = pair.maps
        for k in range(maps.dim):
            right = maps.element(k)
            assert not any(equation_gap(group, g, maps.output, maps.input, [right]) for g in group.generators)
            if maps.dim < maps.shape[0] * maps.shape[1]:
                wrong = _changed(right)
                gaps = [equation_gap(group, g, maps.output, maps.input, [wrong]) for g in group.generators]
                assert any(gaps), (name, k)


def _changed(element: Element) -> Element:
    """One entry more, where all others are kept."""
    dense = np.array(element.dense(), dtype=object)
    free = np.argwhere(dense == 0)
    place = tuple(free[len(free) // 2]) if len(free) else (0, 0)
    dense[place] += 1
    rows, columns = np.nonzero(dense)
    values = dense[rows, columns]
    whole = all(isinstance(v, int) for v in values)
    return Element(rows, columns, values.astype(np.int64) if whole else values, element.shape)


# ---- orbits too large to list ---------------------------------------------------------------------------


def test_large_orbits_are_looked_at_by_their_ranges() -> None:
    V = dv.permutation(dv.symmetric(5000))
    checks = Checks(V.group, dv.solve(V**2, V**2).answer.maps)
    assert checks.scope == "15 basis elements"
    assert checks.residual == 0
    assert checks.independent


@pytest.mark.parametrize(
    "which", ["a range loses a point", "two blocks of different sets are one", "doubled"]
)
def test_a_wrong_description_of_an_orbit_is_seen(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = InvariantTensors.leaf
    V = dv.permutation(dv.symmetric(5000))
    if which == "two blocks of different sets are one":  # a diagonal between points that move differently
        V = dv.outer(dv.permutation(dv.symmetric(100)), dv.permutation(dv.symmetric(100)))

    def changed(self: InvariantTensors, k: int) -> Leaf:
        leaf = original(self, 0 if which == "doubled" else k)
        if which == "a range loses a point":
            return dataclasses.replace(leaf, ranges=(leaf.ranges[0][1:], *leaf.ranges[1:]))
        if which == "doubled":
            return leaf
        return dataclasses.replace(leaf, pattern=(0,) * len(leaf.pattern), ranges=leaf.ranges[:1])

    monkeypatch.setattr(InvariantTensors, "leaf", changed)
    checks = Checks(
        V.group, dv.solve(V, V).answer.maps if "blocks" in which else dv.solve(V**2, V**2).answer.maps
    )
    assert checks.residual or not checks.independent


# ---- products too large to look at ----------------------------------------------------------------------


def _cloud() -> dv.Representation:
    """A vector at each of many points: matrices on one factor, orbits on the other."""
    return dv.outer(dv.defining(dv.special_orthogonal(3)), dv.permutation(dv.symmetric(300)))


def test_the_factors_of_large_products_are_looked_at() -> None:
    V = _cloud()
    solution = dv.solve(V, V)
    assert solution.certificate.holds
    assert "3 basis elements, of large products those of their factors" in str(solution.certificate)


def test_a_wrong_factor_of_a_large_product_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    V = _cloud()
    maps = dv.solve(V, V).answer.maps
    original = PieceMaps.element

    def changed(self: PieceMaps, k: int) -> Element:
        return _changed(original(self, k)) if self.shape == (3, 3) else original(self, k)

    monkeypatch.setattr(PieceMaps, "element", changed)
    assert Checks(V.group, maps).residual > 0
