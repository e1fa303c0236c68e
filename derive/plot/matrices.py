"""The matrix of a layer, its rows as images, and what one site sees and reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.patches import Polygon, Rectangle

from derive.answer.off_lattice import MapAnswer
from derive.drawing.colours import VERMILLION
from derive.drawing.geometry import Cells, matrix_cells
from derive.drawing.ties import Ties, group_values
from derive.errors import SizeError, brief
from derive.plot.cells import draw_ties
from derive.plot.picture import SMALL, ink_of
from derive.plot.scene import Scene, read_scene, read_site
from derive.plot.sheet import Panel, make_sheet
from derive.plot.ties import grid_of, operator_ties, with_grid
from derive.solution import Solution

MATRIX = 1.7  # inches of a matrix at its natural size
IMAGES = 256  # images on one sheet


def weight_matrix(
    *layers: Any,
    titles: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    grid: Any = None,
    boundary: str = "zero",
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """The matrix of each layer: equal weights in equal colours, a bar on negative ones, zero white.

    Args:
        layers: solutions, or (out, in) arrays of numbers, in which equal numbers are equal weights.
        titles: a line above each matrix; the number of its free weights follows.
        sizes: numbers for symbols; channels are 1 unless given.
        grid: sites of the input, where the solution is on an infinite lattice; its `boundary` is 'zero' or
            'periodic'.
        width: inches. ax: matplotlib axes to draw in; else a new figure.

    Returns:
        The figure.

    >>> import derive as dv
    >>> G, nothing = dv.translations(1), dv.translations(1, period=0)
    >>> line = dv.Field(G, grid=6, boundary="periodic")
    >>> free, tied, banded = dv.Field(nothing, grid=6), dv.solve(line, line), dv.solve(line, line, dv.box(1))
    >>> figure = weight_matrix(dv.solve(free, free), tied, banded, titles=["dense", "tied", "banded"])
    """
    if not layers:
        raise SizeError("layers", "must hold one layer at least", "none", "give a solution or a matrix")
    if titles is not None and len(titles) != len(layers):
        raise SizeError("titles", f"must be {len(layers)}, one per layer", brief(titles), "give as many")
    found = [_matrix(layer, sizes, grid, boundary) for layer in layers]
    wide = max(max(ties.labels.shape) for ties, _ in found)
    counted = [count for _, count in found]
    lines = counted if titles is None else [f"{t}\n{n}" for t, n in zip(titles, counted, strict=True)]
    panels = [
        Panel(t.labels.shape[1], t.labels.shape[0], line) for (t, _), line in zip(found, lines, strict=True)
    ]
    unit = min(0.36, max(MATRIX / wide, 0.012))
    sheet = make_sheet(
        panels, foot=_key(t for t, _ in found), width=width, ax=ax, unit=unit, side=0.17, below=0.17
    )
    ink = ink_of(sheet.figure)
    for axes, (ties, _) in zip(sheet.axes, found, strict=True):
        rows, columns = ties.labels.shape
        draw_ties(axes, matrix_cells(rows, columns), ties, sheet)
        axes.add_patch(_frame(columns, rows, ink))
        _beside(axes, f"{rows} out", f"{columns} in", ink)
    return sheet.figure


def _matrix(layer: Any, sizes: Any, grid: Any, boundary: str) -> tuple[Ties, str]:
    """The ties of a layer's matrix, and a line on how many weights are free."""
    if isinstance(layer, Solution):
        solution = with_grid(layer, sizes, grid if layer.problem.axes else None, boundary)
        ties = operator_ties(solution)
        half = ties.labels.ndim // 2 if isinstance(solution.answer, MapAnswer) else 1 + _outs(solution)
        rows = int(np.prod(ties.labels.shape[:half], dtype=int))
        return _reshaped(ties, (rows, -1)), _weights(int(solution.dim))
    if np.ndim(layer) != 2:
        raise SizeError(
            "layers", "must be solutions or (out, in) arrays", brief(layer), "reshape to a matrix"
        )
    ties = group_values(layer)
    return ties, f"{ties.classes:,} different weight{'' if ties.classes == 1 else 's'}"


def _outs(solution: Solution) -> int:
    return len(grid_of(solution.problem, "out"))


def _reshaped(ties: Ties, shape: Sequence[int]) -> Ties:
    return Ties(ties.labels.reshape(shape), ties.signs.reshape(shape), ties.names)


def _weights(n: int) -> str:
    return f"{n:,} free weight{'' if n == 1 else 's'}"


def _frame(wide: float, tall: float, ink: Any) -> Any:
    return Rectangle((0, 0), wide, tall, fill=False, linewidth=0.8, edgecolor=ink, clip_on=False)


def _beside(axes: Any, left: str, below: str, ink: Any) -> None:
    """Words left of and below a panel."""
    said = {"fontsize": SMALL, "color": ink, "xycoords": "axes fraction", "textcoords": "offset points"}
    for text in (
        axes.annotate(left, (0, 0.5), (-3, 0), ha="right", va="center", rotation=90, **said),
        axes.annotate(below, (0.5, 0), (0, -2), ha="center", va="top", **said),
    ):
        text.set_parse_math(False)


