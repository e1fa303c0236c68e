"""Objects show themselves: small HTML, well formed and escaped, quick where answers are huge."""

from __future__ import annotations

import time
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import sympy
from sympy import Eq, Tuple

import derive as dv
from tests.derive.plot.cases import solution

NAMES = ["conv", "p4m", "regular", "vector", "p6m", "pg", "cube", "graphs", "turns", "zero", "pool", "tied"]
SVG = "{http://www.w3.org/2000/svg}"


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<page>{html}</page>")


@pytest.mark.parametrize("name", NAMES)
def test_html_is_well_formed_and_shows_the_pattern(name: str) -> None:
    solved = solution(name)
    page = parsed(solved._repr_html_())
    words = " ".join(page.itertext())
    assert str(solved.dim) in words
    assert parsed(solved.tying._repr_html_()).findall(f".//{SVG}svg")
    assert parsed(solved.certificate._repr_html_()).find(".//strong").text == "✓ certificate holds"  # type: ignore[union-attr]
    assert "<script" not in solved._repr_html_()


@pytest.mark.parametrize(
    ("name", "colours"), [("conv", 9), ("p4m", 6), ("vector", 2), ("p6m", 4), ("graphs", 15)]
)
def test_svg_has_a_colour_and_a_letter_per_weight(name: str, colours: int) -> None:
    page = parsed(solution(name).tying._repr_html_())
    fills = {p.get("fill") for p in page.iter(f"{SVG}polygon")}
    assert len(fills - {"none"}) == colours
    letters = {str(t.text).removeprefix("−") for t in page.iter(f"{SVG}text")} - {"·"}
    assert len(letters) == colours


def test_outlines_and_words_take_the_colour_of_the_page() -> None:
    page = parsed(solution("cube").tying._repr_html_())
    assert {p.get("stroke") for p in page.iter(f"{SVG}polygon")} == {"currentColor"}
    assert [t.text for t in page.iter(f"{SVG}text") if t.get("fill") == "currentColor"] == [
        "du = -1",
        "du = 0",
        "du = 1",
    ]
    assert all(svg.get("aria-label") for svg in page.iter(f"{SVG}svg"))


def test_names_are_escaped() -> None:
    G = dv.space_group(dv.point_group("D4"), name="<b>&")
    x = dv.Field(G)
    shown = dv.solve(x, x, dv.box(1))._repr_html_()
    assert "&lt;b&gt;&amp;" in shown
    assert "<b>" not in shown


def test_huge_and_open_answers_are_summaries() -> None:
    G = dv.translations(2)
    image = dv.Field(G, grid=(1000, 1000), boundary="periodic")
    begun = time.perf_counter()
    for solved in (
        dv.solve(image, image),
        dv.solve(dv.Field(G), dv.Field(G)),
        dv.solve(image, image, dv.box("k")),
    ):
        assert "<svg" not in solved._repr_html_()
        assert "Too large or too open to draw" in solved.tying._repr_html_()
    assert time.perf_counter() - begun < 5
    assert "infinitely many" in dv.solve(dv.Field(G), dv.Field(G))._repr_html_()


def test_a_certificate_that_fails_is_crossed() -> None:
    good = solution("p4m").certificate
    assert "✗ certificate FAILS" in replace(good, residual=1)._repr_html_()
    assert str(replace(good, residual=1)).startswith("certificate FAILS\n  residual of T(g x) = g T(x) on")


# ---- formulas ---------------------------------------------------------------------------------------------

MATHML = "{http://www.w3.org/1998/Math/MathML}"


@pytest.mark.parametrize("name", [*NAMES, "divergence"])
def test_formulas_are_mathml_and_no_dollar_is_left(name: str) -> None:
    """The layer in the summary, and every formula of the derivation: LaTeX stands in attributes alone."""
    solved = solution(name)
    for html, least in ((solved._repr_html_(), 1), (solved.derivation._repr_html_(), len(solved.derivation))):
        page = parsed(html)
        found = list(page.iter(f"{MATHML}math"))
        assert len(found) >= least or "$" not in html
        assert not page.findall(f".//{MATHML}merror")
        for formula in found:
            assert formula.get("alttext")
            assert "".join(formula.itertext()).strip()
        assert "$" not in " ".join(page.itertext())
        assert "\\" not in " ".join(page.itertext())


def test_the_layer_of_a_summary_is_the_layer() -> None:
    solved = solution("conv")
    page = parsed(solved._repr_html_())
    assert dv.latex(solved.layer) in [formula.get("alttext") for formula in page.iter(f"{MATHML}math")]


def test_words_around_formulas_are_escaped() -> None:
    step = dv.Step(
        "a < b",
        Tuple(),
        Tuple(Eq(*sympy.symbols("x y"))),
        "costs $5 & more",
    )
    page = parsed(dv.Derivation([step])._repr_html_())
    assert "costs $5 & more" in " ".join(page.itertext())
