"""The sizes on which sums of products are tried: small, and different where letters could be mistaken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sympy
from sympy import Expr, Indexed, Symbol

from derive.checking.expansion import Bounds
from derive.steps import Step

CHANNELS = "gich"
NEAR = (-1, 2)


def index_ranges(first: Step, sizes: Mapping[Symbol, int]) -> dict[Symbol, Bounds]:
    ranges = {}
    for s, domain in first.where:
        if isinstance(domain, sympy.Range):
            ranges[s] = (0, int(domain.stop.subs(sizes)) - 1)
        else:
            ranges[s] = NEAR
    return ranges


def trial_sizes(steps: Sequence[Step], grid: Sequence[int] | None = None) -> Iterator[dict[Symbol, int]]:
    """Two choices for all size symbols, small, and different where letters could be mistaken.

    `grid`: sites along each axis, in the place of the checker's own choice (then there is one).
    """
    for trial in (0, 1) if grid is None else (0,):
        yield _sizes(steps, trial, grid)


def _sizes(steps: Sequence[Step], trial: int, grid: Sequence[int] | None) -> dict[Symbol, int]:
    stops = [(s.name, d.stop) for s, d in steps[0].where if isinstance(d, sympy.Range)]
    sites = [(name, stop) for name, stop in stops if name not in CHANNELS and not name.startswith("d")]
    dim = max(1, len([name for name, _ in stops if name.startswith("d")]))
    sizes = _shifts(steps[0], [stop for _, stop in stops], trial)
    for _, stop in (item for item in stops if item[0].startswith("d")):
        for s in _new(stop, sizes):
            sizes[s] = next(n for n in range(1, 9) if stop.subs(sizes).subs(s, n) >= 3 - trial)
    for k, (_, stop) in enumerate(item for item in stops if item[0] in CHANNELS):
        sizes.update(dict.fromkeys(_new(stop, sizes), 2 + (k + trial) % 2))
    own = [s for _, stop in sites for s in _new(stop, sizes)]
    for k, s in enumerate(dict.fromkeys(own)):
        sizes[s] = {1: (6, 4), 2: (5, 3)}.get(dim, (3, 2))[k // dim % 2] + (k + trial) % 2
    for k, n in enumerate(grid or ()):
        stop = next(stop for name, stop in sites if name.endswith("'") and _axis(name) == k)
        sizes.update({s: int(n) for s in stop.free_symbols if s in own})
    while grid is None and own and min(int(stop.subs(sizes)) for _, stop in sites) < 2:
        sizes.update({s: sizes[s] + 1 for s in own})
    return sizes


def _axis(name: str) -> int:
    return "uvw".find(name.rstrip("'"))


def _new(stop: Expr, sizes: Mapping[Symbol, int]) -> list[Symbol]:
    return sorted((s for s in sympy.sympify(stop).free_symbols if s not in sizes), key=lambda s: s.name)


def _shifts(first: Step, stops: Sequence[Expr], trial: int) -> dict[Symbol, int]:
    """Strides, dilations and borders: what multiplies an index, and what no index runs up to."""
    given, indices = first.before, {s for s, _ in first.where}
    indices |= {limit[0] for total in given.atoms(sympy.Sum) for limit in total.limits}
    ends = {s for stop in stops for s in sympy.sympify(stop).free_symbols}
    factors = {
        s
        for product in given.atoms(sympy.Mul)
        if product.free_symbols & indices and not product.atoms(Indexed)
        for s in product.free_symbols
    }
    found = {s for s in given.atoms(Symbol) - ends | factors if s.is_integer} - indices
    ordered = sorted(found, key=lambda s: s.name)
    return {s: (2 if s.is_positive else 1) + (k + trial) % 2 for k, s in enumerate(ordered)}
