"""Finite groups of every kind, each with a faithful representation."""

from __future__ import annotations

from collections.abc import Callable

from sympy import I

import derive as dv

Q8 = dv.Group("Q8", ("i", "j"), ("i^4", "i^2*j^-2", "j*i*j^-1*i"))
SL23 = dv.Group("SL(2,3)", ("a", "b"), ("a^4", "b^3*a^-2", "(a*b)^3*a^-2"))
F21 = dv.permutation_group({"a": [1, 2, 3, 4, 5, 6, 0], "b": [2 * i % 7 for i in range(7)]}, name="F21")
F20 = dv.permutation_group({"a": [1, 2, 3, 4, 0], "b": [2 * i % 5 for i in range(5)]}, name="F20")
GROUPS: dict[str, Callable[[], dv.Group]] = {
    **{f"S{n}": lambda n=n: dv.symmetric(n) for n in range(1, 6)},  # type: ignore[misc]
    **{f"A{n}": lambda n=n: dv.alternating(n) for n in range(1, 6)},  # type: ignore[misc]
    **{f"Z{n}": lambda n=n: dv.cyclic(n) for n in range(1, 13)},  # type: ignore[misc]
    **{f"D{n} of a ring": lambda n=n: dv.dihedral(n) for n in range(1, 13)},  # type: ignore[misc]
    "D4 in the plane": lambda: dv.point_group("D4", dim=2),
    "p6m": lambda: dv.wallpaper("p6m").point,
    "Q8": lambda: Q8,
    "Q8 of complex matrices": lambda: dv.matrix_group({"i": [[I, 0], [0, -I]], "j": [[0, 1], [-1, 0]]}),
    "Q8 on three axes": lambda: dv.matrix_group(
        {"i": [[I, 0, 0], [0, -I, 0], [0, 0, 1]], "j": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}
    ),
    "SL(2,3)": lambda: SL23,
    "F20": lambda: F20,
    "F21": lambda: F21,
    "B2": lambda: dv.hyperoctahedral(2),
    "B3": lambda: dv.hyperoctahedral(3),
    "Z3 x Z3": lambda: dv.cyclic(3) * dv.cyclic(3),
    "Z2 x S3": lambda: dv.cyclic(2) * dv.symmetric(3),
    "Z3 x Q8": lambda: dv.cyclic(3) * Q8,
    "Q8 x Q8": lambda: Q8 * Q8,
    "wreath": lambda: dv.wreath(dv.cyclic(3), 2),
}


def faithful(G: dv.Group) -> dv.Representation:
    """One in which different elements have different matrices."""
    V = dv.defining(G) if G.given is not None and G.faithful else dv.regular(G)
    real = all(e.is_real for g in G.generators for e in V.matrix(g).flat())
    return V if real else dv.regular(G)
