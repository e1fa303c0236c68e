"""Panels on a sheet: how many stand in a row, how large their cells are, and where titles find room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import matplotlib

from derive.drawing.colours import WHITE
from derive.errors import SizeError, brief
from derive.plot.picture import BODY, HEAD, LINE, POINT, SMALL, Picture, height_of, ink_of, wrapped

WIDTH = 6.4  # inches; a column of a notebook
MARGIN, GAP = 0.1, 0.28
NARROW = 2.0  # the least width
SLIM = 3.6  # inches to which a figure shrinks about small panels
TINY = 1e-5  # inches of a unit that cannot be seen


@dataclass(frozen=True)
class Panel:
    """A drawing of `wide` x `tall` units under a title; `units` are the same on the whole sheet."""

    wide: float
    tall: float
    title: str = ""


@dataclass(frozen=True, eq=False)
class Sheet:
    """The figure, one axes per panel with y downwards, and the inches of a unit."""

    figure: Any
    axes: list[Any]
    unit: float


@dataclass(frozen=True)
class _Plan:
    """Where panels stand for one number of columns, in inches."""

    columns: int
    unit: float
    column: float
    titles: tuple[str, ...]
    above: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def width(self) -> float:
        return self.columns * self.column + (self.columns - 1) * GAP

    @property
    def height(self) -> float:
        return sum(self.above) + sum(self.rows) + GAP / 2 * (len(self.rows) - 1)


def make_sheet(
    panels: Sequence[Panel],
    *,
    title: str = "",
    foot: str = "",
    width: Any = None,
    ax: Any = None,
    unit: float = 0.36,
    side: float = 0.0,
    below: float = 0.0,
) -> Sheet:
    """Axes for all panels, in a new figure or inside of `ax`.

    `unit`: the most inches per unit; `side`, `below`: room for labels left of and below each panel.
    """
    room = read_width(width) if ax is None else size_of(ax)[0]
    inner = room - 2 * MARGIN
    plans = [_plan(panels, c, inner, unit, side, below) for c in range(1, len(panels) + 1)]
    if ax is None:
        full = [p for p in plans if p.unit >= min(unit, plans[0].unit) - 1e-9]
        plan = _plan(panels, ceil(len(panels) / len(full[-1].rows)), inner, unit, side, below)
        room = min(room, max(plan.width + 2 * MARGIN, SLIM))
        words = _Words.of(title, foot, room - 2 * MARGIN)
        height = plan.height + words.height
        return _built(
            Picture(figsize=(room, height), facecolor=WHITE), panels, plan, (room, height), words, side
        )
    words, height = _Words.of(title, foot, inner), size_of(ax)[1]
    plan = max(
        (_shrunk(panels, p, height - words.height, inner, side, below) for p in plans), key=lambda p: p.unit
    )
    if plan.unit < TINY:
        size = f"{room:.1f} x {height:.1f} inches"
        raise SizeError(
            "ax", "must be larger to hold this picture", size, "give larger axes, or leave ax out"
        )
    ax.set_axis_off()
    return _built(ax, panels, plan, (room, height), words, side)


@dataclass(frozen=True)
class _Words:
    """The lines above and below all panels, and the room that these and the margins take."""

    head: str
    foot: str

    @staticmethod
    def of(title: str, foot: str, width: float) -> _Words:
        return _Words(*(wrapped(t, width, s) if t else "" for t, s in ((title, HEAD), (foot, SMALL))))

    @property
    def above(self) -> float:
        return height_of(self.head, HEAD) + (0.06 if self.head else 0)

    @property
    def height(self) -> float:
        return self.above + height_of(self.foot, SMALL) + 2 * MARGIN + (0.1 if self.foot else 0)


def root_of(ax: Any) -> Any:
    """The whole figure of axes, which may stand in a part of it."""
    return ax.figure.figure


def read_width(width: Any) -> float:
    """A width in inches, WIDTH where none is given."""
    if width is None:
        return WIDTH
    if isinstance(width, bool) or not isinstance(width, int | float) or not NARROW <= width <= 100:
        raise SizeError(
            "width", f"must be a number of inches from {NARROW:g} to 100", brief(width), "use 6.4"
        )
    return float(width)


def size_of(ax: Any) -> tuple[float, float]:
    """The width and height of given axes, in inches."""
    if not isinstance(ax, matplotlib.axes.Axes):
        raise SizeError(
            "ax", "must be matplotlib axes", brief(ax), "give one of fig.subplots(), or leave it out"
        )
    box = ax.get_window_extent()
    dpi = root_of(ax).dpi
    return box.width / dpi, box.height / dpi


def _plan(
    panels: Sequence[Panel], columns: int, inner: float, unit: float, side: float, below: float
) -> _Plan:
    widest = max(p.wide for p in panels)
    fits = (inner - (columns - 1) * GAP) / columns - side
    unit = max(min(unit, fits / widest), 1e-6)
    least = 0.9 if any(p.title for p in panels) else 0.0
    column = max(widest * unit, min(fits, least))
    titles = tuple(
        wrapped(p.title, column + side + 0.3 * GAP if columns > 1 else inner, BODY) for p in panels
    )
    rows = [range(i, min(i + columns, len(panels))) for i in range(0, len(panels), columns)]
    above = tuple(max(height_of(titles[i], BODY) for i in row) + (0.04 if any(titles) else 0) for row in rows)
    tall = tuple(max(panels[i].tall for i in row) * unit + below for row in rows)
    if columns > 1 and column + side < least:
        unit = 1e-6
    return _Plan(columns, unit, column + side, titles, above, tall)


def _shrunk(
    panels: Sequence[Panel], plan: _Plan, height: float, inner: float, side: float, below: float
) -> _Plan:
    """A plan with cells so small that it fits a height."""
    fixed = sum(plan.above) + len(plan.rows) * below + GAP / 2 * (len(plan.rows) - 1)
    tall = sum(plan.rows) - len(plan.rows) * below
    if plan.height <= height or tall <= 0:
        return plan
    unit = max(plan.unit * (height - fixed) / tall, 1e-6)
    return _plan(panels, plan.columns, inner, unit, side, below)


def _built(
    host: Any, panels: Sequence[Panel], plan: _Plan, size: tuple[float, float], words: _Words, side: float
) -> Sheet:
    wide, tall = size
    figure = host if isinstance(host, Picture) else root_of(host)
    put = figure.text if host is figure else lambda *a, **k: host.text(*a, transform=host.transAxes, **k)
    ink = ink_of(figure)
    said = {"color": ink, "parse_math": False, "ha": "left"}
    y = tall - MARGIN
    if words.head:
        put(MARGIN / wide, y / tall, words.head, fontsize=HEAD, va="top", linespacing=LINE, **said)
        y -= words.above
    if words.foot:
        put(MARGIN / wide, MARGIN / tall, words.foot, fontsize=SMALL, va="bottom", linespacing=LINE, **said)
    axes = []
    for row, (above, high) in enumerate(zip(plan.above, plan.rows, strict=True)):
        y -= above
        for column in range(plan.columns):
            i = row * plan.columns + column
            if i >= len(panels):
                break
            x = MARGIN + side + column * (plan.column + GAP)
            w, h = panels[i].wide * plan.unit, panels[i].tall * plan.unit
            rect = (x / wide, (y - h) / tall, w / wide, h / tall)
            axes.append(_axes(host, figure, rect, panels[i]))
            axes[-1].set_title(
                plan.titles[i], loc="left", fontsize=BODY, pad=0.04 / POINT, color=ink, parse_math=False
            )
        y -= high + GAP / 2
    return Sheet(figure, axes, plan.unit)


def _axes(host: Any, figure: Any, rect: tuple[float, ...], panel: Panel) -> Any:
    axes = figure.add_axes(rect) if host is figure else host.inset_axes(rect)
    axes.set(xlim=(0, panel.wide), ylim=(panel.tall, 0))
    axes.set_axis_off()
    axes.patch.set_visible(False)
    return axes
