"""The checker lists classes: many are not endless, and endless ones are told apart from many."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

import derive as dv
from derive.checking import classes

SPACE = ["C1", "T", "Td", "Th", "O", "Oh"]


def checked(group: dv.SpaceGroup, support: Any, **field: Any) -> dv.Solution:
    x = dv.Field(group, 1, **field)
    found = dv.solve(x, x, support=support)
    found.derivation.check()
    return found


@pytest.mark.parametrize("period", [2, 3, 4, pytest.param(6, marks=pytest.mark.slow)])
def test_long_periods_in_space(period: int) -> None:
    """Each of period^3 outputs has seven inputs; T moves them about the origin and its multiples."""
    found = checked(dv.space_group(dv.point_group("T", dim=3), period=period), dv.ball(1))
    assert found.dim == found.certificate.expected_dim


@pytest.mark.parametrize("name", SPACE)
@pytest.mark.parametrize("period", [1, 4])
def test_every_point_group_of_space(name: str, period: int) -> None:
    checked(dv.space_group(dv.point_group(name, dim=3), period=period), dv.ball(1))


@pytest.mark.parametrize("name", SPACE)
@pytest.mark.parametrize("boundary", ["zero", "periodic"])
@pytest.mark.parametrize("support", [None, dv.ball(1), dv.box(1)], ids=["all", "ball", "box"])
def test_windows_and_tori(name: str, boundary: str, support: Any) -> None:
    checked(dv.space_group(dv.point_group(name, dim=3)), support, grid=3, boundary=boundary)


@pytest.mark.parametrize("period", [5, 8, 12])
@pytest.mark.parametrize("support", [dv.box(1), dv.ball(3), [(0, 0)]], ids=str)
def test_inputs_further_out_than_the_support_reaches(period: int, support: Any) -> None:
    """An output late in its period has inputs beyond every number that is printed."""
    group = dv.space_group(dv.point_group("D4", dim=2), period=period)
    x = dv.Field(group, 1)
    found = dv.solve(x, x, support=support)
    if found.problem.classes.count() <= 2048:
        found.derivation.check()


def test_spacings_that_differ() -> None:
    group = dv.wallpaper("p4m")
    dv.solve(dv.Field(group, 1), dv.Field(group, 1, spacing="1/2"), support=dv.ball(1)).derivation.check()
    even = dv.wallpaper("p4m", period=2)
    dv.solve(dv.Field(even, 1), dv.Field(even, 1, spacing=2), support=dv.box(1)).derivation.check()


def test_an_endless_support_stays_endless() -> None:
    group = dv.space_group(dv.point_group("D1", dim=1))
    x = dv.Field(group, 1)
    found = dv.solve(x, x)
    assert found.dim is sympy.oo
    found.derivation.check()


def test_too_many_to_list_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "LARGEST", 100)
    group = dv.space_group(dv.point_group("T", dim=3), period=6)
    x = dv.Field(group, 1)
    derivation = dv.solve(x, x, support=dv.ball(1)).derivation
    with pytest.raises(dv.TooLargeError, match="at most 100 pairs of sites to list, to be checked, got 216"):
        derivation.check()
