"""Where a motif stands under a plane group: its images up to translations, and a place with room for it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from derive.symmetry.motion import along
from derive.symmetry.spacegroup import SpaceGroup

TRIED = 16  # places along a period where the motif could stand


def motions(group: SpaceGroup) -> list[tuple[np.ndarray, np.ndarray]]:
    """A matrix and a shift for every way in which the group moves space, translations apart.

    >>> from derive.symmetry.wallpaper import wallpaper
    >>> len(motions(wallpaper("p4m")))
    8
    """
    found: dict[Any, Any] = {}
    for word in group.point.elements.words:
        motion = along(word, group.motions, group.dim)
        folded = tuple(x % p if p else x for x, p in zip(motion.shift, group.period, strict=True))
        found.setdefault((motion.matrix, folded), motion)
    return [(np.array(m.matrix, dtype=float), _floats(m.shift)) for m in found.values()]


def roomy_place(group: SpaceGroup, axes: np.ndarray) -> tuple[np.ndarray, float]:
    """Where a motif is farthest from its own images, and how far; `axes`: where unit steps go, as columns."""
    period = _floats(group.period)
    steps = np.where(period > 0, period, 1.0)
    near = [np.array(c) * period for c in product(*(range(-3, 4) if p else (0,) for p in period))]
    moves = motions(group)
    matrices = np.array([m for m, _ in moves for _ in near])
    shifts = np.array([t + c for _, t in moves for c in near])
    tried = []
    for i, j in product(range(TRIED), repeat=2):
        share = np.array([(i + 0.5) / TRIED, (j + 0.25) / TRIED])
        away = np.hypot(*(axes @ ((matrices - np.eye(2)) @ (share * steps) + shifts).T))
        least = float(np.partition(away, 1)[1]) if len(away) > 1 else float(steps.min())  # but for itself
        tried.append((round(least, 9), -np.abs(share - 0.5).sum(), i, j, share * steps))
    room, *_, place = max(tried, key=lambda t: t[:4])  # of equal ones the place nearest the middle
    return place, room


def _floats(vector: tuple[Fraction, ...]) -> np.ndarray:
    return np.array([float(x) for x in vector])
