"""XLA's convolution, in two forms that XLA on CPU computes with Eigen where it would take YNNPACK.

    y[p] = sum_j kernel[j] x[s p + e j - low],    a few sites p more than are wanted, dropped afterwards
    y[p] = sum_j kernel[j] z[2 s p + 2 e j - 2 low],    z[2 q] = x[q], z[2 q + 1] = 0

along one axis, s and e being the strides and rhs_dilation. XLA gives two-dimensional convolutions in the
canonical layout to YNNPACK, but not those whose output is longer than their image, nor those with zeros
between the sites of the image. The first form costs the sites that are dropped; of the zeros of the second
none is read, but Eigen then goes entry by entry over the channels, so it is for the kernel adjoint, whose
channels are the few samples.

Source: the conditions are in openxla/xla, `xla/backends/cpu/ynn_support.cc`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from kernels.convolution import grouped, xla
from kernels.convolution.work import Work, work_of

STEPS = ("strides", "lhs_dilation", "rhs_dilation")


def _dense(x: jax.Array, kernel: jax.Array, *, out: Sequence[int], **options: Any) -> jax.Array:
    """The second form where the kernel is the larger side, the first elsewhere."""
    if math.prod(kernel.shape[:-2]) > math.prod(out):
        return xla.compute(x, kernel, out=out, groups=1, **_spread(**options))
    axis, rest = surplus(x.shape[1:-1], out)
    padding = list(options.pop("padding"))
    low, high = padding[axis]
    padding[axis] = (low, high + rest * options["strides"][axis])
    y = xla.compute(x, kernel, out=out, groups=1, padding=padding, **options)
    return lax.slice_in_dim(y, 0, out[axis], axis=1 + axis)


compute = grouped.each(_dense)


def pays(work: Work) -> bool:
    """Where one of the forms was seen to be faster than what XLA does by itself.

    The first with a few samples, many channels into up to 96, and an output that leaves a cache but not for
    long; the second with many samples and many channels on both sides.
    """
    if work.rank != 2 or work.groups > 1 or max(work.lhs_dilation) > 1 or work.dtype == "float64":
        return False
    if work.adjoint:
        many = work.inputs >= 8 and min(work.batch, work.outputs) >= 64
        return many and work.inputs * work.taps * work.batch * work.outputs >= 1 << 24
    axis, rest = surplus(work.image, work.out)
    if work.taps == 1 or max(work.strides) > 1 or not 0 < 8 * rest <= work.out[axis]:
        return False
    sites = work.batch * work.sites
    many = work.batch >= 3 and work.inputs >= 64 and 32 <= work.outputs <= 96
    return many and sites >= 5000 and sites * work.outputs <= 1 << 22


def best(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """XLA's convolution, in one of these forms where that pays."""
    on_cpu = work_of(x, kernel, "cpu", options)
    return (compute if pays(on_cpu) else xla.compute)(x, kernel, **options)


def surplus(image: Sequence[int], out: Sequence[int]) -> tuple[int, int]:
    """The axis along which the output needs the fewest sites to be longer than the image, and how many.

    >>> surplus((28, 56), (28, 56)), surplus((28, 28), (26, 28)), surplus((28,), (30,))
    ((1, 1), (1, 1), (0, 0))
    """
    lacks = [max(0, n + 1 - m) for n, m in zip(image, out, strict=True)]
    axis = min(range(len(out)), key=lambda a: lacks[a] / out[a])
    return axis, lacks[axis]


def _spread(**options: Any) -> dict[str, Any]:
    """Every step and border along the last axis twice as long."""
    *pads, (lo, hi) = options["padding"]
    twice = {name: (*options[name][:-1], 2 * options[name][-1]) for name in STEPS}
    return options | twice | {"padding": (*pads, (2 * lo, 2 * hi))}
