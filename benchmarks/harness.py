"""Timings that mean something on a busy machine.

Competitors take turns, many short rounds in one process, so that a disturbance falls on all of them; what is
reported is the median over rounds with its quartiles; ratios are taken round by round, never between runs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
SHORTEST = 1e-3  # seconds; quicker calls are timed several at a time


@dataclass(frozen=True)
class Spread:
    """A median and its quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def show(self, unit: float = 1.0, digits: int = 2) -> str:
        """The median, and the quartiles in brackets, in this unit.

        >>> Spread(0.001, 0.002, 0.0025).show(1e-3)
        '2.00 (1.00 to 2.50)'
        """
        low, median, high = (f"{value / unit:.{digits}f}" for value in (self.low, self.median, self.high))
        return f"{median} ({low} to {high})"


@dataclass(frozen=True)
class Race:
    """The seconds of every competitor in every round."""

    seconds: Mapping[str, list[float]]

    def time(self, name: str) -> Spread:
        return Spread.of(self.seconds[name])

    def best(self, *names: str) -> str:
        """The one of these with the smallest median."""
        return min(names, key=lambda name: self.time(name).median)

    def ratio(self, over: str, under: str) -> Spread:
        """seconds(over) / seconds(under), round by round: how many times faster `under` is."""
        return Spread.of([a / b for a, b in zip(self.seconds[over], self.seconds[under], strict=True)])

    def fastest(self, over: str, under: str) -> float:
        """The same ratio between the fastest rounds of each: what is left when nothing disturbs."""
        return min(self.seconds[over]) / min(self.seconds[under])

    def gap(self, over: str, under: str) -> Spread:
        """seconds(over) - seconds(under), round by round."""
        return Spread.of([a - b for a, b in zip(self.seconds[over], self.seconds[under], strict=True)])


def race(calls: Mapping[str, Callable[[], object]], budget: float, least: int = 5, most: int = 400) -> Race:
    """Time the calls in turn, for about `budget` seconds in all: between `least` and `most` rounds.

    Every call is made once beforehand, so that whatever it compiles or caches is not counted. The order turns
    by one from round to round: nobody always runs after the same neighbour.
    """
    repeats = {name: max(1, round(SHORTEST / max(_once(call), 1e-9))) for name, call in _warm(calls).items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names, start = list(calls), perf_counter()
    for turn in range(most):
        if turn >= least and perf_counter() - start > budget:
            break
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seconds[name].append(_several(calls[name], repeats[name]))
    return Race(seconds)


def _warm(calls: Mapping[str, Callable[[], object]]) -> Mapping[str, Callable[[], object]]:
    for call in calls.values():
        call()
    return calls


def _once(call: Callable[[], object]) -> float:
    return _several(call, 1)


def _several(call: Callable[[], object], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - start) / repeats


def process(source: str) -> Callable[[], str]:
    """A call that runs `source` in a Python process of its own and returns what that printed."""

    def call() -> str:
        done = subprocess.run(
            [sys.executable, "-c", source], cwd=ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout

    return call