def _key(shown: Iterable[Ties]) -> str:
    """What colours, bars and white mean, as far as they occur."""
    ties = list(shown)
    key = ["equal colours are equal weights"]
    key += ["a bar is a minus sign"] if any(t.negative.any() for t in ties) else []
    key += ["white is zero"] if any((t.labels < 0).any() for t in ties) else []
    return f"{', '.join(key).capitalize()}."


# ---- rows and columns as images ---------------------------------------------------------------------------


def weight_images(
    layer: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    grid: Any = None,
    boundary: str = "zero",
    channels: tuple[int, int] = (0, 0),
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """One image per output site: how much it looks at each input site. All are shifts of one template.

    Args:
        layer: a solution between grids; or an array (*out grid, *in grid) of numbers.
        channels: the output and the input channel. The others as for `weight_matrix`.

    >>> import derive as dv
    >>> x = dv.Field(dv.translations(2), name="x")
    >>> figure = weight_images(dv.solve(x, x, dv.box(1)), grid=(4, 4))
    """
    scene = read_scene(layer, sizes, grid, boundary, channels)
    many, dim = len(scene.out.centres), len(scene.out_shape)
    if many > IMAGES or dim > 2:
        rule = f"must have at most 2 axes and {IMAGES} output sites here"
        shown = " x ".join(map(str, scene.out_shape))
        raise SizeError("grid", rule, shown, "use a smaller grid, or influence for one site")
    corners = _spread(scene)
    size = np.array(scene.into.size)
    wide, tall = (corners.max(axis=0) + size).tolist()
    foot = f"One image per output site, which is framed. {_key([scene.ties])}"
    sheet = make_sheet([Panel(wide, tall)], foot=foot, width=width, ax=ax, unit=0.3)
    for k, corner in enumerate(corners):
        cells = scene.into.moved(corner)
        draw_ties(sheet.axes[0], cells, scene.ties.at(k), sheet)
        _outline(sheet.axes[0], cells, scene.homes[k], sheet.unit)
    return sheet.figure


def _spread(scene: Scene) -> np.ndarray:
    """The upper left corners of the images: they stand as the output sites do, lines below each other."""
    centres = scene.out.centres if len(scene.out_shape) == 2 else scene.out.centres[:, ::-1]
    steps = np.array(scene.into.size) + 0.7
    return (centres - centres.min(axis=0)) * steps


def _outline(axes: Any, cells: Cells, k: int | None, unit: float) -> None:
    """A frame about one cell."""
    if k is not None:
        thick = float(np.clip(unit * 9, 0.8, 2.2))
        shape = cells.centres[k] + cells.corners * 0.96
        axes.add_patch(Polygon(shape, fill=False, linewidth=thick, edgecolor=VERMILLION, clip_on=False))


def influence(
    layer: Any,
    *,
    output: Any = None,
    input: Any = None,
    sizes: Mapping[str, int] | None = None,
    grid: Any = None,
    boundary: str = "zero",
    channels: tuple[int, int] = (0, 0),
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """Two maps: dy[p]/dx, the input sites that an output site looks at, and dy/dx[q], those a site reaches.

    Args:
        layer: a solution; or a Jacobian (*out grid, *in grid) of numbers, such as `jax.jacobian` returns.
        output, input: the sites p and q, the middle ones unless given.

    >>> import numpy as np
    >>> figure = influence(np.eye(16).reshape(4, 4, 4, 4), output=(1, 2))
    """
    scene = read_scene(layer, sizes, grid, boundary, channels)
    p = read_site("output", output, scene.out_shape)
    q = read_site("input", input, scene.in_shape)
    views = [
        (scene.into, scene.ties.at(p), scene.homes[p], _said("y", p, scene.out_shape, "looks at")),
        (
            scene.out,
            scene.ties.at((slice(None), q)),
            scene.guest(q),
            _said("x", q, scene.in_shape, "reaches"),
        ),
    ]
    many = [int((ties.labels >= 0).sum()) for _, ties, _, _ in views]
    panels = [
        Panel(*cells.size, f"{said} {n} site{'' if n == 1 else 's'}")
        for (cells, _, _, said), n in zip(views, many, strict=True)
    ]
    unit = min(0.3, 2.7 / max(max(p.wide, p.tall) for p in panels))
    sheet = make_sheet(panels, foot=_key(ties for _, ties, _, _ in views), width=width, ax=ax, unit=unit)
    for axes, (cells, ties, home, _) in zip(sheet.axes, views, strict=True):
        draw_ties(axes, cells, ties, sheet)
        _outline(axes, cells, home, sheet.unit)
    return sheet.figure


def _said(letter: str, site: int, shape: Sequence[int], verb: str) -> str:
    at = ", ".join(str(int(i)) for i in np.unravel_index(site, tuple(shape)))
    return f"{letter}[{at}] {verb}"
