"""Sites further apart than 64 bits tell: the same counts as the same problem scaled down."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

import derive as dv
from derive.lattice.row_index import RowIndex, distinct_rows
from derive.symmetry.integers import combined, integers, ravel, unravel

SCALES = [1, 3, 2**31, 2**32, 2**33 + 1, 2**61, 2**62 - 1, 2**62, 2**63, 2**64 + 1, 2**70]
SHAPES: dict[str, tuple[dv.SpaceGroup, list[tuple[int, ...]]]] = {
    "a cross under D2": (
        dv.space_group(dv.point_group("D2", dim=2)),
        [(1, 0), (-1, 0), (0, 1), (0, -1)],
    ),
    "a cross under p4": (dv.wallpaper("p4"), [(1, 0), (-1, 0), (0, 1), (0, -1), (0, 0)]),
    "knight's moves": (
        dv.wallpaper("p4m"),
        [(a, b) for a in (-2, -1, 1, 2) for b in (-2, -1, 1, 2) if abs(a) != abs(b)],
    ),
    "hexagons": (dv.wallpaper("p6"), [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]),
    "space": (
        dv.space_group(dv.point_group("T", dim=3)),
        [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1), (0, 0, 0)],
    ),
    "translations": (dv.translations(2), [(1, 0), (0, -3), (5, 5)]),
}


def orbits(group: dv.SpaceGroup, points: Sequence[tuple[int, ...]]) -> int:
    """Orbits of displacements by following Python integers."""
    matrices = [group.motions[g].matrix for g in group.point.generators]
    left, count = set(points), 0
    while left:
        count += 1
        frontier = [left.pop()]
        while frontier:
            here = frontier.pop()
            for matrix in matrices:
                image = tuple(sum(m * x for m, x in zip(row, here, strict=True)) for row in matrix)
                if image in left:
                    left.remove(image)
                    frontier.append(image)
    return count


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", SHAPES)
def test_far_displacements(shape: str, scale: int) -> None:
    group, points = SHAPES[shape]
    far = [tuple(scale * x for x in p) for p in points]
    x = dv.Field(group, 1)
    found = dv.solve(x, x, support=far)
    assert (found.dim, found.bias_dim) == (orbits(group, far), 1)
    assert found.plain().dim == found.dim
    assert found.certificate.holds


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ["D1", "C1"])
def test_far_offsets(name: str, scale: int) -> None:
    """An output far from the input: displacements are those of a near one, moved by the offset."""
    group = dv.space_group(dv.point_group(name, dim=1)) if name == "D1" else dv.translations(1)
    x, y = dv.Field(group, 1), dv.Field(group, 1, offset=scale)
    found = dv.solve(x, y, support=[(scale,), (-scale,), (0,)])
    assert found.dim == (2 if name == "D1" else 3)
    assert found.certificate.holds


@pytest.mark.parametrize("scale", SCALES)
def test_spacings_and_dilations(scale: int) -> None:
    """Everything stretched by one factor is the same problem."""
    group = dv.space_group(dv.point_group("D4", dim=2), period=scale)
    x = dv.Field(group, 1, spacing=scale)
    found = dv.solve(x, x, support=dv.window(3, dilation=scale))
    assert (found.dim, found.certificate.holds) == (3, True)
    fine = dv.Field(group, 1, spacing=Fraction(scale, 3))
    assert (
        dv.solve(x, fine, support=[(0, 0)]).dim
        == dv.solve(
            dv.Field(dv.wallpaper("p4m"), 1),
            dv.Field(dv.wallpaper("p4m"), 1, spacing="1/3"),
            support=[(0, 0)],
        ).dim
    )


@pytest.mark.parametrize("scale", [2**31, 2**40, 2**61, 2**62, 2**70])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_long_grids(boundary: str, scale: int) -> None:
    group = dv.space_group(dv.point_group("D1", dim=1))
    x = dv.Field(group, 1, grid=scale, boundary=boundary)
    found = dv.solve(x, x, support=dv.box(2))
    assert (found.dim, found.certificate.holds) == (3, True)


@pytest.mark.parametrize("scale", [5, 2**40, 2**62, 2**63 + 1, 2**70])
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_wide_grids(boundary: str, scale: int) -> None:
    """Displacements in a list, on a torus or a window whose size is no 64 bit number."""
    x = dv.Field(dv.wallpaper("p4"), 1, grid=scale, boundary=boundary)
    found = dv.solve(x, x, support=dv.ball(1))
    assert (found.dim, found.certificate.holds) == (2, True)
    assert found.plain().dim == 2


@pytest.mark.parametrize("shear", [2**20, 2**40, 2**70])
def test_matrices_of_large_numbers(shear: int) -> None:
    """A mirror and a half turn in a sheared basis: products of elements pass 64 bits, too."""
    group = dv.space_group(dv.matrix_group({"m": [[1, shear], [0, -1]], "c": [[-1, 0], [0, -1]]}), period=1)
    x = dv.Field(group, 1)
    points = [(1, 0), (-1, 0), (0, 1), (0, -1), (shear, -1), (-shear, 1)]
    found = dv.solve(x, x, support=points)
    assert found.dim == orbits(group, points) == 2
    assert found.certificate.holds


@pytest.mark.parametrize("scale", [2**32, 2**62, 2**70])
def test_what_does_not_fit_is_refused_in_one_line(scale: int) -> None:
    group, points = SHAPES["a cross under D2"]
    x = dv.Field(group, 1)
    found = dv.solve(x, x, support=[tuple(scale * c for c in p) for p in points])
    for ask in (lambda: found.basis[0].dense(), found.derivation.check):
        with pytest.raises(dv.TooLargeError) as refusal:
            ask()
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("scale", SCALES)
def test_rows_are_found_whatever_their_size(scale: int) -> None:
    random = np.random.default_rng(0)
    small = np.unique(random.integers(-9, 10, (60, 3)), axis=0)
    rows = integers(small.astype(object) * scale)
    order = random.permutation(len(rows))
    table = RowIndex(rows[order])
    assert table.find(rows).tolist() == np.argsort(order).tolist()
    near = integers(rows.astype(object) + 1) if scale > 1 else rows * 100 + 1
    assert (table.find(near) == -1).all()
    assert distinct_rows(np.concatenate([rows, rows])).tolist() == sorted(rows.tolist())


def test_sums_of_products_are_exact() -> None:
    column = np.array([1, -(2**40), 2**61])
    expected = [7 + 2**30 * int(a) - 3 * int(a) for a in column]
    assert combined([(2**30, column), (-3, column)], 7).tolist() == expected


@pytest.mark.parametrize("powers", [(2, 2), (3, 3), (4, 3), (4, 4), (7, 1)])
def test_wide_products_of_axes(powers: tuple[int, int]) -> None:
    """Tuples of points that number more than 2^62: the shortest orbit is the diagonal."""
    group = dv.symmetric(1000)
    V = dv.permutation(group)
    found = dv.solve(V ** powers[0], V ** powers[1])
    diagonal = found.basis[0]
    expected = [[sum(i * 1000**k for k in range(power)) for i in range(1000)] for power in reversed(powers)]
    assert [diagonal.rows.tolist(), diagonal.columns.tolist()] == expected
    assert found.certificate.holds


@pytest.mark.parametrize("shape", [(3, 4, 5), (2**40, 7, 2**40), (10**20, 10**20)])
def test_numbers_of_tuples(shape: tuple[int, ...]) -> None:
    points = [np.array([0, 1, 2]), *(np.array([1, n - 1, 2]) for n in (min(m, 2**40) for m in shape[1:]))]
    numbers = ravel(points, shape)
    assert [column.tolist() for column in unravel(numbers, shape)] == [p.tolist() for p in points]
    assert len(set(numbers.tolist())) == 3
