"""What every index of a derivation ranges over on a small torus, read off the printed steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product
from math import gcd
from typing import Any

import numpy as np
import sympy
from sympy import Indexed, Symbol

from derive.checking.terms import Array, false, truth
from derive.errors import GridError
from derive.steps import Step
from derive.symmetry.sizes import per_axis, rational

CHANNELS = 2
RADIUS = 1
STRICT = 3
FAR = 1 << 20


@dataclass(frozen=True)
class Line:
    """One axis: sites on either side (0: none), and how far one translation moves them."""

    letter: str
    out: int
    into: int
    out_step: int
    in_step: int

    @property
    def wraps(self) -> bool:
        return bool(self.out_step or self.in_step)


@dataclass(frozen=True)
class Ranges:
    """The letters of a derivation, the torus they live on, and the tensors that it names on the way."""

    c: Symbol
    i: Symbol
    out: tuple[Symbol, ...]
    into: tuple[Symbol, ...]
    shifts: tuple[Symbol, ...]
    x: Indexed
    biased: bool
    lines: tuple[Line, ...]
    moves: Array
    sizes: Mapping[Symbol, int]
    windows: Mapping[Symbol, sympy.Set]
    endless: tuple[Symbol, ...]
    definitions: tuple[sympy.Eq, ...]


def read_ranges(steps: Sequence[Step], periods: tuple[int, ...]) -> Ranges:
    """Read every range off the printed steps; `periods` are those of the torus, one per translated axis."""
    acting, general = steps[0].before, steps[0].after
    i, *out = acting[1].lhs.indices
    c, *into = acting[0].lhs.indices
    shifts = _shifts(steps)
    least = max(STRICT, 1 + 2 * _reach(steps, _lines(steps, shifts, (1,) * len(shifts))))
    lines = _lines(steps, shifts, periods, least)
    limits = {limit[0]: limit for total in general.rhs.atoms(sympy.Sum) for limit in total.limits}
    endless = {v.name.rstrip("'") for v, low, _ in limits.values() if low is -sympy.oo}
    windows = {
        s: domain
        for s, domain in steps[0].where
        if isinstance(domain, sympy.Range) and s.name.rstrip("'") in endless and s in (*out, *into)
    }
    defining = [s for s in steps if s.rule in ("name the kernel", "tie the bias")]
    return Ranges(
        c=c,
        i=i,
        out=tuple(out),
        into=tuple(into),
        shifts=shifts,
        x=acting[0].rhs.base[tuple(acting[0].lhs.indices)],
        biased=any(s.rule == "tie the bias" for s in steps),
        lines=lines,
        moves=_moves(periods),
        sizes=_sizes(steps, lines),
        windows=windows,
        endless=tuple(s for s, domain in steps[0].where if s in (*out, *into) and domain is sympy.S.Integers),
        definitions=tuple(eq for s in defining for eq in s.after if not _is_weight(eq.lhs, out, into)),
    )


def _is_weight(expr: Indexed, out: Sequence[Symbol], into: Sequence[Symbol]) -> bool:
    return str(expr.base.label) == "A" and len(expr.indices) == 2 + len(out) + len(into)


def _lines(
    steps: Sequence[Step], shifts: Sequence[Symbol], periods: Sequence[int], least: int = STRICT
) -> tuple[Line, ...]:
    """The axes; `least` is how many sites an axis has along which nothing moves and no size is given."""
    first, second = steps[0].before[0], steps[0].before[1]
    where = dict(steps[0].where)
    moved = {s.name.removeprefix("s_"): (s, n) for s, n in zip(shifts, periods, strict=True)}
    sides = []
    for equation in (second, first):
        pairs = zip(equation.lhs.indices[1:], equation.rhs.indices[1:], strict=True)
        sides.append({site.name.rstrip("'"): (site, index) for site, index in pairs})
    lines = []
    for letter in dict.fromkeys([*sides[0], *sides[1], *moved]):
        shift, period = moved.get(letter, (None, 0))
        extent = [0, 0]
        step = [0, 0]
        for k, side in enumerate(sides):
            if letter not in side:
                continue
            site, index = side[letter]
            step[k] = abs(int(sympy.expand(index).coeff(shift))) if shift is not None else 0
            domain = where.get(site)
            extent[k] = step[k] * period if step[k] else _whole(domain, where, least)
        lines.append(Line(letter, extent[0], extent[1], step[0], step[1]))
    return tuple(lines)


def _whole(domain: Any, where: Mapping[Symbol, Any], least: int) -> int:
    """How many sites an axis has along which nothing moves: all sizes the same and large enough."""
    if not isinstance(domain, sympy.Range):
        return least
    stops = [d.stop for d in where.values() if isinstance(d, sympy.Range) and d.stop.is_finite is not False]

    def at(stop: sympy.Expr, n: int) -> sympy.Expr:
        return stop.subs(dict.fromkeys(stop.free_symbols, n))

    size = next(n for n in count(least) if all(at(stop, n).is_Integer for stop in stops))
    return int(at(domain.stop, size))


def _sizes(steps: Sequence[Step], lines: Sequence[Line]) -> dict[Symbol, int]:
    """Channels are 2, grids what the torus has, every other symbol (a radius) 1."""
    sites = {line.letter: line.out for line in lines} | {line.letter + "'": line.into for line in lines}
    sizes: dict[Symbol, int] = {}
    for symbol, domain in steps[0].where:
        if isinstance(domain, sympy.Range) and isinstance(domain.stop, Symbol):
            sizes.setdefault(domain.stop, sites.get(symbol.name, CHANNELS))
    for total in steps[0].after.rhs.atoms(sympy.Sum):
        for variable, _, high in total.limits:
            if isinstance(high + 1, Symbol):
                sizes.setdefault(high + 1, sites.get(variable.name, CHANNELS))
    indices = {symbol for symbol, domain in steps[0].where if not isinstance(domain, sympy.FiniteSet)}
    for step in steps:
        for symbol in step.after.free_symbols | step.before.free_symbols:
            if symbol.is_positive or symbol.is_nonnegative:
                sizes.setdefault(symbol, RADIUS)
    return {symbol: n for symbol, n in sizes.items() if symbol not in indices}


def _moves(periods: Sequence[int]) -> Array:
    """The translations tried: all of them on a small torus, else the generators and some mixtures."""
    dim = len(periods)
    count_all = int(np.prod(periods, dtype=int))
    if count_all <= 20:
        return np.array(list(product(*(range(n) for n in periods))), dtype=int).reshape(count_all, dim)
    unit = np.eye(dim, dtype=int)
    mixed = np.arange(1, dim + 1)
    return np.concatenate([unit, -unit, [mixed, mixed[::-1]]])


def smallest_grids(steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """Two grids of pairwise coprime periods, each at least 3 and wider than twice the support."""
    least = _least_periods(steps)
    first = _coprime(least)
    return [first, _coprime([max(n + 1, m) for n, m in zip(least, first, strict=True)])]


def given_grid(steps: Sequence[Step], grid: Any) -> tuple[int, ...]:
    """The periods that a person gives; on a torus narrower than the support true steps would look false."""
    least = _least_periods(steps)
    periods = tuple(int(rational(n, "grid")) for n in per_axis(grid, len(least), "grid"))
    if any(n < m for n, m in zip(periods, least, strict=True)):
        rule = "must be at least 3 periods long and wider than twice the support along every axis"
        raise GridError("grid", rule, grid, f"give {tuple(least)} or more")
    return periods


def _least_periods(steps: Sequence[Step]) -> list[int]:
    shifts = _shifts(steps)
    lines = _lines(steps, shifts, (1,) * len(shifts))
    reach = _reach(steps, lines)
    strides = {line.letter: max(line.in_step, 1) for line in lines}
    return [max(STRICT, -(-(2 * reach + 1) // strides[s.name.removeprefix("s_")])) for s in shifts]


def _coprime(least: Sequence[int]) -> tuple[int, ...]:
    """The smallest periods, each at least as large as asked, without common factors."""
    chosen: list[int] = []
    for start in least:
        chosen.append(next(n for n in count(start) if all(gcd(n, m) == 1 for m in chosen)))
    return tuple(chosen)


def _shifts(steps: Sequence[Step]) -> tuple[Symbol, ...]:
    indices = {*steps[0].before[0].lhs.indices, *steps[0].before[1].lhs.indices}
    return tuple(s for s, domain in steps[0].where if s not in indices and domain is sympy.S.Integers)


def _reach(steps: Sequence[Step], lines: Sequence[Line]) -> int:
    """The largest distance, in input sites, at which the statement lets a weight be nonzero."""
    statement = steps[0].before
    if len(statement) < 3:
        return 0
    condition = statement[2]
    by_letter = {line.letter: line for line in lines}
    sites = [s for s in statement[0].lhs.indices[1:] if s in condition.free_symbols]
    far = {0: 0, 1: 256, 2: 48}.get(len(sites), 14)
    runs = [np.arange(-far, far + 1)] * len(sites)
    origins = [s for s in statement[1].lhs.indices[1:] if s in condition.free_symbols]
    runs += [np.arange(max(_steps(condition, by_letter[s.name])[0], 1)) for s in origins]
    names = {*sites, *origins}
    lengths = _lengths(steps)
    values: dict[Symbol, Array] = {
        s: np.array(lengths.get(s, RADIUS)) for s in condition.free_symbols - names
    }
    table = np.ix_(*runs) if runs else ()
    values.update(zip((*sites, *origins), table, strict=True))
    inside = np.broadcast_to(truth(condition, values), tuple(len(run) for run in runs))
    reach = 0
    for site in sites:
        here = _opposite(site, condition, by_letter, values)
        reach = max(reach, int((np.abs(values[site] - here) * inside).max(initial=0)))
        if np.any(inside & (np.abs(values[site]) == far)):
            raise false("has a support too wide for the checker's own grids", far)
    return reach


def _lengths(steps: Sequence[Step]) -> dict[Symbol, int]:
    """Numbers for the sizes that indices run up to: grids endless, channels few."""
    sites = {s for equation in steps[0].before[:2] for s in equation.lhs.indices[1:]}
    found: dict[Symbol, int] = {}
    for index, domain in steps[0].where:
        for s in domain.free_symbols:
            found[s] = max(found.get(s, 0), FAR if index in sites else CHANNELS)
    return found


def _opposite(
    site: Symbol, condition: sympy.Basic, lines: Mapping[str, Line], values: Mapping[Symbol, Array]
) -> Array:
    """The input site that lies where the output site of the same axis is."""
    line = lines[site.name.rstrip("'")]
    origin = Symbol(line.letter, integer=True)
    if not site.name.endswith("'") or origin not in values:
        return np.array(0)
    out_step, in_step = _steps(condition, line)
    return values[origin] * in_step // max(out_step, 1)


def _steps(condition: sympy.Basic, line: Line) -> tuple[int, int]:
    """After how many sites of either field positions repeat; where nothing moves, read off the distances."""
    if line.wraps:
        return line.out_step, line.in_step
    out, into = (Symbol(line.letter + prime, integer=True) for prime in ("", "'"))
    gaps = [e for e in condition.atoms(sympy.Add) if e.coeff(out) and e.coeff(into)]
    if not gaps:
        return 1, 1
    ratio = sympy.Rational(gaps[0].coeff(into) / gaps[0].coeff(out))
    return abs(int(ratio.p)), abs(int(ratio.q))
