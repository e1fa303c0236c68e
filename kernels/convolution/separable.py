"""Kernels of rank one: one pass along each axis instead of one over the whole window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from kernels.convolution import operands, options
from kernels.convolution.api import conv_of
from kernels.convolution.borders.border import Border, Padding
from kernels.convolution.choice.table import Policy
from kernels.convolution.options import Precision
from kernels.errors import ShapeError
from kernels.integers import Ints


def conv_separable(
    x: jax.Array,
    factors: Sequence[jax.Array],
    *,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    input_dilation: Ints = 1,
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
        strides, padding, dilation, input_dilation, flip, implementation, precision: as in `conv`.

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
    operands.check_is_array("x", x)
    rank = len(factors)
    parsed = options.parse(
        rank,
        strides=strides,
        padding=padding,
        dilation=dilation,
        input_dilation=input_dilation,
        flip=flip,
        implementation=implementation,
        precision=precision,
    )
    if rank == 0 or len(x.shape) < rank + 1:
        raise ShapeError(
            "factors", f"must be one per spatial axis of x {tuple(x.shape)}", rank, "give fewer, at least one"
        )
    for axis, factor in enumerate(factors):
        kernel = _kernel(f"factors[{axis}]", factor, axis, rank, x.shape[-1])
        x = conv_of(x, kernel, _along(axis, parsed)._replace(groups=x.shape[-1]))
    return x


def _kernel(name: str, factor: Any, axis: int, rank: int, channels: int) -> jax.Array:
    """The depthwise kernel (1, ..., size, ..., 1, 1, C) of one factor."""
    operands.check_is_array(name, factor)
    if len(factor.shape) not in (1, 2) or (len(factor.shape) == 2 and factor.shape[1] != channels):
        raise ShapeError(
            name, f"must be (size,) or (size, {channels})", tuple(factor.shape), "give one value per tap"
        )
    own = factor if len(factor.shape) == 2 else factor[:, None]
    spread = jnp.broadcast_to(own, (factor.shape[0], channels))
    return spread.reshape(*(1,) * axis, factor.shape[0], *(1,) * (rank - axis), channels)


def _along(axis: int, parsed: options.Options) -> options.Options:
    """The options of the pass along one axis; the other axes are left as they are."""

    def only(values: tuple[Any, ...], other: Any) -> tuple[Any, ...]:
        return tuple(value if a == axis else other for a, value in enumerate(values))

    return parsed._replace(
        strides=only(parsed.strides, 1),
        dilation=only(parsed.dilation, 1),
        input_dilation=only(parsed.input_dilation, 1),
        padding=only(parsed.padding, Border("VALID")),
    )
