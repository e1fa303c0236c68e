"""A step of a derivation as data: what was true before and after it, and what the indices range over."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from derive.pickling import Expressions


@dataclass(frozen=True)
class Step(Expressions):
    """One move of a derivation: `before` implies `after` by `rule`, `because` of what stands there.

    `where` says what the indices range over (given once, in the first step).
    """

    rule: str
    before: sympy.Basic
    after: sympy.Basic
    because: str
    where: tuple[tuple[sympy.Symbol, sympy.Set], ...] = ()


def residues(n: sympy.Expr) -> sympy.Set:
    """Z mod n: the sites of an axis that is closed to a ring, so that n - 1 is followed by 0."""
    name = "k'" if "k" in {s.name for s in n.free_symbols} else "k"
    k = sympy.Symbol(name, integer=True)
    return sympy.ImageSet(sympy.Lambda(k, sympy.Mod(k, n, evaluate=False)), sympy.S.Integers)


def modulus(domain: sympy.Set) -> sympy.Expr | None:
    """The n of Z mod n, None for other domains."""
    if isinstance(domain, sympy.ImageSet) and domain.base_set is sympy.S.Integers:
        rule = domain.lamda
        if isinstance(rule.expr, sympy.Mod) and rule.expr.args[0] in rule.variables:
            return rule.expr.args[1]
    return None
