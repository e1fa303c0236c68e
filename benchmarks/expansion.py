"""What it costs to expand the free weights of a group convolution into its kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

import derive as dv
import kernels as kn
from benchmarks.harness import Race, race
from benchmarks.programs import FORWARD, STEP, blocking, directions
from benchmarks.report import Report, Table, Target
from benchmarks.tried import TRIED

ASKED = 1.05
SHAPES = ((8, 56, 8), (8, 28, 16), (8, 14, 32))  # images, their side, copies of the regular fibre
OURS, PLAIN = "group convolution", "plain convolution"


def run(quick: bool = False) -> Report:
    """The table of the suite."""
    table, target = compare(SHAPES[1:2] if quick else SHAPES, 1.0 if quick else 4.0)
    return Report((table,), (target,))


def compare(shapes: Iterable[tuple[int, int, int]], budget: float) -> tuple[Table, Target]:
    """p4m, regular to regular, 3x3, beside `kn.conv` with a kernel of the expanded shape."""
    rows, worst = [], 0.0
    for batch, side, copies in shapes:
        for direction in (FORWARD, STEP):
            result = _race(group_convolution(copies), (batch, side, side, 8 * copies), direction, budget)
            ratio = result.ratio(OURS, PLAIN)
            worst = max(worst, ratio.median)
            name = f"{batch}x{side}x{side}, {copies} to {copies} regular fibres, k3: {direction}"
            times = (result.time(who).show(1e-3) for who in (OURS, PLAIN))
            rows.append((name, *times, ratio.show(), f"{result.fastest(OURS, PLAIN):.2f}"))
    header = ("p4m", f"{OURS}, ms", f"{PLAIN}, ms", "ratio", "of the fastest")
    note = (
        "`kn.lower` of the solution with its free weights against `kn.conv` with as many channels and a free"
        " kernel; a step holds the gradient by the weights, or by the kernel, and by the image. Lower is"
        " better."
    )
    what = "a p4m group convolution, training step included, to the plain one of the expanded shape"
    target = Target(
        what, f"at most {ASKED} times", f"at most {worst:.2f}", worst <= ASKED, TRIED.get(what, "")
    )
    return Table("Group convolutions beside plain ones", header, tuple(rows), note), target


def group_convolution(copies: int) -> Any:
    """The lowered 3x3 convolution between copies of the regular fibre of p4m."""
    group = dv.wallpaper("p4m")
    x, y = (dv.Field(group, fibre=copies * dv.regular(group.point), name=name) for name in "xy")
    return kn.lower(dv.solve(x, y, support=dv.box(1), bias=False))


def _race(op: Any, shape: tuple[int, ...], direction: str, budget: float) -> Race:
    x = jax.random.normal(jax.random.key(1), shape)
    weights = op.init(jax.random.key(0))
    kernel = jnp.asarray(op.kernel(weights))
    expanded = jax.jit(directions(lambda x, w: op(w, x))[direction])
    plain = jax.jit(directions(lambda x, k: kn.conv(x, k))[direction])
    calls = {OURS: blocking(expanded, x, weights, x).call, PLAIN: blocking(plain, x, kernel, x).call}
    return race(calls, budget, least=7)
