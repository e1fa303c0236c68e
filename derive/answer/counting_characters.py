"""Counts for finite images: the character average over conjugacy classes of the group of matrices itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
from sympy import ImmutableMatrix, eye

from derive.answer.counting_ring import atoms_of, character
from derive.errors import DeriveError
from derive.symmetry.elements import enumerate_permutations
from derive.symmetry.exact import over_common_field
from derive.symmetry.faithful import permutations_of
from derive.symmetry.groups import Group
from derive.symmetry.images import Image
from derive.symmetry.monomial import Monomial, identity_map, root_of_unity
from derive.symmetry.pieces import Atom, Piece
from derive.symmetry.words import Word, evaluate_word

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
        moves = [permutations_of(a.images, "image", limit=VECTOR_LIMIT) for a in atoms]
        elements = enumerate_permutations(group.generators, _side_by_side(moves), "image", IMAGE_LIMIT)
    except DeriveError:
        return None
    classes = elements.classes
    sizes = np.bincount(classes)
    first = np.unique(classes, return_index=True)[1]
    values = _Values(atoms, group.generators, [elements.word(int(i)) for i in first])

    field = values.field
    known: dict[tuple[Piece, int], list[Any]] = {}

    def along(piece: Piece, at: int) -> list[Any]:
        """The character on every class."""
        if (piece, at) not in known:
            known[piece, at] = [
                character(piece, at, values.of(c), field.one, lambda x, k: x / field.convert(k))
                for c in range(len(sizes))
            ]
        return known[piece, at]

    def count(p: Piece, q: Piece) -> int:
        terms = zip(sizes.tolist(), along(p, -1), along(q, 1), strict=True)
        total = sum((field.convert(size) * x * y for size, x, y in terms), field.zero)
        return int(field.to_sympy(total)) // elements.order

    return count, f"character average over the image ({elements.order} elements)"


def _side_by_side(moves: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    """One permutation per generator, of the disjoint union of what the atoms permute."""
    offsets = np.cumsum([0, *(len(m[0]) for m in moves)])
    return [
        np.concatenate([m[g] + at for m, at in zip(moves, offsets, strict=False)])
        for g in range(len(moves[0]))
    ]


@dataclass(frozen=True, eq=False)
class _Traces:
    """The traces of an atom at the powers of one element, in one field for all atoms."""

    element: Any
    field: Any
    roots: tuple[Any, ...]

    def at(self, k: int) -> Any:
        if isinstance(self.element, Monomial):
            return self._of_monomial(k)
        base = self.element if k >= 0 else self.element.inv()
        power = base ** abs(k)
        return sum((power.to_list()[i][i] for i in range(power.shape[0])), self.field.zero)

    def _of_monomial(self, k: int) -> Any:
        one = identity_map(self.element.dim)
        power = evaluate_word((("g", k),), {"g": self.element}, one, _product, lambda m: m.inverse)
        fixed = power.phase[power.image == np.arange(power.dim)] * (len(self.roots) // power.order)
        counts = np.bincount(fixed, minlength=1).tolist()
        return sum(
            (self.field.convert(n) * self.roots[t] for t, n in enumerate(counts) if n), self.field.zero
        )


class _Values:
    """Exact characters of the atoms at representatives of the classes."""

    def __init__(self, atoms: list[Atom], generators: tuple[str, ...], words: list[Word]) -> None:
        orders = [i.order for a in atoms for i in a.images if isinstance(i, Monomial)]
        order = lcm(1, *orders)
        dense = {a for a in atoms if not all(isinstance(i, Monomial) for i in a.images)}
        matrices = [ImmutableMatrix([[root_of_unity(1, order)]])]
        matrices += [_matrix(i) for a in atoms if a in dense for i in a.images]
        fields = over_common_field(matrices)
        self.field = fields[0].domain
        root = fields[0].to_list()[0][0]
        roots = [self.field.one]
        for _ in range(order - 1):
            roots.append(roots[-1] * root)
        self.roots = tuple(roots)
        stored = iter(fields[1:])
        images = {a: [next(stored) for _ in a.images] if a in dense else list(a.images) for a in atoms}
        self.table = {a: [self._element(a, images[a], generators, w) for w in words] for a in atoms}

    def _element(self, atom: Atom, images: list[Any], generators: tuple[str, ...], word: Word) -> _Traces:
        named = dict(zip(generators, images, strict=True))
        if isinstance(images[0], Monomial):
            value = evaluate_word(word, named, identity_map(atom.dim), _product, lambda m: m.inverse)
        else:
            unit = over_common_field([eye(atom.dim)])[0].convert_to(self.field)
            value = evaluate_word(word, named, unit, _product, lambda m: m.inv())
        return _Traces(value, self.field, self.roots)

    def of(self, c: int) -> Callable[[Atom, int], Any]:
        return lambda atom, k: self.field.one if atom.is_trivial else self.table[atom][c].at(k)


def _matrix(image: Image) -> ImmutableMatrix:
    return image.matrix if isinstance(image, Monomial) else image


def _product(a: Any, b: Any) -> Any:
    return a * b
