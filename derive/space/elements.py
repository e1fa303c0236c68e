"""Every element of a finite group as matrices: on harmonic polynomials of each degree, and on fibres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm
from typing import Any

import numpy as np
from sympy import ImmutableMatrix

from derive.pickling import Fields
from derive.space.numbers import Exact, constant, read_exact
from derive.symmetry.arrays import over_elements
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group
from derive.symmetry.harmonics import Step


@dataclass(frozen=True)
class ElementMatrices(Fields):
    """Matrices over one field: of displacements, and of some pieces.

    `action`: the orthogonal matrix of each generator.
    """

    group: Group
    action: tuple[ImmutableMatrix, ...]
    pieces: tuple[Piece, ...]

    @cached_property
    def _read(self) -> list[list[Exact]]:
        """By side, space first, then pieces: the matrix of each generator."""
        generators = self.group.generators
        raw = [*self.action, *(p.matrix(g) for p in self.pieces for g in generators)]
        flat, n = read_exact(raw), len(generators)
        return [flat[k * n : (k + 1) * n] for k in range(1 + len(self.pieces))]

    @property
    def field(self) -> Any:
        return self._read[0][0].field

    def piece(self, k: int) -> Exact:
        """All elements on a piece: (element, row, column)."""
        return self._all(self._read[1 + k])

    @cached_property
    def space(self) -> Exact:
        """All elements on displacements."""
        return self._all(self._read[0])

    @cached_property
    def _ladder(self) -> dict[int, list[Exact]]:
        """By degree: the matrix of each generator on harmonic polynomials; filled as it is climbed."""
        return {0: [constant(self.field, [[1]]) for _ in self.group.generators]}

    def _on_harmonics(self, degree: int) -> list[Exact]:
        """``rho_l(g) = (1/l) sum_ij g_ij lower_i rho_(l-1)(g) upper_j``."""
        known = self._ladder
        if degree not in known:
            step = Step(len(self.action[0].tolist()), degree)
            lower, upper = (self._constants(ms) for ms in (step.lower, step.upper))
            before = self._on_harmonics(degree - 1)
            known[degree] = [
                _raised(g, rho, lower, upper, degree) for g, rho in zip(self._read[0], before, strict=True)
            ]
        return known[degree]

    def _constants(self, matrices: Sequence[Any]) -> list[Exact]:
        found = []
        for m in matrices:
            entries = m.to_dod()
            bottom = lcm(*(int(v.denominator) for row in entries.values() for v in row.values()))
            dense = np.zeros(m.shape, dtype=object)
            for i, row in entries.items():
                for j, v in row.items():
                    dense[i, j] = int(v * bottom)
            found.append(constant(self.field, dense, bottom))
        return found

    def harmonic(self, degree: int) -> Exact:
        """All elements on harmonic polynomials of a degree: (element, row, column)."""
        return self._all(self._on_harmonics(degree))

    def _all(self, generators: Sequence[Exact]) -> Exact:
        size = generators[0].shape[0]
        named = dict(zip(self.group.generators, generators, strict=True))
        unit = constant(self.field, np.eye(size, dtype=object))
        found = over_elements(self.group.elements, named, unit, lambda g, h: g @ h)
        bottom = lcm(*(m.denominator for m in found))
        stacked = np.stack([m.parts * (bottom // m.denominator) for m in found], axis=1)
        return Exact(self.field, stacked, bottom)


def _raised(g: Exact, rho: Exact, lower: list[Exact], upper: list[Exact], degree: int) -> Exact:
    n, total = len(lower), None
    for i in range(n):
        inner = None
        for j in range(n):
            entry = g.at(i, j)
            if entry.any():
                term = entry.reshaped(1, 1) * upper[j]
                inner = term if inner is None else inner + term
        if inner is not None:
            term = lower[i] @ (rho @ inner)
            total = term if total is None else total + term
    assert total is not None
    return Exact(total.field, total.parts, total.denominator * degree).reduced()
