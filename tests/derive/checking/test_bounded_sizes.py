"""Sizes of which only some numbers are possible: a radius on a grid of numbers is tried at all of them."""

from __future__ import annotations

import dataclasses

import pytest
import sympy as sp
from sympy import Eq, Tuple

import derive as dv

GROUPS = {"translations": dv.translations(1), "D1": dv.space_group(dv.point_group("D1", dim=1))}


def solved(group: str, boundary: str, n: int) -> dv.Solution:
    fields = (dv.Field(GROUPS[group], c, grid=n, boundary=boundary) for c in ("C", "D"))
    return dv.solve(*fields, support=dv.box("r"))


@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
@pytest.mark.parametrize("group", GROUPS)
def test_the_count_holds_at_every_possible_radius(group: str, boundary: str, n: int) -> None:
    found = solved(group, boundary, n)
    found.derivation.check()
    assert found.certificate.holds
    (r,) = (s for s in found.dim.free_symbols if s.name == "r")
    furthest = (n - 1) // 2 if boundary == "periodic" else n - 1
    for radius in range(1, furthest + 1):
        classes = 2 * radius + 1 if group == "translations" else radius + 1
        assert sp.expand(found.dim.subs(r, radius) / classes).free_symbols == found.dim.free_symbols - {r}
        assert found.dim.subs(r, radius).subs(dict.fromkeys(found.dim.free_symbols, 1)) == classes


@pytest.mark.parametrize("group", GROUPS)
def test_a_count_that_is_wrong_at_the_last_one_is_caught(group: str) -> None:
    found = solved(group, "periodic", 7)
    (r,) = (s for s in found.dim.free_symbols if s.name == "r")
    last = found.derivation[-1]
    wrong = Eq(last.after[0].lhs, last.after[0].rhs + (r - 1) * (r - 2), evaluate=False)
    mutant = dv.Derivation(
        [*found.derivation[:-1], dataclasses.replace(last, after=Tuple(wrong, last.after[1]))]
    )
    with pytest.raises(dv.DerivationError, match="count"):
        mutant.check()
