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

from kernels.expansion import Blocks, apart, as_given, contract, expand, expand_slowly
from kernels.ops import LatticeOp


@dataclass(frozen=True)
class FibredOp:
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

    @property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """Translations along axes with a circular border."""
        return self.lattice.symmetries

    def describe(self) -> str:
        """One line per axis: what it became."""
        return self.lattice.describe()

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

    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        """(batch..., spatial..., C_in) -> (batch..., spatial..., C_out)."""
        return _apply(self, w, x) if b is None else _apply_with_bias(self, w, x, b)

    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        """The derived adjoints (wbar, xbar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, x, ybar)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply(op: FibredOp, w: Any, x: jax.Array) -> jax.Array:
    return op.lattice(op.class_weights(w), x)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply_with_bias(op: FibredOp, w: Any, x: jax.Array, b: Any) -> jax.Array:
    table = expand(op.bias_blocks, b, len(op.lattice.bias_site.array))
    return op.lattice(op.class_weights(w), x, table[:, 0])


@partial(jax.jit, static_argnums=0, inline=True)
def _adjoints(op: FibredOp, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
    full, xbar = op.lattice.adjoints(op.class_weights(w), x, ybar)
    return contract(op.blocks, full), xbar
