"""Sites of a lattice as cells on paper: squares, hexagons, slices of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.errors import LatticeError

BETWEEN = 0.6  # units between slices of a volume


@dataclass(frozen=True, eq=False)
class Cells:
    """`centres` (n, 2), `corners` of each cell about its centre, and words above slices of a volume.

    x runs to the right and y downwards; the upper left corner of everything is (0, 0).
    """

    centres: np.ndarray
    corners: np.ndarray
    words: tuple[tuple[float, float, str], ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        if not len(self.centres):
            return 1.0, 1.0
        reach = np.abs(self.corners).max(axis=0)
        return tuple((self.centres.max(axis=0) + reach).tolist())

    def moved(self, by: Sequence[float]) -> Cells:
        """The same further right and down."""
        words = tuple((x + by[0], y + by[1], text) for x, y, text in self.words)
        return Cells(self.centres + np.asarray(by), self.corners, words)


def frame(metric: Any, dim: int) -> np.ndarray:
    """(dim, 2): where unit steps along the axes go on paper, the first axis down and the last to the right.

    Lengths and angles are those of the metric, the quadratic form that the point group leaves invariant.
    """
    if dim == 1:
        return np.array([[1.0, 0.0]])
    form = np.array(metric, dtype=float)[-2:, -2:]
    form = form / form[1, 1]
    along = form[0, 1]
    return np.array([[along, np.sqrt(max(form[0, 0] - along**2, 1e-9))], [1.0, 0.0]])


def _corners(steps: np.ndarray, mesh: Sequence[float]) -> np.ndarray:
    """The corners of a cell: hexagons on hexagonal lattices, else what the steps span."""
    if len(steps) == 1:
        return np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * [mesh[0], 1]
    down, right = steps
    if np.isclose(abs(right @ down), 0.5) and np.isclose(down @ down, 1):
        turns = np.pi / 6 + np.arange(6) * np.pi / 3
        return mesh[-1] / np.sqrt(3) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    down, right = down * mesh[-2], right * mesh[-1]
    return np.array([-down - right, right - down, down + right, down - right]) / 2


def lay(points: np.ndarray, metric: Any, mesh: Sequence[float] | None = None, name: str = "d") -> Cells:
    """The cells of points (n, dim); of a volume one slice per value of the first axis, side by side."""
    points = np.asarray(points, dtype=float)
    dim = points.shape[1]
    if dim == 0:
        return Cells(np.full((len(points), 2), 0.5), _corners(np.eye(2), (1, 1)))
    if dim > 3:
        raise LatticeError("lattice", "must have at most 3 axes to be drawn", dim, "draw a slice as an array")
    mesh = list(mesh or [1.0] * dim)
    steps = frame(metric, min(dim, 2))
    corners = _corners(steps, mesh)
    flat = points[:, -2:] @ steps
    reach = np.abs(corners).max(axis=0)
    flat = flat - (flat.min(axis=0) if len(flat) else 0) + reach
    if dim < 3:
        return Cells(flat, corners)
    form = np.array(metric, dtype=float)
    if form[0, 1] or form[0, 2]:
        raise LatticeError("lattice", "must have slices at right angles to be drawn", metric, "draw arrays")
    wide = flat[:, 0].max() + reach[0] + BETWEEN
    values = sorted(set(points[:, 0].tolist()))
    shift = np.array([values.index(v) * wide for v in points[:, 0].tolist()])
    words = tuple((k * wide, 0.0, f"{name} = {v:g}") for k, v in enumerate(values))
    return Cells(flat + np.stack([shift, 0 * shift], axis=1), corners, words).moved((0, 1.0))


def matrix_cells(rows: int, columns: int) -> Cells:
    """The cells of a matrix, row by row."""
    at = np.indices((rows, columns)).reshape(2, -1).T
    return lay(at, np.eye(2))
