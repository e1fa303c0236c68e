"""An audit as a picture of the network: layer below layer, what each keeps and where symmetry is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.patches import FancyBboxPatch

from derive.drawing.colours import BLUE, GREY, INK, VERMILLION
from derive.errors import SizeError, brief
from derive.plot.picture import BODY, SMALL, ink_of, wrapped, write
from derive.plot.sheet import MARGIN, Panel, make_sheet, read_width, size_of

PAD, ICON, STEP = 0.08, 0.3, 0.17  # inches: inside of a box, for its mark, between boxes
LINE_HIGH, NAME_HIGH = 0.155, 0.18
KEPT, LOST = (0.9, 0.95, 0.98), (1.0, 0.93, 0.88)  # pale BLUE, pale VERMILLION


@dataclass(frozen=True)
class Box:
    """One layer: its name, whether it loses something, and the lines below its name."""

    name: str
    lost: bool
    lines: str

    @property
    def height(self) -> float:
        extra = LINE_HIGH * (self.lines.count("\n") + 1) if self.lines else 0.0
        return 2 * PAD + NAME_HIGH * (self.name.count("\n") + 1) + extra


def audit(report: Any, *, title: str = "", width: float | None = None, ax: Any = None) -> Any:
    """An audit as a picture: a box per layer in the order of the calls, crossed where it loses symmetry.

    Args:
        report: what `kernels.audit` returns, or anything with `.layers`, each with `.name`, `.kept` (or
            `.surviving`), and where something is lost `.lost`, `.errors` (or `.error`), `.cause`, `.remedy`.
    """
    layers = getattr(report, "layers", None)
    if not isinstance(layers, list | tuple) or not layers:
        raise SizeError(
            "report", "must have .layers, one at least", brief(report), "give what kernels.audit returns"
        )
    inner = (read_width(width) if ax is None else size_of(ax)[0]) - 2 * MARGIN
    boxes = [read_box(layer, inner - ICON - 2 * PAD) for layer in layers]
    tall = sum(b.height for b in boxes) + STEP * (len(boxes) - 1)
    kept = _listed(getattr(report, "kept", ()))
    foot = f"The model keeps {kept or 'nothing'}." if hasattr(report, "kept") else ""
    group = getattr(report, "group", "")
    heading = title or (f"Audit under {group}" if group else "")
    sheet = make_sheet([Panel(inner, tall)], title=heading, foot=foot, width=width, ax=ax, unit=1.0)
    if sheet.unit < 0.97:
        raise SizeError(
            "ax", f"must be {tall:.1f} inches high for {len(boxes)} layers", f"{sheet.unit:.0%}", "enlarge ax"
        )
    y = 0.0
    for k, box in enumerate(boxes):
        if k:
            _arrow(sheet.axes[0], y - STEP, ink_of(sheet.figure))
        _draw(sheet.axes[0], box, y, inner)
        y += box.height + STEP
    return sheet.figure


def read_box(layer: Any, room: float) -> Box:
    """What is said of a layer, in lines that fit."""
    kept = getattr(layer, "kept", getattr(layer, "surviving", ()))
    lost = _names(getattr(layer, "lost", ()))
    cause, remedy = (str(getattr(layer, name, "") or "") for name in ("cause", "remedy"))
    fails = bool(lost) or kept is False or (not hasattr(layer, "lost") and bool(cause))
    errors = getattr(layer, "errors", getattr(layer, "error", None))
    lines = []
    if fails:
        lines.append(
            "Loses " + (", ".join(_with_error(g, errors) for g in lost) or _with_error("symmetry", errors))
        )
    if not isinstance(kept, bool) and _listed(kept):
        lines.append(f"Keeps {_listed(kept)}")
    elif fails:
        lines.append("Keeps nothing")
    lines += [f"Cause: {cause}"] * bool(cause) + [f"Remedy: {remedy}"] * bool(remedy)
    name = wrapped(str(getattr(layer, "name", "layer")), room, BODY, "bold")
    return Box(name, fails, "\n".join(wrapped(line, room, SMALL) for line in lines))


def _names(value: Any) -> list[str]:
    if value is None or isinstance(value, bool):
        return []
    return (
        [value]
        if isinstance(value, str)
        else [str(v) for v in value]
        if isinstance(value, Iterable)
        else [str(value)]
    )


def _listed(value: Any) -> str:
    return ", ".join(_names(value))


def _with_error(generator: str, errors: Any) -> str:
    error = errors.get(generator) if isinstance(errors, Mapping) else errors
    return generator if error is None else f"{generator} (error {float(error):.2g})"


def _draw(axes: Any, box: Box, y: float, wide: float) -> None:
    colour, pale = (VERMILLION, LOST) if box.lost else (BLUE, KEPT)
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(
            (0, y), wide, box.height, style, facecolor=pale, edgecolor=colour, linewidth=1.2, clip_on=False
        )
    )
    middle, size = y + PAD + NAME_HIGH / 2, 0.065
    x = PAD + size
    strokes = (
        [
            ([x - size, x + size], [middle - size, middle + size]),
            ([x - size, x + size], [middle + size, middle - size]),
        ]
        if box.lost
        else [([x - size, x - size / 3, x + size], [middle, middle + size, middle - size])]
    )
    for xs, ys in strokes:
        axes.plot(xs, ys, color=colour, linewidth=2.2, solid_capstyle="round", clip_on=False)
    top = y + PAD
    write(axes, ICON, top, box.name, fontsize=BODY, fontweight="bold", color=INK, va="top", linespacing=1.3)
    below = top + NAME_HIGH * (box.name.count("\n") + 1)
    if box.lines:
        write(axes, ICON, below, box.lines, color=INK, va="top", linespacing=1.3)


def _arrow(axes: Any, y: float, ink: Any) -> None:
    x = PAD + 0.065
    colour = GREY if ink == INK else ink
    look = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.0,
        "mutation_scale": 7,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", (x, y + STEP), (x, y), arrowprops=look, annotation_clip=False)
