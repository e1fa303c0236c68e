"""Sizes that have to be numbers, and names that have to be free: what is said otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import derive as dv

COMPLAINTS: list[tuple[Callable[[], object], type[dv.DeriveError], str]] = [
    (
        lambda: dv.hexagon("k"),
        dv.SymbolicError,
        "radius must be a number, not a symbol, got k; give an integer >= 0",
    ),
    (
        lambda: dv.window(3, dilation="e"),
        dv.SymbolicError,
        "dilation must be a number, not a symbol, got e; give an integer >= 1",
    ),
    (
        lambda: dv.translations("n"),
        dv.SymbolicError,
        "dim must be a number, not a symbol, got n; give an integer >= 1",
    ),
    (
        lambda: dv.Field(dv.translations(1), 1, name="b"),
        dv.GroupError,
        "name must be a word that the equations do not use otherwise, got 'b'; use name='x'",
    ),
    (
        lambda: dv.Field(dv.translations(1), 1, name="two words"),
        dv.GroupError,
        "name must be a word that the equations do not use otherwise, got 'two words'; use name='x'",
    ),
]


@pytest.mark.parametrize(("make", "kind", "message"), COMPLAINTS)
def test_complaints(make: Callable[[], object], kind: type[dv.DeriveError], message: str) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value) == message
