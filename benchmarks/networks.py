"""Whole networks: a training step, a forward pass, time to compile and memory, beside lax and torch.

Those made with JAX take turns in one process, torch meets this library in a race of its own; compile time and
memory are taken in a fresh process for every one of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks.architectures import NETWORKS, SMALL, Network
from benchmarks.contenders import LAST, OURS
from benchmarks.elsewhere import elsewhere
from benchmarks.engines import ENGINES, torch_engines
from benchmarks.fresh import fresh, held_megabytes
from benchmarks.goals import Whole, network_targets
from benchmarks.harness import Race, race
from benchmarks.programs import STEP
from benchmarks.ratios import LAX, NOBODY, PAUSE
from benchmarks.report import Report, Table
from benchmarks.torch_contender import TORCH
from benchmarks.training import PROGRAMS, Task, calls, difference, engines, jitted

LIMIT = 240.0  # seconds for a process of its own
QUICK = ("3-D U-Net, small", "WaveNet, small")
KNOWN = {network.name: network for network in (*NETWORKS, *SMALL)}

NOTE = (
    "A training step is loss, gradients of all weights and the update of SGD; random weights, the same"
    " definition for everyone, 1x1 layers and all. `lax / ours`: how many times faster than the better of"
    " lax's two layouts, `torch / ours`: than the better of torch's two memory formats; above 1 is faster,"
    f" quartiles in brackets. Compile: tracing and compiling a step, beside {LAST.name}. Memory: the most"
    " that a process held during a step beyond what it held before, beside the better layout of lax."
)
DETAILS = (
    "Milliseconds are medians. Compile: seconds to trace and compile a step, the median of a fresh process"
    " and of the one of the race. Asked: the temporary memory that the compiled program says it needs"
    " (`memory_analysis`). Held: the most resident memory during a step, in a fresh process, beyond what it"
    " held before it. Difference: the gradients of a step, in parts of their norm, from those of"
    f" {LAST.name}; what is left is float32 and which of two near values a maximum takes."
)


class Alone(NamedTuple):
    """What one engine needs for a step in a process of its own: seconds to compile, MiB asked and held."""

    compiling: float | None
    asked: float | None
    held: float


@dataclass(frozen=True)
class Measured:
    """Everything about one network. The races are by program; `alone` and `differences` are by engine."""

    network: Network
    races: Mapping[str, Race]
    beside: Mapping[str, Race]
    compiling: Race
    alone: Mapping[str, Alone]
    differences: Mapping[str, float]

    def lax(self, program: str) -> str:
        """The better layout of lax."""
        return self.races[program].best(*LAX)

    def torch(self, program: str) -> str | None:
        """The better format of torch, where torch took part."""
        names = [name for name in TORCH if name in self.beside[program].seconds]
        return self.beside[program].best(*names) if names else None

    @property
    def whole(self) -> Whole:
        """What it is held to."""
        guests = {program: self.torch(program) for program in self.beside}
        return Whole(
            self.network.name,
            {p: race.ratio(self.lax(p), OURS.name).median for p, race in self.races.items()},
            {p: self.beside[p].ratio(guest, OURS.name).median for p, guest in guests.items() if guest},
            self.compiling.ratio(OURS.name, LAST.name).median,
            max(self.differences.values()),
        )

    @property
    def memory(self) -> float:
        """What this library holds in a step, to the better layout of lax."""
        return self.alone[OURS.name].held / max(min(self.alone[name].held for name in LAX), 1e-9)


def run(quick: bool = False) -> Report:
    """The table of the suite, which comes before all others, and its details."""
    names = QUICK if quick else tuple(network.name for network in NETWORKS)
    found = sweep(names, 0.3 if quick else 10.0)
    return Report((details(found),), network_targets([one.whole for one in found]), first=(table(found),))


def sweep(names: Iterable[str], budget: float) -> list[Measured]:
    """Measure these networks one after another."""
    return [measured(name, budget) for name in names]


def measured(name: str, budget: float) -> Measured:
    """Races in a process that may die, then every engine alone."""
    print(f"  {name}", file=sys.stderr, flush=True)
    ((races, beside, seconds, differences),) = elsewhere(together, [(name, budget)])
    apart = {engine.name: _alone(name, engine.name) for engine in engines() if engine.name in differences}
    compiling = {
        engine.name: [seconds[engine.name], apart[engine.name].compiling or seconds[engine.name]]
        for engine in ENGINES
    }
    return Measured(KNOWN[name], races, beside, Race(compiling), apart, differences)


def together(
    name: str, budget: float
) -> tuple[dict[str, Race], dict[str, Race], dict[str, float], dict[str, float]]:
    """The races of both programs, with and without torch; seconds to compile; differences."""
    network = KNOWN[name]
    task = Task.of(network)
    ready, seconds = {}, {}
    for engine in ENGINES:
        programs = jitted(network, engine, task)
        seconds[engine.name] = _compile(programs[STEP])
        ready[engine.name] = {program: one.call for program, one in programs.items()}
    others = {e.name: made for e in torch_engines() if (made := calls(network, e, task))}
    right = ready[LAST.name][STEP]()
    by_name = {engine.name: engine for engine in engines()}
    differences = {
        who: difference(by_name[who], made[STEP](), task, right) for who, made in (ready | others).items()
    }
    races, beside = {}, {}
    for program in PROGRAMS:
        races[program] = race({who: made[program] for who, made in ready.items()}, budget)
        guests = {who: made[program] for who, made in others.items()}
        ours: dict[str, Callable[[], object]] = {OURS.name: ready[OURS.name][program]}
        beside[program] = race(ours | guests, budget, pause=PAUSE) if guests else NOBODY
    return races, beside, seconds, differences


def _compile(program: Any) -> float:
    """Seconds to trace and compile, without what JAX had cached."""
    jax.clear_caches()
    start = perf_counter()
    program.compile()
    return perf_counter() - start


def _alone(network: str, engine: str) -> Alone:
    """One engine in a process of its own."""
    source = f"from benchmarks.networks import alone; alone({network!r}, {engine!r})"
    outcome = fresh(source, LIMIT)
    if outcome.text is None:
        raise RuntimeError(f"{network}, {engine}: {outcome.reason}")
    return told(outcome.text)


def told(text: str) -> Alone:
    """What `alone` has printed, on its last line."""
    return Alone(**json.loads(text.splitlines()[-1]))


def alone(network: str, engine: str) -> None:
    """Print as JSON what a step needs in this process, in which nothing else has been done."""
    task, who = Task.of(KNOWN[network]), next(e for e in engines() if e.name == engine)
    compiling = asked = None
    if who.name in TORCH:
        step = calls(KNOWN[network], who, task)[STEP]
    else:
        jax.jit(jnp.sum)(jnp.ones(3))  # what the first program of all costs
        program = jitted(KNOWN[network], who, task)[STEP]
        start = perf_counter()
        executable = program.compile()
        compiling = perf_counter() - start
        asked = executable.memory_analysis().temp_size_in_bytes / 2**20
        step = lambda: jax.block_until_ready(executable(*program.args))  # noqa: E731
    print(json.dumps(Alone(compiling, asked, held_megabytes(step))._asdict()))


# ---- tables -----------------------------------------------------------------------------------------------


def table(found: Sequence[Measured]) -> Table:
    """One row per network."""
    header = (
        "network",
        "images",
        *(f"{program}: {what}" for program in PROGRAMS for what in ("ours, ms", *_OVER)),
        f"compile: ours / {LAST.name}",
        "memory: ours / lax",
    )
    return Table("Whole networks", header, tuple(map(_row, found)), NOTE)


_OVER = ("lax / ours", "torch / ours")


def _row(one: Measured) -> tuple[str, ...]:
    cells = [one.network.name, "x".join(map(str, one.network.image))]
    for program in PROGRAMS:
        guest = one.torch(program)
        cells += [
            f"{one.races[program].time(OURS.name).median * 1e3:.3g}",
            one.races[program].ratio(one.lax(program), OURS.name).show(),
            one.beside[program].ratio(guest, OURS.name).show() if guest else "",
        ]
    return (*cells, one.compiling.ratio(OURS.name, LAST.name).show(), f"{one.memory:.2f}")


def details(found: Sequence[Measured]) -> Table:
    """One row per network and engine."""
    header = (
        "network: by",
        *(f"{program}, ms" for program in PROGRAMS),
        "compile, s",
        "asked, MiB",
        "held, MiB",
        "difference",
    )
    rows = tuple(_line(one, name) for one in found for name in one.alone)
    return Table("Whole networks in detail", header, rows, DETAILS)


def _line(one: Measured, name: str) -> tuple[str, ...]:
    races = [
        one.races[program] if name in one.races[program].seconds else one.beside[program]
        for program in PROGRAMS
    ]
    needs = one.alone[name]
    return (
        f"{one.network.name}: {name}",
        *(race.time(name).show(1e-3, 1) for race in races),
        "" if needs.compiling is None else f"{one.compiling.time(name).median:.1f}",
        "" if needs.asked is None else f"{needs.asked:.0f}",
        f"{needs.held:.0f}",
        f"{one.differences[name]:.1e}",
    )
