"""The edges of a graph as arrays, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution import operands
from kernels.errors import DtypeError, EdgeError, ShapeError
from kernels.precision import summed


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Edges:
    """Displacements (edges, axes), senders and receivers (edges,), weights (edges, numbers) or None."""

    displacements: jax.Array
    senders: jax.Array
    receivers: jax.Array
    weights: jax.Array | None = None

    def check(self, axes: int, numbers: int) -> None:
        """Every array has one row per edge."""
        many, d = self.senders.shape[0], self.displacements
        if d.shape != (many, axes):
            rule = f"must have the shape ({many}, {axes}): one row per edge, on R^{axes}"
            raise ShapeError("displacements", rule, d.shape, "give position[senders] - position[receivers]")
        if self.receivers.shape != self.senders.shape:
            rule = f"must be as many as the {many} senders"
            raise ShapeError("receivers", rule, self.receivers.shape, "give both ends of every edge")
        if self.weights is not None and self.weights.shape != (many, numbers):
            rule = f"must have the shape (edges, op.edge_dim) = ({many}, {numbers})"
            raise ShapeError("edge_weights", rule, self.weights.shape, "give that many numbers per edge")

    def inside(self, senders: int, receivers: int) -> Edges:
        """The same sums, with zeros at edges that point outside, which go to the node `receivers`."""
        s, r = self.senders, self.receivers
        kept = (s >= 0) & (s < senders) & (r >= 0) & (r < receivers)
        rows = kept[:, None]
        return Edges(
            jnp.where(rows, self.displacements, 0),
            jnp.where(kept, s, 0),
            jnp.where(kept, r, receivers),
            None if self.weights is None else jnp.where(rows, self.weights, 0),
        )

    def padded(self, more: int, receivers: int) -> Edges:
        """With so many edges of padding behind."""
        if not more:
            return self
        fills = Edges(0, 0, receivers, None if self.weights is None else 0)  # type: ignore[arg-type]
        return jax.tree.map(
            lambda a, fill: jnp.pad(a, [(0, more)] + [(0, 0)] * (a.ndim - 1), constant_values=fill),
            self,
            fills,
        )


def read_edges(displacements: Any, senders: Any, receivers: Any, weights: Any) -> Edges:
    """Edges as people give them: anything that is an array of numbers."""
    d = jnp.asarray(displacements)
    operands.check_array("displacements", d)
    if weights is not None:
        weights = jnp.asarray(weights)
        operands.check_array("edge_weights", weights)
        weights = summed(weights)
    return Edges(summed(d), _ends("senders", senders), _ends("receivers", receivers), weights)


def _ends(name: str, given: Any) -> jax.Array:
    ends = jnp.asarray(given, np.int32) if np.shape(given) == (0,) else jnp.asarray(given)
    if not jnp.issubdtype(ends.dtype, jnp.integer):
        raise DtypeError(
            name, "must be integers, numbers of nodes", ends.dtype, f"use {name}.astype(jnp.int32)"
        )
    if ends.ndim != 1:
        raise ShapeError(name, "must have the shape (edges,)", ends.shape, "give one node per edge")
    return ends


def check_concrete(edges: Edges, senders: int, receivers: int) -> None:
    """Refuse edges that point outside; under `jit`, where none is known, they add nothing."""
    if any(isinstance(a, jax.core.Tracer) for a in (edges.senders, edges.receivers)):
        return
    s, r = np.asarray(edges.senders), np.asarray(edges.receivers)
    if s.shape != r.shape:
        return
    padding = (s == senders) | (r == receivers)
    for name, ends, many in (("senders", s, senders), ("receivers", r, receivers)):
        wrong = ends[~padding & ((ends < 0) | (ends > many))]
        if len(wrong):
            rule = f"must be nodes 0 ... {many - 1}, or {many} for padding"
            raise EdgeError(name, rule, int(wrong[0]), "check the neighbour list")
