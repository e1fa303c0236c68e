"""The catalogue against brute force: orders, invariant lattices, Lie brackets, wallpaper dimensions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import sympy

from derive.errors import GroupError, SizeError
from derive.symmetry.algebra import structure_of
from derive.symmetry.catalogue import POINT_GROUPS, alternating, cyclic, dihedral, point_group, symmetric
from derive.symmetry.group import Group
from derive.symmetry.lie import (
    general_linear,
    lorentz,
    orthogonal,
    special_linear,
    special_orthogonal,
    symplectic,
)
from derive.symmetry.wallpaper import WALLPAPER, wallpaper

ORDERS = {
    "C1": 1, "C2": 2, "C3": 3, "C4": 4, "C6": 6, "D1": 2, "D1diag": 2, "D2": 4, "D2diag": 4, "D3": 6,
    "D3b": 6,    "D4": 8, "D6": 12, "T": 12, "Td": 24, "Th": 24, "O": 24, "Oh": 48,
}  # fmt: skip


def closure(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Every product of integer matrices, the obvious way."""
    one = np.eye(len(matrices[0]), dtype=int)
    found = {one.tobytes(): one}
    new = [one]
    while new:
        made = [g @ m for m in new for g in matrices]
        new = []
        for m in made:
            if m.tobytes() not in found:
                found[m.tobytes()] = m
                new.append(m)
    return list(found.values())


def arrays(G: Group) -> list[np.ndarray]:
    return [np.array(G.matrix(g).tolist(), dtype=int) for g in G.generators]


@pytest.mark.parametrize(("dim", "name"), [(d, n) for d, groups in POINT_GROUPS.items() for n in groups])
def test_point_groups(dim: int, name: str) -> None:
    G = point_group(name, dim=dim)
    assert G.dim == dim
    assert G.order == len(closure(arrays(G))) == ORDERS[name]
    assert Group("by relations", G.generators, G.relations).order == G.order


@pytest.mark.parametrize("name", ["C3", "C6", "D3", "D3b", "D6"])
def test_hexagonal_groups_preserve_the_hexagon(name: str) -> None:
    radius = 2
    steps = range(-radius, radius + 1)
    sites = {(q, r) for q, r in product(steps, steps) if abs(q + r) <= radius}
    for m in arrays(point_group(name, dim=2)):
        assert {tuple((m @ s).tolist()) for s in sites} == sites


def test_cube_groups_are_the_ones_named() -> None:
    named = {
        n: {m.tobytes() for m in closure(arrays(point_group(n, dim=3)))} for n in ("T", "Td", "Th", "O", "Oh")
    }
    rotations = {
        m.tobytes() for m in closure(arrays(point_group("Oh", dim=3))) if round(np.linalg.det(m)) == 1
    }
    assert named["O"] == rotations
    assert named["T"] == named["Td"] & named["Th"] == named["O"] & named["Td"]
    corners = {(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)}
    for m in closure(arrays(point_group("Td", dim=3))):
        assert {tuple((m @ c).tolist()) for c in corners} == corners


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(
        GroupError, match=r"point_group must be one of .*dim=3: C1 T Td Th O Oh.*got 'D5v', dim=2"
    ):
        point_group("D5v", dim=2)
    with pytest.raises(GroupError, match="wallpaper must be one of p1 p2 pm"):
        wallpaper("p5")
    with pytest.raises(SizeError):
        symmetric(0)
    with pytest.raises(SizeError):
        cyclic("n" * 0)


def test_ring_actions() -> None:
    n = 7
    D = dihedral(n)
    assert D.image("r").image.tolist() == [(i + 1) % n for i in range(n)]  # type: ignore[union-attr]
    assert D.image("m").image.tolist() == [-i % n for i in range(n)]  # type: ignore[union-attr]
    assert alternating(6).image("t").image.tolist() == [1, 2, 0, 3, 4, 5]  # type: ignore[union-attr]


LIE = [
    (special_orthogonal(2), 1), (special_orthogonal(3), 3), (special_orthogonal(5), 10), (orthogonal(1), 0),
    (orthogonal(4), 6), (lorentz(), 6), (lorentz(full=True), 6), (special_linear(3), 8),
    (general_linear(2), 4), (symplectic(1), 3), (symplectic(2), 10),
    (special_orthogonal(1), 0), (special_linear(1), 0),
]  # fmt: skip


