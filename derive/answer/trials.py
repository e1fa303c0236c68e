"""Numbers for symbols of sizes that satisfy what is presumed of them, more than a count has degrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import sympy

from derive.equation.problem import Problem, symbols_of

COPIES = 2  # of a block: they are spectators
REACH = 12  # the largest number that is tried


def trials(
    problem: Problem, counted: Any, presumed: Sequence[sympy.Basic]
) -> list[dict[sympy.Symbol, sympy.Integer]]:
    """Several choices of numbers for all symbols, the smallest that are allowed first; none for no symbols."""
    channels = problem.x.channels.free_symbols | problem.y.channels.free_symbols
    sizes = sorted(symbols_of(problem) - channels, key=str)
    copies = {s: sympy.Integer(COPIES) for s in sorted(channels, key=str)}
    if counted is None or counted is sympy.oo:
        counted = sympy.S.Zero
    degree = max(
        (sympy.degree(counted, s) if sympy.sympify(counted).is_polynomial(s) else 3 for s in sizes), default=0
    )
    found = []
    for numbers in _allowed(sizes, presumed):
        found.append({**copies, **dict(zip(sizes, numbers, strict=True))})
        if len(found) == degree + 2 or not sizes:
            break
    return found


def _allowed(
    sizes: Sequence[sympy.Symbol], presumed: Sequence[sympy.Basic]
) -> Iterator[tuple[sympy.Integer, ...]]:
    """Numbers that satisfy every relation, by their sum."""
    every = product(range(1, REACH + 1), repeat=len(sizes))
    for numbers in sorted(every, key=lambda n: (sum(n), n)):
        put = dict(zip(sizes, map(sympy.Integer, numbers), strict=True))
        if all(relation.subs(put) == sympy.true for relation in presumed):
            yield tuple(put.values())
