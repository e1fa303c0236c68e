"""Formulas of pages and notebooks are read by the converter to MathML, and by KaTeX where it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from docs._ext.formulas import display, inside_html, mathml
from tests.derive.formulas import Formula, Katex, in_dollars, mathml_complaints, why_no_katex

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in ROOT.glob("docs/**/*.md") if "_build" not in page.parts)
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def prose(path: Path) -> str:
    """What is not code."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text())["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    else:
        text = path.read_text()
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


FORMULAS = {path.stem: list(in_dollars(prose(path))) for path in [*PAGES, *NOTEBOOKS]}
WITH = {name: formulas for name, formulas in FORMULAS.items() if formulas}


@pytest.fixture(scope="module")
def katex() -> Iterator[Katex | None]:
    if why_no_katex():
        yield None
        return
    engine = Katex()
    yield engine
    engine.close()


def test_there_are_formulas() -> None:
    assert len(WITH["mathematics"]) > 50
    assert "tutorial" in WITH


@pytest.mark.parametrize("name", WITH)
def test_formulas_typeset(name: str, katex: Katex | None) -> None:
    assert mathml_complaints(WITH[name]) == {}
    if katex is not None:
        assert katex.complaints(WITH[name]) == {}


@pytest.mark.parametrize("name", WITH)
def test_they_become_mathml(name: str) -> None:
    for tex, block in WITH[name]:
        root = fromstring(mathml(tex, block))
        assert root.tag.endswith("math")
        assert root.get("display") == ("block" if block else "inline")
        (note,) = (node for node in root.iter() if node.tag.endswith("annotation"))
        assert note.text == tex.strip()


def test_a_prime_belongs_to_its_letter() -> None:
    assert "<msup>" not in mathml("A_{u'}")
    assert "<msup>" in mathml("x^{2}")


def test_a_wrong_formula_is_noticed() -> None:
    assert mathml_complaints([Formula(r"\nonsense{x}")])
    assert list(in_dollars(r"costs \$5 and \$6")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>$$a &lt; b$$</p>", f"<p>{display('a < b')}</p>"),
        ("<li>so $x_1$ is</li>", f"<li>so {mathml('x_1')} is</li>"),
        (r"<li>5 \$ and 6 \$</li>", r"<li>5 \$ and 6 \$</li>"),
        ("<p>nothing</p>", "<p>nothing</p>"),
    ],
)
def test_formulas_inside_of_outputs(text: str, expected: str) -> None:
    assert inside_html(text) == expected
