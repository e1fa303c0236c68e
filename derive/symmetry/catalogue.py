"""The named finite groups: permutation families, and the point groups that preserve a lattice."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.errors import GroupError, brief
from derive.symmetry.constructions import symmetric_relations, wreath
from derive.symmetry.given import matrix_group
from derive.symmetry.group import Family, Group
from derive.symmetry.monomial import Monomial, permutation_map
from derive.symmetry.schoenflies import schoenflies
from derive.symmetry.sizes import whole

_ONE, _HALF, _QUARTER = [[1, 0], [0, 1]], [[-1, 0], [0, -1]], [[0, -1], [1, 0]]
_MIRROR, _DIAGONAL, _ANTI = [[-1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1], [-1, 0]]
# In axial coordinates a sixth of a turn takes (1, 0) to (0, 1) and (0, 1) to (-1, 1).
_SIXTH, _THIRD = [[0, -1], [1, 1]], [[-1, -1], [1, 0]]
_AXES3 = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
_HALF3, _QUARTER3 = [[-1, 0, 0], [0, -1, 0], [0, 0, 1]], [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
_SWAP3, _INVERSION3 = [[0, 1, 0], [1, 0, 0], [0, 0, 1]], [[-1, 0, 0], [0, -1, 0], [0, 0, -1]]
_T, _O, _CENTRAL = ("r^2", "t^3", "(r*t)^3"), ("r^4", "t^3", "(r*t)^2"), ("i^2", "i*r = r*i", "i*t = t*i")

# dimension -> name -> (generators, relations)
POINT_GROUPS: dict[int, dict[str, tuple[dict[str, Any], tuple[str, ...]]]] = {
    1: {
        "C1": ({"e": [[1]]}, ("e",)),
        "D1": ({"m": [[-1]]}, ("m^2",)),
    },
    2: {
        "C1": ({"e": _ONE}, ("e",)),
        "C2": ({"r": _HALF}, ("r^2",)),
        "C4": ({"r": _QUARTER}, ("r^4",)),
        "D1": ({"m": _MIRROR}, ("m^2",)),
        "D1diag": ({"m": _DIAGONAL}, ("m^2",)),
        "D2": ({"r": _HALF, "m": _MIRROR}, ("r^2", "m^2", "(r*m)^2")),
        "D2diag": ({"r": _HALF, "m": _DIAGONAL}, ("r^2", "m^2", "(r*m)^2")),
        "D4": ({"r": _QUARTER, "m": _MIRROR}, ("r^4", "m^2", "(r*m)^2")),
        "C3": ({"r": _THIRD}, ("r^3",)),
        "C6": ({"r": _SIXTH}, ("r^6",)),
        "D3": ({"r": _THIRD, "m": _DIAGONAL}, ("r^3", "m^2", "(r*m)^2")),
        "D3b": ({"r": _THIRD, "m": _ANTI}, ("r^3", "m^2", "(r*m)^2")),
        "D6": ({"r": _SIXTH, "m": _DIAGONAL}, ("r^6", "m^2", "(r*m)^2")),
    },
    3: {
        "C1": ({"e": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, ("e",)),
        "T": ({"r": _HALF3, "t": _AXES3}, _T),
        "Td": ({"r": _HALF3, "t": _AXES3, "m": _SWAP3}, (*_T, "m^2", "(m*t)^2", "(m*r)^2")),
        "Th": ({"r": _HALF3, "t": _AXES3, "i": _INVERSION3}, (*_T, *_CENTRAL)),
        "O": ({"r": _QUARTER3, "t": _AXES3}, _O),
        "Oh": ({"r": _QUARTER3, "t": _AXES3, "i": _INVERSION3}, (*_O, *_CENTRAL)),
    },
}  # fmt: skip


MORE = {1: "", 2: ", any Cn, Dn", 3: ", I Ih Cs Ci, any Cn Cnv Cnh Dn Dnh Dnd S2n"}


def point_group(name: str, dim: int = 2) -> Group:
    """A finite group of exact orthogonal or integer matrices, by its Schoenflies name.

    Those of the first list preserve the lattice Z^dim: ``r`` is the rotation, ``m`` the mirror (D1 flips the
    first axis, ``diag`` swaps the axes), ``t`` the threefold rotation of the cube about its diagonal, ``i``
    the inversion; in the plane C3, C6, D3, D3b and D6 are hexagonal, in axial coordinates. All others act
    on R^dim by orthogonal matrices of algebraic numbers: any Cn and Dn in the plane; in space I, Ih and the
    axial groups about z, Cn Cnv Cnh Dn Dnh Dnd S2n, Cs and Ci, with ``h`` the mirror across the axis, ``s``
    the rotoreflection, and ``m`` a mirror that holds the axis (Cnv) or half a turn about x (Dn).

    >>> point_group("D4", dim=2).order, point_group("Oh", dim=3).order, point_group("I", dim=3).order
    (8, 48, 60)
    """
    number = whole(dim, "dim")
    named = POINT_GROUPS.get(number, {}).get(name) if isinstance(name, str) else None
    named = named or (schoenflies(name, number) if isinstance(name, str) else None)
    if named is None:
        known = "; ".join(f"dim={d}: {' '.join(groups)}{MORE[d]}" for d, groups in POINT_GROUPS.items())
        raise GroupError(
            "point_group", f"must be one of ({known})", f"{brief(name)}, dim={dim}", "or use matrix_group"
        )
    generators, relations = named
    given = matrix_group(generators, relations, name)
    return Group(name, given.generators, given.relations, given.given, "matrices", presented=True)


def cyclic(n: int) -> Group:
    """The cyclic group ``< r | r^n >`` of order n, which shifts the points 0..n-1 of a ring.

    >>> cyclic(5)
    Group 'Z_5' < r | r^5 >
    """
    n = whole(n, "n")
    images = (permutation_map(np.roll(np.arange(n), -1)),)
    return Group(
        f"Z_{n}", ("r",), ((("r", n),),), images, "permutations", presented=True, family=Family("C", n)
    )


def dihedral(n: int) -> Group:
    """The dihedral group ``< r, m | r^n, m^2, (r m)^2 >`` of order 2n on the points 0..n-1 of a ring.

    ``r`` shifts the ring, ``m`` sends i to -i. (On one or two points this action is not faithful; the
    relations define the group.)

    >>> dihedral(4).order
    8
    """
    n = whole(n, "n")
    points = np.arange(n)
    images = (permutation_map((points + 1) % n), permutation_map(-points % n))
    relations: Any = (f"r^{n}", "m^2", "(r*m)^2")
    return Group(
        f"D_{n}",
        ("r", "m"),
        relations,
        images,
        "permutations",
        faithful=n > 2,
        presented=True,
        family=Family("D", n),
    )


def symmetric(n: int) -> Group:
    """The symmetric group of all permutations of 0..n-1: ``c`` the n-cycle, ``s`` the swap of 0 and 1.

    >>> symmetric(5).order
    120
    """
    n = whole(n, "n")
    relations, presented = symmetric_relations(n)
    images = (permutation_map((np.arange(n) + 1) % n), _on_first(n, [1, 0]))
    return Group(
        f"S_{n}", ("c", "s"), relations, images, "permutations", presented=presented, family=Family("S", n)
    )


def alternating(n: int) -> Group:
    """The alternating group of even permutations of 0..n-1: ``t`` = (0 1 2), ``c`` a cycle of odd length.

    >>> alternating(5).order
    60
    """
    n = whole(n, "n")
    first = 1 - n % 2
    cycle = np.arange(n)
    cycle[first:] = np.roll(cycle[first:], -1)
    images = (_on_first(n, [1, 2, 0]), permutation_map(cycle))
    relations: Any = ("t^3", f"c^{n - first}") if n > 2 else ("t", "c")
    return Group(f"A_{n}", ("t", "c"), relations, images, "permutations", family=Family("A", n))


def hyperoctahedral(n: int) -> Group:
    """The group of signed permutations of n axes: ``f`` flips the first axis, ``c`` and ``s`` permute them.

    >>> hyperoctahedral(3).order
    48
    """
    n = whole(n, "n")
    flip = Monomial(np.array([0]), np.array([1]), 2)
    one = Group("flip", ("f",), ((("f", 2),),), (flip,), "matrices", presented=True)
    made = wreath(one, n)
    return Group(
        f"B_{n}",
        made.generators,
        made.relations,
        made.given,
        "matrices",
        presented=made.presented,
        family=Family("B", n),
    )


def _on_first(n: int, images: list[int]) -> Monomial:
    """A permutation of the first few points, or the identity where there are too few."""
    points = np.arange(n)
    if n >= len(images):
        points[: len(images)] = images
    return permutation_map(points)
