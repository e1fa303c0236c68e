"""Pictures by hand: what is drawn is what was solved."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy

import derive as dv
from cli.drawing.letters import cycles, kernel_letters, shear
from cli.drawing.pattern import frame, motions, pattern
from cli.listing import chosen, entries
from cli.words.catalogue import HEXAGONAL_WALLPAPERS, POINTS, WALLPAPERS
from cli.words.scanner import WordError
from derive.answer.pattern import patterns
from derive.answer.shown import pattern_svg
from derive.drawing.elements import element, picture
from derive.drawing.geometry import matrix_cells
from derive.drawing.svg import UNIT, cells_svg, numbers_svg
from derive.drawing.ties import Ties, letter
from derive.symmetry.catalogue import POINT_GROUPS
from derive.symmetry.wallpaper import WALLPAPER
from tests.cli.questions import WALLPAPER_DIMS

P4M, P3 = dv.wallpaper("p4m"), dv.wallpaper("p3")
SVG = "{http://www.w3.org/2000/svg}"
every_wallpaper = pytest.mark.parametrize("name", list(WALLPAPER))


def drawn(text: str) -> ElementTree.Element:
    """A picture, which must be XML with a title and a name."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.findtext(f"{SVG}title")
    return root


def labels(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def cells(root: ElementTree.Element) -> list[tuple[str, str]]:
    """The colour of every cell and what is written in it."""
    found: list[list[str]] = []
    for part in root:
        if part.tag == f"{SVG}polygon":
            found.append([part.get("fill") or "", ""])
        elif part.tag == f"{SVG}text" and found:
            found[-1][1] = part.text or ""
    return [(fill, text) for fill, text in found]


def tied(solution: dv.Solution) -> list[ElementTree.Element]:
    """The pictures of a tying pattern."""
    return [drawn(pattern_svg(panel)) for panel in patterns(solution.answer).panels]


def scalar(name: str) -> dv.Solution:
    G = dv.wallpaper(name)
    x = dv.Field(G)
    return dv.solve(x, x, dv.hexagon(1) if name in HEXAGONAL_WALLPAPERS else dv.box(1))


@every_wallpaper
def test_a_tying_picture_has_a_letter_and_a_colour_for_every_weight(name: str) -> None:
    pairs = {cell for root in tied(scalar(name)) for cell in cells(root) if cell[0] != "none"}
    assert len(pairs) == WALLPAPER_DIMS[name]
    assert len({letter for _, letter in pairs}) == len({fill for fill, _ in pairs}) == len(pairs)


def test_negated_weights_have_a_minus_and_zeros_are_dots() -> None:
    G = dv.wallpaper("p4m")
    first, second = tied(dv.solve(dv.Field(G), dv.Field(G, fibre=dv.defining(G.point)), dv.box(1)))
    assert labels(first) == ["a", "b", "a", "·", "·", "·", "−a", "−b", "−a"]
    assert labels(second) == ["a", "·", "−a", "b", "·", "−b", "a", "·", "−a"]
    colours = {letter.removeprefix("−"): fill for root in (first, second) for fill, letter in cells(root)}
    assert len({*cells(first), *cells(second)}) == 5, "a weight has one colour, whatever its sign"
    assert colours["·"] == "none"


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("name", ["p3", "p6m"])
def test_a_hexagonal_kernel_is_drawn_as_a_hexagon_of_hexagons(name: str, radius: int) -> None:
    G = dv.wallpaper(name)
    root = tied(dv.solve(dv.Field(G), dv.Field(G, fibre=dv.defining(G.point)), dv.hexagon(radius)))[0]
    shapes = [
        np.array([p.split(",") for p in (e.get("points") or "").split()], float)
        for e in root.iter(f"{SVG}polygon")
    ]
    assert {len(shape) for shape in shapes} == {6}
    middles = np.array([shape.mean(axis=0) for shape in shapes])
    assert len(middles) == 3 * radius * (radius + 1) + 1
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=2)
    nearest = np.sort(apart, axis=1)[:, 1]
    assert nearest.min() > UNIT - 0.1
    assert np.ptp(nearest) < 0.2


def test_numbers_are_written_into_basis_pictures() -> None:
    values = [1, 0, -2, sympy.sqrt(3) / 2]
    root = drawn(numbers_svg(matrix_cells(2, 2), values, "element"))
    assert labels(root) == ["1", "·", "−2", "0.87"]
    assert [e.findtext(f"{SVG}title") for e in root.iter(f"{SVG}polygon")] == [None, None, None, "sqrt(3)/2"]
    above, zero, below, _ = (fill for fill, _ in cells(root))
    red, blue = (int(above[1:3], 16), int(above[5:7], 16)), (int(below[1:3], 16), int(below[5:7], 16))
    assert red[0] > red[1]
    assert blue[0] < blue[1]
    assert zero == "none"


