"""A dilated convolution as one dense convolution per residue of the output sites.

Along an axis with kernel dilation e, or with base dilation b, and p = e p' + t, or p = b p' + t,

    y[n,e p'+t,i] = sum_{j,c} kernel[j,c,i] x[n, e (p' + j) + t - low, c]
    y[n,b p'+t,i] = sum_{j',c} kernel[b j' + r,c,i] x[n, p' + j' - (low - t - r) / b, c]

with r = (low - t) mod b: phases of the image, or phases of the kernel, so that nothing is multiplied by the
zeros between. Transposed convolutions with a stride are dilated (this is the "sub-pixel" form), and so are
both adjoints of strided ones.

Source: W. Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv:1609.07009.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.algorithms import xla
from kernels.convolution.borders import zero_pad

Compute = Callable[..., jax.Array]


class Phase(NamedTuple):
    """One residue on one axis: the part of image and kernel that meet there, and the border needed."""

    image: slice
    kernel: slice
    border: tuple[int, int]


def compute(
    x: jax.Array,
    kernel: jax.Array,
    *,
    out: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    groups: int,
    precision: Any,
    convolve: Compute = xla.compute,
) -> jax.Array:
    """Every phase by XLA's or another convolution, interleaved; strides drop sites afterwards."""
    dense = [s * (n - 1) + 1 for s, n in zip(strides, out, strict=True)]
    by_image = [e > 1 or b == 1 for b, e in zip(lhs_dilation, rhs_dilation, strict=True)]
    x = zero_pad.insert(
        x,
        [pad if image else (0, 0) for image, pad in zip(by_image, padding, strict=True)],
        [b if image else 1 for image, b in zip(by_image, lhs_dilation, strict=True)],
    )
    steps = [e if image else b for image, b, e in zip(by_image, lhs_dilation, rhs_dilation, strict=True)]
    count = [-(-n // m) for n, m in zip(dense, steps, strict=True)]
    one = (1,) * len(out)

    def line(a: int) -> list[Phase]:
        sizes = x.shape[1 + a], kernel.shape[a], count[a]
        if by_image[a]:
            return [_image_phase(t, steps[a], *sizes) for t in range(steps[a])]
        return [_kernel_phase(t, steps[a], padding[a][0], *sizes) for t in range(steps[a])]

    def part(phases: tuple[Phase, ...]) -> jax.Array:
        image = x[(slice(None), *(p.image for p in phases))]
        taps = kernel[tuple(p.kernel for p in phases)]
        if 0 in (*taps.shape, *image.shape):
            return jnp.zeros((x.shape[0], *count, kernel.shape[-1]), x.dtype)
        steps = {"strides": one, "lhs_dilation": one, "rhs_dilation": one}
        pads = tuple(p.border for p in phases)
        return convolve(image, taps, out=count, padding=pads, groups=groups, precision=precision, **steps)

    y = _interleaved([part(phases) for phases in product(*map(line, range(len(out))))], steps)
    return zero_pad.window(y, (0,) * len(out), strides, out)


def _image_phase(t: int, step: int, sites: int, taps: int, count: int) -> Phase:
    """Sites t, t + step, ... of the padded image meet the whole kernel."""
    have = len(range(t, sites, step))
    return Phase(slice(t, None, step), slice(None), (0, count + taps - 1 - have))


def _kernel_phase(t: int, step: int, low: int, sites: int, taps: int, count: int) -> Phase:
    """The whole image meets taps r, r + step, ..."""
    r = (low - t) % step
    have, first = len(range(r, taps, step)), (low - t - r) // step
    return Phase(slice(None), slice(r, None, step), (first, count + have - 1 - sites - first))


def _interleaved(parts: Sequence[jax.Array], steps: Sequence[int]) -> jax.Array:
    """Arrays (N, count..., D), the last axis' phase running fastest -> (N, count and phase..., D)."""
    for axis in range(len(steps), 0, -1):
        step = steps[axis - 1]
        rows = [parts[t : t + step] for t in range(0, len(parts), step)]
        stacked = [jnp.stack(row, axis + 1) for row in rows]  # (N, ..., count, phase, ..., D)
        parts = [lax.collapse(y, axis, axis + 2) for y in stacked]
    return parts[0]
