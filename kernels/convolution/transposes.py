"""The two adjoints of a convolution, each written as a convolution again.

Along one axis the primitive with stride s, base dilation b, kernel dilation e and low border l is

    y[n,p,i] = sum_{q,j,c : b q = s p + e j - l}  kernel[j,c,i] x[n,q,c].

Its two transposes run over the same set of triples (p, q, j), solved for another index:

    input     x'[n,q,c] :  s p = b q + e (k-1-j) - (e (k-1) - l)    stride b, base dilation s, kernel flipped
    kernel    k'[j,c,i] :  b q = e j + s p - l                      stride e, kernel dilation s, kernel y'

so both are the same primitive, the set is closed under transposition, and every order of derivative keeps
the one layout that is fast. The high border is the number that makes the result exactly as long as it has to
be. Groups stay feature groups: the kernel adjoint makes the batch the channels of each group.

Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285,
section 4, for the input adjoint; the kernel adjoint is the transpose of the patch matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kernels.convolution.borders.border import Pads
from kernels.convolution.channel_axes import batch_to_channels, swap
from kernels.convolution.shapes import dilated

Form = tuple[jax.Array, jax.Array, dict[str, Any]]  # lhs, rhs and the primitive's options


def input_form(ybar: jax.Array, kernel: jax.Array, spatial: Sequence[int], **options: Any) -> Form:
    """The convolution of `ybar` that is the adjoint with respect to an input of shape `spatial`."""
    s, b, e = options["strides"], options["lhs_dilation"], options["rhs_dilation"]
    axes = range(len(s))
    low = [e[a] * (kernel.shape[a] - 1) - options["padding"][a][0] for a in axes]
    need = [dilated(spatial[a], b[a]) + e[a] * (kernel.shape[a] - 1) for a in axes]
    pads = _close(low, need, ybar.shape[1:-1], s)
    options |= {"strides": b, "lhs_dilation": s, "padding": pads}
    return ybar, turn(kernel, options["groups"]), options


def kernel_form(x: jax.Array, ybar: jax.Array, size: Sequence[int], **options: Any) -> Form:
    """The convolution of `x` by `ybar` that is the adjoint for a kernel of this size, as (C, *size, D)."""
    s, b, e = options["strides"], options["lhs_dilation"], options["rhs_dilation"]
    axes = range(len(s))
    low = [options["padding"][a][0] for a in axes]
    need = [e[a] * (size[a] - 1) + dilated(ybar.shape[1 + a], s[a]) for a in axes]
    pads = _close(low, need, x.shape[1:-1], b)
    options |= {"strides": e, "rhs_dilation": s, "padding": pads}
    return batch_to_channels(x, options["groups"]), jnp.moveaxis(ybar, 0, -2), options


def _close(low: Sequence[int], need: Sequence[int], spatial: Sequence[int], base: Sequence[int]) -> Pads:
    """Add the high borders that bring each dilated axis to the length needed; a negative one crops."""
    return tuple((lo, n - lo - dilated(m, d)) for lo, n, m, d in zip(low, need, spatial, base, strict=True))


def turn(kernel: jax.Array, groups: int) -> jax.Array:
    """The kernel flipped, its channels transposed in each group: (k..., C, G D) -> (k..., D, G C)."""
    return swap(flip(kernel), kernel.ndim - 2, groups)


def flip(kernel: jax.Array) -> jax.Array:
    """The kernel reversed along every spatial axis."""
    return lax.rev(kernel, tuple(range(kernel.ndim - 2)))
