"""Intertwiners of two representations: every equivariant linear map, by orbits or by null spaces.

``rho_out(g) A = A rho_in(g)``. Copies are not solved again, ``Hom(m V, n W)`` is n x m times ``Hom(V, W)``,
and a pair of pieces that occurs twice is solved once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from derive.errors import SymbolicError
from derive.hom.tensors import Tensors, fixed_tensors
from derive.linear.field import common_field
from derive.orbits.invariants import read_index, refuse_entries
from derive.pickling import Arrays, Fields
from derive.symmetry.factors import Factor, Piece, tensor
from derive.symmetry.group import Group
from derive.symmetry.integers import ravel
from derive.symmetry.representation import Representation, same_group


@dataclass(frozen=True, eq=False)
class Element(Arrays):
    """One exact equivariant matrix, by its nonzero entries in row-major order.

    Attributes:
        values: 64-bit integers, or SymPy numbers where those do not suffice.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]

    def dense(self) -> np.ndarray:
        """The (out, in) matrix.

        Raises:
            TooLargeError: it would not fit in memory.
        """
        refuse_entries("dense element", prod(self.shape), remedy="ask for its rows, columns and values")
        out = np.zeros(self.shape, dtype=self.values.dtype)
        if out.dtype == object:
            from sympy import Integer

            out[:] = Integer(0)
        out[self.rows, self.columns] = self.values
        return out


@dataclass(frozen=True)
class PieceMaps:
    """The equivariant maps between two pieces.

    Attributes:
        tensors: the solution as tensors on the factors of the output, then of the input. An `OrbitTensors`
            has its orbits (`.orbits.labels`, `.slices()`, `.leaf(k)`), a `LinearTensors` its basis.
    """

    output: Piece
    input: Piece
    tensors: Tensors

    @property
    def dim(self) -> int:
        return self.tensors.dim

    @property
    def shape(self) -> tuple[int, int]:
        return (self.output.dim, self.input.dim)

    def element(self, k: int) -> Element:
        """Map k, as a sparse exact matrix."""
        points, values = self.tensors.members(k)
        split, sizes = len(self.output.factors), self._sizes
        rows = ravel(list(points[:, :split].T), sizes[:split])
        columns = ravel(list(points[:, split:].T), sizes[split:])
        return Element(rows, columns, values, self.shape)

    def leading(self, k: int) -> tuple[int, int, Any]:
        """The first nonzero entry of map k, in row-major order: row, column, value."""
        point, value = self.tensors.leading(k)
        split, sizes = len(self.output.factors), self._sizes
        row, column = (
            ravel([np.array([i]) for i in part], of)
            for part, of in ((point[:split], sizes[:split]), (point[split:], sizes[split:]))
        )
        return int(row[0]), int(column[0]), value

    def size(self, k: int) -> int:
        """How many entries of map k are not zero."""
        return self.tensors.size(k)

    @property
    def _sizes(self) -> list[int]:
        return [f.dim for f in (*self.output.factors, *self.input.factors)]


def maps_between(group: Group, outputs: list[Factor], inputs: list[Factor]) -> PieceMaps:
    """The equivariant maps between two tensor products of factors."""
    out, into = tensor(group, outputs), tensor(group, inputs)
    return PieceMaps(out, into, fixed_tensors(group, out.factors, into.factors))


@dataclass(frozen=True)
class BlockPair:
    """One block of the input and one of the output: the maps of their pieces, for each pair of copies."""

    maps: PieceMaps
    copies_out: Any
    copies_in: Any
    row: Any
    column: Any

    @property
    def dim(self) -> Any:
        return self.maps.dim * self.copies_in * self.copies_out

    def place(self, k: int) -> tuple[int, int, int]:
        """Element k as (map of the pieces, input copy, output copy), the last running fastest."""
        k, copy_out = divmod(k, self.copies_out)
        k, copy_in = divmod(k, self.copies_in)
        return k, copy_in, copy_out


