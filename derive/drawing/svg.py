"""Cells as SVG and summaries as HTML, as plain strings: small, escaped, and readable on light and on dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from derive.drawing.colours import hexed, ink_on
from derive.drawing.geometry import Cells
from derive.drawing.ties import Ties

UNIT = 22  # pixels of a cell
LETTER = 0.62  # of a font's size: the width of a letter
FONT = 11  # pixels
LEAST = 6.0  # pixels of the smallest cell


def cells_svg(cells: Cells, ties: Ties, label: str, unit: float = UNIT) -> str:
    """Tied cells as an <svg> element: colours, letters where they fit, outlines in the colour of the text."""
    wide, tall = (unit * n + 2 for n in cells.size)
    texts = ties.texts.reshape(-1).tolist()
    room = unit * float(np.ptp(cells.corners, axis=0).min())
    lettered = all(LETTER * FONT * len(t) < 0.95 * room for t in texts)
    colours, negative = ties.colours.reshape(-1, 3), ties.negative.reshape(-1)
    zero = (ties.labels < 0).reshape(-1)
    body = [
        _cell(corners * unit + 1, None if empty else hexed(colour))
        for corners, colour, empty in zip(
            cells.centres[:, None] + cells.corners, colours.tolist(), zero.tolist(), strict=True
        )
    ]
    for (x, y), colour, text, minus in zip(
        cells.centres * unit + 1, colours.tolist(), texts, negative.tolist(), strict=True
    ):
        if text and (lettered or minus):
            body.append(_text(x, y, text if lettered else "−", hexed(ink_on(colour))))
    body += [_text(x * unit + 1, (y - 0.2) * unit, t, "currentColor", "start") for x, y, t in cells.words]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label, quote=True)}" '
        f'width="{wide:.0f}" height="{tall:.0f}" viewBox="0 0 {wide:.1f} {tall:.1f}" '
        f'style="max-width:100%;height:auto">{"".join(body)}</svg>'
    )


def _cell(corners: np.ndarray, fill: str | None) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return (
        f'<polygon points="{points}" fill="{fill or "none"}" stroke="currentColor" '
        'stroke-opacity="0.45" stroke-width="0.7"/>'
    )


def _text(x: float, y: float, text: str, fill: str, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" dy="0.35em" font-size="{FONT}" font-family="sans-serif" '
        f'text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )


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
