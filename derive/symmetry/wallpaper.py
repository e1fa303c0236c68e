"""The seventeen wallpaper groups, stored so that they preserve Z^2."""

from __future__ import annotations

from typing import Any

from derive.errors import GroupError, brief
from derive.symmetry.catalogue import point_group
from derive.symmetry.sizes import per_axis, rational
from derive.symmetry.spacegroup import SpaceGroup, space_group

# name -> (point group, period of the translations, glide of some generators)
WALLPAPER: dict[str, tuple[str, tuple[int, int], dict[str, tuple[int, int]]]] = {
    "p1": ("C1", (1, 1), {}),
    "p2": ("C2", (1, 1), {}),
    "pm": ("D1", (1, 1), {}),
    "pg": ("D1", (1, 2), {"m": (0, 1)}),
    "cm": ("D1diag", (1, 1), {}),
    "pmm": ("D2", (1, 1), {}),
    "pmg": ("D2", (2, 1), {"m": (1, 0)}),
    "pgg": ("D2", (2, 2), {"m": (1, 1)}),
    "cmm": ("D2diag", (1, 1), {}),
    "p4": ("C4", (1, 1), {}),
    "p4m": ("D4", (1, 1), {}),
    "p4g": ("D4", (2, 2), {"m": (1, 1)}),
    "p3": ("C3", (1, 1), {}),
    "p31m": ("D3", (1, 1), {}),
    "p3m1": ("D3b", (1, 1), {}),
    "p6": ("C6", (1, 1), {}),
    "p6m": ("D6", (1, 1), {}),
}


def wallpaper(name: str, period: Any = None) -> SpaceGroup:
    """A wallpaper group on Z^2: g acts by ``v -> M v + glide[g]``, with translations by ``period``.

    Args:
        name: p1 p2 pm pg cm pmm pmg pgg cmm p4 p4m p4g p3 p31m p3m1 p6 p6m. The centred cells cm and cmm are
            primitive (the mirror swaps the axes), the hexagonal ones are in axial coordinates.
        period: a multiple of the smallest period, by default that one: (1, 2) for pg, (2, 1) for pmg, 2 for
            pgg and p4g, 1 otherwise. Glides grow with it.

    >>> wallpaper("p4m").point.order
    8
    """
    if not isinstance(name, str) or name not in WALLPAPER:
        raise GroupError(
            "wallpaper", f"must be one of {' '.join(WALLPAPER)}", brief(name), "see space_group for others"
        )
    point, smallest, glide = WALLPAPER[name]
    steps = tuple(
        rational(p, "period") for p in per_axis(smallest if period is None else period, 2, "period")
    )
    scale = tuple(step / least for step, least in zip(steps, smallest, strict=True))
    if any(s.denominator != 1 or s < 1 for s in scale) and glide:
        rule = f"of {name} must be a positive multiple of {smallest}"
        raise GroupError("period", rule, period, f"use period={tuple(2 * s for s in smallest)} for example")
    shifts = {g: tuple(x * s for x, s in zip(v, scale, strict=True)) for g, v in glide.items()}
    return space_group(point_group(point, dim=2), period=steps, glide=shifts, name=name)
