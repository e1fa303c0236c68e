"""Counts on a ladder of powers of ten, with the exact numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log10
from typing import Any

import numpy as np
import sympy
from matplotlib.patches import Rectangle

from derive.drawing.colours import BLUE, GREY, PALE
from derive.errors import SizeError, SymbolicError, brief
from derive.plot.picture import BODY, SMALL, ink_of, text_width, wrapped, write
from derive.plot.sheet import MARGIN, Panel, make_sheet, read_width, size_of
from derive.solution import Solution

ROW, BAR = 0.2, 0.17  # inches of a line of words and of a bar
LEFT = 0.5  # where bars begin, so that a bar of 1 can be seen
DIGITS = 24  # of a number that is written out


def ladder(counts: Any, *, title: str = "", width: float | None = None, ax: Any = None) -> Any:
    """How many weights are free, rung by rung: a bar on a log scale and the exact number.

    Args:
        counts: {name: count} or pairs (name, count); a count is an integer, or a solution, whose `dim` it is.

    >>> figure = ladder({"dense": 10**12, "shifts": 10**6, "shifts, radius 1": 9})
    """
    rungs = [(str(name), _count(str(name), count)) for name, count in _pairs(counts)]
    inner = (read_width(width) if ax is None else size_of(ax)[0]) - 2 * MARGIN
    numbers = ["infinite" if n is None else _exact(n) for _, n in rungs]
    room = inner - max(text_width(n, BODY) for n in numbers) - 0.12
    decades = max([1, *(ceil(log10(n)) for _, n in rungs if n)])
    per = room / (decades - log10(LEFT))
    names = [wrapped(name, inner, BODY) for name, _ in rungs]
    tops = np.cumsum([0.0, *(ROW * (name.count("\n") + 1) + BAR + 0.11 for name in names)])
    sheet = make_sheet([Panel(inner, tops[-1] + 0.24)], title=title, width=width, ax=ax, unit=1.0)
    axes, ink = sheet.axes[0], ink_of(sheet.figure)
    if sheet.unit < 0.9:
        raise SizeError(
            "ax", "must be larger to hold this ladder", f"{sheet.unit:.0%} of the height", "enlarge ax"
        )
    behind = {"facecolor": sheet.figure.get_facecolor(), "linewidth": 0, "pad": 0.5}
    _rule(axes, per, decades, tops[-1], ink)
    for name, (_, n), number, top in zip(names, rungs, numbers, tops, strict=False):
        below = top + ROW * (name.count("\n") + 1)
        write(
            axes, 0, below - 0.03, name, fontsize=BODY, color=ink, va="bottom", linespacing=1.3, bbox=behind
        )
        end = room if n is None else per * (log10(n) - log10(LEFT)) if n else 0.0
        axes.add_patch(Rectangle((0, below), end, BAR, facecolor=BLUE, linewidth=0, gid="bar", zorder=2))
        write(
            axes,
            end + 0.06,
            below + BAR / 2,
            number,
            fontsize=BODY,
            color=ink,
            va="center_baseline",
            zorder=3,
        )
    return sheet.figure


def _pairs(counts: Any) -> list[tuple[Any, Any]]:
    found = (
        list(counts.items())
        if isinstance(counts, Mapping)
        else list(counts)
        if isinstance(counts, Iterable)
        else []
    )
    if not found or not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in found):
        raise SizeError(
            "counts", "must be {name: count}, one at least", brief(counts), "give {'dense': 4096}"
        )
    return [(name, count) for name, count in found]


def _count(name: str, count: Any) -> int | None:
    """A count as an integer, None for infinitely many."""
    value = sympy.sympify(count.dim if isinstance(count, Solution) else count)
    if value is sympy.oo:
        return None
    if getattr(value, "free_symbols", None):
        raise SymbolicError("counts", f"must be a number for {name!r}", value, "put numbers for the symbols")
    if not getattr(value, "is_Integer", False) or value < 0:
        raise SizeError(
            "counts", f"must be an integer of 0 or more for {name!r}", brief(count), "give a count"
        )
    return int(value)


def _exact(n: int) -> str:
    text = f"{n:,}"
    return text if len(text) <= DIGITS else f"about {n / 10 ** int(log10(n)):.3f} × {power(int(log10(n)))}"


def power(k: int) -> str:
    """10^k in plain text.

    >>> power(0), power(3), power(12)
    ('1', '1,000', '10¹²')
    """
    return f"{10**k:,}" if k <= 3 else "10" + str(k).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _rule(axes: Any, per: float, decades: int, bottom: float, ink: Any) -> None:
    """Lines at powers of ten, named where the names have room."""
    widest = max(text_width(power(k), SMALL) for k in range(decades + 1)) + 0.12
    step = max(1, ceil(widest / per))
    for k in range(0, decades + 1, step):
        x = per * (k - log10(LEFT))
        axes.plot([x, x], [0, bottom], color=PALE, linewidth=0.8, zorder=0, clip_on=False)
        write(
            axes,
            x,
            bottom + 0.04,
            power(k),
            color=GREY if ink != (1.0, 1.0, 1.0) else ink,
            ha="center",
            va="top",
        )
