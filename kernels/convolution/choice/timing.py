"""Which of several calls is the fastest on a machine that does other things too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter
from typing import Any

import jax

from kernels.lax_alone import only_lax

HOPELESS = 5.0  # times the best so far, in the first calls: not measured further

Calls = Mapping[str, Callable[[], Any]]


@only_lax(False)
def medians(calls: Calls, turns: int, seconds: float = float("inf")) -> dict[str, float]:
    """The median seconds of every call that is not hopeless, the calls taking turns.

    Every call is made once beforehand, which compiles it, inside `only_lax` too as it is outside. After
    `seconds` no further turn begins.
    """
    first = {}
    for name, call in calls.items():
        jax.block_until_ready(call())
        first[name] = min(once(call) for _ in range(3))
    taken = {name: [time] for name, time in first.items()}
    able = [name for name, time in first.items() if time <= HOPELESS * min(first.values())]
    start = perf_counter()
    for turn in range(turns):
        if turn and perf_counter() - start > seconds:
            break
        for name in able:
            taken[name].append(once(calls[name]))
    return {name: median(taken[name][1:]) for name in able}


def once(call: Callable[[], Any]) -> float:
    """The seconds until its result is there."""
    start = perf_counter()
    jax.block_until_ready(call())
    return perf_counter() - start
