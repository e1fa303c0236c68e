"""Dimension and span against a floating null space of all the equations, over random lattices."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import derive as dv
from tests.derive.oracle import Line, Sites, equations, null_space, same_span, shape, solve

MOST = 170  # unknowns per drawn problem
OFFSETS = [Fraction(n, 6) for n in (0, 0, 0, 2, 3, -3, 5, 6)]
Point = tuple[Fraction, ...]


@dataclass(frozen=True)
class Drawn:
    """A random problem: its axes for the oracle, and the displacements that weights may join."""

    lines: tuple[Line, ...]
    support: tuple[Point, ...] | None

    def options(self, side: str) -> dict:
        parts = [getattr(line, side) for line in self.lines]
        return {
            "grid": tuple(part.n for part in parts),
            "spacing": tuple(part.spacing for part in parts),
            "offset": tuple(part.offset for part in parts),
            "boundary": tuple("periodic" if line.periodic else "zero" for line in self.lines),
        }

    def problem(self, channels: tuple[int, int] = (1, 1)) -> dv.Solution:
        group = dv.translations(len(self.lines), tuple(line.period for line in self.lines))
        x = dv.Field(group, channels=channels[0], **self.options("into"))
        y = dv.Field(group, channels=channels[1], **self.options("out"))
        return dv.solve(x, y, self.support)


@st.composite
def axes(draw: st.DrawFn, most: int) -> Line:
    """One axis whose two fields together have at most `most` pairs of sites."""
    out, into = (Fraction(draw(st.sampled_from([1, 1, 2, 3]))) for _ in range(2))
    step = lcm(int(out), int(into))
    period = step * draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
    periodic = draw(st.booleans())
    unit = period or step
    if periodic:
        turns = draw(st.integers(1, max(1, int((most * out * into) ** 0.5 / unit))))
        sizes = [int(turns * unit / s) for s in (out, into)]
    else:
        limit = int(most**0.5)
        sizes = [draw(st.integers(1, limit)) for _ in range(2)]
    shifts = [draw(st.sampled_from(OFFSETS)) for _ in range(2)]
    sides = [Sites(n, s, o) for n, s, o in zip(sizes, (out, into), shifts, strict=True)]
    return Line(sides[0], sides[1], Fraction(period), periodic)


@st.composite
def problems(draw: st.DrawFn, dims: tuple[int, ...] = (1, 1, 2)) -> Drawn:
    dim = draw(st.sampled_from(dims))
    lines = tuple(draw(axes(MOST if dim == 1 else 12)) for _ in range(dim))
    return Drawn(lines, draw(supports(lines)))


@st.composite
def supports(draw: st.DrawFn, lines: tuple[Line, ...]) -> tuple[Point, ...] | None:
    """Nothing, or a few displacements that the lattices attain and that fit on periodic grids."""
    if draw(st.booleans()):
        return None
    choices = []
    for line in lines:
        out, into = line.sides
        mesh = Fraction(np.gcd(int(out.spacing), int(into.spacing)))
        gap = into.offset - out.offset
        reach = (into.n * into.spacing - mesh) / 2 if line.periodic else 4 * mesh
        values = [gap + k * mesh for k in range(-12, 13) if abs(gap + k * mesh) <= reach]
        choices.append(values)
    if not all(choices):
        return None
    point = st.tuples(*(st.sampled_from(values) for values in choices))
    return tuple(sorted(draw(st.sets(point, min_size=1, max_size=6))))


def dense(solution: dv.Solution) -> list[np.ndarray]:
    return [element.dense() for element in solution.basis]


def agree(drawn: Drawn) -> None:
    expected = solve(drawn.lines, drawn.support)
    solution = drawn.problem()
    assert solution.dim == expected.shape[1]
    assert len(solution.basis) == expected.shape[1]
    assert same_span(dense(solution), expected)


@given(problems())
@settings(max_examples=120)
def test_random_problems_have_the_same_dimension_and_span(drawn: Drawn) -> None:
    agree(drawn)


@pytest.mark.slow
@given(problems())
@settings(max_examples=1000)
def test_many_random_problems_have_the_same_dimension_and_span(drawn: Drawn) -> None:
    agree(drawn)


@given(problems(dims=(1,)))
@settings(max_examples=40)
def test_random_problems_are_derived_and_certified(drawn: Drawn) -> None:
    solution = drawn.problem()
    solution.derivation.check()
    assert solution.certificate.holds, solution.certificate


HARD = {
    "a periodic axis that nothing translates": Drawn(
        (Line(Sites(1), Sites(1, offset=Fraction(1)), Fraction(0), True),), ((Fraction(0),),)
    ),
    "two spacings around it": Drawn(
        (Line(Sites(8), Sites(4, Fraction(2)), Fraction(0), True),), ((Fraction(-3),), (Fraction(3),))
    ),
    "a window seen from afar": Drawn(
        (Line(Sites(1), Sites(4, offset=Fraction(-1, 2)), Fraction(0), False),), ((Fraction(7, 2),),)
    ),
    "phases beside an axis that nothing translates": Drawn(
        (
            Line(Sites(1), Sites(1), Fraction(0), True),
            Line(Sites(4), Sites(2, Fraction(2)), Fraction(4), True),
        ),
        None,
    ),
    "windows of one size and two spacings": Drawn(
        (
            Line(Sites(1), Sites(1), Fraction(1), True),
            Line(Sites(1), Sites(1, Fraction(2)), Fraction(0), False),
        ),
        None,
    ),
}


@pytest.mark.parametrize("what", HARD)
def test_hard_corners_are_solved_derived_and_certified(what: str) -> None:
    agree(HARD[what])
    solution = HARD[what].problem()
    solution.derivation.check()
    assert solution.certificate.holds


def test_pooling_on_an_endless_lattice_has_one_number_per_pair_of_channels() -> None:
    group = dv.translations(2)
    solution = dv.solve(dv.Field(group, channels=2), 3 * dv.trivial(group.point))
    tables = [element.dense() for element in solution.basis]
    assert {table.shape for table in tables} == {(3, 2)}
    assert np.array_equal(sum(tables), np.ones((3, 2)))


@given(problems(dims=(1,)), st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=30)
def test_channels_multiply_and_stay_apart(drawn: Drawn, ins: int, outs: int) -> None:
    alone, several = drawn.problem(), drawn.problem((ins, outs))
    assert several.dim == ins * outs * alone.dim
    sites = alone.problem.classes.count()
    for k, element in enumerate(several.basis):
        table, (c, i) = element.dense(), divmod(k % (ins * outs), outs)
        assert table.shape == (outs, *shape(drawn.lines, "out"), ins, *shape(drawn.lines, "into"))
        single = alone.basis[k // (ins * outs)].dense()[0, :, 0]
        assert np.array_equal(table[i, :, c], single)
        assert table.sum() == single.sum()
    assert sites * ins * outs == len(several.basis)


@given(problems(dims=(1, 2)))
@settings(max_examples=40)
def test_the_bias_is_constant_on_orbits_of_output_sites(drawn: Drawn) -> None:
    lines = tuple(Line(line.out, None, line.period, line.periodic) for line in drawn.lines)
    assert drawn.problem().bias_dim == solve(lines).shape[1]


@pytest.mark.parametrize(("grid", "boundary"), [((3, 4), "periodic"), ((3, 2), "zero"), ((2, 3), "zero")])
@pytest.mark.parametrize("towards", ["pool", "spread"])
def test_a_side_that_does_not_move(grid: tuple[int, int], boundary: str, towards: str) -> None:
    group = dv.translations(2)
    moving = dv.Field(group, channels=1, grid=grid, boundary=boundary)
    still = dv.trivial(group.point)
    solution = dv.solve(moving, still) if towards == "pool" else dv.solve(still, moving)
    sites = [Sites(n) for n in grid]
    periodic = boundary == "periodic"
    lines = [
        Line(None, s, Fraction(1), periodic) if towards == "pool" else Line(s, None, Fraction(1), periodic)
        for s in sites
    ]
    expected = solve(lines)
    assert solution.dim == expected.shape[1] == 1
    assert same_span(dense(solution), expected)


@pytest.mark.parametrize("size", [(3, 3), (2, 4)])
def test_a_window_needs_every_element_and_every_pair_inside(size: tuple[int, int]) -> None:
    """(2H-1)(2W-1): pairs whose translates leave the window and come back are tied as well."""
    lines = [Line(Sites(n), Sites(n), Fraction(1), False) for n in size]
    drawn = Drawn(tuple(lines), None)
    assert drawn.problem().dim == prod(2 * n - 1 for n in size) == solve(lines).shape[1]


def test_the_oracle_sees_a_missing_class_and_a_wrong_span() -> None:
    """The comparison itself fails when it should."""
    lines = [Line(Sites(5), Sites(5), Fraction(1), True)]
    expected = solve(lines)
    elements = dense(Drawn(tuple(lines), None).problem())
    assert same_span(elements, expected)
    assert not same_span(elements[1:], expected)
    assert not same_span([elements[0], *elements[:-1]], expected)
    hankel = [np.flip(e, axis=-1) for e in elements]
    assert not same_span(hankel, expected)


def test_the_oracle_is_a_null_space() -> None:
    """Its columns satisfy A = P A P^T for the cyclic shift P, which is built in another way here."""
    lines = [Line(Sites(4), Sites(4), Fraction(2), True)]
    shift = np.roll(np.eye(4), 2, axis=0)
    for column in null_space(equations(lines, None)).T:
        matrix = column.reshape(4, 4)
        assert np.allclose(shift @ matrix @ shift.T, matrix)
