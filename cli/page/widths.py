"""How wide a formula is, to a quarter of its width, from its MathML: paper cannot scroll."""

from __future__ import annotations

from xml.etree.ElementTree import Element

SCRIPT = 0.75  # of the size outside
LETTER, OPERATOR, GAP = 0.62, 1.1, 0.85  # in em: a letter, a sign with its spaces, between columns
NARROW = frozenset(",.;:()[]|′\u2061\u2062 ")


def width(node: Element, size: float = 1.0) -> float:
    """The width in em of a node of MathML.

    >>> from xml.etree.ElementTree import fromstring
    >>> round(width(fromstring("<mrow><mi>a</mi><mo>=</mo><mi>b</mi></mrow>")), 2)
    2.34
    """
    kind = node.tag.rpartition("}")[2]
    parts = list(node)
    if kind in ("mi", "mn", "mtext", "ms"):
        return size * LETTER * max(len("".join(node.itertext())), 1)
    if kind == "mo":
        text = "".join(node.itertext()).strip()
        return size * (0.45 * len(text) if set(text) <= NARROW else OPERATOR)
    if kind == "mspace":
        return size
    if kind == "mtable":
        return _table(parts, size)
    if kind in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and parts:
        return _scripts(kind, parts, size)
    found = [width(part, size) for part in parts]
    if kind == "mfrac":
        return max(found, default=0.0) + 0.3 * size
    return sum(found) + (0.9 * size if kind in ("msqrt", "mroot") else 0.0)


def _table(rows: list[Element], size: float) -> float:
    """The widest entry of every column, and the gaps."""
    columns: list[float] = []
    for row in rows:
        for k, cell in enumerate(row):
            wide = width(cell, size)
            columns[k : k + 1] = [max([wide, *columns[k : k + 1]])]
    return sum(columns) + GAP * size * len(columns)


def _scripts(kind: str, parts: list[Element], size: float) -> float:
    """Subscripts stand beside their base; limits stand above and below it."""
    base, *scripts = (width(part, size if k == 0 else SCRIPT * size) for k, part in enumerate(parts))
    widest = max(scripts, default=0.0)
    return base + widest if kind.startswith("ms") else max(base, widest) + 0.3 * size
