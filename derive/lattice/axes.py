"""One axis of two fields: how many classes of site pairs it has; sizes may be symbols.

A translation moves the output site by `a` and the input site by `b`. A class of pairs is an output site in
one period, 0 <= p < a, joined to any input site; grids and supports then decide which classes exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any

import sympy

from derive.errors import GridError, SymbolicError
from derive.pickling import Fields
from derive.symmetry.sizes import number, rational
from derive.symmetry.support import Span

oo = sympy.oo


@dataclass(frozen=True)
class Side:
    """One field along one axis: translations move its sites by `step`; `size` None means all of Z."""

    step: int
    spacing: Fraction
    offset: Fraction
    size: Any
    boundary: str | None


@dataclass(frozen=True)
class Axis(Fields):
    """Both fields along one axis; a side is None where that field is not on the lattice."""

    name: str
    out: Side | None
    into: Side | None

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        return tuple(side for side in (self.out, self.into) if side is not None)

    @property
    def both(self) -> tuple[Side, Side]:
        """Output and input side; only for axes that have both."""
        if self.out is None or self.into is None:
            raise GridError(
                "fields", f"must both live on the lattice along {self.name}", self, "use two fields"
            )
        return self.out, self.into

    @property
    def translated(self) -> bool:
        return any(side.step for side in self.sides)

    @property
    def phases(self) -> int:
        """Classes per displacement: gcd of the steps."""
        return gcd(*(side.step for side in self.sides))

    @property
    def boundary(self) -> str | None:
        return self.sides[0].boundary if self.sides else None

    @property
    def mesh(self) -> Fraction:
        """Attained displacements differ by multiples of this."""
        s, t = (side.spacing for side in self.both)
        return Fraction(
            gcd(s.numerator * t.denominator, t.numerator * s.denominator), s.denominator * t.denominator
        )

    @property
    def turn(self) -> int:
        """Once around a periodic grid, in units of mesh; 0 on an infinite axis or a window."""
        into = self.both[1]
        return int(into.size * number(into.spacing / self.mesh)) if into.boundary == "periodic" else 0

    @property
    def residue(self) -> Fraction:
        return self.into.offset - self.out.offset if self.into and self.out else Fraction(0)

    def validate(self) -> None:
        """Both grids must end in the same way, and periodic ones must be equally long."""
        if len(self.sides) < 2:
            return
        out, into = self.both
        if self.translated and (out.boundary != into.boundary or (out.size is None) != (into.size is None)):
            raise GridError(
                "boundary",
                f"must be the same for both fields along {self.name}",
                f"{into.boundary} for the input, {out.boundary} for the output",
                "give both fields the same boundary",
            )
        if self.boundary == "periodic" == into.boundary:
            gap = sympy.expand(out.size * number(out.spacing) - into.size * number(into.spacing))
            if gap.is_number and gap != 0:
                raise GridError(
                    "grid",
                    f"must be equally long for both periodic fields along {self.name}",
                    f"{into.size} sites of {into.spacing} and {out.size} sites of {out.spacing}",
                    f"give the output {into.size * number(into.spacing / out.spacing)} sites",
                )

    def count(self) -> sympy.Expr:
        """All classes along this axis, no support given."""
        if len(self.sides) < 2:
            return self._count_one(self.sides[0]) if self.sides else sympy.S.One
        out, into = self.both
        if out.size is None or into.size is None:
            return oo
        if not self.translated:
            return out.size * into.size
        if self.boundary == "periodic":
            return out.step * into.size
        inner = _positive_part(out.size - out.step) * _positive_part(into.size - into.step)
        return sympy.expand(out.size * into.size - inner)

    @staticmethod
    def _count_one(side: Side) -> sympy.Expr:
        if not side.step:
            return oo if side.size is None else side.size
        if side.size is None or not side.size.is_Integer:
            return sympy.Integer(side.step)
        return sympy.Integer(min(side.step, int(side.size)))

    def count_at(self, displacement: Fraction) -> sympy.Expr:
        """The classes with one physical displacement."""
        out, into = self.both
        if out.size is None or into.size is None:
            return sympy.Integer(self.phases) if self.translated else oo
        if self.boundary == "periodic" == into.boundary:
            return (
                sympy.Integer(self.phases) if self.translated else into.size * number(self.mesh / out.spacing)
            )
        length = self._line_length(displacement)
        if not self.translated:
            return length
        return (
            sympy.Integer(min(self.phases, int(length))) if length.is_Integer else sympy.Integer(self.phases)
        )

    def count_within(self, span: Span) -> sympy.Expr:
        """The classes with the displacements of a span: as many for each, but where a border cuts off."""
        ends = sum(side.size is not None for side in self.sides)
        if ends < 2 or (self.translated and self.boundary != "zero"):
            return span.count * self.count_at(-rational(span.radius, "radius"))
        return sympy.Add(*(self.count_at(d) for d in self.met(span).values()))

    def met(self, span: Span) -> Span:
        """The displacements of a span without those that are longer than the grids."""
        sizes = [side.size * number(side.spacing) for side in self.sides if side.size is not None]
        if len(sizes) < 2 or span.symbolic or not all(size.is_number for size in sizes):
            return span
        return span.within(abs(self.residue) + sum(rational(size, "grid") for size in sizes))

    def _line_length(self, displacement: Fraction) -> sympy.Expr:
        """The number of pairs in the window that lie at one displacement."""
        out, into = self.both
        a, b = into.spacing / self.mesh, out.spacing / self.mesh
        units = (displacement - self.residue) / self.mesh
        p, q = _solve(int(a), int(b), int(units))
        if out.size.is_Integer and into.size.is_Integer:
            low = max(-(p // int(a)), -(q // int(b)))
            high = min((int(out.size) - 1 - p) // int(a), (int(into.size) - 1 - q) // int(b))
            return sympy.Integer(max(0, high - low + 1))
        if a == b == 1:
            shift = q - p
            equal = out.size == into.size
            longest = into.size - max(shift, 0) if equal else sympy.Min(out.size, into.size - shift)
            return longest - max(0, -shift)
        raise SymbolicError(
            "grid",
            f"must be numbers along {self.name}, where the spacings differ",
            (out.size, into.size),
            "give ints",
        )

    def assumptions(self, span: Span | None, reach: sympy.Expr | None) -> list[sympy.Basic]:
        """What a count with symbolic sizes presumes; true or false where no symbol is left."""
        found: list[sympy.Basic] = []
        if span is not None and span.symbolic:
            found.append(span.lands(self.residue, self.mesh))
        for side in self.sides:
            n = side.size
            if n is None:
                continue
            if side.boundary == "periodic" and side.step > 1 and not n.is_Integer:
                found.append(sympy.Eq(sympy.Mod(n, side.step), 0, evaluate=False))
            if side.boundary == "zero" and self.translated and not n.is_Integer:
                found.append(sympy.Ge(n, max(side.step, 1)))
            if reach is not None and len(self.sides) == 2:
                found.append(self._spacious(n, sympy.expand(self.room(reach, side) / number(side.spacing))))
        if self.boundary == "periodic" and len(self.sides) == 2:
            out, into = self.both
            lengths = out.size * number(out.spacing), into.size * number(into.spacing)
            same = sympy.Eq(*lengths)
            found.append(sympy.Eq(*lengths, evaluate=False) if same is sympy.false else same)
        return found

    @staticmethod
    def _spacious(n: sympy.Expr, room: sympy.Expr) -> sympy.Basic:
        """n >= room, where one of them is a symbol; grids of numbers are compared elsewhere."""
        if n.is_number:
            return sympy.true if room.is_number else sympy.Le(room, n)
        relation = sympy.Ge(n, room)
        return sympy.Ge(n, room, evaluate=False) if relation is sympy.false else relation

    def room(self, reach: sympy.Expr, side: Side) -> sympy.Expr:
        """How long a grid must be for every displacement up to `reach` to have all its classes."""
        if self.boundary == "periodic":
            return 2 * reach + number(self.mesh)
        return reach + number(abs(self.residue)) + number(self.phases * side.spacing if side.step else 0)


def _positive_part(value: sympy.Expr) -> sympy.Expr:
    return sympy.Max(value, 0) if value.is_number else value


def integer(value: sympy.Expr | None, axis: str) -> int:
    if value is None or not sympy.sympify(value).is_Integer:
        raise SymbolicError(
            "sizes", f"must be numbers along {axis} here", value, "give sizes, for example {'H': 8}"
        )
    return int(value)


def _solve(a: int, b: int, units: int) -> tuple[int, int]:
    """The pair (p, q) with a q - b p = units and 0 <= p < a."""
    p = (-units * pow(b, -1, a)) % a if a > 1 else 0
    return p, (units + b * p) // a
