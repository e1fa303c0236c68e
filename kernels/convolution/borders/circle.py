"""An axis that closes to a circle, cut open for implementations that know zero borders only.

The primitive places site q of the image at b q, b being the base dilation. On a circle of length L the places
t and t + L are one: beyond either end the image comes again, with its zeros between the sites and, where L is
longer than b n, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from kernels.convolution.borders import wrap, zero_pad
from kernels.convolution.borders.border import Pads
from kernels.convolution.shapes import clamp, dilated

LINE = 0  # the length that says: no circle, zeros beyond both ends


def closed(length: Any) -> bool:
    """Whether an axis is a circle; a symbolic length is one."""
    return not isinstance(length, int) or length != LINE


def around(length: Any, widths: tuple[Any, Any]) -> Any:
    """The circle that an axis closes to; a line where nothing looks beyond its ends."""
    return LINE if all(isinstance(width, int) and width <= 0 for width in widths) else length


def cut(
    x: jax.Array, *, padding: Pads, lhs_dilation: Sequence[int], circle: Sequence[Any]
) -> tuple[jax.Array, dict[str, Any]]:
    """The image continued beyond its ends, and how to read it: what is left of the border, the base dilation.

    >>> x = jax.numpy.arange(1.0, 4.0).reshape(1, 3, 1)
    >>> y, how = cut(x, padding=((3, 1),), lhs_dilation=(2,), circle=(6,))
    >>> y.ravel().tolist(), how
    ([3.0, 1.0, 2.0, 3.0], {'padding': ((1, 1),), 'lhs_dilation': (2,)})
    """
    pads, steps, more = list(padding), list(lhs_dilation), [(0, 0)] * len(circle)
    for a, length in enumerate(circle):
        if not closed(length):
            continue
        if length != steps[a] * x.shape[a + 1]:
            x, gap = _with_gaps(x, a, steps[a], length)
            pads[a], steps[a] = (pads[a][0], pads[a][1] - gap), 1
        low, high = (clamp(width // steps[a]) for width in pads[a])
        more[a] = (low, high)
        pads[a] = (pads[a][0] - low * steps[a], pads[a][1] - high * steps[a])
    x = wrap.extend(x, tuple(more), "CIRCULAR") if any(pair != (0, 0) for pair in more) else x
    return x, {"padding": tuple(pads), "lhs_dilation": tuple(steps)}


def _with_gaps(x: jax.Array, axis: int, step: int, length: Any) -> tuple[jax.Array, Any]:
    """The axis with its zeros written out, as long as the circle, and how many of them end it."""
    gap = length - dilated(x.shape[axis + 1], step)
    rank = x.ndim - 2
    room = tuple((0, gap if a == axis else 0) for a in range(rank))
    return zero_pad.insert(x, room, [step if a == axis else 1 for a in range(rank)]), gap