O3 = dv.special_orthogonal(3)
SUMS = {  # signs, sums, multiples, several pieces, roots
    "p4m, vectors": lambda: dv.solve(dv.Field(P4M), dv.Field(P4M, fibre=dv.defining(P4M.point)), dv.box(1)),
    "p3, vectors": lambda: dv.solve(dv.Field(P3), dv.Field(P3, fibre=dv.defining(P3.point)), dv.hexagon(2)),
    "two pieces": lambda: dv.solve(
        dv.Field(P4M), dv.Field(P4M, fibre=dv.trivial(P4M.point) + dv.defining(P4M.point)), dv.box(1)
    ),
    "rotations": lambda: dv.solve(dv.defining(O3) ** 2, dv.defining(O3) ** 2),
    "irrational": lambda: dv.solve(dv.irreps(dv.dihedral(5))[2], dv.regular(dv.dihedral(5))),
}


@pytest.mark.parametrize("name", list(SUMS))
def test_coefficients_add_up_to_the_table(name: str) -> None:
    """What every weight is multiplied by, times the weight: the sums that `tying` has as expressions."""
    solution = SUMS[name]()
    drawn_, start, before = [], 0, None
    for panel in patterns(solution.answer).panels:
        if before is not None and panel.names != before.names:
            start += before.weights
        before = panel
        if panel.weights:
            letters = [sympy.Symbol(letter(k)) for k in range(panel.weights)]
            columns = [panel.ties.coefficients(start + k) for k in range(panel.weights)]
            entries = [
                sum(v * a for v, a in zip(row, letters, strict=True)) for row in zip(*columns, strict=True)
            ]
            drawn_.append(_nonzero(entries))
    assert drawn_ == [_nonzero(panel.table.ravel().tolist()) for panel in solution.tying.panels()]


def _nonzero(entries: list) -> list[str]:
    return sorted(str(sympy.expand(e)) for e in entries if e != 0)


def ties(texts: list[str]) -> Ties:
    """A row of cells with these names, negative where they begin with a minus."""
    names = tuple(dict.fromkeys(t.removeprefix("-") for t in texts if t))
    at = [names.index(t.removeprefix("-")) if t else -1 for t in texts]
    return Ties(np.array(at), np.array([-1 if t.startswith("-") else 1 for t in texts]), names)


def test_what_does_not_fit_is_told_when_it_is_pointed_at() -> None:
    """Letters shrink as far as they can be read; a sum that is longer is a title, with its minus shown."""
    short = drawn(cells_svg(matrix_cells(1, 2), ties(["a", "-b"]), "short"))
    assert labels(short) == ["a", "−b"]
    assert not list(short.iter(f"{SVG}path"))
    long = drawn(cells_svg(matrix_cells(1, 3), ties(["a", "-a + 2b - c", ""]), "long"))
    assert labels(long) == ["a", "−(a + 2b − c)", "·"]
    endless = drawn(
        cells_svg(matrix_cells(1, 3), ties(["a", "-" + 9 * "a + " + "b", 9 * "b + " + "a"]), "endless")
    )
    assert labels(endless) == ["a", "…"]
    assert len(list(endless.iter(f"{SVG}path"))) == 1
    titles = [e.findtext(f"{SVG}title") for e in endless.iter(f"{SVG}polygon")]
    assert titles == [None, f"−({9 * 'a + '}b)", 9 * "b + " + "a"]
    sizes = {float(t.get("font-size", 0)) for root in (long, endless) for t in root.iter(f"{SVG}text")}
    assert min(sizes) >= 8


