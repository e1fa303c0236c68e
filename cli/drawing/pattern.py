"""A plane pattern as a picture: one small flag, moved by every element of a space group."""

from __future__ import annotations

from itertools import product
from math import ceil, sqrt

import numpy as np

from cli.drawing.svg import COLOURS, element, picture
from derive.symmetry.motifs import motions, roomy_place
from derive.symmetry.spacegroup import SpaceGroup

SIZE = 168.0  # of the picture, in pixels
CELLS = 2.2  # periods along the shorter side of the picture; fewer where many flags share one
CROWDED, FEWER = 8, 1.5
POLE = ((-0.4, -0.9), (-0.4, 0.9))
FLAG = (
    (-0.4, 0.9),
    (0.85, 0.3),
    (-0.4, -0.3),
)  # with its pole kept by no motion, and in a circle of radius 1


def frame(group: SpaceGroup) -> np.ndarray:
    """The lattice axes as columns, in a plane where the point group keeps lengths."""
    form = np.array(group.metric, dtype=float)
    cosine = form[0, 1] / sqrt(form[0, 0] * form[1, 1])
    return np.array([[1.0, cosine], [0.0, sqrt(1 - cosine**2)]])


def pattern(group: SpaceGroup, title: str) -> str:
    """The orbit of the flag over a few periods."""
    axes = frame(group)
    period = np.array([float(p) for p in group.period])
    moves = motions(group)
    place, room = roomy_place(group, axes)
    cells = CELLS if len(moves) < CROWDED else FEWER
    scale = SIZE / (cells * max(np.linalg.norm(axes[:, i]) * period[i] for i in range(2)))
    flags = []
    for matrix, shift in moves:
        turned = axes @ matrix @ np.linalg.inv(axes)
        colour = COLOURS[0 if np.linalg.det(matrix) > 0 else 6]
        for cell in _cells(period):
            at = scale * (axes @ (matrix @ place + shift + cell * period)) + SIZE / 2
            if (at > -SIZE / 8).all() and (at < 9 * SIZE / 8).all():
                flags.append(_flag(at, turned, 0.48 * room * scale, colour))
    return picture(title, SIZE, SIZE, *flags)


def _cells(period: np.ndarray) -> list[np.ndarray]:
    reach = 2 * ceil(CELLS)
    return [np.array(cell) for cell in product(range(-reach, reach + 1), repeat=len(period))]


def _flag(at: np.ndarray, turned: np.ndarray, size: float, colour: str) -> str:
    pole, cloth = ([at + size * (turned @ np.array(p)) for p in part] for part in (POLE, FLAG))
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in cloth)
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in pole)
    return element("polygon", points=text, fill=colour) + element(
        "path", d=f"M{line}", stroke="currentColor", stroke_width="1.5"
    )
