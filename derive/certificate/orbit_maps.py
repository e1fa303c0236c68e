"""What a certificate checks of an answer too large to write out: its fibre maps, and some operators."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np
import sympy

from derive.answer.on_lattice import LatticeAnswer
from derive.hom.fibres import Entries
from derive.lattice.pair_orbits import OrbitMaps, StabiliserOrbits
from derive.lattice.row_index import RowIndex


def _flat(pairs: np.ndarray) -> np.ndarray:
    return pairs.reshape(len(pairs), -1)


def residual(answer: LatticeAnswer, sample: int = 24) -> int:
    """The largest entry of rho_out(g) K rho_in(g)^-1 - K(g .), over generators: exactly 0 when right.

    Every fibre map is tested against its whole stabiliser; some operators are carried by every generator.
    """
    worst = 0
    for solution in answer.solved.values():
        for kind, stabiliser in enumerate(solution.orbits.stabilisers):
            base = solution.bases[kind]
            moved = (solution.fibres.moved(s, base) for s in stabiliser[1:])
            worst = max([worst, *(_difference(base.which, base, e.which, e) for e in moved)])
        many = min(sample, solution.dim)
        chosen = {j * (solution.dim - 1) // max(many - 1, 1) for j in range(many)}
        worst = max([worst, *(_operator_gap(solution, k) for k in chosen)])
    return worst


def _difference(at: np.ndarray, a: Entries, other: np.ndarray, b: Entries) -> int:
    """The largest difference of entries: `a` holds those of the maps `at`, `b` those of the maps `other`."""
    orders = np.lexsort((a.columns, a.rows, at)), np.lexsort((b.columns, b.rows, other))
    pairs = ((at, other), (a.rows, b.rows), (a.columns, b.columns), (a.values, b.values))
    if len(at) == len(other) and all((x[orders[0]] == y[orders[1]]).all() for x, y in pairs):
        return 0
    left, right = _as_map(at, a), _as_map(other, b)
    keys = left.keys() | right.keys()
    gaps = [
        sympy.simplify(left.get(k, 0) - right.get(k, 0)) for k in keys if left.get(k, 0) != right.get(k, 0)
    ]
    return max((1 if not g.is_Integer else abs(int(g)) for g in gaps if g != 0), default=0)


def _as_map(at: np.ndarray, e: Entries) -> dict[tuple[int, ...], Any]:
    found: dict[tuple[int, ...], Any] = {}
    for key in zip(at.tolist(), e.rows.tolist(), e.columns.tolist(), e.values.tolist(), strict=True):
        found[key[:3]] = found.get(key[:3], 0) + key[3]
    return found


def _operator_gap(solution: OrbitMaps, k: int) -> int:
    pairs, entries, at = solution.element(k)
    look = RowIndex(_flat(pairs))
    generators = range(1, 1 + len(solution.fibres.point.generators))
    worst = 0
    for g in generators:
        if g >= solution.maps.order:
            break
        image = look.find(_flat(solution.maps.apply(g, pairs)))
        moved = solution.fibres.moved(
            g, Entries(np.arange(len(at)), entries.rows, entries.columns, entries.values)
        )
        worst = max(worst, _difference(at, entries, image[at[moved.which]], moved))
    return worst


def _rank(base: Entries, spots: np.ndarray, count: int) -> int:
    matrix = sympy.zeros(count, int(spots.max()) + 1)
    for k, spot, value in zip(base.which.tolist(), spots.tolist(), base.values.tolist(), strict=True):
        matrix[k, spot] += value
    return int(matrix.rank(simplify=True))


def independent(answer: LatticeAnswer) -> bool:
    """Every fibre map has an entry that no other map of its stabiliser has; orbits do not overlap."""
    for solution in answer.solved.values():
        for base in solution.bases:
            spots = base.rows * solution.fibres.shape[1] + base.columns
            alone = np.bincount(spots, minlength=1)[spots] == 1
            count = int(base.which.max(initial=-1)) + 1
            if len(np.unique(base.which[alone])) != count and _rank(base, spots, count) != count:
                return False
        if not isinstance(solution.orbits, StabiliserOrbits) and not _disjoint(solution):
            return False
    return True


def _disjoint(solution: OrbitMaps) -> bool:
    """Whether no orbit is listed twice, by whichever members: their least images all differ."""
    maps, pairs = solution.maps, solution.orbits.pairs
    if not len(pairs):
        return True
    least = np.sort(reduce(np.minimum, _codes(maps, pairs)))  # a tenth of the time of np.unique
    return bool((least[1:] != least[:-1]).all())


def _codes(maps: Any, pairs: np.ndarray) -> Iterator[np.ndarray]:
    """The image of every class under every element as a number; images are made twice, to hold one."""
    ends = [(image.min(axis=0), image.max(axis=0)) for image in _images(maps, pairs)]
    low, high = np.min([a for a, _ in ends], axis=0), np.max([b for _, b in ends], axis=0)
    extents = [int(b) - int(a) + 1 for a, b in zip(low, high, strict=True)]
    if math.prod(extents) >= 2**62:
        yield from RowIndex(np.concatenate(list(_images(maps, pairs)))).codes.reshape(maps.order, -1)
        return
    weights = np.array([math.prod(extents[k + 1 :]) for k in range(len(extents))], dtype=np.int64)
    for image in _images(maps, pairs):
        yield (image - low) @ weights


def _images(maps: Any, pairs: np.ndarray) -> Iterator[np.ndarray]:
    return (_flat(maps.apply(e, pairs.copy())) for e in range(maps.order))
