"""The sizes on which sums of products are tried: small, and different where letters could be mistaken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sympy
from sympy import Expr, Indexed, Symbol

from derive.checking.expansion import Bounds
from derive.errors import GridError
from derive.steps import Step
from derive.symmetry.sizes import per_axis, size

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


def trial_sizes(
    steps: Sequence[Step], grid: int | Sequence[int] | None = None
) -> Iterator[dict[Symbol, int]]:
    """Two choices for all size symbols, small, and different where letters could be mistaken.

    `grid`: input sites along each axis, in the place of the checker's own choice (then there is one).
    """
    stops = {s.name: d.stop for s, d in steps[0].where if isinstance(d, sympy.Range)}
    taps = {name: stop for name, stop in stops.items() if name.startswith("d")}
    sites = {name: stop for name, stop in stops.items() if name not in CHANNELS and name not in taps}
    for trial in (0, 1) if grid is None else (0,):
        sizes = _shifts(steps[0], list(stops.values()), trial)
        for stop in taps.values():
            for s in _new(stop, sizes):
                sizes[s] = next(n for n in range(1, 9) if stop.subs(sizes).subs(s, n) >= 3 - trial)
        for k, (_, stop) in enumerate(item for item in stops.items() if item[0] in CHANNELS):
            sizes.update(dict.fromkeys(_new(stop, sizes), 2 + (k + trial) % 2))
        _put_grid(sizes, sites, grid)
        _put_sites(sizes, list(sites.values()), len(taps), trial)
        yield sizes


def _put_sites(sizes: dict[Symbol, int], stops: Sequence[Expr], dim: int, trial: int) -> None:
    """Numbers of sites: the fewer the more axes there are, and two outputs at least."""
    own = list(dict.fromkeys(s for stop in stops for s in _new(stop, sizes)))
    for k, s in enumerate(own):
        sizes[s] = {1: (6, 4), 2: (5, 3)}.get(dim, (3, 2))[k // max(dim, 1) % 2] + (k + trial) % 2
    while own and min(int(stop.subs(sizes)) for stop in stops) < 2:
        sizes.update({s: sizes[s] + 1 for s in own})


def _put_grid(sizes: dict[Symbol, int], sites: Mapping[str, Expr], grid: int | Sequence[int] | None) -> None:
    into = [stop for name, stop in sites.items() if name.endswith("'")]
    if grid is None or not into:
        return
    for stop, n in zip(into, per_axis(grid, len(into), "grid"), strict=True):
        for s in _new(stop, sizes):
            found = sympy.solve(stop.subs(sizes) - size(n, "grid"), s)
            if len(found) != 1 or not (found[0].is_Integer and found[0] > 0):
                raise GridError("grid", f"must be {stop} for some {s} on each axis", grid, "give more sites")
            sizes[s] = int(found[0])
    if any(not _new(stop, sizes) and stop.subs(sizes) < 1 for stop in sites.values()):
        raise GridError("grid", "must leave an output site on each axis", grid, "give more sites")


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
