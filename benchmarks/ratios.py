"""One cell of the convolution suite: a case, a direction and a context, everyone in one race."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import jax

from benchmarks import programs
from benchmarks.cases import Case
from benchmarks.contenders import FIRST, LAST, OURS, Contender
from benchmarks.harness import Race, Spread, race
from benchmarks.programs import Operands

Calls = Mapping[str, Callable[[], object]]
Others = Callable[[Operands, Case, str], Calls]
LAX = (LAST.name, FIRST.name)
DOUBTFUL = 0.98  # a ratio below it is measured again, longer, and the second measurement stands
PATIENCE = 0.25  # seconds; a competitor that takes longer is run once
NOBODY = Race({})
PAUSE = 1e-2  # seconds between turns where others' threads may still be spinning


@dataclass(frozen=True)
class Cell:
    """What was measured.

    `same`: ours and lax's in our layout compiled to the same instructions. `beside`: a race of its own with
    those that are not made with JAX, whose threads might disturb the first.
    """

    case: Case
    direction: str
    context: str
    race: Race
    same: bool
    beside: Race = NOBODY

    @property
    def name(self) -> str:
        return f"{self.case.name}: {self.direction}"

    def spread(self, *rivals: str) -> Spread | None:
        """How many times faster than the best of these rivals; None where none of them took part.

        Equal programs take equal time: a ratio other than 1 would be noise.
        """
        found = [
            self._over(r, name) for r in (self.race, self.beside) for name in rivals if name in r.seconds
        ]
        return min(found, key=lambda s: s.median, default=None)

    def _over(self, race: Race, rival: str) -> Spread:
        equal = self.same and rival == LAST.name
        return Spread(1.0, 1.0, 1.0) if equal else race.ratio(rival, OURS.name)

    def ratio(self, *rivals: str) -> float:
        """The median of `spread`; not a number where none of the rivals took part."""
        found = self.spread(*rivals)
        return math.nan if found is None else found.median


def geometric_mean(ratios: Iterable[float]) -> float:
    """Over the ratios that are numbers; not a number where there is none.

    >>> geometric_mean([1.0, 4.0, math.nan])
    2.0
    """
    logs = [math.log(r) for r in ratios if not math.isnan(r)]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def precision(case: Case) -> contextlib.AbstractContextManager[object]:
    """The setting of JAX under which this case's arrays exist."""
    return jax.enable_x64(True) if case.dtype == "float64" else contextlib.nullcontext()


def measure(
    case: Case,
    direction: str,
    context: str,
    budget: float,
    rivals: Sequence[Contender] = (LAST, FIRST),
    others: Others | None = None,
) -> Cell:
    """Race this library against the rivals, and against `others`, which are not made with JAX."""
    case = case if context == programs.OUTSIDE else case.small()
    with precision(case):
        made = {who: conv for who in (OURS, *rivals) if (conv := who.make(case)) is not None}
        operands = Operands.of(case, made[OURS])
        built = {w.name: programs.build(w, conv, direction, context, operands) for w, conv in made.items()}
        compiled = {name: program.compile() for name, program in built.items()}
        same = programs.text(compiled[OURS.name]) == programs.text(compiled[LAST.name])
        calls = {name: program.call for name, program in built.items()}
        result = _twice(calls, budget, same)
        beside = _beside(calls[OURS.name], others(operands, case, direction) if others else {}, budget)
    return Cell(case, direction, context, result, same, beside)


def _beside(ours: Callable[[], object], others: Calls, budget: float) -> Race:
    everyone = {OURS.name: ours, **others}
    return race(everyone, budget, 3, patience=PATIENCE, pause=PAUSE) if others else NOBODY


def _twice(calls: Calls, budget: float, same: bool) -> Race:
    """A race, and a longer one in its place where the first says that lax is faster."""

    def run(budget: float, least: int) -> Race:
        return race(calls, budget, least, patience=PATIENCE)

    first = run(budget, 3)
    rivals = [name for name in LAX if not (same and name == LAST.name)]
    doubtful = any(first.ratio(name, OURS.name).median < DOUBTFUL for name in rivals)
    return run(4 * budget, 7) if doubtful else first
