"""Every complaint in full: the argument, the rule, the value given, what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv
from derive.errors import brief
from tests.derive.cases import HALF, T1, T2, T1by2, field

OTHER = dv.Group("Z2", generators=("a",), relations=("a^2",))
RING = {"grid": 4, "boundary": "periodic"}
SIZE = "must be a positive integer or a symbol"
WHOLE = "must be a positive integer"
NUMBERS = "give 1 or more, or a name such as 'n'"

# What is wrong, the kind of error, its whole message.
BAD: dict[str, tuple[Callable[[], Any], type[dv.DeriveError], str]] = {
    # ---- channels and sizes
    "no channels": (
        lambda: field(T2, 0),
        dv.SizeError,
        f"channels {SIZE}, got 0; {NUMBERS}",
    ),
    "negative channels": (lambda: field(T2, -1), dv.SizeError, f"channels {SIZE}, got -1; {NUMBERS}"),
    "fractional channels": (lambda: field(T2, 2.5), dv.SizeError, f"channels {SIZE}, got 2.5; {NUMBERS}"),
    "a float that is whole": (lambda: field(T2, 3.0), dv.SizeError, f"channels {SIZE}, got 3.0; {NUMBERS}"),
    "a rational": (
        lambda: field(T2, sp.Rational(5, 2)),
        dv.SizeError,
        f"channels {SIZE}, got 5/2; {NUMBERS}",
    ),
    "a truth value": (lambda: field(T2, True), dv.SizeError, f"channels {SIZE}, got True; {NUMBERS}"),
    "not a name": (lambda: field(T2, "3x"), dv.SizeError, f"channels {SIZE}, got '3x'; {NUMBERS}"),
    "an expression in a string": (
        lambda: field(T2, "C-1"),
        dv.SizeError,
        f"channels {SIZE}, got 'C-1'; {NUMBERS}",
    ),
    "channels and a fibre": (
        lambda: dv.Field(T2, channels=2, fibre=dv.trivial(T2.point)),
        dv.RepresentationError,
        "channels, fibre exactly one of the two must be given",
    ),
    # ---- grids
    "no sites": (
        lambda: field(T2, 1, grid=0, boundary="zero"),
        dv.SizeError,
        f"grid {SIZE}, got 0; {NUMBERS}",
    ),
    "negative sites": (
        lambda: field(T2, 1, grid=(4, -4), boundary="zero"),
        dv.SizeError,
        f"grid {SIZE}, got -4; {NUMBERS}",
    ),
    "too many sizes": (
        lambda: field(T2, 1, grid=(4, 4, 4), boundary="zero"),
        dv.SizeError,
        "grid must be one number or 2 of them, one per axis, got (4, 4, 4); give 2 entries",
    ),
    "two names in one": (
        lambda: field(T2, 1, grid="H W", boundary="zero"),
        dv.SizeError,
        f"grid {SIZE}, got 'H W'; {NUMBERS}",
    ),
    "a grid not divisible by the period": (
        lambda: field(T1by2, 1, grid=5, boundary="periodic"),
        dv.GridError,
        "grid must be divisible by the period, 2 sites along u, got 5; use 4 or 6",
    ),
    "a boundary without a grid": (
        lambda: field(T1, 1, boundary="zero"),
        dv.GridError,
        "grid is needed for a zero boundary, got None; give the number of sites, grid=(H, W)",
    ),
    "a grid without a boundary": (
        lambda: field(T1, 1, grid=4),
        dv.GridError,
        "boundary is needed, since translations leave the grid of 4 sites along u, got None; "
        "give boundary='periodic' or boundary='zero'",
    ),
    "an unknown boundary": (
        lambda: field(T1, 1, grid=4, boundary="reflect"),
        dv.GridError,
        "boundary must be None, 'periodic' or 'zero', got 'reflect'; choose one of them",
    ),
    "two boundaries": (
        lambda: dv.solve(field(T1, 1, grid=4, boundary="zero"), field(T1, 1, grid=4, boundary="periodic")),
        dv.GridError,
        "boundary must be the same for both fields along u, got zero for the input, periodic for the output; "
        "give both fields the same boundary",
    ),
    "a window into a lattice": (
        lambda: dv.solve(field(T1, 1, grid=4, boundary="zero"), field(T1, 1)),
        dv.GridError,
        "boundary must be the same for both fields along u, got zero for the input, None for the output; "
        "give both fields the same boundary",
    ),
    "rings of two lengths": (
        lambda: dv.solve(field(T1, 1, **RING), field(T1, 1, grid=5, boundary="periodic")),
        dv.GridError,
        "grid must be equally long for both periodic fields along u, got 4 sites of 1 and 5 sites of 1; "
        "give the output 4 sites",
    ),
    "a strided ring as long as the input": (
        lambda: dv.solve(field(T1by2, 1, **RING), field(T1by2, 1, spacing=2, **RING)),
        dv.GridError,
        "grid must be equally long for both periodic fields along u, got 4 sites of 1 and 4 sites of 2; "
        "give the output 2 sites",
    ),
    # ---- lattices
    "a spacing that the group does not preserve": (
        lambda: field(T1, 1, spacing=2),
        dv.LatticeError,
        "the field with spacing (2,) and offset (0,) must be carried to itself by every generator, and 't_u' "
        "is one, got the site at (0,) carried to (1,), which is no site; translate by a multiple of the "
        "spacing, for example period=(2,)",
    ),
    "a spacing that does not divide the period": (
        lambda: field(T1by2, 1, spacing=3),
        dv.LatticeError,
        "translate by a multiple of the spacing, for example period=(6,)",
    ),
    "a spacing of 0": (
        lambda: field(T1, 1, spacing=0),
        dv.LatticeError,
        "spacing must be positive, got (0,); give 1 for the plain lattice",
    ),
    "a negative spacing": (
        lambda: field(T1, 1, spacing=-1),
        dv.LatticeError,
        "spacing must be positive, got (-1,); give 1 for the plain lattice",
    ),
    "a negative period": (
        lambda: dv.translations(1, -1),
        dv.GroupError,
        "period must be >= 0 (0: not translated), got (-1,); drop the sign",
    ),
    "periods for other axes": (
        lambda: dv.translations(2, (1, 1, 1)),
        dv.SizeError,
        "period must be one number or 2 of them, one per axis, got (1, 1, 1); give 2 entries",
    ),
    "no axes": (lambda: dv.translations(0), dv.SizeError, f"dim {WHOLE}, got 0; give 1 or more"),
    "a fractional dimension": (
        lambda: dv.translations(2.0),
        dv.SizeError,
        f"dim {WHOLE}, got 2.0; give 1 or more",
    ),
    # ---- supports
    "an empty support": (
        lambda: dv.solve(field(T1, 1), field(T1, 1), []),
        dv.SupportError,
        "support must hold at least one displacement, got none; use box(0) for one site",
    ),
    "an empty set": (
        lambda: dv.solve(field(T1, 1), field(T1, 1), set()),
        dv.SupportError,
        "support must hold at least one displacement, got none; use box(0) for one site",
    ),
    "a ball without a site": (
        lambda: dv.solve(field(T1, 1), field(T1, 1, offset=HALF), dv.ball(0)),
        dv.SupportError,
        "support must hold at least one displacement, got ball(0); use a larger radius",
    ),
    "a number for a support": (
        lambda: dv.solve(field(T1, 1), field(T1, 1), 3),
        dv.SupportError,
        "support must be box, window, ball, hexagon or a set of displacements, got 3; use box(1)",
    ),
    "a support larger than the ring": (
        lambda: dv.solve(field(T1, 1, **RING), field(T1, 1, **RING), dv.box(2)),
        dv.SupportError,
        "support must not be larger than the periodic grid along u, got 5 displacements on a grid of length 4"
        "; shrink the support, or leave it out to use the whole grid",
    ),
    "an even window without an offset": (
        lambda: dv.solve(field(T2, 1), field(T2, 1), dv.window(2)),
        dv.SupportError,
        "support must hold displacements that the lattices attain along axis 0, 0 modulo 1, got -1/2; "
        "shift the output field by offset=1/2 there, or change the support",
    ),
    "displacements for other axes": (
        lambda: dv.solve(field(T2, 1), field(T2, 1), [(0, 0, 1)]),
        dv.SizeError,
        "support must be one number or 2 of them, one per axis, got (0, 0, 1); give 2 entries",
    ),
    "a box for other axes": (
        lambda: dv.solve(field(T2, 1), field(T2, 1), dv.box((1, 1, 1))),
        dv.SizeError,
        "radius must be one number or 2 of them, one per axis, got (1, 1, 1); give 2 entries",
    ),
    "a negative radius": (
        lambda: dv.box(-1),
        dv.SizeError,
        "radius must be an integer >= 0 or a symbol, got -1; give 0 or more, or a name such as 'n'",
    ),
    "a third of a radius": (
        lambda: dv.box(Fraction(1, 3)),
        dv.SupportError,
        "radius must be an integer or half-integer >= 0, got 1/3; give 1 or '1/2'",
    ),
    "a window of nothing": (lambda: dv.window(0), dv.SizeError, f"size {SIZE}, got 0; {NUMBERS}"),
    "no dilation": (
        lambda: dv.window(3, dilation=0),
        dv.SizeError,
        f"dilation {WHOLE}, got 0; give 1 or more",
    ),
    "a negative ball": (
        lambda: dv.ball(-1),
        dv.SupportError,
        "radius must be >= 0, got -1; give 0 for a single displacement",
    ),
    "a support where nothing has sites": (
        lambda: dv.solve(field(T1, 1), dv.trivial(T1.point), dv.box(1)),
        dv.SupportError,
        "support needs two fields that live on the lattice, got box(1); leave it out: the output does not "
        "move",
    ),
    "a support as wide as twice its ring": (
        lambda: dv.solve(*(field(T1, 1, grid="n", boundary="periodic") for _ in range(2)), dv.box("n")).dim,
        dv.SupportError,
        "support must fit on the grid for some sizes, got n >= 2*n + 1; "
        "use another symbol or a smaller support, or leave it out to use the whole grid",
    ),
    "rings of one size and two spacings": (
        lambda: (
            dv.solve(
                field(T1, 1, grid="n", boundary="periodic"),
                field(T1, 1, grid="n", spacing="1/2", boundary="periodic"),
            ).dim
        ),
        dv.GridError,
        "grid must be possible for some sizes, got Eq(Mod(n, 2), 0) and Eq(n/2, n); "
        "use other symbols, or grids that are equally long",
    ),
    "sizes that a count does not allow": (
        lambda: dv.solve(*(field(T1, 1) for _ in range(2)), dv.window("k")).plain(sizes={"k": 4}),
        dv.SizeError,
        "sizes must satisfy Eq(Mod(k, 2), 1), got {'k': 4}; give other sizes",
    ),
    # ---- floats where exact numbers decide
    "a float radius": (
        lambda: dv.box(1.5),
        dv.SizeError,
        "radius must be an integer >= 0 or a symbol, got 1.5; give 0 or more, or a name such as 'n'",
    ),
    "a float ball": (lambda: dv.ball(1.5), dv.ExactnessError, "radius must be exact, got 1.5; give '3/2'"),
    "a float spacing": (
        lambda: field(T1, 1, spacing=0.5),
        dv.ExactnessError,
        "spacing must be exact, got 0.5; give '1/2'",
    ),
    "a float offset": (
        lambda: field(T1, 1, offset=0.5),
        dv.ExactnessError,
        "offset must be exact, got 0.5; give '1/2'",
    ),
    "an offset that is no fraction": (
        lambda: field(T1, 1, offset=1 / 3 + 1e-9),
        dv.ExactnessError,
        "give a Fraction or a string such as '1/3'",
    ),
    "a float period": (
        lambda: dv.translations(1, 0.5),
        dv.ExactnessError,
        "period must be exact, got 0.5; give '1/2'",
    ),
    "float displacements": (
        lambda: dv.solve(field(T2, 1), field(T2, 1), np.array([[0.0, 1.0]])),
        dv.ExactnessError,
        "support must be exact, got 0.0; give '0'",
    ),
    "letters for a displacement": (
        lambda: field(T1, 1, offset="x"),
        dv.ExactnessError,
        "offset must be a rational number, got 'x'; give an int or '1/2'",
    ),
    # ---- groups and representations
    "two groups": (
        lambda: dv.solve(field(T1, 1), field(T1by2, 1), dv.box(1)),
        dv.RepresentationError,
        "x, y must be fields of one group, got translations(1) and translations(1, period=(2,)); "
        "build both fields on the same group",
    ),
    "two dimensions": (
        lambda: dv.solve(field(T1, 1), field(T2, 1), dv.box(1)),
        dv.RepresentationError,
        "x, y must be fields of one group, got translations(1) and translations(2)",
    ),
    "a fibre of another group": (
        lambda: dv.Field(T1, fibre=dv.trivial(OTHER)),
        dv.RepresentationError,
        "fibre must be a representation of the point group C1, got",
    ),
    "a representation of another group": (
        lambda: dv.solve(field(T1, 1), dv.trivial(OTHER)),
        dv.RepresentationError,
        "must be a representation of the point group C1, got",
    ),
    "a number for a field": (
        lambda: dv.solve(field(T1, 1), 3),
        dv.RepresentationError,
        "y must be a Field or a Representation, got 3",
    ),
    "a name for a group": (
        lambda: dv.Field("p4m", channels=1),
        dv.GroupError,
        "group must be a group of this library, got 'p4m'",
    ),
    # ---- answers that cannot be listed
    "the basis of an infinite answer": (
        lambda: len(dv.solve(field(T1, 1), field(T1, 1)).basis),
        dv.InfiniteError,
        "support must leave finitely many weights to list them, got None; give a support such as box(1)",
    ),
    "the basis of a symbolic answer": (
        lambda: dv.solve(field(T1, "C"), field(T1, 1), dv.box(1)).basis[0],
        dv.SymbolicError,
        "sizes must give a number for every symbol, got ['C']; give sizes={'C': 8}",
    ),
    "the basis of a symbolic radius": (
        lambda: list(dv.solve(field(T1, 1), field(T1, 1), dv.box("k")).basis),
        dv.SymbolicError,
        "sizes must give a number for every symbol, got ['k']; give sizes={'k': 8}",
    ),
    "a dense operator that does not fit": (
        lambda: dv.solve(*(field(T2, 1, grid=1000, boundary="periodic") for _ in "xy")).basis[0].dense(),
        dv.TooLargeError,
        "dense array must hold at most 134217728 entries, got 1000000000000; use a smaller grid",
    ),
    # ---- check grids
    "a check grid for a derivation of equivariance": (
        lambda: dv.solve(field(T1, 1), field(T1, 1), dv.box(2)).derivation.check(grid=(5,)),
        dv.GridError,
        "grid must be left out: the checker of an equivariance derivation chooses the sizes that decide it, "
        "got (5,); call check()",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_message(what: str) -> None:
    act, kind, message = BAD[what]
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    assert message in str(caught.value)


@pytest.mark.parametrize("what", BAD)
def test_parts(what: str) -> None:
    """Argument, rule, value and remedy are there separately, on one line, and it is a ValueError."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the kind is tested above
        BAD[what][0]()
    error = caught.value
    assert isinstance(error, dv.DeriveError)
    assert error.argument
    assert error.rule
    assert error.remedy
    assert str(error) == f"{error.argument} {error.rule}, got {error.value!s}; {error.remedy}"
    assert "\n" not in str(error)


