"""Notebooks are written as plain Python and built: `python notebooks/build.py` writes every .ipynb anew.

A source file is cut at lines beginning with `# %%`; `# %% [markdown]` begins prose, whose lines are comments.
The notebooks are kept without outputs, so that they are the same bytes on every machine; run one to see them.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

FOLDER = Path(__file__).parent
MARKER, PROSE = "# %%", "# %% [markdown]"


def sources() -> list[Path]:
    return sorted(FOLDER.glob("[0-9]*.py"))


def build(source: Path) -> str:
    """The notebook of a source file, as text."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells = [_cell(k, part) for k, part in enumerate(_parts(source.read_text()), 1)]
    return nbformat.writes(notebook) + "\n"


def _parts(text: str) -> list[list[str]]:
    parts: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith(MARKER):
            parts.append([line])
        elif parts:
            parts[-1].append(line)
    return parts


def _cell(number: int, lines: list[str]) -> nbformat.NotebookNode:
    first, *body = lines
    prose = first.startswith(PROSE)
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body) if prose else "\n".join(body)
    new = nbformat.v4.new_markdown_cell if prose else nbformat.v4.new_code_cell
    return new(text.strip(), id=f"cell-{number:02d}")


if __name__ == "__main__":
    for path in sources():
        path.with_suffix(".ipynb").write_text(build(path))
