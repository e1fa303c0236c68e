"""Equal colours are equal weights: what is drawn, against the exact basis times random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import derive as dv
from derive import plot
from derive.errors import DeriveError
from tests.derive.plot.cases import solution
from tests.derive.plot.reading import Seen, cells, titles


def operator(solved: Any, seed: int = 0) -> np.ndarray:
    """The operator for random weights of either sign: all different in size, zeros where it vanishes."""
    draw = np.random.default_rng(seed).uniform(1, 2, size=len(solved.basis))
    return sum(w * np.asarray(e.dense(), dtype=float) for w, e in zip(draw, solved.basis, strict=True))


def assert_tied(seen: Seen, values: np.ndarray, alone: bool = True) -> None:
    """The same cells share a colour as share a number up to sign, and signs within a colour are marked.

    `alone`: no cell is a sum of weights, so that a minus is the sign of what stands there.
    """
    sizes = np.abs(values).round(9)
    distinct = np.unique(sizes[sizes > 0])
    assert len(np.unique(seen.kinds[seen.kinds >= 0])) == len(distinct)
    assert np.array_equal(seen.kinds < 0, sizes == 0)
    pairs = {(k, s) for k, s in zip(seen.kinds.tolist(), sizes.tolist(), strict=True) if k >= 0}
    assert len(pairs) == len(distinct)
    for kind in np.unique(seen.kinds[seen.kinds >= 0]):
        mine = seen.kinds == kind
        signs = np.sign(values[mine]) * np.where(seen.minus[mine], -1, 1)
        assert set(signs) == {1} if alone else len(set(signs)) == 1


def on_grid(name: str, shape: tuple[int, ...], boundary: str) -> Any:
    """The same solution, solved on the grid by the user's means."""
    p = solution(name).problem
    x, y = (dv.Field(f.group, fibre=f.fibre, grid=shape, boundary=boundary) for f in (p.x, p.y))
    support = {"vector": dv.box(1), "p6m": dv.hexagon(2), "line": dv.box(2), "divergence": dv.box(1)}[name]
    return dv.solve(x, y, support)


@pytest.mark.parametrize("name", ["dense", "tied", "torus", "sets", "graphs", "turns"])
def test_a_matrix_has_one_colour_per_weight(name: str) -> None:
    solved = solution(name)
    values = operator(solved)
    half = values.ndim // 2
    flat = values.reshape(int(np.prod(values.shape[:half])), -1)
    seen = cells(plot.weight_matrix(solved).axes[0])
    assert_tied(seen, flat.reshape(-1), alone=name != "turns")


@pytest.mark.parametrize(
    ("name", "shape", "boundary"),
    [
        ("vector", (3, 3), "zero"),
        ("p6m", (5, 5), "periodic"),
        ("line", (7,), "zero"),
        ("divergence", (4, 4), "zero"),
    ],
)
def test_a_solution_of_the_lattice_is_put_on_a_grid(name: str, shape: tuple[int, ...], boundary: str) -> None:
    solved = on_grid(name, shape, boundary)
    values = operator(solved)
    half = 1 + len(shape)
    flat = values.reshape(int(np.prod(values.shape[:half])), -1)
    figure = plot.weight_matrix(solution(name), grid=shape, boundary=boundary)
    assert_tied(cells(figure.axes[0]), flat.reshape(-1))
    said = figure.axes[0].get_title(loc="left")
    assert said == f"{solved.dim} free weights"


def test_copies_have_weights_of_their_own() -> None:
    G = dv.wallpaper("p4m")
    x, y = (dv.Field(G, fibre=n * dv.trivial(G.point), grid=(3, 3), boundary="periodic") for n in (2, 3))
    solved = dv.solve(x, y, dv.box(1))
    values = operator(solved).reshape(27, 18)
    assert_tied(cells(plot.weight_matrix(solved).axes[0]), values.reshape(-1))
    said = titles(plot.basis(solved))
    assert said[:4] == ["B0, copy 0 to 0", "B1, copy 0 to 1", "B2, copy 0 to 2", "B3, copy 1 to 0"]
    assert all((cells(a).kinds >= 0).any() for a in plot.basis(solved).axes)


def test_a_stride_needs_a_multiple() -> None:
    G = dv.translations(1, period=2)
    strided = dv.solve(dv.Field(G), dv.Field(G, spacing=2), dv.box(1))
    seen = cells(plot.weight_matrix(strided, grid=6).axes[0])
    assert len(seen.centres) == 3 * 6
    assert seen.texts[:6] == ["b", "c", "", "", "", ""]
    with pytest.raises(
        DeriveError, match="grid must hold whole numbers of output sites, got 5; use a multiple"
    ):
        plot.weight_matrix(strided, grid=5)


def test_arrays_share_colours_by_value() -> None:
    matrix = np.array([[2.0, -2.0, 0.0], [1.0, 2.0, -1.0]])
    figure = plot.weight_matrix(matrix)
    assert_tied(cells(figure.axes[0]), matrix.reshape(-1))
    assert figure.axes[0].get_title(loc="left") == "2 different weights"


