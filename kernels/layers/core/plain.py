"""A layer in ordinary terms: a convolution, a matrix or a function, with the symmetry in its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from kernels.lattice import folding
from kernels.lattice.axes import AxisPlan
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp
from kernels.lattice.plan import LatticePlan, read_grid
from kernels.layers.core.linear import LinearSpec
from kernels.layers.core.norms import BatchNormSpec
from kernels.layers.core.spec import Params, Spec

SAMPLES = 24  # periods of an image among which the longest border is looked for
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


class PlainBlocks(NamedTuple):
    """An ordinary layer between blocks of sites: `through(plan, layer, x)`.

    Weights that repeat with a period are the same for every block; an axis without translations is one block.
    """

    layer: PlainConv | PlainDense
    plan: LatticePlan


Plain: TypeAlias = PlainConv | PlainDense | PlainScale | PlainFunction | PlainBlocks


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


def _linear(spec: LinearSpec, params: Params) -> PlainConv | PlainDense | PlainBlocks:
    op = spec.op
    kernel = op.kernel(spec.weight(params))
    if not isinstance(op, LatticeOp | FibredOp):
        return PlainDense(kernel, _bias(spec, params, ()))
    plan = op.plan if isinstance(op, LatticeOp) else op.lattice.plan
    blocks = any(axis.kind != "conv" for axis in plan.axes)
    bias = _bias(spec, params, tuple(axis.out_phases for axis in plan.outputs))
    if not plan.spatial:
        return PlainBlocks(PlainDense(kernel, bias), plan)
    axes = [_axis(axis) for axis in plan.spatial]
    conv = PlainConv(
        kernel,
        bias,
        tuple(axis.b if axis.kind == "conv" else 1 for axis in plan.spatial),
        tuple(axis.dilation for axis in plan.spatial),
        tuple(axis.a if axis.kind == "conv" else 1 for axis in plan.spatial),
        tuple(border for border, _ in axes),
        tuple(pad for _, pad in axes),
    )
    return PlainBlocks(conv, plan) if blocks else conv


def _bias(spec: LinearSpec, params: Params, phases: tuple[int, ...]) -> jax.Array | None:
    """The bias of every output site of a block, the channels fastest: (phases... * C_out)."""
    if "bias" not in params:
        return None
    if spec.shift is not None:
        return jnp.tile(spec.bias_vector(params), math.prod(phases))
    op, shape = spec.op, (*phases, spec.op.channels_out)
    table = jnp.broadcast_to(op._shift(spec.bias(params), (1, *shape)), (1, *shape))
    if isinstance(op, LatticeOp | FibredOp):
        plan = op.plan if isinstance(op, LatticeOp) else op.lattice.plan
        for k, axis in enumerate(plan.outputs, 1):  # blocks begin before the first site of the image
            table = jnp.roll(table, axis.start % axis.a, k) if axis.kind == "fold" else table
    return table.reshape(-1)


def through(plan: LatticePlan, layer: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """An ordinary layer on blocks of sites: what belongs to one block is its channels."""
    rank = plan.rank
    batch, grid = x.shape[: x.ndim - rank - 1], x.shape[x.ndim - rank - 1 : -1]
    plan.output_shape(read_grid(grid, rank))  # refuses sizes that the layer does not take
    bare = replace(plan, axes=tuple(a._replace(border="ZERO") if a.kind == "conv" else a for a in plan.axes))
    y = layer(folding.fold(bare, x.reshape(math.prod(batch), *grid, x.shape[-1])))
    return folding.unfold(plan, y, grid, batch)


def _axis(axis: AxisPlan) -> tuple[tuple[int, int, str], tuple[int, int]]:
    """What is repeated on either side, and the zeros that remain (negative: cut), in sites or in blocks."""
    low, high = widths(axis)
    if axis.border not in MODES:
        return (0, 0, "constant"), (low, high)
    apart = axis.a if axis.kind == "conv" else 1
    before, after = (max(-(-width // apart), 0) for width in (low, high))
    left = low - apart * before, high - apart * after
    if axis.border == "REFLECT":
        left = low - before, high - after
    return (before, after, MODES[axis.border]), left


def widths(axis: AxisPlan) -> tuple[int, int]:
    """The border of an axis, the same for images of every size: as many sites come out, and none is lost.

    From outputs(n) = floor((n a + ceil(b gap) - 1 - b start) / b) + 1, or n a / b on a circle.
    """
    if axis.size_in is not None or axis.border not in ("ZERO", "CIRCULAR"):
        return axis.widths(axis.size_in or 0)
    if axis.kind == "fold":  # what the longest of all images needs; what is too much is cut
        pairs = [axis.widths(n) for n in range(axis.b, axis.b * (SAMPLES + 1))]
        return pairs[0][0], max(high for _, high in pairs)
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
