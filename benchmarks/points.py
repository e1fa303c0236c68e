"""Kernels on R^3 on the edges of a graph, beside e3nn-jax and beside one dense matrix per edge."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import derive as dv
import kernels as kn
from benchmarks.harness import Race, race
from benchmarks.report import Report, Table, Target

try:
    import e3nn_jax as e3nn
except ImportError:  # an extra, for the comparison alone
    e3nn = None

FORWARD, GRADIENT = "forward", "gradient"
ASKED = {FORWARD: 2.0, GRADIENT: 1.3}
SIZES = tuple((copies, edges) for copies in (32, 64, 128) for edges in (1000, 10000))
NEIGHBOURS, CUTOFF, HARMONICS = 20, 5.0, "0e + 1o + 2e + 3o + 4e"
OURS, E3NN, DENSE = "this library", "e3nn-jax", "dense"
DENSE_ENTRIES = 1 << 27  # numbers of all dense matrices up to which they are raced
Layer = Callable[..., jax.Array]


@dataclass(frozen=True)
class Graph:
    """A layer between `copies` copies of 0e + 1o + 2e, with weights per edge, kernel and copy."""

    copies: int
    edges: int

    @property
    def nodes(self) -> int:
        return max(self.edges // NEIGHBOURS, 1)

    @property
    def fibre(self) -> str:
        return " + ".join(f"{self.copies}x{name}" for name in ("0e", "1o", "2e"))

    @cached_property
    def op(self) -> Any:
        space = dv.euclidean(3)
        field = dv.Field(space, fibre=dv.irreps(space.point, self.fibre))
        solution = dv.solve(field, field, support=dv.ball("R"), bias=False)
        return kn.lower(solution, radial=kn.radial.envelope(CUTOFF))

    @cached_property
    def ends(self) -> tuple[jax.Array, jax.Array]:
        """Senders and receivers, receivers in order as neighbour lists have them."""
        rng = np.random.default_rng(0)
        pair = rng.integers(0, self.nodes, self.edges), np.sort(rng.integers(0, self.nodes, self.edges))
        return jnp.asarray(pair[0], jnp.int32), jnp.asarray(pair[1], jnp.int32)

    @cached_property
    def arrays(self) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Features, displacements, weights per edge."""
        rng = np.random.default_rng(1)
        shapes = (self.nodes, self.op.channels_in), (self.edges, 3), (self.edges, self.op.edge_dim)
        x, d, gates = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes)
        return x, 1.5 * d, gates


def library(graph: Graph) -> tuple[Layer, Any]:
    """The op."""
    senders, receivers = graph.ends

    def layer(w: Any, x: jax.Array, d: jax.Array, gates: jax.Array) -> jax.Array:
        return graph.op(w, x, d, senders, receivers, graph.nodes, edge_weights=gates)

    return layer, graph.op.init(jax.random.key(0))


def dense(graph: Graph) -> tuple[Layer, Any]:
    """K(d) of every edge written out, and applied: what is done for groups without a library."""
    (senders, receivers), op = graph.ends, graph.op
    starts = np.cumsum([0, *(p.kernels * p.copies_in for p in op.pairs)]).tolist()

    def layer(w: Any, x: jax.Array, d: jax.Array, gates: jax.Array) -> jax.Array:
        tables, ending = op.polynomials(d), op.radial(d)
        rows: dict[int, list[jax.Array]] = {}
        for p, part, at in zip(op.pairs, w, starts, strict=False):
            own = (gates[:, at : at + p.kernels * p.copies_in] * ending).reshape(-1, p.kernels, p.copies_in)
            block = jnp.einsum("eibc,ebu,buv->eviuc", tables[p.which], own, part[:, 0])
            flat = block.reshape(-1, p.copies_out * p.dim_out, p.copies_in * p.dim_in)
            rows.setdefault(p.first_out, []).append(flat)
        K = jnp.concatenate([jnp.concatenate(row, axis=2) for row in rows.values()], axis=1)
        messages = jnp.einsum("eic,ec->ei", K, x[senders])
        return jax.ops.segment_sum(messages, receivers, graph.nodes)

    return layer, op.init(jax.random.key(0))


