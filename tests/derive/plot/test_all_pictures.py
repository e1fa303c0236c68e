"""What holds for every picture: words can be read, stay apart and inside; nothing global changes."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure

from tests.derive.plot.cases import PICTURES
from tests.derive.plot.reading import outside, overlaps, words

every_picture = pytest.mark.parametrize("name", PICTURES)
LEAST = 8.0  # points


@every_picture
@pytest.mark.parametrize(("width", "dpi"), [(6.4, 144), (4.1, 96)])
def test_words_stay_apart_and_inside_and_large_enough(name: str, width: float, dpi: int) -> None:
    """At any resolution: letters are set on whole pixels, which makes lines longer at some."""
    figure = PICTURES[name](width=width)
    figure.set_dpi(dpi)
    assert figure.get_size_inches()[0] <= width
    found = words(figure)
    assert overlaps(found) == []
    assert outside(found, figure) == []
    assert found[2].min(initial=LEAST) >= LEAST
    wide, tall = figure.bbox.width, figure.bbox.height
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert all(b.x0 > -0.5 and b.y0 > -0.5 and b.x1 < wide + 0.5 and b.y1 < tall + 0.5 for b in boxes)


@every_picture
def test_given_axes_are_drawn_into(name: str) -> None:
    mine = Figure(figsize=(9, 13))
    ax = mine.subplots()
    assert PICTURES[name](ax=ax) is mine
    assert mine.axes[0] is ax
    assert ax.child_axes
    assert overlaps(words(mine)) == []


@every_picture
def test_svg_is_xml_that_says_what_it_is(name: str) -> None:
    figure = PICTURES[name]()
    drawn = figure.svg("a <picture> & more")
    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "a <picture> & more"


def test_nothing_global_changes_and_a_notebook_shows_it() -> None:
    before = dict(matplotlib.rcParams)
    figure = PICTURES["tying of p4m"]()
    shown, look = figure._repr_mimebundle_()
    assert figure.svg() == figure.svg()
    assert dict(matplotlib.rcParams) == before
    assert shown["image/png"].startswith(b"\x89PNG")
    assert look["image/png"]["width"] == round(96 * figure.get_size_inches()[0])


def test_pyplot_is_not_imported() -> None:
    code = (
        "import sys, derive as dv; from derive import plot; x = dv.Field(dv.wallpaper('p4m'))\n"
        "plot.tying(dv.solve(x, x, dv.box(1))).png(); print('matplotlib.pyplot' in sys.modules)"
    )
    assert _run(code) == "False"


def test_without_matplotlib_one_line_says_what_to_install_and_notebooks_still_show() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import derive as dv; x = dv.Field(dv.wallpaper('p6m'))\n"
        "s = dv.solve(x, x, dv.hexagon(1))\n"
        "assert '<svg' in s._repr_html_() and '<svg' in s.tying._repr_html_()\n"
        "assert s.certificate._repr_html_()\n"
        "try:\n    import derive.plot\n"
        "except ImportError as error:\n    print(error)"
    )
    wanted = "derive.plot draws with matplotlib, which is not installed; pip install 'equiderive[plot]'"
    assert _run(code) == wanted


def test_dark_axes_get_light_words() -> None:
    mine = Figure(figsize=(5, 5), facecolor="black")
    PICTURES["tying of p4m"](ax=mine.subplots())
    ax = mine.axes[0]
    assert {matplotlib.colors.to_hex(t.get_color()) for t in ax.texts} == {"#ffffff"}


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
