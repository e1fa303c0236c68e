"""HTML by hand: a whole page, its parts, and mathematics as MathML."""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import fromstring

from cli.page.style import STYLE
from cli.page.widths import width
from derive.drawing.mathml import math

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # no scripts, no network
PAPER = 40  # em that fit a printed line, as `width` counts them


def page(title: str, navigation: str, main: str, footer: str) -> str:
    """A complete page."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="equiderive">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>{navigation}</header>
<main>
{main}
</main>
<footer class="soft"><p>{footer}</p></footer>
</body>
</html>
"""


def display(latex: str, label: str = "formula") -> str:
    """A formula on lines of its own; where it is wide it scrolls by itself, and is printed smaller."""
    mathematics = math(latex, block=True)
    wide = width(fromstring(mathematics))
    fit = f' style="--fit: {PAPER / wide:.2f}"' if wide > PAPER else ""
    attributes = f'class="scroll" role="group" tabindex="0" aria-label="{escape(label)}"{fit}'
    return f"<div {attributes}>{mathematics}</div>"


def section(name: str, title: str, *parts: str) -> str:
    """A section with its heading, which names it."""
    inside = "\n".join(parts)
    heading = f'<h2 id="{name}-title">{escape(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">\n{heading}\n{inside}\n</section>'


def paragraph(text: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{escape(text)}</p>"


def figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def figures(listed: list[str]) -> str:
    return f'<div class="figures">{"".join(listed)}</div>'


def contents(parts: dict[str, str]) -> str:
    """Links to the sections."""
    items = "".join(f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title in parts.items())
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'
