"""Which implementation computes a convolution, and why.

A rule looks at shapes and options only, never at values, so the choice is made once, when a convolution is
lowered for a platform, and anew for each adjoint, whose shapes are its own. Nothing here knows whether a
convolution is in a loop body: an implementation is chosen only where it wins in both places.

Every number in the rules is a field of `Thresholds`. Where nothing was measured, which is everywhere but on
CPU, XLA's convolution stands.

A rule takes what is local only: a value, even a NaN, reaches no output whose window it is not in. Transforms
mix all values of an image, so no rule takes `fft`: it runs where it is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from kernels.convolution.algorithms import eigen, registry, tiles
from kernels.convolution.choice import in_effect
from kernels.convolution.choice.table import Policy
from kernels.convolution.choice.thresholds import DEFAULT, Thresholds
from kernels.convolution.work import Work

NAMES = ("auto", "lax", *registry.NAMES)


class Rule(NamedTuple):
    """On CPU, `name` where `when` holds; the first rule that holds wins."""

    name: str
    when: Callable[[Work, Thresholds], bool]
    why: str


class Choice(NamedTuple):
    """A name, and the reason for it."""

    name: str
    why: str


def _one_product(work: Work, t: Thresholds) -> bool:
    """An output of one site, or a window of one with enough channels and nothing to skip."""
    if work.groups > 1 or max(work.lhs_dilation) > 1:
        return False
    return work.sites == 1 or (work.taps == 1 and max(work.strides) == 1 and work.inputs >= t.product_inputs)


def _few_per_group(work: Work, t: Thresholds) -> bool:
    """What `shifted` writes out: the taps of a row of the kernel, or the output sites of a row."""
    if work.groups == 1:
        return False
    if work.adjoint:
        slim = max(work.batch, work.outputs) <= t.adjoint_group_channels
        many = work.groups >= t.adjoint_groups and slim
        few = work.batch * work.outputs <= t.adjoint_group_pairs
        return (many or few) and work.out[-1] <= t.adjoint_row
    if work.taps == 1:
        return work.inputs <= t.group_point_inputs
    few = work.inputs <= t.group_inputs and work.inputs * work.outputs <= t.group_products
    return few and work.taps // work.window[0] <= t.group_row


def _pairs(work: Work) -> int:
    """Pairs of channels; in a kernel adjoint the batch stands for the input channels."""
    return (work.batch if work.adjoint else work.inputs) * work.outputs


def _few_terms(work: Work, t: Thresholds) -> bool:
    """Few pairs of channels and few taps: one pass over the image."""
    if work.groups > 1 or work.adjoint:
        return False
    terms = work.inputs * work.taps
    if work.rank == 3 and max(work.lhs_dilation) == 1 and _pairs(work) <= t.volume_pairs:
        return terms <= t.volume_terms
    return _pairs(work) <= t.pairs and _narrow(work, t) and terms <= t.pass_terms


def _narrow(work: Work, t: Thresholds) -> bool:
    return max(work.inputs, work.outputs) <= t.few_channels


def _few_sums(work: Work, t: Thresholds) -> bool:
    """A kernel adjoint of few running sums, one for every pair of channels and every tap of a row."""
    if work.groups > 1 or not work.adjoint or _pairs(work) > t.pairs:
        return False
    row = t.adjoint_line if work.rank == 1 else t.adjoint_row
    sums = t.adjoint_sums // 2 if work.inputs <= t.unfold_samples else t.adjoint_sums
    few = _pairs(work) <= t.adjoint_pairs or work.inputs * _pairs(work) <= t.adjoint_terms
    return few and work.out[-1] <= row and _pairs(work) * work.sites <= sums


def _many_taps(work: Work, t: Thresholds) -> bool:
    """Few pairs of channels and a window that makes blocks of sites worth their copies."""
    if work.groups > 1 or work.adjoint or work.rank > 2 or max(work.lhs_dilation) > 1:
        return False
    most = t.pairs if max(work.strides) == 1 else t.strided_pairs
    return work.taps >= t.block_taps and _pairs(work) <= most and _narrow(work, t)


def _large_kernel(work: Work, t: Thresholds) -> bool:
    """A kernel adjoint of few channels and too many taps for a running sum each."""
    if work.groups > 1 or not work.adjoint or work.rank != 2 or work.sites < t.block_adjoint_taps:
        return False
    most = t.block_adjoint_pairs if work.inputs <= t.unfold_samples else t.pairs
    return _pairs(work) <= most


def _long_row(work: Work, t: Thresholds) -> bool:
    """A kernel adjoint of few channels whose kernel is one long row."""
    if work.groups > 1 or not work.adjoint or work.rank > 2 or math.prod(work.out) != work.out[-1]:
        return False
    line = (t.band_line_taps, t.band_line_pairs)
    least, most = line if work.rank == 1 else (t.band_row_taps, t.band_row_pairs)
    return work.out[-1] >= least and work.batch * work.outputs <= most


def _tiles(work: Work, t: Thresholds) -> bool:
    """Windows that tile the image, as both adjoints have them of a layer without overlap or gaps.

    Forward XLA's own is as fast, or Eigen's, which is also faster in kernel adjoints of many channels.
    """
    if work.groups > 1 or max(work.strides) > 1 or eigen.pays(work, t):
        return False
    return tiles.tiled(work.window, work.out, work.strides, work.lhs_dilation, work.rhs_dilation)


def _many_weights(work: Work, t: Thresholds) -> bool:
    """The input adjoint of a layer of many channels and few sites, whose kernel is the larger side."""
    if work.groups > 1 or not work.turned or max(work.strides) > 1 or work.taps > t.column_taps:
        return False
    rows = work.batch * math.prod(work.image)
    return work.inputs * work.outputs >= t.column_pairs and rows <= t.column_rows * work.inputs


def _few_samples(work: Work, t: Thresholds) -> bool:
    """A kernel adjoint of one or two samples and a few channels: too little for a matrix product."""
    if not work.adjoint or work.rank != 2 or work.dilated:
        return False
    return work.inputs <= t.unfold_samples and max(work.batch, work.outputs) <= t.unfold_channels


def _out_of_cache(work: Work, t: Thresholds) -> bool:
    """A kernel adjoint of many channels, its images larger than a second-level cache, its result not."""
    if work.groups > 1 or not work.adjoint or work.rank != 2 or work.outputs < t.piece_outputs:
        return False
    size = jnp.dtype(work.dtype).itemsize
    images = size * work.inputs * (work.batch * math.prod(work.image) + work.outputs * work.taps)
    result = size * work.batch * work.sites * work.outputs
    return images > t.piece_images and result <= t.piece_bytes


def _between(work: Work, t: Thresholds) -> bool:
    """Zeros between the sites of the image, and windows that are longer than the gaps."""
    if work.groups > 1 or max(work.lhs_dilation) == 1:
        return False
    if work.adjoint:
        return True
    longer = all(k > b or b == 1 for k, b in zip(work.window, work.lhs_dilation, strict=True))
    products = work.batch * work.sites * work.inputs * work.taps * work.outputs
    return longer and work.rank <= 2 and work.outputs >= t.phase_outputs and products >= t.phase_products


RULES = (
    Rule(
        "matmul",
        _one_product,
        "a window of one site, or an output of one, is a single matrix product",
    ),
    Rule(
        "bands",
        _long_row,
        "a row of many taps is a band of a matrix product, faster than a running sum for every tap",
    ),
    Rule(
        "blocks",
        _large_kernel,
        "a block of sites as channels makes matrix products of a few channels",
    ),
    Rule(
        "shifted",
        _few_per_group,
        "with few channels per group there is no matrix product to gain, and XLA on CPU goes entry by entry",
    ),
    Rule(
        "shifted",
        _few_terms,
        "a few channels into a few are memory traffic: one pass over the image",
    ),
    Rule(
        "shifted",
        _few_sums,
        "a few channels into a few are memory traffic: running sums in one pass over the image",
    ),
    Rule(
        "blocks",
        _many_taps,
        "a block of sites as channels makes matrix products of a few channels",
    ),
    Rule(
        "unfold",
        _few_samples,
        "copies of the kernel, one for every row of the output, make products of more than a few numbers",
    ),
    Rule(
        "col2im",
        _many_weights,
        "the kernel is the larger side, and a convolution would read a copy of it, flipped and transposed",
    ),
    Rule(
        "matmul",
        _tiles,
        "windows that tile the image are one matrix product between two changes of shape",
    ),
    Rule(
        "grouped",
        lambda work, _: work.groups > 1 and work.rank <= 2,
        "XLA on CPU has a fast kernel for dense convolutions in one and two dimensions, none for groups",
    ),
    Rule(
        "phases",
        _between,
        "XLA on CPU multiplies by the zeros between the sites of the image, once per entry of the kernel",
    ),
    Rule(
        "unfold",
        lambda work, _: work.rank == 3,
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
    """The implementation of one convolution: forced, switched off, measured, or chosen by rule."""
    if isinstance(implementation, str) and implementation != "auto":
        return Choice(implementation, "asked for by name")
    if work.symbolic:
        return Choice("xla", "sizes are symbols: there is nothing to compare")
    if not jnp.issubdtype(work.dtype, jnp.floating):
        return Choice("xla", "XLA's own convolution adds integers as they are")
    now = in_effect.read()
    if now.off:
        return Choice("xla", f"all choices are switched off by {in_effect.VARIABLE}")
    if isinstance(implementation, Policy):
        measured = implementation.get(work)
        if measured is not None:
            return Choice(measured.name, measured.why)
    if work.platform != "cpu":
        return Choice("xla", "XLA's own convolution stands where nothing else was measured")
    return _by_rule(work, now)


def _by_rule(work: Work, now: in_effect.InEffect) -> Choice:
    """The first rule that holds; with what was measured here, it is said where that decided."""
    choice = _first(work, now.thresholds)
    if now.source and choice.name != _first(work, DEFAULT).name:
        return Choice(choice.name, f"{choice.why} (by {now.source})")
    return choice


def _first(work: Work, t: Thresholds) -> Choice:
    return next((Choice(rule.name, rule.why) for rule in RULES if rule.when(work, t)), XLA)


def implementation_of(work: Work, implementation: str | Policy) -> registry.Implementation:
    """The implementation that is named, measured or chosen."""
    return registry.named(decide(work, implementation).name, work)
