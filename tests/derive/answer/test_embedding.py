"""A smaller space of operators inside a larger one: B_small = B_large E, exactly and without many solves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy

import derive as dv

P4M = dv.wallpaper("p4m")
D4 = P4M.point
S4, C5 = dv.symmetric(4), dv.cyclic(5)
V4 = dv.permutation(S4)


def fields(fibre: Any, support: Any = None, **grid: Any) -> Any:
    x = dv.Field(P4M, fibre=fibre, **grid)
    return dv.solve(x, x, support=support)


def maps(V: Any, W: Any) -> Any:
    return dv.solve(V, W)


CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "scalars": lambda: (fields(2 * dv.trivial(D4), dv.box(1)), D4.subgroup(["r"])),
    "scalars, no point group left": lambda: (fields(2 * dv.trivial(D4), dv.box(1)), D4.subgroup([])),
    "blocks that merge": lambda: (fields(dv.trivial(D4) + dv.sign(D4), dv.box(1)), D4.subgroup([])),
    "vectors": lambda: (fields(2 * dv.defining(D4) + dv.sign(D4), dv.box(1)), D4.subgroup(["r^2"])),
    "regular": lambda: (fields(dv.regular(D4), dv.box(0)), D4.subgroup(["r"])),
    "a window": lambda: (
        fields(dv.trivial(D4) + dv.defining(D4), dv.box(1), grid=2, boundary="zero"),
        D4.subgroup(["r"]),
    ),
    "a torus": lambda: (fields(dv.defining(D4), grid=3, boundary="periodic"), D4.subgroup(["r"])),
    "permutations": lambda: (maps(V4**2, V4), S4.subgroup([S4.generators[0]])),
    "copies": lambda: (maps(3 * V4 + dv.trivial(S4), 2 * V4), S4.subgroup([S4.generators[-1]])),
    "complex phases": lambda: (maps(dv.regular(C5), dv.regular(C5)), C5.subgroup([])),
    "numbers of a field": lambda: (maps(sum_of(dv.irreps(C5)), dv.regular(C5)), C5.subgroup([])),
}


def sum_of(parts: Any) -> Any:
    total, *rest = parts
    for part in rest:
        total = total + part
    return total


@pytest.mark.parametrize("case", CASES)
def test_columns_are_what_they_say(case: str) -> None:
    small, subgroup = CASES[case]()
    large, E = small.restrict(subgroup)
    assert E.shape == (int(large.dim), int(small.dim))
    wide = np.array([b.dense().reshape(-1) for b in large.basis], dtype=object).T
    given = np.array([b.dense().reshape(-1) for b in small.basis], dtype=object).T
    gap = wide.dot(np.array(E.tolist(), dtype=object)) - given
    assert all(v == 0 or sympy.simplify(v) == 0 for v in gap.flat)


def test_sixteen_channels_take_no_time() -> None:
    x = dv.Field(P4M, 16)
    found = dv.solve(x, x, support=dv.box(1))
    start = time.perf_counter()
    _, E = found.restrict(D4.subgroup(["r"]))
    assert time.perf_counter() - start < 1
    assert sympy.eye(768) == E


def test_copies_are_not_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.answer import embedding

    solves: list[int] = []
    solve = embedding._coefficients
    monkeypatch.setattr(embedding, "_coefficients", lambda *a: solves.append(1) or solve(*a))
    fields(6 * dv.defining(D4), dv.box(1)).restrict(D4.subgroup(["r"]))
    assert len(solves) == 1


def test_elements_without_an_entry_of_their_own_are_solved_for() -> None:
    from derive.answer.embedding import Columns, _coefficients

    def columns(*rows: list[int]) -> Columns:
        which, places = np.nonzero(np.array(rows))
        return Columns(len(rows), which, places, np.array(rows)[which, places])

    large = columns([1, 1, 0, 0], [1, -1, 0, 0], [1, 0, 0, 2])
    small = columns([4, 0, 0, 2], [0, 3, 0, 0])
    rows, at, values = _coefficients(small, large)
    E = sympy.zeros(3, 2)
    for k, j, value in zip(rows, at, values, strict=True):
        E[int(k), int(j)] += value
    assert (
        sympy.Matrix(
            [
                [sympy.Rational(3, 2), sympy.Rational(3, 2)],
                [sympy.Rational(3, 2), -sympy.Rational(3, 2)],
                [1, 0],
            ]
        )
        == E
    )
