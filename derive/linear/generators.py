"""Method 3: intertwiners of any exact matrices, ``rho_out(g) A = A rho_in(g)``, generator by generator.

Monomial maps in the group are solved first, by orbits with phases: generators that are signed permutations,
and quarter turns of the Lie algebra. On what is left each remaining generator is one exact null space; of
generators of the algebra that are conjugate under the monomial maps one suffices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm, prod
from typing import Any

import numpy as np

from derive.linear.field import FieldMatrix, NumberField, common_field, from_integers, on_axis
from derive.linear.nullspace import nullspace
from derive.linear.quarter_turns import monomial_turns
from derive.linear.sparse import Sparse, sparse
from derive.orbits.cover import components, cover_map, signed_orbits
from derive.orbits.invariants import refuse_entries
from derive.symmetry.monomial import Monomial, kronecker

Scaled = tuple[FieldMatrix, int]  # an integer matrix and the denominator under it
Reader = Callable[[tuple[Any, ...]], tuple[NumberField, list[Scaled]]]


@dataclass(frozen=True)
class LinearSystem:
    """Tensors on the factors of the output, then of the input, fixed by every generator.

    ``(rho x ... x rho) A (rho x ... x rho)^-1 = A``, or ``d rho A - A d rho = 0`` for the generators of the
    algebra.
    """

    outputs: tuple[Any, ...]
    inputs: tuple[Any, ...]
    algebra: tuple[str, ...]
    discrete: tuple[str, ...]

    @property
    def factors(self) -> tuple[Any, ...]:
        return self.outputs + self.inputs

    @property
    def distinct(self) -> tuple[Any, ...]:
        """The different factors."""
        return tuple(dict.fromkeys(self.factors))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(f.dim for f in self.factors)

    def spread(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """One value per different factor, as one per factor."""
        by_factor = dict(zip(self.distinct, values, strict=True))
        return tuple(by_factor[f] for f in self.factors)


def solve_linear(
    system: LinearSystem, use_flint: bool | None = None, read: Reader = common_field
) -> FieldMatrix:
    """The reduced echelon basis of the solutions, one column each, rows row-major over the factors.

    Columns are scaled to coprime integers, the first one positive, so the answer does not depend on the
    order of elimination.

    Raises:
        TooLargeError: the tensors do not fit in memory.
    """
    refuse_entries("tensors", prod(system.shape), 64, "use a lower tensor power")
    signed = {g: _signed(system, g) for g in system.discrete}
    others = [g for g in system.discrete if signed[g] is None]
    field, on_factors = _matrices(system, (*system.algebra, *others), read)
    algebra = {g: on_factors[g] for g in system.algebra}
    subgroup = [m for m in signed.values() if m is not None] + _turns(list(algebra.values()))
    basis = _start(system, [system.spread(m) for m in subgroup], field)
    for g in _conjugacy_representatives(algebra, subgroup):
        basis = _restrict(basis, _derivation(system, algebra[g], basis), use_flint)
    for g in others:
        basis = _restrict(basis, _difference(system, on_factors[g], basis), use_flint)
    return basis


def _signed(system: LinearSystem, generator: str) -> tuple[Monomial, ...] | None:
    """The generator on each different factor, when it is a signed permutation on all of them."""
    maps = [f.monomial(generator) for f in system.distinct]
    if any(m is None or m.order > 2 for m in maps):
        return None
    return tuple(m for m in maps if m is not None)


def _matrices(
    system: LinearSystem, generators: Sequence[str], read_field: Reader
) -> tuple[NumberField, dict[str, list[Scaled]]]:
    distinct = system.distinct
    field, read = read_field(tuple(f.matrix(g) for g in generators for f in distinct))
    return field, {g: read[i * len(distinct) : (i + 1) * len(distinct)] for i, g in enumerate(generators)}


def _turns(algebra: list[list[Scaled]]) -> list[tuple[Monomial, ...]]:
    rational = [e for e in algebra if not any(p.nnz for m, _ in e for p in m.parts[1:])]
    return monomial_turns([tuple(_fractions(m, d) for m, d in e) for e in rational])


def _fractions(m: FieldMatrix, denominator: int) -> np.ndarray:
    dense = m.parts[0].toarray()
    return dense if denominator == 1 else dense.astype(object) * Fraction(1, denominator)


def _start(system: LinearSystem, subgroup: list[tuple[Monomial, ...]], field: NumberField) -> FieldMatrix:
    """One column per orbit of the monomial maps on the entries that does not vanish."""
    total, outputs = prod(system.shape), len(system.outputs)
    order = lcm(2, *(m.order for maps in subgroup for m in maps))
    covers = [
        cover_map(kronecker([*maps[:outputs], *(m.conjugate for m in maps[outputs:])]), order)
        for maps in subgroup
    ]
    orbits = signed_orbits(covers, total, order)
    rows = np.flatnonzero(orbits.labels >= 0)
    # with each map its complex conjugate is in the group, so the phases left are 1 and -1
    signs = 1 - 2 * (orbits.phase[rows] // (order // 2))
    shape = (total, len(orbits.representatives))
    return from_integers(sparse(rows, orbits.labels[rows], signs, shape), field)


def _restrict(basis: FieldMatrix, equations: FieldMatrix, use_flint: bool | None) -> FieldMatrix:
    """The combinations of the basis that satisfy the equations."""
    if not equations.nnz:
        return basis
    return primitive(basis @ nullspace(equations, use_flint))


def primitive(m: FieldMatrix) -> FieldMatrix:
    """Each column divided by the common divisor of its integers."""
    divisors = np.zeros(m.shape[1], dtype=np.int64)
    for p in m.parts:
        np.gcd.at(divisors, p.columns, p.values)
    parts = [Sparse(p.shape, p.rows, p.columns, p.values // divisors[p.columns]) for p in m.parts]
    return FieldMatrix(m.field, tuple(parts))


def _derivation(system: LinearSystem, element: list[Scaled], basis: FieldMatrix) -> FieldMatrix:
    """``d rho_out A - A d rho_in`` on every column, up to a common factor."""
    common = lcm(*(d for _, d in element))
    total = None
    for axis, (m, d) in enumerate(system.spread(element)):
        m = m.scaled(common // d)
        term = m if axis < len(system.outputs) else m.transpose().scaled(-1)
        if term.nnz:
            placed = on_axis(term, axis, system.shape)
            total = placed if total is None else total + placed
    return basis.scaled(0) if total is None else total @ basis


def _difference(system: LinearSystem, element: list[Scaled], basis: FieldMatrix) -> FieldMatrix:
    """``rho_out A - A rho_in`` on every column, up to a common factor."""
    outputs, left, right = len(system.outputs), basis, basis
    scales = [1, 1]
    for axis, (m, d) in enumerate(system.spread(element)):
        if axis < outputs:
            left, scales[0] = on_axis(m, axis, system.shape) @ left, scales[0] * d
        else:
            right, scales[1] = on_axis(m.transpose(), axis, system.shape) @ right, scales[1] * d
    common = gcd(*scales)
    return left.scaled(scales[1] // common) - right.scaled(scales[0] // common)


def _conjugacy_representatives(
    algebra: dict[str, list[Scaled]], subgroup: list[tuple[Monomial, ...]]
) -> list[str]:
    """One generator of each class, up to powers of i, under conjugation by the monomial maps."""
    names = [g for g, e in algebra.items() if any(m.nnz for m, _ in e)]
    dense = {g: [(np.stack([p.toarray() for p in m.parts]), d) for m, d in algebra[g]] for g in names}
    number: dict[Any, int] = {}
    for i, g in enumerate(names):
        for sign in (1, -1):
            number.setdefault(_key(dense[g], sign), i)
    maps = []
    for h in subgroup:
        moved = [number.get(_key(_conjugated(dense[g], h), 1), i) for i, g in enumerate(names)]
        maps += [_swap(len(names), i, j) for i, j in enumerate(moved) if i != j]
    _, least = components(maps, len(names))
    return [names[i] for i in least.tolist()]


def _key(element: list[tuple[np.ndarray, int]], sign: int) -> tuple[Any, ...]:
    return tuple((d, (sign * m).tobytes()) for m, d in element)


def _conjugated(
    element: list[tuple[np.ndarray, int]], h: tuple[Monomial, ...]
) -> list[tuple[np.ndarray, int]]:
    """``h X h^-1`` on each factor, divided by i where that makes it real; unchanged where nothing does."""
    turns = [(s.phase[:, None] - s.phase[None, :]) * (4 // s.order) for s in h]
    odd = {int(t % 2) for (m, _), turn in zip(element, turns, strict=True) for t in turn[m.any(axis=0)]}
    if len(odd) != 1:
        return element
    out = []
    for (m, d), s, turn in zip(element, h, turns, strict=True):
        signs = 1 - (turn - odd.copy().pop()) % 4
        moved = np.empty_like(m)
        moved[:, s.image[:, None], s.image[None, :]] = m * signs
        out.append((moved, d))
    return out


def _swap(size: int, i: int, j: int) -> np.ndarray:
    swap = np.arange(size)
    swap[[i, j]] = j, i
    return swap
