"""LaTeX as MathML, for pages and for what notebooks print."""

from __future__ import annotations

import re
from html import escape, unescape

from latex2mathml.converter import convert

PRIMED = re.compile(r"<msup><mi>(\w)</mi><mi>&#x02032;</mi></msup>")  # too small to read in a subscript
DOLLARS = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)(?<!\\)\$", re.DOTALL)


def mathml(tex: str, block: bool = False) -> str:
    """LaTeX as MathML, with the LaTeX beside it for those who copy."""
    lines = tex.strip().replace(r"\begin{gathered}", r"\begin{array}{l}")
    lines = lines.replace(r"\end{gathered}", r"\end{array}")
    found = convert(lines, display="block" if block else "inline")
    opening, _, inside = PRIMED.sub(r'<mi class="primed">\1&#x2032;</mi>', found).partition(">")
    note = f'<annotation encoding="application/x-tex">{escape(tex.strip())}</annotation>'
    return f"{opening}><semantics><mrow>{inside.removesuffix('</math>')}</mrow>{note}</semantics></math>"


def display(tex: str) -> str:
    """A formula on lines of its own, which scrolls by itself where it is wide."""
    return f'<div class="formula" role="group" tabindex="0" aria-label="formula">{mathml(tex, True)}</div>'


def inside_html(text: str) -> str:
    """The formulas between dollars of a piece of HTML, as notebooks print it."""
    return DOLLARS.sub(
        lambda found: display(unescape(found[1])) if found[1] else mathml(unescape(found[2])), text
    )
