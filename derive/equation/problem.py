"""What is asked: an input field, an output field and a support; how translations move pairs of sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy

from derive.errors import RepresentationError, SupportError
from derive.methods.classes import Axis, Classes, Side
from derive.methods.elimination import Quotient, quotient
from derive.symmetry.fields import Field
from derive.symmetry.groups import told_apart
from derive.symmetry.representations import from_blocks, read_representation
from derive.symmetry.spacegroup import SpaceGroup, axis_names
from derive.symmetry.support import Region, Span, as_support, resolve


@dataclass(frozen=True)
class Problem:
    """Find every linear map from field x to field y with T(g x) = g T(x) and weights inside `support`."""

    x: Field
    y: Field
    support: Region | None
    bias: bool

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

    def span(self, axis: int) -> Span | None:
        """The displacements along one axis, where the support is a product of spans."""
        spans = self.support.spans if self.support is not None else None
        return None if spans is None else spans[axis]

    @cached_property
    def classes(self) -> Classes:
        return Classes(self.axes, self.support)

    @cached_property
    def bias_classes(self) -> Classes:
        return Classes(tuple(Axis(axis.name, axis.out, None) for axis in self.axes), None)


def is_plain(problem: Problem) -> bool:
    """Whether translations are all there is: no point generators, and fibres that nothing acts on."""
    pieces = [piece for field in (problem.x, problem.y) for _, piece in field.fibre.blocks]
    return not problem.group.point.generators and all(piece.dim == 1 for piece in pieces)


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
        new = object.__new__(Field)
        lattice = old.lattice
        if lattice is not None:
            lattice = replace(lattice, grid=tuple(put(n) for n in lattice.grid))
        fibre = from_blocks(old.fibre.group, [(put(copies), piece) for copies, piece in old.fibre.blocks])
        for key, value in (("group", old.group), ("fibre", fibre), ("name", old.name), ("lattice", lattice)):
            object.__setattr__(new, key, value)
        return new

    support = problem.support
    if support is not None and support.spans is not None:
        spans = tuple(None if s is None else replace(s, radius=put(s.radius)) for s in support.spans)
        support = replace(support, spans=spans)
    return Problem(field(problem.x), field(problem.y), support, problem.bias)


def make_problem(x: Any, y: Any, support: Any = None, bias: bool = True) -> Problem:
    """A validated problem from what people give: fields and representations, mixed."""
    x, y = _same_group(x, y)
    problem = Problem(x, y, None, bool(bias))
    region = _region(problem, support)
    problem = Problem(x, y, region, bool(bias))
    problem.classes.validate()
    return problem


def _same_group(x: Any, y: Any) -> tuple[Field, Field]:
    spaces = [f.group for f in (x, y) if isinstance(f, Field)]
    fields = []
    for argument, value in (("x", x), ("y", y)):
        if isinstance(value, Field):
            fields.append(value)
        elif spaces and hasattr(value, "blocks"):
            fields.append(Field.off_lattice(spaces[0], _on(spaces[0], value, argument)))
        else:
            raise RepresentationError(
                argument, "must be a Field or a Representation", repr(value), "use Field(G, ...)"
            )
    if fields[0].group != fields[1].group:
        raise RepresentationError(
            "x, y",
            "must be fields of one group",
            told_apart(fields[0].group, fields[1].group),
            "build both fields on the same group",
        )
    return fields[0], fields[1]


def _on(space: SpaceGroup, fibre: Any, argument: str) -> Any:
    return read_representation(fibre, argument, space.point)


def _region(problem: Problem, support: Any) -> Region | None:
    if support is None:
        return None
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
