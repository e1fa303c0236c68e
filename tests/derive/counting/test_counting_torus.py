"""Fixed points in closed form against counting them one by one."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import derive as dv
from derive.counting import lattice as counting_lattice
from derive.counting.torus import echelon, fixed_in_box, fixed_on_torus
from derive.lattice.site_maps import by_columns, pair_maps

small = st.integers(-3, 3)
square = st.lists(st.lists(small, min_size=2, max_size=2), min_size=2, max_size=2)


@given(square, st.integers(1, 7), small, small)
def test_fixed_points_of_a_torus(rows: list[list[int]], n: int, a: int, b: int) -> None:
    matrix = np.array(rows)
    points = [np.array(p) for p in product(range(n), repeat=2)]
    fixed = sum(not ((matrix @ p + (a, b) - p) % n).any() for p in points)
    assert fixed_on_torus(matrix, np.array([a, b]), [[n, 0], [0, n]]) == fixed


@given(st.lists(st.lists(small, min_size=3, max_size=3), min_size=1, max_size=4))
def test_an_echelon_basis_spans_the_lattice(vectors: list[list[int]]) -> None:
    whole = [*vectors, [4, 0, 0], [0, 4, 0], [0, 0, 4]]
    basis = echelon(whole, 3)
    assert all(basis[i][j] == 0 for i in range(3) for j in range(i))
    index = abs(int(np.prod([basis[i][i] for i in range(3)])))
    reached = {(0, 0, 0)}
    frontier = list(reached)
    while frontier:
        more = {tuple((np.array(p) + v) % 4) for p in frontier for v in vectors} - reached
        reached |= more
        frontier = list(more)
    assert index * len(reached) == 4**3


@pytest.mark.parametrize("sizes", [(3, 3, 3), (2, 2, 5), (4, 4, 4)])
def test_fixed_points_of_a_box(sizes: tuple[int, ...]) -> None:
    for order in ((0, 1, 2), (1, 0, 2), (1, 2, 0)):
        if any(sizes[i] != sizes[j] for i, j in enumerate(order)):
            continue
        for signs in product((1, -1), repeat=3):
            matrix = np.zeros((3, 3), dtype=int)
            matrix[list(order), [0, 1, 2]] = signs
            shift = np.where(matrix.sum(axis=1) < 0, np.array(sizes) - 1, 0)
            points = np.array(list(product(*map(range, sizes))))
            moved = points @ matrix.T + shift
            assert ((moved >= 0) & (moved < sizes)).all()
            fixed = int((moved == points).all(axis=1).sum())
            assert fixed_in_box(matrix, shift, sizes) == fixed
    assert fixed_in_box(np.array([[1, 1], [0, 1]]), np.zeros(2), (3, 3)) is None


def enumerated(problem: Any) -> list[int]:
    classes = problem.classes.opened()
    maps = pair_maps(problem.group, problem.x, problem.y, classes.axes)
    listed = classes.listing()[:, :, :2]
    pairs = by_columns(listed.shape)
    pairs[...] = listed
    return [int((maps.apply(e, pairs.copy()) == pairs).all(axis=(1, 2)).sum()) for e in range(maps.order)]


@pytest.mark.parametrize(
    ("name", "spacing"),
    [
        ("pg", (1, 1)),
        ("p4g", (1, 1)),
        *product(["cmm", "p4m", "p31m", "p6m"], [(1, 1), (2, 1), (1, 2), (2, 2)]),
    ],
)
def test_fixed_classes_of_a_periodic_grid(name: str, spacing: tuple[int, int]) -> None:
    group = dv.wallpaper(name, period=2)
    x, y = (dv.Field(group, 1, grid=(6 // s,) * 2, spacing=s, boundary="periodic") for s in spacing)
    problem = dv.solve(x, y).problem
    assert counting_lattice.fixed_classes(problem) == enumerated(problem)
