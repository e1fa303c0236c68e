"""All kernels on R^n: ``K(d) = sum_b f_b(|d|) P_b(d)``, pair by pair of blocks and degree by degree."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import gcd, lcm
from typing import Any, overload

import numpy as np
import sympy
from sympy import ImmutableMatrix, SparseMatrix

from derive.errors import SymbolicError
from derive.hom.intertwiners import Intertwiners, intertwiners
from derive.notation import Named
from derive.pickling import Fields
from derive.space.degrees import Carrier, DegreeMaps, carrier, mapped
from derive.space.names import Names
from derive.space.problem import SpaceProblem
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.factors import Atom, Piece, make_atom
from derive.symmetry.harmonics import Polynomial, harmonic_matrices, harmonics
from derive.symmetry.representation import trivial

CARRIED = 1 << 22  # entries of the matrices of all elements up to which kernels are carried


@dataclass(frozen=True)
class Kernel:
    """One P_b: a matrix of homogeneous harmonic polynomials with P_b(g d) = rho_out(g) P_b(d) rho_in(g)^-1.

    `parity` is that of the polynomials, P_b(-d) = parity P_b(d); `name` what it is called, where it has a
    name: I, [d]_x, S(d d^T). Unpacks as degree, parity, matrix.
    """

    degree: int
    matrix: ImmutableMatrix
    name: Named | None = None

    @property
    def parity(self) -> int:
        return (-1) ** self.degree

    def __iter__(self) -> Iterator[Any]:
        return iter((self.degree, self.parity, self.matrix))

    def dense(self) -> Any:
        """The matrix as an array of SymPy polynomials."""
        return np.array(self.matrix.tolist(), dtype=object).reshape(self.matrix.shape)

    def __repr__(self) -> str:
        shown = str(self.name) if self.name is not None else str(self.matrix.tolist())
        return f"Kernel(degree={self.degree}, {shown if len(shown) < 100 else shown[:97] + '...'})"


@dataclass(frozen=True)
class Harmonic:
    """How a point group acts on harmonic polynomials, and their letters."""

    space: Euclidean
    top: int
    letters: tuple[Any, ...]

    @cached_property
    def pieces(self) -> tuple[Atom, ...]:
        """By degree, for groups that are solved by null spaces."""
        group = self.space.point
        algebra = [g in group.algebra for g in group.generators]
        found = harmonic_matrices([self.space.action[g] for g in group.generators], algebra)
        return tuple(make_atom(group, next(found), f"H_{k}") for k in range(self.top + 1))

    @cached_property
    def polynomials(self) -> tuple[tuple[Polynomial, ...], ...]:
        """By degree: the basis Y."""
        return tuple(harmonics(self.space.dim, k) for k in range(self.top + 1))


@dataclass(frozen=True)
class PairKernels:
    """The kernels between two pieces, by degree."""

    output: Piece
    input: Piece
    harmonic: Harmonic

    @property
    def shape(self) -> tuple[int, int]:
        return self.output.dim, self.input.dim

    @cached_property
    def degrees(self) -> tuple[DegreeMaps, ...]:
        """The kernels of degree 0, 1, ..."""
        way = self._carrier
        if way is not None:
            return tuple(way.degree(k) for k in range(self.harmonic.top + 1))
        return tuple(mapped(self.output, self.input, h) for h in self.harmonic.pieces)

    @cached_property
    def _carrier(self) -> Carrier | None:
        space = self.harmonic.space
        if space.point.algebra or not space.point.generators:
            return None
        found = carrier(space.point, list(space.action.values()), self.output, self.input)
        return found if found.size <= CARRIED else None

    @cached_property
    def dims(self) -> tuple[int, ...]:
        return tuple(degree.dim for degree in self.degrees)

    @cached_property
    def starts(self) -> list[int]:
        return [0, *accumulate(self.dims)]

    def place(self, k: int) -> tuple[int, int]:
        """Kernel k as degree and number in it."""
        degree = bisect_right(self.starts, k) - 1
        return degree, k - self.starts[degree]

    def kernel(self, k: int) -> Kernel:
        """Kernel k, by increasing degree: named where the names of its degree span it."""
        degree, number = self.place(k)
        named = self._named(degree)
        if named is not None:
            return Kernel(degree, *named[number])
        return Kernel(degree, self.polynomial(degree, number))

    @cached_property
    def names(self) -> Names:
        """What kernels between these pieces are called."""
        return Names(self.harmonic.space, self.output, self.input, self.harmonic.letters)

    def _named(self, degree: int) -> Sequence[tuple[ImmutableMatrix, Named]] | None:
        known = self._by_name
        if degree not in known:
            found = self.names.of_degree(degree)
            known[degree] = found if len(found) == self.dims[degree] else None
        return known[degree]

    @cached_property
    def _by_name(self) -> dict[int, Any]:
        """By degree; filled as kernels are asked for."""
        return {}

    def polynomial(self, degree: int, number: int) -> ImmutableMatrix:
        """The matrix of polynomials of a solution, with coprime integers where they are rational."""
        y, terms = self.harmonic.polynomials[degree], self.degrees[degree].terms(number)
        entries = {at: _combined(row, y) for at, row in terms.items()}
        scale = _common([c for entry in entries.values() for c in entry.values()])
        written = {at: self._written(entry, scale) for at, entry in entries.items()}
        return ImmutableMatrix(SparseMatrix(*self.shape, written))

    def _written(self, entry: dict[tuple[int, ...], Any], scale: Any) -> Any:
        letters = self.harmonic.letters
        monomials = (sympy.Mul(*(x**k for x, k in zip(letters, e, strict=True))) for e in entry)
        pairs = zip(entry.values(), monomials, strict=True)
        return sympy.Add(*(sympy.expand(c * scale) * m for c, m in pairs))


def _combined(row: dict[int, Any], y: Sequence[Polynomial]) -> dict[tuple[int, ...], Any]:
    """``sum_a row[a] Y_a`` by the coefficient of each monomial."""
    total: dict[tuple[int, ...], Any] = {}
    for a, c in row.items():
        for e, k in y[a].items():
            total[e] = total.get(e, 0) + c * k
    expanded = {e: c if c.is_Rational else sympy.expand(c) for e, c in total.items()}
    return {e: c for e, c in expanded.items() if c != 0}


def _common(numbers: Sequence[Any]) -> sympy.Rational:
    """The rational number that makes the rational parts of all numbers coprime integers."""
    parts = [t.as_coeff_Mul()[0] for c in numbers for t in sympy.Add.make_args(c)]
    rational = [c for c in parts if c.is_Rational] or [sympy.S.One]
    top, bottom = gcd(*(int(c.p) for c in rational)), lcm(*(int(c.q) for c in rational))
    return sympy.Rational(bottom, top)


@dataclass(frozen=True)
class SpacePair:
    """One block of the input and one of the output: the kernels of their pieces, for each pair of copies."""

    kernels: PairKernels
    copies_out: Any
    copies_in: Any
    row: Any
    column: Any

    @property
    def dims(self) -> tuple[Any, ...]:
        return tuple(k * self.copies_in * self.copies_out for k in self.kernels.dims)


@dataclass(frozen=True)
class SpaceAnswer(Fields):
    """Every kernel, numbered by pair of blocks, then degree, then input copy, output copies fastest."""

    problem: SpaceProblem

    @cached_property
    def pairs(self) -> tuple[SpacePair, ...]:
        """Pairs of blocks, output blocks outermost."""
        harmonic = Harmonic(self.problem.group, self.problem.top, self.problem.letters)
        solved: dict[tuple[Piece, Piece], PairKernels] = {}
        found, row = [], sympy.S.Zero
        for copies_out, output in self.problem.y.fibre.blocks:
            column = sympy.S.Zero
            for copies_in, piece in self.problem.x.fibre.blocks:
                kernels = solved.setdefault((output, piece), PairKernels(output, piece, harmonic))
                found.append(SpacePair(kernels, copies_out, copies_in, row, column))
                column = column + copies_in * piece.dim
            row = row + copies_out * output.dim
        return tuple(found)

    @property
    def name(self) -> str:
        """What is mapped to what, under which group."""
        x, y = self.problem.x, self.problem.y
        return (
            f"{x.fibre.name} -> {y.fibre.name} on R^{self.problem.group.dim} under {self.problem.group.point}"
        )

    @cached_property
    def by_degree(self) -> tuple[sympy.Expr, ...]:
        """How many kernels there are of harmonic degree 0, 1, ..."""
        columns = zip(*(pair.dims for pair in self.pairs), strict=True)
        found = tuple(sympy.sympify(sum(dims)) for dims in columns)
        return found or (sympy.S.Zero,) * (self.problem.top + 1)

    @property
    def dim(self) -> sympy.Expr:
        """How many kernels there are in all."""
        return sympy.Add(*self.by_degree)

    @cached_property
    def listed_dim(self) -> int:
        """How many kernels are listed; copies must be numbers."""
        if not all(n.is_Integer for n in map(sympy.sympify, (self.dim, *self.shape))):
            raise SymbolicError(
                "kernels", "need numbers of copies", self.name, "substitute the symbols first"
            )
        return int(self.dim)

    @property
    def shape(self) -> tuple[Any, Any]:
        """(out, in)."""
        return self.problem.y.fibre.dim, self.problem.x.fibre.dim

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(int(sum(pair.dims)) for pair in self.pairs)]

    def kernel(self, k: int) -> Kernel:
        """Kernel k as a matrix of the whole fibres."""
        pair = self.pairs[bisect_right(self._starts, k) - 1]
        number, copy_out = divmod(k - self._starts[bisect_right(self._starts, k) - 1], pair.copies_out)
        number, copy_in = divmod(number, pair.copies_in)
        small = pair.kernels.kernel(number)
        if self.shape == pair.kernels.shape:
            return small
        top = int(pair.row) + copy_out * pair.kernels.shape[0]
        left = int(pair.column) + copy_in * pair.kernels.shape[1]
        entries = {(top + i, left + j): v for (i, j), v in small.matrix.todok().items()}
        return Kernel(small.degree, ImmutableMatrix(SparseMatrix(*map(int, self.shape), entries)))

    def element(self, k: int) -> Kernel:
        """The same, as bases list it."""
        return self.kernel(k)

    @cached_property
    def at_origin(self) -> Intertwiners:
        """What K may be at d = 0: maps that the whole point group fixes."""
        return intertwiners(self.problem.x.fibre, self.problem.y.fibre)

    @cached_property
    def constant(self) -> Intertwiners:
        """The bias: vectors of the output that the point group fixes."""
        return intertwiners(trivial(self.problem.group.point), self.problem.y.fibre)


class Kernels(Sequence[Kernel]):
    """The kernels P_b of an answer, made as they are asked for."""

    def __init__(self, answer: SpaceAnswer) -> None:
        self._answer = answer

    def __len__(self) -> int:
        return self._answer.listed_dim

    @overload
    def __getitem__(self, index: int) -> Kernel: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Kernel]: ...

    def __getitem__(self, index: int | slice) -> Kernel | Sequence[Kernel]:
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"kernel {index} of {len(self)}")
        return self._answer.kernel(index % len(self))

    def __repr__(self) -> str:
        return f"Kernels({self._answer.name}: {self._answer.dim})"
