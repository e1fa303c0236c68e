"""The problems whose figures were asked for: how each is stated, what is asked of it, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from sympy.combinatorics import Permutation

import derive as dv


@dataclass(frozen=True)
class Figure:
    """A problem, its dimension, and the seconds and megabytes asked for (None: no bound).

    `labels`: what is read of the answer, by default one basis element; `quick`: in the quick run as well.
    """

    solve: Callable[[], Any]
    dim: int
    seconds: float | None = None
    megabytes: float | None = None
    labels: Callable[[Any], object] | None = None
    quick: bool = False


def element(solution: Any) -> object:
    """The basis element in the middle."""
    return solution.basis[len(solution.basis) // 2] if solution.dim else None


def far_element(solution: Any) -> object:
    """The same where there are more of them than `len` may count."""
    return solution.basis[10**6]


def diagonals(solution: Any) -> object:
    """Every orbit as a diagonal: which indices are equal, and over which points they run."""
    orbits = solution.answer.maps.pairs[0].maps.tensors.orbits
    return [orbits.leaf(k) for k in range(orbits.dim)]


def torus(name: str, size: int, into: str = "trivial", out: str = "trivial") -> Any:
    """A wallpaper group on a periodic grid."""
    group = dv.wallpaper(name)
    where: Any = {"grid": (size, size), "boundary": "periodic"}
    x, y = (dv.Field(group, fibre=getattr(dv, kind)(group.point), **where) for kind in (into, out))
    return dv.solve(x, y)


def translated(size: int) -> Any:
    """Translations alone on a periodic grid."""
    x = dv.Field(dv.translations(2), 1, grid=(size, size), boundary="periodic")
    return dv.solve(x, x)


def powers(group: Any, into: int, out: int, representation: Any = dv.defining) -> Any:
    """Maps between tensor powers."""
    V = representation(group)
    return dv.solve(V**into, V**out)


def graphs(n: int) -> Any:
    """S_n on matrices: graphs of n nodes."""
    return powers(dv.symmetric(n), 2, 2)


def random_pair(n: int) -> Any:
    """The group that two random permutations generate."""
    random, images = Random(1), [list(range(n)) for _ in "ab"]
    for image in images:
        random.shuffle(image)
    return dv.permutation_group(dict(zip("ab", images, strict=True)))


MATHIEU = (
    [list(range(23))],
    [[2, 16, 9, 6, 8], [3, 12, 13, 18, 4], [7, 17, 10, 11, 22], [14, 19, 21, 20, 15]],
    [
        [0, 23],
        [1, 22],
        [2, 11],
        [3, 15],
        [4, 17],
        [5, 9],
        [6, 19],
        [7, 13],
        [8, 20],
        [10, 16],
        [12, 21],
        [14, 18],
    ],
)

# Stickers 1 to 48: the faces top, left, front, right, back, bottom, each read row by row without its centre.
CUBE = (
    [[1, 3, 8, 6], [2, 5, 7, 4], [9, 33, 25, 17], [10, 34, 26, 18], [11, 35, 27, 19]],
    [[9, 11, 16, 14], [10, 13, 15, 12], [1, 17, 41, 40], [4, 20, 44, 37], [6, 22, 46, 35]],
    [[17, 19, 24, 22], [18, 21, 23, 20], [6, 25, 43, 16], [7, 28, 42, 13], [8, 30, 41, 11]],
    [[25, 27, 32, 30], [26, 29, 31, 28], [3, 38, 43, 19], [5, 36, 45, 21], [8, 33, 48, 24]],
    [[33, 35, 40, 38], [34, 37, 39, 36], [3, 9, 46, 32], [2, 12, 47, 29], [1, 14, 48, 27]],
    [[41, 43, 48, 46], [42, 45, 47, 44], [14, 22, 30, 38], [15, 23, 31, 39], [16, 24, 32, 40]],
)


def from_cycles(cycles: Any, first: int, size: int) -> Any:
    """A permutation group from cycles of points counted from `first`."""
    shifted = [[[point - first for point in cycle] for cycle in generator] for generator in cycles]
    images = [Permutation(generator, size=size).array_form for generator in shifted]
    return dv.permutation_group({f"g{i}": image for i, image in enumerate(images)})


def square(size: int) -> Any:
    """The square's symmetries without translations."""
    x = dv.Field(dv.point_group("D4"), 1, grid=(size, size))
    return dv.solve(x, x)


