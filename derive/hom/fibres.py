"""Fibre maps that a subgroup fixes, rho_out(s) B = B rho_in(s), and their images under the group."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from derive.hom.intertwiners import PieceMaps, intertwiners
from derive.hom.tensors import OrbitTensors
from derive.orbits.invariants import InvariantTensors
from derive.symmetry.arrays import element_matrices, over_elements, simplified
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group
from derive.symmetry.monomial import Monomial, identity_map
from derive.symmetry.representation import from_blocks


@dataclass(frozen=True, eq=False)
class Entries:
    """Sparse fibre maps: entry j of map `which[j]` is `values[j]` at (`rows[j]`, `columns[j]`)."""

    which: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class FibreMaps:
    """All linear maps between two pieces of one point group, and how its elements act on them."""

    point: Group
    output: Piece
    input: Piece

    @property
    def shape(self) -> tuple[int, int]:
        return self.output.dim, self.input.dim

    @cached_property
    def monomial(self) -> bool:
        """Whether every generator permutes the channels up to sign."""
        pieces = (self.output, self.input)
        maps = [piece.monomial(g) for piece in pieces for g in self.point.generators]
        return all(m is not None and m.order <= 2 for m in maps)

    def fixed(self, stabiliser: Sequence[int]) -> Entries:
        """A basis of the maps fixed by a subgroup, given by its elements."""
        if len(stabiliser) == 1:
            rows, columns = np.divmod(np.arange(self.shape[0] * self.shape[1]), self.shape[1])
            return Entries(np.arange(len(rows)), rows, columns, np.ones(len(rows), dtype=np.int64))
        V, W = (from_blocks(self.point, [(1, piece)]) for piece in (self.input, self.output))
        if len(stabiliser) < self.point.order:
            words = self.point.elements.words
            chosen = generating(self.point.elements.table, stabiliser)
            subgroup = self.point.subgroup({f"g{e}": words[e] for e in chosen})
            V, W = V.restrict(subgroup), W.restrict(subgroup)
        return entries_of(intertwiners(V, W).pairs[0].maps)

    def moved(self, element: int, maps: Entries) -> Entries:
        """rho_out(g) B rho_in(g)^-1 for every map B."""
        if self.monomial:
            out, into = self._monomials[0][element], self._monomials[1][element]
            signs = 1 - 2 * ((_signs(out)[maps.rows] + _signs(into)[maps.columns]) % 2)
            return Entries(maps.which, out.image[maps.rows], into.image[maps.columns], maps.values * signs)
        left, right = self._matrices[0][element], self._inverses[element]
        count = int(maps.which.max(initial=-1)) + 1
        dense = np.zeros((count, *self.shape), dtype=object)
        dense[maps.which, maps.rows, maps.columns] = maps.values
        dense = np.array([left.dot(b).dot(right) for b in dense], dtype=object).reshape(count, *self.shape)
        which, rows, columns = np.nonzero(dense != 0)
        return Entries(which, rows, columns, _narrow(dense[which, rows, columns]))

    @cached_property
    def _monomials(self) -> tuple[list[Monomial], list[Monomial]]:
        out, into = (
            self._over(piece.dim, {g: piece.monomial(g) for g in self.point.generators})
            for piece in self._pair
        )
        return out, into

    @property
    def _pair(self) -> tuple[Piece, Piece]:
        return self.output, self.input

    def _over(self, dim: int, images: dict[str, Any]) -> list[Any]:
        return over_elements(self.point.elements, images, identity_map(dim), lambda g, h: g * h)

    @cached_property
    def _matrices(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        out, into = (element_matrices(self.point, piece) for piece in self._pair)
        return out, into

    @cached_property
    def _inverses(self) -> list[np.ndarray]:
        return [self._matrices[1][int(e)] for e in self.point.elements.inverse]


def entries_of(maps: PieceMaps) -> Entries:
    """The basis of all equivariant maps between two pieces."""
    tensors = maps.tensors
    if isinstance(tensors, OrbitTensors) and tensors.orbits.order <= 2:
        return _by_orbit(tensors.orbits, maps.shape)
    elements = [maps.element(k) for k in range(maps.dim)]
    which = np.repeat(np.arange(len(elements)), [len(e.rows) for e in elements])
    join = lambda parts, kind: np.concatenate(parts) if parts else np.zeros(0, dtype=kind)  # noqa: E731
    return Entries(
        which,
        join([e.rows for e in elements], int),
        join([e.columns for e in elements], int),
        join([e.values for e in elements], np.int64),
    )


def _by_orbit(orbits: InvariantTensors, shape: tuple[int, int]) -> Entries:
    """Every orbit as a map of signs."""
    labels, phases = orbits.labels.reshape(-1), orbits.phases.reshape(-1)
    places = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
    rows, columns = np.divmod(places, shape[1])
    return Entries(labels[places], rows, columns, 1 - 2 * phases[places])


def _narrow(values: np.ndarray) -> np.ndarray:
    """64-bit integers where they suffice."""
    flat = [simplified(v) for v in values]
    exact = all(isinstance(v, int | np.integer) for v in flat)
    return np.array(flat, dtype=np.int64 if exact else object)


def _signs(m: Monomial) -> np.ndarray:
    return m.phase if m.order == 2 else np.zeros_like(m.phase)


def generating(table: np.ndarray, subgroup: Sequence[int]) -> list[int]:
    """Few elements that generate a subgroup given by all of them."""
    chosen: list[int] = []
    reached = {0}
    for e in subgroup:
        if e not in reached:
            chosen.append(e)
            reached = generated(table, chosen)
    return chosen


def generated(table: np.ndarray, chosen: Collection[int]) -> set[int]:
    """The numbers of all products of these elements."""
    reached, frontier = {0}, [0]
    while frontier:
        images = {int(table[g, h]) for g in chosen for h in frontier} - reached
        reached |= images
        frontier = list(images)
    return reached


def cosets(table: np.ndarray, subgroup: Sequence[int]) -> list[int]:
    """The least element of every left coset e S of a subgroup."""
    return np.unique(table[:, list(subgroup)].min(axis=1)).tolist()
