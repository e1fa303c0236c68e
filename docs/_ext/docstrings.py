"""Docstrings are written as plain text: this turns their few forms into the markup that Sphinx reads.

words about `name`            code, and a link where the package has that public name
four spaces                   an equation, or code
Args: / Returns: / Raises:    a list of names with their meaning
Source: ...                   where it is from
>>>                           an example
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
SPECIAL = re.compile(r"([*_|\\])")
SECTION = re.compile(r"(Args|Returns|Raises):$")
ENTRY = re.compile(r"([\w ,.*]+?): (.*)$")
TITLES = {"Args": "Arguments", "Returns": "Returns", "Raises": "Raises"}
PACKAGES = ("derive", "kernels")


def public(name: str, package: str) -> str:
    """`package.name`, or the same of the other package, where it is public; else nothing."""
    package = package.split(".")[0]
    parts = name.removesuffix("()").split(".")
    if len(parts) == 2:
        package = {"dv": "derive", "kn": "kernels"}.get(parts[0], parts[0])
    if len(parts) > 2 or package not in PACKAGES:
        return ""
    return f"{package}.{parts[-1]}" if parts[-1] in import_module(package).__all__ else ""


def words(text: str, package: str) -> str:
    """A line of prose: code between backticks, all else as it stands."""
    parts = CODE.split(text)
    for k, part in enumerate(parts):
        if not part.startswith("`"):
            parts[k] = SPECIAL.sub(r"\\\1", part)
            continue
        name = part.strip("`")
        target = public(name, package)
        parts[k] = f":py:obj:`{name} <{target}>`" if target else f"``{name}``"
        if k and parts[k - 1][-1:].isalnum():
            parts[k] = rf"\ {parts[k]}"
        if k + 1 < len(parts) and parts[k + 1][:1].isalnum():
            parts[k] += r"\ "
    return "".join(parts)


def paragraphs(lines: list[str]) -> Iterator[list[str]]:
    for blank, group in groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            yield list(group)


def markup(lines: list[str], package: str) -> Iterator[str]:
    """A docstring, line by line, as reStructuredText."""
    for block in paragraphs(lines):
        if block[0].startswith(">>>"):
            yield from (".. code-block:: pycon", "", *(f"   {line}" for line in block))
        elif all(line.startswith("    ") for line in block):
            yield from (".. code-block:: none", "   :class: equation", "")
            yield from (f"   {line[4:]}" for line in block)
        elif SECTION.match(block[0]):
            yield from section(block[0][:-1], [line[4:] for line in block[1:]], package)
        else:
            yield from (words(line, package) for line in block)
        yield ""


def section(title: str, lines: list[str], package: str) -> Iterator[str]:
    """Names with their meaning: entries begin at the margin, and go on further in."""
    yield f":{TITLES[title]}:"
    for entry in entries(title, lines):
        first, *rest = entry
        found = ENTRY.match(first) if title != "Returns" else None
        if found:
            names = [f"`{name.strip()}`" for name in found[1].split(",")]
            linked = [words(name, package) if title == "Raises" else f"`{name}`" for name in names]
            first = f"{', '.join(linked)}: {words(found[2], package)}"
        else:
            first = words(first, package)
        yield f"   * {first}" if title != "Returns" else f"   {first}"
        yield from continued(rest, "     " if title != "Returns" else "   ", first.endswith(":"), package)
    yield ""


def entries(title: str, lines: list[str]) -> list[list[str]]:
    """The lines of every entry; what is returned is one."""
    found: list[list[str]] = []
    for line in lines:
        begins = not line[:1].isspace() and (title == "Args" or bool(ENTRY.match(line)))
        if not found or (begins and title != "Returns"):
            found.append([line.strip()])
        else:
            found[-1].append(line.strip())
    return found


def continued(lines: list[str], indent: str, listed: bool, package: str) -> Iterator[str]:
    """The other lines of an entry; after a colon they are a list, whose items end in ;"""
    before = ";"
    if listed:
        yield ""
    for line in lines:
        mark = "" if not listed else "* " if before.endswith(";") else "  "
        yield f"{indent}{mark}{words(line, package)}"
        before = line
    if listed:
        yield ""


def process(app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = markup(list(lines), name)


def foreign(app: Sphinx, kind: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Members that a class has from other libraries are described there."""
    made = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
    module = getattr(made, "__module__", None)
    return True if module and module.split(".")[0] not in PACKAGES else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", foreign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
