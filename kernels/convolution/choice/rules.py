"""Which implementation computes a convolution, and why.

A rule looks at shapes and options only, never at values, so the choice is made once, when a convolution is
lowered for a platform, and anew for each adjoint, whose shapes are its own. Nothing here knows whether a
convolution is in a loop body: an implementation is chosen only where it wins in both places.

Numbers in the rules are crossings seen on a two-core CPU over a grid of shapes. Where nothing was measured,
which is everywhere but on CPU, XLA's convolution stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from kernels.convolution.algorithms import eigen, pieces, registry
from kernels.convolution.algorithms.shifted import UNROLLED
from kernels.convolution.choice.table import Policy
from kernels.convolution.work import Work

NAMES = ("auto", "lax", *registry.NAMES)


class Rule(NamedTuple):
    """On CPU, `name` where `when` holds; the first rule that holds wins."""

    name: str
    when: Callable[[Work], bool]
    why: str


class Choice(NamedTuple):
    """A name, and the reason for it."""

    name: str
    why: str


def _one_product(work: Work) -> bool:
    """An output of one site, or a window of one with enough channels and nothing to skip."""
    if work.groups > 1 or max(work.lhs_dilation) > 1:
        return False
    return work.sites == 1 or (work.taps == 1 and max(work.strides) == 1 and work.inputs >= 16)


def _few_per_group(work: Work) -> bool:
    """What `shifted` writes out: the taps of a row of the kernel, or the output sites of a row."""
    if work.adjoint:
        many = work.groups >= 8 and max(work.batch, work.outputs) <= 8 and work.sites <= 9
        return (many or work.batch * work.outputs <= 4) and work.out[-1] <= UNROLLED
    if work.taps == 1:
        return work.inputs <= 16
    few = work.inputs <= 8 and work.inputs * work.outputs <= 64
    return few and work.inputs * work.taps // work.window[0] <= UNROLLED


def _few_channels(work: Work) -> bool:
    """Few pairs of channels; in a kernel adjoint the batch stands for the input channels."""
    return work.groups == 1 and (work.batch if work.adjoint else work.inputs) * work.outputs <= 16


def _few_terms(work: Work) -> bool:
    """Few pairs of channels and few taps; in a kernel adjoint few samples too, whose rows are looped over.

    There every tap of a row is a running sum: in one dimension XLA's own is faster from nine of them on.
    """
    if not _few_channels(work):
        return False
    if work.adjoint:
        return work.inputs <= 8 and work.out[-1] <= (8 if work.rank == 1 else UNROLLED)
    return work.inputs * work.taps <= UNROLLED


def _large_window(work: Work) -> bool:
    """Where transforms win: over running sums in a kernel adjoint, elsewhere over blocks of sites."""
    blocks = 441 if work.inputs <= 2 else 225
    least = {1: 256, 2: 49 if work.adjoint else blocks}
    return work.rank in least and math.prod(work.short) >= least[work.rank]


def _long_row(work: Work) -> bool:
    """A kernel adjoint of few channels whose kernel is one long row."""
    if work.groups > 1 or not work.adjoint or work.rank > 2 or math.prod(work.out) != work.out[-1]:
        return False
    least, most = (33, 16) if work.rank == 1 else (9, 1)
    return work.out[-1] >= least and work.batch * work.outputs <= most


def _few_samples(work: Work) -> bool:
    """A kernel adjoint of one or two samples and a few channels: too little for a matrix product."""
    if not work.adjoint or work.rank != 2 or work.dilated:
        return False
    return work.inputs <= 2 and max(work.batch, work.outputs) <= 16


def _out_of_cache(work: Work) -> bool:
    """A kernel adjoint of many channels, its images larger than a second-level cache, its result not."""
    if work.groups > 1 or not work.adjoint or work.rank != 2 or work.outputs < 32:
        return False
    size = jnp.dtype(work.dtype).itemsize
    images = size * work.inputs * (work.batch * math.prod(work.image) + work.outputs * work.taps)
    result = size * work.batch * work.sites * work.outputs
    return images > 3 * pieces.ROOM and result <= pieces.ROOM


def _between(work: Work) -> bool:
    """Zeros between the sites of the image, and windows that are longer than the gaps."""
    if work.groups > 1 or max(work.lhs_dilation) == 1:
        return False
    if work.adjoint:
        return True
    longer = all(k > b or b == 1 for k, b in zip(work.window, work.lhs_dilation, strict=True))
    products = work.batch * work.sites * work.inputs * work.taps * work.outputs
    return longer and work.rank <= 2 and work.outputs >= 8 and products >= 1 << 23


RULES = (
    Rule(
        "matmul",
        _one_product,
        "a window of one site, or an output of one, is a single matrix product",
    ),
    Rule(
        "fft",
        lambda work: _few_channels(work) and _large_window(work),
        "with few channels and many taps, transforms cost less than products with every tap",
    ),
    Rule(
        "bands",
        _long_row,
        "a row of many taps is a band of a matrix product, faster than a running sum for every tap",
    ),
    Rule(
        "shifted",
        lambda work: work.groups > 1 and _few_per_group(work),
        "with few channels per group there is no matrix product to gain, and XLA on CPU goes entry by entry",
    ),
    Rule(
        "shifted",
        _few_terms,
        "a few channels into a few are memory traffic: one pass over the image",
    ),
    Rule(
        "blocks",
        lambda work: _few_channels(work) and not work.adjoint and work.taps >= 9,
        "a block of sites as channels makes matrix products of a few channels",
    ),
    Rule(
        "unfold",
        _few_samples,
        "copies of the kernel, one for every row of the output, make products of more than a few numbers",
    ),
    Rule(
        "grouped",
        lambda work: 1 < work.groups <= UNROLLED and work.rank <= 2,
        "XLA on CPU has a fast kernel for dense convolutions in one and two dimensions, none for groups",
    ),
    Rule(
        "phases",
        _between,
        "XLA on CPU multiplies by the zeros between the sites of the image, once per entry of the kernel",
    ),
    Rule(
        "unfold",
        lambda work: work.groups == 1 and work.rank == 3,
        "XLA on CPU has no fast kernel in three dimensions",
    ),
    Rule(
        "eigen",
        eigen.pays,
        "XLA on CPU would take YNNPACK, which is slower than Eigen for many samples of many channels",
    ),
    Rule(
        "pieces",
        _out_of_cache,
        "XLA on CPU goes over the whole batch for every window, so it pays to go image by image, in cache",
    ),
)
XLA = Choice("xla", "XLA's own convolution is near its best in the canonical layout")


def decide(work: Work, implementation: str | Policy = "auto") -> Choice:
    """The implementation of one convolution: forced, measured, or chosen by rule."""
    if isinstance(implementation, Policy):
        entry = implementation.get(work)
        if entry is not None:
            return Choice(entry.name, entry.why)
    elif implementation != "auto":
        return Choice(implementation, "asked for by name")
    if work.symbolic:
        return Choice("xla", "sizes are symbols: there is nothing to compare")
    if work.platform != "cpu":
        return Choice("xla", "XLA's own convolution stands where nothing else was measured")
    return next((Choice(rule.name, rule.why) for rule in RULES if rule.when(work)), XLA)


def implementation_of(work: Work, implementation: str | Policy) -> registry.Implementation:
    """The implementation that is named, measured or chosen."""
    return registry.named(decide(work, implementation).name, work)
