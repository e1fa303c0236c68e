"""The distance of neighbouring sites, as people give it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from kernels.errors import WindowError, brief


def read_spacing(given: Any, axes: int) -> tuple[float, ...]:
    """A positive length for each axis: one for all of them or one each, 1 where nothing is given.

    >>> read_spacing(None, 2), read_spacing(0.5, 2), read_spacing(np.array([1, 2]), 2)
    ((1.0, 1.0), (0.5, 0.5), (1.0, 2.0))
    """
    if given is None:
        return (1.0,) * axes
    values = list(np.asarray(given).reshape(-1).tolist()) if isinstance(given, Iterable) else [given] * axes
    numbers = [read_number(v) for v in values]
    if len(numbers) != axes or not all(0 < v < math.inf for v in numbers):
        rule = f"must be one positive length, or one for each of the {axes} axes"
        raise WindowError("spacing", rule, brief(given), f"say spacing=({', '.join(['1.0'] * axes)})")
    return tuple(numbers)


def read_number(value: Any) -> float:
    """A number; nan where it is none, as booleans and texts are none."""
    try:
        return math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        return math.nan
