"""Formulas become MathML when the site is built; no script typesets them later."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

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


def visit_inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(display(node.astext()))
    raise nodes.SkipNode


def typeset_outputs(app: Sphinx, document: nodes.document) -> None:
    """Raw HTML, which only notebooks have."""
    for node in document.findall(nodes.raw):
        text = node.astext()
        if "html" in node.get("format", "") and "$" in text and "<script" not in text and "<svg" not in text:
            node[:] = [nodes.Text(inside_html(text))]
            node.rawsource = ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))  # type: ignore[arg-type]
    app.connect("doctree-read", typeset_outputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
