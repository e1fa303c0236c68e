"""Lowered answers as jitted ops: frozen, hashable by content, free weights only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

from kernels.convolution import operands
from kernels.convolution.choice.table import Policy
from kernels.errors import ShapeError
from kernels.export import Exportable
from kernels.lattice import folding, reference
from kernels.lattice.axes import SPATIAL, AxisPlan
from kernels.pickling import Fields
from kernels.precision import at_its_own
from kernels.static import Static


@dataclass(frozen=True)
class LatticeOp(Fields, Exportable):
    """An equivariant operator between fields on lattices: op(w, x, b=None).

        y[n,p,i] = sum over (c, q) of w[class of (p, q), c, i] x[n,q,c]  +  b[class of p, i]

    Weights have the shape (classes, C_in, C_out), biases (bias classes, C_out). `describe()` says which
    operations it became.
    """

    axes: tuple[AxisPlan, ...]
    channels_in: int
    channels_out: int
    out_site: Static
    in_site: Static
    bias_site: Static
    implementation: str | Policy = "auto"
    dtype: Any = None
    precision: str | None = None
    name: str = field(default="", compare=False)

    # ---- what it is -------------------------------------------------------------------------------------

    @property
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return math.prod(self.weight_shape)

    @property
    def weight_shape(self) -> tuple[int, int, int]:
        return (len(self.out_site.array), self.channels_in, self.channels_out)

    @property
    def bias_shape(self) -> tuple[int, int]:
        return (len(self.bias_site.array), self.channels_out)

    @property
    def rank(self) -> int:
        """The number of spatial axes of the input."""
        return sum(axis.has_input for axis in self.axes)

    @cached_property
    def spatial(self) -> tuple[AxisPlan, ...]:
        """The axes that stay spatial; the others become channels or sums."""
        return tuple(axis for axis in self.axes if axis.kind in SPATIAL)

    @cached_property
    def _hash(self) -> int:
        return hash(
            (self.axes, self.channels_in, self.channels_out, self.out_site, self.in_site, self.implementation)
        )

    def __hash__(self) -> int:
        return self._hash

    def describe(self) -> str:
        """One line per axis: what it became, and with which strides, taps and border."""
        lines = [self.name] if self.name else []
        for axis in self.axes:
            if axis.kind == "conv":
                lines.append(
                    f"{axis.name}: convolution, {axis.taps} taps from {axis.first}, stride {axis.b}, "
                    f"upsampling {axis.a}, dilation {axis.dilation}, border {axis.border}"
                )
            elif axis.kind == "fold":
                lines.append(
                    f"{axis.name}: convolution of periods with {axis.b} input and {axis.a} output sites as "
                    f"channels, {axis.taps} taps, border {axis.border}"
                )
            else:
                words = {"dense": "dense", "sum": "summed over", "tile": "repeated"}
                lines.append(f"{axis.name}: {words[axis.kind]}")
        return "\n".join(lines)

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array, *, grid: Sequence[int] | None = None) -> jax.Array:
        """Random free weights that keep the variance: entries of variance 1 / fan-in.

        `grid`: the input's spatial shape (a number: along every axis), needed only to scale weights that are
        summed over a whole image.
        """
        dtype = self.dtype or jnp.zeros(()).dtype
        return jax.random.normal(key, self.weight_shape, dtype) / math.sqrt(self._fan_in(grid))

    def _fan_in(self, grid: Sequence[int] | None) -> float:
        """The inputs that an output reads, in the mean over output sites."""
        sizes = iter(() if grid is None else read_grid(grid, self.rank))
        reads = np.full(len(self.out_site.array), float(self.channels_in))
        for i, axis in enumerate(self.axes):
            n = next(sizes, None) if axis.has_input else None
            reads *= axis.share(self.out_site.array[:, i], self.in_site.array[:, i])
            if axis.kind == "sum":
                reads *= (axis.size_in or n or axis.b) / axis.b
        return max(reads.sum(), 1.0)

    def init_bias(self) -> jax.Array:
        """Zero biases."""
        return jnp.zeros(self.bias_shape, self.dtype or jnp.zeros(()).dtype)

    def kernel(self, w: jax.Array) -> jax.Array:
        """The full kernel, taps first (HWIO): (taps..., in phases * C_in, out phases * C_out)."""
        return folding.full_kernel(self, _weights(self, w))

    def dense(
        self, w: jax.Array, grid: Sequence[int] | None = None, *, order: str = "channels_last"
    ) -> np.ndarray:
        """The operator as a matrix: dense @ x.reshape(-1) == op(w, x).reshape(-1) for one sample.

        `grid`: the input's spatial shape; `order`: "channels_last" for the flattening (u, v, c) -> j, or
        "channels_first" for (c, u, v) -> j, as A[i,u,v,c,u',v'] is written.
        """
        sizes = self._grid(grid)
        entries = _shaped("w", np.asarray(w, dtype=np.float64), self.weight_shape, "use op.init(key)")
        full = reference.dense(self, entries, sizes)
        if order == "channels_first":
            outs = sum(a.has_output for a in self.axes)
            full = np.moveaxis(np.moveaxis(full, outs, 0), -1, outs + 1)
        elif order != "channels_last":
            raise ShapeError(
                "order", "must be channels_last or channels_first", repr(order), "choose one of them"
            )
        rows = math.prod(self.output_shape(sizes))
        return full.reshape(rows, full.size // max(rows, 1))

    def _grid(self, grid: Sequence[int] | None) -> tuple[int, ...]:
        fixed = tuple(a.size_in for a in self.axes if a.has_input)
        return read_grid(fixed if grid is None and None not in fixed else grid, self.rank)

    def output_shape(self, grid: Sequence[int]) -> tuple[int, ...]:
        """The spatial shape of the output and its channels, for an input of this spatial shape."""
        sizes = iter(read_grid(grid, self.rank))
        shape = []
        for axis in self.axes:
            n = next(sizes) if axis.has_input else 0
            if axis.has_input:
                axis.check_input(n)
            if axis.has_output:
                shape.append(_repeats(axis) if axis.kind == "tile" else axis.outputs(n))
        return (*shape, self.channels_out)

    # ---- what it does -----------------------------------------------------------------------------------

    @at_its_own
    def __call__(self, w: jax.Array, x: jax.Array, b: jax.Array | None = None) -> jax.Array:
        """(batch..., spatial..., C_in) -> (batch..., spatial..., C_out)."""
        return _apply(self, w, x) if b is None else _apply_with_bias(self, w, x, b)

    @at_its_own
    def adjoints(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The derived adjoints (wbar, xbar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, x, ybar)

    @cached_property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """Exact symmetries of the op: a translation by one period along every axis with a circular border."""
        found, into, out = {}, 0, 0
        ins, outs = self.rank, sum(a.has_output for a in self.axes)
        for axis in self.axes:
            if axis.has_input and axis.has_output and axis.border == "CIRCULAR" and axis.kind in SPATIAL:
                found[f"translation along {axis.name}"] = (
                    partial(jnp.roll, shift=axis.b, axis=into - ins - 1),
                    partial(jnp.roll, shift=axis.a, axis=out - outs - 1),
                )
            into, out = into + axis.has_input, out + axis.has_output
        return found


def read_grid(grid: Any, rank: int) -> tuple[int, ...]:
    """The spatial shape of an input: a size per axis, or one number for all of them."""
    single = isinstance(grid, Integral) and not isinstance(grid, bool)
    given = (grid,) * rank if single else tuple(grid) if isinstance(grid, Iterable) else ()
    if len(given) != rank or not all(map(_is_size, given)):
        rule = f"must give {rank} sizes, one per axis of the input"
        raise ShapeError("grid", rule, grid, f"say grid=({', '.join(['8'] * rank)}{',' * (rank == 1)})")
    return tuple(int(n) if isinstance(n, Integral) else n for n in given)


def _is_size(n: Any) -> bool:
    """A whole number, or a size that an export leaves open."""
    whole = isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 0
    return whole or is_symbolic_dim(n)


def _repeats(axis: AxisPlan) -> int:
    if axis.size_out is None:
        raise ShapeError(
            "y", f"must have a size along {axis.name}, where the input has none", None, "give y a grid"
        )
    return axis.size_out


def _weights(op: LatticeOp, w: Any) -> jax.Array:
    return _shaped("w", jnp.asarray(w), op.weight_shape, "use op.init(key)")


def _shaped(name: str, array: Any, shape: tuple[int, ...], remedy: str) -> Any:
    """The array in this shape; it may also come flat."""
    if array.shape not in (shape, (math.prod(shape),)):
        raise ShapeError(name, f"must have the shape {shape}", array.shape, remedy)
    return array.reshape(shape)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply(op: LatticeOp, w: jax.Array, x: jax.Array) -> jax.Array:
    x, w, batch, grid = _operands(op, w, x)
    return folding.unfold(
        op, folding.convolve(op, folding.fold(op, x), folding.full_kernel(op, w), grid), grid, batch
    )


@partial(jax.jit, static_argnums=0, inline=True)
def _apply_with_bias(op: LatticeOp, w: jax.Array, x: jax.Array, b: jax.Array) -> jax.Array:
    y = _apply(op, w, x)
    return y + bias_field(op, b, y.shape).astype(y.dtype)


def _operands(op: LatticeOp, w: Any, x: Any) -> tuple[jax.Array, jax.Array, tuple[int, ...], tuple[int, ...]]:
    w = _weights(op, w)
    x, batch, grid = image(op, x, w)
    return x, w, batch, grid


def image(op: LatticeOp, x: Any, w: jax.Array) -> tuple[jax.Array, tuple[int, ...], tuple[int, ...]]:
    """The input, checked, with one batch axis; its batch axes and its spatial shape."""
    x = jnp.asarray(x)
    operands.check_dtypes("x", x, "w", w)
    batch = operands.check_field("x", x.shape, op.rank, op.channels_in, "the channels solved for")
    grid = x.shape[len(batch) : -1]
    for axis, n in zip([a for a in op.axes if a.has_input], grid, strict=True):
        axis.check_input(n)
    return x.reshape(math.prod(batch), *x.shape[len(batch) :]), batch, grid


def bias_field(op: LatticeOp, b: Any, shape: Sequence[int]) -> jax.Array:
    """The bias at every output site: it repeats with the output's period."""
    b = _shaped("b", jnp.asarray(b), op.bias_shape, "use op.init_bias()")
    axes = [a for a in op.axes if a.has_output]
    periods = [
        int(op.bias_site.array[:, i].max(initial=0)) + 1 for i, a in enumerate(op.axes) if a.has_output
    ]
    table = b.reshape(*periods, op.channels_out)
    for k, (axis, period) in enumerate(zip(axes, periods, strict=True)):
        n = shape[len(shape) - 1 - len(axes) + k]
        if period > 1:
            table = jnp.take(table, (np.arange(n) + axis.start) % period, axis=k)
    return table


@partial(jax.jit, static_argnums=0, inline=True)
def _adjoints(op: LatticeOp, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, w, batch, grid = _operands(op, w, x)
    kernel, folded = folding.full_kernel(op, w), folding.fold(op, x)
    zbar = folding.unfold_adjoint(op, ybar.reshape(x.shape[0], *op.output_shape(grid)), folded, kernel, grid)
    kernel_bar, folded_bar = folding.convolve_adjoints(op, folded, kernel, zbar, grid)
    xbar = folding.fold_adjoint(op, folded_bar, x.shape)
    return folding.read_weights(op, kernel_bar), xbar.reshape(*batch, *x.shape[1:])
