"""Kernels: which taps share a weight, the elements of the basis, arrows for vector fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np

from derive.answer.off_lattice import MapAnswer
from derive.answer.pattern import patterns
from derive.answer.taps import Taps, read_taps
from derive.drawing.geometry import Cells, frame, matrix_cells
from derive.errors import SizeError, brief
from derive.plot.cells import draw_arrows, draw_numbers, draw_ties, legend
from derive.plot.picture import ink_of
from derive.plot.sheet import Panel, Sheet, make_sheet
from derive.plot.ties import Entries, listed, read_elements, require_real, with_grid
from derive.solution import Solution

PANELS = 96  # kernels on one sheet
MANY = 12  # from here on they are drawn smaller
SAME = "Equal colours and letters are equal weights, a minus is a sign, white is zero."
EACH = (
    "Under one title, equal colours and letters are equal weights, a minus is a sign, white is zero; "
    "the number counts the free weights."
)


def tying(
    *solutions: Any,
    titles: Sequence[str] | None = None,
    sizes: Mapping[str, int] | None = None,
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """The tying pattern: the kernel with equal weights in equal colours, one panel per fibre entry.

    For one pair of copies of each pair of blocks, as `solution.tying` prints it; hexagonal lattices are drawn
    as hexagons. Without a lattice, the matrix.

    Args:
        solutions: one, or several to stand beside each other; each then has its count above it.
        titles: a line above each solution's panels.
        The others as for `weight_matrix`.

    >>> import derive as dv
    >>> x = dv.Field(dv.wallpaper("p6m"))
    >>> figure = tying(dv.solve(x, x, dv.hexagon(2)))
    """
    if not solutions:
        raise SizeError("solutions", "must hold one at least", "none", "give what derive.solve returns")
    if titles is not None and len(titles) != len(solutions):
        raise SizeError(
            "titles", f"must be {len(solutions)}, one per solution", brief(titles), "give as many"
        )
    found = [with_grid(solution, sizes) for solution in solutions]
    drawn = [patterns(solution.answer) for solution in found]
    heads = [_head(s, k, titles, alone=len(found) == 1) for k, s in enumerate(found)]
    titled = [
        ("\n".join(filter(None, (head, p.title))), p)
        for head, d in zip(heads, drawn, strict=True)
        for p in d.panels
    ]
    shown = titled[:PANELS]
    more = f" The first {len(shown)} of {len(titled)} panels." if len(shown) < len(titled) else ""
    panels = [Panel(*p.cells.size, title) for title, p in shown]
    entries = (
        " [i,c] joins input channel c to output channel i." if any("[" in p.title for _, p in shown) else ""
    )
    unit = 0.3 if len(panels) <= MANY else 0.2
    unit = min(unit, (5.6 if len(panels) == 1 else 2.6) / max(max(p.wide, p.tall) for p in panels))
    directions = " ".join(dict.fromkeys(d.directions for d in drawn if d.directions))
    foot = f"{SAME if len(found) == 1 else EACH} {directions}{entries}{more}"
    title = _count(found[0]) if len(found) == 1 else ""
    sheet = make_sheet(panels, title=title, foot=foot, width=width, ax=ax, unit=unit)
    for axes, (_, panel) in zip(sheet.axes, shown, strict=True):
        draw_ties(axes, panel.cells, panel.ties, sheet)
    return sheet.figure


def _head(solution: Solution, k: int, titles: Sequence[str] | None, *, alone: bool) -> str:
    """What stands above the panels of one of several solutions: its title and its count."""
    given = str(titles[k]) if titles is not None else ""
    return given if alone else f"{given}: {int(solution.dim):,}" if given else _count(solution)


def _count(solution: Solution) -> str:
    n = int(solution.dim)
    answer = solution.answer
    copies = 1
    if not isinstance(answer, MapAnswer) and len(answer.pairs) == 1:
        copies = int(answer.pairs[0].copies_in * answer.pairs[0].copies_out)
    each = f", {n // copies:,} for each of {copies:,} pairs of copies" if copies > 1 else ""
    return f"{n:,} free weight{'' if n == 1 else 's'}{each}"


# ---- the basis --------------------------------------------------------------------------------------------


def basis(
    solution: Any,
    elements: Any = None,
    *,
    sizes: Mapping[str, int] | None = None,
    arrows: bool | None = None,
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """The basis as a panel of kernels, one per element, with their exact numbers where these fit.

    Args:
        elements: which ones, numbers or a slice; the first 24 unless given.
        arrows: whether to draw scalar -> vector kernels (and vector -> scalar ones) as arrows; unless given,
            where the fibre is the group's defining representation on a lattice of two axes.
        The others as for `weight_matrix`.

    >>> import derive as dv
    >>> G = dv.wallpaper("p4m")
    >>> x, y = dv.Field(G), dv.Field(G, fibre=dv.defining(G.point))
    >>> figure = basis(dv.solve(x, y, dv.box(1)))
    """
    found = with_grid(solution, sizes)
    if found.dim == 0:
        raise SizeError(
            "solution", "must have a basis to draw", found.answer.name, "its only operator is zero"
        )
    numbers = read_elements(elements, int(found.dim))
    more = "" if len(numbers) == found.dim else f" {len(numbers):,} of {int(found.dim):,} elements."
    if isinstance(found.answer, MapAnswer):
        return _matrix_basis(found, numbers, more, width, ax)
    plain, entries = listed(found)
    taps = read_taps(plain, found.problem.group.metric)
    drawn = [_element(found, taps, entries, k, arrows) for k in numbers]
    panels = [Panel(e.size[0], e.size[1], e.title) for e in drawn]
    unit = min(0.3, max(0.17, 1.3 / max(max(p.wide, p.tall) for p in panels)))
    values = [e.values for e in drawn if isinstance(e, _Tiles)]
    said = legend(np.concatenate(values)) if values else "Arrows are the vectors at each tap."
    foot = f"{said} {taps.directions}{more}"
    sheet = make_sheet(panels, title=_count(found), foot=foot, width=width, ax=ax, unit=unit)
    for axes, element in zip(sheet.axes, drawn, strict=True):
        element.draw(axes, sheet)
    return sheet.figure


@dataclass(frozen=True, eq=False)
class _Tiles:
    """One basis element: cells with numbers for every fibre entry and phase."""

    title: str
    size: tuple[float, float]
    parts: tuple[tuple[Cells, np.ndarray, list[str]], ...]

    @property
    def values(self) -> np.ndarray:
        return np.concatenate([values for _, values, _ in self.parts])

    def draw(self, axes: Any, sheet: Sheet) -> None:
        largest = float(np.abs(self.values).max(initial=0))
        for cells, values, texts in self.parts:
            draw_numbers(axes, cells, values, sheet.unit, largest=largest, texts=texts)


@dataclass(frozen=True, eq=False)
class _Arrows:
    """One basis element between scalars and vectors: an arrow (x, y) at every tap."""

    title: str
    cells: Cells
    vectors: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return self.cells.size

    def draw(self, axes: Any, sheet: Sheet) -> None:
        largest = float(np.linalg.norm(self.vectors, axis=1).max(initial=0))
        draw_arrows(axes, self.cells, self.vectors, largest=largest, ink=ink_of(sheet.figure))


def _element(
    solution: Solution, taps: Taps, entries: Entries, k: int, arrows: bool | None
) -> _Tiles | _Arrows:
    pair, _, copy_in, copy_out = solution.answer.place(k)  # type: ignore[union-attr]
    row, column = int(pair.row) + copy_out * pair.output.dim, int(pair.column) + copy_in * pair.input.dim
    mine = entries.chosen(entries.weight == k)
    table = np.zeros((pair.output.dim, pair.input.dim, len(taps.phases)), dtype=object)
    table[mine.row - row, mine.column - column, mine.site] = mine.value
    copies = pair.copies_in * pair.copies_out > 1
    title = f"B{k}" + (f", copy {copy_in} to {copy_out}" if copies else "")
    if arrows if arrows is not None else _is_vector(solution, pair):
        return _arrowed(solution, taps, table, title)
    return _tiled(taps, table, title)


def _tiled(taps: Taps, table: np.ndarray, title: str) -> _Tiles:
    """Input entries and phases side by side, output entries below each other; one long column is folded."""
    rows, columns, _ = table.shape
    keys = [(i, c, phase) for i in range(rows) for c in range(columns) for phase in taps.kinds]
    across = columns * len(taps.kinds)
    if across == 1 and rows > 3:
        across = 4 if rows % 4 == 0 else ceil(sqrt(rows))
    wide, tall = (n + 0.5 for n in taps.cells.size)
    parts = []
    for n, (i, c, phase) in enumerate(keys):
        classes = taps.of(phase)
        cells = taps.chosen(classes).moved((n % across * wide, n // across * tall))
        exact = table[i, c, classes]
        parts.append((cells, require_real(exact), ["" if v == 0 else _exact(v) for v in exact.tolist()]))
    size = (min(across, len(keys)) * wide - 0.5, ceil(len(keys) / across) * tall - 0.5)
    return _Tiles(title, size, tuple(parts))


def _is_vector(solution: Solution, pair: Any) -> bool:
    """Whether one side is a scalar and the other moves as displacements do."""
    group = solution.problem.group
    scalar, vector = sorted((pair.input, pair.output), key=lambda piece: piece.dim)
    names = group.point.generators
    if group.dim != 2 or scalar.dim != 1 or vector.dim != 2 or not names:
        return False
    return all(vector.matrix(g).tolist() == [list(row) for row in group.motions[g].matrix] for g in names)


def _arrowed(solution: Solution, taps: Taps, table: np.ndarray, title: str) -> _Arrows:
    if table.shape[0] * table.shape[1] != 2 or taps.dim != 2 or len(taps.kinds) > 1:
        rule = "needs kernels between scalars and vectors of two components, on two axes"
        raise SizeError("arrows", rule, solution.answer.name, "leave arrows out")
    parts = require_real(table.reshape(2, -1)).T @ frame(solution.problem.group.metric, 2)
    return _Arrows(title, taps.cells, parts)


def _exact(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 4 else f"{float(value):.2g}"


def _matrix_basis(solution: Solution, numbers: Sequence[int], more: str, width: Any, ax: Any) -> Any:
    rows, columns = map(int, solution.answer.shape)  # type: ignore[union-attr]
    unit = min(0.3, 1.3 / max(rows, columns))
    panels = [Panel(columns, rows, f"B{k}") for k in numbers]
    exact = [solution.basis[k].dense().reshape(-1) for k in numbers]
    values = require_real(np.stack(exact))
    foot = legend(values) + more
    sheet = make_sheet(panels, title=_count(solution), foot=foot, width=width, ax=ax, unit=unit)
    for axes, given, row in zip(sheet.axes, exact, values, strict=True):
        texts = ["" if v == 0 else _exact(v) for v in given.tolist()]
        cells = matrix_cells(rows, columns)
        draw_numbers(axes, cells, row, sheet.unit, largest=float(np.abs(row).max()), texts=texts)
    return sheet.figure
