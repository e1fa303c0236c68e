"""Every index and every sign of a printed expression, changed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import sympy
from sympy import Add, Eq, Indexed, IndexedBase, Piecewise, Sum

from derive.errors import DerivationError
from derive.steps import Derivation


def variants(expr: sympy.Basic) -> list[sympy.Basic]:
    """The expression with one index moved or reflected, one number or one term negated."""
    return [m for m in dict.fromkeys(_walk(expr)) if m != expr]


def _walk(expr: sympy.Basic) -> Iterator[sympy.Basic]:
    if isinstance(expr, Indexed):
        for k, index in enumerate(expr.indices):
            terms = Add.make_args(index)
            moved = [index + 1, index - 1, -index]
            moved += [index - 2 * t for t in terms] + [index + s for s in index.free_symbols]
            for new in moved:
                indices = list(expr.indices)
                indices[k] = new
                yield expr.base[tuple(indices)]
        for k in range(len(expr.indices) - 1):
            indices = list(expr.indices)
            indices[k : k + 2] = indices[k + 1], indices[k]
            yield expr.base[tuple(indices)]
        return
    if isinstance(expr, sympy.Rational):
        yield from (-expr, expr + 1)
        return
    if expr.is_Atom or isinstance(expr, IndexedBase):
        return
    for k, arg in enumerate(expr.args):
        for mutant in _walk(arg):
            args = list(expr.args)
            args[k] = mutant
            yield from _rebuilt(expr, args)
    if isinstance(expr, Add):
        yield from (expr - 2 * term for term in expr.args)


def _rebuilt(expr: sympy.Basic, args: list[sympy.Basic]) -> Iterator[sympy.Basic]:
    keep = isinstance(expr, Eq | Piecewise)
    try:
        yield expr.func(*args, evaluate=False) if keep else expr.func(*args)
    except (TypeError, ValueError, AttributeError):
        if isinstance(expr, Sum):
            return


def caught(derivation: Derivation) -> bool:
    try:
        derivation.check()
    except DerivationError:
        return True
    return False


def survivors(derivation: Derivation, choose: Callable[[int], bool] = lambda k: True) -> tuple[int, list[str]]:
    """How many mutants were tried, and those that the checker did not see; `choose` thins them out."""
    derivation.check()
    tried, missed = 0, []
    for name, mutant in _mutants(derivation):
        tried += 1
        if choose(tried) and not caught(mutant):
            missed.append(name)
    return tried, missed


def _mutants(derivation: Derivation) -> Iterator[tuple[str, Derivation]]:
    steps = list(derivation)
    for wrong in variants(steps[0].before):
        yield f"statement: {wrong}", Derivation([replace(steps[0], before=wrong), *steps[1:]])
    for k, step in enumerate(steps):
        for wrong in variants(step.after):
            changed = [*steps[:k], replace(step, after=wrong), *steps[k + 1 :]]
            if k + 1 < len(steps):
                changed[k + 1] = replace(steps[k + 1], before=wrong)
            yield f"{step.rule}: {wrong}", Derivation(changed)
        yield f"{step.rule} deleted", Derivation([*steps[:k], *steps[k + 1 :]])
        for j in range(k):
            changed = list(steps)
            changed[j], changed[k] = changed[k], changed[j]
            yield f"{steps[j].rule} and {step.rule} swapped", Derivation(changed)
