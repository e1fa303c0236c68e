"""How the primitive sees a convolution: zeros and circles beyond the ends, all else copied before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels import precision
from kernels.convolution import shapes
from kernels.convolution.borders import circle, wrap
from kernels.convolution.borders.border import Border, Pads
from kernels.convolution.options import Options


def bordered(x: jax.Array, kernel_shape: Sequence[int], options: Options) -> tuple[jax.Array, dict[str, Any]]:
    """x with its mirrored or repeated border where there is one, and the primitive's options."""
    how = geometry(x.shape[1:-1], kernel_shape, options)
    return how.more.extend(x), how.options


class More(NamedTuple):
    """The sites of borders that are made beforehand, per axis: the primitive knows zeros and circles only."""

    pads: Pads
    modes: tuple[str, ...]

    def __bool__(self) -> bool:
        return any(pair != (0, 0) for pair in self.pads)

    def extend(self, x: jax.Array) -> jax.Array:
        return wrap.extend(x, self.pads, self.modes) if self else x

    def fold(self, xbar: jax.Array) -> jax.Array:
        return wrap.fold(xbar, self.pads, self.modes) if self else xbar

    def longer(self, spatial: Sequence[int]) -> tuple[int, ...]:
        """The spatial shape with these borders."""
        return tuple(n + lo + hi for n, (lo, hi) in zip(spatial, self.pads, strict=True))


class Geometry(NamedTuple):
    """The primitive's options, and the borders to be made before."""

    options: dict[str, Any]
    more: More


class _Axis(NamedTuple):
    """One axis: sites to be copied beyond either end, the border of zeros around them, the circle."""

    copied: tuple[int, int]
    padding: tuple[int, int]
    circle: Any


def _axis(border: Border, n: Any, base: int, low: Any, high: Any) -> _Axis:
    if border.name == "CIRCULAR":
        wrap.check(n, border.name) if (low, high) != (0, 0) else None
        return _Axis((0, 0), (low, high), circle.around(base * n, (low, high)))
    if not border.mirrored or (low, high) == (0, 0):
        return _Axis((0, 0), (low, high), circle.LINE)
    copied = (low // base, high // base)  # what is left of the widths are zeros between two sites
    return _Axis(copied, (low - base * copied[0], high - base * copied[1]), circle.LINE)


def geometry(spatial: Sequence[int], kernel_shape: Sequence[int], options: Options) -> Geometry:
    """How the primitive sees this convolution; the precision is settled here, in the caller's context."""
    pads = shapes.borders(spatial, kernel_shape[:-2], options)
    axes = [
        _axis(border, n, base, *pair)
        for border, n, base, pair in zip(options.padding, spatial, options.input_dilation, pads, strict=True)
    ]
    how = {
        "strides": options.strides,
        "padding": tuple(axis.padding for axis in axes),
        "lhs_dilation": options.input_dilation,
        "rhs_dilation": options.dilation,
        "circle": tuple(axis.circle for axis in axes),
        "groups": options.groups * options.batch_groups,
        "implementation": options.implementation,
        "precision": precision.current() if options.precision is None else options.precision,
        "preferred_element_type": _of_parts(options.wanted),
    }
    more = More(tuple(axis.copied for axis in axes), tuple(border.name for border in options.padding))
    return Geometry(how, more)


def _of_parts(wanted: str | None) -> str | None:
    """The dtype of the sums of real and imaginary parts."""
    if wanted is None or not jnp.issubdtype(wanted, jnp.complexfloating):
        return wanted
    return jnp.finfo(wanted).dtype.name
