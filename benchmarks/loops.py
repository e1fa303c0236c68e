"""Both gradients in the bodies of loops, where XLA on CPU gives most convolutions to a naive loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.cases import Case
from benchmarks.contenders import FIRST, LAST, OURS, Function
from benchmarks.harness import Race, race
from benchmarks.programs import blocking
from benchmarks.report import Report, Table, Target

LAYERS = 4
FASTER = 10.0
CASE = Case("4x28x28, 64 to 64, k3", (28, 28), (3, 3), (64, 64), 4)


def run(quick: bool = False) -> Report:
    """The table of the suite."""
    table, target = in_loops(CASE, list(CONTEXTS)[:2] if quick else list(CONTEXTS), 1.0 if quick else 4.0)
    return Report((table,), (target,))


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


def in_loops(case: Case, contexts: list[str], budget: float) -> tuple[Table, Target]:
    """Both gradients, where they are computed in the body of a loop."""
    results = {name: _race(case, name, budget) for name in contexts}
    rivals = (LAST.name, FIRST.name)
    rows = tuple(
        (
            name,
            *(r.time(who).show(1e-3, 1) for who in r.seconds),
            *(r.ratio(n, OURS.name).show() for n in rivals),
        )
        for name, r in results.items()
    )
    header = ("where", *(f"{n}, ms" for n in (OURS.name, *rivals)), *(f"{n} / ours" for n in rivals))
    seen = {name: r.ratio(LAST.name, OURS.name).median for name, r in results.items()}
    scans = [ratio for name, ratio in seen.items() if "scan" in name]
    target = Target(
        f"gradients inside loop bodies against differentiating lax.conv there ({LAST.name}), {case.name}",
        f"at least {FASTER:.0f} times faster inside scan",
        ", ".join(
            f"{name.split()[-1] if 'body' in name else 'through scan'} {r:.1f}" for name, r in seen.items()
        ),
        min(scans) >= FASTER,
    )
    return Table(f"In loop bodies: {case.name}", header, rows), target


def _race(case: Case, context: str, budget: float) -> Race:
    x, kernel = case.arrays()
    calls = {}
    for who in (OURS, LAST, FIRST):
        conv, layers = who.make(case), jnp.stack([who.kernel(kernel)] * LAYERS)
        assert conv is not None
        calls[who.name] = blocking(jax.jit(CONTEXTS[context](conv)), who.image(x), layers).call
    return race(calls, budget, least=3)
