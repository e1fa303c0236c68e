"""The two adjoints of a convolution, each written as a convolution again.

Along one axis the primitive with stride s, base dilation b, kernel dilation e and low border l is

    y[n,p,i] = sum_{q,j,c : b q = s p + e j - l}  kernel[j,c,i] x[n,q,c].

Its two transposes run over the same set of triples (p, q, j), solved for another index:

    input     x'[n,q,c] :  s p = b q + e (k-1-j) - (e (k-1) - l)    stride b, base dilation s, kernel flipped
    kernel    k'[j,c,i] :  b q = e j + s p - l                      stride e, kernel dilation s, kernel y'

so both are the same primitive, the set is closed under transposition, and every order of derivative keeps
the one layout that is fast. The high border is the number that makes the result exactly as long as it has to
be. A kernel that is flipped, its channels swapped in each group, is *turned*; whether it is to be read so is
an option of the primitives, so that the array stays the one that the caller has.

In ``kernel_form`` groups stay feature groups: the kernel adjoint makes the batch the channels of each group.

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


def input_options(
    spatial_out: Sequence[int], size: Sequence[int], spatial: Sequence[int], **options: Any
) -> dict[str, Any]:
    """The options of the convolution that is the adjoint with respect to an input of shape `spatial`.

    It takes a cotangent of shape `spatial_out` and the same kernel, turned where it was not.
    """
    s, b, e = options["strides"], options["lhs_dilation"], options["rhs_dilation"]
    reach = [e[a] * (size[a] - 1) for a in range(len(s))]
    low = [r - lo for r, (lo, _) in zip(reach, options["padding"], strict=True)]
    need = [dilated(n, d) + r for n, d, r in zip(spatial, b, reach, strict=True)]
    pads = _close(low, need, spatial_out, s)
    return options | {"strides": b, "lhs_dilation": s, "padding": pads, "turned": not options["turned"]}


def kernel_options(
    spatial: Sequence[int], spatial_out: Sequence[int], size: Sequence[int], **options: Any
) -> dict[str, Any]:
    """The options of the convolution of an image by a cotangent that is the adjoint for a kernel's `size`."""
    s, b, e = options["strides"], options["lhs_dilation"], options["rhs_dilation"]
    low = [lo for lo, _ in options["padding"]]
    need = [e[a] * (size[a] - 1) + dilated(spatial_out[a], s[a]) for a in range(len(s))]
    return options | {"strides": e, "rhs_dilation": s, "padding": _close(low, need, spatial, b)}


def kernel_form(x: jax.Array, ybar: jax.Array, size: Sequence[int], **options: Any) -> Form:
    """The convolution of `x` by `ybar` that is the adjoint for a kernel of this size, as (C, *size, D)."""
    options = kernel_options(x.shape[1:-1], ybar.shape[1:-1], size, **options)
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
