"""Kernels of rank one: one pass along each axis instead of one over the whole window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from kernels.convolution import operands, options
from kernels.convolution.api import conv
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import Ints, Padding, Precision
from kernels.errors import ShapeError


def conv_separable(
    x: jax.Array,
    factors: Sequence[jax.Array],
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    flip: bool = False,
    implementation: str | Policy = "auto",
    precision: Precision = None,
) -> jax.Array:
    """Convolve every channel with one kernel that is a product of one factor per spatial axis.

        y[n,p,c] = sum_j factors[0][j_0] factors[1][j_1] ... x[n, strides p + dilation j - low, c]

    which is `conv` with the depthwise kernel of these products, for the sum of the sizes in place of their
    product. It is linear in every factor and in x, and differentiates in all of them.

    Args:
        x: (batch..., spatial..., C).
        factors: one array per spatial axis, each (size,), or (size, C) for factors of each channel's own.
        strides, padding, dilation, flip, implementation, precision: as in `conv`.

    Returns:
        (batch..., out..., C).

    Raises:
        ShapeError: a factor is of another shape; other kinds as in `conv`.

    >>> edge, smooth = jnp.array([-1.0, 0.0, 1.0]), jnp.array([1.0, 2.0, 1.0])
    >>> spike = jnp.zeros((5, 5, 1)).at[2, 2].set(1.0)
    >>> conv_separable(spike, (edge, smooth), flip=True)[1:4, 1:4, 0].astype(int).tolist()
    [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]

    Source: R. Gonzalez, R. Woods, "Digital image processing", section 3.4, separable filter kernels.
    """
    operands.check_array("x", x)
    rank = len(factors)
    parsed = options.parse(rank, strides, padding, dilation, 1, flip, implementation, precision)
    if rank == 0 or len(x.shape) < rank + 1:
        raise ShapeError(
            "factors", f"must be one per spatial axis of x {tuple(x.shape)}", rank, "give fewer, at least one"
        )
    for axis, factor in enumerate(factors):
        kernel = _kernel(f"factors[{axis}]", factor, axis, rank, x.shape[-1])
        x = conv(x, kernel, groups=x.shape[-1], **_along(axis, parsed))
    return x


def _kernel(name: str, factor: Any, axis: int, rank: int, channels: int) -> jax.Array:
    """The depthwise kernel (1, ..., size, ..., 1, 1, C) of one factor."""
    operands.check_array(name, factor)
    if len(factor.shape) not in (1, 2) or (len(factor.shape) == 2 and factor.shape[1] != channels):
        raise ShapeError(
            name, f"must be (size,) or (size, {channels})", tuple(factor.shape), "give one value per tap"
        )
    own = factor if len(factor.shape) == 2 else factor[:, None]
    spread = jnp.broadcast_to(own, (factor.shape[0], channels))
    return spread.reshape(*(1,) * axis, factor.shape[0], *(1,) * (rank - axis), channels)


def _along(axis: int, parsed: options.Options) -> dict[str, Any]:
    """The options of the pass along one axis; the other axes are left as they are."""
    one = [1] * parsed.rank
    strides, dilation = list(one), list(one)
    strides[axis], dilation[axis] = parsed.strides[axis], parsed.dilation[axis]
    padding = parsed.padding
    if not isinstance(padding, str):
        padding = tuple(pad if a == axis else (0, 0) for a, pad in enumerate(padding))
    return {
        "strides": strides,
        "padding": padding,
        "dilation": dilation,
        "flip": parsed.flip,
        "implementation": parsed.implementation,
        "precision": parsed.precision,
    }
