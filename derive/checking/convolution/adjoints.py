"""The checker of derived adjoints: every printed step multiplied out in independent entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from sympy import Eq, Expr, Indexed, Tuple

from derive.checking.convolution.identities import (
    Identity,
    bar,
    check_chain,
    require,
    require_equal,
    require_only,
    run,
)
from derive.checking.convolution.sizes import index_ranges, trial_sizes
from derive.checking.expansion import Bounds, Expander, label
from derive.steps import Step

FIRST = "pair with a cotangent"


def check_adjoints(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    check_chain(steps, list(RULES), optional=("turn the kernel",))
    for sizes in trial_sizes(steps, grid):
        expander = Expander(_bounds(steps, index_ranges(steps[0], sizes)), sizes)
        run(Identity(steps, sizes, expander), RULES, _statement)


def _bounds(steps: Sequence[Step], ranges: dict) -> dict[str, tuple[Bounds, ...]]:
    """The range of every index of every tensor, from where it stands at plain indices."""
    found: dict[str, tuple[Bounds, ...]] = {}
    for part in (steps[0].before, *(step.after for step in steps)):
        for entry in part.atoms(Indexed):
            if all(s in ranges for s in entry.indices):
                bounds = tuple(ranges[s] for s in entry.indices)
                known = found.setdefault(label(entry), bounds)
                require(known == bounds, "must use one range per index", entry)
    return found


def _pair(equation: Eq) -> tuple[Indexed, Indexed]:
    """z and zbar of a pairing <zbar, z>."""
    entries = sorted(equation.rhs.function.atoms(Indexed), key=lambda e: len(label(e)))
    require(len(entries) == 2 and bar(entries[0]) == entries[1], "must pair a tensor with its bar", equation)
    return entries[0], entries[1]


def _statement(identity: Identity) -> None:
    given = identity.given
    require(isinstance(given, Tuple) and len(given) == 3, "must give a layer and two pairings", given)
    identity.plain(given[0].lhs)
    for pairing in given[1:]:
        z, zbar = _pair(pairing)
        require_equal(identity.polynomial(pairing.rhs), identity.total(zbar, z), pairing)
    require(given[1].lhs == given[2].lhs, "must pair to one number", given)


def _tensors(identity: Identity) -> tuple[Indexed, Indexed, Indexed]:
    """y, x and K at plain indices."""
    given = identity.given
    return given[0].lhs, _pair(given[1])[0], _pair(given[2])[0]


def _pairs(identity: Identity, step: Step) -> None:
    y, _, _ = _tensors(identity)
    require(step.after.lhs == identity.given[1].lhs, "must write the pairing", step.after)
    require_equal(identity.polynomial(step.after.rhs), identity.total(bar(y), y), step.after)


def _substitutes(identity: Identity, step: Step) -> None:
    y, x, kernel = _tensors(identity)
    require(step.after.lhs == step.before.lhs, "must keep the pairing on its left", step.after)
    require_only(step.after.rhs, [label(x), label(kernel), label(bar(y))], step.after)
    expected = identity.total(identity.given[0].rhs, bar(y))
    require_equal(identity.polynomial(step.after.rhs), expected, step.after)


def _reindexes(identity: Identity, step: Step) -> None:
    _, x, _ = _tensors(identity)
    first, second = step.after
    require(first == step.before and second.lhs == first.lhs, "must keep the sum beside it", step.after)
    require_equal(identity.polynomial(second.rhs), identity.polynomial(first.rhs), second)
    read = {e for e in second.rhs.atoms(Indexed) if e.base == x.base}
    require(read == {x}, "must show x at plain indices", second)


def _collects_x(identity: Identity, step: Step) -> None:
    _, x, _ = _tensors(identity)
    _collects(identity, x, step.after[1], step.after[0])
    require(step.after[0] in step.before.args and len(step.after) == 2, "must keep the sum", step.after)


def _collects_kernel(identity: Identity, step: Step) -> None:
    _, _, kernel = _tensors(identity)
    _collects(identity, kernel, step.after[1], step.before[0])
    require(
        step.after[0] == step.before[1] and len(step.after) == 2, "must keep the input adjoint", step.after
    )


def _collects(identity: Identity, z: Indexed, adjoint: Eq, pairing: Eq) -> None:
    """<zbar, z> is the whole pairing, and zbar holds no z: then it is all of its coefficients."""
    y, x, kernel = _tensors(identity)
    require(adjoint.lhs == bar(z), "must define the adjoint at plain indices", adjoint)
    names = {label(t) for t in (x, kernel, bar(y))} - {label(z)}
    require_only(adjoint.rhs, sorted(names), adjoint)
    require_equal(identity.total(adjoint.rhs, z), identity.polynomial(pairing.rhs), adjoint)


def _turns(identity: Identity, step: Step) -> None:
    y, _, kernel = _tensors(identity)
    old, new, definition = step.before[0], step.after[0], step.after[2]
    require(step.after[1] == step.before[1] and len(step.after) == 3, "must keep the kernel adjoint", step)
    require(new.lhs == old.lhs, "must keep the adjoint on its left", new)
    identity.plain(definition.lhs)
    require_only(definition.rhs, [label(kernel)], definition)
    require_only(new.rhs, [label(definition.lhs), label(bar(y))], new)
    require_equal(identity.at(new.rhs, new.lhs, definition), identity.at(old.rhs, old.lhs), new)


def _matrices(identity: Identity, step: Step) -> None:
    y, x, kernel = _tensors(identity)
    count = len(step.before)
    require(step.after[:count] == step.before.args, "must keep both adjoints", step.after)
    operator, patches, by_x, by_kernel, back_x, back_kernel = step.after[count:]
    adjoints = {eq.lhs: eq.rhs for eq in step.before}
    turned = step.before[2:]
    for definition, made in ((operator, kernel), (patches, x)):
        identity.plain(definition.lhs)
        require_only(definition.rhs, [label(made)], definition)
    _product(identity, by_x, operator, x, y, identity.given[0].rhs)
    _product(identity, by_kernel, patches, kernel, y, identity.given[0].rhs)
    _product(identity, back_x, operator, bar(y), bar(x), adjoints[bar(x)], *turned)
    _product(identity, back_kernel, patches, bar(y), bar(kernel), adjoints[bar(kernel)])


def _product(
    identity: Identity, equation: Eq, matrix: Eq, factor: Indexed, result: Indexed, known: Expr, *others: Eq
) -> None:
    """One matrix product: the sum of the matrix as it was defined, times one factor, is what is known."""
    require(equation.lhs == result, "must have plain indices on its left", equation)
    require(
        isinstance(equation.rhs, sympy.Sum) and sympy.Mul(matrix.lhs, factor) == equation.rhs.function,
        "must be one matrix times one factor",
        equation,
    )
    require_equal(identity.at(equation.rhs, result, matrix), identity.at(known, result, *others), equation)


RULES: dict[str, Callable[[Identity, Step], None]] = {
    FIRST: _pairs,
    "substitute the layer": _substitutes,
    "re-index the sum": _reindexes,
    "collect the coefficients of x": _collects_x,
    "collect the coefficients of K": _collects_kernel,
    "turn the kernel": _turns,
    "write as matrices": _matrices,
}
