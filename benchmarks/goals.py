"""The figures that the convolutions, and whole networks of them, are held to, read off what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.contenders import LAST
from benchmarks.programs import FORWARD, INSIDE, KERNEL, OUTSIDE, STEP
from benchmarks.ratios import LAX, Cell, geometric_mean
from benchmarks.report import Target
from benchmarks.torch_contender import TORCH
from benchmarks.tried import TRIED

LOWEST = 0.95


class Named(NamedTuple):
    """A case and a direction, outside loops, and how many times faster than lax it is to be."""

    case: str
    direction: str
    asked: float


NAMED = (
    Named("depthwise 56x56, 64, k3", STEP, 8),
    Named("4 groups, 56x56, 64 to 64, k3", STEP, 40),
    Named("3-D 32x32x32, 16 to 16, k3", STEP, 5),
    Named("1024x1024, 1 to 1, k3", FORWARD, 20),
    Named("1024x1024, 3 to 3, k31", FORWARD, 8),
    Named("1024x1024, 3 to 3, k31", KERNEL, 40),
    Named("transposed 28x28, 64 to 64, k4, stride 2", KERNEL, 50),
    Named("1x1, 56x56, 64 to 256", KERNEL, 4),
)


def targets(cells: Sequence[Cell]) -> tuple[Target, ...]:
    """All of them, as far as there are cells to read them off."""
    outside = [cell for cell in cells if cell.context == OUTSIDE]
    steps = [cell for cell in cells if (cell.context, cell.direction) == (INSIDE, STEP)]
    return (
        *_at_least("cases and directions outside loops, to the better lax layout", outside, LAX, 5),
        *_at_least(f"steps in scan, to {LAST.name}", steps, (LAST.name,), 20),
        *_at_least("steps in scan, to the better lax layout", steps, LAX, 8),
        *(_named(cell, named) for named in NAMED for cell in outside if _is(cell, named)),
        *_at_least(
            "cases and directions outside loops, to the better format of torch (a goal)", outside, TORCH, 1
        ),
        *_lowest(cells),
        *_dense([cell for cell in outside if cell.case.dense]),
    )


def _at_least(what: str, cells: Iterable[Cell], rivals: Sequence[str], asked: float) -> tuple[Target, ...]:
    """A geometric mean, where there is anything to take it of."""
    ratios = [cell.ratio(*rivals) for cell in cells if cell.spread(*rivals)]
    if not ratios:
        return ()
    mean, losing = geometric_mean(ratios), sum(ratio < LOWEST for ratio in ratios)
    seen = f"{mean:.2f} ({losing} of {len(ratios)} below {LOWEST})"
    return (_target(f"geometric mean over {what}", f"at least {asked:g}", seen, mean >= asked),)


def _is(cell: Cell, named: Named) -> bool:
    return (cell.case.name, cell.direction) == (named.case, named.direction)


def _named(cell: Cell, named: Named) -> Target:
    ratio = cell.ratio(*LAX)
    return _target(cell.name, f"at least {named.asked:g}", f"{ratio:.2f}", ratio >= named.asked)


def _lowest(cells: Iterable[Cell]) -> tuple[Target, ...]:
    """No case, direction or context is below `LOWEST`; those that are, are listed."""
    ratios = sorted((cell.ratio(*LAX), f"{cell.name}, {cell.context}") for cell in cells)
    if not ratios:
        return ()
    below = [f"{name} {ratio:.2f}" for ratio, name in ratios if ratio < LOWEST]
    seen = (
        f"{len(below)} of {len(ratios)} below it: {'; '.join(below)}"
        if below
        else f"lowest {ratios[0][0]:.2f}"
    )
    asked = f"none below {LOWEST}"
    return (_target("every case, direction and context, to the better lax layout", asked, seen, not below),)


def _dense(cells: Sequence[Cell]) -> tuple[Target, ...]:
    """Where lax is near its best nothing is lost: most programs are the very same."""
    if not cells:
        return ()
    others = [cell.ratio(LAST.name) for cell in cells if not cell.same]
    seen = f"{len(cells) - len(others)} of {len(cells)} compile to the same program"
    if others:
        seen += f"; the others are at least {min(others):.2f} times as fast"
    what = f"dense convolutions outside loops, to {LAST.name}"
    return (_target(what, "within 5%", seen, min(others, default=1.0) >= LOWEST),)


# ---- whole networks ---------------------------------------------------------------------------------------

COMPILING, MEAN = 1.3, 3.5
# In float32 rounding turns rectifiers over: torch and lax differ by 1e-2 then, by 1e-13 in float64.
SAME = 5e-2


class Whole(NamedTuple):
    """The ratios of one network, by program: how many times faster than lax, and than torch where it was."""

    name: str
    lax: Mapping[str, float]
    torch: Mapping[str, float]
    compiling: float
    difference: float


def network_targets(found: Sequence[Whole]) -> tuple[Target, ...]:
    """All of them, as far as there are networks to read them off."""
    if not found:
        return ()
    lax, torch = (
        {f"{one.name}, {program}": r for one in found for program, r in getattr(one, who).items()}
        for who in ("lax", "torch")
    )
    mean = geometric_mean(one.lax[STEP] for one in found)
    compiling = {one.name: one.compiling for one in found}
    differences = {one.name: one.difference for one in found}
    return (
        _target(
            "whole networks: geometric mean of the steps, to the better lax layout",
            f"at least {MEAN:g}",
            f"{mean:.2f}",
            mean >= MEAN,
        ),
        _none_below("whole networks: step and forward pass, to the better lax layout", lax),
        *([_none_below("whole networks: step and forward pass, to torch", torch)] if torch else []),
        _none_above("whole networks: tracing and compiling a step, to lax NHWC", compiling, COMPILING),
        _none_above("whole networks: gradients, to those of lax NHWC", differences, SAME),
    )


def _none_below(what: str, ratios: Mapping[str, float]) -> Target:
    return _target(what, "none below 1.0", _listed(ratios), min(ratios.values()) >= 1)


def _none_above(what: str, values: Mapping[str, float], most: float) -> Target:
    reached = max(values.values()) <= most
    return _target(what, f"none above {most:g}", _listed(values), reached)


def _listed(values: Mapping[str, float]) -> str:
    return "; ".join(f"{name} {value:.2g}" for name, value in values.items())


def _target(what: str, asked: str, seen: str, reached: bool) -> Target:
    return Target(what, asked, seen, reached, TRIED.get(what, ""))
