"""Lattice ops whose fibres the point group ties: free weights become class weights, then convolve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.errors import ShapeError
from kernels.ops import LatticeOp, Static


class Block(NamedTuple):
    """One block of input and one of output channels: where every free weight stands, and with which factor.

    Entry j puts `value[j] * w[weight[j]]` at class `site[j]`, fibre row `row[j]`, fibre column `column[j]`:
    once for every pair of copies. Channels are ordered copy, then fibre.
    """

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    dim_in: int
    dim_out: int
    weights: int
    weight: Static
    site: Static
    row: Static
    column: Static
    value: Static

    @property
    def shape(self) -> tuple[int, int, int]:
        """(free weights, copies in, copies out)."""
        return (self.weights, self.copies_in, self.copies_out)

    def places(self) -> np.ndarray:
        """Every entry's place in (class, column, row)."""
        flat = self.site.array * self.dim_in + self.column.array
        return flat * self.dim_out + self.row.array

    def alone(self, sites: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(weight, factor) at every place, weight -1 where it is zero; None if weights add up anywhere."""
        places = self.places()
        if len(np.unique(places)) != len(places):
            return None
        index = np.full(sites * self.dim_in * self.dim_out, -1, dtype=np.int32)
        factor = np.zeros(len(index))
        index[places], factor[places] = self.weight.array, self.value.array
        return index, factor


Blocks = tuple[Block, ...]


def expand(blocks: Blocks, w: Any, sites: int, channels_in: int, channels_out: int) -> jax.Array:
    """Free weights to class weights (classes, C_in, C_out)."""
    parts = _parts(blocks, w, "w")
    dtype = jnp.result_type(*parts)
    full = jnp.zeros((sites, channels_in, channels_out), dtype)
    for block, part in zip(blocks, parts, strict=True):
        wide, deep = block.copies_in * block.dim_in, block.copies_out * block.dim_out
        piece = _expand_block(block, part, sites)
        if (wide, deep) == (channels_in, channels_out):
            return piece
        rows = slice(block.first_in, block.first_in + wide)
        full = full.at[:, rows, block.first_out : block.first_out + deep].set(piece)
    return full


def _expand_block(block: Block, w: jax.Array, sites: int) -> jax.Array:
    found = block.alone(sites)
    if found is not None:
        index, factor = found
        padded = jnp.concatenate([w, jnp.zeros((1, *w.shape[1:]), w.dtype)])
        full = padded[index] * jnp.asarray(factor, w.dtype)[:, None, None]
    else:
        terms = w[block.weight.array] * jnp.asarray(block.value.array, w.dtype)[:, None, None]
        empty = jnp.zeros((sites * block.dim_in * block.dim_out, *w.shape[1:]), w.dtype)
        full = empty.at[block.places()].add(terms)
    full = full.reshape(sites, block.dim_in, block.dim_out, block.copies_in, block.copies_out)
    full = full.transpose(0, 3, 1, 4, 2)
    return full.reshape(sites, block.copies_in * block.dim_in, block.copies_out * block.dim_out)


def contract(blocks: Blocks, full: jax.Array) -> Any:
    """The adjoint of `expand`: add up what every free weight touches."""
    parts = []
    for block in blocks:
        rows = slice(block.first_in, block.first_in + block.copies_in * block.dim_in)
        piece = full[:, rows, block.first_out : block.first_out + block.copies_out * block.dim_out]
        piece = piece.reshape(-1, block.copies_in, block.dim_in, block.copies_out, block.dim_out)
        flat = piece.transpose(0, 2, 4, 1, 3).reshape(-1, block.copies_in, block.copies_out)
        terms = flat[block.places()] * jnp.asarray(block.value.array, full.dtype)[:, None, None]
        parts.append(jnp.zeros(block.shape, full.dtype).at[block.weight.array].add(terms))
    return _joined(parts)


def expand_slowly(blocks: Blocks, w: Any, sites: int, channels_in: int, channels_out: int) -> np.ndarray:
    """The same entry by entry in float64: the oracle of `expand`."""
    full = np.zeros((sites, channels_in, channels_out))
    for block, part in zip(blocks, _parts(blocks, w, "w"), strict=True):
        weights = np.asarray(part, dtype=np.float64)
        entries = (block.weight, block.site, block.row, block.column, block.value)
        for k, site, row, column, value in zip(*(e.array.tolist() for e in entries), strict=True):
            for a in range(block.copies_in):
                for b in range(block.copies_out):
                    into = block.first_in + a * block.dim_in + column
                    full[site, into, block.first_out + b * block.dim_out + row] += value * weights[k, a, b]
    return full


def _parts(blocks: Blocks, w: Any, name: str) -> list[jax.Array]:
    """The weights of every block, checked; one block's weights need no tuple."""
    parts = list(w) if isinstance(w, tuple | list) else [w]
    shapes = [block.shape for block in blocks]
    if len(parts) != len(blocks) or any(
        jnp.size(p) != math.prod(s) for p, s in zip(parts, shapes, strict=False)
    ):
        wanted = shapes[0] if len(shapes) == 1 else shapes
        raise ShapeError(
            name, f"must have the shape {wanted}", [jnp.shape(p) for p in parts], "use op.init(key)"
        )
    return [jnp.asarray(p).reshape(s) for p, s in zip(parts, shapes, strict=True)]


def _joined(parts: list[jax.Array]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


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
        keys = jax.random.split(key, len(self.blocks))
        scale = self._scales(grid)
        return _joined(
            [
                s * jax.random.normal(k, b.shape, dtype)
                for k, b, s in zip(keys, self.blocks, scale, strict=True)
            ]
        )

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
        return _joined([jnp.zeros(block.shape, dtype) for block in self.bias_blocks])

    def class_weights(self, w: Any) -> jax.Array:
        """The weight of every class of site pairs: (classes, C_in, C_out)."""
        op = self.lattice
        return expand(self.blocks, w, len(op.out_site.array), op.channels_in, op.channels_out)

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
    table = expand(op.bias_blocks, b, len(op.lattice.bias_site.array), 1, op.lattice.channels_out)
    return op.lattice(op.class_weights(w), x, table[:, 0])


@partial(jax.jit, static_argnums=0, inline=True)
def _adjoints(op: FibredOp, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
    full, xbar = op.lattice.adjoints(op.class_weights(w), x, ybar)
    return contract(op.blocks, full), xbar