@pytest.mark.parametrize(("G", "size"), LIE, ids=lambda x: getattr(x, "name", x))
def test_lie_algebras_have_their_dimension_and_close(G: Group, size: int) -> None:
    assert len(G.algebra) == size
    if size:
        structure = structure_of(G)
        assert len(structure.brackets) == size * (size - 1) // 2


def preserved(G: Group, form: sympy.Matrix) -> bool:
    flat = all((G.matrix(a).T * form + form * G.matrix(a)).is_zero_matrix for a in G.algebra)
    return flat and all(G.matrix(d).T * form * G.matrix(d) == form for d in G.discrete)


def test_lie_groups_preserve_their_forms() -> None:
    assert preserved(orthogonal(4), sympy.eye(4))
    assert preserved(lorentz(full=True), sympy.diag(1, -1, -1, -1))
    one, zero = sympy.eye(2), sympy.zeros(2)
    assert preserved(symplectic(2), sympy.Matrix(sympy.BlockMatrix([[zero, one], [-one, zero]])))
    assert all(special_linear(3).matrix(a).trace() == 0 for a in special_linear(3).algebra)
    assert not preserved(lorentz(), sympy.eye(4))


def test_a_lie_algebra_that_does_not_close_is_refused() -> None:
    from derive.symmetry.given import matrix_group

    so3 = special_orthogonal(3)
    G = matrix_group({}, algebra={"x": so3.matrix("x01"), "y": so3.matrix("x12")})
    with pytest.raises(GroupError, match=r"Lie algebra generators must span \[x, y\]"):
        structure_of(G)
    with pytest.raises(GroupError, match="must be linearly independent"):
        structure_of(matrix_group({}, algebra={"x": [[0, 1], [0, 0]], "y": [[0, 2], [0, 0]]}))


DIMENSIONS = {
    "p1": (9, 9), "p2": (5, 5), "pm": (6, 3), "pg": (9, 9), "cm": (6, 3), "pmm": (4, 1), "pmg": (5, 5),
    "pgg": (10, 10), "cmm": (4, 1), "p4": (3, 3), "p4m": (3, 0), "p4g": (7, 4), "p3": (3, 3), "p31m": (2, 1),
    "p3m1": (3, 0), "p6": (2, 2), "p6m": (2, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", WALLPAPER)
def test_wallpaper_dimensions_on_a_torus(name: str) -> None:
    """Orbits of site pairs within the support on a 6 x 6 torus, with signs, by brute force."""
    n = 6
    G = wallpaper(name)
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    if G.point.name in ("C3", "C6", "D3", "D3b", "D6"):
        steps = [s for s in steps if abs(sum(s)) <= 1]
    pairs = [(u, v, (u + a) % n, (v + b) % n) for u in range(n) for v in range(n) for a, b in steps]
    number = {p: i for i, p in enumerate(pairs)}
    for column, signed in enumerate((False, True)):
        rows = []
        for motion in G.motions.values():
            m = np.array(motion.matrix, dtype=int)
            t = np.array([int(x) for x in motion.shift])
            turn = round(np.linalg.det(m)) if signed else 1
            for i, (u, v, w, x) in enumerate(pairs):
                moved = (*((m @ (u, v) + t) % n).tolist(), *((m @ (w, x) + t) % n).tolist())
                rows.append((i, number[moved], turn))
        assert signed_components(len(pairs), rows) == DIMENSIONS[name][column]


def signed_components(size: int, edges: list[tuple[int, int, int]]) -> int:
    """Components of a signed graph in which no cycle has sign -1, by depth-first search."""
    near: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    for i, j, s in edges:
        near[i].append((j, s))
        near[j].append((i, s))
    sign: dict[int, int] = {}
    free = 0
    for start in range(size):
        if start in sign:
            continue
        sign[start], stack, balanced = 1, [start], True
        while stack:
            i = stack.pop()
            for j, s in near[i]:
                if j not in sign:
                    sign[j] = sign[i] * s
                    stack.append(j)
                elif sign[j] != sign[i] * s:
                    balanced = False
        free += balanced
    return free


def test_wallpaper_periods_scale_the_glide() -> None:
    assert tuple(wallpaper("pg", period=(1, 4)).glide[0][1]) == (0, 2)
    assert tuple(wallpaper("p4m", period=2).period) == (2, 2)
    with pytest.raises(GroupError, match=r"period of pg must be a positive multiple of \(1, 2\), got 1"):
        wallpaper("pg", period=1)
