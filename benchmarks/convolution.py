"""What `kn.conv` costs beside lax's convolution: outside loops, in loop bodies, per call, to compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.contenders import (
    Case,
    Function,
    blocking,
    channels_first,
    directions,
    lax_conv,
    library,
    program,
)
from benchmarks.harness import Race, Spread, race
from benchmarks.report import Report, Table, Target

OURS, LAST, FIRST = "kn.conv", "lax NHWC", "lax NCHW"
TOLERANCE = 1.05
INSIDE = 10.0

DENSE = (
    Case("8x56x56, 64 to 64, k3", (56, 56), (3, 3), (64, 64)),
    Case("8x28x28, 128 to 128, k3", (28, 28), (3, 3), (128, 128)),
    Case("8x14x14, 256 to 256, k3", (14, 14), (3, 3), (256, 256)),
    Case("8x56x56, 64 to 128, k3, stride 2", (56, 56), (3, 3), (64, 128), options={"strides": 2}),
    Case("8x56x56, 64 to 64, k3, dilation 2", (56, 56), (3, 3), (64, 64), options={"dilation": 2}),
    Case("4x112x112, 3 to 64, k7, stride 2", (112, 112), (7, 7), (3, 64), 4, {"strides": 2}),
    Case("8x28x28, 64 to 64, k3, VALID", (28, 28), (3, 3), (64, 64), options={"padding": "VALID"}),
    Case("1x128x128, 32 to 32, k5", (128, 128), (5, 5), (32, 32), 1),
    Case("8x56x56, 64 to 256, k1", (56, 56), (1, 1), (64, 256)),
    Case("16x1024, 64 to 64, k5", (1024,), (5,), (64, 64), 16),
    Case("1x32x32x32, 16 to 16, k3", (32, 32, 32), (3, 3, 3), (16, 16), 1),
)
SPARSE = (
    Case("8x56x56, depthwise 64, k3", (56, 56), (3, 3), (64, 64), options={"groups": 64}),
    Case("8x14x14, depthwise 256, k3", (14, 14), (3, 3), (256, 256), options={"groups": 256}),
    Case(
        "8x56x56, depthwise 64, k3, stride 2",
        (56, 56),
        (3, 3),
        (64, 64),
        options={"groups": 64, "strides": 2},
    ),
    Case("8x28x28, 64 to 64, k3, 4 groups", (28, 28), (3, 3), (64, 64), options={"groups": 4}),
    Case("8x28x28, 64 to 64, k3, 8 groups", (28, 28), (3, 3), (64, 64), options={"groups": 8}),
    Case("1x512x512, 1 to 1, k3", (512, 512), (3, 3), (1, 1), 1),
    Case("8x1024, depthwise 64, k5", (1024,), (5,), (64, 64), options={"groups": 64}),
)
LOOP = Case("4x28x28, 64 to 64, k3", (28, 28), (3, 3), (64, 64), 4)
TINY = Case("1x4x4, 1 to 1, k3", (4, 4), (3, 3), (1, 1), 1)


def run(quick: bool = False) -> Report:
    """All tables of the suite."""
    budget = 0.4 if quick else 3.0
    dense, target = compare("Dense convolutions, outside loops", DENSE[:3] if quick else DENSE, budget)
    title = "Grouped, depthwise and one-channel convolutions"
    sparse, _ = compare(title, SPARSE[::3] if quick else SPARSE, budget)
    loops, inside = in_loops(LOOP, quick)
    calls, over = per_call(TINY, quick)
    cases = (DENSE[0], SPARSE[0], SPARSE[3])
    compiled, compile_time = compiling(cases, quick)
    return Report((dense, sparse, loops, calls, compiled), (target, inside, over, compile_time))


# ---- outside loops --------------------------------------------------------------------------------------


def compare(title: str, cases: Iterable[Case], budget: float) -> tuple[Table, Target]:
    """Forward and both gradients of every case, against both of lax's layouts."""
    rows, slowdowns = [], {}
    for case in cases:
        x, kernel = case.arrays()
        rivals = {
            OURS: directions(library(case), x, kernel),
            LAST: directions(lax_conv(case), x, kernel),
            FIRST: directions(lax_conv(case, channels_last=False), *channels_first(x, kernel)),
        }
        for direction in rivals[OURS]:
            result = race({n: r[direction].call for n, r in rivals.items()}, budget)
            same = program(rivals[OURS][direction]) == program(rivals[LAST][direction])
            slowdown = min(result.ratio(OURS, LAST).median, result.fastest(OURS, LAST))
            slowdowns[f"{case.name}, {direction}"] = 1.0 if same else slowdown
            rows.append((f"{case.name}: {direction}", *_times(result), "yes" if same else "no"))
    header = ("case", *_columns("ms"), "same program")
    note = (
        "Medians with quartiles; a ratio above 1 means that `kn.conv` is faster. `fastest`: the ratio of the"
        " fastest rounds, which other work on the machine disturbs least. `same program`: XLA compiled both"
        f" `kn.conv` and {LAST} to the same instructions, so that a ratio other than 1 is noise."
    )
    worst = max(slowdowns.values())
    equal = sum(row[-1] == "yes" for row in rows)
    target = Target(
        f"`kn.conv` at dense sizes against `lax.conv_general_dilated` ({LAST}), forward and both gradients",
        "within 5%",
        f"{equal} of {len(rows)} compile to the same program; the others take at most {worst:.2f} times its"
        " time (the lower of median and fastest)",
        worst <= TOLERANCE,
    )
    return Table(title, header, tuple(rows), note), target


