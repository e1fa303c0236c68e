"""What strides, sizes and borders break of a lattice op's group, and saying so once."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any

import jax
from jax.export import is_symbolic_dim

from kernels.action.sites import Obstacle, exchanged_sizes
from kernels.errors import SymmetryError, SymmetryWarning
from kernels.lattice.plan import LatticePlan
from kernels.lattice.symmetry import Grid, carried, generator, trials, why_not

Said = tuple[str, str]  # reason and remedy
OURS = tuple(os.path.dirname(path) + os.sep for path in (os.path.dirname(__file__), jax.__file__))
BREAKS = ("sizes", "group", "centre", "between")  # the others are what every border does


def broken(plan: LatticePlan, into: Any, out: Any, name: str, grid: Grid) -> tuple[Obstacle, ...]:
    """What keeps a generator from carrying inputs and outputs to those of the turned sizes.

    An image of unequal sizes may become another one: only sites that miss each other count.
    """
    if into.lattice is None or out.lattice is None:
        return ()  # what does not move is beside nothing
    action = generator(into.group, name)
    turned = exchanged_sizes(action.motion.matrix, grid) if len(grid) == len(plan.axes) else None
    fixed = any(axis.size_in is not None for axis in plan.inputs)
    found = carried(plan, into, out, action, grid, None if fixed else turned)
    return tuple(o for o in found if isinstance(o, Obstacle) and o.kind in BREAKS)


def always(plan: LatticePlan, into: Any, out: Any) -> dict[str, Said]:
    """The generators that are broken at every size that is tried, with reason and remedy."""
    grids, found = list(trials(plan)), {}
    for name in into.group.point.generators:
        if grids and all(broken(plan, into, out, name, grid) for grid in grids):
            found[name] = _said(plan, into, out, name, grids[-1])
    return found


def at_sizes(plan: LatticePlan, into: Any, out: Any, grid: Grid) -> dict[str, Said]:
    """The generators that are broken on inputs of these sizes, with reason and remedy."""
    names = [name for name in into.group.point.generators if broken(plan, into, out, name, grid)]
    return {name: _said(plan, into, out, name, grid) for name in names}


def _said(plan: LatticePlan, into: Any, out: Any, name: str, grid: Grid) -> Said:
    found = broken(plan, into, out, name, grid)
    return why_not(plan, into, out, generator(into.group, name), grid, found)


def notice(op: Any, grid: Grid) -> None:
    """Complain of the generators that these sizes break; `lower` has spoken of those that all sizes do."""
    if any(map(is_symbolic_dim, grid)):
        return
    fields = (op.plan, op.into, op.out)
    found = at_sizes(*fields, grid)
    if found:
        known = always(*fields)
        complain(op, {name: said for name, said in found.items() if name not in known})


def complain(op: Any, found: Mapping[str, Said]) -> None:
    """Warn or raise, in one line; the remedy of the first generator serves the others."""
    if not found:
        return
    (reason, remedy), *_ = found.values()
    which = ", ".join(found)
    if op.on_broken == "error":
        raise SymmetryError("op", f"must keep {which} of {op.into.group}", reason, remedy)
    text = f"this op does not keep {which} of {op.into.group}: {reason}; {remedy}; or use on_broken='ignore'"
    warnings.warn(text, SymmetryWarning, stacklevel=_outside())


def _outside() -> int:
    """How many frames up the caller is who is neither this library nor JAX."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OURS):
        level, frame = level + 1, frame.f_back
    return level