@dataclass(frozen=True)
class Intertwiners(Fields):
    """All equivariant linear maps from V to W, exactly.

    Elements are numbered by block pair (output blocks outermost), then map of the pieces, then input copy,
    then output copy. Their matrices are the reduced echelon basis of each block pair, scaled to coprime
    integers: the first nonzero entry in row-major order is positive, and 1 for orbits.
    """

    V: Representation
    W: Representation
    pairs: tuple[BlockPair, ...]

    @property
    def dim(self) -> Any:
        """The exact dimension; an expression when copies are symbolic."""
        return sum((p.dim for p in self.pairs), 0)

    @property
    def shape(self) -> tuple[Any, Any]:
        return (self.W.dim, self.V.dim)

    @cached_property
    def _starts(self) -> list[int]:
        dims = [p.dim for p in self.pairs]
        if not all(isinstance(d, int) for d in [*dims, *self.shape]):
            raise SymbolicError(
                "element", "needs numbers of copies", self.dim, "substitute the symbols first"
            )
        return [0, *accumulate(dims)]

    def element(self, k: int) -> Element:
        """Equivariant matrix k."""
        pair, k, copy_in, copy_out = self._place(k)
        small = pair.maps.element(k)
        rows = small.rows + pair.row + copy_out * small.shape[0]
        columns = small.columns + pair.column + copy_in * small.shape[1]
        return Element(rows, columns, small.values, self.shape)

    def leading(self, k: int) -> tuple[int, int, Any]:
        """The first nonzero entry of matrix k, in row-major order: row, column, value."""
        pair, k, copy_in, copy_out = self._place(k)
        row, column, value = pair.maps.leading(k)
        rows, columns = pair.maps.shape
        return row + pair.row + copy_out * rows, column + pair.column + copy_in * columns, value

    def size(self, k: int) -> int:
        """How many entries of matrix k are not zero."""
        pair, k, _, _ = self._place(k)
        return pair.maps.size(k)

    def _place(self, k: int) -> tuple[BlockPair, int, int, int]:
        """The pair of blocks of element k, and where it is in it: map, input copy, output copy."""
        k = read_index(k, self._starts[-1], "element")
        at = bisect_right(self._starts, k) - 1
        return (self.pairs[at], *self.pairs[at].place(k - self._starts[at]))

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[Element]:
        return (self.element(k) for k in range(len(self)))


def intertwiners(V: Representation, W: Representation) -> Intertwiners:
    """Solve ``rho_W(g) A = A rho_V(g)`` for every generator: all equivariant linear maps from V to W.

    For generators of a Lie algebra the equation is ``d rho_W A = A d rho_V``. Restrict both representations
    to solve for a subgroup.

    Args:
        V: the input.
        W: the output, of the same group.

    Raises:
        RepresentationError: the representations belong to different groups.
        TooLargeError: the problem would not fit in memory.

    >>> from derive.symmetry.catalogue import symmetric
    >>> from derive.symmetry.standard import permutation
    >>> V = permutation(symmetric(5))
    >>> intertwiners(V, V).dim, intertwiners(V**2, V**2).dim
    (2, 15)
    >>> intertwiners(V, V).element(0).dense()[0].tolist()
    [1, 0, 0, 0, 0]
    """
    same_group(V, W)
    solved: dict[tuple[Piece, Piece], PieceMaps] = {}
    pairs, read = [], cache(common_field)  # the same few matrices, pair after pair
    for row, copies_out, output in _placed(W):
        for column, copies_in, piece in _placed(V):
            if (output, piece) not in solved:
                tensors = fixed_tensors(V.group, output.factors, piece.factors, read)
                solved[output, piece] = PieceMaps(output, piece, tensors)
            pairs.append(BlockPair(solved[output, piece], copies_out, copies_in, row, column))
    return Intertwiners(V, W, tuple(pairs))


def _placed(V: Representation) -> list[tuple[Any, Any, Piece]]:
    """(first channel, copies, piece) of each block."""
    at: Any = 0
    out = []
    for copies, piece in V.blocks:
        out.append((at, copies, piece))
        at = at + copies * piece.dim
    return out
