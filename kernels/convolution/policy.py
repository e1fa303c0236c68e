"""Which implementation computes a convolution, and why.

Each implementation is one file with one function of one signature,

    compute(x, kernel, *, out, strides, padding, lhs_dilation, rhs_dilation, groups, precision) -> y

in the canonical layout of ``primitive.py``, `out` being the spatial shape of y. A rule looks at shapes and
options only, never at values, so the choice is made once, when a convolution is lowered for a platform, and
anew for each adjoint, whose shapes are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from kernels.convolution import grouped, shifted, xla

Compute = Callable[..., jax.Array]

IMPLEMENTATIONS: tuple[tuple[str, Compute], ...] = (
    ("xla", xla.compute),
    ("shifted", shifted.compute),
    ("grouped", grouped.compute),
)
NAMES = ("auto", *(name for name, _ in IMPLEMENTATIONS))
UNROLLED = 32  # the most terms or groups written out one by one: compiling more takes longer than it saves


class Work(NamedTuple):
    """What a rule may look at: the platform, the spatial rank, and the sizes, channels counted per group."""

    platform: str | None
    rank: int
    groups: int
    batch: int
    inputs: int
    outputs: int
    taps: int
    sites: int

    @property
    def terms(self) -> int:
        """The terms of `shifted`, which goes over taps or over output sites."""
        return min(self.taps * self.inputs, self.sites * self.batch * self.outputs)


def _grouped_on_cpu(work: Work) -> bool:
    return work.platform == "cpu" and work.groups > 1


# (name, when, why): the first rule that holds wins. Measured by `python -m benchmarks convolution`.
RULES: tuple[tuple[str, Callable[[Work], bool], str], ...] = (
    (
        "shifted",
        lambda work: _grouped_on_cpu(work) and work.terms <= UNROLLED,
        "with few channels per group there is no matrix product to gain, and XLA on CPU goes entry by entry",
    ),
    (
        "shifted",
        lambda work: (
            work.platform == "cpu" and work.inputs == 1 and work.outputs <= 16 and work.taps <= UNROLLED
        ),
        "one channel into a few is memory traffic: one pass over the image",
    ),
    (
        "grouped",
        lambda work: _grouped_on_cpu(work) and work.groups <= UNROLLED and work.rank <= 2,
        "XLA on CPU has a fast kernel for dense convolutions in one and two dimensions, none for groups",
    ),
    (
        "xla",
        lambda work: True,
        "XLA's own convolution is near its best in the canonical layout",
    ),
)


def choose(x: Any, kernel: Any, platform: str | None = None, **options: Any) -> str:
    """The name of the implementation that "auto" stands for, given two shaped operands.

    >>> import jax.numpy as jnp
    >>> x, depthwise = jnp.zeros((1, 8, 8, 64)), jnp.zeros((3, 3, 1, 64))
    >>> [choose(x, depthwise, platform, out=(8, 8), groups=64) for platform in ("cpu", "cuda")]
    ['shifted', 'xla']
    """
    sizes = (*x.shape, *kernel.shape, *options["out"])
    if not all(isinstance(n, int) for n in sizes):
        return "xla"  # symbolic sizes of jax.export: there is nothing to compare
    groups = options["groups"]
    *window, inputs, outputs = kernel.shape
    counts = (x.shape[0], inputs, outputs // groups, math.prod(window), math.prod(options["out"]))
    work = Work(platform, len(window), groups, *counts)
    return next(name for name, when, _ in RULES if when(work))


def compute(
    x: jax.Array, kernel: jax.Array, *, implementation: str, platform: str | None, **options: Any
) -> jax.Array:
    """The convolution by the implementation named, or by the one that the rules choose."""
    name = choose(x, kernel, platform, **options) if implementation == "auto" else implementation
    return dict(IMPLEMENTATIONS)[name](x, kernel, **options)
