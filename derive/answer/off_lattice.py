"""The answer without a lattice: all equivariant maps between two representations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
import sympy

from derive.answer.embedding import BasisBlock, map_blocks
from derive.answer.plain_maps import PlainMaps, plain_maps
from derive.counting.count import hom_dimension
from derive.derivation.found import Found
from derive.hom.intertwiners import Element, Intertwiners, PieceMaps, intertwiners
from derive.hom.tensors import OrbitTensors
from derive.lattice.free import FreeMap, FreeOrbit
from derive.lattice.problem import Problem
from derive.pickling import Fields
from derive.symmetry.group import Group
from derive.symmetry.representation import Representation
from derive.symmetry.words import format_word

REASONS = 3  # entries for which a word is printed
WORDS = 1 << 20  # signed entries up to which words are searched


@dataclass(frozen=True)
class MapAnswer(Fields):
    """All matrices with rho_y(g) A = A rho_x(g), pair by pair of blocks."""

    problem: Problem

    @property
    def x(self) -> Representation:
        return self.problem.x.fibre

    @property
    def y(self) -> Representation:
        return self.problem.y.fibre

    @property
    def group(self) -> Group:
        return self.problem.group.point

    @cached_property
    def maps(self) -> Intertwiners:
        return intertwiners(self.x, self.y)

    @property
    def name(self) -> str:
        """What is mapped to what, under which group."""
        return f"{self.x.name} -> {self.y.name} under {self.group.name}"

    @cached_property
    def dim(self) -> sympy.Expr:
        """The number of free weights."""
        return sympy.sympify(self.maps.dim)

    @property
    def listed_dim(self) -> int:
        """How many basis elements are listed."""
        return len(self.maps)

    @property
    def shape(self) -> tuple[Any, Any]:
        """(out, in)."""
        return self.maps.shape

    def element(self, k: int) -> Element:
        """Basis element k."""
        return self.maps.element(k)

    @property
    def found(self) -> tuple[Found, ...]:
        """For every pair of blocks: the maps at the one class that there is."""
        return tuple(
            Found(sympy.sympify(pair.maps.dim), sympy.S.One, partial(_one_orbit, pair.maps))
            for pair in self.maps.pairs
        )

    @property
    def basis_blocks(self) -> list[BasisBlock]:
        """The basis as sparse columns, block by block."""
        return map_blocks(self.maps)

    def plain(self, bias: Any, description: str) -> PlainMaps:
        """The answer as plain NumPy for lowering; copies must be numbers."""
        return plain_maps(self.maps, bias.maps if bias is not None else None, description)

    def why_zero(self) -> str:
        """Why no map is equivariant, in words."""
        counted = hom_dimension(self.x, self.y)
        expected = counted[0] if counted is not None else None
        said = (
            f"every map is zero: {self.x.name} and {self.y.name} have no constituent in common under "
            f"{self.group.name} (counted independently: {expected})"
        )
        kinds = dict.fromkeys(pair.maps for pair in self.maps.pairs)
        return "\n".join([said, *(line for maps in kinds for line in _reasons(maps))])


def _one_orbit(maps: PieceMaps) -> tuple[FreeOrbit, ...]:
    """Without sites there is one class, and every map stands there."""
    elements = (maps.element(k) for k in range(maps.dim))
    return (FreeOrbit((), tuple(FreeMap(e.rows, e.columns, e.values) for e in elements)),)


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