def test_the_infinite_answer_itself_is_no_error() -> None:
    solution = dv.solve(field(T1, 1), field(T1, 1))
    assert solution.dim is sp.oo
    assert solution.certificate.holds
    with pytest.raises(dv.InfiniteError, match="give a support"):
        solution.basis[0]


def test_remedies_work() -> None:
    """What an error offers is accepted."""
    assert dv.solve(field(T2, 1), field(T2, 1, offset="1/2"), dv.window(2)).dim == 4
    six = dv.translations(1, 6)
    assert dv.solve(field(six, 1, spacing=3), field(six, 1, spacing=2), dv.box(1)).dim == 3
    assert field(T1by2, 1, grid=4, boundary="periodic") != field(T1by2, 1, grid=6, boundary="periodic")
    half = [field(T1by2, 1, **RING), field(T1by2, 1, grid=2, boundary="periodic", spacing=2)]
    assert dv.solve(*half).dim == 4
    dv.solve(field(T1, 1), field(T1, 1), dv.box(2)).derivation.check()


def test_no_kind_is_a_bare_value_error() -> None:
    kinds = [value for value in vars(dv).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert dv.DeriveError in kinds
    assert all(issubclass(kind, dv.DeriveError) for kind in kinds)
    assert len(kinds) >= 12


def test_entries_of_sympy_are_shown_as_they_print() -> None:
    """An entry with indices has no shape, and says so by an error of its own."""
    entry = sp.IndexedBase("T")[sp.Symbol("i"), sp.Symbol("u") + 1]
    assert brief(entry) == "T[i, u + 1]"
    assert brief([entry, 1]) == "[T[i, u + 1], 1]"
    assert (
        str(dv.SizeError("it", "must be small", entry, "wait")) == "it must be small, got T[i, u + 1]; wait"
    )
