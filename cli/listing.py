"""The symmetries that have a word, each with a line and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import derive as dv
from cli.drawing.letters import generator_letters, kernel_letters, shear
from cli.drawing.pattern import pattern
from cli.terminal import heading
from cli.words.catalogue import FAMILIES, LORENTZ_LINES, POINTS, WALLPAPERS, dimensions
from cli.words.scanner import Scanner, suggestion
from cli.words.symmetry import symmetry
from derive.answer.pattern import patterns
from derive.drawing.geometry import matrix_cells
from derive.drawing.svg import cells_svg, numbers_svg

MOST = 4  # generators shown


@dataclass(frozen=True)
class Entry:
    """One symmetry: the section, what to type, a line about it."""

    section: str
    word: str
    line: str

    @property
    def group(self) -> Any:
        """The group itself, a point group with the translations of its lattice."""
        found = symmetry(self.word)
        if found.kind == "point":
            return dv.space_group(found.group.value)
        return found.group.value

    def letters(self) -> list[str]:
        """A picture in letters."""
        group = self.group
        if isinstance(group, dv.SpaceGroup) and group.dim <= 2:
            return kernel_letters(_scalar(group), shear(group))
        return generator_letters(group.point)

    def pictures(self) -> list[str]:
        """Pictures as SVG: the pattern in the plane and the tied kernel, or matrices of the generators."""
        group = self.group
        if isinstance(group, dv.SpaceGroup) and group.dim <= 2:
            drawn = [pattern(group, f"{self.word}: {self.line}")] if group.dim == 2 else []
            panel = patterns(_scalar(group).answer).panels[0]
            return [*drawn, cells_svg(panel.cells, panel.ties, f"kernel under {self.word}")]
        return _matrices(group.point)


def _scalar(group: dv.SpaceGroup) -> dv.Solution:
    """Scalars to scalars, the nearest sites."""
    x = dv.Field(group)
    return dv.solve(x, x, dv.hexagon(1) if shear(group) else dv.box(1))


def _matrices(group: dv.Group) -> list[str]:
    pictures: list[str] = []
    for name in group.generators[:MOST]:
        matrix = dv.defining(group).matrix(name)
        cells = matrix_cells(*matrix.shape)
        pictures.append(numbers_svg(cells, matrix.flat(), f"generator {name} of {group.name}"))
    return pictures


def entries() -> Iterator[Entry]:
    """Every word, section by section."""
    yield Entry("translations", "translations", "every shift of the lattice Z^2; 'in 1-D', 'in 3-D', 'by 2'")
    for word, line in WALLPAPERS.items():
        yield Entry("wallpaper groups", word, line)
    for word, line in POINTS.items():
        where = " or ".join(f"{d}-D" for d in dimensions(word))
        yield Entry("point groups", word, f"{line}; {where}")
    for family in FAMILIES[:5]:
        yield Entry("permutations", family.example, family.line)
    for family in FAMILIES[5:]:
        yield Entry("Lie groups", family.example, family.line)
    for word, line in LORENTZ_LINES.items():
        yield Entry("Lie groups", word, line)


def chosen(words: Sequence[str]) -> list[Entry]:
    """The entries of which a word or a section was named; all of them where nothing was."""
    everything = list(entries())
    if not words:
        return everything
    found: list[Entry] = []
    for word in words:
        some = [
            e for e in everything if word.lower() in (e.word.lower(), e.section, e.section.split()[0].lower())
        ]
        if not some:
            known = [*(e.word for e in everything), *dict.fromkeys(e.section for e in everything)]
            remedy = suggestion(word, known, "'derive list' shows all of them")
            raise Scanner("derive list", word).fail(f"no symmetry or section is called {word!r}", remedy)
        found += [e for e in some if e not in found]
    return found


def as_text(listed: Iterable[Entry]) -> Iterator[str]:
    """A heading per section, and for each entry a line and its picture."""
    section = ""
    for entry in listed:
        if entry.section != section:
            section = entry.section
            yield from (heading(section.upper()), "")
        yield heading(f"{entry.word:<14}") + entry.line
        yield from (f"{'':14}{line}" for line in entry.letters())
        yield ""
