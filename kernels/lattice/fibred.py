"""Lattice ops whose fibres the point group ties: free weights become class weights, then convolve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from kernels.convolution import operands
from kernels.convolution.choice.table import Policy
from kernels.equivariant import EquivariantOp, as_given, read_parts
from kernels.lattice import folding
from kernels.lattice.channel_groups import Grouping, find_groups
from kernels.lattice.op import LatticeOp, pull, value, written
from kernels.lattice.plan import bias_field, bias_pull, bias_table
from kernels.lattice.source import fibred_source
from kernels.lattice.weights import Blocks, apart, contract, expand, expand_slowly
from kernels.precision import cast
from kernels.source import LIMIT


@dataclass(frozen=True, eq=False, repr=False)
class FibredOp(EquivariantOp):
    """An equivariant operator between fields of fibres: op(w, x, b=None).

        y = lattice(expand(w), x) + expand(b)

    `w`: one array (free weights, copies in, copies out), or a tuple of them, one per pair of blocks; `b`: one
    array (free biases, 1, copies out), or a tuple, one per output block.
    """

    lattice: LatticeOp
    blocks: Blocks
    bias_blocks: Blocks
    name: str = field(default="", compare=False)

    @property
    def channels_in(self) -> int:  # type: ignore[override]
        return self.lattice.channels_in

    @property
    def channels_out(self) -> int:  # type: ignore[override]
        return self.lattice.channels_out

    @property
    def into(self) -> Any:
        return self.lattice.into

    @property
    def out(self) -> Any:
        return self.lattice.out

    @property
    def dtype(self) -> Any:
        return self.lattice.dtype

    @property
    def precision(self) -> str | None:  # type: ignore[override]
        return self.lattice.precision

    @property
    def rank(self) -> int:
        return self.lattice.rank

    @property
    def implementation(self) -> str | Policy:  # type: ignore[override]
        return self.lattice.implementation

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(block.shape for block in self.blocks)

    @property
    def bias_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(block.shape for block in self.bias_blocks)

    @cached_property
    def grouping(self) -> Grouping | None:
        """The groups of channels that no weight connects, if there are any of equal size."""
        return find_groups(self.lattice.plan, self.blocks)

    @property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """Every generator that arrays of some size can carry."""
        return self.lattice.symmetries

    def describe(self) -> str:
        """One line per axis: what it became."""
        found = self.grouping
        return self.lattice.describe() if found is None else f"{self.lattice.describe()}\n{found.describe()}"

    def source(self, *, limit: int = LIMIT) -> str:
        return fibred_source(self, limit)

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array, *, grid: Any = None) -> Any:
        drawn = jax.random.normal(key, (self.dim,), self._kind())
        parts = apart(drawn, [math.prod(b.shape) for b in self.blocks], 0)
        scaled = zip(self.blocks, parts, self._scales(grid), strict=True)
        return as_given([s * part.reshape(b.shape) for b, part, s in scaled])

    def _scales(self, grid: Any) -> list[float]:
        """1 / sqrt(energy that an output entry receives), shared among the blocks that feed it."""
        plan = self.lattice.plan
        share = plan.fan_in(grid) / (len(plan.out_site.array) * plan.channels_in)
        feeding = [
            sum(1 for o in self.blocks if o.first_out == b.first_out and o.weights) for b in self.blocks
        ]
        scales = []
        for block, many in zip(self.blocks, feeding, strict=True):
            energy = float((block.value.array**2).sum()) * block.copies_in * share / block.dim_out
            scales.append(1 / math.sqrt(max(energy * many, 1e-30)) if block.weights else 0.0)
        return scales

    def class_weights(self, w: Any) -> jax.Array:
        """The weight of every class of site pairs: (classes, C_in, C_out)."""
        return self._expanded(read_parts("w", w, self.weight_shapes))

    def _expanded(self, parts: Sequence[jax.Array]) -> jax.Array:
        return expand(self.blocks, parts, len(self.lattice.plan.out_site.array))

    def kernel(self, w: Any) -> jax.Array:
        """The full kernel, taps first (HWIO)."""
        return self.lattice.kernel(self.class_weights(w))

    def dense(self, w: Any, grid: Any = None, *, order: str = "channels_last") -> np.ndarray:
        """The operator as a matrix, entry by entry: dense @ x.reshape(-1) == op(w, x).reshape(-1)."""
        plan, parts = self.lattice.plan, read_parts("w", w, self.weight_shapes)
        weights = expand_slowly(self.blocks, parts, *plan.weight_shape)
        return written(plan, weights, plan.grid(grid), order)

    def _dense_bias(self, b: Any, grid: Any) -> np.ndarray:
        plan, parts = self.lattice.plan, read_parts("b", b, self.bias_shapes)
        table = expand_slowly(self.bias_blocks, parts, plan.bias_shape[0], 1, plan.channels_out)
        return bias_table(plan, table[:, 0], plan.grid(grid)).reshape(-1)

    def least_grid(self, least: int) -> tuple[int, ...]:
        return self.lattice.least_grid(least)

    def output_shape(self, grid: Any = None) -> tuple[int, ...]:
        return self.lattice.output_shape(grid)

    # ---- what it does -----------------------------------------------------------------------------------

    def _notice(self, shape: Sequence[int]) -> None:
        self.lattice._notice(shape)

    def _value(self, w: list[jax.Array], x: jax.Array) -> jax.Array:
        return value(self.lattice.plan, self._kernel(w, x), x, self.grouping)

    def _pull(
        self, w: list[jax.Array], x: jax.Array, ybar: jax.Array
    ) -> tuple[Sequence[jax.Array], jax.Array]:
        groups = self.grouping
        kernel_bar, xbar = pull(self.lattice.plan, self._kernel(w, x), x, ybar, groups)
        if groups is None:
            bars = contract(self.blocks, folding.read_weights(self.lattice.plan, kernel_bar))
        else:
            bars = groups.read(kernel_bar)
        return [cast(bar, part.dtype) for bar, part in zip(bars, w, strict=True)], xbar

    def _kernel(self, w: list[jax.Array], x: jax.Array) -> jax.Array:
        """The kernel that is convolved with: block by block where channels are kept apart."""
        for part in w:
            operands.check_dtypes("x", x, "w", part)
        plan = self.lattice.plan
        wide = [plan.wide(part) for part in w]
        if self.grouping is not None:
            return self.grouping.kernel(wide)
        return folding.full_kernel(plan, self._expanded(wide))

    def _shift(self, b: list[jax.Array], shape: Sequence[int]) -> jax.Array:
        plan = self.lattice.plan
        return bias_field(plan, expand(self.bias_blocks, b, plan.bias_shape[0])[:, 0], shape)

    def _shift_pull(self, ybar: jax.Array) -> Sequence[jax.Array]:
        if not self.bias_blocks:
            return []
        return contract(self.bias_blocks, bias_pull(self.lattice.plan, ybar)[:, None])
