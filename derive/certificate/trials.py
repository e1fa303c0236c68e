"""Numbers for symbols of sizes that satisfy what is presumed of them, more than a count has degrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import Any

import sympy

from derive.lattice.problem import Problem, symbols_of

COPIES = 2  # of a block, where nothing else has its name: copies do not act on each other
NEAR = 400  # numbers beyond the least one that are looked through for those that are allowed
TRIED = 12
Numbers = dict[sympy.Symbol, sympy.Integer]


def trials(problem: Problem, counted: Any, presumed: Sequence[sympy.Basic]) -> list[Numbers]:
    """Several choices of numbers for all symbols, the smallest that are allowed first; none for no symbols.

    Every symbol of a size takes more values than the count has degrees in it, up to `TRIED` choices.
    """
    every = symbols_of(problem)
    sizes = sorted(every & (_of_sites(problem)), key=str)
    copies = {s: sympy.Integer(COPIES) for s in sorted(every - set(sizes), key=str)}
    if not sizes:
        return [copies]
    many = 2 + max(_degree(counted, s) for s in sizes)
    steps = sorted(product(range(many), repeat=len(sizes)), key=lambda n: (sum(n), n))
    level = [(k,) * len(sizes) for k in range(many)]  # every symbol through all its values
    found = {}
    for step in dict.fromkeys([*level, *steps]):
        numbers = _allowed(sizes, presumed, step)
        if numbers is not None:
            found[tuple(numbers.values())] = {**copies, **numbers}
        if len(found) == min(TRIED, max(many, len(level) + len(sizes) * (len(sizes) - 1))):
            break
    return list(found.values())


def _of_sites(problem: Problem) -> set[sympy.Symbol]:
    """The symbols of grids and radii."""
    lattices = [f.lattice for f in (problem.x, problem.y) if f.lattice is not None]
    grids = [n for lattice in lattices for n in lattice.grid if n is not None]
    spans = (problem.support.spans or ()) if problem.support is not None else ()
    radii = [span.radius for span in spans if span is not None]
    return set().union(*(sympy.sympify(e).free_symbols for e in (*grids, *radii)))


def _degree(counted: Any, symbol: sympy.Symbol) -> int:
    count = sympy.sympify(counted if counted is not None else 0)
    if count is sympy.oo:
        return 0
    return int(sympy.degree(count, symbol)) if count.is_polynomial(symbol) and count != 0 else 3


def _allowed(
    sizes: Sequence[sympy.Symbol], presumed: Sequence[sympy.Basic], step: Sequence[int]
) -> Numbers | None:
    """Radii first, then what must be large enough for them: of each the number `step` that is allowed."""
    order = sorted(range(len(sizes)), key=lambda k: (_is_bounded_below(sizes[k], presumed), k))
    put: Numbers = {}
    for k in order:
        value = next(islice(_values(sizes[k], [r.subs(put) for r in presumed]), step[k], None), None)
        if value is None:
            return None
        put[sizes[k]] = value
    return {s: put[s] for s in sizes} if all(r.subs(put) == sympy.true for r in presumed) else None


def _is_bounded_below(symbol: sympy.Symbol, presumed: Sequence[sympy.Basic]) -> bool:
    return any(_gap(r).coeff(symbol).is_positive is True for r in presumed if hasattr(r, "gts"))


def _gap(relation: Any) -> sympy.Expr:
    return sympy.expand(relation.gts - relation.lts)


def _values(symbol: sympy.Symbol, presumed: Sequence[sympy.Basic]) -> Iterator[sympy.Integer]:
    """The numbers for one symbol that satisfy the relations about it alone, from the least on."""
    own = [r for r in presumed if r.free_symbols == {symbol}]
    least = 1
    for relation in own:
        if hasattr(relation, "gts"):
            gap = _gap(relation)
            slope = gap.coeff(symbol)
            if slope.is_positive and gap.is_polynomial(symbol):
                least = max(least, int(sympy.ceiling(-gap.subs(symbol, 0) / slope)))
    for n in map(sympy.Integer, range(least, least + NEAR)):
        if all(r.subs(symbol, n) == sympy.true for r in own):
            yield n