def _columns(unit: str) -> tuple[str, ...]:
    times = (f"{name}, {unit}" for name in (OURS, LAST, FIRST))
    return (*times, f"{LAST} / ours", "fastest", f"{FIRST} / ours", "fastest")


def _times(result: Race, unit: float = 1e-3) -> tuple[str, ...]:
    digits = 2 if result.time(OURS).median < 10 * unit else 1
    times = (result.time(name).show(unit, digits) for name in (OURS, LAST, FIRST))
    ratios = ((result.ratio(n, OURS).show(), f"{result.fastest(n, OURS):.2f}") for n in (LAST, FIRST))
    return (*times, *(cell for pair in ratios for cell in pair))


# ---- in loop bodies -------------------------------------------------------------------------------------

LAYERS = 4


def _through_scan(conv: Function) -> Callable[..., Any]:
    """Reverse mode through a scan over the layers of a network."""

    def loss(x: jax.Array, kernels: jax.Array) -> jax.Array:
        return jnp.sum(lax.scan(lambda h, k: (conv(h, k), None), x, kernels)[0] ** 2)

    return jax.grad(loss, (0, 1))


def _inside(loop: str) -> Callable[[Function], Callable[..., Any]]:
    """A gradient taken in the body of a loop, `LAYERS` times over: training steps."""

    def make(conv: Function) -> Callable[..., Any]:
        gradients = jax.grad(lambda x, k: jnp.sum(conv(x, k) ** 2), (0, 1))

        def step(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
            dx, dk = gradients(x, kernel)
            return x - 1e-6 * dx, kernel - 1e-6 * dk

        return lambda x, kernels: LOOPS[loop](step, x, kernels)

    return make


LOOPS: dict[str, Callable[..., Any]] = {
    "scan": lambda step, x, ks: lax.scan(lambda c, _: (step(*c), None), (x, ks[0]), None, LAYERS)[0],
    "while": lambda step, x, ks: lax.while_loop(
        lambda c: c[0] < LAYERS, lambda c: (c[0] + 1, *step(*c[1:])), (0, x, ks[0])
    ),
    "cond": lambda step, x, ks: lax.cond(x[(0,) * x.ndim] > -1e9, step, lambda *c: c, x, ks[0]),
    "map": lambda step, x, ks: lax.map(lambda k: step(x, k), ks),
}
CONTEXTS = {
    "gradient of a scan over 4 layers": _through_scan,
    **{f"gradient inside the body of {name}": _inside(name) for name in LOOPS},
}


def in_loops(case: Case, quick: bool) -> tuple[Table, Target]:
    """Both gradients, where they are computed in the body of a loop."""
    x, kernel = case.arrays()
    kernels = jnp.stack([kernel / kernel.size**0.5] * LAYERS)
    other = jnp.moveaxis(x, -1, 1), jnp.moveaxis(kernels, (-1, -2), (1, 2))
    rows, ratios = [], []
    for name in list(CONTEXTS)[:2] if quick else CONTEXTS:
        calls = {
            OURS: blocking(jax.jit(CONTEXTS[name](library(case))), x, kernels),
            LAST: blocking(jax.jit(CONTEXTS[name](lax_conv(case))), x, kernels),
            FIRST: blocking(jax.jit(CONTEXTS[name](lax_conv(case, channels_last=False))), *other),
        }
        result = race({n: c.call for n, c in calls.items()}, 2.0 if quick else 8.0)
        rows.append((name, *_times(result)))
        ratios.append(result.ratio(LAST, OURS).median)
    table = Table(f"In loop bodies: {case.name}", ("where", *_columns("ms")), tuple(rows))
    target = Target(
        f"gradients inside loop bodies against differentiating lax.conv there ({LAST})",
        f"at least {INSIDE:.0f} times faster inside scan",
        f"scan {min(ratios[:2]):.1f} times or more, others {min(ratios[2:], default=ratios[-1]):.1f} or more",
        min(ratios[:2]) >= INSIDE,
    )
    return table, target


# ---- per call -------------------------------------------------------------------------------------------

OVERHEAD = 1.1
COMPILING = 1.5


def per_call(case: Case, quick: bool) -> tuple[Table, Target]:
    """A convolution so small that only the call is left."""
    x, kernel = case.arrays()
    ours, theirs = library(case), lax_conv(case)
    functions: Mapping[str, Callable[..., Any]] = {
        "jit of kn.conv": jax.jit(ours),
        "jit of lax": jax.jit(theirs),
        "kn.conv, called bare": ours,
        "lax, called bare": theirs,
    }
    result = race({n: blocking(f, x, kernel).call for n, f in functions.items()}, 1.0 if quick else 5.0)
    rows = tuple((name, result.time(name).show(1e-6, 1)) for name in functions)
    ratio = result.ratio("jit of kn.conv", "jit of lax")
    table = Table(
        f"Per call: {case.name}", ("call", "us"), (*rows, ("jit of kn.conv / jit of lax", ratio.show()))
    )
    seen = f"{ratio.median:.2f} times"
    return table, Target(
        "call overhead of a jitted `kn.conv` against a jitted lax.conv",
        "at most 1.1 times",
        seen,
        ratio.median <= OVERHEAD,
    )


def compiling(cases: Iterable[Case], quick: bool) -> tuple[Table, Target]:
    """Tracing and compiling a training step: value and both gradients."""
    rows, worst = [], 0.0
    for case in cases:
        x, kernel = case.arrays()

        def build(conv: Function, x: jax.Array = x, kernel: jax.Array = kernel) -> Callable[[], object]:
            def fresh() -> object:
                step = jax.value_and_grad(lambda x, k: jnp.sum(conv(x, k) ** 2), (0, 1))
                return jax.jit(lambda x, k: step(x, k)).lower(x, kernel).compile()

            return fresh

        calls = {OURS: build(library(case)), LAST: build(lax_conv(case))}
        result = race(calls, 0.5 if quick else 3.0, least=3)
        times: list[Spread] = [result.time(name) for name in calls]
        ratio = result.ratio(OURS, LAST)
        worst = max(worst, ratio.median)
        rows.append((case.name, *(t.show(1e-3, 0) for t in times), ratio.show()))
    header = ("training step", f"{OURS}, ms", f"{LAST}, ms", f"ours / {LAST}")
    target = Target(
        f"compiling a training step against {LAST}",
        f"at most {COMPILING} times",
        f"at most {worst:.1f} times",
        worst <= COMPILING,
    )
    return Table("Compiling", header, tuple(rows)), target
