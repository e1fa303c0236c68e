"""Free weights as the solver finds them: orbits of classes of site pairs, fibre maps at their first class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class FreeMap(NamedTuple):
    """One fibre map of an orbit's first class, by its nonzero entries: a free weight."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


class FreeOrbit(NamedTuple):
    """One orbit of classes: a pair of sites (p, q) for each axis, and the maps that are free there."""

    pair: tuple[tuple[int, int], ...]
    maps: tuple[FreeMap, ...]
