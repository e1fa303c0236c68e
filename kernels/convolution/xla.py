"""The convolution as one XLA operation in NHWC / HWIO, the form that XLA's fast kernels take everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

LETTERS = "XYZUVW"  # names for any number of spatial axes


def compute(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    groups: int,
    precision: Any,
) -> jax.Array:
    """y[n,p,i] = sum_{j,c} kernel[j,c,i] x[n, strides p + rhs_dilation j - low, c], one lax call."""
    axes = LETTERS[: len(strides)]
    if not all(isinstance(width, int) for pair in padding for width in pair):
        x, padding, lhs_dilation = _padded(x, padding, lhs_dilation)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=strides,
        padding=padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=groups,
        precision=precision,
    )


def _padded(
    x: jax.Array, padding: Sequence[tuple[int, int]], lhs_dilation: Sequence[int]
) -> tuple[jax.Array, Sequence[tuple[int, int]], Sequence[int]]:
    """Padding and dilation done beforehand: lax.conv takes no symbolic widths, lax.pad does."""
    room = [
        (0, 0, 0),
        *((lo, hi, b - 1) for (lo, hi), b in zip(padding, lhs_dilation, strict=True)),
        (0, 0, 0),
    ]
    rank = len(padding)
    return lax.pad(x, jnp.zeros((), x.dtype), room), ((0, 0),) * rank, (1,) * rank
