"""The convolution as one XLA operation in NHWC / HWIO, the form that XLA's fast kernels take everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from kernels.convolution.borders import zero_pad

LETTERS = "XYZUVW"  # names for any number of spatial axes


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
    preferred_element_type: Any = None,
) -> jax.Array:
    """y[n,p,i] = sum_{j,c} kernel[j,c,i] x[n, strides p + rhs_dilation j - low, c], in one lax call."""
    axes = LETTERS[: len(strides)]
    if not all(isinstance(width, int) for pair in padding for width in pair):
        # lax.conv takes no symbolic widths, lax.pad does
        x = zero_pad.insert(x, padding, lhs_dilation)
        padding, lhs_dilation = ((0, 0),) * len(axes), (1,) * len(axes)
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
        preferred_element_type=preferred_element_type,
    )
