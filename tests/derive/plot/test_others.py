"""Orbits, errors, ladders, tensors and audits, each against a plain computation."""

from __future__ import annotations

from math import log10
from types import SimpleNamespace as Named
from typing import Any

import numpy as np
import pytest

import derive as dv
from derive import plot
from derive.errors import DeriveError
from tests.derive.plot.cases import COUNTS, report, solution
from tests.derive.plot.reading import cells, titles


def patches(figure: Any, shape: tuple[int, int]) -> set[tuple[str, ...]]:
    """The images of an orbit, read off by their letters."""
    found = set()
    for axes in figure.axes:
        seen = cells(axes)
        at = np.floor(seen.centres - seen.centres.min(axis=0) + 0.5).astype(int)
        image = np.full(shape, "", dtype=object)
        image[at[:, 1], at[:, 0]] = seen.texts
        found.add(tuple(image.reshape(-1)))
    return found


def test_the_orbit_of_a_square_patch_is_its_turns_and_flips() -> None:
    patch = np.array([[1, 2, 0], [0, 3, 0], [-1, 0, 0]])
    figure = plot.orbit(dv.wallpaper("p4m"), patch)
    text = np.where(patch == 0, "", patch.astype(str))
    turns = [np.rot90(t, k) for k in range(4) for t in (text, text[::-1])]
    assert patches(figure, (3, 3)) == {tuple(t.reshape(-1)) for t in turns}
    assert figure.texts[0].get_text() == "8 elements of D4, 8 different images"


def test_a_symmetric_patch_has_fewer_images_and_says_which_are_equal() -> None:
    figure = plot.orbit(dv.point_group("C4"), [[0, 1, 0], [0, 5, 0], [0, 1, 0]])
    assert figure.texts[0].get_text() == "4 elements of C4, 2 different images"
    assert titles(figure) == ["1", "r", "r^2: same as 1", "r^3: same as r"]


def test_a_turn_of_hexagons_is_a_sixth_on_paper() -> None:
    patch = np.array([[np.nan, 1, 2], [3, 4, 5], [6, 7, np.nan]])
    one, r, *_ = (cells(a) for a in plot.orbit(dv.point_group("C6"), patch).axes)
    places = [dict(zip(s.texts, s.centres - s.centres.mean(axis=0), strict=True)) for s in (one, r)]
    angles = [np.angle(complex(*places[1][t]) / complex(*places[0][t])) for t in places[0] if t != "4"]
    assert np.allclose(np.abs(angles), np.pi / 3)
    assert np.allclose(angles, angles[0])


def test_an_error_map_shows_relative_errors_and_leaves_zeros_white() -> None:
    right = np.full((4, 6, 2), 2.0)
    left = right.copy()
    left[0, :, 1] += 0.5
    left[3, 5, 0] += 1e-3
    figure = plot.error_map(left, right)
    drawn = figure.axes[0].images[0].get_array()
    wanted = np.zeros((4, 6))
    wanted[0], wanted[3, 5] = 0.5 / 2.5, 1e-3 / 2.5
    assert np.allclose(drawn.filled(0), wanted)
    assert np.array_equal(np.ma.getmaskarray(drawn), wanted == 0)
    assert "Differs at 7 of 24 sites, by 20 % of the largest entry" in " ".join(
        figure.texts[0].get_text().split()
    )


def test_an_error_of_zero_is_said() -> None:
    figure = plot.error_map(np.ones((3, 3)), np.ones((3, 3)))
    assert figure.texts[0].get_text() == "Exactly 0 at every site."


def test_a_single_bad_pixel_of_a_large_image_is_not_lost() -> None:
    right = np.zeros((700, 500))
    left = right.copy()
    left[699, 499] = 1.0
    figure = plot.error_map(left, right)
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.shape == (234, 167)
    assert drawn.count() == 1
    assert "Each cell is the largest of 3 x 3 sites." in figure.texts[-1].get_text()


@pytest.mark.parametrize("width", [6.4, 4.0])
def test_bars_are_logarithms_of_the_counts_and_numbers_are_exact(width: float) -> None:
    axes = plot.ladder(COUNTS, width=width).axes[0]
    bars = [p for p in axes.patches if p.get_gid() == "bar"]
    lengths = {n: b.get_width() for n, b in zip(COUNTS.values(), bars, strict=True)}
    assert lengths.pop(0) == 0
    unit = (lengths[10**12] - lengths[1]) / 12
    assert unit > 0
    for n, length in lengths.items():
        assert length - lengths[1] == pytest.approx(unit * log10(n))
    texts = [t.get_text() for t in axes.texts]
    assert all(f"{n:,}" in texts for n in COUNTS.values())


