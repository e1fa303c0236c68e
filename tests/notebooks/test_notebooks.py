"""Every notebook is what its source builds, and runs from the first cell to the last.

`expected/<notebook>.toml` says what has to be found: `printed` texts, the number of `pictures`, and texts
that stand in outputs of other kinds, `[shown] "text/html" = [...]`.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def builder() -> Any:
    spec = importlib.util.spec_from_file_location("build", FOLDER / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_notebook_has_its_source() -> None:
    """`python notebooks/build.py` writes them; they hold no outputs."""
    build = builder()
    assert [source.with_suffix(".ipynb") for source in build.sources()] == NOTEBOOKS
    for source in build.sources():
        assert source.with_suffix(".ipynb").read_text() == build.build(source)
    assert {path.stem for path in (HERE / "expected").glob("*.toml")} == {path.stem for path in NOTEBOOKS}


@every_notebook
def test_is_short_and_plain(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert len(cell.source.splitlines()) <= 20
        assert cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count)


@every_notebook
def test_has_one_title_and_one_level_of_headings(path: Path) -> None:
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    levels = [len(mark) for text in prose for mark in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert prose[0].startswith("# ")
    assert levels[0] == 1
    assert set(levels[1:]) <= {2}


@every_notebook
def test_runs(path: Path) -> None:
    expected = tomllib.loads((HERE / "expected" / f"{path.stem}.toml").read_text())
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": FOLDER.parent}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    data = [output.get("data", {}) for output in outputs]
    for part in expected["printed"]:
        assert part in text
    assert sum("image/png" in shown for shown in data) == expected["pictures"]
    for kind, parts in expected.get("shown", {}).items():
        for part in parts:
            assert any(part in shown.get(kind, "") for shown in data), f"{part} in no {kind}"
