"""The direction that stands for all others under SO(n) and O(n), and what fixes it."""

from __future__ import annotations

from derive.symmetry.euclidean import Euclidean
from derive.symmetry.group import Group
from derive.symmetry.lie import as_orthogonal


def stabiliser(space: Euclidean) -> tuple[Group | None, str]:
    """The subgroup that fixes the last axis, SO(n-1) or O(n-1), and its name; None where it is trivial."""
    point, last = space.point, space.dim - 1
    family = as_orthogonal(point)
    kept = [g for g in point.generators if _fixes(space, g, last)]
    name = f"{family.type if family else 'SO'}({last})"
    return (point.subgroup(kept, name) if kept else None), name


def _fixes(space: Euclidean, generator: str, axis: int) -> bool:
    column = space.action[generator][:, axis]
    unit = 0 if generator in space.point.algebra else 1
    return all(x == (unit if i == axis else 0) for i, x in enumerate(column))
