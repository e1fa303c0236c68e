"""Formulas as MathML, which browsers typeset without scripts or a network, on pages and in notebooks."""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import Element, fromstring, tostring

PRIME = "\u2032"
FONTS = "font-family:'Latin Modern Math','STIX Two Math','Cambria Math','DejaVu Math TeX Gyre',math,serif"
DISPLAYED = ";margin:0;width:max-content;text-align:left"
SCROLLS = "margin:0.3em 0;font-size:1.1em;overflow-x:auto;overflow-y:hidden"  # by itself, not with the page


def display(latex: str) -> str:
    """A formula on lines of its own; where it is wide it scrolls by itself."""
    attributes = f'style="{SCROLLS}" role="group" tabindex="0" aria-label="formula"'
    return f"<div {attributes}>{math(latex, block=True)}</div>"


def math(latex: str, block: bool = False) -> str:
    """LaTeX as MathML; the LaTeX is an attribute, since text would be shown where tags are taken out."""
    from latex2mathml.converter import convert  # reads a table of symbols, which most programs never need

    lines = latex.replace(r"\begin{gathered}", r"\begin{array}{l}").replace(r"\end{gathered}", r"\end{array}")
    inside = convert(lines, display="block" if block else "inline").partition(">")[2].rpartition("</math>")[0]
    row = fromstring(f"<mrow>{inside}</mrow>")
    _join_primes(row)
    kind = ' display="block"' if block else ""
    style = FONTS + (DISPLAYED if block else "")
    return (
        f'<math xmlns="http://www.w3.org/1998/Math/MathML" alttext="{escape(latex)}" style="{style}"{kind}>'
        f"{tostring(row, encoding='unicode')}</math>"
    )


def _join_primes(node: Element) -> None:
    """u' as one letter with its prime, which is too small to read as a superscript of a subscript."""
    for part in node.iter("msup"):
        if [child.tag for child in part] == ["mi", "mi"] and part[1].text == PRIME:
            part.tag, part.text = "mi", f"{part[0].text}{PRIME}"
            part.set("style", "font-style:italic")
            del part[:]
