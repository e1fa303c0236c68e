"""What counts with symbols presume: recorded, the same for every group, and refused where no sizes agree."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import sympy
from sympy import Eq, Ge, Le, Mod

import derive as dv
from derive.lattice.presumptions import contradictory

n, m = sympy.symbols("n m", integer=True, positive=True)
r, k = sympy.symbols("r k", integer=True, positive=True)
K = sympy.Symbol("k", integer=True, positive=True)
GROUPS = {"translations": dv.translations(1), "D1": dv.space_group(dv.point_group("D1", dim=1))}


def solved(group: str, support: Any, y: dict[str, Any] | None = None, **field: Any) -> dv.Solution:
    G = GROUPS[group]
    return dv.solve(dv.Field(G, 1, **field), dv.Field(G, 1, **field, **(y or {})), support=support)


CASES: dict[str, tuple[Any, dict[str, Any], set[Any]]] = {
    "an odd window": (dv.window("k"), {}, {Eq(Mod(K, 2), 1)}),
    "an even window": (dv.window("k"), {"y": {"offset": "1/2"}}, {Eq(Mod(K, 2), 0)}),
    "a ring of 7": (dv.box("r"), {"grid": 7, "boundary": "periodic"}, {Le(2 * r + 1, 7)}),
    "a ring of n": (dv.box("r"), {"grid": "n", "boundary": "periodic"}, {Ge(n, 2 * r + 1)}),
    "7 sites": (dv.box("r"), {"grid": 7, "boundary": "zero"}, {Le(r + 1, 7)}),
    "n sites": (dv.box("r"), {"grid": "n", "boundary": "zero"}, {Ge(n, r + 1)}),
    "an odd window on a ring": (
        dv.window("k"),
        {"grid": "n", "boundary": "periodic"},
        {Eq(Mod(K, 2), 1), Ge(n, K)},
    ),
    "a number on a ring": (dv.box(2), {"grid": "n", "boundary": "periodic"}, {Ge(n, 5)}),
    "a finer output": (dv.box("r"), {"y": {"spacing": "1/2"}}, set()),
}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("case", CASES)
def test_presumed(case: str, group: str) -> None:
    support, fields, expected = CASES[case]
    assert set(solved(group, support, **fields).assumptions) == expected


@pytest.mark.parametrize("case", [c for c in CASES if c != "a finer output"])
@pytest.mark.parametrize("group", GROUPS)
def test_counts_hold_wherever_presumptions_do(case: str, group: str) -> None:
    """Symbols are given small numbers; where relations hold, as many weights are listed as counted."""
    support, fields, _ = CASES[case]
    found = solved(group, support, **fields)
    symbols = sorted({s for e in (found.dim, *found.assumptions) for s in e.free_symbols}, key=str)
    tried = 0
    for values in product(range(1, 8), repeat=len(symbols)):
        known = {s.name: v for s, v in zip(symbols, values, strict=True)}
        put = dict(zip(symbols, values, strict=True))
        if all(bool(relation.subs(put)) for relation in found.assumptions):
            assert found.plain(sizes=known).dim == found.dim.subs(put)
            tried += 1
        else:
            with pytest.raises(dv.SizeError, match="must satisfy"):
                found.plain(sizes=known)
    assert tried


@pytest.mark.parametrize("case", [c for c in CASES if c != "a finer output"])
def test_certificates_try_sizes_that_are_presumed(case: str) -> None:
    support, fields, _ = CASES[case]
    certificate = solved("D1", support, **fields).certificate
    assert certificate.holds
    assert "at 0 choices" not in certificate.method


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("boundary", ["periodic", "zero"])
def test_a_grid_and_a_radius_of_one_name(group: str, boundary: str) -> None:
    with pytest.raises(dv.SupportError, match="must fit on the grid for some sizes, got n >= ") as refusal:
        solved(group, dv.box("n"), grid="n", boundary=boundary)
    assert "\n" not in str(refusal.value)


def test_two_symbols_that_bound_each_other() -> None:
    x = dv.Field(dv.translations(2), 1, grid=("n", "m"), boundary="periodic")
    with pytest.raises(dv.SupportError, match=r"got n >= 2\*m \+ 1 and m >= 2\*n \+ 1; use another symbol"):
        dv.solve(x, x, support=dv.box(("m", "n")))
    free = dv.solve(x, x, support=dv.box(("m", None))).dim
    assert free.subs(dict.fromkeys(free.free_symbols, 3)) == 3 * 7


SYSTEMS = [
    [Le(2 * r + 1, n), Eq(n, r)],
    [Le(2 * r + 1, n), Eq(n, r + 1)],
    [Eq(Mod(n, 2), 1), Eq(Mod(n, 4), 2)],
    [Eq(Mod(n, 2), 1), Le(n, 2), Ge(n, 2)],
    [Eq(2 * n, 3 * m), Le(n, 2)],
    [Eq(2 * n, 3 * m), Le(n, 3)],
    [Eq(6 * n, 4 * m + 3)],
    [Ge(3 * n, 7 * m + 1), Le(3 * n, 7 * m + 2), Le(m, 6)],
    [Eq(Mod(n + m, 3), 1), Eq(Mod(n - m, 3), 1), Ge(m, 4), Le(n, 5)],
    [Le(r, 0), Ge(n, 2 * r + 1), Le(n, 1)],
]


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_contradictions_are_those_of_a_search(system: list[Any]) -> None:
    symbols = sorted({s for relation in system for s in relation.free_symbols}, key=str)
    choices = product(*(range(1 if s.is_positive else 0, 25) for s in symbols))
    possible = any(
        all(bool(relation.subs(dict(zip(symbols, values, strict=True)))) for relation in system)
        for values in choices
    )
    assert contradictory(system) == (not possible)
