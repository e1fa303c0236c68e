"""Point stabilisers of monomial groups, found without listing the group.

Every group here is a permutation group of the N-fold cover of a set of base points (``cover.py``); the
stabiliser of a base point may still turn its phase. The kinds differ in how they find stabilisers:

- `Trivial`: the identity alone.
- `Abelian`: generators commute, so relations of the generators generate each stabiliser.
- `Product`: generators with disjoint supports, a direct product.
- `Enumerated`: few elements, all stored.
- `giants.Giant`: contains the alternating group on one large orbit.
- `schreier.Chain`: anything else, by Schreier-Sims.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from derive.orbits.cover import base_map, components, inverse
from derive.pickling import Fields

ENUMERATED_ELEMENTS = 512
ENUMERATED_ENTRIES = 2**20  # beyond this, still try groups of up to 64 elements


@dataclass(frozen=True, eq=False)
class Stabiliser(Fields, ABC):
    """A group of permutations of the cover of ``size`` base points, phases of order ``order``."""

    size: int
    order: int

    @property
    @abstractmethod
    def generators(self) -> tuple[np.ndarray, ...]:
        """Permutations of the cover."""

    @abstractmethod
    def stabiliser(self, point: int) -> Stabiliser:
        """The elements that fix a base point, perhaps turning its phase."""

    def base_maps(self) -> list[np.ndarray]:
        """The generators below, phases forgotten."""
        return [base_map(g, self.order) for g in self.generators]

    def stabilisers(self, points: np.ndarray) -> list[tuple[np.ndarray, Stabiliser]]:
        """The stabiliser of each point, as (positions in ``points``, their common stabiliser)."""
        return [(np.array([i]), self.stabiliser(int(x))) for i, x in enumerate(points)]


@dataclass(frozen=True, eq=False)
class Trivial(Stabiliser):
    """The group of one element."""

    generators: tuple[np.ndarray, ...] = ()

    def stabiliser(self, point: int) -> Stabiliser:
        return self

    def stabilisers(self, points: np.ndarray) -> list[tuple[np.ndarray, Stabiliser]]:
        return [(np.arange(len(points)), self)] if len(points) else []


@dataclass(frozen=True, eq=False)
class Abelian(Stabiliser):
    """Commuting generators a_1 ... a_r: the stabiliser of x has r generators.

    With k_i the least exponent such that a_i^k_i x lies in the orbit of x under a_1 ... a_(i-1), the element
    of <a_1 ... a_i> that undoes this step fixes x, and these r elements generate everything that does.
    """

    generators: tuple[np.ndarray, ...] = ()

    def stabiliser(self, point: int) -> Stabiliser:
        reached = np.array([point])  # by a_1 ... a_i: exponents are digits, that of a_i the slowest
        turns: list[int] = []
        places = []
        for i, move in enumerate(self.base_maps()):
            k, place = _first_return(move, point, reached)
            turns.append(k)
            places.append(place)
            if i + 1 < len(self.generators):
                reached = _layers(reached, move, k)
        if self.order == 1 and prod(turns) == self.size:  # what fixes a point fixes its whole orbit
            return Trivial(self.size, self.order)
        fixing = [self._relation(i, turns[: i + 1], place) for i, place in enumerate(places)]
        return abelian(self.size, self.order, fixing)

    def _relation(self, i: int, turns: Sequence[int], place: int) -> np.ndarray:
        element = cover_power(self.generators[i], turns[i])
        for a, k in zip(self.generators, turns[:i], strict=False):
            place, exponent = divmod(place, k)
            element = inverse(cover_power(a, exponent))[element]
        return element


def _first_return(move: np.ndarray, point: int, reached: np.ndarray) -> tuple[int, int]:
    """The least k > 0 for which move^k of the point is among those reached, and its place there."""
    inside = np.zeros(len(move), dtype=bool)
    inside[reached] = True
    path, power = move[[point]], move
    while not inside[path].any():
        path, power = np.concatenate([path, power[path]]), power[power]
    k = int(inside[path].argmax())
    return k + 1, int((reached == path[k]).argmax())


def _layers(points: np.ndarray, move: np.ndarray, count: int) -> np.ndarray:
    """The points moved 0, 1, ... count - 1 times."""
    rows, power = points[None], move
    while len(rows) < count:
        rows, power = np.concatenate([rows, power[rows]]), power[power]
    return rows[:count].ravel()


def abelian(size: int, order: int, generators: Sequence[np.ndarray]) -> Stabiliser:
    """The group of commuting permutations, identities left out."""
    moving = drop_identities(generators)
    return Abelian(size, order, moving) if moving else Trivial(size, order)


def drop_identities(generators: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The different permutations among these that move something."""
    seen = {g.tobytes(): g for g in generators if (g != np.arange(len(g))).any()}
    return tuple(seen.values())


def cover_power(a: np.ndarray, k: int) -> np.ndarray:
    """The k-th power of a permutation, k >= 0, by repeated squaring."""
    result = np.arange(len(a))
    while k:
        if k & 1:
            result = a[result]
        a, k = a[a], k >> 1
    return result


