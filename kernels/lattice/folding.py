"""The pieces of a lattice op: fold periods into channels, convolve, unfold; and the adjoint of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels import precision
from kernels.convolution import primitive
from kernels.convolution.borders import circle, wrap, zero_pad
from kernels.lattice.axes import SPATIAL, AxisPlan
from kernels.lattice.plan import LatticePlan
from kernels.sparse import sparse_matrix, times


def full_kernel(plan: LatticePlan, w: jax.Array) -> jax.Array:
    """Class weights to the kernel (taps..., in phases * C_in, out phases * C_out)."""
    full = times(plan.placing, w).reshape(*plan.slots.shape, *w.shape[1:])
    spatial, ins = len(plan.spatial), len(plan.inputs)
    full = jnp.moveaxis(full, -2, spatial + ins)  # (taps, in phases, C_in, out phases, C_out)
    split = spatial + ins + 1
    inner, outer = math.prod(full.shape[spatial:split]), math.prod(full.shape[split:])
    return full.reshape(*full.shape[:spatial], inner, outer)


def read_weights(plan: LatticePlan, kernel_bar: jax.Array) -> jax.Array:
    """The adjoint of `full_kernel`: read every weight where it stands."""
    places, split = plan.slots.shape, len(plan.spatial) + len(plan.inputs)
    full = kernel_bar.reshape(*places[:split], plan.channels_in, *places[split:], plan.channels_out)
    full = jnp.moveaxis(full, split, -2)
    return times(plan.placing.transposed, full.reshape(-1, plan.channels_in, plan.channels_out))


def fold(plan: LatticePlan, x: jax.Array) -> jax.Array:
    """(N, sites..., C) -> (N, periods of spatial axes..., in phases... * C), sums taken."""
    axes = plan.inputs
    x = _border(axes, x)
    if all(a.kind == "conv" for a in axes):
        return x
    room = [(0, 0), *((0, -n % a.in_phases) for a, n in zip(axes, x.shape[1:-1], strict=True)), (0, 0)]
    x = zero_pad.around(x, room)
    shape = [x.shape[0]]
    for axis, n in zip(axes, x.shape[1:-1], strict=True):
        shape += [n // axis.in_phases, axis.in_phases]
    x = x.reshape(*shape, x.shape[-1])
    blocks = [1 + 2 * i for i, a in enumerate(axes) if a.kind in SPATIAL]
    gone = [1 + 2 * i for i, a in enumerate(axes) if a.kind not in SPATIAL]
    phases = [2 + 2 * i for i in range(len(axes))]
    x = x.transpose(0, *gone, *blocks, *phases, x.ndim - 1).sum(axis=tuple(range(1, 1 + len(gone))))
    return x.reshape(*x.shape[: 1 + len(blocks)], math.prod(x.shape[1 + len(blocks) :]))


def _border(axes: Sequence[AxisPlan], x: jax.Array) -> jax.Array:
    """Continue the image where the border mirrors it."""
    pads = _mirrored(axes, x.shape[1:-1])
    return wrap.extend(x, pads, "REFLECT") if any(pair != (0, 0) for pair in pads) else x


def _mirrored(axes: Sequence[AxisPlan], sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """How many sites to mirror on either side of every axis; only convolutions have such a border."""

    def one(axis: AxisPlan, n: int) -> tuple[int, int]:
        if axis.border != "REFLECT" or axis.kind not in SPATIAL:
            return 0, 0
        low, high = (max(0, width) for width in axis.widths(n))
        return low, high

    return tuple(one(a, n) for a, n in zip(axes, sizes, strict=True))


def _left(axis: AxisPlan, n: int) -> tuple[Any, Any]:
    """The border left to the convolution (negative: crop) once the image has been mirrored."""
    (low, high), ((before, after),) = axis.widths(n), _mirrored((axis,), (n,))
    return low - before, high - after


def _circle(axis: AxisPlan, n: Any) -> Any:
    """The length of the circle that a spatial axis closes to."""
    if axis.border != "CIRCULAR":
        return circle.LINE
    return circle.around(n * axis.a if axis.kind == "conv" else n // axis.b, axis.widths(n))


def conv_options(plan: LatticePlan, grid: Sequence[int], groups: int = 1) -> dict[str, Any]:
    sizes = [n for a, n in zip(plan.inputs, grid, strict=True) if a.kind in SPATIAL]
    conv = [a.kind == "conv" for a in plan.spatial]
    return {
        "strides": tuple(a.b if c else 1 for a, c in zip(plan.spatial, conv, strict=True)),
        "padding": tuple(_left(a, n) for a, n in zip(plan.spatial, sizes, strict=True)),
        "lhs_dilation": tuple(a.a if c else 1 for a, c in zip(plan.spatial, conv, strict=True)),
        "rhs_dilation": tuple(a.dilation for a in plan.spatial),
        "circle": tuple(_circle(a, n) for a, n in zip(plan.spatial, sizes, strict=True)),
        "groups": groups,
        "implementation": plan.implementation,
        "precision": precision.current(),
    }


def convolve(
    plan: LatticePlan, folded: jax.Array, kernel: jax.Array, grid: Sequence[int], groups: int = 1
) -> jax.Array:
    """The convolution over what is still spatial; a matrix product where nothing is, one for every group."""
    if plan.spatial:
        return primitive.bind(folded, kernel, **conv_options(plan, grid, groups))
    if groups == 1:
        return folded @ kernel
    y = jnp.einsum("ngc,cgd->ngd", _by_group(folded, groups), _by_group(kernel, groups))
    return y.reshape(len(folded), -1)


def convolve_adjoints(
    plan: LatticePlan, folded: jax.Array, kernel: jax.Array, ybar: jax.Array, grid: Any, groups: int = 1
) -> tuple[jax.Array, jax.Array]:
    """Both adjoints of `convolve`, with respect to the kernel and to the folded input."""
    if plan.spatial:
        options = conv_options(plan, grid, groups)
        kernel_bar = primitive.kernel_adjoint(folded, ybar, kernel.shape[:-2], **options)
        return kernel_bar, primitive.input_adjoint(ybar, kernel, folded.shape[1:-1], **options)
    if groups == 1:
        return folded.T @ ybar, ybar @ kernel.T
    back = _by_group(ybar, groups)
    kernel_bar = jnp.einsum("ngc,ngd->cgd", _by_group(folded, groups), back).reshape(kernel.shape)
    return kernel_bar, jnp.einsum("ngd,cgd->ngc", back, _by_group(kernel, groups)).reshape(folded.shape)


def _by_group(array: jax.Array, groups: int) -> jax.Array:
    return array.reshape(len(array), groups, -1)


def unfold(plan: LatticePlan, y: jax.Array, grid: Sequence[int], batch: Sequence[int]) -> jax.Array:
    """(N, periods..., out phases... * D) -> (batch..., sites..., D)."""
    axes = plan.outputs
    shape = plan.output_shape(grid)
    if any(a.kind != "conv" for a in axes):
        y = _interleave(plan, y, axes, shape)
        starts = [a.start % a.a if a.kind == "fold" else 0 for a in axes]
        y = y[(slice(None), *(slice(s, s + n) for s, n in zip(starts, shape[:-1], strict=True)))]
    return y.reshape(*batch, *shape)


def _interleave(plan: LatticePlan, y: jax.Array, axes: Sequence[AxisPlan], shape: Sequence[int]) -> jax.Array:
    blocks = iter(y.shape[1:-1])
    y = y.reshape(*y.shape[:-1], *(a.out_phases for a in axes), plan.channels_out)
    order, place, pieces = [0], 1, []
    for k, axis in enumerate(axes):
        phase = 1 + len(plan.spatial) + k
        if axis.kind in SPATIAL:
            order += [place, phase]
            place += 1
            pieces.append(next(blocks) * axis.out_phases)
        else:
            order.append(phase)
            pieces.append(axis.out_phases)
    y = y.transpose(*order, y.ndim - 1).reshape(y.shape[0], *pieces, plan.channels_out)
    for k, axis in enumerate(axes, 1):
        if axis.kind == "tile":
            sites = np.arange(shape[k - 1])
            y = times(sparse_matrix(sites, sites % axis.a, 1, (len(sites), axis.a)), y, k)
    return y


def unfold_adjoint(
    plan: LatticePlan, ybar: jax.Array, folded: jax.Array, kernel: jax.Array, grid: Any, groups: int = 1
) -> jax.Array:
    """Put every output site back into its period and phase; repeated sites add up."""
    axes = plan.outputs
    if all(a.kind == "conv" for a in axes):
        return ybar
    target = jax.eval_shape(lambda z, k: convolve(plan, z, k, grid, groups), folded, kernel).shape
    blocks = iter(target[1:-1])
    shape, order, inner = [target[0]], [0], []
    for k, axis in enumerate(axes, 1):
        many = next(blocks) if axis.kind in SPATIAL else -(-ybar.shape[k] // axis.a)
        before = axis.start % axis.a if axis.kind == "fold" else 0
        room = [(0, 0)] * ybar.ndim
        room[k] = (before, many * axis.out_phases - before - ybar.shape[k])
        ybar = zero_pad.around(ybar, room)
        shape += [many, axis.out_phases]
        order.append(2 * k - 1)
        inner.append(2 * k)
    ybar = ybar.reshape(*shape, plan.channels_out).transpose(*order, *inner, 2 * len(axes) + 1)
    ybar = ybar.sum(axis=tuple(k for k, a in enumerate(axes, 1) if a.kind not in SPATIAL))
    return ybar.reshape(target)


def fold_adjoint(plan: LatticePlan, folded_bar: jax.Array, shape: Sequence[int]) -> jax.Array:
    """The adjoint of `fold`: spread sums, put phases back between sites, add mirrored borders up."""
    axes = plan.inputs
    runs = _mirrored(axes, shape[1:-1])
    longer = [n + lo + hi for n, (lo, hi) in zip(shape[1:-1], runs, strict=True)]
    xbar = folded_bar
    if any(a.kind != "conv" for a in axes):
        blocks = [-(-n // a.in_phases) for n, a in zip(longer, axes, strict=True)]
        spread = [m if a.kind in SPATIAL else 1 for m, a in zip(blocks, axes, strict=True)]
        xbar = xbar.reshape(shape[0], *spread, *(a.in_phases for a in axes), shape[-1])
        xbar = jnp.broadcast_to(xbar, (shape[0], *blocks, *xbar.shape[1 + len(axes) :]))
        order = [0]
        for k in range(len(axes)):
            order += [1 + k, 1 + len(axes) + k]
        xbar = xbar.transpose(*order, xbar.ndim - 1)
        xbar = xbar.reshape(
            shape[0], *(m * a.in_phases for m, a in zip(blocks, axes, strict=True)), shape[-1]
        )
        xbar = xbar[(slice(None), *(slice(0, n) for n in longer))]
    return wrap.fold(xbar, runs, "REFLECT") if any(pair != (0, 0) for pair in runs) else xbar
