"""Orbits with witnesses: for every entry a word in the generators that takes its representative to it.

Words are read like products of matrices, the last letter acts first; the search is breadth first, so no
shorter word would do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import sympy

from derive.equation.groups.unknown import Class, Place, Unknown
from derive.symmetry.monomial import root_of_unity

Letters = tuple[str, ...]
Node = TypeVar("Node", bound=Hashable)


@dataclass(frozen=True)
class Orbit:
    """The entries tied to the first one: where, by which word, with which phase (a fraction of a turn).

    `returns`: a word that brings the representative back with a phase, which forces it to be zero.
    """

    members: tuple[tuple[Place, Letters, Fraction], ...]
    returns: tuple[Letters, Fraction] | None


def signed_orbits(unknown: Unknown) -> list[Orbit]:
    """The orbits of entries, where every generator moves an entry to one entry."""
    generators = unknown.point.generators

    def step(g: str, node: tuple[Place, Fraction]) -> tuple[Place, Fraction]:
        image, by = unknown.moved(g, node[0])
        return image, (node[1] + by) % 1

    left, found = dict.fromkeys(unknown.places), []
    while left:
        start = next(iter(left))
        cover = spread((start, Fraction(0)), generators, step)
        first: dict[Place, tuple[Letters, Fraction]] = {}
        for (place, turn), word in cover.items():
            first.setdefault(place, (word, turn))
        returns = next(((w, t) for (p, t), w in cover.items() if p == start and t), None)
        members = tuple((place, *first[place]) for place in left if place in first)
        found.append(Orbit(members, returns))
        for place in first:
            del left[place]
    return found


def class_orbits(unknown: Unknown) -> list[dict[Class, Letters]]:
    """The orbits of classes of sites, each from its representative, with a word for every member."""
    left, found = dict.fromkeys(unknown.classes), []
    while left:
        orbit = spread(next(iter(left)), unknown.point.generators, lambda g, at: unknown.moves[g](at))
        found.append({at: orbit[at] for at in left if at in orbit})
        for at in orbit:
            del left[at]
    return found


def spread(
    start: Node, generators: Iterable[str], step: Callable[[str, Node], Node]
) -> Mapping[Node, Letters]:
    """Everything that words reach from `start`, nearest first, with the first word that does."""
    letters = tuple(generators)
    reached: dict[Node, Letters] = {start: ()}
    frontier = [start]
    while frontier:
        images = [((g, *reached[node]), step(g, node)) for node in frontier for g in letters]
        frontier = []
        for word, image in images:
            if image not in reached:
                reached[image] = word
                frontier.append(image)
    return reached


def coefficient(turn: Fraction) -> sympy.Expr:
    """exp(2 pi i turn)."""
    return sympy.sympify(root_of_unity(turn.numerator, turn.denominator))
