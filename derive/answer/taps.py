"""Where the weights of a kernel stand: for every class of site pairs its phase and its displacement."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derive.answer.plain import Plain, PlainAxis
from derive.drawing.geometry import Cells, lay


@dataclass(frozen=True, eq=False)
class Taps:
    """`phases`: the output site in its period, per class; `cells`: its cell, at the displacement."""

    phases: list[tuple[int, ...]]
    cells: Cells
    dim: int

    @property
    def kinds(self) -> list[tuple[int, ...]]:
        """The phases that occur."""
        return sorted(set(self.phases))

    def of(self, phase: tuple[int, ...]) -> np.ndarray:
        """The classes with one phase."""
        return np.array([k for k, p in enumerate(self.phases) if p == phase], dtype=np.int64)

    def chosen(self, classes: np.ndarray) -> Cells:
        """The cells of some classes, where they stand among all."""
        return Cells(self.cells.centres[classes], self.cells.corners, self.cells.words)

    @property
    def directions(self) -> str:
        """How the axes lie on paper."""
        ways = (
            "",
            "u runs to the right.",
            "u runs down, v to the right.",
            "Slices along u; v runs down, w to the right.",
        )
        return ways[min(self.dim, 3)]


def read_taps(plain: Plain, metric: Any) -> Taps:
    """The cells of all classes of an answer."""
    columns = [_along(axis, plain.out_site[:, i], plain.in_site[:, i]) for i, axis in enumerate(plain.axes)]
    phases = [phase for phase, _, _ in columns if len(set(phase)) > 1]
    points = (
        np.array([[float(d) for d in at] for _, at, _ in columns], dtype=float).reshape(len(columns), -1).T
    )
    mesh = [float(step) for _, _, step in columns]
    many = len(plain.out_site)
    listed: list[tuple[int, ...]] = list(zip(*phases, strict=True)) if phases else [()] * many
    return Taps(listed, lay(points, metric, mesh, "du"), len(columns))


def _along(axis: PlainAxis, p: np.ndarray, q: np.ndarray) -> tuple[list[int], list[Fraction], Fraction]:
    """Along one axis the phases, the places and the size of a cell."""
    if axis.out is None or axis.into is None:
        side, sites = (axis.into, q) if axis.out is None else (axis.out, p)
        return [0] * len(sites), [Fraction(int(s)) for s in sites], Fraction(1) if side else Fraction(0)
    out, into = axis.out, axis.into
    gaps = [
        into.spacing * int(b) + into.offset - out.spacing * int(a) - out.offset
        for a, b in zip(p, q, strict=True)
    ]
    if into.boundary == "periodic" and into.step and into.size:
        around = into.size * into.spacing
        gaps = [d - around * round(d / around) for d in gaps]
    return [int(a) for a in p], gaps, axis.mesh
