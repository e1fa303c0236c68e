"""Windows with a zero border, read as Z: solutions on a window are restrictions of solutions on Z.

Which weights there are is then a condition on the class of a pair: one of its translates meets the window.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import sympy

from derive.errors import DerivationError
from derive.lattice.axes import Axis, Side
from derive.lattice.problem import Problem
from derive.symmetry.field import Field
from derive.symmetry.sizes import number
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.support import Region, Span

Displacement = tuple[Fraction, ...]


def opened(problem: Problem) -> Problem:
    """The same with windows read as Z; what meets the window, and its images, is the support."""
    problem = _unmoved(problem, [i for i in problem.translated if _is_short(problem.axes[i])])
    ends = [i for i in problem.translated if problem.axes[i].boundary == "zero"]
    if not ends:
        return problem
    fields = [_without_window(field, ends) for field in (problem.x, problem.y)]
    open_ = replace(problem, x=fields[0], y=fields[1])
    if _carried(problem, ends):
        window = tuple(_cut(problem, i) if i in ends else None for i in range(len(problem.axes)))
        return replace(open_, window=window if any(window) else ())
    points = _closure(problem, {tuple(_displacement(problem, row)) for row in problem.classes.listing()})
    found = replace(open_, support=_region(sorted(points)))
    if problem.quotient.index > 1 and found.classes.count() != problem.classes.count():
        raise DerivationError(
            "derivation",
            "is not written out for a window that cuts single phases off",
            problem.x,
            "make the window a whole number of periods",
        )
    return found


def _is_short(axis: Axis) -> bool:
    """Whether outputs end within one period: no two of them, and no two pairs, are then translates."""
    if axis.boundary != "zero":
        return False
    first = axis.sides[0]
    return bool(first.size.is_Integer and int(first.size) < first.step)


def _unmoved(problem: Problem, axes: list[int]) -> Problem:
    """The same with nothing translated along some axes, where translations say nothing."""
    if not axes:
        return problem
    if problem.group.point.generators:
        raise DerivationError(
            "derivation",
            "is not written out for a window that is shorter than one period",
            problem.x,
            "make the window longer",
        )
    period = tuple(Fraction(0) if k in axes else t for k, t in enumerate(problem.group.period))
    space = replace(problem.group, period=period)
    return replace(problem, x=_still(problem.x, space, axes), y=_still(problem.y, space, axes))


def _still(field: Field, space: SpaceGroup, axes: list[int]) -> Field:
    lattice = field.lattice
    if lattice is None:
        return field.replace(group=space)
    boundary = tuple(None if k in axes else kind for k, kind in enumerate(lattice.boundary))
    return field.replace(group=space, lattice=replace(lattice, boundary=boundary))


def _without_window(field: Field, axes: list[int]) -> Field:
    lattice = field.lattice
    if lattice is None:
        return field
    grid = tuple(None if k in axes else n for k, n in enumerate(lattice.grid))
    boundary = tuple(None if k in axes else kind for k, kind in enumerate(lattice.boundary))
    return field.replace(lattice=replace(lattice, grid=grid, boundary=boundary))


def _cut(problem: Problem, i: int) -> Axis | None:
    """The axis, if its window cuts classes off: it need not where the support is short."""
    axis = problem.axes[i]
    if len(axis.sides) < 2:
        return None
    reach = problem.support.reach(i) if problem.support is not None else None
    if reach is None:
        return axis
    rooms = [side.size * number(side.spacing) - axis.room(reach, side) for side in axis.sides]
    return axis if any(room.is_number and room < 0 for room in rooms) else None


def _carried(problem: Problem, ends: list[int]) -> bool:
    """Whether every generator carries the window to a translate of itself."""
    return all(_to_a_translate(problem, g, ends) for g in problem.group.point.generators)


def _to_a_translate(problem: Problem, generator: str, ends: list[int]) -> bool:
    motion = problem.group.motions[generator]
    moved: dict[int, set[Any]] = {}
    for field, name in ((problem.y, "out"), (problem.x, "into")):
        if field.lattice is None:
            continue
        matrix, shift = field.lattice.carry(generator, motion)
        sides: list[Side] = [getattr(axis, name) for axis in problem.axes]
        for j in ends:
            row = matrix[j]
            (k,) = [k for k, entry in enumerate(row) if entry] if sum(map(abs, row)) == 1 else [-1]
            if k not in ends or sides[k].size != sides[j].size:
                return False
            first = shift[j] - (
                sides[j].size - 1 if row[k] < 0 else 0
            )  # where the image of the window begins
            moved.setdefault(j, set()).add(sympy.sympify(first) / sides[j].step)
    return all(len(turns) == 1 and all(turn.is_integer for turn in turns) for turns in moved.values())


def _closure(problem: Problem, points: set[Displacement]) -> set[Displacement]:
    """The displacements with all their images under the point group."""
    matrices = [problem.group.motions[g].matrix for g in problem.group.point.generators]
    frontier = points
    while frontier:
        images = {
            tuple(sum((k * x for k, x in zip(row, d, strict=True)), Fraction(0)) for row in matrix)
            for matrix in matrices
            for d in frontier
        }
        frontier = images - points
        points = points | frontier
    return points


def _region(points: list[Displacement]) -> Region:
    """The displacements as a box in unit steps, where they fill one."""
    spans = tuple(Span(number(max(abs(p[k]) for p in points))) for k in range(len(points[0])))
    filled = prod(int(span.count) for span in spans) == len(points)
    return Region(spans=spans) if filled else Region(points=tuple(points))


def _displacement(problem: Problem, row: Any) -> Any:
    for axis, (p, q, _) in zip(problem.axes, row, strict=True):
        out, into = axis.both
        yield into.spacing * int(q) - out.spacing * int(p) + axis.residue