def test_a_ladder_of_solutions_counts_them() -> None:
    G = dv.translations(2)
    pairs = [("free", dv.solve(dv.Field(G), dv.Field(G))), ("p4m", solution("p4m")), ("huge", 7**40)]
    texts = [t.get_text() for t in plot.ladder(pairs).axes[0].texts]
    assert {"infinite", "6", "about 6.367 × 10³³"} <= set(texts)


def brute(formula: str, x: np.ndarray) -> np.ndarray:
    """What a formula such as y[i,j] = Σ x[j,k] says, different letters being different points."""
    left, right = formula.split(" = ")
    out = left.removeprefix("y").strip("[]").split(",")
    into = right.removeprefix("Σ ").removeprefix("x").strip("[]").split(",")
    n, letters = len(x), sorted({*out, *into})
    y = np.zeros((n,) * len(out))
    for points in np.ndindex(*(n,) * len(letters)):
        if len(set(points)) == len(points):
            at = dict(zip(letters, points, strict=True))
            y[tuple(at[a] for a in out)] += x[tuple(at[a] for a in into)]
    return y


def test_the_fifteen_formulas_say_what_the_matrices_do() -> None:
    solved = solution("graphs")
    figure = plot.graph_maps(solved)
    said = titles(figure)
    assert len(set(said)) == 15
    x = np.random.default_rng(0).normal(size=(5, 5))
    for axes, title, element in zip(figure.axes, said, solved.basis, strict=True):
        matrix = np.asarray(element.dense(), dtype=float)
        assert np.array_equal(cells(axes).kinds >= 0, matrix.reshape(-1) == 1)
        assert np.allclose(brute(title, x), (matrix @ x.reshape(-1)).reshape(5, 5))
        assert ("Σ" in title) == (matrix.sum(axis=1).max() > 1)


def test_other_tensors_and_other_groups() -> None:
    V = dv.permutation(dv.symmetric(4))
    assert titles(plot.graph_maps(dv.solve(V, V))) == [
        "y[i] = x[i]",
        "y[i] = Σ x[j]",
    ]
    said = titles(plot.graph_maps(dv.solve(V**2, dv.trivial(V.group))))
    assert said == ["y = Σ x[i,i]", "y = Σ x[i,j]"]
    W = dv.permutation(dv.cyclic(4))
    assert titles(plot.graph_maps(dv.solve(W, W)))[1:] == ["B1", "B2", "B3"]


def test_an_audit_crosses_the_layers_that_lose_something() -> None:
    axes = plot.audit(report()).axes[0]
    words = "\n".join(t.get_text() for t in axes.texts)
    edges = [
        tuple(np.round(p.get_edgecolor()[:3], 3))
        for p in axes.patches
        if type(p).__name__ == "FancyBboxPatch"
    ]
    vermillion, blue = (0.835, 0.369, 0.0), (0.0, 0.447, 0.698)
    assert edges == [vermillion, blue, vermillion]
    assert "Loses t_u (error 0.31), t_v (error 0.29)" in words
    assert "Keeps r, m, t_u, t_v" in words
    assert "Remedy: use an odd size" in words
    strokes = [line.get_color() for line in axes.lines]
    assert len(strokes) == 2 + 1 + 2


def test_an_audit_may_say_less() -> None:
    layers = [Named(name="a$b_c", kept=False, error=0.5, cause="dropout"), Named(name="b", surviving=("r",))]
    figure = plot.audit(Named(layers=layers), title="mine")
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert "a$b_c" in texts
    assert "Loses symmetry (error 0.5)\nKeeps nothing\nCause: dropout" in texts
    figure.png(72)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plot.orbit(dv.symmetric(3), [1, 2]),
            "group must move a lattice to have an orbit of a patch, got",
        ),
        (
            lambda: plot.orbit(dv.point_group("D4"), [1, 2]),
            "group must act on a lattice of 1 axes, got Group 'D4'",
        ),
        (
            lambda: plot.error_map(np.ones(3), np.ones(4)),
            "left, right must be two arrays (H, W) or (H, W, channels)",
        ),
        (lambda: plot.error_map(np.ones(2), np.array([1, np.nan])), "left, right must be finite, got"),
        (lambda: plot.ladder({}), "counts must be {name: count}, one at least, got {}; give {'dense': 4096}"),
        (
            lambda: plot.ladder({"a": 1.5}),
            "counts must be an integer of 0 or more for 'a', got 1.5; give a count",
        ),
        (
            lambda: plot.ladder({"a": solution("conv")}),
            "counts must be a number for 'a', got 9*C*D; put numbers for",
        ),
        (lambda: plot.graph_maps(solution("p4m")), "solution must join tensors, without a lattice, got"),
        (
            lambda: plot.graph_maps(solution("turns")),
            "solution must be of solve(V**a, V**b) with one permutation",
        ),
        (
            lambda: plot.audit(3),
            "report must have .layers, one at least, got 3; give what kernels.audit returns",
        ),
    ],
)
def test_errors_are_one_line_each(call: Any, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
