"""Equivariant maps between tensors of a permutation group, each with the formula that it is."""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np

from derive.answer.off_lattice import MapAnswer
from derive.drawing.colours import GREY, PALE
from derive.drawing.geometry import matrix_cells
from derive.drawing.ties import require_cells
from derive.errors import SizeError, brief
from derive.plot.cells import draw_numbers
from derive.plot.sheet import Panel, make_sheet
from derive.plot.ties import read_elements, require_real
from derive.solution import Solution

LETTERS = "ijklmnpqrs"


def graph_maps(solution: Any, elements: Any = None, *, width: float | None = None, ax: Any = None) -> Any:
    """The maps between tensors over n points, such as the 15 from n x n matrices to n x n matrices.

    Each is a matrix (n^b, n^a) and a formula; different letters are different points.

    Args:
        solution: of `solve(V**a, V**b)` with V a permutation representation.
        elements: which ones, numbers or a slice; the first 24 unless given.

    >>> import derive as dv
    >>> V = dv.permutation(dv.symmetric(4))
    >>> figure = graph_maps(dv.solve(V**2, V**2))
    """
    sizes = _tensor_sizes(solution)
    rows, columns = map(int, solution.answer.shape)
    require_cells((rows, columns))
    numbers = read_elements(elements, int(solution.dim))
    dense = [require_real(solution.basis[k].dense()) for k in numbers]
    titles = [formula(d, *sizes) or f"B{k}" for k, d in zip(numbers, dense, strict=True)]
    unit = min(0.16, 1.0 / max(rows, columns))
    many = f"{int(solution.dim):,} map{'' if solution.dim == 1 else 's'} under {solution.answer.group.name}"
    foot = "Rows are entries of y, columns entries of x; a filled cell is 1. "
    foot += "Different letters are different points"
    foot += ", sums run over all others." if any("Σ" in t for t in titles) else "."
    panels = [Panel(columns, rows, t) for t in titles]
    sheet = make_sheet(panels, title=many, foot=foot, width=width, ax=ax, unit=unit)
    for axes, values in zip(sheet.axes, dense, strict=True):
        drawn = draw_numbers(
            axes,
            matrix_cells(rows, columns),
            values.reshape(-1),
            sheet.unit,
            largest=float(np.abs(values).max()),
            texts=None if set(np.unique(values)) - {0, 1} else [""] * values.size,
        )
        drawn.set(edgecolor=PALE, linewidth=0.25)
        _blocks(axes, rows, columns, sizes[0])
    return sheet.figure


def _tensor_sizes(solution: Any) -> tuple[int, int, int]:
    """n, and the orders of the output and of the input."""
    if not isinstance(solution, Solution) or not isinstance(solution.answer, MapAnswer):
        raise SizeError("solution", "must join tensors, without a lattice", brief(solution), "use basis")
    pairs = solution.answer.maps.pairs
    sides = [
        [f.dim for f in piece.factors if f.dim > 1] for piece in (pairs[0].maps.output, pairs[0].maps.input)
    ]
    points = {n for side in sides for n in side}
    if len(pairs) != 1 or pairs[0].copies_in * pairs[0].copies_out != 1 or len(points) != 1:
        rule = "must be of solve(V**a, V**b) with one permutation representation V"
        raise SizeError("solution", rule, solution.answer.name, "use basis for others")
    return points.pop(), len(sides[0]), len(sides[1])


def formula(matrix: np.ndarray, n: int, outs: int, ins: int) -> str:
    """The map as y[...] = x[...] where one pattern of equal points makes all of it, else nothing.

    >>> formula(np.ones((2, 2)) - np.eye(2), 2, 1, 1), formula(np.eye(3), 3, 1, 1)
    ('y[i] = Σ x[j]', 'y[i] = x[i]')
    """
    points = np.argwhere(matrix.reshape((n,) * (outs + ins)) == 1)
    if not len(points) or np.count_nonzero(matrix) != len(points):
        return ""
    patterns = {tuple(row.index(p) for p in row) for row in points.tolist()}
    if len(patterns) != 1:
        return ""
    pattern = patterns.pop()
    blocks = list(dict.fromkeys(pattern))
    if len(points) != perm(n, len(blocks)):
        return ""
    names = [LETTERS[blocks.index(b)] for b in pattern]
    out, into = ",".join(names[:outs]), ",".join(names[outs:])
    summed = "Σ " if set(names[outs:]) - set(names[:outs]) else ""
    return f"y{f'[{out}]' * bool(out)} = {summed}{f'x[{into}]' if into else '1'}"


def _blocks(axes: Any, rows: int, columns: int, n: int) -> None:
    """Lines between the blocks of a matrix."""
    for y in range(0, rows + 1, n if rows > n else rows):
        axes.plot([0, columns], [y, y], color=GREY, linewidth=0.5, clip_on=False)
    for x in range(0, columns + 1, n if columns > n else columns):
        axes.plot([x, x], [0, rows], color=GREY, linewidth=0.5, clip_on=False)
