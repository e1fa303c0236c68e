"""Groups that move space by matrices of their own, or not at all: symmetries of channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import derive as dv

CHANNELS = 3


def flips() -> tuple[dv.SpaceGroup, dv.Representation]:
    """Independent signs of three channels, and translations."""
    names = [f"f{k}" for k in range(CHANNELS)]
    commute = [f"{a}*{b} = {b}*{a}" for k, a in enumerate(names) for b in names[k + 1 :]]
    F = dv.Group("flips", tuple(names), (*(f"{a}^2" for a in names), *commute))
    signs = {a: sp.diag(*(-1 if j == k else 1 for j in range(CHANNELS))) for k, a in enumerate(names)}
    return dv.space_group(F, period=(1, 1), action={}), dv.Representation(F, signs)


def test_signs_of_channels_force_a_depthwise_convolution() -> None:
    G, V = flips()
    solution = dv.solve(dv.Field(G, fibre=V), dv.Field(G, fibre=V), support=dv.box(1))
    assert solution.dim == CHANNELS * 9
    assert solution.bias_dim == 0
    assert solution.certificate.holds
    solution.derivation.check()
    used = sum(np.abs(element.dense()).sum((2, 3)) for element in solution.basis)
    assert np.array_equal(used, 9 * np.eye(CHANNELS))


def test_an_abstract_group_moves_space_by_the_matrices_given() -> None:
    """Z_4 by a quarter turn is p4: the same answer, orbit by orbit."""
    own = dv.space_group(dv.cyclic(4), action={"r": [[0, -1], [1, 0]]})
    p4 = dv.wallpaper("p4")
    for fibre in (dv.trivial, dv.regular):
        mine, known = (
            dv.solve(dv.Field(G, 1), dv.Field(G, fibre=fibre(G.point)), dv.box(1)) for G in (own, p4)
        )
        assert mine.dim == known.dim
        mine.derivation.check()
    assert all(np.array_equal(a.dense(), b.dense()) for a, b in zip(mine.basis, known.basis, strict=True))


def test_a_subgroup_keeps_the_action() -> None:
    G, V = flips()
    x = dv.Field(G, fibre=V)
    smaller, E = dv.solve(x, x, dv.box(0)).restrict(G.point.subgroup(["f0"]))
    assert (smaller.dim, E.shape) == (5, (5, 3))
    own = dv.space_group(dv.cyclic(4), action={"r": [[0, -1], [1, 0]]})
    y = dv.Field(own, 1)
    half = dv.solve(y, y, dv.box(1)).restrict(own.point.subgroup(["r^2"]))[0]
    assert half.dim == 5


def test_groups_with_other_actions_are_other_groups() -> None:
    C = dv.cyclic(2)
    assert dv.space_group(C, action={"r": [[-1]]}) != dv.space_group(C, action={"r": [[1]]})


@pytest.mark.parametrize(
    ("action", "period", "message"),
    [
        ({"r": [[0, -2], [1, 0]]}, 1, "must satisfy the relation r\\^4 = 1"),
        ({"r": [["1/2"]]}, 1, "action must be integer matrices, got"),
        ({}, 1, "must determine the number of axes"),
        ({"q": [[1]]}, 1, "must be given for each of the generators r, got"),
        ({"r": [[0, -1], [1, 0]]}, (1, 2), "carries a translation"),
    ],
)
def test_bad_actions(action: Any, period: Any, message: str) -> None:
    with pytest.raises(dv.DeriveError, match=message):
        dv.space_group(dv.cyclic(4), period=period, action=action)


def test_without_matrices_the_error_offers_an_action() -> None:
    with pytest.raises(dv.DeriveError, match="or give action="):
        dv.space_group(dv.Group("g", ("a",), ("a^2",)))
