"""The pages: self-contained, well formed; read in a browser, narrow and wide, light and dark, printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cli.answer import checked
from cli.listing import chosen
from cli.page.groups import groups_page
from cli.page.html import display
from cli.page.report import SECTIONS, report
from cli.page.widths import width
from cli.question import Asked, ask
from derive.drawing.mathml import math
from tests.cli.browser import DESKTOP, PHONE, Browser, browser, why_no_browser

WHY_NOT = why_no_browser()
QUESTIONS = {
    "p4m to vectors": Asked("p4m", out="V", kernel="3"),
    "p6m": Asked("p6m", out="V", kernel="hexagon 2"),
    "named sizes": Asked("translations", "C", "D", kernel="radius r"),
    "graphs": Asked("S4", "V^2", "V^2"),
    "rotations": Asked("SO(3)", "V^2", "V^2"),
    "zero": Asked("p4m", "sign", kernel="3"),
    "irreps": Asked("dihedral 5", "f1", "regular"),
    "endless": Asked("translations", "C"),
    "stride": Asked("p4", kernel="2", stride="2", lattice="periodic 8", bias=False),
}
PAPER = 720  # pixels between the margins of a sheet
EMPTY = {"meta", "link", "br", "hr", "img", "input"}
CONTRAST = 4.5  # what WCAG 2.2 asks of text at level AA
CONTRASTS = """(() => {
  const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
    .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c) && c !== 'transparent') return c; } return 'rgb(255, 255, 255)'; };
  const found = {};
  for (const e of document.querySelectorAll('h1, h2, h3, p, a, dt, dd, li, figcaption, pre, math')) {
    const [a, b] = [light(getComputedStyle(e).color), light(back(e))].sort((x, y) => y - x);
    found[e.tagName + '.' + e.className] = (a + 0.05) / (b + 0.05); }
  return found; })()"""
OUTSIDE = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('pre')
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))"""
INVISIBLE = """[...document.querySelectorAll('math, svg')].filter(e => e.getBoundingClientRect().height < 5)
  .map(e => e.outerHTML.slice(0, 90))"""


def made(asked: Asked) -> str:
    question = ask(asked)
    return report(question, checked(question.solution, steps=True))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every report, and the list of groups, as files."""
    folder = tmp_path_factory.mktemp("pages")
    texts = {name: made(asked) for name, asked in QUESTIONS.items()} | {"groups": groups_page(chosen([]))}
    paths = {name: folder / f"{name.replace(' ', '-')}.html" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    return paths


every_page = pytest.mark.parametrize("name", [*QUESTIONS, "groups"])


class Outline(HTMLParser):
    """Headings, ids, links and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.headings += [int(tag[1])] if re.fullmatch(r"h\d", tag) else []
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@every_page
def test_a_page_is_well_formed_and_needs_nothing(name: str, pages: dict[str, Path]) -> None:
    text = pages[name].read_text(encoding="utf-8")
    outline = Outline(text)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(link[1:] in outline.ids for link in outline.links if link.startswith("#"))
    assert [link for link in outline.links if not link.startswith(("#", "data:,"))] == []
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert all(below <= above + 1 for above, below in steps)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not re.search(r"<script|@import|url\(|<iframe|<img", text)
    assert not [key for key, _ in outline.attributes if key.startswith("on") or key == "src"]
    assert set(re.findall(r"https?://[^\"' ]+", text)) <= {
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/2000/svg",
    }


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_a_report_tells_the_whole_story(name: str, pages: dict[str, Path]) -> None:
    question = ask(QUESTIONS[name])
    text = pages[name].read_text(encoding="utf-8")
    without = {"zero": {"pattern", "basis"}, "endless": {"pattern", "basis"}}.get(name, set())
    for part, title in SECTIONS.items():
        assert (f'<h2 id="{part}-title">{title}</h2>' in text) is (part not in without)
    assert text.count("<li><strong>") == len(question.solution.derivation)
    assert "It holds." in text
    if name != "endless":
        assert "import kernels as kn" in text


def test_what_fails_is_said(monkeypatch: Any) -> None:
    question = ask(QUESTIONS["p4m to vectors"])
    checks = checked(question.solution, steps=True)
    object.__setattr__(checks, "derivation", "step 3 is <false>")
    object.__setattr__(checks, "certificate", checks.certificate.__class__(1, True, 2, 3, "method"))
    text = report(question, checks)
    assert '<p class="verdict bad">step 3 is &lt;false&gt;</p>' in text
    assert "It does not hold." in text


