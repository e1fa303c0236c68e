"""Glides: a space group is taken only where its motions multiply as its point group, modulo translations."""

from __future__ import annotations

import re
import time
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import derive as dv

MIRROR, FLIP, TURN = [[-1, 0], [0, 1]], [[1, 0], [0, -1]], [[0, -1], [1, 0]]
SWAP, HALF, SIXTH = [[0, 1], [1, 0]], [[-1, 0], [0, -1]], [[0, -1], [1, 1]]
BARE = dv.matrix_group({"m": MIRROR})


def closes(matrices: list[Any], shifts: list[Any], period: tuple[int, int]) -> bool:
    """Whether the motions that generators make in any order stay as many as the matrices, modulo periods.

    All products are listed, as pairs (matrix, shift modulo the period): a group with more pairs than matrices
    holds a translation that was not stated.
    """
    moves = [(np.array(m), np.array([Fraction(x) for x in t])) for m, t in zip(matrices, shifts, strict=True)]

    def key(m: np.ndarray, t: np.ndarray) -> tuple[Any, ...]:
        return tuple(m.ravel().tolist()), tuple(x % p for x, p in zip(t, period, strict=True))

    start = (np.eye(2, dtype=int), np.array([Fraction(0)] * 2))
    seen, frontier = {key(*start)}, [start]
    while frontier and len(seen) < 500:
        made = [(g @ m, g.dot(t) + s) for m, t in frontier for g, s in moves]
        frontier = [pair for pair in made if key(*pair) not in seen and not seen.add(key(*pair))]
    return len(seen) == len({m for m, _ in seen})


GENERATORS: dict[str, dict[str, Any]] = {
    "a mirror": {"m": MIRROR},
    "a quarter turn": {"r": TURN},
    "a sixth of a turn": {"r": SIXTH},
    "two mirrors": {"m": MIRROR, "n": FLIP},
    "a mirror and a turn": {"r": TURN, "m": MIRROR},
    "a swap and a half turn": {"s": SWAP, "r": HALF},
    "one mirror, twice": {"m": MIRROR, "n": MIRROR},
    "nothing moves": {"a": [[1, 0], [0, 1]]},
}
SHIFTS = [(0, 0), (1, 0), (0, 1), (1, 1), (0, "1/2"), ("1/2", "1/2")]


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("period", [1, 2, 3])
def test_taken_exactly_where_all_products_close(name: str, period: int) -> None:
    """Without any relation stated, every glide of every generator: taken just where counting takes it."""
    given = GENERATORS[name]
    group = dv.matrix_group(given)
    for shifts in product(SHIFTS, repeat=len(given)):
        glide = dict(zip(given, shifts, strict=True))
        try:
            dv.space_group(group, period=period, glide=glide)
            taken = True
        except dv.GroupError as error:
            taken = False
            advised = re.search(r"use period=\((\S+), (\S+)\), or leave", str(error))
            assert advised is not None
            dv.space_group(group, period=advised.groups(), glide=glide)  # what it says works
        assert taken == closes(list(given.values()), list(shifts), (period, period)), (glide, taken)


def test_a_mirror_without_relations() -> None:
    """Two glides by 1 are a translation by 2, which is none by 3."""
    with pytest.raises(dv.GroupError) as error:
        dv.space_group(BARE, period=(1, 3), glide={"m": (0, 1)})
    assert str(error.value) == (
        "glide must make m^2 a translation by periods (1, 3), got a shift by (0, 2); "
        "use period=(1, 2), or leave the glide out"
    )


@pytest.mark.parametrize(
    "group",
    [
        BARE,
        dv.matrix_group({"m": MIRROR}, ("m^2",)),
        dv.matrix_group({"m": MIRROR}, ("m^4", "m^-2")),
        dv.point_group("D1"),
        dv.point_group("D4").subgroup({"m": "m"}),
    ],
    ids=["no relation", "all", "more than needed", "by name", "a subgroup"],
)
def test_relations_make_no_difference(group: dv.Group) -> None:
    """The group is what the matrices generate: one answer, however it was stated."""
    G = dv.space_group(group, period=(1, 2), glide={"m": (0, 1)})
    x = dv.Field(G, channels=1, grid=(2, 6), boundary="periodic")
    right = dv.Field(dv.wallpaper("pg"), channels=1, grid=(2, 6), boundary="periodic")
    assert dv.solve(x, x).dim == dv.solve(right, right).dim == 12
    with pytest.raises(dv.GroupError, match="must make m"):
        dv.space_group(group, period=(1, 3), glide={"m": (0, 1)})


def test_products_of_two_generators() -> None:
    """Each mirror closes by itself; their product moves nothing, so it has to be a translation."""
    group = dv.matrix_group({"m": MIRROR, "n": MIRROR})
    with pytest.raises(dv.GroupError, match=r"must make \S+ a translation by periods \(2, 2\)"):
        dv.space_group(group, period=2, glide={"m": (0, 1)})
    dv.space_group(group, period=2, glide={"m": (0, 1), "n": (0, 1)})


