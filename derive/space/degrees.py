"""Kernels of one harmonic degree between two pieces: ``K(d)[i, c] = sum_a B[i, a, c] Y_a(d)``.

``K(g d) = rho_out(g) K(d) rho_in(g)^-1`` holds exactly when B is an equivariant map from the product of the
harmonic polynomials with the input. Where a finite group only permutes the components of a side, up to
signs, one component of each orbit determines the others: solve there for what its stabiliser fixes, and carry
it along.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import accumulate
from math import gcd, lcm, prod
from typing import Any

import numpy as np
import sympy

from derive.hom.intertwiners import PieceMaps, maps_between
from derive.orbits.invariants import read_index
from derive.pickling import Fields
from derive.space.elements import ElementMatrices
from derive.space.numbers import Exact, first_independent
from derive.symmetry.arrays import over_elements
from derive.symmetry.factors import Piece, tensor, trivial_atom
from derive.symmetry.group import Group
from derive.symmetry.monomial import kronecker

PERMUTED = 1 << 24  # components times group elements up to which orbits of components are followed
Terms = dict[tuple[int, int], dict[int, Any]]  # at (row, column): the coefficient of each Y_a


@dataclass(frozen=True)
class MappedDegree(Fields):
    """By null spaces: maps from harmonics x input to the output."""

    maps: PieceMaps
    columns: int

    @property
    def dim(self) -> int:
        return self.maps.dim

    def terms(self, k: int) -> Terms:
        """Kernel k."""
        element = self.maps.element(k)
        found: Terms = {}
        places = zip(element.rows.tolist(), element.columns.tolist(), element.values.tolist(), strict=True)
        for row, column, value in places:
            a, c = divmod(column, self.columns)
            found.setdefault((row, c), {})[a] = sympy.sympify(value)
        return found


@dataclass(frozen=True)
class ComponentOrbits(Fields):
    """The orbits of components under a finite group that permutes them up to signs.

    `pieces`: the sides that it permutes, the output first; with both, components are pairs (i, c).
    """

    pieces: tuple[Piece, ...]

    @property
    def group(self) -> Group:
        return self.pieces[0].group

    @property
    def size(self) -> int:
        return prod(p.dim for p in self.pieces)

    @cached_property
    def moves(self) -> tuple[np.ndarray, np.ndarray]:
        """By element and component: the component that it goes to, and the sign that it takes on."""
        images = {g: self._move(g) for g in self.group.generators}
        start = np.arange(self.size), np.ones(self.size, dtype=np.int64)
        found = over_elements(
            self.group.elements, images, start, lambda g, h: (g[0][h[0]], g[1][h[0]] * h[1])
        )
        return np.stack([f[0] for f in found]), np.stack([f[1] for f in found])

    def _move(self, generator: str) -> tuple[np.ndarray, np.ndarray]:
        maps = [m for m in (p.monomial(generator) for p in self.pieces) if m is not None]
        both = kronecker(maps)
        return both.image, 1 - 2 * (both.phase if both.order == 2 else np.zeros_like(both.phase))

    @cached_property
    def representatives(self) -> tuple[int, ...]:
        """The least component of each orbit."""
        return tuple(np.unique(self.moves[0].min(axis=0)).tolist())

    def stabiliser(self, component: int) -> dict[int, int]:
        """The elements that fix a component, each with its sign."""
        images, signs = self.moves
        return {int(e): int(signs[e, component]) for e in np.flatnonzero(images[:, component] == component)}


@dataclass(frozen=True)
class CarriedDegree(Fields):
    """By representatives and stabilisers: ``k_(g p) = sign rho_l(g^-1)^T k_p rho_f(g^-1)``.

    k_p holds the coefficients of component p of the sides that are permuted, by Y_a and by component f of the
    rest: the input, the dual of the output, or both. What the stabiliser fixes are sums over it,
    ``sum_s sign(s) rho_l(s^-1)[a, :] x rho_f(s^-1)[f, :]``, and a trace says how many are independent.
    """

    orbits: ComponentOrbits
    matrices: ElementMatrices  # of the one piece that is not permuted
    degree: int
    sides: Sides

    @cached_property
    def _harmonic(self) -> Exact:
        return self.matrices.harmonic(self.degree)

    @cached_property
    def _fibre(self) -> Exact:
        return self.matrices.piece(0)

    @property
    def _shape(self) -> tuple[int, int]:
        return self._harmonic.shape[-1], self._fibre.shape[-1]

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """By representative: ``(1/|S|) sum_s sign(s) tr rho_l(s) tr rho_f(s)``."""
        return tuple(self._count(self.orbits.stabiliser(p)) for p in self.orbits.representatives)

    def _count(self, stabiliser: dict[int, int]) -> int:
        if len(stabiliser) == 1:
            return prod(self._shape)
        which, signs = list(stabiliser), np.array(list(stabiliser.values()), dtype=object)
        traces = self._harmonic.at(which).trace() * self._fibre.at(which).trace()
        total = (traces.parts * signs).sum(axis=1)
        return int(total[0]) // (traces.denominator * len(which))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self._counts)]

    @property
    def dim(self) -> int:
        return self._starts[-1]

    def _fixed(self, number: int) -> list[Exact]:
        """What the stabiliser of a representative fixes."""
        known = self._solved
        if number not in known:
            stabiliser = self.orbits.stabiliser(self.orbits.representatives[number])
            sums = (((a, f), self._sum(stabiliser, a, f)) for a, f in np.ndindex(*self._shape))
            count = self._counts[number]
            known[number] = [v.primitive() for _, v in first_independent(sums, count, self._fibre.field)]
        return known[number]

    @cached_property
    def _solved(self) -> dict[int, list[Exact]]:
        """By number of a representative; filled as kernels are asked for."""
        return {}

    def _sum(self, stabiliser: dict[int, int], a: int, f: int) -> Exact:
        which, signs = list(stabiliser), np.array(list(stabiliser.values()), dtype=object)
        inverse = self.orbits.group.elements.inverse[which]
        left, right = self._harmonic.at(inverse, a), self._fibre.at(inverse, f)
        terms = left.reshaped(len(which), -1, 1) * right.reshaped(len(which), 1, -1)
        return Exact(terms.field, (terms.parts * signs[:, None, None]).sum(axis=1), terms.denominator)

    def terms(self, k: int) -> Terms:
        """Kernel k."""
        k = read_index(k, self.dim, "kernel")
        number = bisect_right(self._starts, k) - 1
        p, start = self.orbits.representatives[number], self._fixed(number)[k - self._starts[number]]
        images, signs = self.orbits.moves
        inverse = self.orbits.group.elements.inverse
        first = dict(zip(images[::-1, p].tolist(), range(len(images) - 1, -1, -1), strict=True))
        found: Terms = {}
        moved = {
            q: self._harmonic.at(inverse[e]).transposed() @ start @ self._fibre.at(inverse[e])
            for q, e in sorted(first.items())
        }
        scale = _common_scale(moved.values())
        for q, m in moved.items():
            for a, f in np.argwhere(m.parts.any(axis=0)).tolist():
                row, column = self.sides.place(q, f)
                found.setdefault((row, column), {})[a] = int(signs[first[q], p]) * scale * m.entry(a, f)
        return found


def _common_scale(values: Iterable[Exact]) -> sympy.Rational:
    """The rational number that makes all entries together coprime integers."""
    values = list(values)
    bottom = lcm(*(m.denominator for m in values))
    top = reduce(gcd, (int(c) * (bottom // m.denominator) for m in values for c in m.parts.ravel()), 0)
    return sympy.Rational(bottom, top)


@dataclass(frozen=True)
class Sides:
    """Which sides are permuted, and where component p of those and f of the others stands in the matrix."""

    permuted: str  # 'both', 'out', 'in' or 'none'
    columns: int

    def place(self, p: int, f: int) -> tuple[int, int]:
        if self.permuted in ("both", "none"):
            row, column = divmod(p if self.permuted == "both" else f, self.columns)
            return row, column
        return (p, f) if self.permuted == "out" else (f, p)


DegreeMaps = MappedDegree | CarriedDegree


def mapped(output: Piece, input: Piece, harmonic: Piece) -> MappedDegree:
    """All kernels of a degree by a null space, given how the group acts on the harmonic polynomials."""
    maps = maps_between(output.group, list(output.factors), [*harmonic.factors, *input.factors])
    return MappedDegree(maps, input.dim)


def carrier(group: Group, action: Sequence[Any], output: Piece, input: Piece) -> Carrier:
    """How kernels between two pieces of a finite group are carried, whatever their degree."""
    one = trivial_atom(group)
    ways = {"both": ((output, input), one), "out": ((output,), input), "in": ((input,), output.dual)}
    possible = (way for way, (pieces, _) in ways.items() if _is_permuted(pieces))
    permuted = next(possible, "none")
    pieces, rest = ways.get(permuted, ((one,), tensor(group, [output.dual, input])))
    matrices = ElementMatrices(group, tuple(action), (rest,))
    return Carrier(ComponentOrbits(pieces), matrices, Sides(permuted, input.dim))


@dataclass(frozen=True)
class Carrier(Fields):
    """The kernels between two pieces of a finite group, degree by degree."""

    orbits: ComponentOrbits
    matrices: ElementMatrices
    sides: Sides

    @property
    def size(self) -> int:
        """The entries of the matrices of all elements."""
        return self.orbits.group.order * self.matrices.pieces[0].dim ** 2

    def degree(self, degree: int) -> CarriedDegree:
        """All kernels of a degree."""
        return CarriedDegree(self.orbits, self.matrices, degree, self.sides)


def _is_permuted(pieces: Sequence[Piece]) -> bool:
    size = prod(p.dim for p in pieces) * pieces[0].group.order
    return all(map(_is_signed, pieces)) and size <= PERMUTED and max(p.dim for p in pieces) > 1


def _is_signed(piece: Piece) -> bool:
    maps: Sequence[Any] = [piece.monomial(g) for g in piece.group.generators]
    return all(m is not None and m.order <= 2 for m in maps)
