"""Supports counted in sites: what people mean by a window of three, whatever the spacing of a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy

import derive
from derive.symmetry.sizes import per_axis as one_each
from derive.symmetry.sizes import rational
from derive.symmetry.support import as_support
from kernels.errors import FieldError
from kernels.integers import Ints, per_axis
from kernels.layers.core.fields import rank


@dataclass(frozen=True)
class SiteSupport:
    """A support counted in sites, still to be put on a lattice."""

    given: Any
    dilation: tuple[int, ...]

    def on(self, spacing: Sequence[Fraction]) -> Any:
        """The same displacements in space."""
        units = [s * e for s, e in zip(spacing, self.dilation, strict=True)]
        found, dim = self.given, len(units)
        if all(unit == 1 for unit in units):
            return found
        if found.kind == "box":
            radii, steps = one_each(found.radius, dim, "radius"), one_each(found.step, dim, "step")
            radius = tuple(
                None if r is None else r * u for r, u in zip(radii, map(_exact, units), strict=True)
            )
            return replace(found, radius=radius, step=tuple(s * u for s, u in zip(steps, units, strict=True)))
        if found.kind == "points":
            points = (tuple(d * u for d, u in zip(point, units, strict=True)) for point in found.points)
            return replace(found, points=tuple(sorted(points)))
        return self._stretched(units)

    def _stretched(self, units: list[Fraction]) -> Any:
        """Balls and hexagons, which hold every site within their radius."""
        if len(set(units)) > 1 or any(e > 1 for e in self.dilation):
            rule = f"of kind {self.given.kind} cannot be stretched by {tuple(map(str, units))}"
            raise FieldError("support", rule, self.given, "give its displacements one by one")
        return replace(self.given, radius=self.given.radius * units[0])

    def first(self, spacing: Sequence[Fraction]) -> tuple[Fraction, ...]:
        """One displacement, in space."""
        found, dim = self.on(spacing), len(spacing)
        if found.kind == "points":
            return found.points[0]
        if found.kind != "box":
            return (Fraction(0),) * dim
        radii = one_each(found.radius, dim, "radius")
        return tuple(Fraction(0) if r is None else -rational(r, "radius") for r in radii)


def _exact(unit: Fraction) -> sympy.Rational:
    return sympy.Rational(unit.numerator, unit.denominator)


def read_support(given: Any, x: derive.Field, dilation: Ints) -> SiteSupport:
    """A support as people give it, and how far it is stretched along every axis."""
    return SiteSupport(as_support(given, rank(x)), per_axis("dilation", dilation, rank(x)))
