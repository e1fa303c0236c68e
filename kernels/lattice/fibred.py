"""Lattice ops whose fibres the point group ties: free weights become class weights, then convolve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution.choice.table import Policy
from kernels.export import Exportable
from kernels.lattice import folding
from kernels.lattice.channel_groups import Grouping, find_groups
from kernels.lattice.op import LatticeOp, bias_field, image
from kernels.lattice.weights import Blocks, apart, as_given, contract, expand, expand_slowly, parse_weights
from kernels.pickling import Fields
from kernels.precision import at_its_own
from kernels.sparse import times


@dataclass(frozen=True)
class FibredOp(Fields, Exportable):
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
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return sum(math.prod(block.shape) for block in self.blocks)

    @property
    def rank(self) -> int:
        """The number of spatial axes of the input."""
        return self.lattice.rank

    @cached_property
    def _hash(self) -> int:
        return hash((self.lattice, self.blocks, self.bias_blocks))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def grouping(self) -> Grouping | None:
        """The groups of channels that no weight connects, if there are any of equal size."""
        return find_groups(self.lattice, self.blocks)

    @property
    def precision(self) -> str | None:
        """How products are taken, as `lower` was told."""
        return self.lattice.precision

    @property
    def implementation(self) -> str | Policy:
        """How convolutions are computed, as `lower` was told."""
        return self.lattice.implementation

    @property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """Translations along axes with a circular border."""
        return self.lattice.symmetries

    def describe(self) -> str:
        """One line per axis: what it became."""
        found = self.grouping
        return self.lattice.describe() if found is None else f"{self.lattice.describe()}\n{found.describe()}"

    def init(self, key: jax.Array, *, grid: Sequence[int] | None = None) -> Any:
        """Random free weights that keep the variance of unit inputs: one array, or one per pair of blocks."""
        dtype = self.lattice.dtype or jnp.zeros(()).dtype
        drawn = jax.random.normal(key, (self.dim,), dtype)
        parts = apart(drawn, [math.prod(b.shape) for b in self.blocks], 0)
        scaled = zip(self.blocks, parts, self._scales(grid), strict=True)
        return as_given([s * part.reshape(b.shape) for b, part, s in scaled])

    def _scales(self, grid: Sequence[int] | None) -> list[float]:
        """1 / sqrt(energy that an output entry receives), shared among the blocks that feed it."""
        sites = len(self.lattice.out_site.array)
        share = self.lattice._fan_in(grid) / (sites * self.lattice.channels_in)
        feeding = [
            sum(1 for o in self.blocks if o.first_out == b.first_out and o.weights) for b in self.blocks
        ]
        scales = []
        for block, many in zip(self.blocks, feeding, strict=True):
            energy = float((block.value.array**2).sum()) * block.copies_in * share / block.dim_out
            scales.append(1 / math.sqrt(max(energy * many, 1e-30)) if block.weights else 0.0)
        return scales

    def init_bias(self) -> Any:
        """Zero biases."""
        dtype = self.lattice.dtype or jnp.zeros(()).dtype
        return as_given([jnp.zeros(block.shape, dtype) for block in self.bias_blocks])

    def class_weights(self, w: Any) -> jax.Array:
        """The weight of every class of site pairs: (classes, C_in, C_out)."""
        op = self.lattice
        return expand(self.blocks, w, len(op.out_site.array))

    def kernel(self, w: Any) -> jax.Array:
        """The full kernel, taps first (HWIO)."""
        return self.lattice.kernel(self.class_weights(w))

    def dense(self, w: Any, grid: Sequence[int] | None = None, *, order: str = "channels_last") -> np.ndarray:
        """The operator as a matrix, entry by entry: dense @ x.reshape(-1) == op(w, x).reshape(-1)."""
        op = self.lattice
        weights = expand_slowly(self.blocks, w, len(op.out_site.array), op.channels_in, op.channels_out)
        return op.dense(weights, grid, order=order)  # type: ignore[arg-type]

    def output_shape(self, grid: Sequence[int]) -> tuple[int, ...]:
        """The spatial shape of the output and its channels, for an input of this spatial shape."""
        return self.lattice.output_shape(grid)

    @at_its_own
    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        """(batch..., spatial..., C_in) -> (batch..., spatial..., C_out)."""
        return _apply(self, w, x) if b is None else _apply_with_bias(self, w, x, b)

    @at_its_own
    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        """The derived adjoints (wbar, xbar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, x, ybar)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply(op: FibredOp, w: Any, x: jax.Array) -> jax.Array:
    groups = op.grouping
    if groups is None:
        return op.lattice(op.class_weights(w), x)
    kernel = groups.kernel(parse_weights(op.blocks, w, "w"))
    x, batch, grid = image(op.lattice, x, kernel)
    folded = times(groups.into, folding.fold(op.lattice, x), -1)
    y = times(groups.out, folding.convolve(op.lattice, folded, kernel, grid, groups.groups), -1)
    return folding.unfold(op.lattice, y, grid, batch)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply_with_bias(op: FibredOp, w: Any, x: jax.Array, b: Any) -> jax.Array:
    table = expand(op.bias_blocks, b, len(op.lattice.bias_site.array))
    y = _apply(op, w, x)
    return y + bias_field(op.lattice, table[:, 0], y.shape).astype(y.dtype)


@partial(jax.jit, static_argnums=0, inline=True)
def _adjoints(op: FibredOp, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
    groups, lattice = op.grouping, op.lattice
    if groups is None:
        full, xbar = lattice.adjoints(op.class_weights(w), x, ybar)
        return contract(op.blocks, full), xbar
    kernel = groups.kernel(parse_weights(op.blocks, w, "w"))
    x, batch, grid = image(lattice, x, kernel)
    folded, ybar = folding.fold(lattice, x), ybar.reshape(len(x), *lattice.output_shape(grid))
    folded = times(groups.into, folded, -1)
    zbar = folding.unfold_adjoint(lattice, ybar, folded, kernel, grid, groups.groups)
    zbar = times(groups.out.transposed, zbar, -1)
    kernel_bar, folded_bar = folding.convolve_adjoints(lattice, folded, kernel, zbar, grid, groups.groups)
    xbar = folding.fold_adjoint(lattice, times(groups.into.transposed, folded_bar, -1), x.shape)
    return groups.read(kernel_bar), xbar.reshape(*batch, *x.shape[1:])
