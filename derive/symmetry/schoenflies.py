"""Point groups that need no lattice, by their Schoenflies names, in exact algebraic orthogonal matrices.

Two dimensions: ``Cn``, ``Dn`` for every n. Three dimensions: the axial groups about z, ``Cn Cnv Cnh S2n Dn
Dnh Dnd``, ``Cs`` and ``Ci``; the icosahedral ``I`` and ``Ih``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sympy import ImmutableMatrix, Matrix, Rational, cos, diag, eye, pi, sin, sqrt


class Named(NamedTuple):
    """Generators, exact matrices by name, and the relations that define the group."""

    generators: dict[str, Any]
    relations: tuple[str, ...]


_AXIS = Matrix([[0, 0, 1], [1, 0, 0], [0, 1, 0]])  # a third of a turn about (1, 1, 1)
_INVERSION, _LEVEL, _SIDE = -eye(3), diag(1, 1, -1), diag(-1, 1, 1)  # inversion; mirrors z -> -z, x -> -x
_FLIP = diag(1, -1, -1)  # half a turn about x
_CENTRAL = ("i^2", "i*r = r*i", "i*t = t*i")


def turn(n: int, dim: int = 2, k: int = 1) -> ImmutableMatrix:
    """The rotation by ``2 pi k / n`` of the first two axes.

    >>> turn(4)
    Matrix([
    [0, -1],
    [1,  0]])
    """
    angle = 2 * pi * k / n
    c, s = cos(angle), sin(angle)
    plane = Matrix([[c, -s], [s, c]])
    return ImmutableMatrix(diag(plane, eye(dim - 2)) if dim > 2 else plane)


def fifth() -> ImmutableMatrix:
    """A fifth of a turn about the vertex (0, 1, golden ratio) of an icosahedron.

    Its product with the cyclic permutation of the axes is half a turn, so that both generate I.
    """
    large, small = (1 + sqrt(5)) / 4, (sqrt(5) - 1) / 4  # cos(pi/5), cos(2 pi/5)
    half = Rational(1, 2)
    return ImmutableMatrix([[small, -large, half], [large, half, small], [-half, small, large]])


def schoenflies(name: str, dim: int) -> Named | None:
    """The group of a name, None where no group is called so.

    >>> schoenflies("C8", 2).relations, sorted(schoenflies("D5h", 3).generators)
    (('r^8',), ['h', 'm', 'r'])
    """
    if dim == 3 and name in _POLYHEDRAL:
        return _POLYHEDRAL[name]()
    if dim == 3 and name in _SMALL:
        return _SMALL[name]
    letter, digits, kind = _parts(name)
    if not digits:
        return None
    makers = {2: _plane, 3: _axial}
    return makers[dim](letter, int(digits), kind) if dim in makers else None


def _parts(name: str) -> tuple[str, str, str]:
    """C12v as C, 12, v."""
    tail = name[1:].lstrip("0123456789")
    digits = name[1 : len(name) - len(tail)]
    return name[:1], digits if digits and digits[0] != "0" and digits.isascii() else "", tail


def _plane(letter: str, n: int, kind: str) -> Named | None:
    if kind or letter not in ("C", "D"):
        return None
    if letter == "C":
        return Named({"r": turn(n)}, (f"r^{n}",))
    return Named({"r": turn(n), "m": diag(-1, 1)}, (f"r^{n}", "m^2", "(r*m)^2"))


def _axial(letter: str, n: int, kind: str) -> Named | None:
    """Rotations about z; v: mirrors that hold the axis; h: the mirror across it; d: mirrors between flips."""
    turns, mirrors = {"r": turn(n, 3)}, ("m^2", "(r*m)^2")
    level = ("h^2", "h*r = r*h")
    made = {
        ("C", ""): (turns, (f"r^{n}",)),
        ("C", "v"): (turns | {"m": _SIDE}, (f"r^{n}", *mirrors)),
        ("C", "h"): (turns | {"h": _LEVEL}, (f"r^{n}", *level)),
        ("D", ""): (turns | {"m": _FLIP}, (f"r^{n}", *mirrors)),
        ("D", "h"): (turns | {"m": _FLIP, "h": _LEVEL}, (f"r^{n}", *mirrors, *level, "h*m = m*h")),
        ("D", "d"): ({"s": _LEVEL * turn(2 * n, 3), "m": _FLIP}, (f"s^{2 * n}", "m^2", "(s*m)^2")),
    }
    if (letter, kind) == ("S", "") and n % 2 == 0:
        return Named({"s": ImmutableMatrix(_LEVEL * turn(n, 3))}, (f"s^{n}",))
    found = made.get((letter, kind))
    return None if found is None else Named(*found)


def _icosahedral() -> Named:
    return Named({"r": fifth(), "t": _AXIS}, ("r^5", "t^3", "(r*t)^2"))


def _full_icosahedral() -> Named:
    turns = _icosahedral()
    return Named(turns.generators | {"i": _INVERSION}, (*turns.relations, *_CENTRAL))


_POLYHEDRAL = {"I": _icosahedral, "Ih": _full_icosahedral}
_SMALL = {"Cs": Named({"h": _LEVEL}, ("h^2",)), "Ci": Named({"i": _INVERSION}, ("i^2",))}
