"""The pattern that a plane group makes of one letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import Polygon

from derive.drawing.colours import BLUE, GREY, VERMILLION
from derive.drawing.geometry import frame
from derive.errors import SizeError, brief
from derive.plot.arrays import space_of
from derive.plot.sheet import Panel, make_sheet
from derive.symmetry.motifs import motions, roomy_place
from derive.symmetry.spacegroup import SpaceGroup

CELLS = 2  # sides of the square that is shown, in longest steps of the translations
FEW = 2  # periods of a frieze that are shown
EDGE = 1e-6  # what lies on the edge of the square is shown on one side
SIZE = 0.48  # of the way to the next image: what the letter reaches about its middle
# The letter F, x to the right and y downwards, in a circle of radius 1.
STEM, RIGHT, WAIST, TOP = (-0.5, -0.2), (0.55, 0.35), (-0.15, 0.15), (-0.8, -0.5)
LETTER = np.array(
    [
        (STEM[0], 0.8),
        (STEM[0], TOP[0]),
        (RIGHT[0], TOP[0]),
        (RIGHT[0], TOP[1]),
        (STEM[1], TOP[1]),
        (STEM[1], WAIST[0]),
        (RIGHT[1], WAIST[0]),
        (RIGHT[1], WAIST[1]),
        (STEM[1], WAIST[1]),
        (STEM[1], 0.8),
    ]
)


def wallpaper(
    *groups: Any, titles: Sequence[str] | None = None, width: float | None = None, ax: Any = None
) -> Any:
    """The pattern that each plane group makes of one letter F, which stands at every one of its images.

    Blue letters come by turns and shifts; vermillion ones, which read backwards, by mirrors and glides. The
    outline is the cell that the translations repeat.

    Args:
        groups: space groups of two axes, such as `wallpaper("p4g")`, or point groups of integer matrices.
        titles: a line above each; the group's name unless given.
        width: inches. ax: matplotlib axes to draw in; else a new figure.

    Raises SizeError.

    >>> import derive as dv
    >>> figure = wallpaper(dv.wallpaper("p4m"), dv.wallpaper("pg"))
    """
    if not groups or (titles is not None and len(titles) != len(groups)):
        rule, remedy = "must be as many, one group at least", "give a title each, or none"
        raise SizeError("groups, titles", rule, f"{len(groups)} and {brief(titles)}", remedy)
    drawn = [_pattern(space_of(group, 2)) for group in groups]
    named = [_name(group) for group in groups] if titles is None else [str(t) for t in titles]
    panels = [Panel(*p.size, name) for p, name in zip(drawn, named, strict=True)]
    cell = " The outline is the cell that the translations repeat." if any(len(p.cell) for p in drawn) else ""
    back = (
        " Vermillion ones, which read backwards, come by a mirror or a glide."
        if any(p.reversed.any() for p in drawn)
        else ""
    )
    foot = f"Every F is an image of every other.{back}{cell}"
    sheet = make_sheet(panels, foot=foot, width=width, ax=ax, unit=1.3 if len(drawn) == 1 else 0.44)
    for axes, pattern in zip(sheet.axes, drawn, strict=True):
        _draw(axes, pattern)
    return sheet.figure


def _name(group: Any) -> str:
    """The name of a group; without one, its point group's."""
    return group.name or (group.point.name if isinstance(group, SpaceGroup) else "")


@dataclass(frozen=True, eq=False)
class _Pattern:
    """Letters (n, corners, 2), which of them are reversed, and the cell's corners, none without translations.

    x runs to the right and y downwards, from (0, 0); one is the longest step of the translations.
    """

    letters: np.ndarray
    reversed: np.ndarray
    cell: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return tuple(np.concatenate([self.letters.reshape(-1, 2), self.cell]).max(axis=0).tolist())


def _pattern(group: SpaceGroup) -> _Pattern:
    """The letters whose middles lie in a square about the middle of the cell."""
    steps = frame(group.metric, 2)
    period = np.array([float(p) for p in group.period])
    lengths = np.linalg.norm(steps, axis=1) * period
    unit = float(lengths.max()) or 1.0
    place, room = roomy_place(group, steps.T)
    middle = period @ steps / 2
    whole = bool(period.all())  # a frieze or a point group is shown as it is
    cells = np.array(list(product(*(_cells(n / unit, whole) for n in lengths)))) * period
    letters, backwards = [], []
    for matrix, shift in motions(group):
        turned = SIZE * room * LETTER @ np.linalg.inv(steps) @ matrix.T @ steps
        middles = (matrix @ place + shift + cells) @ steps
        off = middles - middle
        inside = ((off > EDGE - CELLS * unit / 2) & (off < EDGE + CELLS * unit / 2)).all(axis=1)
        seen = middles[inside] if whole else middles
        letters += [at + turned for at in seen]
        backwards += [bool(np.linalg.det(matrix) < 0)] * len(seen)
    cell = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * period @ steps
    cell = cell if whole else cell[:0]
    low = np.concatenate([np.concatenate(letters), cell]).min(axis=0)
    return _Pattern((np.array(letters) - low) / unit, np.array(backwards), (cell - low) / unit)


def _cells(length: float, whole: bool) -> range:
    """The cells along one axis that may reach into what is shown; `length`: of a cell, in longest steps."""
    reach = ceil(CELLS / length) + 2 if length else 0
    return range(-reach, reach + 1) if whole else range(FEW if length else 1)


def _draw(axes: Any, pattern: _Pattern) -> None:
    colours = np.where(pattern.reversed[:, None], VERMILLION, BLUE)
    axes.add_collection(
        PolyCollection(list(pattern.letters), facecolors=colours, linewidths=0, clip_on=False)
    )
    if len(pattern.cell):
        axes.add_patch(Polygon(pattern.cell, fill=False, edgecolor=GREY, linewidth=0.7, clip_on=False))
