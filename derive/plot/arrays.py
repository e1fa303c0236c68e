"""Arrays of numbers as kernels, images and vector fields."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from derive.drawing.geometry import Cells, frame, lay
from derive.errors import SizeError, brief
from derive.plot.cells import draw_arrows, draw_numbers, legend
from derive.plot.picture import ink_of
from derive.plot.sheet import Panel, make_sheet
from derive.symmetry.group import Group
from derive.symmetry.spacegroup import SpaceGroup


def kernels(
    *arrays: Any,
    titles: Sequence[str] | None = None,
    group: Any = None,
    arrows: bool = False,
    width: float | None = None,
    ax: Any = None,
) -> Any:
    """Kernels or images given as arrays of numbers, on one colour scale that is symmetric about zero.

    Args:
        arrays: each with one, two or three axes, NaN where there is no site; with `arrows` (2, H, W), whose
            first part points down and whose second points right (along the axes of `group`).
        group: whose lattice it is, such as `wallpaper("p6m")` for hexagons; squares unless given.

    >>> import numpy as np
    >>> figure = kernels(np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]), titles=["Sobel"])
    """
    grids = [read_numbers(a, arrows) for a in arrays]
    if not grids or (titles is not None and len(titles) != len(grids)):
        raise SizeError(
            "arrays, titles", "must be as many, one at least", f"{len(grids)}", "give a title each"
        )
    metric = metric_of(group, grids[0].ndim - arrows)
    laid = [array_cells(g[0] if arrows else g, metric) for g in grids]
    largest = max(float(np.nanmax(np.abs(g), initial=0)) for g in grids)
    unit = min(0.36, 2.6 / max(max(cells.size) for cells, _ in laid))
    panels = [Panel(*cells.size, t) for (cells, _), t in zip(laid, titles or [""] * len(laid), strict=True)]
    foot = "" if arrows else legend(np.concatenate([g.reshape(-1) for g in grids]))
    sheet = make_sheet(panels, foot=foot, width=width, ax=ax, unit=unit)
    for axes, (cells, kept), grid in zip(sheet.axes, laid, grids, strict=True):
        if arrows:
            vectors = grid.reshape(2, -1).T[kept] @ frame(metric, 2)
            longest = float(np.linalg.norm(vectors, axis=1).max(initial=0))
            draw_arrows(axes, cells, vectors, largest=longest, ink=ink_of(sheet.figure))
        else:
            draw_numbers(axes, cells, grid.reshape(-1)[kept], sheet.unit, largest=largest)
    return sheet.figure


def read_numbers(array: Any, arrows: bool = False) -> np.ndarray:
    """A grid of floats with one, two or three axes; vectors (2, H, W) for arrows."""
    try:
        grid = np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        grid = np.zeros(0)
    axes = (3,) if arrows else (1, 2, 3)
    if grid.ndim not in axes or not grid.size or (arrows and len(grid) != 2):
        rule = (
            "must be real numbers (2, H, W)" if arrows else "must be real numbers with one, two or three axes"
        )
        raise SizeError("arrays", rule, brief(array), "take one channel, K[i, c]")
    return grid


def metric_of(group: Any, dim: int) -> Any:
    """The metric of a group's lattice, the plain one where no group is given."""
    return np.eye(dim) if group is None else space_of(group, dim).metric


def space_of(group: Any, dim: int) -> SpaceGroup:
    """A space group, or a point group as one without translations, on a lattice of `dim` axes."""
    zero = (Fraction(0),) * ((group.dim or 0) if isinstance(group, Group) else 0)
    space = SpaceGroup(group, zero, zero) if isinstance(group, Group) else group
    if not isinstance(space, SpaceGroup) or space.dim != dim:
        raise SizeError("group", f"must act on a lattice of {dim} axes", brief(group), "use wallpaper('p6m')")
    return space


def array_cells(grid: np.ndarray, metric: Any) -> tuple[Cells, np.ndarray]:
    """The cells of the sites of an array, and which of its entries they are."""
    kept = np.flatnonzero(~np.isnan(grid.reshape(-1)))
    points = np.indices(grid.shape).reshape(grid.ndim, -1).T[kept]
    return lay(points, metric, name="u"), kept
