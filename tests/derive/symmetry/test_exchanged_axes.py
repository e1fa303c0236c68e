"""Axes that a generator carries into each other: one boundary, sizes that fit, one period, one spacing."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import derive as dv

C4, D4, C6 = (dv.point_group(name) for name in ("C4", "D4", "C6"))
P4, P6, PMM = dv.wallpaper("p4"), dv.wallpaper("p6"), dv.wallpaper("pmm")
SLANTED = dv.space_group(dv.matrix_group({"m": [[1, 2], [0, -1]]}))  # carries v to 2 u - v
OBLIQUE = dv.space_group(dv.matrix_group({"m": [[1, 1], [0, -1]]}))
CUBE = dv.space_group(dv.point_group("O", dim=3))


def on(G: Any, grid: Any, boundary: Any = "periodic", **lattice: Any) -> dv.Field:
    return dv.Field(G, grid=grid, boundary=boundary, **lattice)


# the symmetry, the grid, the boundary, and what must be named: both axes and both values
REFUSED: dict[str, tuple[Any, Any, Any, tuple[str, ...]]] = {
    "periodic and zero": (
        P4,
        (4, 4),
        ("periodic", "zero"),
        ("boundary", "periodic along u and zero along v"),
    ),
    "zero and periodic": (
        P4,
        (4, 4),
        ("zero", "periodic"),
        ("boundary", "zero along u and periodic along v"),
    ),
    "without translations": (C4, (4, 4), ("periodic", "zero"), ("boundary", "periodic along u")),
    "one boundary missing": (C4, (4, 4), (None, "zero"), ("boundary", "None along u and zero along v")),
    "a mirror on the diagonal": (dv.wallpaper("cm"), (4, 4), ("periodic", "zero"), ("'m'", "zero along v")),
    "hexagonal": (P6, (4, 4), ("periodic", "zero"), ("boundary", "'r'", "periodic along u and zero along v")),
    "three axes": (CUBE, (4, 4, 4), ("periodic", "periodic", "zero"), ("boundary", "zero along w")),
    "one way, from a window": (OBLIQUE, (4, 4), ("periodic", "zero"), ("boundary", "zero along v")),
    "one way, into a window": (OBLIQUE, (4, 4), ("zero", "periodic"), ("boundary", "zero along u")),
    "sizes": (
        P4,
        (4, 6),
        "periodic",
        ("grid", "4 x 6", "4 sites along u and 6 sites along v", "grid=(6, 6)"),
    ),
    "sizes that divide": (P4, (4, 8), "periodic", ("grid", "4 sites along u and 8 sites along v")),
    "hexagonal sizes": (P6, (4, 6), "periodic", ("grid", "4 sites along u and 6 sites along v")),
    "symbols": (P4, ("H", "W"), "periodic", ("H sites along u and W sites along v", "grid=('W', 'W')")),
    "a symbol and a number": (P4, ("H", 4), "periodic", ("H sites along u and 4 sites along v",)),
    "a multiple": (P4, ("H", dv.Field(P4, "H").channels * 2), "periodic", ("H sites along u and 2*H sites",)),
    "windows of symbols": (P4, ("H", "W"), "zero", ("H sites along u and W sites along v",)),
    "symbols, no translations": (C4, ("H", "W"), None, ("H sites along u and W sites along v",)),
    "sizes, no translations": (
        C4,
        (4, 6),
        None,
        ("grid", "carries a site outside", "4 along u and 6 along v"),
    ),
    "endless and periodic": (P4, (None, 4), (None, "periodic"), ("grid", "all of Z along u and 4 along v")),
    "a window and endless": (
        P4,
        (4, None),
        ("zero", None),
        ("grid", "4 along u and all of Z along v", "(4, 4)"),
    ),
    "endless, no translations": (C4, (None, 5), None, ("grid", "all of Z along u and 5 along v")),
    "slanted, too short": (SLANTED, (4, 3), "periodic", ("4 sites along u and 3 sites along v",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_both_axes_and_both_values_are_named(name: str) -> None:
    G, grid, boundary, parts = REFUSED[name]
    with pytest.raises(dv.GridError) as error:
        on(G, grid, boundary)
    for part in parts:
        assert part in str(error.value)
    assert "must be carried to itself by every generator" in str(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: on(P4, (4, 4)),
        lambda: on(P4, ("H", "H")),
        lambda: on(P4, ("H", "H"), "zero"),
        lambda: on(P4, (None, None), None),
        lambda: on(PMM, (4, 6), ("periodic", "zero")),
        lambda: on(PMM, ("H", "W"), ("zero", "periodic")),
        lambda: on(PMM, (None, 6), (None, "periodic")),
        lambda: on(SLANTED, (4, 2)),
        lambda: on(SLANTED, (2, 4)),
        lambda: on(CUBE, (3, 3, 3), "zero"),
        lambda: on(C4, (5, 5), None),
    ],
)
def test_what_fits_is_taken(make: Any) -> None:
    make()


def orbits_on_a_torus(matrix: np.ndarray, grid: tuple[int, int]) -> int:
    """Orbits of pairs of sites under translations and one mirror, by joining every pair with its images."""
    sites = list(product(range(grid[0]), range(grid[1])))
    pairs = {(p, q): i for i, (p, q) in enumerate(product(sites, sites))}
    label = list(range(len(pairs)))

    def root(i: int) -> int:
        while label[i] != i:
            i = label[i]
        return i

    def moved(site: tuple[int, int], shift: tuple[int, int]) -> tuple[int, int]:
        image = matrix @ np.array(site) if shift == (0, 0) else np.array(site) + shift
        return tuple((image % grid).tolist())

    for (p, q), i in pairs.items():
        for shift in ((0, 0), (1, 0), (0, 1)):
            a, b = root(i), root(pairs[moved(p, shift), moved(q, shift)])
            label[max(a, b)] = min(a, b)
    return sum(i == n for n, i in enumerate(label))


@pytest.mark.parametrize("grid", [(4, 2), (2, 4), (2, 2), (3, 3), (6, 3), (4, 4)])
def test_tori_of_unequal_sides_that_a_slanted_mirror_keeps(grid: tuple[int, int]) -> None:
    """The torus closes up where 2 n is a multiple of m: unequal sides are no fault by themselves."""
    x = on(SLANTED, grid)
    assert dv.solve(x, x).dim == orbits_on_a_torus(np.array([[1, 2], [0, -1]]), grid)


def test_periods_that_are_exchanged_name_both_axes() -> None:
    with pytest.raises(dv.GroupError) as error:
        dv.space_group(C4, period=(2, 3))
    assert "carries a translation by 2 along u" in str(error.value)
    assert "3 along v" in str(error.value)
    with pytest.raises(dv.GroupError, match=r"by 1 along u, got to \(0, 1\), .*: 0 along v"):
        dv.space_group(C4, period=(1, 0))


def test_spacings_that_are_exchanged() -> None:
    with pytest.raises(dv.LatticeError, match=r"spacing \(1, 2\) .*use equal spacings .* spacing=\(1, 1\)"):
        on(dv.space_group(C4, period=2), (4, 4), spacing=(1, 2))


def test_one_side_on_the_lattice_alone() -> None:
    """Pooling and broadcasting state the same grid, which is refused the same way."""
    with pytest.raises(dv.GridError, match="periodic along u and zero along v"):
        dv.solve(on(P4, (4, 4), ("periodic", "zero")), dv.trivial(C4))
    with pytest.raises(dv.GridError, match="4 sites along u and 6 sites along v"):
        dv.solve(dv.trivial(C4), on(P4, (4, 6)))
    assert dv.solve(on(P4, (4, 4)), dv.trivial(C4)).dim == 1
