"""Groups that contain the alternating group on one large set of points, proved from their generators.

Three classical facts: 3-cycles that join all points generate the alternating group, and transpositions the
symmetric one; a transitive group on n points with a p-cycle, p prime, n/2 < p < n - 2, contains the
alternating group (Jordan; see Seress, Permutation Group Algorithms, 10.2); and commutators have trivial
characters, so phases that are constant on the points, or a diagonal part that holds every e_i - e_j, are in
the group too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd, lcm
from random import Random

import numpy as np

from derive.orbits.cover import base_map, components
from derive.orbits.stabilisers import Stabiliser, cover_power
from derive.symmetry.components import least_members

SMALLEST = 8
WORDS = 400


@dataclass(frozen=True, eq=False)
class Giant(Stabiliser):
    """<Alt(points), differences of phases on them if ``diagonal``, extra elements>.

    An extra element is (odd, phases): a transposition of two of the points or nothing, and a phase on every
    base point; if ``diagonal``, the phases on ``points`` are all at the last of them.
    """

    points: np.ndarray
    diagonal: bool
    extras: tuple[tuple[bool, bytes], ...]
    recognise: Callable[[int, int, Sequence[np.ndarray]], Stabiliser]

    @property
    def generators(self) -> tuple[np.ndarray, ...]:
        p, still = self.points, np.zeros(self.size, dtype=np.int64)
        moves = [(p[:3], still), (p[1 - len(p) % 2 :], still)]
        if self.diagonal:
            moves.append((p[:0], self._difference(p[0], p[-1])))
        moves += [(p[: 2 * odd], np.frombuffer(phases, dtype=np.int64)) for odd, phases in self.extras]
        return tuple(self._element(cycle, phases) for cycle, phases in moves)

    def _difference(self, a: int, b: int) -> np.ndarray:
        phases = np.zeros(self.size, dtype=np.int64)
        phases[a], phases[b] = 1, self.order - 1
        return phases

    def _element(self, cycle: np.ndarray, phases: np.ndarray) -> np.ndarray:
        image = np.arange(self.size)
        image[cycle] = np.roll(cycle, -1)
        if self.order == 1:
            return image
        turns = (phases[:, None] + np.arange(self.order)) % self.order
        return (image[:, None] * self.order + turns).ravel()

    def stabiliser(self, point: int) -> Stabiliser:
        if point not in self.points:
            return self
        rest = self.points[self.points != point]
        extras = self.extras
        if self.diagonal:  # the alternating group and the differences carry every phase to the new last point
            extras = tuple((odd, self._moved(phases, rest[-1])) for odd, phases in extras)
            extras += ((False, self._difference(point, rest[-1]).tobytes()),)
        smaller = Giant(self.size, self.order, rest, self.diagonal, extras, self.recognise)
        if len(rest) >= SMALLEST:
            return smaller
        return self.recognise(self.size, self.order, smaller.generators)

    def _moved(self, phases: bytes, last: int) -> bytes:
        moved = np.frombuffer(phases, dtype=np.int64).copy()
        total = moved[self.points].sum() % self.order
        moved[self.points] = 0
        moved[last] = total
        return moved.tobytes()


def recognise_giant(
    size: int,
    order: int,
    generators: Sequence[np.ndarray],
    recognise: Callable[[int, int, Sequence[np.ndarray]], Stabiliser],
) -> Giant | None:
    """The group as a giant, with proof, or None when no proof is found."""
    below = [base_map(g, order) for g in generators]
    labels, _ = components(below, size)
    counts = np.bincount(labels)
    if (counts > 1).sum() != 1 or counts.max() < SMALLEST:
        return None
    points = np.flatnonzero(labels == counts.argmax())
    if not (
        _short_cycles_join(below, points)
        or any(_has_prime_cycle(base_map(w, order), points) for w in _words(generators, WORDS))
    ):
        return None
    phases = [(g[::order] % order if order > 1 else np.zeros(size, dtype=np.int64)) for g in generators]
    uniform = all((f[points] == f[points[0]]).all() for f in phases)
    if not uniform and not _has_differences(generators, points, order):
        return None
    extras = [(_is_odd(m, size), f) for m, f in zip(below, phases, strict=True)]
    if not uniform:
        extras = [(odd, _gathered(f, points, order)) for odd, f in extras]
    kept = {(odd, f.astype(np.int64).tobytes()) for odd, f in extras if odd or f.any()}
    return Giant(size, order, points, not uniform, tuple(sorted(kept)), recognise)


def _short_cycles_join(maps: Sequence[np.ndarray], points: np.ndarray) -> bool:
    """Whether a transposition or a 3-cycle among the maps, moved by powers of each, joins all points."""
    for m in maps:
        moved = np.flatnonzero(m != np.arange(len(m)))
        if len(moved) in (2, 3):
            cycles = [_carried(moved, by, len(points)) for by in maps]
            ends = [(c[:, 0], c[:, i]) for c in cycles for i in range(1, len(moved))]
            least = least_members(ends, len(m))[points]
            if (least == least[0]).all():
                return True
    return False


def _carried(cycle: np.ndarray, by: np.ndarray, count: int) -> np.ndarray:
    """A cycle conjugated by the powers 0, 1, ... of a permutation, at least `count` of them."""
    rows, power = cycle[None], by
    while len(rows) < count:
        rows, power = np.concatenate([rows, power[rows]]), power[power]
    return rows


def _words(generators: Sequence[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """The generators, then long products of them (product replacement from a fixed seed)."""
    yield from generators
    random = Random(0)
    pool = [generators[i % len(generators)] for i in range(max(6, len(generators)))]
    for step in range(count):
        i, j = random.sample(range(len(pool)), 2)
        pool[i] = pool[i][pool[j]]
        if step > 8 * len(pool):
            yield pool[i]


def _cycle_lengths(m: np.ndarray) -> np.ndarray:
    return np.bincount(components([m], len(m))[0])


def _has_prime_cycle(m: np.ndarray, points: np.ndarray) -> bool:
    """Whether a power is a p-cycle on the points, p prime, n/2 < p < n - 2: one cycle has that length."""
    from sympy import isprime

    longest, n = int(_cycle_lengths(m).max()), len(points)
    return n < 2 * longest and longest < n - 2 and bool(isprime(longest))


def _is_odd(m: np.ndarray, size: int) -> bool:
    return bool((size - len(_cycle_lengths(m))) % 2)


def _has_differences(generators: Sequence[np.ndarray], points: np.ndarray, order: int) -> bool:
    """Whether diagonal elements are found whose phase differences generate all of Z_order."""
    common = order
    for w in _words(generators, WORDS // 4):
        power = lcm(*np.unique(_cycle_lengths(base_map(w, order))).tolist())
        turns = cover_power(w, power)[::order] % order
        common = gcd(common, *np.unique(turns[points] - turns[points[0]]).tolist())
        if common == 1:
            return True
    return False


def _gathered(phases: np.ndarray, points: np.ndarray, order: int) -> np.ndarray:
    moved = phases.copy()
    moved[points] = 0
    moved[points[-1]] = phases[points].sum() % order
    return moved
