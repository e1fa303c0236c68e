"""The standard representations of a group: defining, permutation, sign, determinant, regular, quotient."""

from __future__ import annotations

from typing import Any

import numpy as np
from sympy import ImmutableMatrix, Integer

from derive.errors import GroupError
from derive.symmetry.elements import orbit_labels
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Atom, Piece, Tensor
from derive.symmetry.group import Group, read_group
from derive.symmetry.monomial import Monomial, permutation_map
from derive.symmetry.representation import Representation, from_images, integer_blocks, words_in
from derive.symmetry.words import Word


def defining(group: Group) -> Representation:
    """The matrices or permutations the group was given by: ``rho(g) = g``.

    Raises:
        GroupError: the group was given by relations only.

    >>> from derive.symmetry.catalogue import point_group
    >>> defining(point_group("C4", dim=2)).matrix("r")
    Matrix([
    [0, -1],
    [1,  0]])
    """
    group = read_group(group)
    if group.given is None:
        remedy = "use Representation(G, {generator: matrix})"
        raise GroupError("defining", "needs matrices or permutations", group.name, remedy)
    return from_images(group, group.given, "V")


def permutation(group: Group) -> Representation:
    """The points that the group permutes: ``rho(g) e_i = e_g(i)``.

    Raises:
        GroupError: the group was not given by permutations.

    >>> from derive.symmetry.catalogue import symmetric
    >>> permutation(symmetric(3)).monomial("c").image
    array([1, 2, 0])
    """
    group = read_group(group)
    if group.given_by != "permutations" or group.given is None:
        remedy = "use permutation_group(...), or regular(G), or quotient(G, H)"
        raise GroupError("permutation", "needs a group given by permutations", group.name, remedy)
    return from_images(group, group.given, "P")


def sign(group: Group) -> Representation:
    """The determinant of the matrices, or the parity of the permutations, that the group was given by.

    >>> from derive.symmetry.catalogue import symmetric
    >>> sign(symmetric(4)).matrix("s")
    Matrix([[-1]])
    """
    return _renamed(determinant(defining(group)), "sign")


def determinant(V: Representation | Group) -> Representation:
    """The determinant: ``det rho(g)``, and the trace of ``d rho`` on a Lie algebra.

    Of a group: that of its defining representation.

    >>> from derive.symmetry.catalogue import dihedral
    >>> determinant(permutation(dihedral(5))).matrix("r")
    Matrix([[1]])
    """
    V = V if isinstance(V, Representation) else defining(read_group(V, "V"))
    blocks = integer_blocks(V, "determinant")
    images: list[Any] = []
    for g in V.group.generators:
        if g in V.group.algebra:
            trace = sum((c * _trace(p, g) for c, p in blocks), Integer(0))
            images.append(ImmutableMatrix([[trace]]))
        else:
            parts = [_power_of(_determinant(p, g), c) for c, p in blocks]
            images.append(_scalar(parts))
    return from_images(V.group, images, "det")


def regular(group: Group) -> Representation:
    """Functions on the group, moved by left translation: ``rho(g) e_h = e_(g h)``, ``(g f)(h) = f(g^-1 h)``.

    The basis follows ``group.elements``: the order in which a breadth-first search from the identity finds
    the elements, multiplying on the left by the generators in their order.

    Raises:
        InfiniteError: a Lie group. TooLargeError: too many elements to number.

    >>> from derive.symmetry.catalogue import cyclic
    >>> regular(cyclic(3)).monomial("r").image
    array([1, 2, 0])
    """
    group = read_group(group)
    elements = group.elements
    return from_images(group, [permutation_map(row) for row in elements.left], "regular")


def quotient(group: Group, subgroup: Group) -> Representation:
    """Functions on the cosets: ``rho(g) e_(hH) = e_(ghH)``, cosets in order of their first element.

    Args:
        group: a finite group.
        subgroup: ``group.subgroup(words)``.

    >>> from derive.symmetry.catalogue import symmetric
    >>> G = symmetric(4)
    >>> quotient(G, G.subgroup(["s", "c*s*c^-1"])).dim
    4
    """
    group, subgroup = read_group(group), read_group(subgroup, "subgroup")
    words = _embedding(group, subgroup)
    elements = group.elements
    moves = [elements.right(elements.index(w)) for w in words]
    cosets = orbit_labels(moves, elements.order)
    _, first = np.unique(cosets, return_index=True)
    images = [permutation_map(cosets[row[first]]) for row in elements.left]
    return from_images(group, images, f"{group.name}/{subgroup.name}")


def _embedding(group: Group, subgroup: Group) -> tuple[Word, ...]:
    if subgroup == group:
        return tuple(((g, 1),) for g in group.generators)
    return words_in(subgroup, group)


def _renamed(V: Representation, name: str) -> Representation:
    _, atom = V.blocks[0]
    return from_images(V.group, atom.images, name) if isinstance(atom, Atom) else V


def _trace(piece: Piece, generator: str) -> Any:
    """The trace of a Lie algebra generator; a product's is a sum by Leibniz."""
    if isinstance(piece, Tensor):
        return sum((_trace(f, generator) * (piece.dim // f.dim) for f in piece.factors), Integer(0))
    return piece.matrix(generator).trace()


def _determinant(piece: Piece, generator: str) -> Any:
    """The determinant, as a number or as a 1 x 1 monomial map; ``det(A x B) = det(A)^dim B det(B)^dim A``."""
    if isinstance(piece, Tensor):
        parts = [_power_of(_determinant(f, generator), piece.dim // f.dim) for f in piece.factors]
        return _product(parts)
    m = piece.monomial(generator)
    if m is not None:
        return _monomial_determinant(m)
    field = over_common_field([piece.matrix(generator)])[0]
    return field.domain.to_sympy(field.charpoly()[-1]) * (-1) ** piece.dim


def _monomial_determinant(m: Monomial) -> Monomial:
    cycles = int(orbit_labels([m.image], m.dim).max(initial=-1)) + 1
    odd = (m.dim - cycles) % 2
    turn = 2 * int(m.phase.sum()) + odd * m.order
    return Monomial(np.array([0]), np.array([turn]), 2 * m.order)


def _power_of(value: Any, n: int) -> Any:
    if isinstance(value, Monomial):
        return Monomial(value.image, value.phase * (n % value.order), value.order)
    return value**n


def _product(parts: list[Any]) -> Any:
    maps = [p for p in parts if isinstance(p, Monomial)]
    if len(maps) < len(parts):
        result: Any = Integer(1)
        for p in parts:
            result *= p.matrix[0, 0] if isinstance(p, Monomial) else p
        return result
    total = permutation_map(np.array([0]))
    for p in maps:
        total = total * p
    return total


def _scalar(parts: list[Any]) -> Any:
    value = _product(parts)
    return value if isinstance(value, Monomial) else ImmutableMatrix([[value]])
