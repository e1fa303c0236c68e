"""One image axis cut into blocks, one per device: what every block needs of its neighbours.

Device i computes the outputs p of block i, M of them, and so reads the places (``circle.py``)

    s M i - low  <=  t  <  s M i - low + s (M - 1) + e (k - 1) + 1

of which it holds the sites of block i itself. The same places serve the adjoint with respect to the kernel,
where device i holds the cotangent of its M outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.convolution.borders import circle, zero_pad

Names = tuple[str, ...]  # mesh axes that share out one array axis, outermost first


class Axis(NamedTuple):
    """One axis of a convolution: sites in and out, kernel, and its options."""

    sites: int
    outputs: int
    taps: int
    stride: int
    low: int
    base: int
    dilation: int
    circle: int


class Halo(NamedTuple):
    """`left` and `right` sites of the neighbours; then `length` sites from `first[i]` on, for device i.

    `more`: zeros of the border beyond these, on either side. `pads` and `base` are the border and the base
    dilation with which the result is to be read. `filled`: the zeros between the sites are written out before
    the window is taken, as it starts anywhere among them.
    """

    shards: int
    sites: int
    outputs: int
    left: int
    right: int
    more: tuple[int, int]
    first: tuple[int, ...]
    length: int
    pads: tuple[int, int]
    base: int
    filled: int
    ring: bool

    @property
    def block(self) -> int:
        return -(-self.sites // self.shards)


def plan(axis: Axis, shards: int) -> Halo | None:
    """What to exchange; None where neighbours alone do not hold what a device needs.

    >>> halo = plan(Axis(sites=16, outputs=16, taps=5, stride=1, low=2, base=1, dilation=1, circle=0), 4)
    >>> halo.left, halo.right, halo.first, halo.length, halo.pads
    (2, 2, (0, 0, 0, 0), 8, (0, 0))
    """
    ring, b = circle.closed(axis.circle), axis.base
    if min(axis.sites, axis.outputs) < 1 or (ring and (axis.sites % shards or axis.circle != b * axis.sites)):
        return None
    block, many = -(-axis.sites // shards), -(-axis.outputs // shards)
    span = axis.stride * (many - 1) + axis.dilation * (axis.taps - 1) + 1
    starts = [axis.stride * many * i - axis.low for i in range(-(-axis.outputs // many))]
    first = [-(-t // b) for t in starts]
    last = [(t + span - 1) // b for t in starts]
    before, after = _beyond(first, last, block)
    if ring:
        left, right = before, after
    else:  # nobody has to send the zeros beyond the ends
        left, right = _beyond([max(q, 0) for q in first], [min(q, axis.sites - 1) for q in last], block)
    if max(left, right) > block:
        return None
    more = (before - left, after - right)
    starts += [starts[-1]] * (shards - len(starts))  # devices without outputs may read anything
    first += [first[-1]] * (shards - len(first))
    begin = [block * i - before for i in range(shards)]
    if axis.stride * many % b == 0:
        lead = b * first[0] - starts[0]
        length = last[0] - first[0] + 1
        offsets = tuple(q - a for q, a in zip(first, begin, strict=True))
        pads, base, filled = (lead, span - lead - b * (length - 1) - 1), b, 1
    else:
        offsets = tuple(t - b * a + b - 1 for t, a in zip(starts, begin, strict=True))
        length, pads, base, filled = span, (0, 0), 1, b
    return Halo(
        shards, axis.sites, axis.outputs, left, right, more, offsets, length, pads, base, filled, ring
    )


def _beyond(first: list[int], last: list[int], block: int) -> tuple[int, int]:
    """How many sites devices read at most before and after their own block."""
    before = max(0, *(block * i - q for i, q in enumerate(first)))
    return before, max(0, *(q - block * (i + 1) + 1 for i, q in enumerate(last)))


def exchange(x: jax.Array, axis: int, halo: Halo, names: Names) -> jax.Array:
    """This device's block of `x`, its neighbours' sites on either side: one permutation per side."""
    parts = [masked(x, axis, halo.sites, halo.shards, names)]
    if halo.left:
        sent = lax.slice_in_dim(parts[0], halo.block - halo.left, halo.block, axis=axis)
        parts.insert(0, _pass_on(sent, 1, halo, names))
    if halo.right:
        sent = lax.slice_in_dim(parts[-1], 0, halo.right, axis=axis)
        parts.append(_pass_on(sent, -1, halo, names))
    zero = [jnp.zeros(_resized(x, axis, width), x.dtype) for width in halo.more]
    parts = [part for part in (zero[0], *parts, zero[1]) if part.shape[axis]]
    return _window(lax.concatenate(parts, axis) if len(parts) > 1 else parts[0], axis, halo, names)


def masked(x: jax.Array, axis: int, sites: int, shards: int, names: Names) -> jax.Array:
    """Zeros on what lies beyond the last site, where the blocks are longer than the axis together."""
    block = x.shape[axis]
    if block * shards == sites:
        return x
    shape = [block if a == axis else 1 for a in range(x.ndim)]
    place = lax.axis_index(names) * block + jnp.arange(block, dtype=jnp.int32).reshape(shape)
    return jnp.where(place < sites, x, jnp.zeros((), x.dtype))


def _resized(x: jax.Array, axis: int, size: int) -> tuple[int, ...]:
    return (*x.shape[:axis], size, *x.shape[axis + 1 :])


def _pass_on(x: jax.Array, step: int, halo: Halo, names: Names) -> jax.Array:
    """Every device's part to the one `step` after it; beyond the ends of a line there are zeros."""
    pairs = [(i, i + step) for i in range(halo.shards)]
    if halo.ring:
        pairs = [(i, j % halo.shards) for i, j in pairs]
    return lax.ppermute(x, names, [(i, j) for i, j in pairs if 0 <= j < halo.shards])


def _window(x: jax.Array, axis: int, halo: Halo, names: Names) -> jax.Array:
    """The sites that this device reads."""
    if halo.filled > 1:
        room = tuple((halo.filled - 1,) * 2 if a == axis else (0, 0) for a in range(1, x.ndim - 1))
        x = zero_pad.insert(x, room, [halo.filled if a == axis else 1 for a in range(1, x.ndim - 1)])
    if len(set(halo.first)) > 1:
        first = jnp.asarray(np.array(halo.first, np.int32))[lax.axis_index(names)]
        return lax.dynamic_slice_in_dim(x, first, halo.length, axis)
    if (halo.first[0], halo.length) == (0, x.shape[axis]):
        return x
    return lax.slice_in_dim(x, halo.first[0], halo.first[0] + halo.length, axis=axis)
