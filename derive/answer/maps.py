"""The answer without a lattice: all equivariant maps between two representations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import Eq, IndexedBase, Sum, Symbol

from derive.answer.certificate import Certificate
from derive.answer.counting import hom_dimension
from derive.answer.plain_maps import PlainMaps, plain_maps
from derive.answer.projection import Projection, embedding, project
from derive.answer.residuals import Checks
from derive.errors import RepresentationError
from derive.methods.intertwiners import Intertwiners, PieceMaps, intertwiners
from derive.methods.tensors import OrbitTensors
from derive.notation import Mixing
from derive.steps import Derivation
from derive.symmetry.groups import Group
from derive.symmetry.representations import Representation, trivial
from derive.symmetry.words import format_word

REASONS = 3  # entries for which a word is printed
WORDS = 1 << 20  # signed entries up to which words are searched


@dataclass(frozen=True)
class MapBasis(Sequence):
    """The exact basis, one matrix per free weight."""

    maps: Intertwiners

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"basis index {index} out of range for dimension {len(self)}")
        return self.maps.element(int(index) % len(self))


@dataclass(frozen=True)
class MapSolution:
    """All matrices with rho_y(g) A = A rho_x(g), and all fixed vectors b."""

    x: Representation
    y: Representation
    bias: bool = True

    @cached_property
    def maps(self) -> Intertwiners:
        return intertwiners(self.x, self.y)

    @cached_property
    def bias_maps(self) -> Intertwiners:
        return intertwiners(trivial(self.x.group), self.y)

    @cached_property
    def dim(self) -> sympy.Expr:
        """How many weights are free, the bias not counted."""
        return sympy.sympify(self.maps.dim)

    @cached_property
    def bias_dim(self) -> sympy.Expr:
        """How many numbers the bias holds."""
        return sympy.sympify(self.bias_maps.dim) if self.bias else sympy.S.Zero

    @property
    def basis(self) -> MapBasis:
        """The exact basis; `basis[k].dense()` is an (out, in) array."""
        return MapBasis(self.maps)

    @property
    def assumptions(self) -> tuple[sympy.Basic, ...]:
        return ()

    @cached_property
    def operator(self) -> Eq:
        """y[i] = Sum(A[i,c] x[c]) + b[i]."""
        i, c = (Symbol(name, integer=True) for name in "ic")
        A, b, x, y = (IndexedBase(name) for name in ("A", "b", "x", "y"))
        total = Sum(A[i, c] * x[c], (c, 0, sympy.sympify(self.x.dim) - 1))
        return Eq(y[i], total + b[i] if self.bias else total, evaluate=False)

    @cached_property
    def constraint(self) -> sympy.Tuple:
        """rho_y(g) A = A rho_x(g) for every generator g, entry by entry."""
        i, j, c = (Symbol(name, integer=True) for name in "ijc")
        A = IndexedBase("A")
        rows, columns = sympy.sympify(self.y.dim), sympy.sympify(self.x.dim)
        found = []
        for name in self.x.group.generators:
            out, into = IndexedBase(Mixing("y", name)), IndexedBase(Mixing("x", name))
            left = Sum(out[i, j] * A[j, c], (j, 0, rows - 1))
            right = Sum(A[i, j] * into[j, c], (j, 0, columns - 1))
            found.append(Eq(left, right, evaluate=False))
        return sympy.Tuple(*found)

    @cached_property
    def derivation(self) -> Derivation:
        """The numbered steps: one constraint per generator, the orbits with witness words, the count."""
        from derive.equation.groups.chapters import derive_maps

        return derive_maps(self.x, self.y, self.bias)

    @cached_property
    def certificate(self) -> Certificate:
        """The proof that the answer is right and complete."""
        counted = hom_dimension(self.x, self.y)
        expected, method = counted if counted is not None else (None, "no independent formula for this group")
        checks = Checks(self.x.group, self.maps)
        return Certificate(
            checks.residual, checks.independent, self.dim, expected, method, scope=checks.scope
        )

    def project(self, a: Any) -> Projection:
        """The equivariant matrix nearest to `a`, (out, in): B (B^T B)^-1 B^T a, exact for exact input."""
        return project(self.basis, self._shape, a)

    @property
    def _shape(self) -> tuple[int, int]:
        rows, columns = self.maps.shape
        return int(rows), int(columns)

    def restrict(self, subgroup: Group) -> tuple[MapSolution, sympy.ImmutableMatrix]:
        """The solution under a subgroup, and the exact E with B_here = B_there E."""
        found = MapSolution(self.x.restrict(subgroup), self.y.restrict(subgroup), self.bias)
        return found, embedding(self.basis, found.basis, self._shape)

    def plain(
        self, sizes: Mapping[str, int] | None = None, channels: Sequence[int] | None = None
    ) -> PlainMaps:
        """The answer as plain NumPy for lowering, with numbers for all symbols."""
        return plain_maps(self, sizes, channels)

    def why_zero(self) -> str:
        """Why no map is equivariant, in words."""
        if self.dim != 0:
            return f"the answer is not zero: {self.dim} weights are free"
        said = (
            f"every map is zero: {self.x.name} and {self.y.name} have no constituent in common under "
            f"{self.x.group.name} (counted independently: {self.certificate.expected_dim})"
        )
        kinds = dict.fromkeys(pair.maps for pair in self.maps.pairs)
        return "\n".join([said, *(line for maps in kinds for line in _reasons(maps))])

    def __repr__(self) -> str:
        return f"Solution({self.x.name} -> {self.y.name} under {self.x.group.name}: {self.dim} free weights)"


def _reasons(maps: PieceMaps) -> list[str]:
    """For some entries a word that returns each to its place times another number, so that it is zero."""
    tensors = maps.tensors
    if not isinstance(tensors, OrbitTensors) or prod(maps.shape) * tensors.orbits.order > WORDS:
        return []
    orbits, split = tensors.orbits, len(maps.output.factors)
    what = "its negative" if orbits.order == 2 else "another multiple of itself"
    dead, said = orbits.vanishing(), []
    for member in dead[:REASONS]:
        row, column = (
            int(np.ravel_multi_index(member[side], orbits.shape[side]))
            for side in (slice(None, split), slice(split, None))
        )
        word = format_word(orbits.vanishing_word(member))
        said.append(f"  A[{row},{column}] is carried by {word} to {what}")
    more = len(dead) - len(said)
    return said + ([f"  and {more} further orbits of entries in the same way"] if more else [])


def solve_maps(x: Representation, y: Representation, support: Any, bias: bool) -> MapSolution:
    """All equivariant maps between two representations of one group."""
    if support is not None:
        raise RepresentationError("support", "needs fields on a lattice", support, "leave it out")
    if x.group != y.group:
        raise RepresentationError(
            "x, y",
            "must be representations of one group",
            f"{x.group.name} and {y.group.name}",
            "build both on one",
        )
    return MapSolution(x, y, bias)
