"""Every symmetry that has a word: what to type, a line about it, and how it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.symmetry.catalogue import POINT_GROUPS

WALLPAPERS = {
    "p1": "shifts alone",
    "p2": "half turns",
    "pm": "mirrors, all parallel",
    "pg": "glides, all parallel",
    "cm": "mirrors and the glides between them, all parallel",
    "pmm": "mirrors in two directions, half turns where they cross",
    "pmg": "mirrors in one direction, glides across, half turns",
    "pgg": "glides in two directions, half turns",
    "cmm": "mirrors in two directions, half turns also off the mirrors",
    "p4": "quarter turns",
    "p4m": "quarter turns, mirrors through their centres: the square lattice whole",
    "p4g": "quarter turns, mirrors that miss their centres",
    "p3": "thirds of a turn",
    "p31m": "thirds of a turn, mirrors across the shortest shifts",
    "p3m1": "thirds of a turn, mirrors along the shortest shifts",
    "p6": "sixths of a turn",
    "p6m": "sixths of a turn, mirrors through their centres: the hexagonal lattice whole",
}
HEXAGONAL_WALLPAPERS = ("p3", "p31m", "p3m1", "p6", "p6m")
POINTS = {
    "C1": "nothing but the identity",
    "C2": "a half turn",
    "C3": "thirds of a turn, hexagonal axes",
    "C4": "quarter turns",
    "C6": "sixths of a turn, hexagonal axes",
    "D1": "the mirror of the first axis",
    "D1diag": "the mirror that swaps the axes",
    "D2": "the mirrors of both axes",
    "D2diag": "the mirrors of both diagonals",
    "D3": "a triangle's turns and mirrors, as in p31m",
    "D3b": "a triangle's turns and mirrors, as in p3m1",
    "D4": "all eight symmetries of a square",
    "D6": "all twelve symmetries of a hexagon",
    "T": "the 12 rotations of a tetrahedron",
    "Td": "all 24 symmetries of a tetrahedron",
    "Th": "the rotations of a tetrahedron and the inversion",
    "O": "the 24 rotations of a cube",
    "Oh": "all 48 symmetries of a cube",
}
HEXAGONAL_POINTS = ("C3", "C6", "D3", "D3b", "D6")


@dataclass(frozen=True)
class Family:
    """Groups by a number: the pattern of their words, an example, a line about it, the maker and its size."""

    pattern: str
    example: str
    line: str
    maker: str

    def make(self, n: int) -> tuple[str, int | None]:
        """The maker and what it takes: Sp(2m) is named by the dimensions on which it acts, and made by m."""
        if self.maker != "symplectic":
            return self.maker, n
        return self.maker, None if n % 2 else n // 2


FAMILIES = (
    Family(r"S_?(\d+)|symmetric\(?(\d+)\)?", "S5", "all orders of 5 things", "symmetric"),
    Family(r"A_?(\d+)|alternating\(?(\d+)\)?", "A4", "the even orders of 4 things", "alternating"),
    Family(r"Z_?(\d+)|C_?(\d+)|cyclic\(?(\d+)\)?", "Z12", "the shifts of a ring of 12", "cyclic"),
    Family(r"D_?(\d+)|dihedral\(?(\d+)\)?", "D_5", "the turns and flips of a ring of 5", "dihedral"),
    Family(r"B_?(\d+)|hyperoctahedral\(?(\d+)\)?", "B3", "orders and signs of 3 axes", "hyperoctahedral"),
    Family(r"SO\(?(\d+)\)?", "SO(3)", "rotations in 3 dimensions", "special_orthogonal"),
    Family(r"O\(?(\d+)\)?", "O(2)", "rotations and mirrors in 2 dimensions", "orthogonal"),
    Family(r"SL\(?(\d+)\)?", "SL(2)", "linear maps of determinant 1", "special_linear"),
    Family(r"GL\(?(\d+)\)?", "GL(2)", "invertible linear maps", "general_linear"),
    Family(r"Sp\(?(\d+)\)?", "Sp(4)", "symplectic maps of 2 positions and 2 momenta", "symplectic"),
)
_BOOSTS: tuple[str, dict[str, bool]] = ("SO(1,3)", {})
_ALL: tuple[str, dict[str, bool]] = ("O(1,3)", {"full": True})
LORENTZ = {
    "lorentz": _BOOSTS,
    "so(1,3)": _BOOSTS,
    "so+(1,3)": _BOOSTS,
    "fulllorentz": _ALL,
    "lorentzfull": _ALL,
    "o(1,3)": _ALL,
}
LORENTZ_LINES = {
    "Lorentz": "boosts and rotations of space and time: SO(1,3)",
    "full Lorentz": "the same with space and time reversed: O(1,3)",
}


def family(word: str) -> tuple[Family, int] | None:
    """The family and the number that a word names.

    >>> family("SO(3)")[1], family("p4m")
    (3, None)
    """
    for found in FAMILIES:
        match = re.fullmatch(found.pattern, word, re.IGNORECASE)
        if match:
            return found, int(next(n for n in match.groups() if n))
    return None


def dimensions(name: str) -> list[int]:
    """The numbers of axes on which a point group of this name acts."""
    return [dim for dim, named in POINT_GROUPS.items() if name in named]


def point_name(word: str) -> str | None:
    """The name of a point group, whatever its capitals."""
    return {name.lower(): name for name in POINTS}.get(word.lower())


def known_words() -> Iterator[str]:
    """What can be typed, with an example of each family."""
    yield "translations"
    yield from WALLPAPERS
    yield from POINTS
    yield from (f.example for f in FAMILIES)
    yield from ("cyclic 12", "dihedral 5", "symmetric 5", "alternating 4", "hyperoctahedral 3")
    yield from ("Lorentz", "full Lorentz", "SO(1,3)", "O(1,3)")
