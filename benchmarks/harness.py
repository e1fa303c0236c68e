"""Timings that mean something on a busy machine.

Competitors take turns, many short rounds in one process, so that a disturbance falls on all of them; what is
reported is the median over rounds with its quartiles; ratios are taken round by round, never between runs.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from time import perf_counter, sleep

ROOT = Path(__file__).resolve().parent.parent
SHORTEST, LONGEST = 1e-3, 2e-2  # seconds of one turn; quicker calls are timed several at a time


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
        return Spread.of([a / b for a, b in self._pairs(over, under)])

    def fastest(self, over: str, under: str) -> float:
        """The same ratio between the fastest rounds of each: what is left when nothing disturbs."""
        return min(self.seconds[over]) / min(self.seconds[under])

    def gap(self, over: str, under: str) -> Spread:
        """seconds(over) - seconds(under), round by round."""
        return Spread.of([a - b for a, b in self._pairs(over, under)])

    def _pairs(self, one: str, other: str) -> Iterable[tuple[float, float]]:
        """Round by round; a slow competitor has run only once, and meets every round of the other."""
        first, second = self.seconds[one], self.seconds[other]
        if len(first) == 1 or len(second) == 1:
            return product(first, second)
        return zip(first, second, strict=True)


def race(
    calls: Mapping[str, Callable[[], object]],
    budget: float,
    least: int = 5,
    most: int = 400,
    patience: float = math.inf,
    pause: float = 0.0,
) -> Race:
    """Time the calls in turn, for about `budget` seconds in all: between `least` and `most` rounds.

    Every call is made once beforehand, so that whatever it compiles or caches is not counted; but one that
    takes longer than `patience` seconds is not made again: that one counts. Every round is in an order of its
    own, so that nobody always runs after the same neighbour. `pause`: seconds of rest before each turn, for
    neighbours whose threads keep spinning.
    """
    first = {name: _once(call) for name, call in calls.items()}
    quick = [name for name in calls if first[name] <= patience]
    seconds = {name: [] if name in quick else [once] for name, once in first.items()}
    again = {name: _once(calls[name]) for name in quick}  # the first call may have compiled something
    repeats = _repeats(again, max(first.values()))
    start, order = perf_counter(), Random(0)
    for turn in range(most if quick else 0):
        if turn >= least and perf_counter() - start > budget:
            break
        for name in order.sample(quick, len(quick)):
            sleep(pause)
            seconds[name].append(_several(calls[name], repeats[name]))
    return Race(seconds)


def _repeats(once: Mapping[str, float], slowest: float) -> dict[str, int]:
    """How often a call is made in one turn: briefly beside short ones, longer beside long ones."""
    turn = min(max(SHORTEST, slowest / 50), LONGEST)
    return {name: max(1, round(turn / max(seconds, 1e-9))) for name, seconds in once.items()}


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
