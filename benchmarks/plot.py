"""The ratios of every case as one picture."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from benchmarks.programs import FORWARD, INPUT, INSIDE, KERNEL, OUTSIDE, STEP
from benchmarks.ratios import LAX, Cell
from benchmarks.report import Plot

MARKS = {FORWARD: ("o", "#1b6ca8"), INPUT: ("^", "#d1711f"), KERNEL: ("s", "#3c8d40"), STEP: ("D", "#222222")}
# the same file every time: no date, no random identifiers; letters stay letters, which keeps it small
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "ratios",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
}


def ratios(cells: Sequence[Cell]) -> tuple[Plot, ...]:
    """How many times faster than the better lax layout, case by case; nothing without Matplotlib."""
    if not cells or not find_spec("matplotlib"):
        return ()
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    with matplotlib.rc_context(STYLE):
        figure = _draw(pyplot, cells)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    title = "How many times faster than the better of lax's layouts"
    return (Plot("results.svg", title, drawn.getvalue()),)


def _draw(pyplot: Any, cells: Sequence[Cell]) -> Any:
    """A panel per context, a row per case, a mark per direction."""
    contexts = [context for context in (OUTSIDE, INSIDE) if any(c.context == context for c in cells)]
    names = list(dict.fromkeys(cell.case.name for cell in cells))
    size = (4 + 3.2 * len(contexts), 1 + 0.22 * len(names))
    figure, panels = pyplot.subplots(
        1, len(contexts), sharey=True, figsize=size, squeeze=False, layout="constrained"
    )
    for axes, context in zip(panels[0], contexts, strict=True):
        _panel(axes, [cell for cell in cells if cell.context == context], names)
        axes.set_title({OUTSIDE: "outside loops", INSIDE: "in the body of a scan"}[context])
    panels[0][0].set_yticks(range(len(names)), names)
    panels[0][0].invert_yaxis()
    marks = panels[0][0].get_legend_handles_labels()
    figure.legend(*marks, loc="outside lower center", ncols=len(MARKS), title="times faster", frameon=False)
    return figure


def _panel(axes: Any, cells: Sequence[Cell], names: Sequence[str]) -> None:
    axes.axvline(1, color="#999999", linewidth=1)
    for direction, (mark, colour) in MARKS.items():
        shown = [
            (cell.ratio(*LAX), names.index(cell.case.name)) for cell in cells if cell.direction == direction
        ]
        met = [(ratio, row) for ratio, row in shown if not math.isnan(ratio)]
        if met:
            axes.scatter(
                *zip(*met, strict=True), marker=mark, color=colour, s=22, label=direction, alpha=0.85
            )
    axes.set_xscale("log")
    axes.grid(axis="both", linewidth=0.3)
