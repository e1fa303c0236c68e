"""Where a layer fails to commute with a motion."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from derive.drawing.colours import WHITE
from derive.errors import SizeError, brief
from derive.plot.picture import SMALL, ink_of
from derive.plot.sheet import Panel, Sheet, make_sheet

PIXELS = 256  # along the longer side; more sites are drawn by the largest of each block
STRIP = 0.09  # inches of the colour scale


def error_map(left: Any, right: Any, *, title: str = "", width: float | None = None, ax: Any = None) -> Any:
    """The equivariance error |T(g x) - g T(x)| at every site, relative to the largest entry, on a log scale.

    Args:
        left, right: T(g x) and g T(x): arrays (H, W), or (H, W, channels) of which the worst channel counts.

    >>> import numpy as np
    >>> figure = error_map(np.ones((8, 8)), np.ones((8, 8)), title="a convolution")
    """
    error = _relative(left, right)
    many, worst = int((error > 0).sum()), float(error.max(initial=0))
    said = (
        "Exactly 0 at every site."
        if not many
        else (
            f"Differs at {many:,} of {error.size:,} sites, by {_percent(worst)} of the largest entry at most."
        )
    )
    seen, block = _seen(error)
    rows, columns = seen.shape
    more = f" Each cell is the largest of {block} x {block} sites." if block > 1 else ""
    foot = ("White is exactly 0." if many else "") + more
    unit = min(0.3, 3.4 / max(rows, columns))
    heading = f"{title}\n{said}" if title else said
    panel = Panel(columns, rows)
    sheet = make_sheet(
        [panel], title=heading, foot=foot, width=width, ax=ax, unit=unit, below=0.45 if many else 0.0
    )
    _draw(sheet, seen)
    return sheet.figure


def _relative(left: Any, right: Any) -> np.ndarray:
    """|left - right| at every site, the worst channel's, relative to the largest entry."""
    a, b = (np.asarray(array) for array in (left, right))
    if a.shape != b.shape or a.ndim not in (1, 2, 3) or not a.size or a.dtype.kind not in "biufc":
        shapes = f"{a.shape} and {b.shape}"
        raise SizeError(
            "left, right", "must be two arrays (H, W) or (H, W, channels)", shapes, "take one sample"
        )
    kind = complex if "c" in (a.dtype.kind, b.dtype.kind) else float
    a, b = a.astype(kind), b.astype(kind)
    gap = np.abs(a - b)
    if not np.isfinite(gap).all():
        raise SizeError("left, right", "must be finite", brief("NaN or infinity"), "look for what overflows")
    gap = gap.max(axis=-1) if gap.ndim == 3 else gap
    scale = float(max(np.abs(a).max(), np.abs(b).max())) or 1.0
    return np.atleast_2d(gap / scale)


def _percent(x: float) -> str:
    return f"{100 * x:.3g} %" if x >= 1e-4 else f"{x:.1e}"


def _seen(error: np.ndarray) -> tuple[np.ndarray, int]:
    """The error by blocks that are large enough to be seen."""
    block = -(-max(error.shape) // PIXELS)
    if block == 1:
        return error, 1
    rows, columns = (-(-n // block) for n in error.shape)
    padded = np.zeros((rows * block, columns * block))
    padded[: error.shape[0], : error.shape[1]] = error
    return padded.reshape(rows, block, columns, block).max(axis=(1, 3)), block


def _draw(sheet: Sheet, seen: np.ndarray) -> None:
    axes, ink = sheet.axes[0], ink_of(sheet.figure)
    rows, columns = seen.shape
    positive = seen[seen > 0]
    shades = colormaps["cividis_r"].with_extremes(bad=WHITE)
    top = 10.0 ** np.ceil(np.log10(positive.max())) if positive.size else 1.0
    low = 10.0 ** np.floor(np.log10(positive.min())) if positive.size else 0.1
    norm = LogNorm(max(min(low, top / 10), top * 1e-8), top, clip=True)
    shown = np.ma.masked_equal(seen, 0)
    axes.imshow(shown, cmap=shades, norm=norm, extent=(0, columns, rows, 0), interpolation="nearest")
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=ink, linewidth=0.8)
    if positive.size:
        _scale(sheet, axes, ScalarMappable(norm, shades), (rows * sheet.unit, columns * sheet.unit), ink)


def _scale(sheet: Sheet, axes: Any, colours: Any, size: tuple[float, float], ink: Any) -> None:
    """A colour scale below the map, with as many powers of ten as have room."""
    tall, wide = size
    strip = axes.inset_axes([0.07, -(0.1 + STRIP) / tall, 0.86, STRIP / tall])
    low, top = (round(np.log10(v)) for v in (colours.norm.vmin, colours.norm.vmax))
    step = max(1, -(-(top - low) // max(int(0.86 * wide / 0.6), 1)))
    powers = range(top, low - 1, -step)
    bar = sheet.figure.colorbar(colours, cax=strip, orientation="horizontal")
    bar.set_ticks([10.0**k for k in powers], labels=[_power(k) for k in powers])
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=SMALL, labelcolor=ink, color=ink, length=2, pad=1.5)
    bar.outline.set(edgecolor=ink, linewidth=0.6)


def _power(k: int) -> str:
    """10^k as people read it."""
    return {0: "100 %", -1: "10 %", -2: "1 %"}.get(k, f"1e{k}")
