"""Size arithmetic of a convolution, one spatial axis at a time; sizes may be symbols of ``jax.export``."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from kernels.convolution.borders.border import Border, Pads
from kernels.convolution.options import Options


def clamp(size: int) -> int:
    """``max(size, 0)``, also for symbolic sizes."""
    return max(size, 0) if isinstance(size, int) else jax.core.max_dim(size, 0)


def dilated(size: int, step: int) -> int:
    """The extent of `size` points set `step` apart."""
    return 0 if _none(size) else step * (size - 1) + 1


def _none(size: int) -> bool:
    return isinstance(size, int) and size == 0


def steps(length: int, window: int, stride: int) -> int:
    """How many windows fit, `stride` apart: none where the window is larger than the line (as lax has it)."""
    if isinstance(length - window, int):
        return (length - window) // stride + 1 if length >= window else 0
    return clamp(length - window + 1) if stride == 1 else clamp((length - window) // stride + 1)


def width(border: Border, n: int, window: int, stride: int, base: int = 1) -> tuple[int, int]:
    """The (low, high) border of one axis, counted in places: site q of the n lies at place `base` q.

    SAME and SAME_LOWER share out the total that makes the output ceil(places / stride) long, an odd one at
    the end or at the beginning, as lax does; CAUSAL has window - 1 at the beginning. Borders that repeat the
    image are centred instead: window - 1 in all whatever the stride, so that output p always looks at the
    window around place stride * p, and the layer commutes with the shifts of its output lattice. On a circle
    the zeros after the last site belong to the image.
    """
    if border.name == "WIDTHS":
        return border.low, border.high
    if border.name == "VALID":
        return 0, 0
    if border.name == "CAUSAL":
        return window - 1, 0
    if border.name in ("SAME", "SAME_LOWER"):
        places = dilated(n, base)
        total = clamp(((places + stride - 1) // stride - 1) * stride + window - places)
        less = total // 2
        return (less, total - less) if border.name == "SAME" else (total - less, less)
    gap = base - 1 if border.name == "CIRCULAR" and not _none(n) else 0
    return (window - 1) // 2, window // 2 + gap


def widths(
    padding: Sequence[Border],
    spatial: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    base: Sequence[int] | None = None,
) -> Pads:
    """The (low, high) border of every axis."""
    base = (1,) * len(window) if base is None else base
    return tuple(width(*axis) for axis in zip(padding, spatial, window, strides, base, strict=True))


def extents(kernel_size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """The sites that a dilated kernel spans on each axis."""
    return tuple(dilated(k, e) for k, e in zip(kernel_size, dilation, strict=True))


def borders(spatial: Sequence[int], kernel_size: Sequence[int], options: Options) -> Pads:
    """The (low, high) border of every axis of a convolution."""
    window = extents(kernel_size, options.dilation)
    return widths(options.padding, spatial, window, options.strides, options.input_dilation)


def output_shape(spatial: Sequence[int], kernel_size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The spatial shape that `conv` gives on an input of this spatial shape."""
    lines = extents(spatial, options.input_dilation)
    pads, window = borders(spatial, kernel_size, options), extents(kernel_size, options.dilation)
    return tuple(
        steps(n + lo + hi, w, s)
        for n, (lo, hi), w, s in zip(lines, pads, window, options.strides, strict=True)
    )


def input_shape(spatial: Sequence[int], kernel_size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The input shape of `conv` that `conv_transpose` chooses among those with this output shape."""
    window = extents(kernel_size, options.dilation)
    steps_ = zip(options.padding, spatial, window, options.strides, options.input_dilation, strict=True)
    return tuple(_input_size(*axis) for axis in steps_)


def _input_size(border: Border, n: int, window: int, stride: int, base: int) -> int:
    """All places that the strides reach, or the fewest where the border is not made to measure."""
    if border.name == "CIRCULAR":
        return stride * n // base
    if border.name in ("VALID", "WIDTHS"):
        places = clamp(stride * (n - 1) + window - border.low - border.high)
        if base == 1 or _none(places):
            return places
        return (places - 1 if _none(n) else places + base - 2) // base + 1  # no output: stay below one
    return (stride * n - 1) // base + 1
