"""Where components mix: the matrices that a stabiliser fixes, and their images along the orbit.

rho_y(s) K[d] = K[d] rho_x(s)  for s d = d,        K[g d] = rho_y(g) K[d] rho_x(g)^-1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import sympy
from sympy import ImmutableMatrix, IndexedBase

from derive.derivation.fibre import Fibre
from derive.derivation.unknown import Class, Unknown
from derive.derivation.witnesses import Letters, class_orbits
from derive.hom.fibres import generated, generating
from derive.lattice.free import FreeMap
from derive.symmetry.arrays import simplified
from derive.symmetry.elements import Elements
from derive.symmetry.factors import exact_inverse

FREE = {"b": "v"}  # the letters of free weights, where it is not w


@dataclass(frozen=True, eq=False)
class Carried:
    """One orbit of classes: the words that fix its representative, and one matrix per member.

    `dim`: how many weights are free.
    """

    fixing: tuple[Letters, ...]
    members: tuple[tuple[Class, Letters, ImmutableMatrix], ...]
    dim: int


def carried_orbits(unknown: Unknown) -> list[Carried]:
    """All orbits of classes with their matrices; free weights are numbered through."""
    found: list[Carried] = []
    for orbit, maps in class_orbits(unknown):
        start = next(iter(orbit))
        fixing = _stabiliser(unknown, start, orbit)
        at_start = _general(unknown, maps, sum(c.dim for c in found))
        members = tuple((at, letters, _along(unknown, letters, at_start)) for at, letters in orbit.items())
        found.append(Carried(fixing, members, len(maps)))
    return found


def _stabiliser(unknown: Unknown, start: Class, orbit: Mapping[Class, Letters]) -> tuple[Letters, ...]:
    """Words for few elements that generate everything that fixes the class.

    Schreier: with a word w(d) to every member d, the elements w(g d)^-1 g w(d) generate the stabiliser.
    """
    point = unknown.point
    if len(orbit) == 1:
        return tuple((g,) for g in point.generators)
    elements = point.elements
    reach = _numbers(elements, orbit)
    fixing = {
        int(elements.table[elements.inverse[reach[unknown.moves[g](at)]], elements.left[k, e]])
        for at, e in reach.items()
        for k, g in enumerate(elements.generators)
    }
    chosen = generating(elements.table, sorted(generated(elements.table, fixing)))
    return tuple(tuple(g for g, power in elements.word(e) for _ in range(power)) for e in chosen)


def _numbers(elements: Elements, orbit: Mapping[Class, Letters]) -> dict[Class, int]:
    """The number of the element that each member's word makes; the end of a word is a word of the orbit."""
    by_word: dict[Letters, int] = {(): 0}
    for word in sorted(orbit.values(), key=len):
        if word:
            by_word[word] = int(elements.left[elements.generators.index(word[0]), by_word[word[1:]]])
    return {at: by_word[word] for at, word in orbit.items()}


def _general(unknown: Unknown, maps: Sequence[FreeMap], first: int) -> ImmutableMatrix:
    """The maps that are free at a representative, each times a free weight, numbered from `first`."""
    total = sympy.zeros(unknown.output.dim, unknown.input.dim)
    for k, found in enumerate(maps, first):
        for row, column, value in zip(
            found.rows.tolist(), found.columns.tolist(), found.values.tolist(), strict=True
        ):
            total[row, column] += sympy.sympify(value) * free_weight(unknown, k)
    return ImmutableMatrix(total)


def free_weight(unknown: Unknown, k: int) -> sympy.Expr:
    """w[k,c,i], one number per pair of copies."""
    return IndexedBase(FREE.get(str(unknown.label), "w"))[(k, *unknown.between, *unknown.before)]


def _along(unknown: Unknown, letters: Letters, matrix: ImmutableMatrix) -> ImmutableMatrix:
    """rho_y(word) matrix rho_x(word)^-1."""
    if not letters:
        return matrix
    left, right = (_product(fibre, letters) for fibre in (unknown.output, unknown.input))
    return ImmutableMatrix((left * matrix * exact_inverse(right)).applyfunc(_shortened))


def _product(fibre: Fibre, letters: Letters) -> ImmutableMatrix:
    start = ImmutableMatrix(sympy.eye(fibre.dim))
    return reduce(
        lambda m, g: ImmutableMatrix((m * fibre.piece.matrix(g)).applyfunc(_shortened)), letters, start
    )


def _shortened(value: sympy.Expr) -> sympy.Expr:
    return sympy.sympify(simplified(sympy.sympify(value)))
