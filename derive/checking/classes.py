"""The classes of sites that a printed form and a printed support leave, listed one by one.

A support is a union of cases. In each, sites that no printed relation joins are independent; every site has
a range, or relations that are linear in it bound it. A site with neither makes the classes endless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import lcm, prod

import numpy as np
import sympy
from sympy import Basic, Symbol

from derive.checking.context import Chapter, Target
from derive.checking.statement import LEADING
from derive.checking.terms import integers, number, truth
from derive.errors import TooLargeError

Class = tuple[sympy.Integer, ...]
Rows = dict[Symbol, np.ndarray]  # the value of every site, at every row
LARGEST = 1 << 22
WIDE = 1 << 30  # products of larger numbers are taken with Python integers


def classes_of(chapter: Chapter, target: Target) -> list[Class] | None:
    """The classes in use, in order; None where they never end."""
    s = chapter.s
    sites = [*s.sites[0], *([] if target.bias else s.sites[1])]
    known = {symbol: sympy.Integer(n) for symbol, n in chapter.scene.sizes.items()}
    condition = sympy.true if s.condition is None or target.bias else s.condition.xreplace(known)
    names = [e.xreplace(known) for e in _names(target)]
    ranges = {site: _range(chapter, site, [*names, condition]) for site in sites}
    found: set[Class] = set()
    for relations in _cases(condition):
        runs = [_solutions(part, own) for part, own in _parts(ranges, relations)]
        if any(run is None for run in runs):
            return None
        found |= _classes(names, _product([run for run in runs if run is not None]))
    return sorted(found)


def _names(target: Target) -> list[sympy.Expr]:
    """The indices by which the form names a class."""
    form = target.form.rhs.args[0][0] if isinstance(target.form.rhs, sympy.Piecewise) else target.form.rhs
    return [e for e in form.indices if not (isinstance(e, Symbol) and e.name in LEADING)]


def _range(chapter: Chapter, site: Symbol, used: Sequence[Basic]) -> int | None:
    """A site lies in 0..n-1: on its grid, in the first period, or modulo what it is used modulo."""
    stop = chapter.scene.stop(site)
    step = chapter.period(site) if site in chapter.s.sites[0] else None
    found = min((n for n in (stop, step) if n is not None), default=None)
    return _modulus(site, used) if found is None else found


def _modulus(site: Symbol, used: Sequence[Basic]) -> int | None:
    """Where a site is used modulo numbers only, their least common multiple."""
    mods = {m for e in used for m in e.atoms(sympy.Mod) if m.has(site)}
    plain = [e.xreplace(dict.fromkeys(mods, sympy.S.Zero)) for e in used]
    if any(e.has(site) for e in plain) or not all(m.args[1].is_Integer for m in mods):
        return None
    whole = all(sympy.expand(m.args[0]).coeff(site).is_Integer for m in mods)
    return lcm(1, *(int(m.args[1]) for m in mods)) if whole else None


def _cases(condition: Basic) -> list[list[Basic]]:
    """A union of cases, each some relations that hold together."""
    cases = condition.args if isinstance(condition, sympy.Or) else [condition]
    return [list(c.args) if isinstance(c, sympy.And) else [c] for c in cases if c is not sympy.false]


def _parts(
    ranges: dict[Symbol, int | None], relations: Sequence[Basic]
) -> Iterator[tuple[dict[Symbol, int | None], list[Basic]]]:
    """The sites that relations join, and the relations among them."""
    left = dict(ranges)
    while left:
        joined = {next(iter(left))}
        while more := {s for r in relations if r.free_symbols & joined for s in r.free_symbols} - joined:
            joined |= more
        own = [r for r in relations if r.free_symbols & joined]
        yield {s: n for s, n in left.items() if s in joined}, own
        left = {s: n for s, n in left.items() if s not in joined}


def _solutions(ranges: dict[Symbol, int | None], relations: Sequence[Basic]) -> Rows | None:
    """All values of these sites at which the relations hold; None where they never end."""
    closed = {s: n for s, n in ranges.items() if n is not None}
    if any(n is None for n in ranges.values()) and not relations:
        return None
    _refuse_large(prod(closed.values()))
    grids = np.meshgrid(*map(np.arange, closed.values()), indexing="ij") if closed else []
    kind = object if any(abs(n.p) > WIDE for r in relations for n in r.atoms(sympy.Rational)) else np.int64
    rows: Rows = {s: g.reshape(-1).astype(kind) for s, g in zip(closed, grids, strict=True)}
    open_ = [s for s in ranges if s not in rows]
    while open_:
        bounds = {s: _bounds(s, rows, relations) for s in open_}
        bounded = next((s for s in open_ if bounds[s] is not None), None)
        if bounded is None:
            return None
        rows = _extended(rows, bounded, *bounds[bounded])  # type: ignore[misc]
        open_.remove(bounded)
    return _where(rows, relations)


def _where(rows: Rows, relations: Sequence[Basic]) -> Rows:
    """The rows at which all relations hold."""
    count = _count(rows)
    inside = np.ones(count, dtype=bool)
    for relation in relations:
        inside &= np.broadcast_to(np.asarray(truth(relation, rows), dtype=bool), (count,))
    return {s: values[inside] for s, values in rows.items()}


def _count(rows: Rows) -> int:
    return len(next(iter(rows.values()))) if rows else 1


def _bounds(site: Symbol, rows: Rows, relations: Sequence[Basic]) -> tuple[np.ndarray, np.ndarray] | None:
    """The first and last value that linear relations with the known sites leave at every row."""
    ends: dict[int, list[np.ndarray]] = {-1: [], 1: []}
    for relation in relations:
        if relation.free_symbols - {site} <= set(rows):
            for side, end in _ends(site, rows, relation):
                ends[side].append(np.broadcast_to(end, (_count(rows),)))
    if not ends[-1] or not ends[1]:
        return None
    return np.maximum.reduce(ends[-1]), np.minimum.reduce(ends[1])


def _ends(site: Symbol, rows: Rows, relation: Basic) -> Iterator[tuple[int, np.ndarray]]:
    """(-1, least value) and (1, greatest value) that k * site + rest >= 0 leaves."""
    for gap in _gaps(relation):
        k, rest = gap.coeff(site), gap.coeff(site, 0)
        if k.is_Rational and k != 0 and sympy.expand(gap - k * site - rest) == 0:
            value = number(sympy.expand(-rest / k), rows)
            yield (-1, -(-value.top // value.bottom)) if k > 0 else (1, value.top // value.bottom)


def _gaps(relation: Basic) -> list[sympy.Expr]:
    """What is at least 0 where a relation holds; |e| <= r is read as e <= r and -e <= r."""
    if isinstance(relation, sympy.Eq):
        gap = sympy.expand(relation.lhs - relation.rhs)
        return [gap, -gap]
    if not isinstance(relation, sympy.Ge | sympy.Gt | sympy.Le | sympy.Lt):
        return []
    low, high = relation.lts, relation.gts
    lows = [low.args[0], -low.args[0]] if isinstance(low, sympy.Abs) else [low]
    return [_unrounded(sympy.expand(high - e)) for e in lows]


def _unrounded(gap: sympy.Expr) -> sympy.Expr:
    """At least as much, without floors: floor(e) <= e < floor(e) + 1. What holds is looked at in the end."""
    for rounded in gap.atoms(sympy.floor):
        e = rounded.args[0]
        gap = gap.xreplace({rounded: e if gap.coeff(rounded) > 0 else e - 1})
    return sympy.expand(gap)


def _extended(rows: Rows, site: Symbol, first: np.ndarray, last: np.ndarray) -> Rows:
    """Every row with every value of one more site."""
    lengths = [max(int(b) - int(a) + 1, 0) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    _refuse_large(sum(lengths))
    again = np.repeat(np.arange(len(lengths)), lengths)
    step = np.arange(len(again)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return {**{s: values[again] for s, values in rows.items()}, site: first[again] + step}


def _product(runs: Sequence[Rows]) -> Rows:
    """All combinations of independent rows."""
    counts = [_count(run) for run in runs]
    _refuse_large(prod(counts))
    picks = np.meshgrid(*map(np.arange, counts), indexing="ij") if runs else []
    return {
        s: values[pick.reshape(-1)]
        for run, pick in zip(runs, picks, strict=True)
        for s, values in run.items()
    }


def _classes(names: Sequence[sympy.Expr], rows: Rows) -> set[Class]:
    """The classes of these sites."""
    count = _count(rows)
    columns = [np.broadcast_to(integers(e, rows), (count,)).tolist() for e in names]
    found = set(zip(*columns, strict=True)) if columns else {()} if count else set()
    return {tuple(map(sympy.Integer, row)) for row in found}


def _refuse_large(rows: int) -> None:
    if rows > LARGEST:
        raise TooLargeError(
            "derivation",
            f"may have at most {LARGEST:,} pairs of sites to list, to be checked",
            f"{rows:,}",
            "check a smaller period, grid or support; the steps are the same",
        )
