"""The site: its picture is current; it is built without warnings, fetches nothing, and opens in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs import pictures
from tests.cli.browser import DESKTOP, PHONE, Browser, browser, why_no_browser

ROOT = Path(__file__).parents[2]
PACKAGES = ("sphinx", "myst_nb", "furo", "sphinx_copybutton")


def test_the_picture_is_current() -> None:
    """`python -m docs.pictures` draws it."""
    assert pictures.drawn(pictures.WEIGHTS.read_text()) == pictures.drawn(pictures.weights())


def test_the_picture_says_what_the_counts_are() -> None:
    words, fills = pictures.drawn(pictures.WEIGHTS.read_text())
    assert [int(word.split()[0]) for word in words if "free weights" in word] == [144, 12, 3]
    assert len(set(fills)) >= 12


# ---- what a page loads ----------------------------------------------------------------------------------


class Loads(HTMLParser):
    """What a browser fetches for a page without being asked; links that a person follows are none."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        name = {"link": "href", "object": "data"}.get(tag, "src")
        if tag in ("script", "img", "iframe", "object", "source", "link", "video", "audio", "embed"):
            self.found.append(given.get(name) or "")


STYLED = re.compile(r"url\(\s*['\"]?(?!data:)([^)'\"]+)|@import\s+['\"]([^'\"]+)")


def elsewhere(path: Path) -> list[str]:
    """What a file of the site loads from the network."""
    text = path.read_text(errors="replace")
    found = Loads(text).found if path.suffix == ".html" else [a or b for a, b in STYLED.findall(text)]
    return [address for address in found if re.match(r"(https?:)?//", address)]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.html", '<script src="https://cdn.org/m.js"></script>', ["https://cdn.org/m.js"]),
        ("a.html", '<link rel="stylesheet" href="//fonts.org/f.css">', ["//fonts.org/f.css"]),
        ("a.html", '<a href="https://arxiv.org">a</a><img src="b.svg">', []),
        ("a.css", "@font-face { src: url('https://fonts.org/f.woff') }", ["https://fonts.org/f.woff"]),
        ("a.css", "a { background: url(data:image/png;base64,aa) } b { background: url(c.svg) }", []),
    ],
)
def test_what_comes_from_elsewhere_is_noticed(tmp_path: Path, name: str, text: str, found: list[str]) -> None:
    (tmp_path / name).write_text(text)
    assert elsewhere(tmp_path / name) == found


# ---- the site itself ------------------------------------------------------------------------------------

missing = [name for name in PACKAGES if find_spec(name) is None]
built = pytest.mark.skipif(bool(missing), reason=f"make docs installs what is missing: {', '.join(missing)}")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does it, elsewhere; notebooks that were run for this source are not run again."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run([*command, str(ROOT / "docs"), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


@pytest.mark.slow
@built
def test_every_page_is_built_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {"index.html", "tutorial.html", "mathematics.html", "search.html"} <= {page.name for page in pages}
    for path in [*pages, *site.rglob("*.css")]:
        assert elsewhere(path) == [], path
    scripts = {address.split("?")[0] for page in pages for address in Loads(page.read_text()).found}
    assert not any("mathjax" in address.lower() for address in scripts)


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    if why_no_browser():
        pytest.skip(why_no_browser())
    with browser() as tab:
        yield tab


@pytest.mark.slow
@built
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_and_is_quiet(site: Path, opened: Browser, width: int, scheme: str) -> None:
    for page in sorted(site.rglob("*.html")):
        if "_modules" in page.parts:
            continue
        opened.open(page, width, scheme)
        assert opened.complaints() == [], page
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, page
        assert all(address.startswith(("file:", "data:")) for address in opened.requests()), page


@pytest.mark.slow
@built
def test_search_works_from_files(site: Path, opened: Browser) -> None:
    opened.open(site / "search.html")
    opened.evaluate(f"location.href = {(site / 'search.html').as_uri()!r} + '?q=wallpaper'")
    found = opened.evaluate(
        """new Promise(done => { const look = () => {
        const links = [...document.querySelectorAll('#search-results a')].map(a => a.textContent);
        links.length ? done(links.join(' ')) : setTimeout(look, 50); };
        setTimeout(() => done(''), 20000); look(); })"""
    )
    assert "derive.wallpaper" in found
    assert opened.complaints() == []
