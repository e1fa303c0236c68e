"""Deterministic Schreier-Sims: base, strong generating set and transversals, as NumPy arrays.

Random elements fill the chain quickly; then every Schreier generator is sifted (or the order is compared with
a known one), so the result is proved, not probable. Source: Seress, Permutation Group Algorithms, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from derive.errors import TooLargeError
from derive.orbits.stabilisers import Stabiliser, Trivial
from derive.pickling import Fields

ENTRIES = 2**28
POOL = 16
QUIET_ROUNDS = 3
BATCH = 2**22
STEPS = 2 * 10**10
REMEDY = (
    "use a smaller set, or a group that is recognised: symmetric, alternating, abelian, a product of such"
)


@dataclass(frozen=True, eq=False)
class Level(Fields):
    """Generators, the orbit of a point under them, and an element that takes the point to each member."""

    point: int
    generators: tuple[np.ndarray, ...]
    orbit: np.ndarray
    transversal: np.ndarray
    position: np.ndarray

    @cached_property
    def inverses(self) -> np.ndarray:
        result = np.empty_like(self.transversal)
        np.put_along_axis(result, self.transversal, np.arange(result.shape[1])[None, :], axis=1)
        return result


def make_level(point: int, generators: Sequence[np.ndarray], degree: int) -> Level:
    """The orbit of the point by breadth-first search, with transversal elements."""
    position = np.full(degree, -1)
    position[point] = 0
    orbit, elements = [np.array([point])], [np.arange(degree)[None, :]]
    count = 1
    while len(orbit[-1]):
        points, found = [], []
        for g in generators:
            images = g[orbit[-1]]
            new = position[images] < 0
            position[images[new]] = count + np.arange(new.sum())
            count += int(new.sum())
            points.append(images[new])
            found.append(g[elements[-1][new]])
        if not points:
            break
        orbit.append(np.concatenate(points))
        elements.append(np.concatenate(found))
        _refuse(count * degree)
    return Level(point, tuple(generators), np.concatenate(orbit), np.concatenate(elements), position)


def with_generator(level: Level, g: np.ndarray) -> Level:
    """The level with one more generator; the orbit stays when the generator does not leave it."""
    if (level.position[g[level.orbit]] < 0).any():
        return make_level(level.point, (*level.generators, g), len(g))
    return replace(level, generators=(*level.generators, g))


def _refuse(entries: int) -> None:
    if entries > ENTRIES:
        rule = f"must have a stabiliser chain of at most {ENTRIES * 8 / 2**30:.0f} GiB"
        raise TooLargeError("group", rule, f"{entries * 8:.1e} bytes", REMEDY)


def sift(levels: Sequence[Level], elements: np.ndarray, start: int = 0) -> tuple[np.ndarray, int] | None:
    """Divide elements by the chain; the first one left over with the level where it stops, or None."""
    for depth, level in enumerate(levels[start:], start=start):
        at = level.position[elements[:, level.point]]
        if (at < 0).any():
            return elements[int(np.argmax(at < 0))], depth
        elements = level.inverses[at[:, None], elements]
    moved = (elements != np.arange(elements.shape[1])).any(axis=1)
    return (elements[int(np.argmax(moved))], len(levels)) if moved.any() else None


@dataclass
class _Builder:
    """The chain while it grows: the only mutable object here, used inside this file alone."""

    degree: int
    base: list[int]
    levels: list[Level]

    def insert(self, element: np.ndarray, origin: int, depth: int) -> None:
        """Add an element of the group of level ``origin`` that fixes the base points before ``depth``."""
        if depth == len(self.levels):
            self.levels.append(make_level(self._next_point(element), (), self.degree))
        for i in range(origin + 1, depth + 1):
            self.levels[i] = with_generator(self.levels[i], element)
        _refuse(sum(len(level.orbit) for level in self.levels) * self.degree)
        self._refuse_work()

    def _next_point(self, element: np.ndarray) -> int:
        if len(self.levels) < len(self.base):
            return self.base[len(self.levels)]
        return int(np.argmax(element != np.arange(self.degree)))

    @property
    def order(self) -> int:
        return prod(len(level.orbit) for level in self.levels)

    def absorb(self, elements: np.ndarray) -> bool:
        """Sift elements of the whole group until all pass; whether anything was new."""
        new = False
        while (left := sift(self.levels, elements)) is not None:
            self.insert(left[0], 0, left[1])
            new = True
        return new

    def verify(self) -> None:
        """Sift every Schreier generator of every level through the levels below it."""
        i = len(self.levels) - 1
        while i >= 0:
            left = self._unsifted(i)
            if left is None:
                i -= 1
            else:
                self.insert(left[0], i, left[1])
                i = left[1]

    def _refuse_work(self) -> None:
        sizes = [len(level.orbit) * len(level.generators) for level in self.levels]
        steps = sum(size * (len(sizes) - i) for i, size in enumerate(sizes)) * self.degree
        if steps > STEPS:
            rule = f"must be verified within {STEPS:.0e} steps by Schreier-Sims"
            raise TooLargeError("group", rule, f"about {steps:.1e}", REMEDY)

    def _unsifted(self, i: int) -> tuple[np.ndarray, int] | None:
        level = self.levels[i]
        chunk = max(1, BATCH // (self.degree * len(level.generators)))
        generators = np.array(level.generators)
        for start in range(0, len(level.orbit), chunk):
            moved = generators[:, level.transversal[start : start + chunk]].reshape(-1, self.degree)
            back = level.position[moved[:, level.point]]
            schreier = level.inverses[back[:, None], moved]
            left = sift(self.levels, schreier[(schreier != np.arange(self.degree)).any(axis=1)], i + 1)
            if left is not None:
                return left
        return None


def _fill(builder: _Builder, draw: Callable[[], np.ndarray], target: int | None) -> None:
    quiet = 0
    while quiet < QUIET_ROUNDS if target is None else builder.order < target:
        quiet = 0 if builder.absorb(draw()) else quiet + 1


def _replacement(generators: Sequence[np.ndarray]) -> Callable[[], np.ndarray]:
    """Random products of the generators from a fixed seed (they only speed things up)."""
    random = np.random.default_rng(0)
    pool = np.array([generators[i % len(generators)] for i in range(POOL)])

    def draw() -> np.ndarray:
        nonlocal pool
        pool = np.take_along_axis(pool[random.permutation(POOL)], pool, axis=1)
        return pool

    for _ in range(8):
        draw()
    return draw


@dataclass(frozen=True, eq=False)
class Chain(Stabiliser):
    """A group with a complete stabiliser chain."""

    levels: tuple[Level, ...]

    @property
    def generators(self) -> tuple[np.ndarray, ...]:
        return self.levels[0].generators

    @property
    def group_order(self) -> int:
        """The exact number of elements."""
        return prod(len(level.orbit) for level in self.levels)

    def stabiliser(self, point: int) -> Stabiliser:
        top, *rest = self._from(point * self.order).levels
        inside = top.orbit // self.order == point
        turning = top.transversal[inside][1:]
        below = rest[0].generators if rest else ()
        generators = (*below, *turning)
        if not generators:
            return Trivial(self.size, self.order)
        if not len(turning):
            return Chain(self.size, self.order, tuple(rest))
        first = make_level(point * self.order, generators, self.size * self.order)
        return Chain(self.size, self.order, (first, *rest))

    def _from(self, point: int) -> Chain:
        """The same group with this cover point first in the base."""
        if self.levels[0].point == point:
            return self
        degree = self.size * self.order
        base = [point, *(level.point for level in self.levels if level.point != point)]
        builder = _Builder(degree, base, [make_level(point, self.generators, degree)])
        _fill(builder, self._draw(), self.group_order)
        return Chain(self.size, self.order, tuple(builder.levels))

    def _draw(self) -> Callable[[], np.ndarray]:
        random = np.random.default_rng(0)

        def draw() -> np.ndarray:
            """Uniform random elements: one transversal element of each level."""
            result = np.broadcast_to(np.arange(self.size * self.order), (POOL, self.size * self.order))
            for level in self.levels:
                picks = level.transversal[random.integers(len(level.orbit), size=POOL)]
                result = np.take_along_axis(result, picks, axis=1)
            return result

        return draw


def schreier_sims(size: int, order: int, generators: Sequence[np.ndarray]) -> Chain:
    """The complete chain of the group generated by permutations of the cover.

    >>> schreier_sims(4, 1, [np.array([1, 2, 3, 0]), np.array([1, 0, 2, 3])]).group_order
    24
    """
    degree = size * order
    first = int(np.flatnonzero(np.any([g != np.arange(degree) for g in generators], axis=0))[0])
    builder = _Builder(degree, [], [make_level(first, generators, degree)])
    _fill(builder, _replacement(generators), None)
    builder.verify()
    return Chain(size, order, tuple(builder.levels))
