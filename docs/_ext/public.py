"""`{public} package` lists names of a package: a table of one line each, then the whole of each."""

from __future__ import annotations

from importlib import import_module
from inspect import isclass, ismodule
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

LAYERS = ("kernels.layers.equinox", "kernels.layers.flax")  # what their layers share is said once, in words
TABLE = [".. autosummary::", "   :nosignatures:", ""]


def entry(package: str, name: str) -> list[str]:
    thing = getattr(import_module(package), name)
    if ismodule(thing):
        return [f".. automodule:: {thing.__name__}", "   :members:"]
    if not isclass(thing):
        return [f".. autofunction:: {package}.{name}"]
    if issubclass(thing, BaseException):
        return [f".. autoexception:: {package}.{name}"]
    shown = [f".. autoclass:: {package}.{name}"]
    return shown if package in LAYERS else [*shown, "   :members:", "   :inherited-members: object"]


class Public(SphinxDirective):
    has_content = True
    required_arguments = 1
    option_spec: ClassVar[dict[str, object]] = {}

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
