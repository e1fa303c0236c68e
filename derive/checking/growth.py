"""How counts depend on sizes: their degree, and after how many sizes their form repeats.

A count of orbits is a polynomial on each residue of the sizes. Two counts are the same where they agree at
enough points of every residue, modulo both of their periods.
"""

from __future__ import annotations

from collections.abc import Collection
from math import lcm

import sympy
from sympy import ImmutableMatrix, Poly, Symbol

from derive.checking.actions import site_matrix
from derive.checking.statement import Statement, ends
from derive.checking.terms import false

LARGEST_GROUP = 1 << 10  # linear parts of a space group; there are at most 48 up to three axes


# ---- what is claimed ------------------------------------------------------------------------------------


def degree(expr: sympy.Expr, symbols: Collection[Symbol]) -> int:
    """An upper bound for the degree in the sizes; gcd and Mod by a number are bounded."""
    if not expr.free_symbols & set(symbols):
        return 0
    if isinstance(expr, Symbol):
        return 1
    if isinstance(expr, sympy.Pow) and expr.exp.is_Integer and expr.exp > 0:
        return int(expr.exp) * degree(expr.base, symbols)
    below = [degree(arg, symbols) for arg in expr.args]
    if isinstance(expr, sympy.Add | sympy.floor | sympy.ceiling):
        return max(below)
    if isinstance(expr, sympy.Mul):
        return sum(below)
    if _divisor(expr) is not None:
        return 0
    raise false("must be made of sizes by +, *, floor, ceiling, and gcd or Mod by numbers", expr)


def period(expr: sympy.Expr) -> int:
    """After how many sizes an expression is the same polynomial again."""
    inner = [period(arg) for arg in expr.args]
    own = lcm(1, *inner)
    if isinstance(expr, sympy.floor | sympy.ceiling):
        return own * _denominator(expr.args[0])
    divisor = _divisor(expr)
    if divisor is not None:
        return own * divisor * lcm(*map(_denominator, expr.args))
    return own


def _divisor(expr: sympy.Expr) -> int | None:
    """The number by which gcd(number, e) or Mod(e, number) divides."""
    if isinstance(expr, sympy.Mod):
        numbers = [expr.args[1]]
    elif isinstance(expr, sympy.Function) and expr.func.__name__ == "gcd":
        numbers = list(expr.args)
    else:
        return None
    return next((int(n) for n in numbers if n.is_Integer and n > 0), None)


def _denominator(expr: sympy.Expr) -> int:
    return lcm(1, *(int(n.q) for n in expr.atoms(sympy.Rational)))


# ---- what is stated -------------------------------------------------------------------------------------


def statement_degree(statement: Statement, symbols: Collection[Symbol]) -> int:
    """How fast pairs of sites can grow: once along an axis that is translated, else on either side."""
    out, into = statement.sites
    axes = len(out) + len(into)
    if statement.translated:
        moved = statement.actings[0].y.lhs.free_symbols | statement.actings[0].x.lhs.free_symbols
        longest = max(len(out), len(into))
        axes = 2 * longest - len(moved & set(statement.shifts))
    sizes = [ends(d)[1] for s, d in statement.where.items() if s in (*out, *into)]
    if statement.condition is not None:
        sizes += [term for side in _sides(statement.condition) for term in sympy.Add.make_args(side)]
    sites = set(statement.where)
    once = max([1, *(degree(e, symbols) for e in sizes if not e.free_symbols & sites and e is not sympy.oo)])
    copies = [d.stop for s, d in statement.where.items() if s.name in ("i", "c")]
    return axes * once + sum(degree(stop, symbols) for stop in copies)


def statement_period(statement: Statement) -> int:
    """A common period of all that is counted: fixed points on rings, strides, presumed residues."""
    moduli = [m.args[1] for e in statement.presumed for m in e.atoms(sympy.Mod) if m.args[1].is_Integer]
    return lcm(_fixed_points(statement) * _strides(statement), *map(int, moduli))


def _strides(statement: Statement) -> int:
    """Whole numbers that multiply a site or a translation."""
    moving = (*statement.shifts, *statement.sites[0], *statement.sites[1])
    actions = [index for a in statement.actings for eq in (a.x, a.y) for index in eq.lhs.indices]
    inside = [] if statement.condition is None else list(statement.condition.atoms(sympy.Add, sympy.Mul))
    factors = [
        sympy.expand(e).coeff(s) for e in (*actions, *inside) if not e.has(sympy.Indexed) for s in moving
    ]
    numbers = [abs(int(n)) for f in factors if f.is_Rational and f for n in (f.p, f.q)]
    return lcm(1, *numbers)


def _sides(condition: sympy.Basic) -> list[sympy.Expr]:
    return [side for relation in condition.atoms(sympy.core.relational.Relational) for side in relation.args]


def _fixed_points(statement: Statement) -> int:
    """What decides whether g p = p + h has solutions modulo n: n modulo this number.

    With (x - 1) q(x) the least polynomial of g, q(1) annihilates the torsion of Z^d / (g - 1).
    """
    found = 1
    for k, sites in enumerate(statement.sites):
        generators = [
            ImmutableMatrix(site_matrix(a.x if k else a.y, sites)) for a in statement.point if sites
        ]
        for g in _group(generators):
            found = lcm(found, _annihilator(g))
    return found


def _group(generators: list[ImmutableMatrix]) -> set[ImmutableMatrix]:
    found = set(generators)
    frontier = list(found)
    while frontier:
        here = frontier.pop()
        new = {g * here for g in generators} - found
        found |= new
        frontier += new
        if len(found) > LARGEST_GROUP:
            raise false("must act on sites by a finite group", generators)
    return found


def _annihilator(matrix: ImmutableMatrix) -> int:
    x = Symbol("x")
    least = Poly(matrix.charpoly(x).as_expr(), x).sqf_part()
    rest, left = sympy.div(least, Poly(x - 1, x))
    return abs(int((rest if left.is_zero else least).eval(1))) or 1
