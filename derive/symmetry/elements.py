"""The group that permutations generate: elements in a fixed order, a word for each, their multiplication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm

import numpy as np

from derive.errors import TooLargeError
from derive.pickling import Arrays
from derive.symmetry.components import components
from derive.symmetry.words import Word, reduce_word

ELEMENT_LIMIT = 200_000
ENTRY_LIMIT = 100_000_000


@dataclass(frozen=True, eq=False)
class Elements(Arrays):
    """The elements ``e_0 = 1, e_1, ...`` in the order in which a breadth-first search finds them.

    The search multiplies on the left by the generators in their order; ``left[a, i]`` is the number of
    ``generator_a * e_i``, and ``e_i = generator_by[i] * e_parent[i]``.
    """

    generators: tuple[str, ...]
    left: np.ndarray
    parent: np.ndarray
    by: np.ndarray

    @property
    def order(self) -> int:
        return len(self.parent)

    def word(self, element: int) -> Word:
        """A shortest word in the generators that makes the element."""
        letters = []
        while element:
            letters.append((self.generators[self.by[element]], 1))
            element = int(self.parent[element])
        return reduce_word(letters)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The word of each element."""
        return tuple(self.word(i) for i in range(self.order))

    @cached_property
    def inverse(self) -> np.ndarray:
        """The number of the inverse of each element."""
        return np.argmin(self.table, axis=1)

    @cached_property
    def table(self) -> np.ndarray:
        """``table[i, j]`` is the number of ``e_i * e_j``."""
        if self.order**2 > ENTRY_LIMIT:
            rule = f"would have {self.order**2:,} entries"
            raise TooLargeError("multiplication table", rule, self.order, "multiply by generators with .left")
        table = np.empty((self.order, self.order), dtype=np.int32)
        table[0] = np.arange(self.order)
        for i in range(1, self.order):
            table[i] = self.left[self.by[i]][table[self.parent[i]]]
        return table

    def index(self, word: Word) -> int:
        """The number of the element that a word makes."""
        at = 0
        for g, e in reversed(word):
            row = self.left[self.generators.index(g)]
            row = row if e > 0 else np.argsort(row)
            for _ in range(abs(e)):
                at = int(row[at])
        return at

    def right(self, element: int) -> np.ndarray:
        """The numbers of ``e_i * element`` for every i."""
        moved = np.empty(self.order, dtype=np.int64)
        moved[0] = element
        for i in range(1, self.order):
            moved[i] = self.left[self.by[i], moved[self.parent[i]]]
        return moved

    @cached_property
    def classes(self) -> np.ndarray:
        """The number of the conjugacy class of each element, classes in order of first appearance."""
        conjugations = []
        for row in self.left:
            back = self.right(int(np.argsort(row)[0]))
            conjugations.append(row[back])
        return orbit_labels(conjugations, self.order)

    @cached_property
    def orders(self) -> np.ndarray:
        """The order of each element."""
        found = np.ones(self.order, dtype=np.int64)
        for i in range(1, self.order):
            at = i
            while at:
                at = int(self.table[i, at])
                found[i] += 1
        return found


def orbit_labels(permutations: Sequence[np.ndarray], size: int) -> np.ndarray:
    """The orbit of each point under permutations, numbered by first appearance."""
    return components(permutations, size)[0]


def enumerate_permutations(
    names: tuple[str, ...], generators: Sequence[np.ndarray], title: str, limit: int = ELEMENT_LIMIT
) -> Elements:
    """The group that permutations generate, element by element."""
    degree = len(generators[0]) if generators else 1
    limit = min(limit, ENTRY_LIMIT // max(degree, 1))
    arrays = [np.arange(degree)]
    number = {arrays[0].tobytes(): 0}
    parent, by = [0], [0]
    left: list[list[int]] = [[] for _ in generators]
    at = 0
    while at < len(arrays):
        for a, g in enumerate(generators):
            product = g[arrays[at]]
            key = product.tobytes()
            if key not in number:
                if len(arrays) >= limit:
                    rule = f"would number more than {limit:,}"
                    raise TooLargeError(f"elements of {title}", rule, "a larger group", "use its generators")
                number[key] = len(arrays)
                arrays.append(product)
                parent.append(at)
                by.append(a)
            left[a].append(number[key])
        at += 1
    table = np.array(left, dtype=np.int64).reshape(len(generators), len(arrays))
    return Elements(names, table, np.array(parent), np.array(by))


def permutations_order(permutations: Sequence[np.ndarray]) -> int:
    """The order of the group that permutations generate."""
    distinct = {p.tobytes(): p for p in permutations if not (p == np.arange(len(p))).all()}
    if not distinct:
        return 1
    if len(distinct) == 1:
        return cyclic_order(next(iter(distinct.values())))
    from sympy.combinatorics import Permutation, PermutationGroup

    return int(PermutationGroup([Permutation(p.tolist()) for p in distinct.values()]).order())


def cyclic_order(permutation: np.ndarray) -> int:
    """The order of one permutation: the least common multiple of its cycle lengths."""
    lengths = np.unique(np.bincount(orbit_labels([permutation], len(permutation))))
    return lcm(*(int(n) for n in lengths))
