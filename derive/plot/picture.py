"""A figure that belongs to nobody else: no pyplot, no global style, and it shows itself in notebooks."""

from __future__ import annotations

import io
from html import escape
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

from derive.drawing.colours import INK, WHITE, luminance

SMALL, BODY, HEAD = 8.0, 9.0, 11.0  # points
LINE = 1.3  # of a font's size
POINT = 1 / 72  # inches
DOTS = 288  # per inch, at which words are measured
SLACK = 1.06  # letters are set on whole pixels: lines are longer at some resolutions


class Picture(Figure):
    """A matplotlib figure with `.svg()` and `.png()`, of which no global state knows."""

    def svg(self, label: str = "") -> str:
        """An <svg> element to put into a page; `label` is what a screen reader says."""
        buffer = io.StringIO()
        with matplotlib.rc_context({"svg.hashsalt": "derive.plot", "svg.fonttype": "path"}):
            self.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        drawn = buffer.getvalue()
        said = escape(label or self._words(), quote=True)
        return drawn[drawn.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{said}"', 1)

    def png(self, dpi: int = 192) -> bytes:
        """The picture as PNG."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=dpi)
        return buffer.getvalue()

    def _words(self) -> str:
        return " ".join(t.get_text() for t in self.texts) or "picture"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        wide, tall = (round(96 * inches) for inches in self.get_size_inches())
        shown = {"image/png": self.png(), "text/plain": repr(self)}
        return shown, {"image/png": {"width": wide, "height": tall}}


def ink_of(figure: Any) -> Any:
    """Dark ink on a light figure, white ink on a dark one."""
    face = matplotlib.colors.to_rgba(figure.get_facecolor())
    return WHITE if face[3] > 0.5 and luminance(face) < 0.18 else INK


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line of text is, in inches."""
    font = get_font(findfont(FontProperties(size=size, weight=weight)))
    font.set_size(size, DOTS)
    font.set_text(text, 0.0)
    return SLACK * font.get_width_height()[0] / 64 / DOTS


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Text in lines of at most `width` inches; a longer word is cut."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, weight) > width:
                lines.append(line)
                longer = word
            while len(longer) > 1 and text_width(longer, size, weight) > width:
                cuts = range(len(longer) - 1, 1, -1)
                head = next((k for k in cuts if text_width(longer[:k], size, weight) <= width), 1)
                lines.append(longer[:head])
                longer = longer[head:]
            line = longer
        lines.append(line)
    return "\n".join(lines)


def height_of(text: str, size: float) -> float:
    """How high a block of lines is, in inches."""
    return (text.count("\n") + 1) * LINE * size * POINT if text else 0.0


def write(axes: Any, x: float, y: float, text: str, **options: Any) -> Text:
    """Text as it is: a dollar sign is a dollar sign."""
    return axes.text(x, y, text, parse_math=False, **({"fontsize": SMALL} | options))