def test_large_tables_are_small_cells_whose_minus_stays_inside() -> None:
    many = 40
    root = drawn(
        cells_svg(matrix_cells(many, many), ties(["a", "-b", "", "c"] * (many * many // 4)), "large")
    )
    assert float(root.get("width", 0)) <= 482
    assert len(cells(root)) == many * many
    side = 480 / many
    for minus in root.iter(f"{SVG}path"):
        assert float((minus.get("d") or "").split("h")[1]) < side
    assert {len(text) for text in labels(root)} <= {1, 2}


def test_slices_of_a_volume_stand_side_by_side() -> None:
    G = dv.translations(3)
    (root,) = tied(dv.solve(dv.Field(G), dv.Field(G), dv.box(1)))
    assert [t for t in labels(root) if "=" in t] == ["du = -1", "du = 0", "du = 1"]
    assert len(cells(root)) == 27


def test_words_are_escaped() -> None:
    assert element("text", "&amp;", class_="a<b") == '<text class="a&lt;b">&amp;</text>'
    assert "<script>" not in picture("<script>", 1, 1)
    drawn(picture('a < b & "c"', 1, 1))


# ---- patterns -------------------------------------------------------------------------------------------


@every_wallpaper
def test_every_motion_carries_the_pattern_to_itself(name: str) -> None:
    """The flags are one orbit: a free one, none of which touches another."""
    G = dv.wallpaper(name)
    period = np.array([float(p) for p in G.period])
    moves, axes = motions(G), frame(G)
    assert len(moves) == G.point.order
    for matrix, _ in moves:  # lengths are kept in the plane
        turned = axes @ matrix @ np.linalg.inv(axes)
        assert np.allclose(turned @ turned.T, np.eye(2))
    place = np.array([0.237, 0.119])
    orbit = {tuple(np.round((m @ place + t) % period, 6)) for m, t in moves}
    assert len(orbit) == G.point.order
    for motion in G.motions.values():
        M, t = np.array(motion.matrix, dtype=float), np.array([float(x) for x in motion.shift])
        assert {tuple(np.round((M @ np.array(p) + t) % period, 6)) for p in orbit} == orbit


@every_wallpaper
def test_flags_do_not_touch(name: str) -> None:
    root = drawn(pattern(dv.wallpaper(name), name))
    flags = [
        np.array([p.split(",") for p in (f.get("points") or "").split()], float)
        for f in root.iter(f"{SVG}polygon")
    ]
    middles = np.array([flag.mean(axis=0) for flag in flags])
    reach = max(np.linalg.norm(flag - flag.mean(axis=0), axis=1).max() for flag in flags)
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=2) + 1e9 * np.eye(len(flags))
    assert apart.min() > 0.9 * reach
    colours = {f.get("fill") for f in root.iter(f"{SVG}polygon")}
    assert len(colours) == 1 + (name not in ("p1", "p2", "p3", "p4", "p6"))  # mirrored copies


# ---- the list -------------------------------------------------------------------------------------------


def test_the_list_has_everything_the_library_has() -> None:
    assert list(WALLPAPERS) == list(WALLPAPER)
    assert set(POINTS) == {name for named in POINT_GROUPS.values() for name in named}
    words = [entry.word for entry in entries()]
    assert len(words) == len(set(words))


@every_wallpaper
def test_the_line_of_a_wallpaper_group_is_true(name: str) -> None:
    """Which turns it has, and whether mirrors or glides are left when translations are taken away."""
    G, line = dv.wallpaper(name), WALLPAPERS[name]
    matrices = [m for m, _ in motions(G)]
    turns = sum(np.linalg.det(m) > 0 for m in matrices)
    said = {"half": 2, "thirds": 3, "quarter": 4, "sixths": 6}
    named = next((n for word, n in said.items() if word in line), 1)
    assert turns == named
    flips = [(m, t) for m, t in motions(G) if np.linalg.det(m) < 0]
    assert bool(flips) == ("mirror" in line or "glide" in line)
    if flips:
        assert any(_is_mirror(G, m, t) for m, t in flips) == ("mirror" in line)
    if "shortest" in line:
        (axis,) = (
            [v for v in _shortest(G) if np.allclose(flips[0][0] @ v, -v)]
            if "across" in line
            else [v for v in _shortest(G) if np.allclose(flips[0][0] @ v, v)]
        )
        assert axis is not None


def _is_mirror(G: dv.SpaceGroup, matrix: np.ndarray, shift: np.ndarray) -> bool:
    """Whether some translate of the motion fixes a line: its shift along the line is a period's."""
    period = np.array([float(p) for p in G.period])
    shifts = [shift + np.array([i, j]) * period for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return any(np.allclose(matrix @ t + t, 0) for t in shifts)


def _shortest(G: dv.SpaceGroup) -> list[np.ndarray]:
    """The shortest shifts of a hexagonal lattice, one of each pair of opposite ones."""
    vectors = [np.array(v) for v in ((1, 0), (0, 1), (1, 1), (1, -1))]
    lengths = [np.linalg.norm(frame(G) @ v) for v in vectors]
    return [v for v, n in zip(vectors, lengths, strict=True) if n < min(lengths) + 1e-9]


def test_letters_of_kernels() -> None:
    assert kernel_letters(scalar("p4m")) == ["a b a", "b c b", "a b a"]
    assert kernel_letters(scalar("p6m"), shear(dv.wallpaper("p6m"))) == ["  a a", " a b a", "  a a"]
    assert kernel_letters(scalar("pg")) == ["a b c   d e f", "g h i   g h i", "d e f   a b c"]


def test_cycles() -> None:
    assert [cycles(image) for image in dv.symmetric(4).given or ()] == ["(0 1 2 3)", "(0 1)"]
    assert cycles(np.arange(3)) == "()"


def test_entries_are_chosen_by_word_or_section() -> None:
    assert [e.word for e in chosen(["p4m", "P6M", "so(3)"])] == ["p4m", "p6m", "SO(3)"]
    assert [e.word for e in chosen(["wallpaper"])] == list(WALLPAPER)
    sections = [section for section, _ in groupby(chosen([]), key=lambda entry: entry.section)]
    assert len(sections) == len(set(sections)) == 5
    with pytest.raises(WordError, match=r"'p4x'.*nearest names are p4"):
        chosen(["p4x"])


@pytest.mark.parametrize("entry", list(entries()), ids=lambda e: e.word)
def test_every_entry_has_both_pictures(entry: object) -> None:
    assert any(line.strip() for line in entry.letters())  # type: ignore[attr-defined]
    pictures = entry.pictures()  # type: ignore[attr-defined]
    assert pictures
    for text in pictures:
        drawn(text)
        assert not re.search(r"\b(nan|inf)\b", text)
