"""The classes of sites that a printed form and a printed support leave, listed one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from derive.checking.groups.statement import LEADING
from derive.checking.terms import integers, truth

if TYPE_CHECKING:
    from derive.checking.groups.chapters import Chapter
    from derive.checking.groups.listing import Target

Class = tuple[sympy.Integer, ...]
LARGEST = 1 << 22


def classes_of(chapter: Chapter, target: Target) -> list[Class] | None:
    """The classes in use, in order; None where they never end."""
    condition = chapter.s.condition
    sizes = {symbol: sympy.Integer(n) for symbol, n in chapter.scene.sizes.items()}
    near = _reach(condition.xreplace(sizes) if condition is not None else None)
    found = [_classes(chapter, target, far) for far in (near, 2 * near)]
    return sorted(found[0]) if found[0] == found[1] else None


def _reach(condition: sympy.Basic | None) -> int:
    numbers = [] if condition is None else condition.atoms(sympy.Rational)
    return 3 + 2 * max((abs(int(n)) + 1 for n in numbers), default=0)


def _classes(chapter: Chapter, target: Target, far: int) -> set[Class]:
    """The classes of pairs with inputs up to `far` away, one output per period."""
    s, scene = chapter.s, chapter.scene
    sites = [*s.sites[0], *([] if target.bias else s.sites[1])]
    runs = []
    for site in sites:
        stop = scene.stop(site)
        step = chapter.period(site) if site in s.sites[0] else None
        if step:
            runs.append(np.arange(step if stop is None else min(step, stop)))
        else:
            runs.append(np.arange(-far, far + 1) if stop is None else np.arange(stop))
    if np.prod([float(len(run)) for run in runs]) > LARGEST:
        return {(sympy.Integer(far),)}  # as good as endless
    grids = np.meshgrid(*runs, indexing="ij") if runs else []
    values: dict[Any, np.ndarray] = {site: g.reshape(-1) for site, g in zip(sites, grids, strict=True)}
    values |= {symbol: np.array(n) for symbol, n in scene.sizes.items()}
    count = len(values[sites[0]]) if sites else 1
    inside = np.ones(count, dtype=bool)
    if s.condition is not None and not target.bias:
        inside &= np.broadcast_to(truth(s.condition, values), (count,))
    form = target.form.rhs.args[0][0] if isinstance(target.form.rhs, sympy.Piecewise) else target.form.rhs
    indices = [e for e in form.indices if not (isinstance(e, sympy.Symbol) and e.name in LEADING)]
    columns = [np.broadcast_to(integers(e, values), (count,))[inside] for e in indices]
    rows = zip(*(c.tolist() for c in columns), strict=True) if columns else [()] * bool(inside.any())
    return {tuple(map(sympy.Integer, row)) for row in set(rows)}
