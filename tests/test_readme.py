"""The README says what the library does: its code runs, its outputs are real, its tables are regenerated."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from docs import tables

README = tables.README
TEXT = README.read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
SCREEN = 40  # lines


def run(text: str) -> tuple[doctest.TestResults, str]:
    """Every example of a text, in order, in one namespace."""
    example = doctest.DocTestParser().get_doctest(text, {}, "README.md", str(README), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    return runner.run(example, out=report.append), "".join(report)


def test_every_block_runs_with_the_output_shown() -> None:
    result, report = run("\n".join(BLOCKS))
    assert result.failed == 0, report
    assert result.attempted >= 20


def test_a_wrong_output_is_noticed() -> None:
    result, _ = run("\n".join(BLOCKS[:1]).replace("(9*C*D, D,", "(9*C, D,"))
    assert result.failed == 1


def test_the_eight_lines_stand_on_the_first_screen() -> None:
    """From the group to the verified adjoints, then what was found."""
    first = TEXT.splitlines()[:SCREEN]
    code = [line[4:].split("#")[0].strip() for line in first if line.startswith(">>>")]
    start = code.index("G = dv.translations(2)")
    eight = [line.split(" = ")[0] for line in code[start : start + 8]]
    assert eight[:-1] == ["G", "x", "y", "solution", "conv", "w", "out"]
    assert eight[-1].startswith("kn.check_adjoints")
    assert "True" in first
    assert "```" in first


def test_the_tables_are_what_the_library_prints() -> None:
    """`python -m docs.tables` writes them."""
    assert tables.filled(TEXT) == TEXT
    assert TEXT.count("<!-- table: ") == len(tables.TABLES)


@pytest.mark.parametrize("row", [*tables.LAYERS, *tables.SYMMETRIES], ids=lambda row: row.name)
def test_every_row_is_certified(row: tables.Layer | tables.Symmetry) -> None:
    assert row.solution().certificate.holds


@pytest.mark.parametrize("row", tables.SYMMETRIES, ids=lambda row: row.name)
def test_every_symmetry_has_its_reference_dimension(row: tables.Symmetry) -> None:
    assert row.solution().dim == row.known


def test_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert links
    for link in links:
        assert (Path(README).parent / link).exists(), link


def test_make_targets_exist() -> None:
    targets = re.findall(r"^make ([\w-]+)", TEXT, flags=re.MULTILINE)
    makefile = (README.parent / "Makefile").read_text()
    assert targets == ["run", "test", "lint", "bench", "test-accelerator"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
