"""The operators of solutions as cells that share weights; grids and numbers for sizes that are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import sympy

from derive.answer.kernel_table import members
from derive.answer.numbers import with_numbers
from derive.answer.off_lattice import MapAnswer
from derive.answer.plain import Plain, PlainBlock
from derive.drawing.ties import Ties, group, require_cells
from derive.errors import GridError, RepresentationError, SizeError, brief
from derive.lattice.problem import Problem
from derive.solution import Solution
from derive.symmetry.field import Field

ELEMENTS, PANELS = 24, 96  # basis elements on one sheet: unless chosen, and at most


@dataclass(frozen=True, eq=False)
class Entries:
    """`value[j]` times weight `weight[j]` stands in row `row[j]`, column `column[j]`, at class `site[j]`."""

    weight: np.ndarray
    site: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray

    def chosen(self, where: np.ndarray) -> Entries:
        """Some of them."""
        return Entries(*(part[where] for part in (self.weight, self.site, self.row, self.column, self.value)))


# ---- solutions --------------------------------------------------------------------------------------------


def with_grid(
    solution: Any, sizes: Mapping[str, int] | None, grid: Any = None, boundary: str = "zero"
) -> Solution:
    """A solution with a number for every size: channels are 1 unless given, grids are `grid`."""
    if not isinstance(solution, Solution):
        raise SizeError("solution", "must be a Solution", brief(solution), "give what derive.solve returns")
    problem = solution.problem
    if grid is not None:
        problem = replace(
            problem, x=_on(problem.x, problem, grid, boundary), y=_on(problem.y, problem, grid, boundary)
        )
        problem.classes.validate()
    free = {str(s): 1 for f in (problem.x, problem.y) for s in f.channels.free_symbols}
    problem = with_numbers(problem, free | dict(sizes or {}), None)
    return solution if problem == solution.problem else Solution(problem)


def _on(field: Field, problem: Problem, grid: Any, boundary: str) -> Field:
    """The same field on a grid; `grid` counts the sites of the input."""
    if field.lattice is None:
        return field
    dim = field.group.dim
    counts = list(grid) if isinstance(grid, Sequence | np.ndarray) else [grid] * dim
    if len(counts) != dim:
        raise GridError("grid", f"must have {dim} sizes", brief(grid), f"give grid=({', '.join('6' * dim)})")
    reference = (problem.x.lattice or field.lattice).spacing
    sites = [
        sympy.sympify(n) * r / s for n, r, s in zip(counts, reference, field.lattice.spacing, strict=True)
    ]
    if not all(n.is_Integer for n in sites):
        raise GridError(
            "grid", "must hold whole numbers of output sites", brief(grid), "use a multiple of the stride"
        )
    return Field(
        field.group,
        fibre=field.fibre,
        name=field.name,
        grid=tuple(int(n) for n in sites),
        boundary=boundary if any(field.group.period) else None,
        spacing=field.lattice.spacing,
        offset=field.lattice.offset,
    )


def listed(solution: Solution) -> tuple[Plain, Entries]:
    """The classes of site pairs of a solution on a lattice, and every nonzero entry, copies written out."""
    plain = solution.answer.listed  # type: ignore[union-attr]
    parts, start = [], 0
    for block in plain.blocks or ():
        for copy_in, copy_out in product(range(block.copies_in), range(block.copies_out)):
            at = copy_in * block.copies_out + copy_out
            parts.append(_shifted(block, start, at, copy_in, copy_out))
        start += block.weights * block.copies_in * block.copies_out
    return plain, _joined(parts)


def map_entries(solution: Solution) -> Entries:
    """Every nonzero entry of the matrices of a solution without a lattice."""
    rows, columns = solution.answer.shape  # type: ignore[union-attr]
    require_cells((int(rows), int(columns)))
    parts = []
    for k, element in enumerate(solution.basis):
        zero = np.zeros(len(element.rows), dtype=np.int64)
        parts.append(Entries(zero + k, zero, element.rows, element.columns, np.asarray(element.values)))
    return _joined(parts)


def _shifted(block: PlainBlock, start: int, at: int, copy_in: int, copy_out: int) -> Entries:
    copies = block.copies_in * block.copies_out
    return Entries(
        start + block.weight * copies + at,
        block.site,
        block.row + block.first_out + copy_out * block.dim_out,
        block.column + block.first_in + copy_in * block.dim_in,
        block.value,
    )


def _joined(parts: Sequence[Entries]) -> Entries:
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Entries(none, none, none, none, none)
    names = ("weight", "site", "row", "column", "value")
    return Entries(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def operator_ties(solution: Solution) -> Ties:
    """The whole operator, (i, *out grid, c, *in grid), or (i, c) without a lattice."""
    if isinstance(solution.answer, MapAnswer):
        entries = map_entries(solution)
        shape = tuple(map(int, solution.answer.shape))
        return group(shape, entries.row * shape[1] + entries.column, entries.weight, entries.value)
    plain, entries = listed(solution)
    outs = grid_of(solution.problem, "out")
    ins = grid_of(solution.problem, "into")
    shape = (plain.channels_out, *outs, plain.channels_in, *ins)
    require_cells(shape)
    pairs = [
        np.array(list(members(plain, k)), dtype=np.int64).reshape(-1, len(outs) + len(ins))
        for k in range(len(plain.out_site))
    ]
    many = np.array([len(pairs[s]) for s in entries.site.tolist()], dtype=np.int64)
    spots = np.concatenate(
        [pairs[s] for s in entries.site.tolist()] or [np.zeros((0, len(outs) + len(ins)), int)]
    )
    row, column = np.repeat(entries.row, many), np.repeat(entries.column, many)
    index = (row, *spots[:, : len(outs)].T, column, *spots[:, len(outs) :].T)
    place = np.ravel_multi_index(index, shape)
    return group(shape, place, np.repeat(entries.weight, many), np.repeat(entries.value, many))


def grid_of(problem: Problem, side: str) -> tuple[int, ...]:
    """The sites of one field along each axis, () where it has no lattice."""
    sides = [getattr(axis, side) for axis in problem.axes]
    sides = [s for s in sides if s is not None]
    if any(s.size is None or not s.size.is_Integer for s in sides):
        remedy = f"give grid=({', '.join('6' * len(sides))}), the sites of the input"
        raise GridError(
            "grid", "must be finite to draw every site", "Z" if len(sides) == 1 else f"Z^{len(sides)}", remedy
        )
    return tuple(int(s.size) for s in sides)


def require_real(values: np.ndarray) -> np.ndarray:
    """Exact values as floats; complex ones cannot be drawn."""
    numbers = np.array([complex(v) for v in values.ravel().tolist()]).reshape(values.shape)
    if np.abs(numbers.imag).max(initial=0) > 1e-12:
        raise RepresentationError(
            "basis", "must be real to be drawn", "complex entries", "draw real and imaginary parts"
        )
    return numbers.real


def read_elements(chosen: Any, dim: int) -> list[int]:
    """The numbers of the basis elements that are drawn."""
    if chosen is None:
        return list(range(min(dim, ELEMENTS)))
    wanted = range(dim)[chosen] if isinstance(chosen, slice) else chosen
    numbers = list(wanted) if isinstance(wanted, Iterable) else [wanted]
    if not numbers or not all(isinstance(k, int | np.integer) and 0 <= k < dim for k in numbers):
        raise SizeError(
            "elements", f"must be numbers below {dim}", brief(chosen), "give range(6) for example"
        )
    if len(numbers) > PANELS:
        raise SizeError("elements", f"must be at most {PANELS}", len(numbers), "draw them on several sheets")
    return [int(k) for k in numbers]
