"""Cells drawn with matplotlib: coloured, signed and lettered, or with arrows in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection

from derive.drawing.colours import GREY, PALE, WHITE, ink_on, signed_colours
from derive.drawing.geometry import Cells
from derive.drawing.ties import Ties
from derive.plot.picture import SMALL, ink_of, text_width, write
from derive.plot.sheet import Sheet

EDGE = 0.09  # inches of a cell from which its edge is drawn
BAR = np.array([[-0.28, -0.07], [0.28, -0.07], [0.28, 0.07], [-0.28, 0.07]])  # a minus sign


def draw(
    axes: Any,
    cells: Cells,
    colours: np.ndarray,
    unit: float,
    *,
    negative: np.ndarray | None = None,
    texts: Sequence[str] | None = None,
    ink: Any = GREY,
) -> PolyCollection:
    """Coloured cells; a minus sign on negative ones, or their text where it fits at 8 points."""
    size = np.ptp(cells.corners, axis=0).min() * unit
    shapes = PolyCollection(
        cells.centres[:, None] + cells.corners,
        facecolors=np.asarray(colours),
        edgecolors=[GREY] if size >= EDGE else "face",
        linewidths=0.4 if size >= EDGE else 0.15,
        clip_on=False,
    )
    axes.add_collection(shapes, autolim=False)
    for x, y, text in cells.words:
        write(axes, x, y - 0.12, text, color=ink, va="bottom")
    shown = texts is not None and all(fits(text, size) for text in set(texts))
    if shown:
        for (x, y), text, colour in zip(cells.centres, texts or (), colours, strict=True):
            if text:
                write(axes, x, y, text, color=ink_on(colour), ha="center", va="center_baseline")
    elif negative is not None and negative.any():
        bars(axes, cells, colours, negative)
    return shapes


def draw_ties(axes: Any, cells: Cells, ties: Ties, sheet: Sheet) -> PolyCollection:
    """Cells that share a weight in one colour."""
    flat = (ties.labels.size,)
    return draw(
        axes,
        cells,
        ties.colours.reshape(*flat, 3),
        sheet.unit,
        negative=ties.negative.reshape(flat),
        texts=ties.texts.reshape(flat).tolist(),
        ink=ink_of(sheet.figure),
    )


def bars(axes: Any, cells: Cells, colours: np.ndarray, where: np.ndarray) -> None:
    """A minus sign on some cells, as large as the cell allows."""
    size = np.ptp(cells.corners, axis=0).min()
    inks = [ink_on(c) for c in np.asarray(colours)[where]]
    signs = PolyCollection(
        cells.centres[where][:, None] + BAR * size, facecolors=inks, linewidths=0, clip_on=False, gid="minus"
    )
    axes.add_collection(signs, autolim=False)


def fits(text: str, size: float) -> bool:
    """Whether a text stands in a cell of so many inches."""
    return size >= 0.15 and text_width(text, SMALL) <= 0.94 * size


def draw_numbers(
    axes: Any,
    cells: Cells,
    values: np.ndarray,
    unit: float,
    *,
    largest: float,
    texts: Sequence[str] | None = None,
) -> PolyCollection:
    """Signed numbers: blue below zero, vermillion above, white at zero; written where they fit."""
    numbers = np.asarray(values, dtype=float)
    colours = signed_colours(numbers / (largest or 1.0))
    written = [short(v) for v in numbers] if texts is None else texts
    return draw(axes, cells, colours, unit, negative=numbers < 0, texts=written)


def draw_arrows(axes: Any, cells: Cells, vectors: np.ndarray, *, largest: float, ink: Any) -> Any:
    """An arrow (x, y) in every cell, the longest nearly as long as a cell; a dot where it is zero."""
    tiles = PolyCollection(
        cells.centres[:, None] + cells.corners,
        facecolors=[WHITE],
        edgecolors=[PALE],
        linewidths=0.6,
        clip_on=False,
    )
    axes.add_collection(tiles, autolim=False)
    lengths = np.linalg.norm(vectors, axis=1)
    size = np.ptp(cells.corners, axis=0).min()
    still = lengths < 1e-12 * (largest or 1.0)
    axes.plot(*cells.centres[still].T, linestyle="", marker=".", markersize=2.5, color=GREY, clip_on=False)
    (x, y), (dx, dy) = cells.centres[~still].T, vectors[~still].T * (0.86 * size / (largest or 1.0))
    look = {"width": 0.075, "headwidth": 4.2, "headlength": 4.2, "headaxislength": 3.9, "minlength": 0.0}
    where = {"angles": "xy", "scale_units": "xy", "scale": 1.0, "units": "xy", "pivot": "mid"}
    return axes.quiver(x, y, dx, dy, color=ink, clip_on=False, **where, **look)


def short(value: float) -> str:
    """A number in a few characters, nothing for zero.

    >>> short(2.0), short(-0.7071), short(0.0)
    ('2', '-0.71', '')
    """
    return "" if value == 0 else f"{value:.3g}" if value == int(value) else f"{value:.2g}"


def legend(values: Any) -> str:
    """What the colours of signed numbers mean."""
    if np.nanmin(np.asarray(values, dtype=float), initial=0) < 0:
        return "Vermillion is positive, blue with a minus is negative, white is zero."
    return "The deeper the colour the larger, white is zero."
