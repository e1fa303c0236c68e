"""The page of features: no row is missing, and all that it points at is there."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import derive
import kernels
from cli.command import COMMANDS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "features.md"
TEXT = PAGE.read_text(encoding="utf-8")
MODULES = {"dv": derive, "kn": kernels, "kl": "kernels.layers.equinox", "plot": "derive.plot"}
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


class Row(NamedTuple):
    """One line of a table."""

    number: str
    what: str
    where: str
    tests: str


def rows(text: str) -> list[Row]:
    lines = [line for line in text.splitlines() if re.match(r"\| [NP]?\d+ \|", line)]
    return [Row(*(cell.strip() for cell in line.strip("| ").split(" | "))) for line in lines]


ROWS = rows(TEXT)
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)


def complaints(row: Row) -> list[str]:
    """What a row points at that is not there."""
    found = [
        f"nothing leads to {text} in {link}"
        for text, link in LINK.findall(row.where)
        if not _leads(text, link)
    ]
    found += [f"there is no {name}" for name in re.findall(r"`([^`]+)`", row.where) if not _is_there(name)]
    found += [f"no test {link}" for _, link in LINK.findall(row.tests) if not _is_test(link)]
    open_ = "not there yet" in row.where
    found += [] if open_ or LINK.search(row.tests) else ["no test"]
    found += [] if row.where else ["no place"]
    return found


def _leads(text: str, link: str) -> bool:
    """To a file; to its heading, where one is named; in a notebook, to the heading that the text is."""
    name, _, anchor = link.partition("#")
    file = (PAGE.parent / name).resolve()
    if not file.is_file():
        return False
    if file.suffix == ".ipynb":
        return text in _headings(file)
    return not anchor or anchor in {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in _headings(file)
    }


@cache
def _headings(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n".join("".join(c["source"]) for c in cells)
    return {found.strip() for found in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def _is_there(name: str) -> bool:
    """A command, or a public name with a docstring."""
    if name.startswith("derive "):
        return name.split()[1] in COMMANDS
    short, *path = name.split(".")
    at: Any = MODULES[short]
    at = import_module(at) if isinstance(at, str) else at
    if path[0] not in at.__all__:
        return False
    for part in path:
        at = getattr(at, part, None)
    return bool(getattr(at, "__doc__", None))


def _is_test(link: str) -> bool:
    """A function of a file of tests: file.py#function."""
    name, _, function = link.partition("#")
    return function in _tests((PAGE.parent / name).resolve())


@cache
def _tests(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def test_no_row_is_missing() -> None:
    numbers = [row.number for row in ROWS]
    assert numbers[:27] == [str(n) for n in range(1, 28)]
    assert numbers[27:] == [f"P{n}" for n in range(1, 25)] + [f"N{n}" for n in range(1, 10)]


@every_row
def test_all_that_a_row_points_at_is_there(row: Row) -> None:
    assert complaints(row) == []


def test_what_is_not_there_is_noticed() -> None:
    good = ROWS[0]
    assert complaints(good._replace(where="[no heading](../notebooks/01_convolution_from_symmetry.ipynb)"))
    assert complaints(good._replace(where="[conventions](conventions.md#no-heading)"))
    assert complaints(good._replace(where="[nowhere](nowhere.md)"))
    assert complaints(good._replace(where="`kn.nothing`")) == ["there is no kn.nothing"]
    assert complaints(good._replace(where="`derive sing`")) == ["there is no derive sing"]
    assert complaints(good._replace(tests="[cli](../tests/test_cli.py#test_nothing)"))
    assert complaints(good._replace(tests="none")) == ["no test"]
    assert complaints(good._replace(where="")) == ["no place"]


def test_the_intent_has_as_many_rows() -> None:
    """Twenty-seven asked for, twenty-four that others have, nine that none has; what is open says so."""
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    parts = re.split(r"^## .*$", TEXT, flags=re.MULTILINE)[1:]
    assert [len(rows(part)) for part in parts] == [27, 24, 9]
    assert len(titles) == 3
    assert [row.number for row in ROWS if row.tests == "none"] == []
