"""Irreducible real representations of cyclic and dihedral groups, SO(2) and O(2), over algebraic numbers."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from sympy import Expr, ImmutableMatrix, cos, pi, sin

from derive.errors import GroupError
from derive.symmetry.elements import Elements
from derive.symmetry.group import Group, read_group
from derive.symmetry.representation import Representation, from_images, trivial
from derive.symmetry.sizes import whole
from derive.symmetry.spherical import all_irreps, read_irreps, require_orthogonal
from derive.symmetry.standard import sign


@overload
def irreps(group: Group, max_frequency: int | None = None) -> tuple[Representation, ...]: ...


@overload
def irreps(group: Group, max_frequency: str) -> Representation: ...


def irreps(
    group: Group, max_frequency: int | str | None = None
) -> tuple[Representation, ...] | Representation:
    """The irreducible real representations, by increasing frequency; or the sum of them that a text writes.

    A rotation by ``2 pi / n`` acts in frequency k by ``[[cos t, -sin t], [sin t, cos t]]`` with
    ``t = 2 pi k / n``, a reflection by ``diag(1, -1)``; frequencies 0 and n/2 have one dimension. For SO(2)
    and O(2) the algebra acts by ``[[0, -k], [k, 0]]``, k up to ``max_frequency``. Those of SO(3) and O(3) are
    `irrep(G, l, parity)`.

    Args:
        group: a cyclic or dihedral group, however it was given, SO(2), O(2), SO(3) or O(3).
        max_frequency: the largest frequency or degree; needed for Lie groups, else all of them. For SO(n) and
            O(n) also a sum such as '8x0e + 4x1o', copies x degree and parity, which is returned as one
            representation.

    Raises:
        GroupError: another group.

    >>> from derive.symmetry.catalogue import cyclic, dihedral
    >>> [V.dim for V in irreps(cyclic(5))], [V.dim for V in irreps(dihedral(4))]
    ([1, 2, 2], [1, 1, 1, 1, 2])
    >>> from derive.symmetry.lie import orthogonal
    >>> irreps(orthogonal(3), "8x0e + 4x1o")
    Representation(8x0e + 4x1o, dim=20, group=O(3))
    """
    group = read_group(group)
    if isinstance(max_frequency, str):
        return read_irreps(group, max_frequency)
    if group.algebra:
        return _lie_irreps(group, max_frequency)
    elements = group.elements
    orders = elements.orders
    top = elements.order
    if top in orders:
        rotation, mirror = int(np.flatnonzero(orders == top)[0]), None
    else:
        rotation, mirror = _dihedral_pair(group, elements, orders)
        top //= 2
    exponents = _exponents(elements, rotation, mirror)
    highest = (
        top // 2 if max_frequency is None else min(whole(max_frequency, "max_frequency", least=0), top // 2)
    )
    found: list[Representation] = []
    for k in _frequencies(top, highest):
        found += _of_frequency(group, elements, exponents, k, top, mirror is not None)
    return tuple(found)


def _frequencies(n: int, highest: int) -> list[int]:
    """0, then n/2, then the two-dimensional ones."""
    ends = [0] + ([n // 2] if n % 2 == 0 and highest >= n // 2 else [])
    return ends + [k for k in range(1, highest + 1) if 2 * k != n]


def _dihedral_pair(group: Group, elements: Elements, orders: np.ndarray) -> tuple[int, int]:
    """A rotation of order |G| / 2 and a reflection that inverts it."""
    table = elements.table
    for r in np.flatnonzero(orders == elements.order // 2).tolist():
        powers = _powers(elements, r)
        for m in np.flatnonzero(orders == 2).tolist():
            if m not in powers and table[table[m, r], m] == elements.inverse[r]:
                return r, m
    remedy = "build them with Representation(G, {generator: matrix}), or use regular(G)"
    raise GroupError("irreps", "needs a cyclic or dihedral group, SO(n) or O(n)", group.name, remedy)


def _powers(elements: Elements, r: int) -> list[int]:
    powers, at = [0], r
    while at:
        powers.append(at)
        at = int(elements.table[r, at])
    return powers


def _exponents(elements: Elements, r: int, m: int | None) -> dict[int, tuple[int, int]]:
    """Each element as ``r^a m^b``."""
    powers = _powers(elements, r)
    out = {g: (a, 0) for a, g in enumerate(powers)}
    if m is not None:
        out |= {int(elements.table[g, m]): (a, 1) for a, g in enumerate(powers)}
    return out


def _of_frequency(
    group: Group, elements: Elements, exponents: dict[int, tuple[int, int]], k: int, n: int, dihedral: bool
) -> list[Representation]:
    places = [exponents[int(row[0])] for row in elements.left]
    if k == 0 or 2 * k == n:
        turn = 1 if k == 0 else -1
        flips = (1, -1) if dihedral else (1,)
        return [
            from_images(group, [ImmutableMatrix([[turn**a * f**b]]) for a, b in places], _name(k, f))
            for f in flips
        ]
    return [from_images(group, [_rotation(2 * pi * k * a / n, b) for a, b in places], f"f{k}")]


def _name(k: int, flip: int) -> str:
    return f"f{k}" if flip == 1 else f"f{k}'"


def _rotation(angle: Expr, flips: int) -> ImmutableMatrix:
    c, s = cos(angle), sin(angle)
    return ImmutableMatrix([[c, s], [s, -c]] if flips else [[c, -s], [s, c]])


def _lie_irreps(group: Group, highest: int | None) -> tuple[Representation, ...]:
    family = require_orthogonal(group, "irreps")
    if highest is None:
        remedy = "give 3 for example, or a sum such as '8x0e + 4x1o'"
        raise GroupError("max_frequency", "is needed: there are infinitely many irreps", None, remedy)
    top = whole(highest, "max_frequency", least=0)
    if family.n != 2:
        return all_irreps(group, family, top)
    ends = [trivial(group)] + ([sign(group)] if group.discrete else [])
    return (*ends, *(_circle(group, k) for k in range(1, top + 1)))


def _circle(group: Group, k: int) -> Representation:
    images: list[Any] = [ImmutableMatrix([[0, -k], [k, 0]])]
    images += [ImmutableMatrix([[-1, 0], [0, 1]]) for _ in group.discrete]
    return from_images(group, images, f"f{k}")
