"""Size arithmetic of a convolution, one spatial axis at a time; sizes may be symbols of ``jax.export``."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from kernels.convolution.options import Options, Pads


def clamp(size: int) -> int:
    """``max(size, 0)``, also for symbolic sizes."""
    return max(size, 0) if isinstance(size, int) else jax.core.max_dim(size, 0)


def dilated(size: int, step: int) -> int:
    """The extent of `size` points set `step` apart."""
    return 0 if isinstance(size, int) and size == 0 else step * (size - 1) + 1


def steps(length: int, window: int, stride: int) -> int:
    """How many windows fit, `stride` apart: none where the window is larger than the line (as lax has it)."""
    if isinstance(length - window, int):
        return (length - window) // stride + 1 if length >= window else 0
    return clamp(length - window + 1) if stride == 1 else clamp((length - window) // stride + 1)


def widths(
    padding: str | Pads, spatial: Sequence[int], window: Sequence[int], strides: Sequence[int]
) -> Pads:
    """The (low, high) border widths of each axis.

    SAME shares out the total that makes the output ceil(n / stride) long, an odd one at the end, as lax does.
    CIRCULAR and REFLECT are centred instead: window - 1 in all whatever the stride, so that output p always
    looks at the window around input stride * p, and the layer commutes with the shifts of its output lattice.
    """
    if not isinstance(padding, str):
        return padding
    if padding == "VALID":
        return ((0, 0),) * len(window)
    if padding == "SAME":
        totals = [
            clamp(((n + s - 1) // s - 1) * s + w - n)
            for n, w, s in zip(spatial, window, strides, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple(((w - 1) // 2, w // 2) for w in window)


def extents(kernel_size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """The sites that a dilated kernel spans on each axis."""
    return tuple(dilated(k, e) for k, e in zip(kernel_size, dilation, strict=True))


def output_shape(spatial: Sequence[int], kernel_size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The spatial shape that `conv` gives on an input of this spatial shape."""
    window = extents(kernel_size, options.dilation)
    pads = widths(options.padding, spatial, window, options.strides)
    return tuple(
        steps(n + lo + hi, w, s)
        for n, (lo, hi), w, s in zip(spatial, pads, window, options.strides, strict=True)
    )
