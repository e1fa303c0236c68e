"""Free weights to class weights and back: blocks of channels, tied by the entries of fibre maps.

Blocks that hold the same piece are put side by side first, so that every pair of pieces is one product with a
constant sparse matrix, however many blocks there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.sparse import SparseMatrix, reorder, sparse_matrix, times
from kernels.static import Content, Static


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

    @property
    def pattern(self) -> tuple[Any, ...]:
        """All that does not depend on where the block stands."""
        return self[4:]

    def matrix(self, sites: int) -> SparseMatrix:
        """Free weights to (class, column, row)."""
        places = (self.site.array * self.dim_in + self.column.array) * self.dim_out + self.row.array
        shape = (sites * self.dim_in * self.dim_out, self.weights)
        return sparse_matrix(places, self.weight.array, self.value.array, shape)


Blocks = tuple[Block, ...]


class Kind(NamedTuple):
    """The blocks of one side that hold the same piece: their first channels and their copies."""

    dim: int
    firsts: tuple[int, ...]
    copies: tuple[int, ...]

    @property
    def channels(self) -> np.ndarray:
        """The channel of every copy and every point of the fibre."""
        starts = [f + c * self.dim for f, n in zip(self.firsts, self.copies, strict=True) for c in range(n)]
        return np.array(starts)[:, None] + np.arange(self.dim)


@dataclass(frozen=True, eq=False)
class Frame(Content):
    """All pairs of blocks, sorted by the pieces that they hold."""

    blocks: Blocks

    @cached_property
    def place(self) -> dict[tuple[int, int], int]:
        """The number of the block from one first channel to another."""
        return {(b.first_in, b.first_out): k for k, b in enumerate(self.blocks)}

    @cached_property
    def ins(self) -> tuple[Kind, ...]:
        return self._kinds(lambda b: (b.first_in, b.copies_in, b.dim_in), lambda b: b.first_out)

    @cached_property
    def outs(self) -> tuple[Kind, ...]:
        return self._kinds(lambda b: (b.first_out, b.copies_out, b.dim_out), lambda b: b.first_in)

    def _kinds(self, side: Any, other: Any) -> tuple[Kind, ...]:
        """Blocks of one side are alike if they are tied alike to every block of the other side."""
        ties: dict[tuple[int, int, int], list[Any]] = {}
        for block in sorted(self.blocks, key=other):
            ties.setdefault(side(block), []).append(block.pattern)
        alike: dict[Any, list[tuple[int, int, int]]] = {}
        for (first, copies, dim), patterns in sorted(ties.items()):
            alike.setdefault((dim, tuple(patterns)), []).append((first, copies, dim))
        return tuple(
            Kind(dim, tuple(first for first, _, _ in found), tuple(copies for _, copies, _ in found))
            for (dim, _), found in alike.items()
        )

    def block(self, into: Kind, out: Kind) -> Block:
        """One block for all of these two kinds."""
        return self.blocks[self.place[into.firsts[0], out.firsts[0]]]

    def gather(self, parts: Sequence[jax.Array], into: Kind, out: Kind) -> jax.Array:
        """The weights of all blocks of two kinds, (weights, copies in, copies out)."""
        rows = [[parts[self.place[i, o]] for o in out.firsts] for i in into.firsts]
        return joined([joined(row, 2) for row in rows], 1)

    def scatter(self, bars: list[Any], into: Kind, out: Kind, bar: jax.Array) -> None:
        """The inverse of `gather`: put every block's weights into the list."""
        for i, row in zip(into.firsts, apart(bar, into.copies, 1), strict=True):
            for o, part in zip(out.firsts, apart(row, out.copies, 2), strict=True):
                bars[self.place[i, o]] = part


def joined(parts: list[jax.Array], axis: int) -> jax.Array:
    """Side by side along one axis."""
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, axis)


def apart(array: jax.Array, sizes: Sequence[int], axis: int) -> list[jax.Array]:
    """The inverse of `joined`."""
    ends = np.cumsum(sizes)[:-1].tolist()
    return [array] if not ends else jnp.split(array, ends, axis)


def order_of(kinds: Sequence[Kind]) -> np.ndarray:
    """The channel at every place, kind by kind."""
    return np.concatenate([kind.channels.reshape(-1) for kind in kinds])


def expand(blocks: Blocks, parts: Sequence[jax.Array], sites: int) -> jax.Array:
    """The free weights of every block to class weights (classes, C_in, C_out)."""
    frame = Frame(blocks)
    columns = [
        joined([_expanded(frame, parts, into, out, sites) for into in frame.ins], 1) for out in frame.outs
    ]
    full = times(reorder(np.argsort(order_of(frame.ins))), joined(columns, 2), 1)
    return times(reorder(np.argsort(order_of(frame.outs))), full, 2)


def _expanded(frame: Frame, parts: Sequence[jax.Array], into: Kind, out: Kind, sites: int) -> jax.Array:
    weights = frame.gather(parts, into, out)
    full = times(frame.block(into, out).matrix(sites), weights)
    full = full.reshape(sites, into.dim, out.dim, *weights.shape[1:]).transpose(0, 3, 1, 4, 2)
    return full.reshape(sites, into.channels.size, out.channels.size)


def contract(blocks: Blocks, full: jax.Array) -> list[jax.Array]:
    """The adjoint of `expand`: add up what every free weight touches."""
    frame, bars = Frame(blocks), list[Any]([None] * len(blocks))
    full = times(reorder(order_of(frame.ins)), full, 1)
    full = times(reorder(order_of(frame.outs)), full, 2)
    columns = apart(full, [out.channels.size for out in frame.outs], 2)
    for out, column in zip(frame.outs, columns, strict=True):
        pieces = apart(column, [into.channels.size for into in frame.ins], 1)
        for into, piece in zip(frame.ins, pieces, strict=True):
            frame.scatter(bars, into, out, _contracted(frame.block(into, out), piece))
    return bars


def _contracted(block: Block, piece: jax.Array) -> jax.Array:
    sites = piece.shape[0]
    flat = piece.reshape(sites, -1, block.dim_in, piece.shape[2] // block.dim_out, block.dim_out)
    flat = flat.transpose(0, 2, 4, 1, 3).reshape(-1, flat.shape[1], flat.shape[3])
    return times(block.matrix(sites).transposed, flat)


def expand_slowly(
    blocks: Blocks, parts: Sequence[Any], sites: int, channels_in: int, channels_out: int
) -> np.ndarray:
    """The same entry by entry in float64: the oracle of `expand`."""
    full = np.zeros((sites, channels_in, channels_out))
    for block, part in zip(blocks, parts, strict=True):
        weights = np.asarray(part, dtype=np.float64)
        entries = (block.weight, block.site, block.row, block.column, block.value)
        for k, site, row, column, value in zip(*(e.array.tolist() for e in entries), strict=True):
            for a in range(block.copies_in):
                for b in range(block.copies_out):
                    into = block.first_in + a * block.dim_in + column
                    full[site, into, block.first_out + b * block.dim_out + row] += value * weights[k, a, b]
    return full
