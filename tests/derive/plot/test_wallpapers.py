"""Patterns of plane groups, and tying patterns side by side: what is drawn has the symmetry that is named."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import derive as dv
from derive import plot
from derive.errors import DeriveError
from tests.derive.plot.cases import solution
from tests.derive.plot.reading import cells, titles

SQUARE = ["p1", "p2", "pm", "pg", "cm", "pmm", "pmg", "pgg", "cmm", "p4", "p4m", "p4g"]
NAMES = [*SQUARE, "p3", "p31m", "p3m1", "p6", "p6m"]


def letters(axes: Any) -> tuple[np.ndarray, np.ndarray]:
    """The corners of every letter, (n, 10, 2), and its colour."""
    (found,) = (c for c in axes.collections if isinstance(c, PolyCollection))
    return np.array([p.vertices[:-1] for p in found.get_paths()]), found.get_facecolors()[:, :3]


def on_lattice(axes: Any, group: Any) -> np.ndarray:
    """The corners of every letter in coordinates of the lattice, read off the outline of the cell."""
    origin, down, _, right = axes.patches[0].get_path().vertices[:4]
    steps = np.stack([down - origin, right - origin]) / np.array(group.period, dtype=float)[:, None]
    return (letters(axes)[0] - origin) @ np.linalg.inv(steps)


def folded(corners: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Every letter moved into the first cell, each once: (n, 20)."""
    middles = corners.mean(axis=1) / period
    moved = (corners - np.floor(middles + 1e-6)[:, None] * period).reshape(len(corners), -1)
    return moved[[not _stands(letter, moved[:k]) for k, letter in enumerate(moved)]]


def _stands(letter: np.ndarray, among: np.ndarray) -> bool:
    return bool((np.abs(among - letter).max(axis=1) < 1e-6).any())


@pytest.mark.parametrize("name", NAMES)
def test_every_motion_carries_the_letters_to_each_other(name: str) -> None:
    group = dv.wallpaper(name)
    (axes,) = plot.wallpaper(group).axes
    period = np.array(group.period, dtype=float)
    corners = on_lattice(axes, group)
    there = folded(corners, period)
    assert len(there) == group.point.order
    for motion in group.motions.values():
        moved = corners @ np.array(motion.matrix, dtype=float).T + np.array(motion.shift, dtype=float)
        images = folded(moved, period)
        assert len(images) == len(there)
        assert all(_stands(letter, there) for letter in images)


@pytest.mark.parametrize("name", NAMES)
def test_letters_keep_apart_and_reversed_ones_have_their_own_colour(name: str) -> None:
    drawn, colours = letters(plot.wallpaper(dv.wallpaper(name)).axes[0])
    middles = drawn.mean(axis=1)
    reach = np.linalg.norm(drawn - middles[:, None], axis=2).max()
    assert min(np.linalg.norm(a - b) for a, b in combinations(middles, 2)) > 1.7 * reach
    x, y = drawn[..., 0], drawn[..., 1]
    area = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)
    assert np.allclose(np.abs(area), np.abs(area[0])), "all are of one size"
    kinds = {tuple(c.round(6)) for c in colours[area > 0]}, {tuple(c.round(6)) for c in colours[area < 0]}
    assert kinds[0].isdisjoint(kinds[1])
    assert sum(map(len, kinds)) == (2 if any(ch in name for ch in "mg") else 1)


def test_other_groups_of_the_plane() -> None:
    """A frieze is translated along one axis alone, a point group along none."""
    frieze = dv.space_group(dv.point_group("D1", 2), period=(0, 1))
    coloured = dv.space_group(dv.cyclic(2), period=(1, 1), action={})
    figure = plot.wallpaper(frieze, dv.point_group("D4", 2), coloured)
    counts = [len(letters(axes)[0]) for axes in figure.axes]
    assert counts == [4, 8, 4]
    assert [len(axes.patches) for axes in figure.axes] == [0, 0, 1]
    assert titles(figure) == ["D1", "D4", "Z_2"]
    whole = dv.space_group(dv.cyclic(2), period=(1, 1), action={}, glide={"r": (1, 0)})
    assert len(letters(plot.wallpaper(whole).axes[0])[0]) == 4, "a shift by a period adds nothing"
    (long,) = plot.wallpaper(dv.translations(2, period=(1, 7))).axes
    assert len(letters(long)[0]) == 2 * 14
    assert titles(plot.wallpaper(dv.wallpaper("pg"), titles=["glides"])) == ["glides"]


def test_tying_patterns_stand_side_by_side_with_their_counts() -> None:
    """Squares beside hexagons, one panel for each site of a period; colours begin anew with each solution."""
    named = {"p4m": 6, "pg": 9, "p6m": 4}
    figure = plot.tying(*map(solution, named), titles=list(named))
    assert titles(figure) == ["p4m: 6", "pg: 9 site 0", "pg: 9 site 1", "p6m: 4"]
    alone = cells(plot.tying(solution("p6m")).axes[0])
    beside = cells(figure.axes[-1])
    assert np.array_equal(beside.colours, alone.colours)
    assert len(set(beside.kinds.tolist())) == 4
    (foot,) = plot.tying(solution("p4m"), solution("line")).texts
    said = " ".join(foot.get_text().split())
    assert said.endswith("u runs down, v to the right. u runs to the right.")
    untitled = plot.tying(solution("p4m"), solution("conv"))
    assert titles(untitled) == ["6 free weights", "9 free weights"]
    assert titles(plot.tying(solution("p4m"), titles=["turns"])) == ["turns"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.wallpaper(), "groups, titles must be as many, one group at least, got 0 and None"),
        (
            lambda: plot.wallpaper(dv.wallpaper("p1"), titles=["a", "b"]),
            "groups, titles must be as many, one group at least, got 1 and ['a', 'b']",
        ),
        (lambda: plot.wallpaper("p4m"), "group must act on a lattice of 2 axes, got 'p4m'"),
        (lambda: plot.wallpaper(dv.translations(1)), "group must act on a lattice of 2 axes, got "),
        (lambda: plot.wallpaper(dv.symmetric(3)), "group must act on a lattice of 2 axes, got "),
        (lambda: plot.tying(), "solutions must hold one at least, got none; give what derive.solve returns"),
        (lambda: plot.tying(solution("p4m"), titles=[]), "titles must be 1, one per solution, got []"),
    ],
)
def test_errors_are_one_line_each(call: Any, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
