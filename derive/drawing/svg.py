"""Cells as SVG and summaries as HTML, as plain strings: small, escaped, and readable on light and on dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from derive.drawing.colours import hexed, ink_on, signed_colours
from derive.drawing.elements import element, picture, words
from derive.drawing.geometry import Cells
from derive.drawing.ties import Ties

UNIT, LEAST, LARGEST, WIDE = 24.0, 5.0, 72.0, 480.0  # pixels: of a cell, the least, the most; of a picture
FONT, SMALL = 12.0, 8.0  # pixels: the letters of a cell, and the smallest that are read
WRITTEN = 4  # characters of a number that is written as it is
LETTER = 0.6  # of a font's size: the width of a letter
EDGE = {"stroke": "currentColor", "stroke_opacity": "0.45", "stroke_width": "0.7"}


def cells_svg(cells: Cells, ties: Ties, label: str) -> str:
    """Tied cells as a picture: equal weights in one colour with one letter, a minus on negative ones."""
    texts = [text.replace("-", "−") for text in ties.texts.reshape(-1).tolist()]
    return _drawn(cells, label, ties.colours.reshape(-1, 3), texts, ties.negative.reshape(-1), texts)


def numbers_svg(cells: Cells, values: Sequence[Any], label: str) -> str:
    """Cells with numbers: vermillion above zero, blue with a minus below, the deeper the larger."""
    numbers = np.array([float(v) for v in values])
    colours = signed_colours(numbers / (np.abs(numbers).max(initial=0.0) or 1.0))
    exact = ["" if v == 0 else str(v).replace("-", "−") for v in values]
    short = [
        t if len(t) <= WRITTEN else f"{n:.2f}".replace("-", "−") for t, n in zip(exact, numbers, strict=True)
    ]
    return _drawn(cells, label, colours, short, numbers < 0, exact)


def _drawn(
    cells: Cells,
    label: str,
    colours: np.ndarray,
    texts: Sequence[str],
    negative: np.ndarray,
    exact: Sequence[str],
) -> str:
    """One shape per cell, empty where nothing is written; its text, or a minus and a title."""
    least = float(np.ptp(cells.corners, axis=0).min())
    unit = _unit(texts, least, max(cells.size))
    room = unit * least
    corners = (cells.centres[:, None] + cells.corners) * unit + 1
    body = []
    for (x, y), shape, colour, text, full, minus in zip(
        cells.centres * unit + 1, corners, colours.tolist(), texts, exact, negative.tolist(), strict=True
    ):
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in shape)
        size = min(FONT, _room(room) / max(len(text), 1))
        whole = bool(text) and size >= SMALL
        title = [] if text == full and (whole or not text) else [element("title", escape(full))]
        fill = hexed(colour) if text else "none"
        body.append(element("polygon", *title, points=points, fill=fill, **EDGE))
        ink = hexed(ink_on(colour))
        if whole:
            body.append(words(text, x, y, size, fill=ink))
        elif minus:
            body.append(_minus(x, y, room, ink))
        elif room >= FONT:
            body.append(words("…", x, y, FONT, fill=ink) if text else words("·", x, y, FONT, opacity="0.6"))
    body += [words(t, x * unit + 1, (y - 0.2) * unit, FONT, text_anchor="start") for x, y, t in cells.words]
    wide, tall = (unit * n + 2 for n in cells.size)
    return picture(label, wide, tall, *body)


def _unit(texts: Sequence[str], least: float, most: float) -> float:
    """Pixels of a cell: larger where sums of weights have to be read, smaller where there are many cells."""
    bound = min(LARGEST, WIDE / most)
    wanted = (1.01 * SMALL * len(text) / _room(least) for text in texts)
    return max(LEAST, min(bound, max([UNIT, *(n for n in wanted if n <= bound)])))


def _room(width: float) -> float:
    """How large one letter could be in so much room."""
    return 0.95 * width / LETTER


def _minus(x: float, y: float, room: float, ink: str) -> str:
    """A minus sign where no letter fits."""
    half, thick = min(0.28 * room, 5.0), min(max(0.14 * room, 0.8), 2.5)
    return element("path", d=f"M{x - half:.1f} {y:.1f}h{2 * half:.1f}", stroke=ink, stroke_width=thick)


def figure(picture: str, caption: str) -> str:
    """A picture with a line below it, as wide as it needs."""
    line = f'<figcaption style="font-size:0.85em">{escape(caption)}</figcaption>' if caption else ""
    style = "display:inline-block;margin:0.3em 1em 0.3em 0;vertical-align:top"
    return f'<figure style="{style}">{picture}{line}</figure>'


def card(title: str, rows: Iterable[tuple[str, str]], parts: Sequence[str] = ()) -> str:
    """A title, a table of words, and parts that are HTML already."""
    name_style = "text-align:left;font-weight:normal;opacity:0.75;padding:0 1em 0 0;vertical-align:top"
    lines = "".join(
        f'<tr><th scope="row" style="{name_style}">{escape(name)}</th>'
        f'<td style="text-align:left;padding:0">{escape(value)}</td></tr>'
        for name, value in rows
    )
    style = "border-collapse:collapse;background:none;color:inherit"
    table = f'<table style="{style}"><tbody>{lines}</tbody></table>' if lines else ""
    return (
        '<div style="color:inherit;font-size:0.95em;overflow-x:auto">'
        f'<p style="margin:0.2em 0"><strong>{escape(title)}</strong></p>{table}{"".join(parts)}</div>'
    )
