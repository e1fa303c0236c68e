"""Steps in a row: each begins where the one before it stopped."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from derive.derivation.derivation import Derivation
from derive.steps import Step

Move = tuple[str, sympy.Basic, str]  # rule, after, because
Domains = tuple[tuple[sympy.Symbol, sympy.Set], ...]


def chain(given: sympy.Basic, where: Domains, moves: Iterable[Move]) -> Derivation:
    """The derivation that starts from `given` and makes these moves."""
    steps: list[Step] = []
    before = given
    for rule, after, because in moves:
        steps.append(Step(rule, before, after, because, () if steps else where))
        before = after
    return Derivation(steps)
