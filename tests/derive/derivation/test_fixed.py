"""Stabilisers of classes of sites come from the words of an orbit, and are those that a scan finds."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

import derive as dv
from derive.derivation import fixed
from derive.derivation.unknown import Unknown
from derive.derivation.witnesses import Letters

GROUPS = {
    "p4m": dv.wallpaper("p4m"),
    "p6m": dv.wallpaper("p6m"),
    "p3": dv.wallpaper("p3"),
    "T": dv.space_group(dv.point_group("T", dim=3)),
    "Oh": dv.space_group(dv.point_group("Oh", dim=3)),
}


def scanned(unknown: Unknown, start: Any) -> set[int]:
    """All elements whose word leads back to the class."""
    words = unknown.point.elements.words
    letters = [tuple(g for g, power in word for _ in range(power)) for word in words]
    return {
        e
        for e, word in enumerate(letters)
        if reduce(lambda at, g: unknown.moves[g](at), reversed(word), start) == start
    }


def made_by(unknown: Unknown, words: tuple[Letters, ...]) -> set[int]:
    elements = unknown.point.elements
    chosen = [elements.index(tuple((g, 1) for g in word)) for word in words]
    reached, frontier = {0}, [0]
    while frontier:
        images = {int(elements.table[g, h]) for g in chosen for h in frontier} - reached
        reached |= images
        frontier = list(images)
    return reached


@pytest.mark.parametrize("name", GROUPS)
def test_schreier_generators_make_the_stabiliser(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    found = fixed._stabiliser

    def compared(unknown: Unknown, start: Any, orbit: Any) -> tuple[Letters, ...]:
        words = found(unknown, start, orbit)
        seen.append(made_by(unknown, words) == scanned(unknown, start))
        return words

    monkeypatch.setattr(fixed, "_stabiliser", compared)
    monkeypatch.setattr(Unknown, "monomial", False)  # matrices, also where signs would do
    group = GROUPS[name]
    x = dv.Field(group, fibre=dv.defining(group.point))
    assert dv.solve(x, x, support=dv.ball(1)).derivation
    assert len(seen) >= 2
    assert all(seen)
