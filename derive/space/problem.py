"""A statement on R^n: an input field, an output field, a radius and a highest harmonic degree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import Symbol

from derive.errors import RepresentationError, SizeError, SupportError, brief
from derive.pickling import Fields
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.field import Field
from derive.symmetry.group import show_difference
from derive.symmetry.representation import Representation
from derive.symmetry.sizes import flag, whole
from derive.symmetry.support import Support
from derive.symmetry.weights import highest_weight


@dataclass(frozen=True)
class SpaceProblem(Fields):
    """Find every K with K(g d) = rho_y(g) K(d) rho_x(g)^-1, up to harmonic degree `max_degree`.

    `radius`: where K ends, None where it does not.
    """

    x: Field
    y: Field
    radius: Any
    bias: bool
    max_degree: int | None

    @property
    def group(self) -> Euclidean:
        return self.x.group

    @cached_property
    def complete(self) -> bool:
        """Whether no kernel of a higher degree is left out: degrees end, and all are looked at."""
        top = self.last_degree
        return top is not None and (self.max_degree is None or self.max_degree >= top)

    @cached_property
    def last_degree(self) -> int | None:
        """The highest degree that a kernel can have; None where there is none, for finite groups."""
        if self.group.dim == 1:
            return 1
        if not self.group.transitive:
            return None
        return sum(max((highest_weight(p) for _, p in f.fibre.blocks), default=0) for f in (self.x, self.y))

    @property
    def top(self) -> int:
        """The highest degree that is looked at."""
        degrees = [k for k in (self.last_degree, self.max_degree) if k is not None]
        return min(degrees)

    @property
    def letters(self) -> tuple[Symbol, ...]:
        """The components of a displacement, d_1, d_2, ..."""
        return tuple(Symbol(f"d_{i + 1}", real=True) for i in range(self.group.dim))


def make_space_problem(x: Any, y: Any, support: Any, bias: bool, max_degree: Any) -> SpaceProblem:
    """A validated statement; one of the two is a field on R^n."""
    for argument, value in (("x", x), ("y", y)):
        if isinstance(value, Representation):
            rule = "must be a field on R^n, as the other one is"
            remedy = f"use Field(E, fibre={argument}), or pool what a layer on R^n gives"
            raise RepresentationError(argument, rule, value, remedy)
        if not isinstance(value, Field):
            rule = "must be a Field or a Representation"
            raise RepresentationError(argument, rule, brief(value), "use Field(E, ...)")
    if x.group != y.group:
        shown = show_difference(x.group, y.group)
        raise RepresentationError("x, y", "must be fields of one group", shown, "build both fields on one")
    top = None if max_degree is None else whole(max_degree, "max_degree", least=0)
    problem = SpaceProblem(x, y, _radius(support), flag(bias, "bias"), top)
    if problem.last_degree is None and top is None:
        rule = (
            f"must be given for {x.group.point}: its orbits of directions are finite, so that kernels of all"
        )
        raise SizeError("max_degree", f"{rule} harmonic degrees are equivariant", None, "give max_degree=4")
    return problem


def _radius(support: Any) -> Any:
    if support is None:
        return None
    if not isinstance(support, Support) or support.kind != "ball":
        rule = "must be a ball on R^n, which every rotation keeps"
        raise SupportError("support", rule, brief(support), "use ball('R'), ball(2), or None")
    if support.radius == 0:
        rule = "must have a positive radius on R^n, where a point has no volume"
        raise SupportError("support", rule, 0, "use ball('R')")
    return sympy.sympify(support.radius)
