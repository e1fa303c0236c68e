"""Pictures of every kind, for properties that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace as Named
from typing import Any

import numpy as np

import derive as dv
from derive import plot


@cache
def solution(name: str) -> Any:
    """Solutions over the groups that readers meet, by name."""
    square, hexagons, line = dv.wallpaper("p4m"), dv.wallpaper("p6m"), dv.translations(1)
    displaced = dv.Field(hexagons, fibre=dv.defining(hexagons.point))
    shifts, nothing = dv.translations(2), dv.translations(2, period=0)
    scalar, six = dv.Field(square), dv.Field(hexagons)
    V = dv.permutation(dv.symmetric(5))
    cube = dv.Field(dv.space_group(dv.point_group("Oh", 3)))
    torus = dv.Field(shifts, grid=(6, 6), boundary="periodic")
    made: dict[str, Callable[[], Any]] = {
        "conv": lambda: dv.solve(dv.Field(shifts, "C"), dv.Field(shifts, "D"), dv.box(1)),
        "line": lambda: dv.solve(dv.Field(line), dv.Field(line), dv.box(2)),
        "torus": lambda: dv.solve(torus, torus, dv.box(1)),
        "tied": lambda: dv.solve(torus, torus),
        "dense": lambda: dv.solve(dv.Field(nothing, grid=(6, 6)), dv.Field(nothing, grid=(6, 6))),
        "p4m": lambda: dv.solve(scalar, scalar, dv.box(2)),
        "regular": lambda: dv.solve(scalar, dv.Field(square, fibre=dv.regular(square.point)), dv.box(1)),
        "vector": lambda: dv.solve(scalar, dv.Field(square, fibre=dv.defining(square.point)), dv.box(1)),
        "divergence": lambda: dv.solve(dv.Field(square, fibre=dv.defining(square.point)), scalar, dv.box(1)),
        "mixed": lambda: dv.solve(
            scalar,
            dv.Field(square, fibre=2 * dv.trivial(square.point) + dv.defining(square.point)),
            dv.box(1),
        ),
        "p6m": lambda: dv.solve(six, six, dv.hexagon(2)),
        "p6m vector": lambda: dv.solve(six, displaced, dv.hexagon(2)),
        "pg": lambda: dv.solve(dv.Field(dv.wallpaper("pg")), dv.Field(dv.wallpaper("pg")), dv.box(1)),
        "cube": lambda: dv.solve(cube, cube, dv.box(1)),
        "pool": lambda: dv.solve(torus, dv.trivial(torus.group.point)),
        "sets": lambda: dv.solve(V, V),
        "graphs": lambda: dv.solve(V**2, V**2),
        "turns": lambda: dv.solve(dv.irreps(dv.dihedral(3))[2], dv.regular(dv.dihedral(3))),
        "zero": lambda: dv.solve(dv.Field(square), dv.Field(square, fibre=dv.sign(square.point)), dv.box(1)),
    }
    return made[name]()


def report() -> Any:
    """An audit that lost something, as `kernels.audit` returns it."""
    everything = ("r", "m", "t_u", "t_v")
    return Named(
        group="p4m",
        kept=("r^2",),
        layers=(
            Named(
                name="layers[0]: Conv2d",
                kept=("r", "m"),
                lost=("t_u", "t_v"),
                errors={"t_u": 0.31, "t_v": 0.29},
                cause="zero padding at the border of an image whose sides are short",
                remedy="pad circularly",
            ),
            Named(name="layers[1]: relu", kept=everything, lost=(), errors={}, cause="", remedy=""),
            Named(
                name="blocks.stage_two_with_a_very_long_name[13].convolution_of_the_residual_branch.pool",
                kept=("r^2",),
                lost=("r", "m"),
                errors={"r": 1.25, "m": 0.8},
                cause="an even size under a stride of two",
                remedy="use an odd size",
            ),
        ),
    )


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


COUNTS = {
    "dense": 10**12,
    "shift-invariant, on a window that is 1000 pixels high and as many wide": 3996001,
    "radius 9": 361,
    "one": 1,
    "none at all": 0,
}
PATCH = [[np.nan, 1, 2], [0, 3, 0], [-1, 0, np.nan]]

# Each takes `width` and `ax`.
PICTURES: dict[str, Callable[..., Any]] = {
    "matrices": lambda **k: plot.weight_matrix(
        *map(solution, ("dense", "tied", "torus")), titles=["Dense", "Tied", "Banded"], **k
    ),
    "matrix of a vector layer": lambda **k: plot.weight_matrix(solution("vector"), grid=(3, 4), **k),
    "matrix of a graph layer": lambda **k: plot.weight_matrix(solution("sets"), solution("graphs"), **k),
    "images": lambda **k: plot.weight_images(solution("conv"), grid=(3, 4), **k),
    "images of a line": lambda **k: plot.weight_images(solution("line"), grid=6, **k),
    "images of hexagons": lambda **k: plot.weight_images(solution("p6m"), grid=(3, 3), **k),
    "influence": lambda **k: plot.influence(solution("conv"), grid=(5, 7), output=(0, 3), **k),
    "influence of a volume": lambda **k: plot.influence(solution("cube"), grid=(3, 3, 3), **k),
    "tying of a convolution": lambda **k: plot.tying(solution("conv"), **k),
    "tying of p4m": lambda **k: plot.tying(solution("regular"), **k),
    "tying of p6m": lambda **k: plot.tying(solution("p6m"), **k),
    "tying of pg": lambda **k: plot.tying(solution("pg"), **k),
    "tying of mixed fibres": lambda **k: plot.tying(solution("mixed"), **k),
    "tying of a volume": lambda **k: plot.tying(solution("cube"), **k),
    "tying of graphs": lambda **k: plot.tying(solution("graphs"), **k),
    "tying of a pool": lambda **k: plot.tying(solution("pool"), **k),
    "tying of nothing": lambda **k: plot.tying(solution("zero"), **k),
    "tying side by side": lambda **k: plot.tying(
        *map(solution, ("p4m", "pg", "p6m")), titles=["turns and mirrors", "glides", "hexagons"], **k
    ),
    "basis of p4m": lambda **k: plot.basis(solution("p4m"), **k),
    "basis of regular fibres": lambda **k: plot.basis(solution("regular"), **k),
    "basis of vectors": lambda **k: plot.basis(solution("vector"), **k),
    "basis of hexagonal vectors": lambda **k: plot.basis(solution("p6m vector"), **k),
    "basis of a volume": lambda **k: plot.basis(solution("cube"), **k),
    "basis of irreps": lambda **k: plot.basis(solution("turns"), **k),
    "kernels": lambda **k: plot.kernels(_noise(3, 3), _noise(3, 5), titles=["one", "another"], **k),
    "arrows": lambda **k: plot.kernels(_noise(2, 4, 4), arrows=True, **k),
    "orbit": lambda **k: plot.orbit(dv.point_group("D4"), [[1, 0, 1], [0, 3, 0], [0, 0, 0]], **k),
    "orbit of hexagons": lambda **k: plot.orbit(dv.wallpaper("p6m"), PATCH, **k),
    "errors": lambda **k: plot.error_map(_noise(9, 12), _noise(9, 12) + np.eye(9, 12), title="a border", **k),
    "no errors": lambda **k: plot.error_map(_noise(9, 12, 3), _noise(9, 12, 3), **k),
    "ladder": lambda **k: plot.ladder(COUNTS, title="How many weights are free", **k),
    "graph maps": lambda **k: plot.graph_maps(solution("graphs"), **k),
    "patterns": lambda **k: plot.wallpaper(*map(dv.wallpaper, ("p1", "pg", "p4g", "p31m", "p6m")), **k),
    "pattern of a point group": lambda **k: plot.wallpaper(dv.point_group("D4", 2), **k),
    "audit": lambda **k: plot.audit(report(), **k),
}
