"""A statement: an input field, an output field and a support; how translations move pairs of sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy

from derive.errors import RepresentationError, SupportError, brief
from derive.lattice.classes import Axis, Classes, Side
from derive.lattice.smith import Quotient, quotient
from derive.pickling import Fields
from derive.symmetry.field import Field
from derive.symmetry.group import show_difference
from derive.symmetry.names import require_one_symbol_each
from derive.symmetry.representation import Representation, from_blocks, read_representation
from derive.symmetry.sizes import flag
from derive.symmetry.spacegroup import SpaceGroup, axis_names
from derive.symmetry.support import Region, Span, as_support, resolve


@dataclass(frozen=True)
class Problem(Fields):
    """Find every linear map from field x to field y with T(g x) = g T(x) and weights inside `support`."""

    x: Field
    y: Field
    support: Region | None
    bias: bool
    window: tuple[Axis | None, ...] = ()  # of fields that are read on Z: the axes that end, as they were

    @property
    def group(self) -> SpaceGroup:
        return self.x.group

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Both fields along every axis of the lattice."""
        out, into = (self._sides(field) for field in (self.y, self.x))
        return tuple(
            Axis(name, out[i] if out else None, into[i] if into else None)
            for i, name in enumerate(axis_names(self.group.dim))
        )

    def _sides(self, field: Field) -> list[Side]:
        lattice = field.lattice
        if lattice is None:
            return []
        return [
            Side(int(period / spacing), spacing, offset, n, kind)
            for period, spacing, offset, n, kind in zip(
                self.group.period,
                lattice.spacing,
                lattice.offset,
                lattice.grid,
                lattice.boundary,
                strict=True,
            )
        ]

    @property
    def translated(self) -> tuple[int, ...]:
        """The axes along which the group translates."""
        return tuple(i for i, step in enumerate(self.group.period) if step)

    @cached_property
    def quotient(self) -> Quotient:
        """Pairs of sites modulo translations."""
        out, into = (self._moves(side) for side in ("out", "into"))
        return quotient([*out, *into], len(out))

    @cached_property
    def bias_quotient(self) -> Quotient:
        """Output sites modulo translations."""
        out = self._moves("out")
        return quotient(out, len(out))

    def _moves(self, side: str) -> list[list[int]]:
        rows = []
        for i, axis in enumerate(self.axes):
            part: Side | None = getattr(axis, side)
            if part is not None:
                rows.append([part.step if j == i else 0 for j in self.translated])
        return rows

    def cut(self, axis: int) -> Axis | None:
        """The window that a field read on Z was cut to along an axis, where it cuts classes off."""
        return self.window[axis] if self.window else None

    def span(self, axis: int) -> Span | None:
        """The displacements along one axis, where the support is a product of spans."""
        spans = self.support.spans if self.support is not None else None
        return None if spans is None else spans[axis]

    def reach(self, axis: int) -> sympy.Expr | None:
        """How far the support reaches along one axis, None where it is free."""
        return self.support.reach(axis) if self.support is not None else None

    @cached_property
    def classes(self) -> Classes:
        return Classes(self.axes, self.support)


def symbols_of(problem: Problem) -> set[sympy.Symbol]:
    """Every size that is still a symbol: channels, grids and radii."""
    sizes = [side.size for axis in problem.axes for side in axis.sides if side.size is not None]
    radii = [span.radius for span in (problem.support.spans or ()) if span] if problem.support else []
    channels = [problem.x.channels, problem.y.channels]
    return set().union(*(sympy.sympify(e).free_symbols for e in (*sizes, *radii, *channels)))


def with_sizes(problem: Problem, known: Mapping[sympy.Symbol, int]) -> Problem:
    """The same problem with numbers for symbols."""

    def put(value: Any) -> Any:
        return None if value is None else sympy.sympify(value).subs(known)

    def field(old: Field) -> Field:
        lattice = old.lattice
        if lattice is not None:
            lattice = replace(lattice, grid=tuple(put(n) for n in lattice.grid))
        fibre = from_blocks(old.fibre.group, [(put(copies), piece) for copies, piece in old.fibre.blocks])
        return old.replace(fibre=fibre, lattice=lattice)

    support = problem.support
    if support is not None and support.spans is not None:
        spans = tuple(None if s is None else replace(s, radius=put(s.radius)) for s in support.spans)
        support = replace(support, spans=spans)
    return Problem(field(problem.x), field(problem.y), support, problem.bias)


def make_problem(x: Any, y: Any, support: Any = None, bias: bool = True) -> Problem:
    """A validated problem from what people give: fields and representations, mixed."""
    x, y = _same_group(x, y)
    problem = Problem(x, y, None, flag(bias, "bias"))
    problem = replace(problem, support=_region(problem, support))
    _require_names(problem)
    problem.classes.validate()
    return problem


def _require_names(problem: Problem) -> None:
    """One name is one symbol, and a field is not called like a size."""
    sizes = symbols_of(problem)
    require_one_symbol_each(sizes)
    for argument, field in (("x", problem.x), ("y", problem.y)):
        if field.name in {s.name for s in sizes}:
            rule = "must be a field whose name is not that of a size"
            raise RepresentationError(argument, rule, repr(field.name), f"use name='{argument}_field'")


def _same_group(x: Any, y: Any) -> tuple[Field, Field]:
    for argument, value in (("x", x), ("y", y)):
        if not isinstance(value, Field | Representation):
            raise RepresentationError(
                argument, "must be a Field or a Representation", brief(value), "use Field(G, ...)"
            )
    space = next((f.group for f in (x, y) if isinstance(f, Field)), None)
    if space is None:
        if x.group != y.group:
            raise _two_groups("representations", x.group, y.group, "build both on one")
        space = SpaceGroup(x.group, (), ())  # no lattice is a lattice without axes
    fields = [
        value if isinstance(value, Field) else Field.off_lattice(space, _on(space, value, argument))
        for argument, value in (("x", x), ("y", y))
    ]
    if fields[0].group != fields[1].group:
        groups = fields[0].group, fields[1].group
        raise _two_groups("fields", *groups, "build both fields on the same group")
    return fields[0], fields[1]


def _two_groups(what: str, first: Any, second: Any, remedy: str) -> RepresentationError:
    return RepresentationError("x, y", f"must be {what} of one group", show_difference(first, second), remedy)


def _on(space: SpaceGroup, fibre: Any, argument: str) -> Any:
    return read_representation(fibre, argument, space.point)


def _region(problem: Problem, support: Any) -> Region | None:
    if support is None:
        return None
    if not problem.axes:
        raise RepresentationError("support", "needs fields on a lattice", support, "leave it out")
    if any(len(axis.sides) < 2 for axis in problem.axes):
        raise SupportError(
            "support",
            "needs two fields that live on the lattice",
            support,
            "leave it out: the output does not move",
        )
    return resolve(
        as_support(support, problem.group.dim),
        problem.group.dim,
        tuple(axis.residue for axis in problem.axes),
        tuple(axis.mesh for axis in problem.axes),
        problem.group.metric,
    )
