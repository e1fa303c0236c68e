"""The checker of derivations on R^n: chapters, what joins them, every step under the rule that comes next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import sympy

from derive.checking.space.chapter import SpaceChapter
from derive.checking.space.rules import BEGIN, SpaceRules
from derive.checking.terms import false
from derive.errors import DerivationError, GridError, TooLargeError
from derive.steps import Step

MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, StopIteration)
TAKE, ADD = "take ", "add up the blocks"


def is_on_space(steps: Sequence[Step]) -> bool:
    """Whether a derivation begins with an integral operator, by itself or for its first pair of blocks."""
    return any(step.rule == BEGIN for step in steps[:2])


def check_space(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    if grid is not None:
        raise GridError("grid", "must be left out: fields on R^n have no grid", grid, "call check()")
    for step, following in pairwise(steps):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    counts: list[Any] = []
    for first, chapter in _chapters(steps):
        _check(chapter, first)
        counts += list(chapter[-1].after)
    if steps[-1].rule == ADD:
        _check_total(steps[-1], counts)


def _chapters(steps: Sequence[Step]) -> list[tuple[int, Sequence[Step]]]:
    """The chapters, each with the number of its first step."""
    if steps[0].rule == BEGIN:
        return [(1, steps)]
    starts = [k for k, step in enumerate(steps) if _takes(step, steps, k)]
    if steps[-1].rule != ADD or not starts or starts[0] != 0:
        raise false(f"must go on with {ADD!r}", steps[-1].rule)
    _check_blocks(steps, [steps[k] for k in starts])
    return [(a + 2, steps[a + 1 : z]) for a, z in pairwise([*starts, len(steps) - 1])]


def _takes(step: Step, steps: Sequence[Step], k: int) -> bool:
    """Whether a chapter begins after this step."""
    return step.rule.startswith(TAKE) and k + 1 < len(steps) and steps[k + 1].rule == BEGIN


def _check_blocks(steps: Sequence[Step], taken: Sequence[Step]) -> None:
    """Every pair of blocks is taken once, with all that was given about it."""
    given, used = list(steps[0].before), dict.fromkeys(item for step in taken for item in step.after)
    if given != list(used):
        raise false("must use what is given about every block", steps[0].before)
    names = [step.rule.removeprefix(TAKE).split(" from ") for step in taken]
    rows, columns = (dict.fromkeys(name[k] for name in names) for k in (0, 1))
    if names != [[y, x] for y in rows for x in columns]:
        raise false("must take every pair of blocks once", [step.rule for step in taken])
    for step, (y, x) in zip(taken, names, strict=True):
        fields = SpaceChapter([step, Step("", step.after, step.after, "")][1:]).fields
        if [str(f) for f in fields] != [x, y]:
            raise false("must take the blocks that it names", step.rule)


def _check_total(step: Step, counts: Sequence[Any]) -> None:
    for name in ("dim", "at_origin", "bias_dim"):
        parts = [eq.rhs for eq in counts if str(eq.lhs) == name]
        printed = [eq.rhs for eq in step.after if str(eq.lhs) == name]
        total = sympy.Add(*(part.doit() for part in parts))
        if len(printed) != bool(parts) or (parts and sympy.expand(printed[0].doit() - total) != 0):
            raise false("must add up the counts", step.after)


def _check(steps: Sequence[Step], first: int) -> None:
    """Every step under the rule that has to come next."""
    try:
        wanted = SpaceRules(SpaceChapter(steps)).rules()
    except MALFORMED as error:
        raise false("must be well formed", error) from error
    for number, step in enumerate(steps, first):
        try:
            rule, check = next(wanted, ("", None))
            if check is None or not _is_rule(step.rule, rule):
                raise false(f"must go on with {rule!r}" if rule else "must end there", step.rule)
            check(step)
        except DerivationError as error:
            where = f"step {number}, {step.rule!r},"
            raise DerivationError(where, error.rule, error.value, error.remedy) from error
        except TooLargeError:
            raise
        except MALFORMED as error:
            raise false(f"must be well formed at step {number}, {step.rule!r}", error) from error
    if following := next(wanted, None):
        raise false(f"must go on with {following[0]!r}", "nothing")


def _is_rule(written: str, rule: str) -> bool:
    """A rule that ends in '..' is followed by a number."""
    return written == rule or (rule.endswith("..") and written.startswith(rule))
