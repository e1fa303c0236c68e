"""The list of derivations beyond translations: every kind of group, fibre, lattice and border once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

import derive as dv


@dataclass(frozen=True)
class GroupCase:
    name: str
    state: Callable[[], tuple[Any, ...]]

    @property
    def solution(self) -> Any:
        return dv.solve(*self.state())

    def __repr__(self) -> str:
        return self.name


def scalar(G: Any, channels: Any = 1, **lattice: Any) -> dv.Field:
    return dv.Field(G, channels=channels, **lattice)


def _wallpaper(name: str, fibre: Callable[[Any], Any], support: Any, into: Any = "C") -> Any:
    def state() -> tuple[Any, ...]:
        G = dv.wallpaper(name)
        return scalar(G, into, name="x"), dv.Field(G, fibre=fibre(G.point), name="y"), support

    return state


def _torus(size: Any, support: Any = None) -> Any:
    def state() -> tuple[Any, ...]:
        G = dv.space_group(dv.point_group("D4", 2))
        torus = {"grid": (size, size), "boundary": "periodic"}
        return scalar(G, "C", **torus), scalar(G, "D", **torus), support

    return state


def _maps(group: Any, x: Callable[[Any], Any], y: Callable[[Any], Any]) -> Any:
    def state() -> tuple[Any, ...]:
        G = group()
        return x(G), y(G)

    return state


def _mixed_torus() -> tuple[Any, ...]:
    G = dv.space_group(dv.point_group("D3", 2))
    torus = {"grid": ("n", "n"), "boundary": "periodic"}
    return scalar(G, "C", **torus), dv.Field(G, fibre=dv.irreps(G.point)[-1], **torus)


def own_matrices() -> dv.Group:
    """A group of the user's own, by matrices, without relations."""
    return dv.matrix_group({"r": [[0, -1], [1, 0]], "m": [[-1, 0], [0, 1]]})


def own_glide() -> dv.SpaceGroup:
    """A glide of the user's own."""
    mirror = dv.matrix_group({"m": [[-1, 0], [0, 1]]})
    return dv.space_group(mirror, period=(1, 2), glide={"m": (0, 1)})


def _glide() -> tuple[Any, ...]:
    G = own_glide()
    return scalar(G), dv.Field(G, fibre=dv.sign(G.point)), dv.box(1)


def _own_on_lattice() -> tuple[Any, ...]:
    G = dv.space_group(own_matrices())
    return scalar(G), dv.Field(G, fibre=dv.defining(G.point)), dv.box(1)


def _blocks() -> tuple[Any, ...]:
    G = dv.wallpaper("p2")
    P = G.point
    return (
        dv.Field(G, fibre=3 * dv.trivial(P) + dv.regular(P)),
        dv.Field(G, fibre=dv.sign(P) + dv.regular(P)),
        dv.box((1, 0)),
    )


def _window() -> tuple[Any, ...]:
    G = dv.space_group(dv.point_group("C4", 2), centre=1)
    window = {"grid": (3, 3), "boundary": "zero"}
    return scalar(G, **window), scalar(G, **window)


def _grid() -> tuple[Any, ...]:
    P = dv.point_group("D4", 2)
    return scalar(P, grid=(2, 2)), dv.Field(P, fibre=dv.sign(P), grid=(3, 3))


def _closed() -> tuple[Any, ...]:
    """Sites 0 and -0 = 3 are one: the corner of a torus that nothing translates is fixed."""
    P = dv.point_group("C4", 2)
    torus = {"grid": (3, 3), "boundary": "periodic", "offset": 0}
    return scalar(P, 1, **torus), dv.Field(P, fibre=dv.irreps(P)[-1], **torus)


def _spacing(**out: Any) -> Any:
    def state() -> tuple[Any, ...]:
        G = dv.space_group(dv.point_group("C2", 2), period=2)
        return scalar(G), scalar(G, **out), dv.box(1)

    return state


def _characters() -> tuple[Any, ...]:
    C = dv.cyclic(5)
    z = dv.Representation(C, {C.generators[0]: [[sp.exp(2 * sp.pi * sp.I / 5)]]})
    return z, dv.regular(C)


def defining(G: Any) -> Any:
    return dv.defining(G)


def _symmetric(n: int) -> Callable[[], dv.Group]:
    return lambda: dv.symmetric(n)


GROUP_CASES = [
    GroupCase("p4, scalar to regular", _wallpaper("p4", dv.regular, dv.box(1))),
    GroupCase("p4, scalar to irrep", _wallpaper("p4", lambda P: dv.irreps(P)[-1], dv.box(1))),
    GroupCase("p4m, impossible", _wallpaper("p4m", dv.sign, dv.box(1))),
    GroupCase("pg", _wallpaper("pg", lambda P: 2 * dv.trivial(P), dv.box(1))),
    GroupCase("p4g, sign", _wallpaper("p4g", dv.sign, dv.box(1), 1)),
    GroupCase("p6, irrational", _wallpaper("p6", lambda P: dv.irreps(P)[-1], dv.hexagon(1))),
    GroupCase("global pool", lambda: (scalar(G := dv.wallpaper("p4m"), "C"), dv.trivial(G.point))),
    GroupCase("no support", lambda: (scalar(G := dv.wallpaper("p4m"), "C"), scalar(G, "D"))),
    GroupCase(
        "symbolic radius", lambda: (scalar(G := dv.wallpaper("p4m"), "C"), scalar(G, "D"), dv.box("k"))
    ),
    GroupCase("no support, irrational", _wallpaper("p6", lambda P: dv.irreps(P)[-1], None)),
    GroupCase("torus, symbolic, irrational", _mixed_torus),
    GroupCase("torus", _torus(5)),
    GroupCase("torus, local", _torus(4, dv.box(1))),
    GroupCase("torus, symbolic", _torus("n")),
    GroupCase("window", _window),
    GroupCase("grid without translations", _grid),
    GroupCase("torus without translations", _closed),
    GroupCase("strided", _spacing(spacing=2)),
    GroupCase("two phases", _spacing()),
    GroupCase("own glide", _glide),
    GroupCase("own matrices on a lattice", _own_on_lattice),
    GroupCase("blocks", _blocks),
    GroupCase(
        "cube",
        lambda: (
            scalar(G := dv.space_group(dv.point_group("Oh", 3))),
            dv.Field(G, fibre=defining(G.point)),
            dv.box(1),
        ),
    ),
    GroupCase("S_3, order 2 to 1", _maps(_symmetric(3), lambda G: dv.permutation(G) ** 2, dv.permutation)),
    GroupCase("S_3, sign", _maps(_symmetric(3), dv.sign, dv.permutation)),
    GroupCase("own matrices", _maps(own_matrices, lambda G: defining(G) ** 2, lambda G: defining(G) ** 2)),
    GroupCase("SO(3)", _maps(lambda: dv.special_orthogonal(3), lambda G: defining(G) ** 2, defining)),
    GroupCase(
        "O(2)", _maps(lambda: dv.orthogonal(2), lambda G: defining(G) ** 2, lambda G: defining(G) ** 2)
    ),
    GroupCase("characters of order 5", _characters),
    GroupCase(
        "D_5, irrational",
        _maps(lambda: dv.dihedral(5), lambda G: dv.irreps(G)[-1] ** 2, lambda G: dv.irreps(G)[-1]),
    ),
]
GROUP_NAMED = {case.name: case for case in GROUP_CASES}
