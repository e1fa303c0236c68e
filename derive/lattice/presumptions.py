"""Whether sizes exist that satisfy what a count presumes: linear relations over the integers.

Fourier-Motzkin elimination bounds one size after the other, exactly; each is tried at whole numbers. Where a
size has no upper bound, trying it up to n D beyond its least value is enough: whenever there is a whole
solution at all, there is one that near to every vertex (Cook, Gerards, Schrijver and Tardos). n counts the
unknowns, and D bounds the determinants that coefficients form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import count
from math import ceil, floor, lcm, prod

import sympy
from sympy import Basic, Symbol

from derive.symmetry.sizes import rational

TRIED = 1 << 12  # values of sizes; beyond that many, relations are taken to agree
Row = tuple[Fraction, ...]  # coefficients of the unknowns, then a constant: together at least 0


def contradictory(relations: Iterable[Basic]) -> bool:
    """Whether no sizes satisfy all relations; those that are not linear are ignored.

    >>> n, r = sympy.symbols("n r", integer=True, positive=True)
    >>> contradictory([sympy.Ge(n, 2 * n + 1)]), contradictory([sympy.Ge(n, 2 * r + 1)])
    (True, False)
    >>> contradictory([sympy.Eq(sympy.Mod(n, 2), 0), sympy.Ge(n, 3), sympy.Le(n, 3)])
    True
    """
    given = [r for r in _one_symbol_per_name(relations) if r is not sympy.true]
    if sympy.false in given:
        return True
    symbols = sorted(set().union(*(r.free_symbols for r in given)), key=str)
    gaps, unknowns = _gaps(given, symbols)
    rows = [row for row in (_row(gap, unknowns) for gap in gaps) if row is not None]
    rows += [_row(s - (1 if s.is_positive else 0), unknowns) or () for s in symbols]
    return not _solvable(rows, len(unknowns), iter(range(TRIED)))


def holds(relation: Basic, sizes: Mapping[str, int]) -> bool:
    """Whether a relation is true, or still open, once names of sizes stand for numbers."""
    put = {s: sizes[s.name] for s in relation.free_symbols if s.name in sizes}
    return relation.subs(put) is not sympy.false


def _one_symbol_per_name(relations: Iterable[Basic]) -> list[Basic]:
    """A radius may be 0 where a grid may not, but one name stands for one number."""
    given = list(relations)
    named: dict[str, list[Symbol]] = {}
    for symbol in set().union(*(r.free_symbols for r in given)):
        named.setdefault(symbol.name, []).append(symbol)
    one = {name: max(symbols, key=lambda s: bool(s.is_positive)) for name, symbols in named.items()}
    return [r.xreplace({s: one[s.name] for s in r.free_symbols}) for r in given]


def _gaps(relations: Sequence[Basic], symbols: Sequence[Symbol]) -> tuple[list[sympy.Expr], list[Symbol]]:
    """What is at least 0 where the relations hold, with a whole quotient for every remainder."""
    gaps, quotients, fresh = [], [], count()
    for relation in relations:
        gap = relation.gts - relation.lts if hasattr(relation, "gts") else relation.lhs - relation.rhs
        for mod in gap.atoms(sympy.Mod):
            quotients.append(sympy.Dummy(f"q{next(fresh)}"))
            left = mod.args[0] - mod.args[1] * quotients[-1]
            gaps += [left, mod.args[1] - 1 - left]
            gap = gap.xreplace({mod: left})
        gaps += [gap, -gap] if isinstance(relation, sympy.Eq) else [gap]
    return gaps, [*symbols, *quotients]


def _row(gap: sympy.Expr, unknowns: Sequence[Symbol]) -> Row | None:
    """Its coefficients, where it is linear."""
    whole = sympy.expand(gap)
    factors = [whole.coeff(s) for s in unknowns]
    rest = sympy.expand(whole - sum(k * s for k, s in zip(factors, unknowns, strict=True)))
    if not all(k.is_Rational for k in (*factors, rest)):
        return None
    return tuple(rational(k, "size") for k in (*factors, rest))


def _solvable(rows: Sequence[Row], unknowns: int, budget: Iterator[int]) -> bool:
    """Whether whole numbers make every row at least 0."""
    for _ in range(unknowns):
        low, high, consistent = _interval(rows, unknowns)
        if not consistent:
            return False
        if low is None:
            return True  # a quotient that nothing bounds
        last = floor(high) if high is not None else ceil(low) + unknowns * _determinants(rows, unknowns)
        for value in range(ceil(low), last + 1):
            if next(budget, None) is None:
                return True
            put = [(*row[1:-1], row[-1] + row[0] * value) for row in rows]
            if _solvable(put, unknowns - 1, budget):
                return True
        return False
    return all(row[-1] >= 0 for row in rows)


def _interval(rows: Sequence[Row], unknowns: int) -> tuple[Fraction | None, Fraction | None, bool]:
    """The least and greatest value of the first unknown, others being any rationals; whether it has any."""
    left = list(dict.fromkeys(rows))
    for at in range(unknowns - 1, 0, -1):
        left = _eliminated(left, at)
    lows = [-row[-1] / row[0] for row in left if row[0] > 0]
    highs = [-row[-1] / row[0] for row in left if row[0] < 0]
    low, high = max(lows, default=None), min(highs, default=None)
    apart = low is not None and high is not None and low > high
    return low, high, not apart and all(row[-1] >= 0 for row in left if row[0] == 0)


def _eliminated(rows: Sequence[Row], at: int) -> list[Row]:
    """The rows with one unknown eliminated."""
    up, down = ([row for row in rows if sign * row[at] > 0] for sign in (1, -1))
    pairs = (tuple(x / a[at] - y / b[at] for x, y in zip(a, b, strict=True)) for a in up for b in down)
    return list(dict.fromkeys([*(row for row in rows if row[at] == 0), *pairs]))


def _determinants(rows: Sequence[Row], unknowns: int) -> int:
    """A bound for the determinants of as many rows as there are unknowns, made whole."""
    sizes = []
    for row in rows:
        whole = lcm(*(k.denominator for k in row[:-1]))
        sizes.append(int(sum(abs(k) * whole for k in row[:-1])))
    return prod(sorted(sizes, reverse=True)[:unknowns]) or 1
