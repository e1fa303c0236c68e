"""Brute force that shares no code with the library: all equations, for every group element, solved in floats.

A field along one axis is (sites, spacing, offset); translations move space by multiples of `period`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

TINY = 1e-9
Point = tuple[int, ...]


@dataclass(frozen=True)
class Sites:
    """n sites of one field along one axis, at spacing * p + offset."""

    n: int
    spacing: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def at(self, p: int) -> Fraction:
        return self.spacing * p + self.offset


@dataclass(frozen=True)
class Line:
    """One axis: a side is None where that field has no sites; period 0 means that nothing moves."""

    out: Sites | None
    into: Sites | None
    period: Fraction
    periodic: bool

    @property
    def sides(self) -> list[Sites]:
        return [side for side in (self.out, self.into) if side is not None]

    def elements(self) -> range:
        """Every multiple of the period that can matter on this grid."""
        if not self.period:
            return range(1)
        turns = max(int(side.n * side.spacing / self.period) for side in self.sides) + 1
        return range(-turns, turns + 1)

    def moved(self, side: Sites, p: int, t: int) -> int | None:
        """Where a translation carries a site; None when it leaves a zero boundary."""
        place = p + t * self.period / side.spacing
        assert place.denominator == 1
        if self.periodic:
            return int(place) % side.n
        return int(place) if 0 <= place < side.n else None

    def near(self, p: int, q: int, d: Fraction) -> bool:
        """Whether q lies at the displacement d from p."""
        assert self.out is not None
        assert self.into is not None
        gap = self.into.at(q) - self.out.at(p) - d
        return gap % (self.into.n * self.into.spacing) == 0 if self.periodic else gap == 0


def shape(lines: Sequence[Line], side: str) -> Point:
    return tuple(getattr(line, side).n for line in lines if getattr(line, side) is not None)


def _carry(lines: Sequence[Line], side: str, p: Point, t: Point) -> Point | None:
    sites = [(line, getattr(line, side), k) for line, k in zip(lines, t, strict=True) if getattr(line, side)]
    image = [line.moved(part, z, k) for (line, part, k), z in zip(sites, p, strict=True)]
    return None if None in image else tuple(image)  # type: ignore[arg-type]


def equations(lines: Sequence[Line], support: Iterable[Sequence[Fraction]] | None) -> np.ndarray:
    """The normal matrix E^T E of A(g p, g q) = A(p, q), for every g with all four sites on the grid."""
    outs, ins = shape(lines, "out"), shape(lines, "into")
    pairs = list(product(*(range(n) for n in (*outs, *ins))))
    place = {pair: k for k, pair in enumerate(pairs)}
    normal = np.zeros((len(pairs), len(pairs)))
    points = None if support is None else [tuple(point) for point in support]
    elements = list(product(*(line.elements() for line in lines)))
    for pair, k in place.items():
        p, q = pair[: len(outs)], pair[len(outs) :]
        for t in elements:
            gp, gq = _carry(lines, "out", p, t), _carry(lines, "into", q, t)
            if gp is None or gq is None:
                continue
            m = place[(*gp, *gq)]
            if m != k:
                normal[[k, m], [k, m]] += 1
                normal[[k, m], [m, k]] -= 1
        if points is not None and not any(
            all(line.near(a, z, d) for line, a, z, d in zip(lines, p, q, point, strict=True))
            for point in points
        ):
            normal[k, k] += 1
    return normal


def null_space(normal: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span the null space of a symmetric matrix, by eigenvalues in floats."""
    if not len(normal):
        return np.zeros((0, 0))
    values, vectors = np.linalg.eigh(normal)
    assert not np.any((values > TINY) & (values < 1e-4)), "no clear gap: the instance is badly scaled"
    return vectors[:, values < TINY]


def commutant(generators: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Columns spanning {A : R A = A Q for every (R, Q)}, A flattened row by row."""
    normal: np.ndarray | None = None
    for left, right in generators:
        e = np.kron(left, np.eye(len(right))) - np.kron(np.eye(len(left)), right.T)
        normal = e.T @ e + (0 if normal is None else normal)
    assert normal is not None
    return null_space(normal)


def projector(columns: np.ndarray) -> np.ndarray:
    """The orthogonal projection onto the span of independent columns."""
    q, _ = np.linalg.qr(columns)
    return q @ q.T


def same_span(elements: Sequence[np.ndarray], columns: np.ndarray) -> bool:
    """Whether independent exact arrays span what the columns span."""
    if len(elements) != columns.shape[1]:
        return False
    if not len(elements):
        return True
    mine = np.stack([np.asarray(e, dtype=float).reshape(-1) for e in elements], axis=1)
    if np.linalg.matrix_rank(mine) != len(elements):
        return False
    return bool(np.abs(projector(mine) - projector(columns)).max() < 1e-8)


def solve(lines: Sequence[Line], support: Iterable[Sequence[Fraction]] | None = None) -> np.ndarray:
    """Orthonormal columns that span all equivariant operators, entries in the order (out sites, in sites)."""
    return null_space(equations(lines, support))
