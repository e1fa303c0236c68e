"""The checker of derivations for groups with generators: every printed step, evaluated on numbers.

It reads the steps alone. Sums are compared monomial by monomial at sampled outputs; representatives, classes,
words and tables are followed entry by entry, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import sympy
from sympy import Eq, Indexed

from derive.checking.context import BEGIN, Chapter, Rule
from derive.checking.invariance import Invariance
from derive.checking.reduction import Reduction
from derive.checking.statement import moved_by
from derive.checking.tables import Listing
from derive.checking.terms import false
from derive.errors import DerivationError, GridError, TooLargeError
from derive.steps import Step

MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, StopIteration)


def check_groups(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order.

    Sizes that are numbers are checked as they are, and symbols at as many as decide: `grid` is refused.
    """
    if grid is not None:
        rule = "must be left out: the checker of an equivariance derivation chooses the sizes that decide it"
        raise GridError("grid", rule, grid, "call check()")
    if not steps:
        raise false("must hold steps", "none")
    for step, following in pairwise(steps):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    try:
        chapters = [(first, Chapter.of(chapter)) for first, chapter in _chapters(steps)]
    except DerivationError:
        raise
    except MALFORMED as error:
        raise false("must be well formed", error) from error
    for first, chapter in chapters:
        _check_chapter(chapter, first)


def _chapters(steps: Sequence[Step]) -> list[tuple[int, Sequence[Step]]]:
    """The chapters with the number of their first step; what joins them is checked on the way."""
    if not steps[0].rule.startswith("take "):
        return [(1, steps)]
    starts = [k for k, step in enumerate(steps) if step.rule.startswith("take ")]
    if steps[-1].rule != "add up the blocks":
        raise false("must go on with 'add up the blocks'", steps[-1].rule)
    bounds = [*starts, len(steps) - 1]
    chapters = [(a + 2, steps[a + 1 : b]) for a, b in pairwise(bounds)]
    if any(not chapter for _, chapter in chapters):
        raise false(f"must go on with {BEGIN!r}", "nothing")
    _check_blocks(steps, [steps[k] for k in starts])
    _check_total(steps[-1], [chapter[-1].after for _, chapter in chapters])
    return chapters


def _check_blocks(steps: Sequence[Step], taken: Sequence[Step]) -> None:
    """Every pair of blocks is taken once, with all that was given about it."""
    given = dict.fromkeys(steps[0].before)
    used = dict.fromkeys(item for step in taken for item in step.after)
    if list(given) != list(used):
        raise false("must use what is given about every block", steps[0].before)
    names = [step.rule.removeprefix("take ").split(" from ") for step in taken]
    rows, columns = (dict.fromkeys(name[k] for name in names) for k in (0, 1))
    if names != [[y, x] for y in rows for x in columns]:
        raise false("must take every pair of blocks once", [step.rule for step in taken])
    fields = {_field(e) for e in given if _is_action(e)}
    if fields and fields != {*rows, *columns}:
        raise false("must take every block", sorted(fields))
    for step, (y, x) in zip(taken, names, strict=True):
        about = [e for e in given if _is_action(e) and _field(e) in (x, y)]
        if sorted(map(str, about)) != sorted(str(e) for e in step.after if _is_action(e)):
            raise false(f"must take all that acts on {y} and {x}", step.after)


def _field(action: Eq) -> str:
    return str(moved_by(action).field)


def _is_action(item: sympy.Basic) -> bool:
    return isinstance(item, Eq) and isinstance(item.lhs, Indexed)


def _check_total(step: Step, counts: Sequence[sympy.Basic]) -> None:
    for name in ("dim", "bias_dim"):
        parts = [eq.rhs for count in counts for eq in count if str(eq.lhs) == name]
        printed = [eq.rhs for eq in step.after if str(eq.lhs) == name]
        if len(printed) != bool(parts) or (parts and not _same(sympy.Add(*parts), printed[0].doit())):
            raise false("must add up the counts", step.after)
    if len(step.after) != 1 + any(str(eq.lhs) == "bias_dim" for eq in step.after):
        raise false("must add up the counts and nothing else", step.after)


def _same(a: sympy.Expr, b: sympy.Expr) -> bool:
    """Whether two counts are equal; oo - oo is no number."""
    a, b = a.doit(), b.doit()  # SymPy's assumptions contradict each other on products that are not evaluated
    return bool(a == b) or (a.is_finite is not False and sympy.expand((a - b).doit()) == 0)


def _check_chapter(chapter: Chapter, first: int) -> None:
    """Every step under the rule that has to come next."""
    wanted = _rules(chapter)
    for number, step in enumerate(chapter.steps, first):
        chapter.found.upcoming = step.rule
        try:
            rule, check = next(wanted, ("", None))
            if step.rule != rule or check is None:
                what = f"must go on with {rule!r}" if rule else "must end there"
                raise false(what, step.rule)
            check(step)
        except DerivationError as error:
            raise DerivationError(
                f"step {number}, {step.rule!r},", error.rule, error.value, error.remedy
            ) from error
        except TooLargeError:
            raise
        except MALFORMED as error:
            raise false(f"must be well formed at step {number}, {step.rule!r}", error) from error
        chapter.found.state = tuple(step.after)
    if following := next(wanted, None):
        raise false(f"must go on with {following[0]!r}", "nothing")


def _rules(chapter: Chapter) -> Iterator[Rule]:
    """The rules in order, each with its check; what earlier steps have found decides later ones."""
    yield from Invariance(chapter).rules()
    yield from Reduction(chapter).rules()
    yield from Listing(chapter).rules()
