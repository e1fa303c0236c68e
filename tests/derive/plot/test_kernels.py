"""Kernels, bases and arrows: what is drawn is what the exact basis holds."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import derive as dv
from derive import plot
from derive.errors import DeriveError
from tests.derive.plot.cases import solution
from tests.derive.plot.reading import arrows, cells, titles
from tests.derive.plot.test_weights import assert_tied, operator


def on_square(seen: Any, shape: tuple[int, int]) -> np.ndarray:
    """The order in which cells stand as an array: u down, v to the right."""
    u, v = np.floor(seen.centres[:, 1]).astype(int), np.floor(seen.centres[:, 0]).astype(int)
    order = np.full(shape, -1)
    order[u, v] = np.arange(len(u))
    return order


@pytest.mark.parametrize("name", ["p4m", "regular", "vector", "divergence", "conv"])
def test_a_tying_pattern_is_the_kernel(name: str) -> None:
    """Panel by panel the entries of K[i, c, du, dv]; together one colour per weight."""
    solved = solution(name)
    if name == "conv":
        x = dv.Field(dv.translations(2))
        solved = dv.solve(x, x, dv.box(1))
    values = operator(solved)
    panels = plot.tying(solution(name)).axes
    entries = list(product(*map(range, values.shape[:2])))
    assert len(panels) == len(entries)
    seen = [cells(axes) for axes in panels]
    orders = [on_square(s, values.shape[2:]) for s in seen]
    joined = type(seen[0])(
        np.concatenate([s.centres[o.reshape(-1)] for s, o in zip(seen, orders, strict=True)]),
        np.concatenate([s.colours[o.reshape(-1)] for s, o in zip(seen, orders, strict=True)]),
        np.concatenate([s.minus[o.reshape(-1)] for s, o in zip(seen, orders, strict=True)]),
        [s.texts[k] for s, o in zip(seen, orders, strict=True) for k in o.reshape(-1).tolist()],
    )
    assert_tied(joined, values.reshape(-1))
    letters = {t.removeprefix("-") for t in joined.texts if t}
    assert len(letters) == solved.dim
    if len(entries) > 1:
        assert [axes.get_title(loc="left") for axes in panels] == [f"[{i},{c}]" for i, c in entries]


def test_hexagons_stand_at_sixty_degrees_and_rings_share_a_colour() -> None:
    """A p6m kernel of radius 2 depends on the distance from the centre alone: 0, 1, sqrt(3) and 2."""
    axes = plot.tying(solution("p6m")).axes[0]
    seen = cells(axes)
    assert len(seen.centres) == 19
    distance = np.linalg.norm(seen.centres - seen.centres.mean(axis=0), axis=1).round(6)
    assert sorted(set(distance)) == pytest.approx([0, 1, np.sqrt(3), 2], abs=1e-6)
    assert len({(d, k) for d, k in zip(distance, seen.kinds.tolist(), strict=True)}) == 4
    corners = np.array([p.vertices[:-1] for p in axes.collections[0].get_paths()])
    assert corners.shape == (19, 6, 2)
    met, times = np.unique(corners.reshape(-1, 2).round(6), axis=0, return_counts=True)
    assert len(met) == 54  # the hexagons of two rings share corners, without gaps
    assert sorted(set(times)) == [1, 2, 3]


def test_two_sites_of_a_period_have_a_panel_each() -> None:
    """pg glides one phase to the other: the second kernel is the mirror image of the first."""
    panels = plot.tying(solution("pg")).axes
    assert [a.get_title(loc="left") for a in panels] == ["site 0", "site 1"]
    first, second = (np.array(cells(a).texts)[on_square(cells(a), (3, 3))] for a in panels)
    assert np.array_equal(second, first[::-1])


def test_a_volume_is_cut_into_slices() -> None:
    axes = plot.tying(solution("cube")).axes[0]
    assert [t.get_text() for t in axes.texts if "=" in t.get_text()] == ["du = -1", "du = 0", "du = 1"]
    seen = cells(axes)
    squares = np.abs(np.indices((3, 3, 3)) - 1).sum(axis=0).reshape(-1)
    assert len(seen.centres) == 27
    assert len({(s, k) for s, k in zip(squares.tolist(), seen.kinds.tolist(), strict=True)}) == 4


def test_one_pair_of_copies_stands_for_all() -> None:
    G = dv.wallpaper("p4m")
    x, y = dv.Field(G, fibre=3 * dv.trivial(G.point)), dv.Field(G, fibre=2 * dv.regular(G.point))
    figure = plot.tying(dv.solve(x, y, dv.box(1)))
    assert len(figure.axes) == 8
    assert figure.texts[0].get_text() == "54 free weights, 9 for each of 6 pairs of copies"


def test_blocks_have_letters_of_their_own() -> None:
    figure = plot.tying(solution("mixed"))
    said = titles(figure)
    assert said == ["1 → 1", "1 → V [0,0]", "1 → V [1,0]"]
    first, *others = ({t.removeprefix("-") for t in cells(a).texts if t} for a in figure.axes)
    assert first.isdisjoint(set.union(*others))


# ---- the basis --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p4m", "sets", "turns", "cube"])
def test_basis_panels_hold_the_elements(name: str) -> None:
    solved = solution(name)
    figure = plot.basis(solved)
    assert titles(figure) == [f"B{k}" for k in range(solved.dim)]
    for axes, element in zip(figure.axes, solved.basis, strict=True):
        values = np.asarray(element.dense(), dtype=float).reshape(-1)
        red, _, blue = cells(axes).colours.T
        assert np.array_equal(np.sign((red - blue).round(6)), np.sign(values))
        assert np.array_equal(cells(axes).minus, values < 0)
        depth = 1 - cells(axes).colours.min(axis=1)
        for sign in (-1, 1):
            mine = values * sign > 0
            assert np.allclose(
                depth[mine] * np.abs(values).max(), np.abs(values[mine]) * depth.max(initial=0), atol=0.3
            )


def test_regular_fibres_have_a_tile_for_each_channel() -> None:
    solved = solution("regular")
    axes = plot.basis(solved, [3]).axes[0]
    values = np.asarray(solved.basis[3].dense(), dtype=float).reshape(-1)
    assert np.array_equal(cells(axes).kinds >= 0, values != 0)
    assert [t for t in cells(axes).texts if t] == ["1"] * int(values.sum())


@pytest.mark.parametrize("name", ["vector", "divergence"])
def test_arrows_are_the_elements(name: str) -> None:
    """u points down and v to the right; the longest arrow of each element fills its cell."""
    solved = solution(name)
    for axes, element in zip(plot.basis(solved).axes, solved.basis, strict=True):
        u, v = np.asarray(element.dense(), dtype=float).reshape(2, 3, 3)
        middles, directions = arrows(axes)
        at = np.floor(middles).astype(int)
        found = np.zeros((2, 3, 3))
        found[:, at[:, 1], at[:, 0]] = directions[:, ::-1].T
        scale = np.linalg.norm(directions, axis=1).max()
        assert 0.8 <= scale < 1
        assert np.allclose(found / scale * np.linalg.norm([u, v], axis=0).max(), [u, v])


def test_hexagonal_arrows_turn_with_the_lattice() -> None:
    """Each element is unchanged when its picture is turned by a sixth about the middle."""
    c, s = np.cos(np.pi / 3), np.sin(np.pi / 3)
    turn = np.array([[c, -s], [s, c]])
    for axes in plot.basis(solution("p6m vector")).axes:
        middles, directions = arrows(axes)
        centred = middles - middles.mean(axis=0)
        turned = np.concatenate([centred @ turn.T, directions @ turn.T], axis=1)
        there = np.concatenate([centred, directions], axis=1)
        gaps = np.abs(turned[:, None] - there[None]).sum(axis=2).min(axis=1)
        assert gaps.max() < 1e-6


def test_some_elements_are_chosen_and_their_number_is_said() -> None:
    figure = plot.basis(solution("p4m"), slice(1, 3))
    assert titles(figure) == ["B1", "B2"]
    assert "2 of 6 elements." in " ".join(figure.texts[-1].get_text().split())


def test_arrays_share_one_scale_and_leave_holes() -> None:
    first, second = plot.kernels([[1.0, np.nan], [0.0, -4.0]], [[2.0]]).axes
    assert cells(first).texts == ["1", "", "-4"]
    assert np.allclose(cells(first).colours[2], [0, 0.447, 0.698])
    assert cells(second).colours[0, 2] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.basis(solution("zero")), "solution must have a basis to draw, got Field"),
        (
            lambda: plot.basis(solution("p4m"), [6]),
            "elements must be numbers below 6, got [6]; give range(6)",
        ),
        (
            lambda: plot.basis(solution("p4m"), arrows=True),
            "arrows needs kernels between scalars and vectors",
        ),
        (lambda: plot.tying(3), "solution must be a Solution, got 3; give what derive.solve returns"),
        (lambda: plot.kernels(), "arrays, titles must be as many, one at least, got 0"),
        (lambda: plot.kernels(["a"]), "arrays must be real numbers with one, two or three axes, got ['a']"),
        (
            lambda: plot.kernels(np.ones((3, 3)), arrows=True),
            "arrays must be real numbers (2, H, W), got float64[3,3]; take one channel",
        ),
        (lambda: plot.kernels(np.ones((3, 3)), group=3), "group must act on a lattice of 2 axes, got 3; use"),
    ],
)
def test_errors_are_one_line_each(call: Any, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_open_sizes_are_named() -> None:
    G = dv.translations(2)
    solved = dv.solve(dv.Field(G), dv.Field(G), dv.box("k"))
    with pytest.raises(DeriveError, match="sizes must give a number for every symbol"):
        plot.tying(solved)
    assert len(cells(plot.tying(solved, sizes={"k": 1}).axes[0]).centres) == 9
