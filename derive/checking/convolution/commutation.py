"""The checker of f * g = g * f: sums on functions of finite support, integrals by substitution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from sympy import Expr, Indexed, Integral, Tuple

from derive.checking.convolution.identities import (
    Identity,
    check_chain,
    require,
    require_equal,
    require_only,
    run,
)
from derive.checking.convolution.sizes import NEAR
from derive.checking.expansion import Expander, label
from derive.steps import Step

FIRST = "write the convolution"
SUPPORT = (-1, 2)  # not symmetric, so that a flip shows


def check_commutation(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    check_chain(steps, list(RULES))
    entries = {e for step in steps for e in step.before.atoms(Indexed) | step.after.atoms(Indexed)}
    bounds = {label(e): (_reach(label(e)),) * len(e.indices) for e in entries}
    run(Identity(steps, {}, Expander(bounds, {}, strict=False)), RULES, _statement)


def _reach(name: str) -> tuple[int, int]:
    """f and g have a small support; their products are looked at near 0, and may be read at -u."""
    return SUPPORT if len(name) == 1 else (-max(map(abs, NEAR)) - 1, max(map(abs, NEAR)) + 1)


def _statement(identity: Identity) -> None:
    given = identity.given
    require(isinstance(given, Tuple) and len(given) == 2, "must define both products", given)
    (f, g), (g2, f2) = (_factors(eq.rhs) for eq in given)
    require((f, g) == (f2, g2) and f != g, "must exchange the factors", given)
    exchanged = given[0].rhs.replace(_is_factor, lambda e: _renamed(e, {f: g, g: f}))
    require(exchanged == given[1].rhs, "must define both products alike", given)
    for equation in given:
        require(_indices(equation.lhs) == _indices(given[0].lhs), "must have plain indices", equation)
        if isinstance(equation.lhs, Indexed):
            identity.plain(equation.lhs)
        require(all(_is_plain(i) for i in _indices(equation.lhs)), "must have plain indices", equation)


def _is_plain(index: Expr) -> bool:
    return isinstance(index, sympy.Symbol)


def _is_factor(expr: Expr) -> bool:
    return isinstance(expr, Indexed | sympy.core.function.AppliedUndef)


def _indices(entry: Expr) -> tuple[Expr, ...]:
    return tuple(entry.indices) if isinstance(entry, Indexed) else tuple(entry.args)


def _name(entry: Expr) -> str:
    return label(entry) if isinstance(entry, Indexed) else str(entry.func)


def _renamed(entry: Expr, names: dict[str, str]) -> Expr:
    name = names[_name(entry)]
    if isinstance(entry, Indexed):
        return sympy.IndexedBase(name)[tuple(entry.indices)]
    return sympy.Function(name)(*entry.args)


def _factors(total: Expr) -> tuple[str, str]:
    """The factor read at the plain index, then the other."""
    variables = tuple(limit[0] for limit in total.limits)
    entries = [e for e in total.function.args if _is_factor(e)]
    first = [e for e in entries if _indices(e) == variables]
    require(len(entries) == 2 and len(first) == 1, "must be a sum of products of two factors", total)
    (second,) = (e for e in entries if e is not first[0])
    return _name(first[0]), _name(second)


def _writes(identity: Identity, step: Step) -> None:
    require(step.after == step.before[0], "must be the definition", step.after)


def _reindexes(identity: Identity, step: Step) -> None:
    before, after = step.before, step.after
    require(after.lhs == before.lhs, "must keep the product on its left", after)
    if isinstance(before.rhs, Integral):
        require(
            _substituted(before.rhs, after.rhs), "must be the integral after a reflection or shift", after
        )
        return
    require_only(after.rhs, sorted(_factors(before.rhs)), after)
    require_equal(identity.at(after.rhs, after.lhs), identity.at(before.rhs, before.lhs), after)


def _substituted(before: Integral, after: Integral) -> bool:
    """a -> shift + a or shift - a in every variable: volumes and R^d are kept."""
    variables = tuple(limit[0] for limit in before.limits)
    endless = all(limit[1:] == (-sympy.oo, sympy.oo) for limit in (*before.limits, *after.limits))
    if not endless or variables != tuple(limit[0] for limit in after.limits):
        return False
    moved = next(e for e in before.function.args if _is_factor(e) and _indices(e) != variables)
    solved = {}
    for a, index in zip(variables, _indices(moved), strict=True):
        (solved[a],) = sympy.solve(index - sympy.Dummy(a.name), a) if index.has(a) else (a,)
    news = {s: a for a in variables for s in solved[a].free_symbols if isinstance(s, sympy.Dummy)}
    if any(abs(sympy.diff(image, s)) != 1 for image in solved.values() for s in news if image.has(s)):
        return False
    shown = before.function.xreplace(solved).xreplace(news)
    return _multiplied(shown) == _multiplied(after.function)


def _multiplied(term: Expr) -> Expr:
    return term.replace(_is_factor, lambda e: e.func(*map(sympy.expand, e.args)))


def _reads(identity: Identity, step: Step) -> None:
    before, after, definition = step.before, step.after, identity.given[1]
    require(after.lhs == before.lhs, "must keep the product on its left", after)
    require(_is_factor(after.rhs) and _name(after.rhs) == _name(definition.lhs), "must be the other", after)
    if isinstance(before.rhs, Integral):
        put = dict(zip(_indices(definition.lhs), _indices(after.rhs), strict=True))
        known = definition.rhs.function.xreplace(put)
        require(
            definition.rhs.limits == before.rhs.limits
            and _multiplied(known) == _multiplied(before.rhs.function),
            "must be the definition of the other product",
            after,
        )
        return
    require_equal(identity.at(after.rhs, after.lhs, definition), identity.at(before.rhs, before.lhs), after)


RULES: dict[str, Callable[[Identity, Step], None]] = {
    FIRST: _writes,
    "re-index the sum": _reindexes,
    "read the other product": _reads,
}
