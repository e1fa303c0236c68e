"""What is left of a convolution when there is nothing to compute: the call, and what it costs to compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

import derive as dv
import kernels as kn
from benchmarks import programs
from benchmarks.cases import CASES, QUICK, Case
from benchmarks.contenders import LAST, OURS, Contender, lax_conv, library
from benchmarks.harness import Race, race
from benchmarks.programs import OUTSIDE, STEP, Compiled, Operands, blocking
from benchmarks.ratios import precision
from benchmarks.report import Report, Table, Target
from benchmarks.tried import TRIED

TINY = Case("1x4x4, 1 to 1, k3", (4, 4), (3, 3), (1, 1), 1)
OVERHEAD, COMPILING = 1.1, 1.5
NEAR = 1.4
BARE = "jit of lax"
CALL = "call overhead, to a bare jitted lax.conv"
COMPILE = f"compiling a training step against {LAST.name}"


def run(quick: bool = False) -> Report:
    """All tables of the suite."""
    calls, overhead = per_call(TINY, 0.5 if quick else 4.0)
    compiled, seconds = compiling(QUICK if quick else CASES)
    return Report((calls, compiled), (overhead, seconds))


# ---- the call -------------------------------------------------------------------------------------------


def per_call(case: Case, budget: float) -> tuple[Table, Target]:
    """A convolution so small that only the call is left."""
    x, kernel = case.arrays()
    ours, theirs, lowered = library(case), lax_conv(case), _lowered()
    weights = lowered.init(jax.random.key(0))
    functions: Mapping[str, Compiled] = {
        BARE: blocking(jax.jit(theirs), x, kernel),
        "lowered op": blocking(lowered, weights, x),
        "jit of kn.conv": blocking(jax.jit(ours), x, kernel),
        "kn.conv, called bare": blocking(ours, x, kernel),
        "lax, called bare": blocking(theirs, x, kernel),
    }
    result = race({name: f.call for name, f in functions.items()}, budget)
    rows = tuple(
        (n, result.time(n).show(1e-6, 1), result.ratio(n, BARE).show(), f"{result.fastest(n, BARE):.2f}")
        for n in functions
    )
    table = Table(f"Per call: {case.name}", ("call", "us", f"to {BARE}", "of the fastest"), rows)
    fastest = {name: result.fastest(name, BARE) for name in ("lowered op", "jit of kn.conv")}
    seen = "in the fastest rounds: " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in fastest.items())
    asked, reached = f"at most {OVERHEAD} times", max(fastest.values()) <= OVERHEAD
    return table, Target(CALL, asked, seen, reached, TRIED.get(CALL, ""))


def _lowered() -> Any:
    """The lowered op of the same convolution."""
    group = dv.translations(2)
    x, y = (dv.Field(group, channels=1, name=name) for name in "xy")
    return kn.lower(dv.solve(x, y, support=dv.box(1), bias=False))


# ---- compiling ------------------------------------------------------------------------------------------


def compiling(cases: Iterable[Case]) -> tuple[Table, Target]:
    """Tracing and compiling a training step, and the temporary memory of what comes out."""
    results = {case.name: _compile(case) for case in cases}
    ratios = {name: r.ratio(OURS.name, LAST.name) for name, (r, _) in results.items()}
    rows = tuple(
        (
            name,
            *(result.time(who).show(1e-3, 0) for who in (OURS.name, LAST.name)),
            ratios[name].show(),
            *(f"{memory[who] / 2**20:.1f}" for who in (OURS.name, LAST.name)),
            f"{memory[OURS.name] / max(memory[LAST.name], 1):.2f}",
        )
        for name, (result, memory) in sorted(results.items(), key=lambda item: -ratios[item[0]].median)
    )
    header = (
        "training step",
        "ours, ms",
        "lax NHWC, ms",
        "ours / lax",
        "ours, MiB",
        "lax NHWC, MiB",
        "ours / lax",
    )
    note = (
        "Milliseconds to trace and compile, JAX's caches cleared each time; then the temporary memory that"
        " the compiled program asks for (`memory_analysis`, exact and the same every time: arguments and"
        " results are not in it, nor what XLA's kernels take for themselves while they run)."
    )
    table = Table("Compiling, and memory", header, rows, note)
    return table, _slowest({name: ratio.median for name, ratio in ratios.items()})


def _slowest(ratios: Mapping[str, float]) -> Target:
    over = {name: r for name, r in sorted(ratios.items(), key=lambda item: -item[1]) if r > COMPILING}
    listed = "; ".join(f"{name} {ratio:.1f}" for name, ratio in over.items())
    seen = f"at most {max(ratios.values()):.1f} times" + (f"; over it: {listed}" if over else "")
    asked = f"at most {COMPILING} times"
    return Target(COMPILE, asked, seen, not over, TRIED.get(COMPILE, ""))


def _compile(case: Case) -> tuple[Race, dict[str, int]]:
    """Seconds and bytes of each; a ratio that is near what was asked for is measured twice more."""
    with precision(case):
        operands = Operands.of(case, library(case))
        makers = {who.name: _program(who, case, operands) for who in (OURS, LAST)}
        rounds = [programs.compile_all(makers)]
        once = rounds[0][OURS.name].seconds / rounds[0][LAST.name].seconds
        if COMPILING / NEAR < once < COMPILING * NEAR:
            rounds += [programs.compile_all(makers) for _ in range(2)]
    seconds = {name: [done[name].seconds for done in rounds] for name in makers}
    return Race(seconds), {name: rounds[0][name].temporary for name in makers}


def _program(who: Contender, case: Case, operands: Operands) -> Callable[[], Compiled]:
    conv = who.make(case)
    assert conv is not None
    return lambda: programs.build(who, conv, STEP, OUTSIDE, operands)
