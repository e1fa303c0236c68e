"""Numbers for the sizes in a printed statement: which are allowed, and how many decide a count.

A count is a polynomial in the sizes, one for each residue where grids are rings. It is decided by
points at which no polynomial of that degree vanishes but zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import lcm

import sympy
from sympy import Symbol

from derive.checking.groups.statement import LEADING, Statement, ends, size_symbols
from derive.checking.terms import false

Sizes = Mapping[Symbol, int]
REACH = 24  # the largest size that is tried
TYPICAL = 3  # a radius at which k + 1, 2 k, k^2 and so on are different
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
    least = [2 * TYPICAL + 1 if s in grids else TYPICAL for s in symbols]
    for numbers in _allowed(statement, symbols, least):
        if len(set(numbers)) == len(numbers):
            return dict(zip(symbols, numbers, strict=True))
    raise false("must presume what some sizes satisfy", statement.presumed)


def trial_sizes(statement: Statement, claim: sympy.Expr) -> list[Sizes]:
    """Sizes enough to tell the claim from every other count of its kind."""
    symbols = size_symbols(statement)
    if not symbols or claim is sympy.oo:
        return [typical_sizes(statement)]
    period = _period(statement, claim)
    smooth = claim.replace(lambda e: isinstance(e, sympy.Function), lambda e: sympy.S.One)
    if not smooth.is_polynomial(*symbols):
        raise false("must be a polynomial in the sizes", claim)
    degree = max(sympy.Poly(smooth, *symbols).total_degree() + _growth(claim), _axes(statement))
    powers = [p for p in product(range(degree + 1), repeat=len(symbols)) if sum(p) <= degree]
    wanted = {residue: _Decided(powers) for residue in product(range(period), repeat=len(symbols))}
    met: dict[tuple[int, ...], list[Sizes]] = {}
    for numbers in _allowed(statement, symbols, [1] * len(symbols)):
        residue = tuple(n % period for n in numbers)
        if wanted[residue].adds(numbers):
            met.setdefault(residue, []).append(dict(zip(symbols, numbers, strict=True)))
        if all(wanted[r].full for r in met) and sum(numbers) > max(3 * period, 8) * len(symbols):
            break
    found = [sizes for group in met.values() for sizes in group]
    if not found or not all(wanted[r].full for r in met):
        raise false(f"must be decided by sizes up to {REACH}", claim)
    return found


class _Decided:
    """Points at which polynomials are evaluated, until they decide one of them."""

    def __init__(self, powers: Sequence[tuple[int, ...]]) -> None:
        self.powers = powers
        self.rows: list[tuple[int, list[int]]] = []

    @property
    def full(self) -> bool:
        return len(self.rows) == len(self.powers)

    def adds(self, numbers: Sequence[int]) -> bool:
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


def _allowed(
    statement: Statement, symbols: Sequence[Symbol], least: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """Numbers from `least` on that satisfy every presumption, those with the smallest sum first."""
    for total in range(REACH * max(len(symbols), 1)):
        for numbers in _with_sum(total, len(symbols)):
            values = tuple(low + n for low, n in zip(least, numbers, strict=True))
            put = {s: sympy.Integer(n) for s, n in zip(symbols, values, strict=True)}
            if all(relation.subs(put) == sympy.true for relation in statement.presumed):
                yield values


def _with_sum(total: int, count: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        if total == 0:
            yield ()
        return
    for first in range(min(total, REACH) + 1):
        for rest in _with_sum(total - first, count - 1):
            yield (first, *rest)


def _axes(statement: Statement) -> int:
    """How fast pairs of sites can grow: once along an axis that is translated, else on either side."""
    out, into = statement.sites
    return len(out) + len(into) if not statement.translated else max(len(out), len(into)) + _fixed(statement)


def _fixed(statement: Statement) -> int:
    """The axes that no translation moves."""
    acting = statement.actings[0]
    moved = acting.y.lhs.free_symbols | acting.x.lhs.free_symbols
    shifts = moved & set(statement.shifts)
    return max(len(side) for side in statement.sites) - len(shifts)


def _period(statement: Statement, claim: sympy.Expr) -> int:
    """The common period in the sizes: of what is claimed, and of fixed points on rings."""
    numbers = [
        abs(int(n))
        for function in claim.atoms(sympy.Function)
        for e in function.args
        for n in e.atoms(sympy.Rational)
        for n in (n.p, n.q)
        if n
    ]
    own = lcm(*numbers) if numbers else 1
    return lcm(own, 2) if statement.point else own


def _growth(claim: sympy.Expr) -> int:
    """What functions of sizes, such as gcd(2, n), may add to the degree."""
    return 1 if claim.atoms(sympy.Function) else 0
