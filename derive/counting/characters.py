"""Counts for finite images: the character average over conjugacy classes of the group of matrices itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count as count_from
from math import lcm
from typing import Any

import numpy as np
from sympy import ImmutableMatrix, eye

from derive.counting.ring import atoms_of, character
from derive.errors import DeriveError
from derive.symmetry.elements import enumerate_permutations
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.faithful import permutations_of
from derive.symmetry.group import Group
from derive.symmetry.images import Image
from derive.symmetry.monomial import Monomial, identity_map
from derive.symmetry.residues import NotIntegralError, element_of_order, inverse, residues
from derive.symmetry.words import Word, evaluate_word, power

IMAGE_LIMIT = 50_000
DEGREE_LIMIT = 20_000
VECTOR_LIMIT = 4_000


def image_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter that averages ``chi_V(g^-1) chi_W(g)`` over the image, when that is finite and small."""
    atoms = list(dict.fromkeys(a for p in pieces for a in atoms_of(p) if not a.is_trivial))
    if group.algebra or sum(a.dim for a in atoms) > DEGREE_LIMIT:
        return None
    if not atoms:
        return lambda p, q: 1, "character average over the image (1 element)"
    try:
        elements = enumerate_permutations(group.generators, _acting(group, atoms), "image", IMAGE_LIMIT)
    except DeriveError:
        return None
    classes = elements.classes
    sizes = np.bincount(classes)
    first = np.unique(classes, return_index=True)[1]
    words = [elements.word(int(i)) for i in first]
    tables = _Tables(group.generators, tuple(atoms), tuple(words))
    known: dict[tuple[Piece, int, int], list[int]] = {}

    def along(table: _Table, piece: Piece, at: int) -> list[int]:
        if (piece, at, table.prime) not in known:
            known[piece, at, table.prime] = table.along(piece, at)
        return known[piece, at, table.prime]

    def count(p: Piece, q: Piece) -> int:
        """The average is an integer below the product of the dimensions: residues determine it."""
        value, modulus = 0, 1
        for table in tables.until(p.dim * q.dim):
            prime = table.prime
            terms = zip(sizes.tolist(), along(table, p, -1), along(table, q, 1), strict=True)
            average = sum(size * x * y for size, x, y in terms) * pow(elements.order, -1, prime) % prime
            value += modulus * ((average - value) * pow(modulus, -1, prime) % prime)
            modulus *= prime
        return value

    return count, f"character average over the image ({elements.order} elements)"


def _acting(group: Group, atoms: list[Atom]) -> list[np.ndarray]:
    """Permutations that move as the image does, or as the whole group where it is one of permutations."""
    own = group.given if group.faithful else None
    if own and all(isinstance(i, Monomial) for i in own) and not all(map(_is_monomial, atoms)):
        return list(permutations_of(own, "group", limit=VECTOR_LIMIT))
    return side_by_side([permutations_of(a.images, "image", limit=VECTOR_LIMIT) for a in atoms])


def _is_monomial(atom: Atom) -> bool:
    return all(isinstance(i, Monomial) for i in atom.images)


def side_by_side(moves: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """One permutation per generator, of the disjoint union of what the atoms permute."""
    offsets = np.cumsum([0, *(len(m[0]) for m in moves)])
    return [
        np.concatenate([m[g] + at for m, at in zip(moves, offsets, strict=False)])
        for g in range(len(moves[0]))
    ]


@dataclass(frozen=True, eq=False)
class _Tables:
    """The atoms at representatives of the classes, modulo as many primes as a count needs.

    The primes are 1 modulo the orders of all phases and do not divide a denominator or the group's order,
    being larger; a homomorphism of rings carries the average over to the residues exactly.
    """

    generators: tuple[str, ...]
    atoms: tuple[Atom, ...]
    words: tuple[Word, ...]

    def until(self, bound: int) -> Iterator[_Table]:
        """Enough of them that their primes multiply to more than the bound."""
        modulus = 1
        for at in count_from(0):
            yield self._tables(at)
            modulus *= self._tables(at).prime
            if modulus > bound:
                return

    @cached_property
    def _found(self) -> tuple[list[_Table], Iterator[_Table]]:
        return [], self._make()

    def _tables(self, at: int) -> _Table:
        known, more = self._found
        while len(known) <= at:
            known.append(next(more))
        return known[at]

    def _make(self) -> Iterator[_Table]:
        order = lcm(1, *(i.order for a in self.atoms for i in a.images if isinstance(i, Monomial)))
        dense = [a for a in self.atoms if not _is_monomial(a)]
        fields = over_common_field([_matrix(i) for a in dense for i in a.images] or [eye(1)])
        for residue in residues(fields[0].domain, order):
            try:
                stored = iter([residue.array(m) for m in fields])
                images = {
                    a: [next(stored) for _ in a.images] if a in dense else list(a.images) for a in self.atoms
                }
                yield self._table(residue.prime, order, images)
            except NotIntegralError:
                continue

    def _table(self, prime: int, order: int, images: dict[Atom, list[Any]]) -> _Table:
        root = element_of_order(order, prime) if order > 1 else 1
        roots = tuple(pow(root, t, prime) for t in range(order))
        values = {
            a: [
                _Traces(_element(w, dict(zip(self.generators, moves, strict=True)), prime), prime, roots)
                for w in self.words
            ]
            for a, moves in images.items()
        }
        return _Table(prime, len(self.words), values)


def _element(word: Word, images: dict[str, Any], prime: int) -> Any:
    first = next(iter(images.values()))
    if isinstance(first, Monomial):
        return evaluate_word(word, images, identity_map(first.dim), _product, lambda m: m.inverse)
    unit = np.eye(len(first), dtype=np.int64)
    return evaluate_word(word, images, unit, lambda a, b: a @ b % prime, lambda m: inverse(m, prime))


@dataclass(frozen=True, eq=False)
class _Traces:
    """The traces of an atom at the powers of one element, modulo a prime."""

    element: Any
    prime: int
    roots: tuple[int, ...]

    def at(self, k: int) -> int:
        if isinstance(self.element, Monomial):
            return self._of_monomial(k)
        base = self.element if k >= 0 else inverse(self.element, self.prime)
        unit = np.eye(len(base), dtype=np.int64)
        return int(np.trace(power(base, abs(k), unit, lambda a, b: a @ b % self.prime)) % self.prime)

    def _of_monomial(self, k: int) -> int:
        one = identity_map(self.element.dim)
        moved = evaluate_word((("g", k),), {"g": self.element}, one, _product, lambda m: m.inverse)
        fixed = moved.phase[moved.image == np.arange(moved.dim)] * (len(self.roots) // moved.order)
        counts = np.bincount(fixed, minlength=1).tolist()
        return sum(n * self.roots[t] for t, n in enumerate(counts)) % self.prime


@dataclass(frozen=True, eq=False)
class _Table:
    """Characters on every class, modulo a prime."""

    prime: int
    classes: int
    traces: dict[Atom, list[_Traces]]

    def along(self, piece: Piece, at: int) -> list[int]:
        """The character of a piece, at a power of the element."""

        def divide(x: int, k: int) -> int:
            return x * pow(k, -1, self.prime) % self.prime

        def atom(c: int) -> Callable[[Atom, int], int]:
            return lambda a, k: 1 if a.is_trivial else self.traces[a][c].at(k)

        return [character(piece, at, atom(c), 1, divide) % self.prime for c in range(self.classes)]


def _matrix(image: Image) -> ImmutableMatrix:
    return image.matrix if isinstance(image, Monomial) else image


def _product(a: Any, b: Any) -> Any:
    return a * b
