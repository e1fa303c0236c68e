"""Messages along edges, summed at the receivers: ``A[r, i, k, (b, c)] = sum_e R_k g_b (P_b(d_e) x[s_e])[i]``.

What a block of the output needs is summed before copies are mixed, so that no matrix of copies exists per
edge. On CPU the edges are taken in chunks whose messages stay in the cache; the chunks' messages are computed
again for gradients, which is cheaper than to keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from kernels.precision import cast, zeros
from kernels.radial import Radial
from kernels.space.edges import Edges
from kernels.space.polynomials import Polynomials

CACHED = 1 << 18  # numbers of the messages of a chunk on CPU
HELD = 1 << 28  # ... and elsewhere


class Feature(NamedTuple):
    """An input block as one output block reads it: (kernels, copies) numbers per output component.

    `source`: the first channel of the input block; `which`: the pair of pieces; `at`: where its edge weights
    begin.
    """

    source: int
    which: int
    kernels: int
    copies: int
    at: int

    @property
    def size(self) -> int:
        return self.kernels * self.copies


@dataclass(frozen=True)
class Block:
    """An output block: its components, and what it reads."""

    dim: int
    features: list[Feature]

    @property
    def size(self) -> int:
        return sum(f.size for f in self.features)


def sums_over_edges(
    polynomials: Polynomials,
    radial: Radial,
    blocks: Sequence[Block],
    inputs: Mapping[int, jax.Array],
    edges: Edges,
    nodes: int,
) -> list[jax.Array]:
    """By output block (nodes, components, radial functions, features); inputs (nodes, components, copies)."""
    dtype = next((x.dtype for x in inputs.values()), edges.displacements.dtype)
    start = [zeros((nodes, b.dim, radial.n, b.size), dtype) for b in blocks]
    many, senders = edges.senders.shape[0], min((x.shape[0] for x in inputs.values()), default=0)
    if not many or not senders or not nodes:
        return start
    edges = edges.inside(senders, nodes)
    add = partial(_added, polynomials, radial, tuple(blocks), inputs)
    size = _chunk(many, radial.n * sum(b.dim * b.size for b in blocks))
    if size >= many:
        return add(start, edges)
    chunks = jax.tree.map(partial(_split, size), edges.padded(-many % size, nodes))
    start = [total + _nothing((edges, inputs), dtype) for total in start]
    step = jax.checkpoint(lambda sums, chunk: (add(sums, chunk), None), prevent_cse=False)
    return lax.scan(step, start, chunks)[0]


def _nothing(arrays: Any, dtype: Any) -> jax.Array:
    """A zero that varies over the mesh axes that these arrays vary over, as the carry of a scan must."""
    return sum((cast(a[:0].sum(), dtype) for a in jax.tree.leaves(arrays)), zeros((), dtype))


def _chunk(edges: int, numbers: int) -> int:
    """How many edges are taken at once: equal chunks of a multiple of 8."""
    limit = CACHED if jax.default_backend() == "cpu" else HELD
    most = max(limit // max(numbers, 1), 8)
    chunks = -(-edges // most)
    return -(-edges // (8 * chunks)) * 8 if chunks > 1 else edges


def _split(size: int, rows: jax.Array) -> jax.Array:
    return rows.reshape(-1, size, *rows.shape[1:])


def _added(
    polynomials: Polynomials,
    radial: Radial,
    blocks: Sequence[Block],
    inputs: Mapping[int, jax.Array],
    sums: Sequence[jax.Array],
    edges: Edges,
) -> list[jax.Array]:
    """The sums with the messages of these edges."""
    d = edges.displacements
    dtype = sums[0].dtype if sums else d.dtype
    tables = [None if t is None else cast(t, dtype) for t in polynomials(d)]
    rings = cast(radial.of_square((d * d).sum(axis=1)), dtype)
    read = {first: x.at[edges.senders].get(mode="promise_in_bounds") for first, x in inputs.items()}
    found = []
    for block, total in zip(blocks, sums, strict=True):
        parts = [
            _message(tables[f.which], read[f.source], f, edges.weights) for f in block.features if f.size
        ]
        if parts:
            message = jnp.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]
            message = message[:, :, None] * rings[:, None, :, None]
            total = total.at[edges.receivers].add(message, mode="drop")
        found.append(total)
    return found


def _message(table: jax.Array | None, x: jax.Array, feature: Feature, weights: jax.Array | None) -> jax.Array:
    """(edges, components out, kernels x copies), before radial functions."""
    assert table is not None
    edges, rows = table.shape[:2]
    found = jnp.einsum("eibc,ecu->eibu", table, x).reshape(edges, rows, feature.size)
    if weights is None:
        return found
    return found * cast(weights[:, None, feature.at : feature.at + feature.size], found.dtype)
