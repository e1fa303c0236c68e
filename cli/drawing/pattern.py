"""A plane pattern as a picture: one small flag, moved by every element of a space group."""

from __future__ import annotations

from itertools import product
from math import ceil, sqrt
from typing import Any

import numpy as np

from derive.drawing.colours import BLUE, VERMILLION, hexed
from derive.drawing.elements import element, picture
from derive.symmetry.motion import along
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
TRIED = 16  # places along a period where the flag could stand


def frame(group: SpaceGroup) -> np.ndarray:
    """The lattice axes as columns, in a plane where the point group keeps lengths."""
    form = np.array(group.metric, dtype=float)
    cosine = form[0, 1] / sqrt(form[0, 0] * form[1, 1])
    return np.array([[1.0, cosine], [0.0, sqrt(1 - cosine**2)]])


def motions(group: SpaceGroup) -> list[tuple[np.ndarray, np.ndarray]]:
    """One motion for every element of the point group, translations apart."""
    found = [along(word, group.motions, group.dim) for word in group.point.elements.words]
    return [(np.array(m.matrix, dtype=float), np.array([float(t) for t in m.shift])) for m in found]


def pattern(group: SpaceGroup, title: str) -> str:
    """The orbit of the flag over a few periods."""
    axes = frame(group)
    period = np.array([float(p) for p in group.period])
    moves = motions(group)
    place, room = _place(axes, period, moves)
    cells = CELLS if len(moves) < CROWDED else FEWER
    scale = SIZE / (cells * max(np.linalg.norm(axes[:, i]) * period[i] for i in range(2)))
    flags = []
    for matrix, shift in moves:
        turned = axes @ matrix @ np.linalg.inv(axes)
        colour = hexed(BLUE if np.linalg.det(matrix) > 0 else VERMILLION)
        for cell in _cells(period):
            at = scale * (axes @ (matrix @ place + shift + cell * period)) + SIZE / 2
            if (at > -SIZE / 8).all() and (at < 9 * SIZE / 8).all():
                flags.append(_flag(at, turned, 0.48 * room * scale, colour))
    return picture(title, SIZE, SIZE, *flags)


def _cells(period: np.ndarray) -> list[np.ndarray]:
    reach = 2 * ceil(CELLS)
    return [np.array(cell) for cell in product(range(-reach, reach + 1), repeat=len(period))]


def _place(axes: np.ndarray, period: np.ndarray, moves: Any) -> tuple[np.ndarray, float]:
    """Where the flag is farthest from its own copies, and how far."""
    best, room = np.zeros(2), 0.0
    near = [np.array(c) * period for c in product(range(-3, 4), repeat=2)]
    matrices = np.array([m for m, _ in moves for _ in near])
    shifts = np.array([t + c for _, t in moves for c in near])
    for i, j in product(range(TRIED), repeat=2):
        place = np.array([(i + 0.5) / TRIED, (j + 0.25) / TRIED]) * period
        away = np.hypot(*(axes @ ((matrices - np.eye(2)) @ place + shifts).T))
        least = float(np.partition(away, 1)[1])  # but for the flag itself
        if least > room + 1e-9:
            best, room = place, least
    return best, room


def _flag(at: np.ndarray, turned: np.ndarray, size: float, colour: str) -> str:
    pole, cloth = ([at + size * (turned @ np.array(p)) for p in part] for part in (POLE, FLAG))
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in cloth)
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in pole)
    return element("polygon", points=text, fill=colour) + element(
        "path", d=f"M{line}", stroke="currentColor", stroke_width="1.5"
    )
