"""Classes of site pairs on grids and supports: how many there are (sizes may be symbols), and which.

Along one axis a translation moves the output site by `a` and the input site by `b`. A class of pairs is an
output site in one period, 0 <= p < a, joined to any input site; grids and supports then say which classes
exist. Axes are independent, so counts multiply.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import gcd, prod
from typing import Any

import numpy as np
import sympy

from derive.errors import GridError, InfiniteError, SupportError, SymbolicError, TooLargeError
from derive.symmetry.sizes import number
from derive.symmetry.support import Region

oo = sympy.oo
MEMORY = 1 << 32


@dataclass(frozen=True)
class Side:
    """One field along one axis: translations move its sites by `step`; `size` None means all of Z."""

    step: int
    spacing: Fraction
    offset: Fraction
    size: Any
    boundary: str | None


@dataclass(frozen=True)
class Axis:
    """Both fields along one axis; a side is None where that field does not live on the lattice."""

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
        """Once around a periodic grid, in units of mesh; 0 where nothing closes up."""
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

    # ---- how many -------------------------------------------------------------------------------------

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

    def assumptions(self, reach: sympy.Expr | None) -> list[sympy.Basic]:
        """What a count with symbolic sizes takes for granted."""
        found: list[sympy.Basic] = []
        for side in self.sides:
            n = side.size
            if n is None or n.is_Integer:
                continue
            if side.boundary == "periodic" and side.step > 1:
                found.append(sympy.Eq(sympy.Mod(n, side.step), 0, evaluate=False))
            if side.boundary == "zero" and self.translated:
                found.append(sympy.Ge(n, max(side.step, 1)))
            if reach is not None and len(self.sides) == 2:
                found.append(sympy.Ge(n, sympy.expand(self._room(reach, side) / number(side.spacing))))
        if self.boundary == "periodic" and len(self.sides) == 2:
            out, into = self.both
            same = sympy.Eq(out.size * number(out.spacing), into.size * number(into.spacing), evaluate=True)
            if same != True and same != False:  # noqa: E712  SymPy relations are not booleans
                found.append(same)
        return [relation for relation in dict.fromkeys(found) if relation not in (sympy.true, sympy.false)]

    def _room(self, reach: sympy.Expr, side: Side) -> sympy.Expr:
        """How long a grid must be for every displacement up to `reach` to have all its classes."""
        if self.boundary == "periodic":
            return 2 * reach + number(self.mesh)
        return reach + number(abs(self.residue)) + number(self.phases * side.spacing if side.step else 0)

    # ---- which ones -----------------------------------------------------------------------------------

    def listing(self, displacements: tuple[Fraction, ...] | None) -> np.ndarray:
        """Every class as a row (p, q, displacement in units of mesh); p or q is 0 for a missing side."""
        if len(self.sides) < 2:
            count = self.count()
            if count is oo:
                raise InfiniteError(
                    "grid", f"must be finite along {self.name} to list classes", None, "give a grid"
                )
            sites = np.arange(_integer(count, self.name))
            zero = np.zeros_like(sites)
            return np.stack([zero, sites, zero] if self.out is None else [sites, zero, zero], axis=1)
        out, into = self.both
        rows = out.step if self.translated else _integer(out.size, self.name)
        count = self.count() if displacements is None else rows * len(displacements)
        if count is not oo:
            refuse_classes(count, 8 * 8)
        sites = np.arange(rows)
        pairs = (
            [self._inputs(int(p), displacements) for p in sites] if rows <= 4096 or displacements else None
        )
        if pairs is None:
            p, q = np.divmod(np.arange(rows * _integer(into.size, self.name)), _integer(into.size, self.name))
        else:
            p = np.repeat(sites, [len(q) for q in pairs])
            q = np.concatenate(pairs) if pairs else np.zeros(0, int)
        a, b = int(into.spacing / self.mesh), int(out.spacing / self.mesh)
        order = np.lexsort((a * q - b * p, p // (a if self.translated else 1)))
        return np.stack([p, q, a * q - b * p], axis=1)[order]

    def _inputs(self, p: int, displacements: tuple[Fraction, ...] | None) -> np.ndarray:
        """The input sites that make a class with output site p."""
        out, into = self.both
        if displacements is None:
            return self._all_inputs(p)
        sites = [(d - self.residue + out.spacing * p) / into.spacing for d in displacements]
        q = np.array([int(site) for site in sites if site.denominator == 1], dtype=int)
        if self.translated and self.boundary != "zero":
            return q
        if not self.translated and self.boundary == "periodic" == into.boundary:
            return np.sort(q % _integer(into.size, self.name))
        return q[self._meets_window(p, q)] if into.size is not None else q

    def _all_inputs(self, p: int) -> np.ndarray:
        out, into = self.both
        if into.size is None:
            raise InfiniteError(
                "support", "must be given on an infinite lattice to list classes", None, "use box(1)"
            )
        n = _integer(into.size, self.name)
        if not self.translated or self.boundary == "periodic":
            return np.arange(n)
        later = (_integer(out.size, self.name) - 1 - p) // out.step
        q = np.arange(-into.step * later, n)
        return q[self._meets_window(p, q)] if later >= 0 else q[:0]

    def _meets_window(self, p: int, q: np.ndarray) -> np.ndarray:
        """Whether some translate of (p, q) has both sites in the window."""
        out, into = self.both
        n = _integer(into.size, self.name)
        if not self.translated:
            return (q >= 0) & (q < n)
        later = (_integer(out.size, self.name) - 1 - p) // out.step
        first = np.maximum(0, -(q // into.step)) if into.step else np.zeros_like(q)
        moved = q + first * into.step
        return (later >= 0) & (first <= later) & (moved >= 0) & (moved < n)


def refuse_classes(count: Any, bytes_each: int) -> None:
    """Raise before classes are listed that would not fit in memory."""
    needed = int(count) * bytes_each
    if needed > MEMORY:
        raise TooLargeError(
            "grid, support",
            "must leave few enough classes of site pairs to list",
            f"{count} classes, about {needed / 2**30:.0f} GiB",
            "use a smaller grid or a support such as box(1)",
        )


def _positive_part(value: sympy.Expr) -> sympy.Expr:
    return sympy.Max(value, 0) if value.is_number else value


def _integer(value: sympy.Expr | None, axis: str) -> int:
    if value is None or not sympy.sympify(value).is_Integer:
        raise SymbolicError(
            "sizes", f"must be numbers along {axis} here", value, "give sizes, for example {'H': 8}"
        )
    return int(value)


def _solve(a: int, b: int, units: int) -> tuple[int, int]:
    """The pair (p, q) with a q - b p = units and 0 <= p < a."""
    p = (-units * pow(b, -1, a)) % a if a > 1 else 0
    return p, (units + b * p) // a


@dataclass(frozen=True)
class Classes:
    """All classes of site pairs of two fields: the product over axes, cut down to a support."""

    axes: tuple[Axis, ...]
    support: Region | None

    def count(self) -> sympy.Expr:
        """The number of classes; oo when no support bounds an infinite lattice."""
        if self.support is None:
            return _product(axis.count() for axis in self.axes)
        if self.support.points is not None:
            return sympy.Add(
                *(
                    _product(axis.count_at(d) for axis, d in zip(self.axes, point, strict=True))
                    for point in self.support.points
                )
            )
        return _product(self._count_along(i) for i in range(len(self.axes)))

    def _count_along(self, i: int) -> sympy.Expr:
        axis, span = self.axes[i], (self.support.spans or ())[i] if self.support else None
        if span is None:
            return axis.count()
        if not span.symbolic:
            return sympy.Add(*(axis.count_at(d) for d in span.values()))
        if not axis.translated or (axis.boundary == "zero" and all(s.size.is_Integer for s in axis.sides)):
            raise SymbolicError(
                "support", f"must have a number for its radius along {axis.name}", span.radius, "give box(1)"
            )
        return axis.phases * span.count

    def assumptions(self) -> tuple[sympy.Basic, ...]:
        found: list[sympy.Basic] = []
        for i, axis in enumerate(self.axes):
            found += axis.assumptions(self.support.reach(i) if self.support is not None else None)
        return tuple(dict.fromkeys(found))

    def opened(self) -> Classes:
        """The same with symbolic grids read as Z, where translations and the support bound classes."""
        return Classes(tuple(self._opened(axis) for axis in self.axes), self.support)

    def _opened(self, axis: Axis) -> Axis:
        bounded = axis.translated and (len(axis.sides) < 2 or self.support is not None)
        if not bounded or all(side.size is None or side.size.is_Integer for side in axis.sides):
            return axis
        out, into = (side and replace(side, size=None, boundary=None) for side in (axis.out, axis.into))
        return replace(axis, out=out, into=into)

    def validate(self) -> None:
        for i, axis in enumerate(self.axes):
            axis.validate()
            reach = self.support.reach(i) if self.support is not None else None
            if reach is None or axis.boundary != "periodic" or len(axis.sides) < 2:
                continue
            length = axis.sides[1].size * number(axis.sides[1].spacing)
            if (2 * reach + number(axis.mesh) - length).is_positive:
                raise SupportError(
                    "support",
                    f"must not be larger than the periodic grid along {axis.name}",
                    f"{2 * reach / number(axis.mesh) + 1} displacements on a grid of length {length}",
                    "shrink the support, or leave it out to use the whole grid",
                )

    def by_axis(self) -> list[np.ndarray]:
        """The classes along every axis, as rows (p, q, displacement units)."""
        return [
            axis.listing(self.support.values(i) if self.support is not None else None)
            for i, axis in enumerate(self.axes)
        ]

    def listing(self) -> np.ndarray:
        """Integer array (classes, axes, 3) of (p, q, displacement units), displacement varying fastest."""
        per_axis = self.by_axis()
        refuse_classes(prod(len(rows) for rows in per_axis), 8 * 8 * max(len(self.axes), 1))
        grids = np.meshgrid(*(np.arange(len(rows)) for rows in per_axis), indexing="ij") if per_axis else []
        picks = [g.reshape(-1) for g in grids]
        columns = np.zeros((len(per_axis), 3, len(picks[0]) if picks else 1), dtype=int)
        table = np.moveaxis(columns, -1, 0)  # columns lie together: they are worked on one by one
        for i, rows in enumerate(per_axis):
            table[:, i] = rows[picks[i]]
        if self.support is not None and self.support.points is not None:
            table = table[self._inside(table)]
        return table

    def _inside(self, table: np.ndarray) -> np.ndarray:
        """Which rows lie at a displacement of the support; around a periodic grid those are one."""
        turns = np.array([axis.turn for axis in self.axes])

        def reduced(units: np.ndarray) -> list[list[int]]:
            return np.where(turns > 0, units % np.maximum(turns, 1), units).tolist()

        points = (self.support.points if self.support else None) or ()
        wanted = [
            [int((d - axis.residue) / axis.mesh) for d, axis in zip(point, self.axes, strict=True)]
            for point in points
        ]
        near = {tuple(row) for row in reduced(np.array(wanted).reshape(-1, len(self.axes)))}
        return np.array([tuple(row) in near for row in reduced(table[:, :, 2])], dtype=bool)


def _product(factors: Iterable[sympy.Expr]) -> sympy.Expr:
    values = list(factors)
    return sympy.S.Zero if any(v == 0 for v in values) else sympy.Mul(*values)
