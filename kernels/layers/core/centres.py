"""Whether pooled sites stand about the middle of those that they are pooled from, and saying so where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import derive
from derive.symmetry.motion import show
from kernels.errors import KernelError, brief, known
from kernels.lattice.broken import complain
from kernels.static import Content

ON_BROKEN = ("warn", "error", "ignore")
CACHED = 4096


@dataclass(frozen=True)
class Sayer:
    """What is complained of, and how loudly."""

    into: derive.Field
    on_broken: str


def read_on_broken(value: str) -> str:
    """How to complain."""
    if not known(value, ON_BROKEN):
        raise KernelError("on_broken", f"must be one of {ON_BROKEN}", brief(value), "choose one of them")
    return value


@lru_cache(maxsize=CACHED)
def notice(sayer: Sayer, window: Content, sizes: tuple[int, ...]) -> None:
    """Complain, once, of generators that do not carry the outputs of these sizes where they carry inputs."""
    gap = _gap(sayer.into, window, sizes)
    if sayer.on_broken == "ignore" or not any(gap):
        return
    outputs = " x ".join(map(str, _outputs(window, sizes)))
    inputs = " x ".join(map(str, sizes))
    reason = f"{outputs} outputs stand {show(gap)} sites beside the middle of {inputs} inputs"
    remedy = _remedy(sayer.into, window, sizes)
    complain(sayer, dict.fromkeys(_broken(sayer.into, gap), (reason, remedy)))


def _broken(into: derive.Field, gap: Sequence[Fraction]) -> list[str]:
    """The generators that turn the way from one middle to the other."""
    found = []
    for name in into.group.point.generators:
        rows = into.group.motions[name].matrix
        if any(
            sum(m * d for m, d in zip(row, gap, strict=True)) != g for row, g in zip(rows, gap, strict=True)
        ):
            found.append(name)
    return found


def _gap(into: derive.Field, window: Any, sizes: Sequence[int]) -> tuple[Fraction, ...]:
    """How far the middle of the outputs stands from that of the inputs, in sites; 0 on a circle."""
    outputs = _outputs(window, sizes)
    closed = [kind == "periodic" for kind in into.lattice.boundary]  # type: ignore[union-attr]
    rows = zip(sizes, outputs, window.spans, window.pads, window.strides, window.modes, closed, strict=True)
    return tuple(
        Fraction(0)
        if circle or mode == "CIRCULAR"
        else Fraction(span - 1, 2) - low + Fraction(s * (m - 1), 2) - Fraction(n - 1, 2)
        for n, m, span, (low, _), s, mode, circle in rows
    )


def _outputs(window: Any, sizes: Sequence[int]) -> tuple[int, ...]:
    found: tuple[int, ...] = window.outputs(sizes)
    return found


def _remedy(into: derive.Field, window: Any, sizes: tuple[int, ...]) -> str:
    """The nearest sizes that serve, smaller and larger."""
    near = sorted(range(-max(window.strides), max(window.strides) + 1), key=abs)
    found = [
        tuple(n + d for n in sizes)
        for d in near
        if all(_outputs(window, [n + d for n in sizes]))
        and not any(_gap(into, window, [n + d for n in sizes]))
    ]
    shown = sorted(" x ".join(map(str, each)) for each in found[:2])
    return f"use {' or '.join(shown)}" if shown else "use borders that are alike on both sides"
