"""`{public} package` lists names of a package: a table of one line each, then the whole of each."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs._ext.entries import entry

TABLE = [".. autosummary::", "   :nosignatures:", ""]


class Public(SphinxDirective):
    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        package = self.arguments[0]
        names = " ".join(self.content).split()
        lines = ["````{eval-rst}", f".. currentmodule:: {package}", "", *TABLE]
        lines += [f"   {name}" for name in names]
        for name in names:
            lines += ["", *entry(package, name)]
        return self.parse_text_to_nodes("\n".join([*lines, "````"]))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public", Public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
