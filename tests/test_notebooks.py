"""Every notebook is what its source builds, and runs from the first cell to the last."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# What has to be found in the printed output, and how many pictures there are.
EXPECTED = {
    "01_convolution_from_symmetry": (
        (
            "1,000,000,000,000\n",
            "certificate holds",
            "[[2. 3. 0. 0. 0.]\n [1. 2. 3. 0. 0.]",
            "True 9 pixels",
            "(9, 3, 16) -> (3, 3, 3, 16) ; image (427, 640, 3) -> (427, 640, 16)",
            "torus: 0.0 ",
            "check_adjoints: passed in float32",
            "input: derived against jax.vjp must agree to 1e-05 of the largest entry, got ",
        ),
        5,
    )
}


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
    assert set(EXPECTED) == {path.stem for path in NOTEBOOKS}


@every_notebook
def test_is_short_and_plain(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert len(cell.source.splitlines()) <= 20
        assert cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count)


@every_notebook
def test_runs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": FOLDER.parent}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    parts, count = EXPECTED[path.stem]
    for part in parts:
        assert part in text
    assert len(pictures) == count
    typeset = [o.data for o in outputs if "text/latex" in o.get("data", {})]
    assert any(r"\sum_{" in data["text/latex"] for data in typeset)
    assert any("<ol>" in data.get("text/html", "") for data in typeset)
