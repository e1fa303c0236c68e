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

from derive.derivation.unknown import Class, Place, Unknown
from derive.errors import DerivationError
from derive.lattice.free import FreeMap
from derive.symmetry.monomial import root_of_unity

Letters = tuple[str, ...]
Node = TypeVar("Node", bound=Hashable)
REPORT = "report this statement: one of the two is wrong"


@dataclass(frozen=True)
class Orbit:
    """The entries tied to the first one: where, by which word, with which phase (a fraction of a turn).

    `returns`: a word that brings the representative back with a phase, which forces it to be zero.
    """

    members: tuple[tuple[Place, Letters, Fraction], ...]
    returns: tuple[Letters, Fraction] | None


def signed_orbits(unknown: Unknown) -> list[Orbit]:
    """The orbits of entries, where every generator moves an entry to one entry.

    Words are searched here; which entries are free, and how they are tied at the first class of an orbit,
    is what the solution has found. Raises DerivationError where the two disagree.
    """
    found = []
    for classes, maps in class_orbits(unknown):
        start_class = next(iter(classes))
        free = {(int(m.rows[0]), int(m.columns[0]), start_class): m for m in maps}
        left = dict.fromkeys(unknown.places(classes))
        while left:
            start = next(iter(left))
            orbit = _signed_orbit(unknown, start, left)
            _require_found(orbit, free.pop(start, None), start_class)
            found.append(orbit)
            for place, _, _ in orbit.members:
                del left[place]
        if free:
            raise _disagree("does not lead from every free entry", next(iter(free)))
    return found


def _signed_orbit(unknown: Unknown, start: Place, left: Iterable[Place]) -> Orbit:
    def step(g: str, node: tuple[Place, Fraction]) -> tuple[Place, Fraction]:
        image, by = unknown.moved(g, node[0])
        return image, (node[1] + by) % 1

    cover = spread((start, Fraction(0)), unknown.point.generators, step)
    first: dict[Place, tuple[Letters, Fraction]] = {}
    for (place, turn), word in cover.items():
        first.setdefault(place, (word, turn))
    returns = next(((w, t) for (p, t), w in cover.items() if p == start and t), None)
    return Orbit(tuple((place, *first[place]) for place in left if place in first), returns)


def _require_found(orbit: Orbit, known: FreeMap | None, at: Class) -> None:
    """A free entry comes back as it is and ties what the solution ties; any other comes back negated."""
    here = {(a, b): turn for (a, b, where), _, turn in orbit.members if where == at}
    if (known is None) != (orbit.returns is not None):
        what = (
            "brings no entry back that is not free" if known is None else "brings a free entry back negated"
        )
        raise _disagree(what, orbit.members[0][0])
    if known is None:
        return
    entries = zip(known.rows.tolist(), known.columns.tolist(), known.values.tolist(), strict=True)
    values = {(a, b): sympy.sympify(value) / sympy.sympify(known.values[0]) for a, b, value in entries}
    tied = {place: coefficient(turn) for place, turn in here.items()}
    if values.keys() != tied.keys() or any(not _equal(values[p], tied[p]) for p in tied):
        raise _disagree("ties other entries", orbit.members[0][0])


def _equal(a: sympy.Expr, b: sympy.Expr) -> bool:
    return bool(a == b or sympy.simplify(a - b) == 0)


def _disagree(what: str, value: object) -> DerivationError:
    return DerivationError(
        "solution", f"must tie what words in the generators tie, which {what}", value, REPORT
    )


def class_orbits(unknown: Unknown) -> list[tuple[dict[Class, Letters], tuple[FreeMap, ...]]]:
    """The orbits of classes of sites, each from its first one, with a word for every member, and its maps."""
    seen: set[Class] = set()
    found = []
    for start, maps in unknown.orbits:
        reached = spread(start, unknown.point.generators, lambda g, at: unknown.moves[g](at))
        if not seen.isdisjoint(reached):
            raise _disagree("reaches one class from two orbits", start)
        seen |= reached.keys()
        found.append(({at: reached[at] for at in (start, *sorted(reached.keys() - {start}))}, maps))
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
