"""Orbits with signs: a set on which generators act by permutations with phases, through its N-fold cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from derive.symmetry.components import components
from derive.symmetry.monomial import Monomial

Word = tuple[tuple[str, int], ...]


def cover_map(m: Monomial, order: int) -> np.ndarray:
    """The permutation of the cover: point ``x*order + k`` stands for ``zeta^k e_x``.

    >>> cover_map(Monomial(np.array([1, 0]), np.array([0, 1]), 2), 2).tolist()
    [2, 3, 1, 0]
    """
    if order == 1:
        return m.image
    turns = (m.phase[:, None] * (order // m.order) + np.arange(order)) % order
    return (m.image[:, None] * order + turns).ravel()


def inverse(permutation: np.ndarray) -> np.ndarray:
    """The inverse permutation."""
    result = np.empty_like(permutation)
    result[permutation] = np.arange(len(permutation))
    return result


def base_map(cover: np.ndarray, order: int) -> np.ndarray:
    """What a permutation of the cover does below, phases forgotten."""
    return cover if order == 1 else cover[::order] // order


@dataclass(frozen=True, eq=False)
class SignedOrbits:
    """Orbits of monomial maps on points; an invariant function is one number per surviving orbit.

    ``f(x) = zeta^phase[x] f(r)`` with ``r = representatives[labels[x]]``, the least member, whose phase is 0.
    Where an orbit meets a rotated copy of itself, f vanishes: the label is -1.

    Attributes:
        vanishing: the least members of the vanishing orbits.
        order: of the root of unity zeta.
    """

    labels: np.ndarray
    phase: np.ndarray
    representatives: np.ndarray
    vanishing: np.ndarray
    order: int


def signed_orbits(maps: Sequence[np.ndarray], size: int, order: int) -> SignedOrbits:
    """The orbits below of permutations of the cover of ``size`` points.

    >>> flip = cover_map(Monomial(np.array([0, 2, 1]), np.array([1, 0, 0]), 2), 2)
    >>> orbits = signed_orbits([flip], 3, 2)
    >>> orbits.labels.tolist(), orbits.vanishing.tolist()
    ([-1, 0, 0], [0])
    """
    labels, least = components(maps, size * order)
    if order == 1:
        return SignedOrbits(labels, np.zeros(size, dtype=np.int64), least, least[:0], 1)
    sheets = labels.reshape(size, order)
    above = sheets.min(axis=1)  # the component that holds zeta^0 of the least member
    representatives = np.flatnonzero(sheets[:, 0] == above)
    _, first = np.unique(above[representatives], return_index=True)
    representatives = representatives[first]
    dead = (sheets[representatives, 1:] == sheets[representatives, :1]).any(axis=1)
    number = np.full(len(least), -1)
    number[above[representatives[~dead]]] = np.arange(len(representatives) - dead.sum())
    final = number[above]
    phase = np.where(final >= 0, (sheets == above[:, None]).argmax(axis=1), 0)
    return SignedOrbits(final, phase, representatives[~dead], representatives[dead], order)


def witness(maps: Mapping[str, np.ndarray], start: int, goal: int) -> Word | None:
    """A shortest word in the named permutations that takes ``start`` to ``goal``, or None.

    Words are products: the last letter acts first.

    >>> witness({"r": np.array([1, 2, 3, 0])}, 3, 0), witness({"r": np.array([1, 0, 2])}, 0, 2)
    ((('r', 1),), None)
    """
    if start == goal or not maps:
        return () if start == goal else None
    letters = [(name, e, m if e > 0 else inverse(m)) for name, m in maps.items() for e in (1, -1)]
    came, by = np.full((2, len(letters[0][2])), -1)
    frontier = np.array([start])
    while len(frontier) and came[goal] < 0:
        frontier = _step(letters, frontier, came, by)
    if came[goal] < 0:
        return None
    word: list[tuple[str, int]] = []
    at = goal
    while True:
        word.append(letters[by[at]][:2])
        at = int(came[at])
        if at == start:
            return collect(word)


def _step(
    letters: list[tuple[str, int, np.ndarray]], frontier: np.ndarray, came: np.ndarray, by: np.ndarray
) -> np.ndarray:
    found = []
    for i, (_, _, move) in enumerate(letters):
        images, where = np.unique(move[frontier], return_index=True)
        new = came[images] < 0
        came[images[new]], by[images[new]] = frontier[where[new]], i
        found.append(images[new])
    return np.concatenate(found) if found else frontier[:0]


def collect(word: Sequence[tuple[str, int]]) -> Word:
    """Join equal neighbours: a a b becomes a^2 b."""
    out: list[tuple[str, int]] = []
    for name, e in word:
        if out and out[-1][0] == name:
            e += out.pop()[1]
        if e:
            out.append((name, e))
    return tuple(out)
