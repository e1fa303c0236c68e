"""What a group makes of one patch: all its images, each with the word that makes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.drawing.geometry import Cells, lay
from derive.errors import GroupError, TooLargeError, brief
from derive.plot.arrays import metric_of, read_numbers
from derive.plot.cells import draw_numbers, legend
from derive.plot.sheet import Panel, make_sheet
from derive.symmetry.arrays import over_elements
from derive.symmetry.group import Group
from derive.symmetry.motion import times
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.words import format_word

IMAGES = 64


def orbit(group: Any, patch: Any, *, width: float | None = None, ax: Any = None) -> Any:
    """The orbit of a patch: its image under every element of a point group, moved about the patch's centre.

    Args:
        group: a point group of integer matrices, or a space group, whose point group is taken.
        patch: numbers with as many axes as the group has, NaN where there is no site (as at the corners of a
            patch of hexagons in axial coordinates).

    >>> import derive as dv
    >>> figure = orbit(dv.point_group("D4"), [[1, 2, 0], [0, 3, 0], [0, 0, 0]])
    """
    point, matrices = _matrices(group)
    grid = read_numbers(patch)
    metric = metric_of(group, grid.ndim)
    kept = np.flatnonzero(~np.isnan(grid.reshape(-1)))
    values = grid.reshape(-1)[kept]
    sites = np.indices(grid.shape).reshape(grid.ndim, -1).T[kept] - (np.array(grid.shape) - 1) / 2
    images = [sites @ np.array(m, dtype=float).T for m in matrices]
    cells = lay(np.concatenate(images), metric, name="u")
    sets = [set(zip(map(tuple, image.tolist()), values.tolist(), strict=True)) for image in images]
    firsts = [sets.index(s) for s in sets]
    words = [format_word(w) for w in point.elements.words]
    panels = [
        Panel(*cells.size, w if k == first else f"{w}: same as {words[first]}")
        for k, (w, first) in enumerate(zip(words, firsts, strict=True))
    ]
    different = len(set(firsts))
    head = f"{_many(len(words), 'element')} of {point.name}, {_many(different, 'different image')}"
    unit = min(0.3, max(0.14, 1.0 / max(cells.size)))
    sheet = make_sheet(panels, title=head, foot=legend(values), width=width, ax=ax, unit=unit)
    for k, axes in enumerate(sheet.axes):
        part = slice(k * len(sites), (k + 1) * len(sites))
        own = Cells(cells.centres[part], cells.corners, cells.words)
        draw_numbers(axes, own, values, sheet.unit, largest=float(np.abs(values).max(initial=0)))
    return sheet.figure


def _matrices(group: Any) -> tuple[Group, list[Any]]:
    """The point group and the integer matrix of every element."""
    if isinstance(group, SpaceGroup):
        point, moves = group.point, {g: group.motions[g].matrix for g in group.point.generators}
        one = tuple(tuple(int(i == j) for j in range(group.dim)) for i in range(group.dim))
    elif isinstance(group, Group) and group.dim is not None and not group.algebra:
        point = group
        moves = {g: tuple(map(tuple, group.matrix(g).tolist())) for g in group.generators}
        one = tuple(tuple(int(i == j) for j in range(group.dim)) for i in range(group.dim))
    else:
        remedy = "use point_group('D4') or wallpaper('p4m')"
        raise GroupError("group", "must move a lattice to have an orbit of a patch", brief(group), remedy)
    if point.order > IMAGES:
        remedy = "take a subgroup"
        raise TooLargeError("group", f"must have at most {IMAGES} elements to be drawn", point.order, remedy)
    return point, over_elements(point.elements, moves, one, times)


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
