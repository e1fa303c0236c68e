"""Questions in words, with counts that are known without this library."""

from __future__ import annotations

from typing import Any

from cli.question import Asked

# Weights of 3 x 3 kernels (radius 1 on hexagonal lattices) from scalars to scalars: orbits of displacements.
WALLPAPER_DIMS = {
    "p1": 9, "p2": 5, "pm": 6, "pg": 9, "cm": 6, "pmm": 4, "pmg": 5, "pgg": 10, "cmm": 4,
    "p4": 3, "p4m": 3, "p4g": 7, "p3": 3, "p31m": 2, "p3m1": 3, "p6": 2, "p6m": 2,
}  # fmt: skip
HEXAGONAL = ("p3", "p31m", "p3m1", "p6", "p6m")


def _q(symmetry: str, dim: Any, **words: Any) -> tuple[Asked, Any]:
    return Asked(symmetry, **words), dim


KNOWN: tuple[tuple[Asked, Any], ...] = (
    *(
        (Asked(name, kernel="hexagon 1" if name in HEXAGONAL else "3"), n)
        for name, n in WALLPAPER_DIMS.items()
    ),
    _q("p4m", 1200, into="3 trivial", out="16 regular", kernel="5"),
    _q("P4M", 3 * 16 * 25, into="3", out="16 regular", kernel="5x5"),
    _q("p4m", 2, out="V", kernel="3"),
    _q("p4m", 0, into="sign", kernel="3"),
    _q("p6m", 3, out="vector", kernel="hexagon 2"),
    _q("translations", "C*D*(2*r + 1)**2", into="C trivial", out="D trivial", kernel="radius r"),
    _q("translations", 9 * 6, into="2 trivial", out="3", kernel="3"),
    _q("translations", "oo"),
    _q("translations in 1-D", "3*C*D", into="C", out="D", kernel="3", dilation="2"),
    _q("1-D translations", "4*C*D", into="C", out="D", kernel="4"),
    _q("translations(1)", "3*C*D", into="C", out="D", kernel="3", stride="2"),
    _q("translations in 1-D", "3*C*D", into="C", out="D", kernel="3", upsample="2"),
    _q("translations in 1-D", 7, kernel="7", stride="3", upsample="2"),
    _q("translations in 1-D by 2", 6, kernel="3"),
    _q("translations in 3-D", 15, kernel="3x5x1"),
    _q("translations by (1, 0)", "3*W**2", kernel="3 x all", lattice="Z x W"),
    _q("translations", 35, lattice="periodic 5x7"),
    _q("translations", 9, lattice="torus 5x7", kernel="3"),
    _q("translations", "(2*H - 1)*(2*W - 1)", lattice="window HxW"),
    _q("translations on periodic 4x4", 16),
    _q("translations", 4 * 7, lattice="periodic 4 x window 4"),
    _q("p4m", 1, kernel="2", stride="2"),
    _q("p4m", 125751, lattice="periodic 1000"),
    _q("D4 on 8x8", 528),
    _q("D4 on 64x64", 2098176),
    _q("D4", 528, lattice="8x8"),
    _q("D1 in 1-D on 16", 128),
    _q("D4 with translations", 3, kernel="3"),
    _q("O in 3-D", 50, into="V * sign", out="V", kernel="5"),
    _q("O", 1, into="V", out="V"),
    _q("S5", 2),
    _q("S5", 15, into="V^2", out="V^2"),
    _q("symmetric 20000", 15, into="V^2", out="P^2"),
    _q("A4", 2),
    _q("alternating(4)", 2),
    _q("Z12", 12),
    _q("cyclic 12", 12),
    _q("dihedral 5", 3),
    _q("D_5", 2, into="f1", out="regular"),
    _q("D4", 2 + 1, into="2 trivial + sign", out="quotient r^2 + irreps[4]"),
    _q("D4", 3, into="3*V", out="V"),
    _q("D4", 2, into="2 V * sign", out="V"),
    _q("D4", 8, into="regular", out="regular"),
    _q("D4", 4, into="quotient(m)", out="regular"),
    _q("B3", 4, into="V^2", out="V^2"),
    _q("hyperoctahedral 4", 4, into="V^2", out="V^2"),
    _q("S3 wr 2", 3, into="P", out="P"),
    _q("Z4", "10*C + 4*D", into="C regular + D trivial", out="2 (regular + trivial)"),
    _q("SO(3)", 3, into="V^2", out="V x V"),
    _q("SO(3)", 2, into="sym(V, 2)", out="sym(V,2) * sign"),
    _q("SO(3)", 1, into="alt(V, 2)", out="V"),
    _q("SO(2)", 2, into="irreps[3]", out="irreps[3]"),
    _q("O(2)", 1, into="V", out="V"),
    _q("SL(2)", 1, into="V", out="dual(V)"),
    _q("GL(2)", 1, into="V", out="V"),
    _q("Sp(4)", 1),
    _q("Lorentz", 4, into="V^2", out="V^2"),
    _q("O(1,3)", 15, into="V^3", out="V^3"),
    _q("SO+(1,3)", 1),
    _q("S5 x SO(3)", 2, into="outer(V, V)", out="outer(P, V)"),
    _q("S3 x S4", 4, into="outer(V, V)", out="outer(V, V)"),
    _q("Z3 x Z3", 1, into="outer(trivial, trivial)", out="outer(trivial, trivial)"),
)