def regular(group: Any, radius: int, into: int = 1, out: int = 1) -> Any:
    """Regular fibres on an infinite lattice."""
    R = dv.regular(group.point)
    x, y = (dv.Field(group, fibre=copies * R) for copies in (into, out))
    return dv.solve(x, y, support=dv.box(radius))


def turning(n: int, power: int) -> Any:
    """Tensor powers of the rotation of the plane by one n-th of a turn, over algebraic numbers."""
    V = dv.irreps(dv.cyclic(n))[1]
    return dv.solve(V**power, V**power)


def _so(n: int, into: int, out: int) -> Callable[[], Any]:
    return lambda: powers(dv.special_orthogonal(n), into, out)


def _lorentz(power: int) -> Callable[[], Any]:
    return lambda: powers(dv.lorentz(full=True), power, power)


def _cubes() -> Any:
    return from_cycles(CUBE, 1, 48)


FIGURES: dict[str, Figure] = {
    "p4m, torus 1000 x 1000, scalar to scalar": Figure(
        partial(torus, "p4m", 1000), 125_751, 1.0, 1000, quick=True
    ),
    "p4m, torus 1000 x 1000, sign to vector": Figure(
        partial(torus, "p4m", 1000, "sign", "defining"), 249_999, 2.0
    ),
    "translations, torus 1000 x 1000": Figure(partial(translated, 1000), 10**6, 1.0, 1000),
    **{
        f"S_{n}, V^2 to V^2": Figure(partial(graphs, n), 15, 0.2, labels=diagonals, quick=n in (4, 20000))
        for n in (4, 8, 32, 256, 2048, 20000)
    },
    "S_64 by two random generators, V^2 to V^2": Figure(
        lambda: powers(random_pair(64), 2, 2), 15, labels=diagonals
    ),
    "Mathieu group M24, V^2 to V^2": Figure(
        lambda: powers(from_cycles(MATHIEU, 0, 24), 2, 2), 15, quick=True
    ),
    "Rubik's cube, V to V": Figure(lambda: powers(_cubes(), 1, 1), 9),
    "Rubik's cube, V^2 to V^2": Figure(lambda: powers(_cubes(), 2, 2), 350, 5.0),
    "Z_1000000, V to V": Figure(lambda: powers(dv.cyclic(10**6), 1, 1), 10**6, 1.0, quick=True),
    "D4 without translation, 64 x 64": Figure(partial(square, 64), 2_098_176, None, 500),
    "D4 without translation, 1000 x 1000": Figure(
        partial(square, 1000), 125_000_250_000, 4.0, labels=far_element
    ),
    "p4, torus 8 x 8": Figure(partial(torus, "p4", 8), 18),
    "SO(3), V^4 to V^3": Figure(_so(3, 4, 3), 36, 0.2, quick=True),
    "SO(3), invariants of V^8": Figure(_so(3, 0, 8), 91, 1.0),
    "SO(3), invariants of V^9": Figure(_so(3, 0, 9), 232),
    "SO(4), invariants of V^8": Figure(_so(4, 0, 8), 196, 5.0),
    "O(1,3), V^3 to V^3": Figure(_lorentz(3), 15, 10.0),
    "O(1,3), V^4 to V^4": Figure(_lorentz(4), 105, 10.0),
    "C5 by rotations, V^3 to V^3": Figure(partial(turning, 5, 3), 20, 1.0, quick=True),
    "Oh, regular to regular, 5^3": Figure(
        lambda: regular(dv.space_group(dv.point_group("Oh", dim=3)), 2), 6000, 0.5, quick=True
    ),
    "p4m, regular to regular, 7 x 7": Figure(lambda: regular(dv.wallpaper("p4m"), 3), 392),
    "p4m, 64 regular to 64 regular, 7 x 7": Figure(
        lambda: regular(dv.wallpaper("p4m"), 3, 64, 64), 392 * 64 * 64
    ),
}
