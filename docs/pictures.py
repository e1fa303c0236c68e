"""The picture of the home page: `python -m docs.pictures` draws it anew."""

from __future__ import annotations

import io
import re
from pathlib import Path

import matplotlib

import derive as dv
from derive import plot

WEIGHTS = Path(__file__).parent / "_static" / "weights.svg"


def weights() -> str:
    """The matrix of a layer on twelve sites: every weight free, tied by shifts, and local."""
    G, nothing = dv.translations(1), dv.translations(1, period=0)
    line, free = dv.Field(G, grid=12, boundary="periodic"), dv.Field(nothing, grid=12)
    layers = [dv.solve(free, free), dv.solve(line, line), dv.solve(line, line, dv.box(1))]
    with matplotlib.rc_context({"svg.hashsalt": "weights"}):
        figure = plot.weight_matrix(*layers, titles=["no symmetry", "shifts", "shifts, |du| <= 1"], width=7.5)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def drawn(svg: str) -> tuple[list[str], list[str]]:
    """What a picture says whatever draws it: its words and the fills of its cells, in order."""
    words = re.findall(r"<!-- (.*?) -->", svg)
    return words, re.findall(r"fill: (#[0-9a-f]{6})", svg)


if __name__ == "__main__":
    WEIGHTS.write_text(weights())
