"""Both neighbours of every threshold, each by the implementation on either side: is the choice a cliff?

python -m benchmarks.thresholds [field ...]      with what is in effect; KERNELS_THRESHOLDS=default without
                                                 what `calibrate` has kept
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.report import Report, Table, Target
from kernels.convolution.choice import in_effect, rules
from kernels.convolution.choice.calibrate import times
from kernels.convolution.choice.crossings import CROSSINGS, Crossing

BAR = 1.3
TURNS, PATIENCE, TRIES = 40, 0.5, 3


class Neighbour(NamedTuple):
    """One layer beside a threshold: what is chosen for it, and the seconds of that and of the other."""

    crossing: Crossing
    value: int
    chosen: str
    seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """The seconds of what is chosen over those of the other; below 1 it is the faster."""
        others = [time for name, time in self.seconds.items() if name != self.chosen]
        if self.chosen not in self.seconds:
            return float("inf") if self.chosen in (self.crossing.low, self.crossing.high) else 1.0
        return self.seconds[self.chosen] / min(others, default=float("inf"))

    def cells(self) -> tuple[str, ...]:
        shown = [
            f"{name} {1e3 * self.seconds[name]:.3g}" if name in self.seconds else f"{name} far behind"
            for name in (self.crossing.low, self.crossing.high)
        ]
        told = f"{self.crossing.field} at {self.value}"
        return told, self.chosen, *shown, f"{self.ratio:.2f}" if self.ratio else "below 0.2"


def neighbours(crossing: Crossing) -> Iterator[tuple[int, int]]:
    """(size, value) of the last layer below the threshold in effect, and of the first one above it."""
    number = getattr(in_effect.read().thresholds, crossing.field)
    valued = [(size, crossing.at(size)) for size in crossing.sizes]
    below = [one for one in valued if one[1] < number or (one[1] == number and crossing.kind == "up to")]
    above = [one for one in valued if one not in below]
    yield from below[-1:]
    yield from above[:1]


def measured(crossing: Crossing) -> Iterator[Neighbour]:
    for size, value in neighbours(crossing):
        work = crossing.layer(size).make().work
        chosen = rules.decide(work).name
        tries: list[Neighbour] = []
        while len(tries) < TRIES and (not tries or tries[-1].ratio > BAR):  # a cliff is there every time
            tries.append(Neighbour(crossing, value, chosen, times(crossing, size, TURNS, PATIENCE)))
        yield min(tries, key=lambda one: one.ratio)


def run(quick: bool) -> Report:
    """Every threshold, or with `quick` those alone that `calibrate` measures."""
    return report([one for one in CROSSINGS if one.brief or not quick])


def report(crossings: Sequence[Crossing]) -> Report:
    found = [one for crossing in crossings for one in measured(crossing)]
    over = [one for one in found if one.ratio > BAR]
    seen = "; ".join(f"{one.cells()[0]} {one.ratio:.2f}" for one in over) or (
        f"at most {max((one.ratio for one in found), default=1.0):.2f}"
    )
    what = "neighbours of a threshold, what is chosen against the other choice"
    table = Table(
        "Both neighbours of every threshold",
        ("threshold", "chosen", "ms, up to it", "ms, above it", "chosen / other"),
        tuple(one.cells() for one in found),
        "Forced to the implementation on either side of the threshold, taking turns; medians.",
    )
    return Report((table,), (Target(what, f"at most {BAR} times slower", seen, not over),))


def main(fields: Sequence[str]) -> None:
    chosen = [one for one in CROSSINGS if not fields or one.field in fields]
    for crossing in chosen:
        for one in measured(crossing):
            print(*one.cells(), sep=" | ", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
