"""Kernels on R^n on grids: the equivariance error of the best radial functions beside Gaussian rings."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import numpy as np

import derive as dv
import kernels as kn
from benchmarks.report import Report, Table, Target

BANDS = (("3 pi/4", 3 * math.pi / 4), ("pi/2", math.pi / 2))
PLANE = tuple((k, m) for k in (3, 5, 7) for m in (1, 2, 3, 4))
SPACE = tuple((k, m) for k in (3, 5, 7) for m in (0, 1, 2, 3))
ASKED = {(k, m) for k in (5, 7) for m in (1, 2)}


def run(quick: bool = False) -> Report:
    """Tables in two and three dimensions, and how long the largest construction takes."""
    tables, targets = [], []
    for n, cases in ((2, PLANE), (3, SPACE)):
        for name, band in BANDS[:1] if quick else BANDS:
            table, asked = compare(n, name, band, cases[:6] if quick else cases)
            tables.append(table)
            targets += asked if n == 2 else []
    seconds = construction(4, 7)
    told = "scalars to degree 4, 7 x 7 x 7 taps, O(3): construction"
    targets.append(Target(told, "under 1 s", f"{seconds:.2f} s", seconds < 1))
    return Report(tuple(tables), tuple(targets))


def solution(n: int, degree: int) -> Any:
    """Scalars to one irreducible piece under SO(n)."""
    G = dv.special_orthogonal(n)
    E = dv.euclidean(n, G)
    return dv.solve(dv.Field(E), dv.Field(E, fibre=dv.irrep(G, degree)), support=dv.ball("R"), bias=False)


def compare(n: int, name: str, band: float, cases: Any) -> tuple[Table, list[Target]]:
    """Every window and degree: errors of combinations of kernels, and the least share in the band."""
    rows, targets = [], []
    for k, degree in cases:
        solved = solution(n, degree)
        best, rings = (_of(solved, k, band, radial) for radial in ("optimal", "rings"))
        rows.append((f"{k}, {degree}", *_shown(rings), *_shown(best)))
        if (k, degree) in ASKED and best and rings:
            many = min(len(best[0]), len(rings[0]))
            seen, other = best[0][many - 1], rings[0][many - 1]
            what = f"worst of {many} kernels, {k} taps, frequency {degree}, W = {name}, to Gaussian rings"
            targets.append(Target(what, "at most 1/2", f"{seen / other:.2f}", bool(seen <= other / 2)))
    note = (
        "Scalars to one piece under SO(n), W the band: the root of the share of waves |w| <= W that turn"
        " otherwise, by combination of kernels that do not interfere, one of every pair that a rotation of"
        " the output relates; then the least share of energy in the band that a combination has."
    )
    header = ("taps, degree", "Gaussian rings, %", "in the band", "optimal, %", "in the band")
    return Table(
        f"Equivariance error on grids in {n} dimensions, W = {name}", header, tuple(rows), note
    ), targets


def _of(solved: Any, k: int, band: float, radial: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Errors and shares, None where the window holds no kernel."""
    try:
        op = kn.lower(solved, window=k, band=band, radial=radial)
    except kn.WindowError:
        return None
    step = len(op.equivariance_error.pairs[0].sampling.families[0].which)
    return op.equivariance_error.combined()[0][::step], op.equivariance_error.pairs[0].shares[::step]


def _shown(found: tuple[np.ndarray, np.ndarray] | None) -> tuple[str, str]:
    if found is None:
        return "none", ""
    return ", ".join(f"{100 * e:.2g}" for e in found[0]), f"{found[1][0]:.2g}"


def construction(degree: int, k: int) -> float:
    """Seconds to lower, the solution known; the best of three."""
    G = dv.orthogonal(3)
    E = dv.euclidean(3, G)
    solved = dv.solve(dv.Field(E), dv.Field(E, fibre=dv.irreps(G, f"1x{degree}e")), support=dv.ball("R"))
    times = []
    for _ in range(3):
        start = perf_counter()
        kn.lower(solved, window=k)
        times.append(perf_counter() - start)
    return min(times)
