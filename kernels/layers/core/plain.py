"""A layer in ordinary terms: a convolution, a matrix or a function, with the symmetry in its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kernels.errors import FieldError
from kernels.lattice.axes import AxisPlan
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp
from kernels.lattice.plan import LatticePlan
from kernels.layers.core.linear import LinearSpec
from kernels.layers.core.norms import BatchNormSpec
from kernels.layers.core.spec import Params, Spec

MODES = {"CIRCULAR": "wrap", "REFLECT": "reflect"}


class PlainConv(NamedTuple):
    """A convolution as every framework has it, channels last.

    `borders`: per axis how many sites of the image are repeated on either side, and how (a mode of jnp.pad);
    `pads`: zeros that are then added, negative to cut.
    """

    kernel: jax.Array  # (taps..., C_in, C_out)
    bias: jax.Array | None
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    upsampling: tuple[int, ...]
    borders: tuple[tuple[int, int, str], ...]
    pads: tuple[tuple[int, int], ...]


class PlainDense(NamedTuple):
    """A matrix (C_in, C_out) and a bias."""

    kernel: jax.Array
    bias: jax.Array | None


class PlainScale(NamedTuple):
    """y = scale x + shift, channel by channel."""

    scale: jax.Array
    shift: jax.Array


class PlainFunction(NamedTuple):
    """A function of numbers and one array."""

    name: str
    fn: Callable[[Params, jax.Array], jax.Array]
    params: Params


Plain = PlainConv | PlainDense | PlainScale | PlainFunction


def plain(spec: Spec, params: Params, stats: Params) -> Plain:
    """The ordinary layer that does the same, outside of training."""
    if isinstance(spec, LinearSpec):
        return _linear(spec, params)
    if isinstance(spec, BatchNormSpec):
        return PlainScale(*spec.affine_map(params, stats))
    return PlainFunction(
        f"{type(spec).__name__.removesuffix('Spec')}: {spec!r}", partial(_run, spec), dict(params)
    )


def _run(spec: Spec, params: Params, x: jax.Array) -> jax.Array:
    return spec(params, x).y


def _linear(spec: LinearSpec, params: Params) -> PlainConv | PlainDense:
    op = spec.op
    kernel = op.kernel(spec.weight(params))
    if not isinstance(op, LatticeOp | FibredOp):
        return PlainDense(kernel, _bias(spec, params))
    plan = op.plan if isinstance(op, LatticeOp) else op.lattice.plan
    if any(axis.kind != "conv" for axis in plan.axes) or _phases(plan):
        rule = "is for weights that are the same at every site"
        raise FieldError("plain", rule, spec, "use groups whose translations have the period of the lattice")
    axes = [_axis(axis) for axis in plan.axes]
    return PlainConv(
        kernel,
        _bias(spec, params),
        tuple(axis.b for axis in plan.axes),
        tuple(axis.dilation for axis in plan.axes),
        tuple(axis.a for axis in plan.axes),
        tuple(border for border, _ in axes),
        tuple(pad for _, pad in axes),
    )


def _phases(plan: LatticePlan) -> bool:
    return plan.bias_shape[0] > 1


def _bias(spec: LinearSpec, params: Params) -> jax.Array | None:
    if "bias" not in params:
        return None
    if spec.shift is not None:
        return spec.bias_vector(params)
    channels = spec.op.channels_out
    return spec.op._shift(spec.bias(params), (1,) * spec.op.rank + (channels,)).reshape(channels)


def _axis(axis: AxisPlan) -> tuple[tuple[int, int, str], tuple[int, int]]:
    """What is repeated on either side of an axis, and the zeros that remain (negative: cut)."""
    low, high = widths(axis)
    if axis.border not in MODES:
        return (0, 0, "constant"), (low, high)
    before, after = (max(-(-width // axis.a), 0) for width in (low, high))
    left = low - axis.a * before, high - axis.a * after
    if axis.border == "REFLECT":
        left = low - before, high - after
    return (before, after, MODES[axis.border]), left


def widths(axis: AxisPlan) -> tuple[int, int]:
    """The border of an axis, the same for images of every size: as many sites come out, and none is lost.

    From outputs(n) = floor((n a + ceil(b gap) - 1 - b start) / b) + 1, or n a / b on a circle.
    """
    if axis.size_in is not None or axis.border not in ("ZERO", "CIRCULAR"):
        return axis.widths(axis.size_in or 0)
    low = -(axis.first + axis.b * axis.start)
    if axis.border == "CIRCULAR":
        return low, axis.a - axis.b + axis.window - 1 - low
    rest = math.ceil(axis.b * axis.gap) - 1 - axis.b * axis.start
    return low, axis.window - 1 + axis.a + rest - low


def bordered(x: jax.Array, borders: tuple[tuple[int, int, str], ...], first: int) -> jax.Array:
    """The array with its border repeated; spatial axes begin with `first`."""
    for axis, (low, high, mode) in enumerate(borders, first):
        if low or high:
            x = jnp.pad(x, [(low, high) if k == axis else (0, 0) for k in range(x.ndim)], mode=mode)
    return x
