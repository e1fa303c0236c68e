"""The checker of stacked convolutions: every printed step multiplied out in independent entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy
from sympy import Eq, Indexed, Tuple

from derive.checking.convolution.identities import (
    Identity,
    check_chain,
    require,
    require_equal,
    require_only,
    run,
)
from derive.checking.convolution.sizes import index_ranges, trial_sizes
from derive.checking.expansion import Bounds, Expander, label
from derive.steps import Step

FIRST = "write the second layer"
FAR = (-200, 200)


def check_composition(steps: Sequence[Step], grid: int | Sequence[int] | None = None) -> None:
    """Raise DerivationError at the first step that is false, missing or out of order."""
    check_chain(steps, list(RULES))
    for sizes in trial_sizes(steps):
        expander = Expander(_bounds(steps, index_ranges(steps[0], sizes)), sizes)
        run(Identity(steps, sizes, expander), RULES, _statement)


def _bounds(steps: Sequence[Step], ranges: dict) -> dict[str, tuple[Bounds, ...]]:
    """Kernels have the ranges of their plain indices; fields reach over all sites."""
    endless = {s for s, domain in steps[0].where if domain is sympy.S.Integers}
    found: dict[str, tuple[Bounds, ...]] = {}
    for part in (steps[0].before, *(step.after for step in steps)):
        for entry in part.atoms(Indexed):
            if all(s in ranges for s in entry.indices):
                found[label(entry)] = tuple(FAR if s in endless else ranges[s] for s in entry.indices)
    for entry in steps[0].before.atoms(Indexed):
        channel = ranges.get(entry.indices[0])
        if label(entry) not in found and channel is not None:
            found[label(entry)] = (channel, *[FAR] * (len(entry.indices) - 1))
    return found


def _statement(identity: Identity) -> None:
    given = identity.given
    require(isinstance(given, Tuple) and len(given) == 2, "must give two layers", given)
    for layer in given:
        identity.plain(layer.lhs)
    require(label(given[0].lhs) in _names(given[1].rhs), "must feed the first layer to the second", given)


def _names(expr: sympy.Basic) -> list[str]:
    return sorted({label(e) for e in expr.atoms(Indexed)})


def _writes(identity: Identity, step: Step) -> None:
    require(step.after == step.before[1], "must be the second layer", step.after)


def _substitutes(identity: Identity, step: Step) -> None:
    first, second = identity.given
    names = {*_names(first.rhs), *_names(second.rhs)} - {label(first.lhs)}
    require_only(step.after.rhs, sorted(names), step.after)
    require(step.after.lhs == second.lhs, "must keep the output on its left", step.after)
    expected = identity.at(second.rhs, second.lhs, first)
    require_equal(identity.at(step.after.rhs, second.lhs), expected, step.after)


def _collects(identity: Identity, step: Step) -> None:
    require(step.after.lhs == step.before.lhs, "must keep the output on its left", step.after)
    expected = identity.at(step.before.rhs, step.before.lhs)
    require_equal(identity.at(step.after.rhs, step.after.lhs), expected, step.after)


def _names_kernel(identity: Identity, step: Step) -> None:
    layer, definition = step.after
    identity.plain(definition.lhs)
    require(layer.lhs == step.before.lhs, "must keep the output on its left", layer)
    field = {label(e) for e in identity.given[0].rhs.atoms(Indexed)} - set(_names(definition.rhs))
    require_only(layer.rhs, [*field, label(definition.lhs)], layer)
    expected = identity.at(step.before.rhs, step.before.lhs)
    require_equal(identity.at(layer.rhs, layer.lhs, definition), expected, layer)


def _counts(identity: Identity, step: Step) -> None:
    layer, definition, *counts = step.after
    require(Tuple(layer, definition) == step.before, "must keep the layer and its kernel", step.after)
    taps = definition.lhs.indices[2:]
    require(len(counts) == len(taps), "must count the taps along each axis", step.after)
    for axis, (count, tap) in enumerate(zip(counts, taps, strict=True)):
        require(count.lhs.name.startswith("k"), "must name the number of taps", count)
        _require_span(identity, definition, axis, count, tap)


def _require_span(identity: Identity, definition: Eq, axis: int, count: Eq, tap: sympy.Symbol) -> None:
    """The kernel is nonzero from tap 0 to the last, and nowhere on either side of them."""
    claimed = int(count.rhs.subs(identity.sizes))
    low, high = identity.ranges[tap]
    seen = []
    for value in range(low - 3, max(high, claimed) + 4):
        at = dict.fromkeys(definition.lhs.indices, sympy.S.Zero) | {tap: sympy.Integer(value)}
        found = identity.polynomial(definition.rhs.xreplace(at))
        seen += [value] if len(found) else []
    require(seen and (seen[0], seen[-1]) == (0, claimed - 1), "must count every tap that is not 0", count)


RULES: dict[str, Callable[[Identity, Step], None]] = {
    FIRST: _writes,
    "substitute the first layer": _substitutes,
    "collect the taps": _collects,
    "name the kernel": _names_kernel,
    "count the taps": _counts,
}
