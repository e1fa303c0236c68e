"""A count with symbols passes only if it is the count: mutated by random polynomials, functions and swaps."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from sympy import Eq, Tuple, oo

import derive as dv
from tests.derive.mutants import replaced, survives

T1, T2, T3 = (dv.translations(n) for n in (1, 2, 3))


def pair(group: Any, into: Any = "C", out: Any = "D", **lattice: Any) -> tuple[dv.Field, dv.Field]:
    return dv.Field(group, channels=into, **lattice), dv.Field(group, channels=out, **lattice)


def ring(*sizes: Any) -> dict[str, Any]:
    return {"grid": sizes if len(sizes) > 1 else sizes[0], "boundary": "periodic"}


def zero(*sizes: Any) -> dict[str, Any]:
    return {**ring(*sizes), "boundary": "zero"}


def torus(point: str) -> Any:
    return pair(dv.space_group(dv.point_group(point, 2)), **ring("n", "n"))


CASES: dict[str, Callable[[], tuple[Any, ...]]] = {
    "box r": lambda: (*pair(T2), dv.box("r")),
    "box r, one axis": lambda: (*pair(T1), dv.box("r")),
    "box r, three axes": lambda: (*pair(T3), dv.box("r")),
    "two radii": lambda: (*pair(T2), dv.box(("r", "s"))),
    "window k": lambda: (*pair(T2), dv.window("k")),
    "ring N": lambda: pair(T1, **ring("N")),
    "ring N, box r": lambda: (*pair(T1, **ring("N")), dv.box("r")),
    "ring N, three phases": lambda: pair(dv.translations(1, 3), **ring("N")),
    "torus H x W": lambda: pair(T2, **ring("H", "W")),
    "window H x W": lambda: pair(T2, **zero("H", "W")),
    "window H x W, box r": lambda: (*pair(T2, **zero("H", "W")), dv.box("r")),
    "p4m, box r": lambda: (*pair(dv.wallpaper("p4m")), dv.box("r")),
    "p4, box r": lambda: (*pair(dv.wallpaper("p4")), dv.box("r")),
    "p4m, n x n": lambda: torus("D4"),
    "p6m, n x n": lambda: torus("D6"),
    "p3m, n x n": lambda: torus("D3"),
    "one symbol for both channels": lambda: (*pair(T2, "C", "C"), dv.box("r")),
    "one symbol for channels and radius": lambda: (*pair(T2, "C", "r"), dv.box("r")),
    "one symbol for all": lambda: (*pair(T2, "r", "r"), dv.box("r")),
    "channels called as the ring": lambda: (*pair(T1, "N", "r", **ring("N")), dv.box("r")),
    "nothing moves": lambda: pair(dv.translations(1, 0), grid="N"),
    "no support": lambda: pair(T2),
}
every_case = pytest.mark.parametrize("name", CASES)


def derived(name: str) -> dv.Derivation:
    return dv.solve(*CASES[name]()).derivation


def counted(derivation: dv.Derivation, **new: sp.Expr) -> dv.Derivation:
    """The derivation with other counts."""
    counts = [Eq(eq.lhs, new.get(str(eq.lhs), eq.rhs), evaluate=False) for eq in derivation[-1].after]
    return replaced(derivation, len(derivation) - 1, Tuple(*counts))


def counts_of(derivation: dv.Derivation) -> dict[str, sp.Expr]:
    return {str(eq.lhs): eq.rhs for eq in derivation[-1].after}


def symbols_of(derivation: dv.Derivation) -> list[sp.Symbol]:
    counts = counts_of(derivation)
    found = set().union(*(e.free_symbols for e in counts.values()))
    where = {s for _, d in derivation[0].where for s in d.free_symbols}
    return sorted({s for s in found | where if s.is_positive}, key=str)


def added(symbols: list[sp.Symbol], choose: random.Random) -> list[sp.Expr]:
    """What is not zero at all sizes, yet is at many: products of differences, powers, functions."""
    s, t = choose.choice(symbols), choose.choice(symbols)
    start = choose.randint(1, 6)
    vanishing = sp.prod(s - n for n in range(start, start + choose.randint(1, 4)))
    random_ = sum(
        choose.randint(-3, 3) * s ** choose.randint(0, 3) * t ** choose.randint(0, 2) for _ in range(3)
    )
    return [
        vanishing,
        vanishing * (t - choose.randint(1, 5)),
        random_ if sp.expand(random_) != 0 else sp.S.One,
        s**2 - s * t if s != t else s**2 - s,
        sp.floor(s / choose.randint(2, 7)),
        sp.Mod(s, choose.randint(2, 7)) * t,
        sp.Max(s - choose.randint(5, 40), 0),
        sp.Min(s, 30) - s,
        sp.Abs(s - 20) - sp.Abs(20 - s) + sp.Max(s, 25) - s,
        sp.Function("gcd")(5, s) - 1,
        sp.Piecewise((1, s > 30), (0, True)),
    ]


@every_case
@pytest.mark.parametrize("start", [0, 1])
def test_no_other_count_passes(name: str, start: int) -> None:
    derivation, choose = derived(name), random.Random(name)
    counts, symbols = counts_of(derivation), symbols_of(derivation)
    finite = {k: value for k, value in counts.items() if value is not oo}
    for more in added(symbols, choose)[start::2]:
        key = choose.choice(list(finite))
        wrong = finite[key] + more
        if sp.expand(wrong - finite[key]) != 0:
            assert not survives(counted(derivation, **{key: wrong})), (key, wrong)


@every_case
def test_letters_for_others_infinity_and_swaps(name: str) -> None:
    derivation = derived(name)
    counts, symbols = counts_of(derivation), symbols_of(derivation)
    first, last = symbols[0], symbols[-1]
    wrong: list[dict[str, Any]] = [
        {key: oo if value is not oo else first * last} for key, value in counts.items()
    ]
    wrong = [{k: v} for new in wrong for k, v in new.items()]
    wrong.append({"dim": counts["bias_dim"], "bias_dim": counts["dim"]})
    for key, value in counts.items():
        if value is not oo:
            others = [-value, 2 * value, value + 1, value * first, first + last, sp.Integer(0)]
            others += [value.subs(first, last), value.subs(first, first + 1)]
            wrong += [{key: new} for new in others if sp.expand(new - value) != 0]
    for new in wrong:
        assert not survives(counted(derivation, **new)), new


@every_case
def test_the_same_count_written_otherwise(name: str) -> None:
    derivation = derived(name)
    for key, value in counts_of(derivation).items():
        if value is not oo:
            for same in (sp.expand(value), sp.factor(value), sp.together(sp.expand(value))):
                counted(derivation, **{key: same}).check()


def test_a_polynomial_through_the_first_values_is_caught() -> None:
    """Channels named like the radius raise the degree: r^2 (2r+1)^2 is no cubic through r = 1, 2, 3, 4."""
    derivation = derived("one symbol for all")
    dim = counts_of(derivation)["dim"]
    (r,) = dim.free_symbols
    for start in range(1, 5):
        through = sp.interpolate([(n, dim.subs(r, n)) for n in range(start, start + 4)], r)
        assert not survives(counted(derivation, dim=through))


def test_residues_of_three_are_told_apart() -> None:
    """Quadratics through odd and through even sizes of a torus with rotations by thirds."""
    derivation = derived("p3m, n x n")
    dim = counts_of(derivation)["dim"]
    n = next(s for s in dim.free_symbols if s.name == "n")
    odd, even = (sp.interpolate([(m, dim.subs(n, m)) for m in run], n) for run in ((1, 3, 5), (2, 4, 6)))
    assert not survives(counted(derivation, dim=sp.expand(odd + sp.Mod(n + 1, 2) * (even - odd))))


@pytest.mark.parametrize(
    "given",
    [
        lambda: pair(dv.translations(1, 16), **ring("N")),
        lambda: (*pair(T1, **ring("N")), dv.box(50)),
        lambda: (*pair(T1, **zero("N")), dv.box(50)),
        lambda: pair(T1, **ring(2 * sp.Symbol("N", integer=True, positive=True))),
        lambda: (*pair(T1), dv.box(sp.Symbol("N", integer=True, positive=True) ** 2)),
    ],
    ids=["period 16", "wide on a ring", "wide in a window", "twice N", "N squared"],
)
def test_sizes_with_few_small_values_check(given: Callable[[], Any]) -> None:
    dv.solve(*given()).derivation.check()


def test_infinite_blocks_add_up_to_infinity() -> None:
    G = dv.wallpaper("p4m")
    x = dv.Field(G, fibre=dv.trivial(G.point) + dv.sign(G.point))
    derivation = dv.solve(x, dv.Field(G, "D")).derivation
    derivation.check()
    assert not survives(counted(derivation, dim=sp.Symbol("D", integer=True, positive=True)))