def test_mathematics_is_mathml_with_its_latex() -> None:
    text = math(r"A_{i,u'} < \sum_{k} b")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("math")
    assert root.get("alttext") == r"A_{i,u'} < \sum_{k} b"
    assert "u′" in text
    assert '"--fit' not in display("a = b")
    assert 'style="--fit: 0.' in display(" + ".join(["abcdef"] * 40))


# ---- in a browser ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    """One browser for all of them."""
    if WHY_NOT:
        pytest.skip(WHY_NOT)
    with browser() as found:
        yield found


@pytest.mark.parametrize("name", ["p4m to vectors", "p6m", "graphs", "irreps", "endless", "groups"])
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
def test_a_page_opens(name: str, width: int, scheme: str, pages: dict[str, Path], tab: Browser) -> None:
    """No complaint in the console, nothing fetched, nothing cut off, nothing hard to read."""
    tab.open(pages[name], width, scheme)
    assert tab.complaints() == []
    assert {url for url in tab.requests() if not url.startswith("data:")} == {pages[name].as_uri()}
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.evaluate(OUTSIDE) == []
    assert tab.evaluate(INVISIBLE) == []
    assert tab.evaluate("document.querySelectorAll('merror').length") == 0
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) > 5
    assert {what: ratio for what, ratio in contrasts.items() if ratio < CONTRAST} == {}
    dark = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(22, 24, 27)"
    assert dark is (scheme == "dark")


def test_a_page_is_read_aloud_in_order(pages: dict[str, Path], tab: Browser) -> None:
    """Landmarks, headings, and a name for every picture and every box that scrolls."""
    tab.open(pages["p4m to vectors"])
    tree = tab.accessibility()
    roles = [role for role, _ in tree]
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert roles.count(landmark) == 1, landmark
    headings = [name for role, name in tree if role == "heading"]
    assert headings[:3] == ["p4m: 1 channel → V, kernel 3", "The question", "The answer"]
    regions = [name for role, name in tree if role == "region"]
    assert regions == list(SECTIONS.values())
    pictures = [name for role, name in tree if role in ("image", "img")]
    assert "weights from 1 to V, [0,0]" in pictures
    assert all(pictures)
    assert sum(role == "MathMLMath" or role == "math" for role in roles) > 40
    assert all(name for role, name in tree if role in ("link", "group", "region"))


def test_what_scrolls_can_be_reached_by_keyboard(pages: dict[str, Path], tab: Browser) -> None:
    tab.open(pages["p4m to vectors"], PHONE)
    unreached = "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 &&"
    unreached += " e.tabIndex < 0 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).length"
    assert tab.evaluate(unreached) == 0
    wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert tab.evaluate(wide) > 0
    kinds = "[...document.querySelectorAll('.scroll, pre')].map(e => getComputedStyle(e).overflowX)"
    assert set(tab.evaluate(kinds)) == {"auto"}


@pytest.mark.parametrize("name", ["p6m", "graphs", "rotations", "stride"])
def test_a_page_is_printed_whole(name: str, pages: dict[str, Path], tab: Browser) -> None:
    """On paper nothing scrolls: wide formulas are small enough for the sheet, and dark pages are white."""
    tab.open(pages[name], PAPER, "dark")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    tab.call("Emulation.setEmulatedMedia", media="print", features=dark)
    assert tab.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    rights = "[...document.querySelectorAll('math')].map(e => e.getBoundingClientRect().right)"
    assert tab.evaluate(f"Math.max(...{rights})") <= PAPER
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert name != "p6m" or tab.pdf().startswith(b"%PDF")
    tab.call("Emulation.setEmulatedMedia", media="")


def test_widths_of_formulas_are_known(pages: dict[str, Path], tab: Browser) -> None:
    """Within a third of what a browser with a font for mathematics lays out."""
    tab.open(pages["p6m"])
    seen = tab.evaluate(
        "[...document.querySelectorAll('.scroll math')].map(e => [e.getBoundingClientRect().width /"
        " parseFloat(getComputedStyle(e).fontSize), e.getAttribute('alttext')])"
    )
    assert len(seen) > 20
    for wide, latex in seen:
        assert 0.67 < width(ElementTree.fromstring(math(latex, block=True))) / wide < 1.5, latex
