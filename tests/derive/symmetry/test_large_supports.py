"""Large supports are counted or refused at once; supports and glides are read as they are meant."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

import derive as dv
from derive.symmetry.support import resolve


def line(radius: int) -> dv.Solution:
    x = dv.Field(dv.translations(1), 1)
    return dv.solve(x, x, support=dv.box(radius))


def test_a_large_box_is_counted_without_listing_it() -> None:
    found = line(10**9)
    assert found.dim == 2 * 10**9 + 1
    assert found.certificate.holds
    assert found.certificate.expected_dim == found.dim


@pytest.mark.slow
def test_half_integers_are_counted_too() -> None:
    group = dv.translations(1)
    y = dv.Field(group, 1, offset="1/2")
    found = dv.solve(dv.Field(group, 1), y, support=dv.window(10**6))
    assert found.dim == found.certificate.expected_dim == 10**6


@pytest.mark.parametrize("radius", [2, 7, 10**9])
@pytest.mark.parametrize("boundary", [None, "zero"])
def test_a_box_beyond_the_grid_meets_the_grid(radius: int, boundary: str | None) -> None:
    group = dv.translations(1) if boundary else dv.translations(1, period=0)
    x = dv.Field(group, 1, grid=(5,), boundary=boundary)
    found = dv.solve(x, x, support=dv.box(radius))
    within = min(radius, 4)
    assert found.dim == (2 * within + 1 if boundary else sum(5 - abs(d) for d in range(-within, within + 1)))
    assert found.certificate.holds


@pytest.mark.parametrize("group", [dv.translations(2), dv.wallpaper("p4m")])
def test_listing_what_does_not_fit_is_refused(group: dv.SpaceGroup) -> None:
    x = dv.Field(group, 1)
    with pytest.raises(dv.TooLargeError, match=r"40000400001 classes, about \d+ GiB; use a smaller grid"):
        dv.solve(x, x, support=dv.box(10**5)).basis[0]


def test_a_ball_that_does_not_fit_is_refused() -> None:
    x = dv.Field(dv.translations(2), 1)
    with pytest.raises(dv.TooLargeError, match=r"400040001 for ball\(10000\), about \d+ GiB"):
        dv.solve(x, x, support=dv.ball(10**4))


FORMS = {
    "square": np.eye(2, dtype=int),
    "hexagonal": np.array([[2, 1], [1, 2]]),
    "skewed": np.array([[1, 10], [10, 101]]),
    "cubic": np.eye(3, dtype=int),
    "sheared": np.array([[4, 2, 0], [2, 5, -3], [0, -3, 6]]),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("radius", [Fraction(1, 2), 1, Fraction(3, 2), 2])
@pytest.mark.parametrize("denominator", [1, 2])
def test_a_ball_holds_what_is_near(name: str, radius: Fraction, denominator: int) -> None:
    """On lattices of integers or of halves, shifted by a third along the first axis for the finer one."""
    form = FORMS[name]
    n = len(form)
    shift = [Fraction(denominator - 1, 3), *[Fraction(0)] * (n - 1)]
    found = resolve(dv.ball(radius), n, tuple(shift), (Fraction(1, denominator),) * n, form.tolist()).points
    wide = range(-25 * denominator, 25 * denominator + 1) if n == 2 else range(-8, 9)
    sites = 3 * np.array(list(product(wide, repeat=n))) + [(denominator - 1) * denominator, *[0] * (n - 1)]
    near = np.einsum("ki,ij,kj->k", sites, form, sites) <= (3 * denominator * radius) ** 2 * form[0, 0]
    assert found == tuple(tuple(Fraction(int(v), 3 * denominator) for v in p) for p in sites[near])


def test_a_ball_in_a_skewed_basis_is_the_ball() -> None:
    """The symmetries of a square lattice on the basis (1, 0), (10, 1)."""
    basis = sympy.Matrix([[1, 10], [0, 1]])
    moves = {"r": sympy.Matrix([[0, -1], [1, 0]]), "m": sympy.Matrix([[-1, 0], [0, 1]])}
    skewed = dv.space_group(dv.matrix_group({g: basis.inv() * m * basis for g, m in moves.items()}))
    square = dv.space_group(dv.matrix_group(moves))
    dims = [dv.solve(dv.Field(G, 1), dv.Field(G, 1), support=dv.ball(2)).dim for G in (skewed, square)]
    assert dims == [4, 4]


def test_a_ball_of_five_dimensions_is_listed_at_once() -> None:
    group = dv.translations(5)
    x = dv.Field(group, 1)
    assert dv.solve(x, x, support=dv.ball(2)).dim == 1 + 10 + 40 + 80 + 80 + 10


def test_all_pairs_of_a_long_axis_are_refused() -> None:
    x = dv.Field(dv.translations(1, period=0), 1, grid=(10**6,))
    found = dv.solve(x, x)
    assert found.dim == len(found.basis) == 10**12
    assert found.certificate.holds
    with pytest.raises(dv.TooLargeError, match="must hold at most"):
        found.basis[0].dense()


@pytest.mark.parametrize("kind", [sympy.Matrix, sympy.ImmutableMatrix])
def test_a_matrix_is_refused_in_one_line(kind: type) -> None:
    x = dv.Field(dv.translations(2), 1)
    with pytest.raises(dv.SupportError, match=r"a 2 x 2 matrix; use value\.tolist") as refusal:
        dv.solve(x, x, support=kind([[0, 1], [1, 0]]))
    assert "\n" not in str(refusal.value)


def test_a_glide_of_zero_is_no_glide() -> None:
    point = dv.point_group("D1", dim=2)
    name = point.generators[0]
    plain, zero = dv.space_group(point), dv.space_group(point, glide={name: 0})
    assert plain == zero
    assert hash(plain) == hash(zero)
    assert plain != dv.space_group(point, glide={name: (0, "1/2")}, period=1)
