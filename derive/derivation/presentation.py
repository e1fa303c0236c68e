"""What generators satisfy among themselves, printed as products of letters: r^4 = 1, [X, Y] = Z."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import accumulate, combinations, repeat
from typing import Any

import sympy
from sympy import Eq

from derive.errors import DeriveError
from derive.notation import Generator
from derive.symmetry.algebra import Combination, structure_of
from derive.symmetry.group import Group
from derive.symmetry.monomial import Monomial
from derive.symmetry.words import Word

LONGEST = 24  # letters of a relation that is worth printing


def word(letters: Sequence[str]) -> sympy.Expr:
    """A word as a product; the last letter acts first."""
    return sympy.Mul(*map(Generator, letters))


def presentation(group: Group) -> tuple[Eq, ...]:
    """Short relations of the generators: those stated, or the orders of generators and their products.

    >>> from derive.symmetry.catalogue import point_group
    >>> presentation(point_group("D4", dim=2))
    (Eq(r**4, 1), Eq(m**2, 1), Eq(r*m*r*m, 1))
    """
    relations = [_split(word) for word in group.relations] or list(_orders(group))
    short = [pair for pair in relations if pair is not None and len(pair[0]) + len(pair[1]) <= LONGEST]
    found = [Eq(word(left), word(right), evaluate=False) for left, right in short]
    return (*found, *_brackets(group))


def _split(relation: Word) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """u v^-1 = 1 as u = v, without inverses; None where they stand in between."""
    letters = [(g, power > 0) for g, power in relation for _ in range(min(abs(power), LONGEST + 1))]
    signs = [positive for _, positive in letters]
    first = signs.index(False) if False in signs else len(signs)
    if any(signs[first:]):
        return None
    return tuple(g for g, _ in letters[:first]), tuple(g for g, _ in reversed(letters[first:]))


def _orders(group: Group) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """g^n = 1 and (g h)^n = 1, from what the group was given by."""
    if group.given is None:
        return
    images: dict[str, Any] = {g: group.image(g) for g in group.discrete}
    for letters in [*((g,) for g in images), *combinations(images, 2)]:
        product = reduce(operator.mul, [images[g] for g in letters])
        powers = accumulate(repeat(product, LONGEST // len(letters)), operator.mul)
        order = next((n for n, power in enumerate(powers, 1) if _is_identity(power)), None)
        if order is not None:
            yield letters * order, ()


def _is_identity(image: Any) -> bool:
    return image.is_identity if isinstance(image, Monomial) else image == sympy.eye(image.rows)


def _brackets(group: Group) -> Iterator[Eq]:
    """[X, Y] = sum c Z, and D X = sum c Z D for a discrete generator D."""
    if not group.algebra:
        return
    try:
        structure = structure_of(group)
    except DeriveError:  # given without matrices: nothing to print
        return
    for a, b, combination in structure.brackets:
        x, y = Generator(a), Generator(b)
        yield Eq(x * y - y * x, _sum(combination), evaluate=False)
    for d, a, combination in structure.adjoint:
        yield Eq(Generator(d) * Generator(a), sympy.expand(_sum(combination) * Generator(d)), evaluate=False)


def _sum(combination: Combination) -> sympy.Expr:
    return sympy.Add(*(c * Generator(g) for g, c in combination))
