"""The pages say what the library does: code runs, outputs are real, tables are regenerated, links lead on."""

from __future__ import annotations

import doctest
import re
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from docs import tables
from kernels.errors import SymmetryWarning

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TEXT = README.read_text()
DOCS = sorted(page for page in ROOT.glob("docs/**/*.md") if "_build" not in page.parts)
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS]
# A block that begins with the name of a file is a program: kernels/test_devices.py runs those of sharding.md
PROGRAM = re.compile(r"# \w+\.py: ")
EXECUTED = [page for page in PAGES if "```python" in page.read_text()]
SCREEN = 40  # lines


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def run(
    text: str, name: str = "README.md", names: dict[str, Any] | None = None
) -> tuple[doctest.TestResults, str]:
    """Every example of a text, in order, in one namespace."""
    example = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    example.globs = {} if names is None else names
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    return runner.run(example, out=report.append, clear_globs=False), "".join(report)


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.stem)
def test_every_block_runs_with_the_output_shown(page: Path) -> None:
    """In order and in one namespace; blocks without prompts too, but the README's, which is run below."""
    names: dict[str, Any] = {"__name__": "page"}
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)
        for block in blocks(page):
            if ">>>" in block:
                result, report = run(block, page.name, names)
                assert result.failed == 0, report
                assert result.attempted > 0
            elif page != README and not PROGRAM.match(block):
                exec(compile(block, page.name, "exec"), names)


def test_programs_of_pages_are_those_that_are_run() -> None:
    """Nobody hides a block from the tests by calling it a program."""
    programs = {page.name: sum(map(bool, map(PROGRAM.match, blocks(page)))) for page in PAGES}
    assert {name: n for name, n in programs.items() if n} == {"sharding.md": 2}


def test_the_model_trains() -> None:
    """The block without prompts: turned images give what the images give, and most are told apart."""
    (block,) = [block for block in blocks(README) if ">>>" not in block]
    assert len(block.splitlines()) <= 15
    names: dict[str, Any] = {"__name__": "block"}
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        exec(compile(block, "README.md", "exec"), names)
        net, x, y = (names[name] for name in ["net", "x", "y"])
        turned = jnp.rot90(x, 1, (1, 2))
        assert jnp.allclose(net(turned), net(x), atol=1e-5)
        assert (jnp.round(net(x)) == y).mean() > 0.95


def test_a_wrong_output_is_noticed() -> None:
    result, _ = run("\n".join(blocks(README)[:1]).replace("(9*C*D, D,", "(9*C, D,"))
    assert result.failed == 1


def test_the_eight_lines_stand_on_the_first_screen() -> None:
    """From the group to the verified adjoints, then what was found."""
    lines = TEXT.splitlines()
    assert len(lines) <= 120
    first = lines[:SCREEN]
    code = [line[4:].split("#")[0].strip() for line in first if line.startswith(">>>")]
    start = code.index("G = dv.translations(2)")
    eight = [line.split(" = ")[0] for line in code[start : start + 8]]
    assert eight[:-1] == ["G", "x", "y", "solution", "conv", "w", "out"]
    assert eight[-1].startswith("kn.check_adjoints")
    assert "True" in first
    assert "```" in first


def test_the_tables_are_what_the_library_prints() -> None:
    """`python -m docs.tables` writes them."""
    text = tables.GALLERY.read_text()
    assert tables.filled(text) == text
    assert text.count("<!-- table: ") == len(tables.TABLES)


@pytest.mark.parametrize("row", [*tables.LAYERS, *tables.SYMMETRIES], ids=lambda row: row.name)
def test_every_row_is_certified(row: tables.Layer | tables.Symmetry) -> None:
    assert row.solution().certificate.holds


@pytest.mark.parametrize("row", tables.SYMMETRIES, ids=lambda row: row.name)
def test_every_symmetry_has_its_reference_dimension(row: tables.Symmetry) -> None:
    assert row.solution().dim == row.known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()) if "://" not in link]
    assert links or page in DOCS or page.name == "CHANGELOG.md"
    for link in links:
        assert (page.parent / link).exists(), link


TREE = re.compile(r"^```\{toctree\}\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def below(page: Path) -> set[Path]:
    """The pages in the tables of contents of a page."""
    lines = [line for tree in TREE.findall(page.read_text()) for line in tree.splitlines()]
    return {page.parent / f"{line}.md" for line in lines if re.match(r"[\w/]+$", line)}


def test_every_page_is_reached_from_the_home_page() -> None:
    assert "(docs/index.md)" in TEXT
    home = ROOT / "docs" / "index.md"
    reached, new = {home}, below(home)
    while new:
        reached |= new
        new = set().union(*map(below, new)) - reached
    assert reached == set(DOCS)


def test_links_of_the_readme_are_few() -> None:
    assert len(set(re.findall(r"\(docs/[^)]+\)", TEXT))) <= 6


def test_the_house_is_as_described() -> None:
    """Every room of both packages has its line."""
    page = (ROOT / "docs" / "house.md").read_text()
    for package in ("derive", "kernels"):
        rooms = [room.name for room in (ROOT / package).iterdir() if (room / "__init__.py").exists()]
        assert rooms
        assert [room for room in rooms if f"`{room}`" not in page] == []


def test_make_targets_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = re.findall(r"^make ([\w-]+)", text, flags=re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["run", "test", "lint", "docs", "bench", "test-accelerator"]
    for target in [*targets, *re.findall(r"`make ([\w-]+)`", text + TEXT)]:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
