"""Wrong derivations made from right ones: one index, one sign, one bound or one word of logic at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import product

import sympy as sp
from sympy import Add, Eq, Ge, Le, Lt, Ne
from sympy.core.relational import Relational

import derive as dv
from derive.steps import Step

OPPOSITE = {Le: Ge, Ge: Le}


def _rebuild(expr: sp.Basic, args: list) -> sp.Basic:
    if isinstance(expr, (Eq, Ne, Le, Ge)):
        return expr.func(*args, evaluate=False)
    return expr.func(*args)


def _indices(entry: sp.Indexed) -> Iterator[sp.Basic]:
    """Every index shifted, turned round, or with one of its signs flipped; neighbours exchanged."""
    for place, index in enumerate(entry.indices):
        flipped = {index - 2 * term for term in Add.make_args(index)}
        for new in {index + 1, -index, *flipped} - {index}:
            yield _with(entry, {place: new})
    for place in range(len(entry.indices) - 1):
        yield _with(entry, {place: entry.indices[place + 1], place + 1: entry.indices[place]})


def _with(entry: sp.Indexed, new: dict[int, sp.Basic]) -> sp.Basic:
    return entry.base[tuple(new.get(k, index) for k, index in enumerate(entry.indices))]


def _here(expr: sp.Basic) -> Iterator[sp.Basic]:
    """Mutants of the outermost operation."""
    if isinstance(expr, sp.Rational):
        yield from {-expr, expr + 1} - {expr}
    elif isinstance(expr, Add):
        yield from (expr - 2 * term for term in expr.args)
    elif isinstance(expr, (Le, Ge)):
        yield OPPOSITE[type(expr)](*expr.args, evaluate=False)
        if isinstance(expr, Le):
            yield Lt(*expr.args, evaluate=False)
    elif isinstance(expr, (sp.And, sp.Or)):
        yield (sp.Or if isinstance(expr, sp.And) else sp.And)(*expr.args)
        yield expr.func(*expr.args[1:])
    elif isinstance(expr, sp.Abs):
        yield expr.args[0]
    elif isinstance(expr, (sp.floor, sp.ceiling)):
        yield (sp.ceiling if isinstance(expr, sp.floor) else sp.floor)(*expr.args)
    elif isinstance(expr, sp.Piecewise):
        yield expr.args[0][0]


def variants(expr: sp.Basic) -> list[sp.Basic]:
    """Every expression that differs from this one in a single place."""
    found = dict.fromkeys(m for m in _walk(expr) if m != expr)
    return list(found)


def _walk(expr: sp.Basic) -> Iterator[sp.Basic]:
    if isinstance(expr, sp.Indexed):
        yield from _indices(expr)
        return
    yield from _here(expr)
    for place, arg in enumerate(expr.args):
        for mutant in _walk(arg):
            args = list(expr.args)
            args[place] = mutant
            try:
                yield _rebuild(expr, args)
            except (TypeError, ValueError):  # SymPy itself refuses it, for example a float bound
                continue


def equivalent(first: sp.Basic, second: sp.Basic) -> bool:
    """Whether two prints say the same: a sum equal term by term, a count equal at every size.

    Such mutants are true: gcd(-3, n) for gcd(3, n), or a support whose condition reads otherwise but holds
    at the same displacements.
    """
    if first == second:
        return True
    if first.func != second.func or len(first.args) != len(second.args):
        return False
    if isinstance(first, Eq) and first.lhs == second.lhs and not first.has(sp.Indexed):
        gap = first.rhs - second.rhs
        sizes = sorted(gap.free_symbols, key=str)
        tried = [{s: sp.Integer(n + 5 * k) for k, s in enumerate(sizes)} for n in range(1, 13)]
        return all(gap.xreplace(known).doit() == 0 for known in tried)
    if isinstance(first, sp.Sum) and _runs(first) and _runs(first).keys() == _runs(second).keys():
        return _terms_agree(first, second)
    return all(equivalent(a, b) for a, b in zip(first.args, second.args, strict=True))


def _runs(total: sp.Sum) -> dict[sp.Basic, range]:
    """The range of every index that runs over numbers."""
    return {v: range(int(low), int(high) + 1) for v, low, high in total.limits if _finite(low, high)}


def _terms_agree(first: sp.Sum, second: sp.Sum) -> bool:
    """Term by term over both ranges: beyond its own range a sum adds nothing."""
    own, other = _runs(first), _runs(second)
    rest = [[limit for limit in total.limits if limit[0] not in own] for total in (first, second)]
    if rest[0] != rest[1]:
        return False

    def term(total: sp.Sum, runs: dict[sp.Basic, range], place: dict[sp.Basic, sp.Integer]) -> sp.Basic:
        inside = all(int(n) in runs[v] for v, n in place.items())
        return total.function.xreplace(place) if inside else sp.S.Zero

    spans = [range(min(r.start, other[v].start), max(r.stop, other[v].stop)) for v, r in own.items()]
    places = [dict(zip(own, map(sp.Integer, run), strict=True)) for run in product(*spans)]
    return all(term(first, own, p) == term(second, other, p) for p in places)


def narrowed(given: sp.Tuple, other: sp.Tuple) -> bool:
    """Whether two statements differ in what they presume of sizes alone, and the other one lies no further.

    A presumption that implies the right one is true of fewer sizes. Where a size stands in no other formula,
    as that of a window that is read as Z, nothing depends on what is presumed of it.
    """
    if len(given) != len(other):
        return False
    changed = [(a, b) for a, b in zip(given, other, strict=True) if a != b]
    rest = sp.Tuple(*(a for a, b in zip(given, other, strict=True) if a == b)).free_symbols
    return bool(changed) and all(_presumes(a) and _presumes(b) and _implies(b, a, rest) for a, b in changed)


def _presumes(formula: sp.Basic) -> bool:
    """Whether it is a relation between sizes."""
    sizes = all(s.is_positive for s in formula.free_symbols)
    return isinstance(formula, Relational) and bool(formula.free_symbols) and sizes


def _implies(strong: sp.Basic, weak: sp.Basic, elsewhere: set[sp.Basic]) -> bool:
    sizes = sorted(strong.free_symbols | weak.free_symbols, key=str)
    if not elsewhere & set(sizes):
        return True
    tried = [
        dict(zip(sizes, map(sp.Integer, run), strict=True))
        for run in product(range(1, 14), repeat=len(sizes))
    ]
    return all(weak.xreplace(known) for known in tried if strong.xreplace(known))


def _finite(low: sp.Expr, high: sp.Expr) -> bool:
    return bool(low.is_Integer and high.is_Integer)


def replaced(steps: Iterable[Step], place: int, after: sp.Basic) -> dv.Derivation:
    """The derivation with another `after` at one step, which the next step takes for its `before`."""
    new = list(steps)
    new[place] = dataclasses.replace(new[place], after=after)
    if place + 1 < len(new):
        new[place + 1] = dataclasses.replace(new[place + 1], before=after)
    return dv.Derivation(new)


def restated(steps: Iterable[Step], before: sp.Basic) -> dv.Derivation:
    """The derivation that begins with another statement of the symmetry."""
    first, *rest = steps
    return dv.Derivation([dataclasses.replace(first, before=before), *rest])


def survives(derivation: dv.Derivation) -> bool:
    """Whether the checker lets it pass; any complaint but DerivationError is a failure of the checker."""
    try:
        derivation.check()
    except dv.DerivationError:
        return False
    return True
