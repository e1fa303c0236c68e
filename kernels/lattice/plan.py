"""What a lattice op is: its axes, its channels, and the classes of site pairs that share a weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import jax
import numpy as np
from jax.export import is_symbolic_dim

from kernels.convolution.borders import zero_pad
from kernels.convolution.choice.table import Policy
from kernels.errors import ShapeError
from kernels.lattice.axes import SPATIAL, AxisPlan
from kernels.precision import summed
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Content, Static

PRESUMED = 32  # sites of an axis that is summed over, where `init` is not told how many there are


@dataclass(frozen=True, eq=False)
class LatticePlan(Content):
    """The operator y[n,p,i] = sum over (c, q) of w[class of (p, q), c, i] x[n,q,c], and how it is computed.

    Row k of `out_site` and `in_site` is a pair (p, q) of class k, one column per axis; row k of `bias_site`
    is an output site of bias class k.
    """

    axes: tuple[AxisPlan, ...]
    channels_in: int
    channels_out: int
    out_site: Static
    in_site: Static
    bias_site: Static
    implementation: str | Policy = "auto"

    @property
    def weight_shape(self) -> tuple[int, int, int]:
        """(classes, C_in, C_out)."""
        return (len(self.out_site.array), self.channels_in, self.channels_out)

    @property
    def bias_shape(self) -> tuple[int, int]:
        """(bias classes, C_out)."""
        return (len(self.bias_site.array), self.channels_out)

    @cached_property
    def inputs(self) -> tuple[AxisPlan, ...]:
        """The axes of the input."""
        return tuple(axis for axis in self.axes if axis.has_input)

    @cached_property
    def outputs(self) -> tuple[AxisPlan, ...]:
        """The axes of the output."""
        return tuple(axis for axis in self.axes if axis.has_output)

    @cached_property
    def spatial(self) -> tuple[AxisPlan, ...]:
        """The axes that stay spatial; the others become channels or sums."""
        return tuple(axis for axis in self.axes if axis.kind in SPATIAL)

    @property
    def rank(self) -> int:
        """The number of spatial axes of the input."""
        return len(self.inputs)

    @cached_property
    def slots(self) -> np.ndarray:
        """The class at every place of the kernel: (taps..., in phases..., out phases...), -1 for zero."""
        p, q = self.out_site.array, self.in_site.array
        taps, into, out = [], [], []
        for i, axis in enumerate(self.axes):
            if axis.kind == "conv":
                taps.append((axis.a * q[:, i] - axis.b * p[:, i] - axis.first) // axis.dilation)
            elif axis.kind == "fold":
                taps.append(q[:, i] // axis.b - axis.first)
            if axis.has_input:
                into.append(q[:, i] % axis.b if axis.kind != "conv" else np.zeros_like(q[:, i]))
            if axis.has_output:
                out.append(p[:, i] if axis.kind != "conv" else np.zeros_like(p[:, i]))
        shape = (
            *(a.taps for a in self.spatial),
            *(a.in_phases for a in self.inputs),
            *(a.out_phases for a in self.outputs),
        )
        slots = np.full(shape, -1, dtype=np.int32)
        slots[(*taps, *into, *out)] = np.arange(len(p))
        return slots

    @cached_property
    def placing(self) -> SparseMatrix:
        """Class weights to the places of the kernel: every weight stands in one place."""
        flat = self.slots.reshape(-1)
        places = np.flatnonzero(flat >= 0)
        return sparse_matrix(places, flat[places], 1, (flat.size, len(self.out_site.array)))

    def wide(self, array: jax.Array) -> jax.Array:
        """The array in the dtype of its sums, where the operator or its adjoints add sites up."""
        return summed(array) if any(axis.kind in ("sum", "tile") for axis in self.axes) else array

    def fan_in(self, grid: Any) -> float:
        """The inputs that an output reads, in the mean over output sites.

        `grid`: the input's spatial shape; without it a sum is presumed to run over PRESUMED sites per axis.
        """
        sizes = iter(() if grid is None else read_grid(grid, self.rank))
        reads = np.full(len(self.out_site.array), float(self.channels_in))
        for i, axis in enumerate(self.axes):
            n = next(sizes, None) if axis.has_input else None
            reads *= axis.share(self.out_site.array[:, i], self.in_site.array[:, i])
            if axis.kind == "sum":
                reads *= (axis.size_in or n or PRESUMED) / axis.b
        return max(reads.sum(), 1.0)

    def grid(self, given: Any) -> tuple[int, ...]:
        """The input's spatial shape, which the answer may have fixed."""
        fixed = tuple(axis.size_in for axis in self.inputs)
        return read_grid(fixed if given is None and None not in fixed else given, self.rank)

    def output_shape(self, grid: Any) -> tuple[int, ...]:
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

    def describe(self) -> str:
        """One line per axis: what it became, and with which strides, taps and border."""
        return "\n".join(map(_described, self.axes))


