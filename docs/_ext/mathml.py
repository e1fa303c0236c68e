"""Formulas become MathML when the site is built; no script typesets them later."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from docs._ext.formulas import display, inside_html, mathml


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
