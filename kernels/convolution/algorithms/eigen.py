"""XLA's convolution in a form that XLA on CPU computes with Eigen where it would take YNNPACK.

    y[p] = sum_j kernel[j] z[2 s p + 2 e j - 2 low],    z[2 q] = x[q], z[2 q + 1] = 0

along the last axis, s and e being the strides and rhs_dilation: none of the zeros is read. XLA gives
two-dimensional convolutions in the canonical layout to YNNPACK, but not those with zeros between the sites of
the image, and for many channels Eigen is up to three times as fast.

Source: the conditions are in openxla/xla, `xla/backends/cpu/ynn_support.cc`.
"""

from __future__ import annotations

from typing import Any

import jax

from kernels.convolution.algorithms import grouped, xla
from kernels.convolution.choice import in_effect
from kernels.convolution.choice.thresholds import Thresholds
from kernels.convolution.work import Work, work_of

STEPS = ("strides", "lhs_dilation", "rhs_dilation")


def _dense(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """Every step and border along the last axis twice as long."""
    *pads, (lo, hi) = options["padding"]
    twice = {name: (*options[name][:-1], 2 * options[name][-1]) for name in STEPS}
    return xla.compute(x, kernel, groups=1, **options | twice | {"padding": (*pads, (2 * lo, 2 * hi))})


compute = grouped.each(_dense)


def pays(work: Work, t: Thresholds) -> bool:
    """Where XLA would take YNNPACK and there is enough to do, of many samples and channels.

    The images have a few thousand sites at most. In a kernel adjoint samples are channels, and channels the
    batch.
    """
    if work.symbolic or work.rank != 2 or work.groups > 1 or work.dtype == "float64":
        return False
    if (
        max(work.lhs_dilation) > 1
        or max(work.inputs, work.outputs) <= 16
        or any(m > n for m, n in zip(work.out, work.image, strict=True))
    ):
        return False  # XLA does not give these to YNNPACK
    if work.adjoint:
        many = work.inputs >= 8 and min(work.batch, work.outputs) >= t.eigen_adjoint_channels
        return many and work.inputs * work.taps * work.batch * work.outputs >= t.eigen_adjoint_products
    if work.batch < 2 or min(work.inputs, work.outputs) < 16 or work.sites > t.eigen_sites:
        return False
    least = t.eigen_products if max(work.strides) == 1 else t.eigen_strided_products
    return work.batch * work.sites * work.taps * work.inputs * work.outputs >= least


def best(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """XLA's convolution, in this form where it pays."""
    on_cpu = work_of(x, kernel, "cpu", options)
    return (compute if pays(on_cpu, in_effect.read().thresholds) else xla.compute)(x, kernel, **options)