def test_actions_that_are_not_faithful() -> None:
    """Channels that are turned while space is shifted by half a translation, and by a third."""
    Z2 = dv.cyclic(2)
    dv.space_group(Z2, period=(1, 1), action={}, glide={"r": ("1/2", 0)})
    with pytest.raises(dv.GroupError, match=r"r\^2 a translation .* got a shift by \(2/3, 0\)"):
        dv.space_group(Z2, period=(1, 1), action={}, glide={"r": ("1/3", 0)})
    dv.space_group(dv.cyclic(3), period=(1, 1), action={}, glide={"r": ("1/3", 0)})


def test_groups_of_permutations_that_act() -> None:
    group = dv.permutation_group({"a": [1, 0, 2, 3], "b": [0, 1, 3, 2]})
    action = {"a": MIRROR, "b": FLIP}
    dv.space_group(group, period=2, action=action, glide={"a": (0, 1)})
    with pytest.raises(dv.GroupError, match=r"must make a\^2 a translation"):
        dv.space_group(group, period=3, action=action, glide={"a": (0, 1)})


def test_three_axes_and_no_translation() -> None:
    """A screw about the third axis, and a glide where nothing is translated."""
    screw = dv.matrix_group({"r": [[0, -1, 0], [1, 0, 0], [0, 0, 1]]})
    dv.space_group(screw, period=(1, 1, 4), glide={"r": (0, 0, 1)})
    with pytest.raises(dv.GroupError, match=r"r\^4 a translation .* use period=\(1, 1, 4\)"):
        dv.space_group(screw, period=(1, 1, 3), glide={"r": (0, 0, 1)})
    with pytest.raises(
        dv.GroupError, match=r"periods \(1, 0\), got a shift by \(0, 2\); use period=\(1, 2\)"
    ):
        dv.space_group(BARE, period=(1, 0), glide={"m": (0, 1)})


def test_periods_that_are_advised_are_carried_too() -> None:
    """m carries v to 2 u - v: with periods (6, 5) it would carry 5 along v to 10 along u."""
    slanted = dv.matrix_group({"m": [[1, 2], [0, -1]]})
    with pytest.raises(dv.GroupError, match=r"a shift by \(6, 0\); use period=\(2, 5\)"):
        dv.space_group(slanted, period=5, glide={"m": (3, 0)})
    dv.space_group(slanted, period=(2, 5), glide={"m": (3, 0)})


def test_large_point_groups_take_no_time() -> None:
    start = time.perf_counter()
    dv.space_group(dv.hyperoctahedral(5), period=2, glide={"f": (0, 1, 1, 1, 1)})
    with pytest.raises(dv.GroupError, match="glide must make"):
        dv.space_group(dv.hyperoctahedral(5), period=3, glide={"f": (0, 1, 1, 1, 1)})
    dv.space_group(dv.symmetric(20000), period=(1, 1), action={})  # without glides there is nothing to check
    assert time.perf_counter() - start < 5


ENDLESS = {
    "a shear": lambda: dv.matrix_group({"s": [[1, 1], [0, 1]]}),
    "two turns": lambda: dv.matrix_group({"r": TURN, "s": SIXTH}),
    "a free group": lambda: dv.Group("Z", ("a",)),
    "a product with one": lambda: dv.point_group("C4") * dv.matrix_group({"s": [[1, 1], [0, 1]]}),
    "SO(2)": lambda: dv.special_orthogonal(2),
    "O(3)": lambda: dv.orthogonal(3),
    "SL(2)": lambda: dv.special_linear(2),
    "a Lie group of one's own": lambda: dv.matrix_group({}, algebra={"x": TURN}),
    "a finite group times SO(2)": lambda: dv.point_group("C4") * dv.special_orthogonal(2),
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize(
    "state",
    [
        lambda G: dv.space_group(G),
        lambda G: dv.space_group(G, period=(1, 1), action={}),
        lambda G: dv.Field(G, grid=(5, 5)),
        lambda G: dv.Field(G),
    ],
    ids=["space_group", "action", "field", "field without a grid"],
)
def test_infinite_groups_are_refused_where_they_are_stated(name: str, state: Any) -> None:
    with pytest.raises(
        dv.GroupError, match=r"point must be finite to act on a lattice, got .*; use "
    ) as error:
        state(ENDLESS[name]())
    lie = bool(ENDLESS[name]().algebra)
    assert ("a finite subgroup such as point_group('C4')" in str(error.value)) == lie


@pytest.mark.parametrize("matrix", [[[0, "1/2"], [2, 0]], [["-1", 0], ["1/3", 1]]])
def test_matrices_that_are_not_whole(matrix: Any) -> None:
    """They were cut to integers."""
    with pytest.raises(dv.GroupError, match="matrix of 's' must have integer entries to move a lattice"):
        dv.space_group(dv.matrix_group({"s": matrix}))
