"""The residual of basis elements without a lattice, read off the matrices that users get, block by block.

rho_y(g) A - A rho_x(g) is taken exactly for every part of A between two copies of pieces; where pieces are
tensor products it is taken factor by factor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.certificate.gaps import equation_gap
from derive.certificate.rank import independent
from derive.hom.intertwiners import Element
from derive.lattice.problem import Problem
from derive.symmetry.arrays import exact_entries
from derive.symmetry.factors import Piece
from derive.symmetry.representation import Representation

Places = list[tuple[int, Piece]]


@dataclass(frozen=True, eq=False)
class Matrices:
    """Basis elements of one problem without a lattice, as arrays."""

    problem: Problem
    elements: Sequence[Any]

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        """Every element as users get it."""
        return [exact_entries(element.dense()) for element in self.elements]

    @cached_property
    def fits(self) -> bool:
        """Whether all arrays have the shape that the statement asks for."""
        shape = int(self.problem.y.channels), int(self.problem.x.channels)
        return all(array.shape == shape for array in self.arrays)

    @cached_property
    def residual(self) -> int:
        """The largest entry that is left over, exactly 0 when right."""
        group = self.problem.group.point
        if not self.fits:
            return 1
        return max(
            (
                equation_gap(group, g, output, into, parts)
                for (output, into), parts in self._parts.items()
                for g in group.generators
            ),
            default=0,
        )

    @cached_property
    def _parts(self) -> dict[tuple[Piece, Piece], list[Element]]:
        """The parts of all elements between two copies of pieces, by the two pieces."""
        found: dict[tuple[Piece, Piece], list[Element]] = defaultdict(list)
        for array in self.arrays:
            for (row, output), (column, into) in self._places:
                part = array[row : row + output.dim, column : column + into.dim]
                rows, columns = np.nonzero(part)
                if len(rows):
                    found[output, into].append(Element(rows, columns, part[rows, columns], part.shape))
        return found

    @cached_property
    def _places(self) -> list[tuple[tuple[int, Piece], tuple[int, Piece]]]:
        outs, ins = (list(_copies(field.fibre)) for field in (self.problem.y, self.problem.x))
        return [(out, into) for out in outs for into in ins]

    @cached_property
    def independent(self) -> bool:
        """Whether the matrices are linearly independent."""
        if not self.arrays:
            return True
        return self.fits and independent(np.stack(self.arrays).reshape(len(self.arrays), -1))


def _copies(V: Representation) -> Iterator[tuple[int, Piece]]:
    """The first channel of every copy of every piece."""
    at = 0
    for copies, piece in V.blocks:
        for _ in range(int(copies)):
            yield at, piece
            at += piece.dim