def _described(axis: AxisPlan) -> str:
    if axis.kind == "conv":
        return (
            f"{axis.name}: convolution, {axis.taps} taps from {axis.first}, stride {axis.b}, "
            f"upsampling {axis.a}, dilation {axis.dilation}, border {axis.border}"
        )
    if axis.kind == "fold":
        return (
            f"{axis.name}: convolution of periods with {axis.b} input and {axis.a} output sites as "
            f"channels, {axis.taps} taps, border {axis.border}"
        )
    words = {"dense": "dense", "sum": "summed over", "tile": "repeated"}
    return f"{axis.name}: {words[axis.kind]}"


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


# ---- the bias ----------------------------------------------------------------------------------------------


def bias_field(plan: LatticePlan, b: jax.Array, shape: Sequence[int]) -> jax.Array:
    """The bias (bias classes, C_out) at every output site: it repeats with the output's period."""
    table = b.reshape(*periods(plan), plan.channels_out)
    for k, (axis, period, n) in enumerate(_repeated(plan, shape)):
        if period > 1:
            sites = (np.arange(n) + axis.start) % period
            table = times(sparse_matrix(np.arange(n), sites, 1, (n, period)), table, k)
    return table.reshape((1,) * (len(shape) - table.ndim) + table.shape)


def bias_pull(plan: LatticePlan, ybar: jax.Array) -> jax.Array:
    """The adjoint of `bias_field`: the sums over all sites of a class, in float32 where numbers are short."""
    total = summed(ybar)
    many = total.ndim - 1 - len(plan.outputs)
    total = total.sum(axis=tuple(range(many)))
    for k, (axis, period, n) in enumerate(_repeated(plan, ybar.shape)):
        first = axis.start % period
        room = [(0, 0)] * total.ndim
        room[k] = (first, -(first + n) % period)
        blocks = zero_pad.around(total, room)
        blocks = blocks.reshape(*total.shape[:k], -1, period, *total.shape[k + 1 :])
        total = blocks.sum(axis=k)
    return total.reshape(plan.bias_shape)


def periods(plan: LatticePlan) -> list[int]:
    """With which period the bias repeats along every axis of the output."""
    sites = plan.bias_site.array
    return [int(sites[:, i].max(initial=0)) + 1 for i, axis in enumerate(plan.axes) if axis.has_output]


def _repeated(plan: LatticePlan, shape: Sequence[int]) -> list[tuple[AxisPlan, int, int]]:
    """The axes of the output with their periods and their sizes in an output of this shape."""
    sizes = shape[len(shape) - 1 - len(plan.outputs) : len(shape) - 1]
    return list(zip(plan.outputs, periods(plan), sizes, strict=True))


def bias_table(plan: LatticePlan, b: Any, grid: Sequence[int]) -> np.ndarray:
    """The same in float64, the class of every site looked up: the oracle of `bias_field`."""
    shape = plan.output_shape(grid)
    own = [i for i, axis in enumerate(plan.axes) if axis.has_output]
    classes = np.zeros(periods(plan), dtype=int)
    for k, site in enumerate(plan.bias_site.array[:, own]):
        classes[tuple(site)] = k
    phases = [(np.arange(n) + axis.start) % period for axis, period, n in _repeated(plan, shape)]
    return np.asarray(b, dtype=np.float64).reshape(plan.bias_shape)[classes[np.ix_(*phases)]].reshape(shape)
