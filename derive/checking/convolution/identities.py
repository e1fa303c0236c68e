"""What the checkers of sums of products share: comparing polynomials, plain indices, the chain of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, zip_longest

import numpy as np
import sympy
from sympy import Eq, Expr, Indexed, Mod, Piecewise, Symbol, Tuple

from derive.checking.convolution.sizes import index_ranges
from derive.checking.expansion import Bounds, Expander, label
from derive.checking.terms import Array, false
from derive.errors import DerivationError, TooLargeError
from derive.steps import Step


@dataclass(frozen=True)
class Identity:
    """One derivation at one choice of sizes."""

    steps: Sequence[Step]
    sizes: Mapping[Symbol, int]
    expander: Expander

    @property
    def given(self) -> Tuple:
        return self.steps[0].before

    @cached_property
    def ranges(self) -> dict[Symbol, Bounds]:
        """What every index runs over here; an index over all of Z near 0."""
        return index_ranges(self.steps[0], self.sizes)

    def at(self, expr: Expr, entry: Indexed, *definitions: Eq) -> Array:
        """The polynomial of an expression at every value of the entry's plain indices."""
        indices = self.plain(entry)
        ranges = [self.ranges[s] for s in indices]
        return self.expander.with_definitions(*definitions).polynomial(expr, indices, ranges)

    def total(self, expr: Expr, entry: Indexed, *definitions: Eq) -> Array:
        """The polynomial of sum entry * expr over all values of the entry's plain indices."""
        indices = self.plain(entry)
        ranges = [self.ranges[s] for s in indices]
        product = sympy.Mul(entry, expr, evaluate=False)
        return self.expander.with_definitions(*definitions).total(product, indices, ranges)

    def polynomial(self, expr: Expr, *definitions: Eq) -> Array:
        return self.expander.with_definitions(*definitions).polynomial(expr)

    def plain(self, entry: Expr) -> tuple[Symbol, ...]:
        """The indices of an entry that has one different letter for each."""
        if not isinstance(entry, Indexed):
            raise false("must be a single tensor entry", entry)
        indices = tuple(entry.indices)
        if len(set(indices)) != len(indices) or not all(s in self.ranges for s in indices):
            raise false("must have plain, different indices", entry)
        return indices


def require_equal(left: Array, right: Array, shown: object) -> None:
    if left.shape != right.shape or not np.array_equal(left, right):
        raise false("must agree term by term with the step before", shown)


def require(holds: object, what: str, shown: object) -> None:
    if not bool(holds):
        raise false(what, shown)


def require_only(expr: sympy.Basic, names: Sequence[str], shown: object) -> None:
    """No entries of other tensors."""
    found = {label(e) for e in expr.atoms(Indexed)}
    require(found <= set(names), f"must be made of {', '.join(names)} alone", shown)


def bar(entry: Indexed) -> Indexed:
    """The cotangent at the same entry."""
    return sympy.IndexedBase(label(entry) + "bar")[tuple(entry.indices)]


def require_divisibility(expr: sympy.Basic) -> None:
    """A term that is read at a quotient must print that the quotient is whole, and nothing else."""
    for cases in expr.atoms(Piecewise):
        value, condition = cases.args[0]
        wanted = [
            Eq(Mod(sympy.expand(top), bottom), 0)
            for entry in value.atoms(Indexed)
            for top, bottom in map(_quotient, entry.indices)
            if bottom != 1
        ]
        if wanted and condition != sympy.And(*wanted):
            raise false("must print when the site that it reads exists", cases)


def require_whole_ranges(identity: Identity, expr: sympy.Basic) -> None:
    """A sum over an index that was introduced runs over all of it, also where terms vanish anyway."""
    put = {s: sympy.Integer(n) for s, n in identity.sizes.items()}
    domains = dict(identity.steps[0].where)
    for total in expr.atoms(sympy.Sum):
        for s, low, high in total.limits:
            whole = identity.ranges.get(s)
            if whole is None or not isinstance(domains[s], sympy.Range):
                continue
            require(
                (sympy.sympify(low).xreplace(put), sympy.sympify(high).xreplace(put)) == whole,
                f"must sum over every {s}",
                total,
            )


def _quotient(index: Expr) -> tuple[Expr, Expr]:
    inner = index.args[0] if isinstance(index, Mod) else index
    return sympy.fraction(sympy.together(inner))


def check_chain(steps: Sequence[Step], rules: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Each step continues the one above it, and the rules are used in their order."""
    for step, following in pairwise(steps):
        if step.after != following.before:
            raise false(f"must continue where {step.rule!r} stopped", following.rule)
    found = [step.rule for step in steps]
    wanted = [rule for rule in rules if rule in found or rule not in optional]
    for rule, expected in zip_longest(found, wanted):
        if rule != expected:
            raise false(f"must go on with {expected!r}" if expected else "must end there", rule or "nothing")


def run(
    identity: Identity,
    rules: Mapping[str, Callable[[Identity, Step], None]],
    statement: Callable[[Identity], None],
) -> None:
    """Every rule on its step; errors name the step."""
    _named(0, "the statement", lambda: _check_given(identity, statement))
    for k, step in enumerate(identity.steps, 1):
        _named(k, step.rule, lambda step=step: _check_step(identity, rules, step))  # type: ignore[misc]


def _check_given(identity: Identity, statement: Callable[[Identity], None]) -> None:
    require_divisibility(identity.given)
    require_whole_ranges(identity, identity.given)
    statement(identity)


def _check_step(
    identity: Identity, rules: Mapping[str, Callable[[Identity, Step], None]], step: Step
) -> None:
    require_divisibility(step.after)
    require_whole_ranges(identity, step.after)
    rules[step.rule](identity, step)


def _named(k: int, rule: str, check: Callable[[], None]) -> None:
    try:
        check()
    except DerivationError as error:
        raise DerivationError(f"step {k}, {rule!r},", error.rule, error.value, error.remedy) from error
    except TooLargeError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise false(f"must be well formed at step {k}, {rule!r}", error) from error