@dataclass(frozen=True, eq=False)
class Product(Stabiliser):
    """A direct product of groups that move disjoint sets of base points."""

    parts: tuple[Stabiliser, ...] = ()

    @property
    def generators(self) -> tuple[np.ndarray, ...]:
        return tuple(g for p in self.parts for g in p.generators)

    @cached_property
    def moved(self) -> list[np.ndarray]:
        """For each part, which base points it moves."""
        none = np.zeros(self.size, dtype=bool)
        return [
            np.logical_or.reduce([m != np.arange(self.size) for m in p.base_maps()] or [none])
            for p in self.parts
        ]

    def stabiliser(self, point: int) -> Stabiliser:
        parts = [p.stabiliser(point) if m[point] else p for p, m in zip(self.parts, self.moved, strict=True)]
        return product(self.size, self.order, parts)


def product(size: int, order: int, parts: Sequence[Stabiliser]) -> Stabiliser:
    """The direct product, trivial factors left out."""
    kept = tuple(p for p in parts if p.generators)
    if len(kept) > 1:
        return Product(size, order, kept)
    return kept[0] if kept else Trivial(size, order)


@dataclass(frozen=True, eq=False)
class Enumerated(Stabiliser):
    """A small group with all its elements (identity first) and its multiplication table."""

    elements: np.ndarray
    table: np.ndarray

    @cached_property
    def generators(self) -> tuple[np.ndarray, ...]:
        inside = np.zeros(len(self.elements), dtype=bool)
        inside[0] = True
        chosen: list[int] = []
        while not inside.all():
            chosen.append(int(np.argmin(inside)))
            inside = self._closure(chosen)
        return tuple(self.elements[i] for i in chosen)

    def _closure(self, chosen: list[int]) -> np.ndarray:
        inside = np.zeros(len(self.elements), dtype=bool)
        frontier = np.array([0])
        while len(frontier):
            inside[frontier] = True
            images = np.unique(self.table[frontier][:, chosen])
            frontier = images[~inside[images]]
        return inside

    def stabiliser(self, point: int) -> Stabiliser:
        return self.stabilisers(np.array([point]))[0][1]

    def stabilisers(self, points: np.ndarray) -> list[tuple[np.ndarray, Stabiliser]]:
        if not len(points):
            return []
        fixes = self.elements[:, points * self.order] // self.order == points
        masks, group = np.unique(np.packbits(fixes, axis=0), axis=1, return_inverse=True)
        masks = np.unpackbits(masks, axis=0, count=len(self.elements)).astype(bool)
        return [(np.flatnonzero(group.ravel() == i), self._subgroup(m)) for i, m in enumerate(masks.T)]

    def _subgroup(self, mask: np.ndarray) -> Stabiliser:
        if mask.sum() == 1:
            return Trivial(self.size, self.order)
        index = np.cumsum(mask) - 1
        return Enumerated(self.size, self.order, self.elements[mask], index[self.table[np.ix_(mask, mask)]])


def enumerate_group(size: int, order: int, generators: Sequence[np.ndarray]) -> Enumerated | None:
    """All elements by closure, or None when there are too many to store."""
    limit = min(ENUMERATED_ELEMENTS, max(64, ENUMERATED_ENTRIES // max(1, size * order)))
    if np.bincount(components(generators, size * order)[0]).max() > limit:
        return None  # an orbit has no more members than the group
    elements = [np.arange(size * order)]
    index = {elements[0].tobytes(): 0}
    steps: list[list[int]] = []  # steps[i][s]: the element  elements[i] generators[s]
    parent = [(0, 0)]
    while len(steps) < len(elements):
        i = len(steps)
        steps.append([])
        for s, g in enumerate(generators):
            image = elements[i][g]
            j = index.setdefault(image.tobytes(), len(elements))
            steps[i].append(j)
            if j == len(elements):
                if j == limit:
                    return None
                elements.append(image)
                parent.append((i, s))
    return Enumerated(size, order, np.array(elements), _table(np.array(steps), parent))


def _table(steps: np.ndarray, parent: list[tuple[int, int]]) -> np.ndarray:
    table = np.empty((len(parent), len(parent)), dtype=np.int64)
    table[:, 0] = np.arange(len(parent))
    for j, (i, s) in enumerate(parent[1:], start=1):
        table[:, j] = steps[table[:, i], s]
    return table


def split(size: int, order: int, generators: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """Generators grouped so that different groups move disjoint sets of base points."""
    below = [base_map(g, order) for g in generators]
    labels, least = components(below, size)
    touched = np.zeros((len(below), len(least)), dtype=bool)  # orbits on which each generator moves points
    for i, m in enumerate(below):
        touched[i, labels[m != np.arange(size)]] = True
    owner = np.arange(len(generators))
    for i in range(len(below)):
        for j in range(i):
            if (touched[i] & touched[j]).any():
                owner[owner == owner[j]] = owner[i]
    return [[g for g, o in zip(generators, owner, strict=True) if o == k] for k in np.unique(owner)]


def commute(generators: Sequence[np.ndarray]) -> bool:
    """Whether all generators commute."""
    return all((a[b] == b[a]).all() for i, a in enumerate(generators) for b in generators[:i])