def test_images_are_rows_of_the_matrix_and_frame_the_output_site() -> None:
    figure = plot.weight_images(solution("conv"), grid=(3, 4))
    seen = cells(figure.axes[0])
    solved = dv.solve(
        *(dv.Field(dv.translations(2), grid=(3, 4), boundary="zero") for _ in "xy"), support=dv.box(1)
    )
    values = operator(solved).reshape(12, 12)
    assert_tied(seen, values.reshape(-1))
    frames = [p.get_path().vertices[:4].mean(axis=0) for p in figure.axes[0].patches]
    home = [seen.centres.reshape(12, 12, 2)[k, k] for k in range(12)]
    assert np.allclose(frames, home)


def test_influence_maps_are_a_row_and_a_column() -> None:
    figure = plot.influence(solution("conv"), grid=(5, 7), output=(0, 3), input=(2, 2))
    looks, reaches = (cells(axes) for axes in figure.axes)
    row = np.zeros((5, 7), dtype=bool)
    row[0:2, 2:5] = True
    column = np.zeros((5, 7), dtype=bool)
    column[1:4, 1:4] = True
    assert np.array_equal(looks.kinds.reshape(5, 7) >= 0, row)
    assert np.array_equal(reaches.kinds.reshape(5, 7) >= 0, column)
    template = np.array(looks.texts).reshape(5, 7)[:2, 2:5].tolist()
    assert template == [["d", "e", "f"], ["g", "h", "i"]]
    turned = np.array(reaches.texts).reshape(5, 7)[1:4, 1:4].tolist()
    assert turned == [["i", "h", "g"], ["f", "e", "d"], ["c", "b", "a"]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "y[0, 3] looks at 6 sites",
        "x[2, 2] reaches 9 sites",
    ]


def test_influence_of_a_jacobian() -> None:
    jacobian = np.zeros((2, 3, 2, 3))
    jacobian[1, 2, 0, 1] = -3.0
    looks, reaches = (cells(a) for a in plot.influence(jacobian, output=(1, 2), input=(0, 1)).axes)
    assert np.flatnonzero(looks.kinds >= 0).tolist() == [1]
    assert np.flatnonzero(reaches.kinds >= 0).tolist() == [5]
    assert looks.texts[1].startswith("-")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.weight_matrix(), "layers must hold one layer at least, got none; give a solution"),
        (
            lambda: plot.weight_matrix(np.ones(3)),
            "layers must be solutions or (out, in) arrays, got float64[3]; reshape",
        ),
        (
            lambda: plot.weight_matrix(solution("conv")),
            "grid must be finite to draw every site, got Z^2; give grid=(6, 6), the sites of the input",
        ),
        (
            lambda: plot.weight_matrix(solution("torus"), titles=["a", "b"]),
            "titles must be 1, one per layer, got ['a', 'b']; give as many",
        ),
        (
            lambda: plot.weight_matrix(solution("conv"), grid=(40, 40)),
            "picture must hold at most 65,536 cells, got 2,560,000; draw a smaller grid",
        ),
        (
            lambda: plot.weight_matrix(solution("conv"), grid=(4, 4, 4)),
            "grid must have 2 sizes, got (4, 4, 4); give grid=(6, 6)",
        ),
        (
            lambda: plot.weight_images(solution("graphs")),
            "layer must join two fields on a lattice, got P*P -> P*P under S_5; use weight_",
        ),
        (
            lambda: plot.weight_images(solution("cube"), grid=(2, 2, 2)),
            "grid must have at most 2 axes and 256 output sites here, got 2 x 2 x 2; use a",
        ),
        (
            lambda: plot.influence(solution("torus"), output=(6, 0)),
            "output must be a site of the grid 6 x 6, got (6, 0); give (3, 3)",
        ),
        (
            lambda: plot.influence(solution("torus"), channels=(1, 0)),
            "channels must be an output channel below 1 and an input channel below 1, got (1",
        ),
        (
            lambda: plot.weight_matrix(np.ones((2, 2)), width=1),
            "width must be a number of inches from 2 to 100",
        ),
        (lambda: plot.weight_matrix(np.ones((2, 2)), ax=3), "ax must be matplotlib axes, got 3; give one"),
        (lambda: plot.weight_matrix(np.full((2, 2), np.nan)), "values must be an array of finite real"),
    ],
)
def test_errors_are_one_line_each(call: Any, message: str) -> None:
    with pytest.raises(DeriveError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([[1, 2], [2, 1]], "Equal colours are equal weights."),
        ([[1, 0], [0, 1]], "Equal colours are equal weights, white is zero."),
        ([[1, -1], [1, 1]], "Equal colours are equal weights, a bar is a minus sign."),
        (
            [[1, -1], [0, 1]],
            "Equal colours are equal weights, a bar is a minus sign, white is zero.",
        ),
    ],
)
def test_the_key_speaks_of_what_is_there(values: Any, key: str) -> None:
    figure = plot.weight_matrix(np.array(values))
    assert key in [" ".join(text.get_text().split()) for text in figure.texts]
