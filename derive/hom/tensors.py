"""Tensors fixed by a group, by whichever method finds them: orbits for monomial maps, else null spaces.

Factors on which different generators act are independent, so the tensors are products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from derive.linear.field import FieldMatrix, common_field
from derive.linear.generators import LinearSystem, Reader, solve_linear
from derive.linear.sparse import Sparse
from derive.orbits.invariants import InvariantTensors, invariant_tensors, read_index
from derive.orbits.orbitals import TensorAxis
from derive.pickling import Fields
from derive.symmetry.factors import Factor
from derive.symmetry.group import Group
from derive.symmetry.monomial import root_of_unity

Members = tuple[np.ndarray, np.ndarray]  # one row of points per nonzero coefficient; the coefficients
Leading = tuple[tuple[int, ...], Any]  # a point, and the coefficient there


@dataclass(frozen=True)
class OrbitTensors:
    """Method 2: one tensor per orbit that does not vanish."""

    orbits: InvariantTensors

    @property
    def dim(self) -> int:
        return self.orbits.dim

    def members(self, k: int) -> Members:
        """The nonzero coefficients of tensor k: integers, or SymPy roots of unity."""
        points, phases = self.orbits.members(k)
        order = self.orbits.order
        if order <= 2:
            return points, 1 - 2 * phases
        roots = np.array([root_of_unity(p, order) for p in range(order)], dtype=object)
        return points, roots[phases]

    def leading(self, k: int) -> Leading:
        """The first nonzero coefficient of tensor k: 1, at the least member of its orbit."""
        return self.orbits.representative(k), 1

    def size(self, k: int) -> int:
        """How many coefficients of tensor k are not zero."""
        return self.orbits.size(k)


@dataclass(frozen=True, eq=False)
class LinearTensors(Fields):
    """Method 3: the reduced echelon basis over a number field, row-major over `shape`."""

    system: LinearSystem
    basis: FieldMatrix

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearTensors) and self.system == other.system

    def __hash__(self) -> int:
        return hash(self.system)

    @property
    def dim(self) -> int:
        return self.basis.shape[1]

    @cached_property
    def _columns(self) -> tuple[Sparse, ...]:
        return tuple(p.transpose for p in self.basis.parts)

    def members(self, k: int) -> Members:
        """The nonzero coefficients of tensor k: integers, or SymPy numbers of the field."""
        k = read_index(k, self.dim, "element")
        slices = [slice(p.starts[k], p.starts[k + 1]) for p in self._columns]
        rows = np.unique(np.concatenate([p.columns[s] for p, s in zip(self._columns, slices, strict=True)]))
        parts = np.zeros((len(slices), len(rows)), dtype=np.int64)
        for t, (p, s) in enumerate(zip(self._columns, slices, strict=True)):
            parts[t, np.searchsorted(rows, p.columns[s])] = p.values[s]
        points = np.stack(np.unravel_index(rows, self.system.shape), axis=1)
        return points, self._values(parts)

    def leading(self, k: int) -> Leading:
        """The first nonzero coefficient of tensor k."""
        points, values = self.members(k)
        return tuple(points[0].tolist()), values[0]

    def size(self, k: int) -> int:
        """How many coefficients of tensor k are not zero."""
        return len(self.members(k)[0])

    def _values(self, parts: np.ndarray) -> np.ndarray:
        if not parts[1:].any():
            return parts[0]
        out = np.empty(parts.shape[1], dtype=object)
        columns = list(map(tuple, parts.T.tolist()))
        written = {c: self.basis.field.to_sympy(c) for c in dict.fromkeys(columns)}
        out[:] = [written[c] for c in columns]
        return out


@dataclass(frozen=True)
class ProductTensors:
    """Products of independent answers, the last one running fastest; each has its own axes."""

    parts: tuple[OrbitTensors | LinearTensors, ...]
    axes: tuple[tuple[int, ...], ...]

    @property
    def dim(self) -> int:
        return prod(p.dim for p in self.parts)

    def members(self, k: int) -> Members:
        """The nonzero coefficients of tensor k."""
        points, values = np.zeros((1, sum(map(len, self.axes))), dtype=np.int64), np.ones(1, dtype=np.int64)
        for part, axes, local in self._split(k):
            more, factors = part.members(local)
            points = np.repeat(points, len(more), axis=0)
            points[:, axes] = np.tile(more, (len(values), 1))
            values = (values[:, None] * factors[None, :]).ravel()
        order = np.lexsort(points.T[::-1])
        return points[order], values[order]

    def leading(self, k: int) -> Leading:
        """The first nonzero coefficient of tensor k: every part at its own first one."""
        point, value = [0] * sum(map(len, self.axes)), 1
        for part, axes, local in self._split(k):
            at, factor = part.leading(local)
            for axis, i in zip(axes, at, strict=True):
                point[axis] = i
            value = value * factor
        return tuple(point), value

    def size(self, k: int) -> int:
        """How many coefficients of tensor k are not zero."""
        return prod(part.size(local) for part, _, local in self._split(k))

    def _split(self, k: int) -> Iterator[tuple[OrbitTensors | LinearTensors, tuple[int, ...], int]]:
        """Each part, from the last, with its axes and the number of its own tensor."""
        k = read_index(k, self.dim, "element")
        for part, axes in reversed(list(zip(self.parts, self.axes, strict=True))):
            k, local = divmod(k, part.dim)
            yield part, axes, local


Tensors = OrbitTensors | LinearTensors | ProductTensors


def fixed_tensors(
    group: Group, outputs: Sequence[Factor], inputs: Sequence[Factor], read: Reader = common_field
) -> Tensors:
    """All tensors on output factors and dual input factors that every generator fixes.

    ``rho_out(g) A rho_in(g)^-1 = A``, and ``d rho_out A - A d rho_in = 0`` for generators of a Lie algebra.

    Args:
        read: reads matrices over their field; one that remembers saves work where several problems share
            them.

    Raises:
        TooLargeError: the tensors would not fit in memory, or the group is too large and not recognised.
    """
    factors = [*outputs, *inputs]
    acting = {f: tuple(g for g in group.generators if f.moves(g)) for f in dict.fromkeys(factors)}
    used = tuple(g for g in group.generators if any(g in names for names in acting.values()))
    if all(_is_monomial(group, f, g) for f in acting for g in used):
        return _by_orbits(used, outputs, inputs)
    parts = _independent([acting[f] for f in factors])
    solved = []
    for axes in parts:
        out = tuple(factors[i] for i in axes if i < len(outputs))
        into = tuple(factors[i] for i in axes if i >= len(outputs))
        names = tuple(g for g in used if any(g in acting[factors[i]] for i in axes))
        solved.append(_solve_part(group, names, out, into, read))
    return solved[0] if len(solved) == 1 else ProductTensors(tuple(solved), tuple(map(tuple, parts)))


def _solve_part(
    group: Group, names: tuple[str, ...], outputs: Sequence[Factor], inputs: Sequence[Factor], read: Reader
) -> Any:
    if all(_is_monomial(group, f, g) for f in (*outputs, *inputs) for g in names):
        return _by_orbits(names, outputs, inputs)
    algebra = tuple(g for g in names if g in group.algebra)
    discrete = tuple(g for g in names if g not in group.algebra)
    system = LinearSystem(tuple(outputs), tuple(inputs), algebra, discrete)
    return LinearTensors(system, solve_linear(system, read=read))


def _by_orbits(names: tuple[str, ...], outputs: Sequence[Factor], inputs: Sequence[Factor]) -> OrbitTensors:
    maps: dict[Factor, Any] = {f: tuple(f.monomial(g) for g in names) for f in (*outputs, *inputs)}
    axes = [TensorAxis(maps[f], f.dim, i >= len(outputs)) for i, f in enumerate((*outputs, *inputs))]
    return OrbitTensors(invariant_tensors(names, axes))


def _is_monomial(group: Group, factor: Factor, generator: str) -> bool:
    return generator not in group.algebra and factor.monomial(generator) is not None


def _independent(acting: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Axes grouped so that no generator acts in two groups."""
    groups: list[tuple[set[str], list[int]]] = []
    for i, names in enumerate(acting):
        joined, axes = set(names), [i]
        for other in [g for g in groups if g[0] & joined]:
            groups.remove(other)
            joined |= other[0]
            axes = other[1] + axes
        groups.append((joined, axes))
    return sorted(sorted(axes) for _, axes in groups)
