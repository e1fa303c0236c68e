"""What a lazy input means, and what is said where it means nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import derive as dv

C4, S3 = dv.point_group("C4"), dv.symmetric(3)
P4, T1, T2 = dv.wallpaper("p4"), dv.translations(1), dv.translations(2)
V = dv.defining(C4)
TURN = [[0, -1], [1, 0]]
P4M = dv.wallpaper("p4m")
MEANT: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "trivial of a space group": (lambda: dv.trivial(P4M), lambda: dv.trivial(P4M.point)),
    "sign of a space group": (lambda: dv.sign(P4M), lambda: dv.sign(P4M.point)),
    "regular of a space group": (lambda: dv.regular(P4M), lambda: dv.regular(P4M.point)),
    "defining of a space group": (lambda: dv.defining(P4M), lambda: dv.defining(P4M.point)),
    "irreps of a space group": (lambda: dv.irreps(P4M), lambda: dv.irreps(P4M.point)),
    "determinant of a space group": (lambda: dv.determinant(P4M), lambda: dv.determinant(P4M.point)),
    "determinant of a group": (lambda: dv.determinant(C4), lambda: dv.determinant(dv.defining(C4))),
    "determinant of permutations": (lambda: dv.determinant(S3), lambda: dv.determinant(dv.permutation(S3))),
    "a representation of a space group": (
        lambda: dv.Representation(P4, {"r": TURN}),
        lambda: dv.Representation(C4, {"r": TURN}),
    ),
    "cosets of a space group": (
        lambda: dv.quotient(P4, C4.subgroup(["r^2"])),
        lambda: dv.quotient(C4, C4.subgroup(["r^2"])),
    ),
    "a list of permutations": (
        lambda: dv.permutation_group([[1, 2, 0], [1, 0, 2]]),
        lambda: dv.permutation_group({"a": [1, 2, 0], "b": [1, 0, 2]}),
    ),
    "one permutation": (
        lambda: dv.permutation_group([1, 2, 0]),
        lambda: dv.permutation_group({"a": [1, 2, 0]}),
    ),
    "a list of cycles": (
        lambda: dv.permutation_group([[(0, 1, 2)], [(0, 1)]]),
        lambda: dv.permutation_group({"a": [1, 2, 0], "b": [1, 0, 2]}),
    ),
    "arrays of permutations": (
        lambda: dv.permutation_group(np.array([[1, 2, 0], [1, 0, 2]])),
        lambda: dv.permutation_group({"a": [1, 2, 0], "b": [1, 0, 2]}),
    ),
    "a list of matrices": (
        lambda: dv.matrix_group([TURN, [[-1, 0], [0, 1]]], ("a^4",)),
        lambda: dv.matrix_group({"a": TURN, "b": [[-1, 0], [0, 1]]}, ("a^4",)),
    ),
    "one matrix": (lambda: dv.matrix_group(TURN), lambda: dv.matrix_group({"a": TURN})),
    "a SymPy matrix": (lambda: dv.matrix_group(sympy.Matrix(TURN)), lambda: dv.matrix_group({"a": TURN})),
    "an array of matrices": (
        lambda: dv.matrix_group(np.array([TURN, TURN])),
        lambda: dv.matrix_group({"a": TURN, "b": TURN}),
    ),
    "lists for an algebra": (
        lambda: dv.matrix_group([[[-1, 0], [0, 1]]], algebra=[TURN]),
        lambda: dv.matrix_group({"b": [[-1, 0], [0, 1]]}, algebra={"a": TURN}),
    ),
    "a sum": (lambda: sum([V, V]), lambda: V + V),
    "a sum of one": (lambda: sum([V]), lambda: V),
    "a field without channels": (lambda: dv.Field(P4).fibre, lambda: dv.trivial(C4)),
    "a field on a grid without channels": (lambda: dv.Field(C4, grid=(3, 3)).fibre, lambda: dv.trivial(C4)),
    "True for 1": (lambda: dv.lorentz(full=1), lambda: dv.lorentz(full=True)),
    "NumPy numbers": (
        lambda: dv.Field(dv.translations(np.int64(2)), np.int32(3)).fibre,
        lambda: dv.Field(T2, 3).fibre,
    ),
    "one stack of equal layers": (
        lambda: dv.receptive_field(3),
        lambda: dv.receptive_field([3]),
    ),
}


@pytest.mark.parametrize("name", MEANT)
def test_what_is_meant(name: str) -> None:
    lazy, full = MEANT[name]
    assert lazy() == full()


def test_more_matrices_than_letters() -> None:
    group = dv.matrix_group([TURN] * 30)
    assert len(group.generators) == 30
    assert group.order == 4


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a name for a group": (
        lambda: dv.space_group("p4m"),  # type: ignore[arg-type]
        "point must be a group, not its name, got 'p4m'; use wallpaper('p4m')",
    ),
    "a name for a point group": (
        lambda: dv.space_group("D4"),  # type: ignore[arg-type]
        "point must be a group, not its name, got 'D4'; use point_group('D4')",
    ),
    "a space group for a point group": (
        lambda: dv.space_group(P4),  # type: ignore[arg-type]
        "point must be a point group, without translations, got p4; give its .point, or use "
        "wallpaper(name, period=...)",
    ),
    "S_0": (lambda: dv.symmetric(0), "n must be a positive integer, got 0; give 1 or more"),
    "S_n": (
        lambda: dv.symmetric("n"),  # type: ignore[arg-type]
        "n must be a number, not a symbol, got n; give an integer >= 1",
    ),
    "D_True": (lambda: dv.dihedral(True), "n must be a positive integer, got True; give 1 or more"),
    "C_2.0": (
        lambda: dv.cyclic(2.0),  # type: ignore[arg-type]
        "n must be a positive integer, got 2.0; give 1 or more",
    ),
    "a matrix without an integer inverse": (
        lambda: dv.matrix_group({"B": [[1, 2], [3, 4]]}),
        "generator 'B' must have an integer inverse (determinant 1 or -1), got [[1, 2], [3, 4]]; correct it, "
        "or represent a free group: Representation(Group('G', ('B',)), matrices)",
    ),
    "one name for two symmetries": (
        lambda: dv.solve(dv.Field(P4), dv.Field(dv.wallpaper("p4", period=2))),
        "x, y must be fields of one group, got p4 = space_group(Group 'C4' < r | r^4 >, period=(1, 1)) and "
        "p4 = space_group(Group 'C4' < r | r^4 >, period=(2, 2)); build both fields on the same group",
    ),
    "one name, two centres": (
        lambda: dv.solve(
            dv.Field(dv.space_group(C4, 2, name="G")), dv.Field(dv.space_group(C4, 2, "1/2", name="G"))
        ),
        "x, y must be fields of one group, got G = space_group(Group 'C4' < r | r^4 >, period=(2, 2)) and "
        "G = space_group(Group 'C4' < r | r^4 >, period=(2, 2), centre=(1/2, 1/2)); build both fields on the "
        "same group",
    ),
    "a sum with a number": (
        lambda: sum([V], 1),
        "summand must be a representation, got 1; use trivial(G), defining(G), regular(G) or "
        "Representation(G, {generator: matrix})",
    ),
    "a grid by name": (
        lambda: dv.Field(P4, grid={"u": 4, "v": 4}),
        "grid must be one number or 2 of them, one per axis, got {'u': 4, 'v': 4}; give 2 entries in the "
        "order of the axes",
    ),
    "matrices without names": (
        lambda: dv.Representation(C4, [TURN]),  # type: ignore[arg-type]
        "matrices must be {generator: matrix}, got [[[0, -1], [1, 0]]]; give {'r': [[...]]}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_said(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(dv.DeriveError) as error:
        make()
    assert str(error.value) == message


def test_what_is_advised_works() -> None:
    """A remedy that names a call names one that works."""
    dv.wallpaper("p4m")
    dv.point_group("D4")
    free = dv.Representation(dv.Group("G", ("B",)), {"B": [[1, 2], [3, 4]]})
    assert dv.solve(free, free).dim == 2  # what commutes with B: combinations of 1 and B


ONE = dv.matrix_group({"g": [[-1, 0], [0, 1]]})
OTHER = dv.matrix_group({"g": [[1, 0], [0, -1]]})


@pytest.mark.parametrize(
    "join",
    [
        lambda: dv.solve(dv.Field(dv.space_group(ONE)), dv.Field(dv.space_group(OTHER))),
        lambda: dv.defining(ONE) + dv.defining(OTHER),
        lambda: dv.Field(dv.space_group(ONE), fibre=dv.sign(OTHER)),
        lambda: dv.solve(dv.Field(dv.space_group(ONE)), dv.sign(OTHER)),
    ],
    ids=["fields", "representations", "a fibre", "an output"],
)
def test_groups_of_one_name_are_told_apart(join: Callable[[], Any]) -> None:
    """Both are called 'matrix group' and have one generator g; their matrices are shown."""
    with pytest.raises(dv.RepresentationError) as error:
        join()
    assert "[-1, 0], [0, 1]" in str(error.value)
    assert "[1, 0], [0, -1]" in str(error.value)


def test_a_repr_shows_all_that_tells_space_groups_apart() -> None:
    groups = [
        P4,
        dv.wallpaper("p4", period=2),
        dv.space_group(C4, 2, "1/2"),
        dv.wallpaper("pg"),
        dv.space_group(dv.point_group("D1"), (1, 2)),
        dv.space_group(dv.cyclic(2), (1, 1), action={}),
        dv.space_group(dv.cyclic(2), (1, 1), action={"r": [[-1, 0], [0, 1]]}),
        T1,
        T2,
        dv.translations(2, period=(1, 0)),
    ]
    assert len({repr(group) for group in groups}) == len(groups)
    assert all("period=" in repr(group) and len(repr(group).splitlines()) == 1 for group in groups)
