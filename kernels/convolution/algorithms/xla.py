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
    steps = {"strides": strides, "lhs_dilation": lhs_dilation, "rhs_dilation": rhs_dilation}
    sums = {"precision": precision, "preferred_element_type": preferred_element_type}
    return forward(x, kernel, padding=padding, groups=groups, turned=False, **steps, **sums)


def forward(x: jax.Array, kernel: jax.Array, *, turned: bool, groups: int, **options: Any) -> jax.Array:
    """A convolution, of a kernel that may be turned, as `lax` writes it and its adjoint for the input."""
    if turned and groups > 1:  # (k..., C, G D) -> (k..., G C, D)
        *taps, within, last = kernel.shape
        split = lax.reshape(kernel, (*taps, within, groups, last // groups))
        axes = range(len(taps))
        kernel = lax.reshape(
            split, (*taps, groups * within, last // groups), (*axes, len(taps) + 1, len(taps), len(taps) + 2)
        )
    if turned:
        kernel = lax.rev(kernel, tuple(range(kernel.ndim - 2)))
    letters = ("N{}C", "{}OI" if turned else "{}IO", "N{}C")
    return _convolved(x, kernel, letters, feature_group_count=groups, **options)


def kernel_adjoint(x: jax.Array, ybar: jax.Array, *, groups: int, turned: bool, **options: Any) -> jax.Array:
    """The adjoint for the kernel as `lax` writes it: image and cotangent stay as they are.

    XLA's rewriter for GPUs knows it, in groups too, as the backward filter of cuDNN.
    """
    return _convolved(x, ybar, ("C{}N", "I{}O", "{}NC"), batch_group_count=groups, **options)


def _convolved(
    x: jax.Array,
    kernel: jax.Array,
    letters: tuple[str, str, str],
    *,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    precision: Any,
    preferred_element_type: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
) -> jax.Array:
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
        dimension_numbers=tuple(name.format(axes) for name in letters),  # type: ignore[arg-type]
        feature_group_count=feature_group_count,
        batch_group_count=batch_group_count,
        precision=precision,
        preferred_element_type=preferred_element_type,
    )
