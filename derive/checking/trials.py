"""Numbers for the sizes in a printed statement: which are allowed, and how many decide a count.

A count is a polynomial in the sizes, one for each residue. It is decided by points at which no polynomial
of that degree vanishes but zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import lcm

import sympy
from sympy import Symbol

from derive.checking.growth import degree, period, statement_degree, statement_period
from derive.checking.statement import LEADING, Statement, ends, size_symbols
from derive.checking.terms import false

Sizes = Mapping[Symbol, int]
Numbers = tuple[int, ...]
REACH = 36  # how many values of a size are tried
TYPICAL = 3  # a radius at which k + 1, 2 k, k^2 and so on are different
HIGHEST = 12  # the degree of a count
PRIME = 2**31 - 1


def typical_sizes(statement: Statement) -> Sizes:
    """One number for every symbol: different ones, as presumed, of grids wider than typical radii."""
    symbols = size_symbols(statement)
    grids = {
        s
        for index, d in statement.where.items()
        for s in ends(d)[1].free_symbols
        if index.name not in LEADING
    }
    for radius in range(TYPICAL, 0, -1):
        least = [2 * radius + 1 if s in grids else radius for s in symbols]
        for numbers in _allowed(statement, symbols, _values(statement, symbols, least)):
            if len(set(numbers)) == len(numbers):
                return dict(zip(symbols, numbers, strict=True))
    raise false("must presume what some sizes satisfy", statement.presumed)


def trial_sizes(statement: Statement, claim: sympy.Expr) -> Iterator[Sizes]:
    """Sizes enough to tell the claim from every other count of its kind, typical ones first."""
    yield typical_sizes(statement)
    symbols = size_symbols(statement)
    if not symbols or claim is sympy.oo:
        return
    highest = max(degree(sympy.expand(claim), symbols), statement_degree(statement, symbols))
    if highest > HIGHEST:
        raise false(f"must have degree {HIGHEST} or less in the sizes", claim)
    repeats = lcm(period(claim), statement_period(statement))
    values = _values(statement, symbols, [1] * len(symbols))
    few = [len(run) < REACH for run in values]  # sizes that are bounded are tried one by one
    powers = [p for p in product(range(highest + 1), repeat=few.count(False)) if sum(p) <= highest]

    def case(numbers: Numbers) -> Numbers:
        return tuple(n if one else n % repeats for n, one in zip(numbers, few, strict=True))

    runs = zip(values, few, strict=True)
    expected = product(*({n if one else n % repeats for n in run} for run, one in runs))
    decided = {numbers: _Decided(powers) for numbers in expected}
    for numbers in _allowed(statement, symbols, values):
        if decided[case(numbers)].adds(tuple(n for n, one in zip(numbers, few, strict=True) if not one)):
            yield dict(zip(symbols, numbers, strict=True))
        if all(d.full for d in decided.values()):
            return
    if not all(d.full or not d.rows for d in decided.values()):
        raise false(f"must be decided by the first {REACH} values of every size", claim)


class _Decided:
    """Points at which polynomials are evaluated, until they decide one of them."""

    def __init__(self, powers: Sequence[Numbers]) -> None:
        self.powers = powers
        self.rows: list[tuple[int, list[int]]] = []

    @property
    def full(self) -> bool:
        return len(self.rows) == len(self.powers)

    def adds(self, numbers: Numbers) -> bool:
        """Whether the point says something new, by elimination modulo a prime."""
        if self.full:
            return False
        row = []
        for exponents in self.powers:
            value = 1
            for n, e in zip(numbers, exponents, strict=True):
                value = value * pow(n, e, PRIME) % PRIME
            row.append(value)
        for at, other in self.rows:
            factor = row[at]
            row = [(x - factor * y) % PRIME for x, y in zip(row, other, strict=True)]
        pivot = next((k for k, x in enumerate(row) if x), None)
        if pivot is None:
            return False
        inverse = pow(row[pivot], -1, PRIME)
        self.rows.append((pivot, [x * inverse % PRIME for x in row]))
        return True


def _values(statement: Statement, symbols: Sequence[Symbol], least: Sequence[int]) -> list[list[int]]:
    """The first numbers, from `least` on, that satisfy what is presumed of each size alone."""
    return [_run(symbol, low, statement.presumed) for symbol, low in zip(symbols, least, strict=True)]


def _run(symbol: Symbol, least: int, presumed: Sequence[sympy.Basic]) -> list[int]:
    own = [relation for relation in presumed if relation.free_symbols == {symbol}]
    numbers = [int(n.p) for relation in own for n in relation.atoms(sympy.Integer)]
    last = least + max([0, *numbers]) + REACH * lcm(1, *(n for n in numbers if n > 0 and _has_mod(own)))
    found: list[int] = []
    for n in range(least, last + 1):
        if all(relation.subs(symbol, n) == sympy.true for relation in own):
            found.append(n)
        if len(found) == REACH:
            break
    return found


def _has_mod(relations: Sequence[sympy.Basic]) -> bool:
    return any(relation.has(sympy.Mod) for relation in relations)


def _allowed(
    statement: Statement, symbols: Sequence[Symbol], values: Sequence[Sequence[int]]
) -> Iterator[Numbers]:
    """Choices of one value each that satisfy what is presumed of several sizes, the first values first."""
    joint = [relation for relation in statement.presumed if len(relation.free_symbols) != 1]
    for total in range(sum(map(len, values)) + 1):
        for places in _with_sum(total, [len(run) for run in values]):
            numbers = tuple(run[k] for run, k in zip(values, places, strict=True))
            put = dict(zip(symbols, map(sympy.Integer, numbers), strict=True))
            if all(relation.subs(put) == sympy.true for relation in joint):
                yield numbers


def _with_sum(total: int, lengths: Sequence[int]) -> Iterator[Numbers]:
    """Places 0..length - 1, one each, that add up to the total."""
    if not lengths:
        if total == 0:
            yield ()
        return
    for first in range(min(total, lengths[0] - 1) + 1):
        for rest in _with_sum(total - first, lengths[1:]):
            yield (first, *rest)
