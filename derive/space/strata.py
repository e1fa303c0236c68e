"""Directions that a finite point group fixes: axes and mirrors, and what K may be there.

The points that a subgroup S fixes have dimension ``(1/|S|) sum_s tr s``; a stratum is a largest subgroup with
its fixed points. Decided by traces alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from derive.counting.count import hom_dimension
from derive.hom.fibres import generated, generating
from derive.pickling import Fields
from derive.space.elements import ElementMatrices
from derive.space.problem import SpaceProblem
from derive.symmetry.algebraic import short_number
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.exact import over_common_field
from derive.symmetry.images import as_matrix, image_of_word

Subgroup = frozenset[int]
ORDER = 2_000  # of a point group whose special directions are listed


@dataclass(frozen=True)
class Stratum:
    """Directions of one kind: what they are called, how many an orbit has, and how many maps they leave.

    Where no element turns a line round, its other end has an orbit of its own, with as many.
    """

    name: str
    stabiliser: tuple[int, ...]
    directions: int
    dim: Any


@dataclass(frozen=True)
class Strata(Fields):
    """The special directions of a finite point group, up to its motions."""

    space: Euclidean

    @cached_property
    def _traces(self) -> np.ndarray:
        """Of every element, as parts by powers of the generator of the field."""
        matrices = ElementMatrices(self.space.point, tuple(self.space.action.values()), ())
        traces = matrices.space.trace()
        return traces.parts // traces.denominator if traces.denominator == 1 else traces.parts

    @cached_property
    def _unit(self) -> int:
        """The sum of traces that one fixed dimension of one element is."""
        return int(self._traces[0, 0]) // self.space.dim

    def fixed_dim(self, subgroup: Subgroup) -> int:
        """The dimension of the points that a subgroup fixes."""
        total = int(self._traces[0, list(subgroup)].sum())
        return total // (self._unit * len(subgroup))

    @cached_property
    def subgroups(self) -> tuple[Subgroup, ...]:
        """One stabiliser of each kind of special directions, the larger strata first."""
        if not self.space.point.generators:
            return ()
        table = self.space.point.elements.table
        found: list[Subgroup] = []
        frontier = [frozenset({0})]
        while frontier:
            start = frontier.pop()
            for h in self._representatives(start):
                closed = self._closed(frozenset(generated(table, [*start, h])))
                if closed is not None and not any(self._conjugate(closed, known) for known in found):
                    found.append(closed)
                    frontier.append(closed)
        kept = [s for s in found if len(s) > 1]
        return tuple(sorted(kept, key=lambda s: (-self.fixed_dim(s), -len(s), sorted(s))))

    def _representatives(self, start: Subgroup) -> Iterator[int]:
        """Elements to add: one of each conjugacy class to the trivial subgroup, all to others."""
        elements = self.space.point.elements
        if len(start) == 1:
            yield from np.unique(elements.classes, return_index=True)[1].tolist()
        elif self.fixed_dim(start) > 1:
            yield from (h for h in range(elements.order) if h not in start)

    def _closed(self, subgroup: Subgroup) -> Subgroup | None:
        """The largest subgroup with the same fixed points; None where those are 0 alone."""
        size = self.fixed_dim(subgroup)
        if not size or len(subgroup) == 1:
            return None
        table = self.space.point.elements.table
        for h in range(self.space.point.order):
            if h not in subgroup:
                larger = frozenset(generated(table, [*generating(table, sorted(subgroup)), h]))
                subgroup = larger if self.fixed_dim(larger) == size else subgroup
        return subgroup

    def _conjugate(self, a: Subgroup, b: Subgroup) -> bool:
        if len(a) != len(b):
            return False
        elements = self.space.point.elements
        members = np.array(sorted(a))
        for g in range(elements.order):
            moved = elements.table[elements.table[g, members], elements.inverse[g]]
            if frozenset(moved.tolist()) == b:
                return True
        return False

    def matrices(self, subgroup: Subgroup) -> list[Any]:
        """The matrices by which some of its elements that generate it move R^n."""
        elements = self.space.point.elements
        words = (elements.words[e] for e in generating(elements.table, sorted(subgroup)))
        return [image_of_word(w, self.space.action, self.space.dim) for w in words]

    def axis(self, subgroup: Subgroup, sign: int = 1) -> tuple[Any, ...] | None:
        """A vector that spans what a subgroup fixes (sign 1), or what its generators turn round (sign -1)."""
        n = self.space.dim
        moves = [as_matrix(m) - sign * sympy.eye(n) for m in self.matrices(subgroup)]
        rows = over_common_field([sympy.Matrix.vstack(*moves)])[0].to_field().nullspace()
        if rows.shape[0] != 1:
            return None
        domain, row = rows.domain, rows.to_list()[0]
        first = next(x for x in row if x)
        return tuple(short_number(domain.to_sympy(domain.quo(x, first))) for x in row)


def special_orbits(problem: SpaceProblem) -> tuple[Stratum, ...]:
    """The special directions with the number of maps that their stabilisers fix."""
    space = problem.group
    if space.point.algebra or not space.point.generators or space.point.order > ORDER:
        return ()
    strata, elements = Strata(space), space.point.elements
    found = []
    for subgroup in strata.subgroups:
        words = {
            f"s{k}": elements.words[e] for k, e in enumerate(generating(elements.table, sorted(subgroup)))
        }
        S = space.point.subgroup(words)
        count = hom_dimension(problem.x.fibre.restrict(S), problem.y.fibre.restrict(S))
        dim = count[0] if count is not None else None
        name = _named(space, strata, subgroup)
        found.append(Stratum(name, tuple(sorted(subgroup)), elements.order // len(subgroup), dim))
    return tuple(found)


def _named(space: Euclidean, strata: Strata, subgroup: Subgroup) -> str:
    n, size = space.dim, strata.fixed_dim(subgroup)
    if size == 1:
        turns = sum(1 for e in subgroup if _is_proper(space, e))
        kind = "mirror line" if n == 2 else f"{turns}-fold axis" if turns > 1 else "axis"
        return f"{kind} along {_shown(strata.axis(subgroup))}"
    normal = strata.axis(subgroup, -1) if size == n - 1 else None
    if normal is not None:
        return f"{'mirror plane' if n == 3 else 'mirror'} across {_shown(normal)}"
    return f"{size} dimensions that {len(subgroup)} elements fix"


def _is_proper(space: Euclidean, element: int) -> bool:
    """Whether an element is a rotation."""
    word = space.point.elements.words[element]
    signs = {g: m.det() for g, m in space.action.items()}
    return bool(sympy.prod(signs[g] ** e for g, e in word) == 1)


def _shown(vector: tuple[Any, ...] | None) -> str:
    return f"({', '.join(map(str, vector or ()))})"
