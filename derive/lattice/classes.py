"""Classes of site pairs on grids and supports: how many there are (sizes may be symbols), and which.

Axes are independent, so counts multiply.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np
import sympy

from derive.errors import GridError, SupportError, SymbolicError
from derive.lattice.axes import Axis, Side
from derive.lattice.listing import list_classes, refuse_classes
from derive.lattice.presumptions import contradictory
from derive.symmetry.sizes import number
from derive.symmetry.support import Region, Span

__all__ = ["Axis", "Classes", "Side"]


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
            return axis.count_within(span)
        if not axis.translated:
            raise SymbolicError(
                "support", f"must have a number for its radius along {axis.name}", span.radius, "give box(1)"
            )
        return axis.phases * span.count

    def assumptions(self) -> tuple[sympy.Basic, ...]:
        """What symbolic sizes are presumed to satisfy for the counts to hold."""
        return tuple(r for r in self._presumed() if r is not sympy.true)

    def _presumed(self) -> tuple[sympy.Basic, ...]:
        found: list[sympy.Basic] = []
        for i, axis in enumerate(self.axes):
            found += axis.assumptions(self._span(i), self.support.reach(i) if self.support else None)
        return tuple(dict.fromkeys(found))

    def _span(self, i: int) -> Span | None:
        return self.support.spans[i] if self.support is not None and self.support.spans is not None else None

    def opened(self) -> Classes:
        """The same with grids read as Z, where translations and the support bound classes.

        Grids whose size is a symbol, or less than a symbolic radius needs, unless that is presumed.
        """
        return Classes(tuple(self._opened(i) for i in range(len(self.axes))), self.support)

    def _opened(self, i: int) -> Axis:
        axis, span = self.axes[i], self._span(i)
        bounded = axis.translated and (len(axis.sides) < 2 or self.support is not None)
        numbers = all(side.size is None or side.size.is_Integer for side in axis.sides)
        if not bounded or (numbers and not (span is not None and span.symbolic)):
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
            gap = 2 * reach + number(axis.mesh) - length
            if gap.is_number and gap > 0:
                raise self._too_wide(axis, f"{2 * reach / number(axis.mesh) + 1} displacements", length)
        if contradictory(self._presumed()):
            raise self._contradiction()

    def _contradiction(self) -> SupportError | GridError:
        relations = " and ".join(sympy.sstr(r) for r in self.assumptions())
        if self.support is None:
            remedy = "use other symbols, or grids that are equally long"
            return GridError("grid", "must be possible for some sizes", relations, remedy)
        remedy = "use another symbol or a smaller support, or leave it out to use the whole grid"
        return SupportError("support", "must fit on the grid for some sizes", relations, remedy)

    @staticmethod
    def _too_wide(axis: Axis, what: str, length: sympy.Expr) -> SupportError:
        return SupportError(
            "support",
            f"must not be larger than the periodic grid along {axis.name}",
            f"{what} on a grid of length {length}",
            "shrink the support, or leave it out to use the whole grid",
        )

    def by_axis(self) -> list[np.ndarray]:
        """The classes along every axis, as rows (p, q, displacement units)."""
        bounded = self.support is not None and self.support.spans is not None
        counts = [self._count_along(i) for i in range(len(self.axes))] if bounded else []
        refuse_classes(prod(int(n) for n in counts if n.is_Integer), 8 * 8 * len(counts))
        return [list_classes(axis, self._values(i)) for i, axis in enumerate(self.axes)]

    def _values(self, i: int) -> tuple[Fraction, ...] | None:
        """The displacements that occur along one axis."""
        if self.support is None or self.support.spans is None:
            return None if self.support is None else self.support.values(i)
        span = self.support.spans[i]
        return None if span is None else self.axes[i].met(span).values()

    def listing(self) -> np.ndarray:
        """Integer array (classes, axes, 3) of (p, q, displacement units), displacement varying fastest."""
        per_axis = self.by_axis()
        refuse_classes(prod(len(rows) for rows in per_axis), 8 * 8 * max(len(self.axes), 1))
        grids = np.meshgrid(*(np.arange(len(rows)) for rows in per_axis), indexing="ij") if per_axis else []
        picks = [g.reshape(-1) for g in grids]
        kind = np.result_type(np.int64, *per_axis)
        columns = np.zeros((len(per_axis), 3, len(picks[0]) if picks else 1), dtype=kind)
        table = np.moveaxis(columns, -1, 0)  # columns lie together: they are worked on one by one
        for i, rows in enumerate(per_axis):
            table[:, i] = rows[picks[i]]
        if self.support is not None and self.support.points is not None:
            table = table[self._inside(table)]
        return table

    def _inside(self, table: np.ndarray) -> np.ndarray:
        """Which rows lie at a displacement of the support; around a periodic grid those are one."""
        turns = [axis.turn for axis in self.axes]

        def reduced(rows: list[list[int]]) -> list[list[int]]:
            return [[d % n if n else d for d, n in zip(row, turns, strict=True)] for row in rows]

        points = (self.support.points if self.support else None) or ()
        wanted = [
            [int((d - axis.residue) / axis.mesh) for d, axis in zip(point, self.axes, strict=True)]
            for point in points
        ]
        near = {tuple(row) for row in reduced(wanted)}
        return np.array([tuple(row) in near for row in reduced(table[:, :, 2].tolist())], dtype=bool)


def _product(factors: Iterable[sympy.Expr]) -> sympy.Expr:
    values = list(factors)
    return sympy.S.Zero if any(v == 0 for v in values) else sympy.Mul(*values)
