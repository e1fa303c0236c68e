"""Links to files beside docs/ lead, in the site, to the page that shows the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHOWN = {
    "benchmarks/LEARNING.md": "learned.md",
    "benchmarks/RESULTS.md": "measured.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}


def inside(text: str, depth: int) -> str:
    """The text of a page `depth` folders below docs/, its links to files outside turned to pages."""
    up = "../" * (depth + 1)
    for file, page in SHOWN.items():
        text = text.replace(f"]({up}{file}", f"]({'../' * depth}{page}")
    return re.sub(rf"\]\({re.escape(up)}(notebooks/[^)]+\.ipynb)\)", rf"]({'../' * depth}\1)", text)


def turn(app: Sphinx, name: str, source: list[str]) -> None:
    if Path(app.env.doc2path(name)).suffix == ".md":
        source[0] = inside(source[0], name.count("/"))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", turn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