def e3nn_jax(graph: Graph) -> tuple[Layer, Any]:
    """The usual layer: tensor product with spherical harmonics, weights, sum, linear."""
    (senders, receivers), irreps = graph.ends, e3nn.Irreps(graph.fibre)

    def messages(x: jax.Array, d: jax.Array) -> Any:
        harmonics = e3nn.spherical_harmonics(HARMONICS, e3nn.IrrepsArray("1o", d), normalize=True)
        return e3nn.tensor_product(e3nn.IrrepsArray(irreps, x)[senders], harmonics, filter_ir_out=irreps)

    middle = jax.eval_shape(messages, *graph.arrays[:2]).irreps
    linear = e3nn.FunctionalLinear(middle, irreps)

    def layer(w: Any, x: jax.Array, d: jax.Array, gates: jax.Array) -> jax.Array:
        total = e3nn.scatter_sum(messages(x, d) * gates, dst=receivers, output_size=graph.nodes)
        return jax.vmap(linear, (None, 0))(w, total).array

    rng = np.random.default_rng(2)
    return layer, [jnp.asarray(rng.normal(size=i.path_shape), jnp.float32) for i in linear.instructions]


def contenders(graph: Graph) -> dict[str, tuple[Layer, Any]]:
    """Those that can be had, by name."""
    found = {OURS: library(graph)}
    if e3nn is not None:
        found[E3NN] = e3nn_jax(graph)
    if graph.edges * graph.op.channels_in * graph.op.channels_out <= DENSE_ENTRIES:
        found[DENSE] = dense(graph)
    return found


def run(quick: bool = False) -> Report:
    """The table of the suite."""
    table, targets = compare(SIZES[:1] if quick else SIZES, 2.0 if quick else 6.0)
    return Report((table,), targets)


def compare(sizes: Iterable[tuple[int, int]], budget: float) -> tuple[Table, tuple[Target, ...]]:
    rows: list[tuple[str, ...]] = []
    least: dict[str, float] = {}
    for copies, edges in sizes:
        graph = Graph(copies, edges)
        for direction in (FORWARD, GRADIENT):
            result = _race(graph, direction, budget)
            name = f"{copies} copies, {edges} edges: {direction}"
            cells = [result.time(n).show(1e-3) if n in result.seconds else "" for n in (OURS, E3NN, DENSE)]
            ratios = {n: result.ratio(n, OURS) for n in (E3NN, DENSE) if n in result.seconds}
            rows.append((name, *cells, *(ratios[n].show() if n in ratios else "" for n in (E3NN, DENSE))))
            if E3NN in ratios:
                least[direction] = min(least.get(direction, math.inf), ratios[E3NN].median)
    note = (
        "All 14 kernels of O(3) between copies of 0e + 1o + 2e, 20 edges into a node; weights per edge,"
        " kernel and copy, then copies are mixed. e3nn-jax computes the same layer as it is usually written,"
        " with harmonics up to degree 4; dense writes K(d) out for every edge, where that fits, as one does"
        " for a group without a library. The gradient is to all four arguments. Ratios above 1 say how many"
        " times faster this library is."
    )
    header = ("O(3), points", *(f"{n}, ms" for n in (OURS, E3NN, DENSE)), "to e3nn-jax", "to dense")
    targets = tuple(
        Target(
            f"{direction} of a layer on points, to e3nn-jax",
            f"at least {ASKED[direction]} times",
            f"at least {least[direction]:.2f}",
            least[direction] >= ASKED[direction],
        )
        for direction in least
    )
    return Table("Kernels on points", header, tuple(rows), note), targets


def _race(graph: Graph, direction: str, budget: float) -> Race:
    calls = {}
    for name, (layer, w) in contenders(graph).items():
        function = jax.jit(layer if direction == FORWARD else _gradient(layer))
        calls[name] = _blocking(function, w, *graph.arrays)
    return race(calls, budget, least=5, patience=30)


def _gradient(layer: Layer) -> Callable[..., Any]:
    return jax.grad(lambda *arguments: (layer(*arguments) ** 2).sum(), (0, 1, 2, 3))


def _blocking(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: jax.block_until_ready(function(*arguments))
