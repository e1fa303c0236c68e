"""Motions of physical space, v -> M v + t, and whether those of a point group multiply as its elements do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
import sympy

from derive.symmetry.elements import Elements
from derive.symmetry.group import Group
from derive.symmetry.words import Word, invert_word, reduce_word

Vector = tuple[Fraction, ...]
Integers = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Motion:
    """v -> M v + t in physical space."""

    matrix: Integers
    shift: Vector


@dataclass(frozen=True)
class Defect:
    """A word that is the identity of the point group, and the translation that its motion is."""

    word: Word
    shift: Vector


def show(vector: Vector) -> str:
    """A vector as text: (1, 1/2)."""
    return "(" + ", ".join(str(x) for x in vector) + ("," if len(vector) == 1 else "") + ")"


def identity(dim: int) -> Integers:
    """The identity matrix."""
    return tuple(tuple(int(i == j) for j in range(dim)) for i in range(dim))


def times(a: Integers, b: Integers) -> Integers:
    """The product of two matrices."""
    return tuple(
        tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True))
        for row in a
    )


def along(word: Word, motions: Mapping[str, Motion], dim: int) -> Motion:
    """The motion that a word in the generators makes."""
    result = Motion(identity(dim), (Fraction(0),) * dim)
    for name, power in reversed(word):
        motion = motions[name]
        for _ in range(abs(power)):
            result = after(motion if power > 0 else inverse(motion), result)
    return result


def after(g: Motion, h: Motion) -> Motion:
    """g h: first h, then g."""
    moved = (sum((m * x for m, x in zip(row, h.shift, strict=True)), Fraction(0)) for row in g.matrix)
    return Motion(times(g.matrix, h.matrix), tuple(x + t for x, t in zip(moved, g.shift, strict=True)))


def inverse(g: Motion) -> Motion:
    """The inverse motion."""
    inverted = sympy.Matrix(g.matrix).inv()
    matrix = tuple(tuple(int(x) for x in inverted.row(i)) for i in range(inverted.rows))
    shift = (-sum((m * t for m, t in zip(row, g.shift, strict=True)), Fraction(0)) for row in matrix)
    return Motion(matrix, tuple(shift))


def defects(point: Group, motions: Mapping[str, Motion]) -> tuple[Defect, ...]:
    """Where the motions of the generators do not multiply as the elements of the point group do.

    Every product of a generator and an element is compared with the motion of the element that it is. These
    products imply all relations, whichever were stated; each shift that occurs is returned once.
    """
    elements, names = point.elements, point.generators
    scale = lcm(*(x.denominator for g in names for x in motions[g].shift))
    matrices = [np.array(motions[g].matrix, dtype=object) for g in names]
    shifts = [np.array([int(x * scale) for x in motions[g].shift], dtype=object) for g in names]
    reached = _shifts(elements, matrices, shifts)
    found: dict[tuple[int, ...], Word] = {}
    for a, name in enumerate(names):
        gaps = reached.dot(matrices[a].T) + shifts[a] - reached[elements.left[a]]
        for i in np.flatnonzero((gaps != 0).any(axis=1)).tolist():
            if tuple(gaps[i]) not in found:
                target = elements.word(int(elements.left[a, i]))
                word = ((name, 1), *elements.word(i), *invert_word(target))
                found[tuple(gaps[i])] = reduce_word(word)
    return tuple(Defect(word, tuple(Fraction(x, scale) for x in shift)) for shift, word in found.items())


def _shifts(elements: Elements, matrices: list[np.ndarray], shifts: list[np.ndarray]) -> np.ndarray:
    """The shift that the word of every element makes."""
    rows = [0 * shifts[0]]
    for parent, a in zip(elements.parent[1:].tolist(), elements.by[1:].tolist(), strict=True):
        rows.append(matrices[a].dot(rows[parent]) + shifts[a])
    return np.array(rows, dtype=object)


def common_period(period: Vector, shifts: Sequence[Vector], matrices: Sequence[Integers]) -> Vector:
    """Periods of which all shifts are multiples: the largest ones where there are shifts, else those given.

    Axes that a matrix carries into each other get periods that are carried too.
    """
    steps = [_gcd([s[i] for s in shifts]) or step for i, step in enumerate(period)]
    settled = False
    while not settled:
        carried = [
            _gcd([step, *(x * s for m in matrices for x, s in zip(m[j], steps, strict=True))])
            for j, step in enumerate(steps)
        ]
        steps, settled = carried, carried == steps
    return tuple(steps)


def _gcd(values: Sequence[Fraction]) -> Fraction:
    common = lcm(*(x.denominator for x in values))
    return Fraction(gcd(*(int(x * common) for x in values)), common)
