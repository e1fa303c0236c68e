"""How far the computed numbers are from float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import numpy as np

from benchmarks.cases import CASES, QUICK, Case
from benchmarks.contenders import LAST, OURS, Function, lax_conv, library
from benchmarks.oracle import Index, Oracle, sample
from benchmarks.programs import FORWARD, INPUT, KERNEL, Operands, directions
from benchmarks.ratios import precision
from benchmarks.report import Report, Table, Target
from benchmarks.tried import TRIED

TOLERANCES = {"float32": 1e-5, "bfloat16": 2e-2, "float64": 1e-12}
ENTRIES = 96
DIRECTIONS = (FORWARD, INPUT, KERNEL)
WHO = (OURS.name, LAST.name)
WHAT = "numbers against float64, relative to the norm"
NOTE = (
    f"Norm of the error over norm of the right values, at corners and random entries, {ENTRIES} in all, of a"
    f" kernel {ENTRIES // 4}; the right values are sums written out in float64 with NumPy. An FFT spreads its"
    " error evenly: relative to the norm of the whole result it grows like eps log2(n), 2e-6 for 10^6 sites"
    " in float32."
)


def run(quick: bool = False) -> Report:
    """The table of the suite."""
    table, target = numbers(QUICK if quick else CASES)
    return Report((table,), (target,))


def numbers(cases: Iterable[Case]) -> tuple[Table, Target]:
    """Every case and direction of both, against the definition in float64."""
    rows, over = [], []
    for case in cases:
        found, tolerance = errors(case), TOLERANCES[case.dtype]
        over += [
            f"{case.name}: {direction} {error:.1e} (lax {found[LAST.name][direction]:.1e})"
            for direction, error in found[OURS.name].items()
            if not error <= tolerance
        ]
        cells = (f"{found[who][d]:.1e}" for who in WHO for d in DIRECTIONS)
        rows.append((case.name, *cells, f"{tolerance:.0e}"))
    header = ("case", *(f"{who}: {d}" for who in WHO for d in DIRECTIONS), "tolerance")
    asked = ", ".join(f"{name} {bound:.0e}" for name, bound in TOLERANCES.items())
    seen = f"beyond it: {'; '.join(over)}" if over else f"all {3 * len(rows)} within"
    target = Target(WHAT, asked, seen, not over, TRIED.get(WHAT, ""))
    return Table("Numbers", header, tuple(rows), NOTE), target


def errors(case: Case) -> dict[str, dict[str, float]]:
    """The relative error of each direction, this library's and lax's."""
    with precision(case):
        conv = library(case)
        operands = Operands.of(case, conv)
        found = {OURS.name: _values(conv, operands), LAST.name: _values(lax_conv(case), operands)}
    x, kernel, ybar = (np.asarray(a, np.float64) for a in operands.laid_out(OURS))
    right = entries(case, Oracle.of(case, x, kernel, ybar), kernel)
    shapes = {direction: value.shape for direction, value in found[OURS.name].items()}
    where = {d: sample(shape, ENTRIES // 4 if d == KERNEL else ENTRIES) for d, shape in shapes.items()}
    exact = {d: np.array([right[d](at) for at in where[d]]) for d in DIRECTIONS}
    return {
        who: {d: _error(np.array([values[d][at] for at in where[d]]), exact[d]) for d in DIRECTIONS}
        for who, values in found.items()
    }


def _values(conv: Function, operands: Operands) -> dict[str, Any]:
    every = directions(conv)
    together = jax.jit(lambda *args: {direction: every[direction](*args) for direction in DIRECTIONS})
    found = together(*operands.laid_out(OURS))
    return {direction: np.asarray(value, np.float64) for direction, value in found.items()}


def _error(found: Any, right: Any) -> float:
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


def entries(case: Case, oracle: Oracle, kernel: Any) -> dict[str, Callable[[Index], float]]:
    """What computes one entry of each direction."""
    by_name: dict[str, Callable[[Index], float]]
    by_name = {FORWARD: oracle.forward, INPUT: oracle.input_adjoint, KERNEL: oracle.kernel_adjoint}
    if case.kind == "transposed":
        return {**by_name, FORWARD: oracle.input_adjoint, INPUT: oracle.forward}
    if case.kind == "separable":
        return {**by_name, KERNEL: partial(_factor, oracle, np.ravel(kernel), case.size[0])}
    return by_name


def _factor(oracle: Oracle, factors: Any, height: int, at: Index) -> float:
    """The adjoint by an entry of one factor: the other factor against the adjoint by their product."""
    tap = at[0]
    if tap < height:
        taps = [((tap, b, 0, 0), weight) for b, weight in enumerate(factors[height:])]
    else:
        taps = [((a, tap - height, 0, 0), weight) for a, weight in enumerate(factors[:height])]
    return sum(weight * oracle.kernel_adjoint(where) for where, weight in taps)
