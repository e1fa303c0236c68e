"""Lattice ops: one free weight for every class of site pairs and pair of channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np

from kernels.convolution import operands
from kernels.convolution.choice.table import Policy
from kernels.equivariant import EquivariantOp, read_parts
from kernels.errors import ShapeError, brief, known
from kernels.lattice import folding, reference, symmetry
from kernels.lattice.axes import AxisPlan
from kernels.lattice.broken import notice
from kernels.lattice.channel_groups import Grouping
from kernels.lattice.plan import LatticePlan, bias_field, bias_pull, bias_table
from kernels.lattice.source import lattice_source
from kernels.precision import cast
from kernels.source import LIMIT
from kernels.sparse import times

ORDERS = ("channels_last", "channels_first")


@dataclass(frozen=True, eq=False, repr=False)
class LatticeOp(EquivariantOp):
    """An equivariant operator between fields on lattices: op(w, x, b=None).

        y[n,p,i] = sum over (c, q) of w[class of (p, q), c, i] x[n,q,c]  +  b[class of p, i]

    Weights have the shape (classes, C_in, C_out), biases (bias classes, C_out). `describe()` says which
    operations it became.
    """

    plan: LatticePlan
    dtype: Any = None
    precision: str | None = None
    name: str = field(default="", compare=False)
    into: Any = field(default=None, compare=False)
    out: Any = field(default=None, compare=False)
    on_broken: str = "ignore"

    @property
    def axes(self) -> tuple[AxisPlan, ...]:
        """How every axis is computed."""
        return self.plan.axes

    @property
    def implementation(self) -> str | Policy:  # type: ignore[override]
        return self.plan.implementation

    @property
    def channels_in(self) -> int:  # type: ignore[override]
        return self.plan.channels_in

    @property
    def channels_out(self) -> int:  # type: ignore[override]
        return self.plan.channels_out

    @property
    def rank(self) -> int:
        return self.plan.rank

    @property
    def weight_shape(self) -> tuple[int, int, int]:
        """(classes, C_in, C_out)."""
        return self.plan.weight_shape

    @property
    def bias_shape(self) -> tuple[int, int]:
        """(bias classes, C_out)."""
        return self.plan.bias_shape

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.weight_shape,)

    @property
    def bias_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.bias_shape,) if math.prod(self.bias_shape) else ()

    def describe(self) -> str:
        """One line per axis: what it became, and with which strides, taps and border."""
        return "\n".join([*([self.name] if self.name else []), self.plan.describe()])

    def source(self, *, limit: int = LIMIT) -> str:
        return lattice_source(self, limit)

    def init(self, key: jax.Array, *, grid: Any = None) -> jax.Array:
        return jax.random.normal(key, self.weight_shape, self._kind()) / math.sqrt(self.plan.fan_in(grid))

    def kernel(self, w: Any) -> jax.Array:
        """The full kernel, taps first (HWIO): (taps..., in phases * C_in, out phases * C_out)."""
        return folding.full_kernel(self.plan, read_parts("w", w, self.weight_shapes)[0])

    def dense(self, w: Any, grid: Any = None, *, order: str = "channels_last") -> np.ndarray:
        """The operator as a matrix: dense @ x.reshape(-1) == op(w, x).reshape(-1) for one sample.

        `grid`: the input's spatial shape; `order`: "channels_last" for the flattening (u, v, c) -> j, or
        "channels_first" for (c, u, v) -> j, as A[i,u,v,c,u',v'] is written.
        """
        sizes = self.plan.grid(grid)
        (entries,) = read_parts("w", w, self.weight_shapes)
        return written(self.plan, np.asarray(entries, dtype=np.float64), sizes, order)

    def _dense_bias(self, b: Any, grid: Any) -> np.ndarray:
        return bias_table(self.plan, b, self.plan.grid(grid)).reshape(-1)

    def output_shape(self, grid: Any = None) -> tuple[int, ...]:
        return self.plan.output_shape(self.plan.grid(grid))

    def least_grid(self, least: int) -> tuple[int, ...]:
        return tuple(axis.least_input(least) for axis in self.plan.inputs)

    @cached_property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """Every generator that arrays of some size can carry."""
        parts = (self.plan, self.into, self.out)
        return {
            name: (partial(symmetry.move_input, *parts, name), partial(symmetry.move_output, *parts, name))
            for name in symmetry.kept(*parts)
        }

    def _notice(self, shape: Sequence[int]) -> None:
        if self.on_broken != "ignore" and self.into is not None:
            notice(self, tuple(shape[len(shape) - 1 - self.rank : -1]))

    def _value(self, w: list[jax.Array], x: jax.Array) -> jax.Array:
        operands.check_dtypes("x", x, "w", w[0])
        return value(self.plan, folding.full_kernel(self.plan, self.plan.wide(w[0])), x)

    def _pull(
        self, w: list[jax.Array], x: jax.Array, ybar: jax.Array
    ) -> tuple[Sequence[jax.Array], jax.Array]:
        operands.check_dtypes("x", x, "w", w[0])
        kernel = folding.full_kernel(self.plan, self.plan.wide(w[0]))
        kernel_bar, xbar = pull(self.plan, kernel, x, ybar)
        return [cast(folding.read_weights(self.plan, kernel_bar), w[0].dtype)], xbar

    def _shift(self, b: list[jax.Array], shape: Sequence[int]) -> jax.Array:
        return bias_field(self.plan, b[0], shape)

    def _shift_pull(self, ybar: jax.Array) -> Sequence[jax.Array]:
        return [bias_pull(self.plan, ybar)] if self.bias_shapes else []


# ---- the layer with a full kernel --------------------------------------------------------------------------


def value(plan: LatticePlan, kernel: jax.Array, x: jax.Array, grouping: Grouping | None = None) -> jax.Array:
    """The operator with this kernel, (batch..., spatial..., C_in) to (batch..., spatial..., C_out)."""
    batch, grid = _shape(plan, x)
    folded = folding.fold(plan, _one_batch(plan, x, batch))
    if grouping is None:
        y = folding.convolve(plan, folded, kernel, grid)
    else:
        folded = times(grouping.into, folded, -1)
        y = times(grouping.out, folding.convolve(plan, folded, kernel, grid, grouping.groups), -1)
    return cast(folding.unfold(plan, y, grid, batch), x.dtype)


def pull(
    plan: LatticePlan, kernel: jax.Array, x: jax.Array, ybar: jax.Array, grouping: Grouping | None = None
) -> tuple[jax.Array, jax.Array]:
    """The adjoints of `value` with respect to the kernel and to x, at the cotangent ybar."""
    batch, grid = _shape(plan, x)
    flat = _one_batch(plan, x, batch)
    folded = folding.fold(plan, flat)
    shape = plan.output_shape(grid)
    if ybar.shape != (*batch, *shape):
        raise ShapeError(
            "ybar", f"must have the shape {(*batch, *shape)} of op(w, x)", ybar.shape, "check it"
        )
    ybar = plan.wide(ybar.reshape(flat.shape[0], *shape))
    many = 1 if grouping is None else grouping.groups
    folded = folded if grouping is None else times(grouping.into, folded, -1)
    zbar = folding.unfold_adjoint(plan, ybar, folded, kernel, grid, many)
    zbar = zbar if grouping is None else times(grouping.out.transposed, zbar, -1)
    kernel_bar, folded_bar = folding.convolve_adjoints(plan, folded, kernel, zbar, grid, many)
    folded_bar = folded_bar if grouping is None else times(grouping.into.transposed, folded_bar, -1)
    xbar = folding.fold_adjoint(plan, folded_bar, flat.shape)
    return kernel_bar, cast(xbar.reshape(x.shape), x.dtype)


def _one_batch(plan: LatticePlan, x: jax.Array, batch: Sequence[int]) -> jax.Array:
    return plan.wide(x.reshape(math.prod(batch), *x.shape[len(batch) :]))


def _shape(plan: LatticePlan, x: jax.Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The batch axes and the spatial shape of an input, checked."""
    batch = operands.check_field("x", x.shape, plan.rank, plan.channels_in, "the channels solved for")
    grid = x.shape[len(batch) : -1]
    for axis, n in zip(plan.inputs, grid, strict=True):
        axis.check_input(n)
    return batch, grid


def written(plan: LatticePlan, entries: np.ndarray, grid: Sequence[int], order: str) -> np.ndarray:
    """The matrix of an operator with these class weights, entry by entry."""
    if not known(order, ORDERS):
        raise ShapeError("order", f"must be {ORDERS[0]} or {ORDERS[1]}", brief(order), "choose one of them")
    full = reference.dense(plan, entries, grid)
    if order == "channels_first":
        outs = len(plan.outputs)
        full = np.moveaxis(np.moveaxis(full, outs, 0), -1, outs + 1)
    rows = math.prod(plan.output_shape(grid))
    return full.reshape(rows, full.size // max(rows, 1))
