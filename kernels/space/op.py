"""A kernel on R^n as a jitted op on points: sums over the edges of a graph, in factored form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution import operands
from kernels.equivariant import as_given, read_parts
from kernels.errors import ShapeError, brief
from kernels.export import PLATFORMS, Artifact, exported_as
from kernels.integers import index
from kernels.maps.op import MapsOp
from kernels.precision import at_its_own, cast, constant, in_its_mode, summed
from kernels.radial import Radial
from kernels.space import reference
from kernels.space.edges import Edges, check_concrete, read_edges
from kernels.space.polynomials import Polynomials
from kernels.space.sums import Block, Feature, sums_over_edges
from kernels.static import Content, Static

NEIGHBOURS = 16  # edges into a node that `init` presumes


class Pair(NamedTuple):
    """One block of input and one of output channels, ordered copy, then piece.

    `which`: its pair of pieces in the table of polynomials; `kernels`: their number; `factor`: what every
    kernel is divided by; `scale`: by kernel and radial function, the standard deviation of a weight whose
    output has one neighbour.
    """

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    dim_in: int
    dim_out: int
    which: int
    kernels: int
    factor: Static
    scale: Static

    @property
    def inputs(self) -> slice:
        return slice(self.first_in, self.first_in + self.copies_in * self.dim_in)

    @property
    def outputs(self) -> slice:
        return slice(self.first_out, self.first_out + self.copies_out * self.dim_out)


@dataclass(frozen=True, eq=False, repr=False)
class PointsOp(Content):
    """An equivariant operator on points: op(w, x, displacements, senders, receivers, nodes).

        y[r] = sum over edges e into r of K(d_e) x[s_e]  +  b,    K(d) = sum_b f_b(|d|) P_b(d) / n_b
        f_b(|d|)[c', c] = sum_k w[b, k, c, c'] R_k(|d|)    between copy c of a block and copy c' of another

    d_e = position of the sender - position of the receiver, as the solution's K(q - p) has it; P_b the exact
    kernels of the solution, `solution.kernels`; n_b = `op.factors`, the root of the mean square of a row of
    P_b at |d| = the cut-off (or 1), so that weights are of order 1 whatever the degree.

    `w`: one array (kernels, radial functions, copies in, copies out), or a tuple of them, one per pair of
    blocks, output blocks outermost. An op is frozen, hashable and a pytree without leaves.

    Edges on several devices: inside `jax.shard_map`, each with its own, `jax.lax.psum` of the results.

    >>> import derive, kernels
    >>> E = derive.euclidean(3)
    >>> x = derive.Field(E, fibre=derive.irreps(E.point, "2x0e + 1x1o"))
    >>> solution = derive.solve(x, x, support=derive.ball("R"))
    >>> op = kernels.lower(solution, radial=kernels.radial.bessel(4, cutoff=5.0))
    >>> op
    PointsOp(5 -> 5 channels on R^3, 40 free weights, 2 biases, bessel(4, cutoff=5))
    >>> d = jnp.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    >>> op(op.init(jax.random.key(0)), jnp.ones((2, 5)), d, [1, 0], [0, 1]).shape
    (2, 5)

    Source: Weiler et al. 2018, arXiv 1807.02547; Thomas et al. 2018, arXiv 1802.08219.
    """

    axes: int
    channels_in: int
    channels_out: int
    pairs: tuple[Pair, ...]
    polynomials: Polynomials
    radial: Radial
    bias: MapsOp | None
    dtype: Any = None
    precision: str | None = None
    name: str = field(default="", compare=False)
    implementation: Any = "auto"
    plain: Any = field(default=None, compare=False)  # the exact kernels, for `dense`
    into: Any = field(default=None, compare=False)
    out: Any = field(default=None, compare=False)

    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError("PointsOp is final")

    # ---- what it is -------------------------------------------------------------------------------------

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the free weights, one per pair of blocks."""
        return tuple((p.kernels, self.radial.n, p.copies_in, p.copies_out) for p in self.pairs)

    @property
    def bias_shapes(self) -> Sequence[tuple[int, ...]]:
        """The shapes of the free biases, one per output block."""
        return () if self.bias is None else self.bias.weight_shapes

    @property
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return sum(map(math.prod, self.weight_shapes))

    @property
    def bias_dim(self) -> int:
        """The number of free biases."""
        return sum(map(math.prod, self.bias_shapes))

    @property
    def edge_shapes(self) -> tuple[tuple[int, int], ...]:
        """By pair of blocks (kernels, copies in): what `edge_weights` multiply."""
        return tuple((p.kernels, p.copies_in) for p in self.pairs)

    @property
    def edge_dim(self) -> int:
        """How many numbers `edge_weights` has per edge."""
        return sum(map(math.prod, self.edge_shapes))

    @property
    def factors(self) -> tuple[np.ndarray, ...]:
        """By pair of blocks the n_b that the exact kernels are divided by."""
        return tuple(p.factor.array for p in self.pairs)

    def describe(self) -> str:
        """What the operator became, one line per pair of blocks."""
        lines = [self.name] if self.name else []
        lines.append(f"radial functions: {self.radial}")
        for p in self.pairs:
            place = f"channels {p.inputs.start}:{p.inputs.stop} -> {p.outputs.start}:{p.outputs.stop}"
            many = f"{p.kernels} kernel{'s' if p.kernels > 1 else ''}"
            what = f"{many} {p.dim_out} x {p.dim_in}" if p.kernels else "zero"
            copies = "" if p.copies_in == p.copies_out == 1 else f", {p.copies_in} -> {p.copies_out} copies"
            lines.append(f"{place}: {what}{copies}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        bias = f", {self.bias_dim} bias{'es' if self.bias_dim != 1 else ''}" if self.bias_dim else ""
        channels = f"{self.channels_in} -> {self.channels_out} channels on R^{self.axes}"
        return f"PointsOp({channels}, {self.dim} free weights{bias}, {self.radial})"

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array, *, neighbours: float = NEIGHBOURS) -> Any:
        """Random free weights that keep the variance of unit inputs.

        `neighbours`: the mean number of edges into a node, presumed to come from all of the ball.
        """
        if not (isinstance(neighbours, int | float | np.number) and neighbours > 0):
            raise ShapeError("neighbours", "must be a positive number", brief(neighbours), "give the mean")
        keys, kind = jax.random.split(key, max(len(self.pairs), 1)), self._kind()
        return as_given([
            jax.random.normal(k, shape, kind)
            * jnp.asarray(p.scale.array / math.sqrt(neighbours), kind)[:, :, None, None]
            for k, shape, p in zip(keys, self.weight_shapes, self.pairs, strict=False)
        ])  # fmt: skip

    def init_bias(self) -> Any:
        """Zero biases; `()` where there are none."""
        return as_given([jnp.zeros(shape, self._kind()) for shape in self.bias_shapes], self.bias_dim)

    def _kind(self) -> Any:
        return self.dtype or jnp.zeros(()).dtype

    # ---- what it does -----------------------------------------------------------------------------------

    @at_its_own
    def __call__(
        self,
        w: Any,
        x: jax.Array,
        displacements: jax.Array,
        senders: jax.Array,
        receivers: jax.Array,
        nodes: int | None = None,
        b: Any = None,
        *,
        edge_weights: Any = None,
    ) -> jax.Array:
        """(batch..., senders' nodes, C_in) -> (batch..., nodes, C_out).

        Args:
            w: the free weights, as `init` gives them.
            x: features of the nodes that send; leading axes are samples on the same graph.
            displacements: (edges, axes), position of the sender - position of the receiver.
            senders, receivers: (edges,), integers. An edge whose sender is the number of senders' nodes, or
                whose receiver is `nodes`, is padding and adds nothing, whatever its displacement.
                Others that point outside are refused, except under `jit`, where they add nothing either.
            nodes: how many nodes receive, a static number; as many as send by default.
            b: biases, added at every node.
            edge_weights: (edges, op.edge_dim), say from a network of |d|; they multiply every term of K by
                edge and by kernel and copy of the input, pair of blocks by pair.

        Raises:
            KernelError: a shape, dtype or index does not fit.
        """
        x = jnp.asarray(x)
        edges = read_edges(displacements, senders, receivers, edge_weights)
        many = _nodes(nodes, x, self.channels_in)
        check_concrete(edges, x.shape[-2], many)
        return _apply(self, many, w, x, edges, () if b is None else b)

    def kernel(self, w: Any, displacements: Any) -> jax.Array:
        """K(d): displacements (..., axes) -> (..., C_out, C_in).

        Beyond the cut-off it is zero.
        """
        d = jnp.asarray(displacements)
        flat = d.reshape(-1, d.shape[-1])
        parts = read_parts("w", w, self.weight_shapes)
        kind = parts[0].dtype if parts else self._kind()
        unit = jnp.eye(self.channels_in, dtype=kind)[:, None]
        zero, each = np.zeros(len(flat), np.int32), np.arange(len(flat), dtype=np.int32)
        columns = self(w, unit, flat, zero, each, len(flat))
        return jnp.moveaxis(columns, 0, -1).reshape(*d.shape[:-1], self.channels_out, self.channels_in)

    def dense(
        self,
        w: Any,
        displacements: Any,
        senders: Any,
        receivers: Any,
        nodes: int | None = None,
        sending: int | None = None,
    ) -> np.ndarray:
        """The op on one graph as a matrix in float64: dense @ x.reshape(-1) == op(w, x, ...).reshape(-1).

        From the exact kernels, monomial by monomial. `nodes` receive, `sending` send: as many as there are at
        the ends of the edges unless given, and as many as the other.

        Raises:
            KernelError: it would be too large to write out, or a shape does not fit.
        """
        edges = read_edges(displacements, senders, receivers, None)
        edges.check(self.axes, self.edge_dim)
        ends = np.concatenate([edges.senders, edges.receivers]) + 1
        found = next((n for n in (sending, nodes) if n is not None), int(ends.max(initial=0)))
        many = found if nodes is None else nodes, found if sending is None else sending
        parts = read_parts("w", w, self.weight_shapes)
        K = reference.kernels_of(self.plain, self.radial, self.factors, parts, displacements)
        return reference.written(K, edges.senders, edges.receivers, many[1], many[0])

    def dense_bias(self, b: Any, nodes: int) -> np.ndarray:
        """What the biases add to one sample of so many nodes, in float64, flat."""
        if self.bias is None or not jax.tree.leaves(b):
            return np.zeros(nodes * self.channels_out)
        return np.tile(self.bias.dense(b)[:, 0], nodes)

    def export(
        self,
        w: Any,
        nodes: int,
        edges: int,
        *,
        senders: int | None = None,
        b: Any = None,
        platforms: Sequence[str] = PLATFORMS,
        baked: bool = False,
        dtype: Any = None,
        derivatives: int = 1,
    ) -> Artifact:
        """The op for graphs of one size, lowered for several platforms at once and serialised.

            op.export(w, nodes, edges)(w, x, displacements, senders, receivers)
            op.export(w, nodes, edges, baked=True)(x, displacements, senders, receivers)

        `senders`: how many nodes send, `nodes` by default; smaller graphs are filled up with padding. With
        biases b, they are added. Messages are cut into chunks as is best where it is exported.
        """
        kind = jnp.dtype(dtype or jax.tree.leaves((w, jnp.zeros(())))[0].dtype)
        ends = jax.ShapeDtypeStruct((edges,), jnp.int32)
        x = jax.ShapeDtypeStruct((nodes if senders is None else senders, self.channels_in), kind)
        given = (x, jax.ShapeDtypeStruct((edges, self.axes), kind), ends, ends)
        if baked:
            return exported_as(jax.jit(lambda *a: self(w, *a, nodes, b)), given, platforms, derivatives)
        typed = jax.tree.map(lambda a: jax.ShapeDtypeStruct(jnp.shape(a), jnp.result_type(a)), w)
        return exported_as(jax.jit(lambda *a: self(*a, nodes, b)), (typed, *given), platforms, derivatives)

    def _value(self, nodes: int, w: list[jax.Array], x: jax.Array, edges: Edges) -> jax.Array:
        for part in w:
            operands.check_dtypes("x", x, "w", part)
        edges.check(self.axes, self.edge_dim)
        wide, mixing = summed(x), [summed(part) for part in w]
        rows = wide.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
        run = partial(self._sample, nodes, mixing, edges)
        y = run(rows[0]) if len(rows) == 1 else jax.vmap(run)(rows)
        return cast(y.reshape(*x.shape[:-2], nodes, self.channels_out), x.dtype)

    def _sample(self, nodes: int, w: list[jax.Array], edges: Edges, x: jax.Array) -> jax.Array:
        """One sample, all blocks: messages summed at the receivers, then mixed."""
        ins = {p.first_in: _fields(x[:, p.inputs], p.copies_in, p.dim_in) for p in self.pairs}
        blocks = self._blocks(edges.weights, x.dtype)
        sums = sums_over_edges(self.polynomials, self.radial, blocks, ins, edges, nodes)
        outs = {p.first_out: p for p in self.pairs}
        columns = []
        for (first, p), total in zip(outs.items(), sums, strict=True):
            weights = [part for part, q in zip(w, self.pairs, strict=True) if q.first_out == first]
            columns.append(
                _mixed(total, [part.swapaxes(0, 1) for part in weights]).reshape(
                    nodes, p.copies_out * p.dim_out
                )
            )
        return jnp.concatenate(columns, axis=1) if columns else jnp.zeros((nodes, 0), x.dtype)

    def _blocks(self, weights: jax.Array | None, dtype: Any) -> list[Block]:
        """By output block: what is gathered for it, and where its edge weights stand."""
        starts = np.cumsum([0, *map(math.prod, self.edge_shapes)]).tolist()
        found: dict[int, Block] = {}
        for p, at in zip(self.pairs, starts, strict=False):
            block = found.setdefault(p.first_out, Block(p.dim_out, []))
            block.features.append(Feature(p.first_in, p.which, p.kernels, p.copies_in, at))
        return list(found.values())


jax.tree_util.register_static(PointsOp)


@partial(jax.jit, static_argnums=(0, 1), inline=True)
@in_its_mode
def _apply(op: PointsOp, nodes: int, w: Any, x: jax.Array, edges: Edges, b: Any) -> jax.Array:
    with jax.named_scope(repr(op)):
        y = op._value(nodes, read_parts("w", w, op.weight_shapes), x, edges)
        if op.bias is None or not jax.tree.leaves(b):
            return y
        parts = tuple(summed(part) for part in read_parts("b", b, op.bias_shapes))
        shift = op.bias(parts, constant(np.ones(1), parts[0].dtype))
        return cast(summed(y) + shift, y.dtype)


def _mixed(total: jax.Array, weights: list[jax.Array]) -> jax.Array:
    """Sums (nodes, components, radial functions, features) times weights (radial functions, kernels, copies
    in, copies out) of all features: (nodes, copies out, components)."""
    nodes, dim, rings, size = total.shape
    flat = [part.reshape(rings, part.shape[1] * part.shape[2], part.shape[3]) for part in weights]
    matrix = jnp.concatenate(flat, axis=1).reshape(rings * size, weights[0].shape[3])
    return (total.reshape(nodes, dim, rings * size) @ matrix).swapaxes(1, 2)


def _fields(x: jax.Array, copies: int, dim: int) -> jax.Array:
    """(nodes, copies x components) -> (nodes, components, copies)."""
    return x.reshape(x.shape[0], copies, dim).swapaxes(1, 2)


def _nodes(nodes: Any, x: jax.Array, channels: int) -> int:
    operands.check_array("x", x)
    if x.ndim < 2 or x.shape[-1] != channels:
        rule = f"must have the shape (batch..., nodes, {channels})"
        raise ShapeError("x", rule, x.shape, "match it to the field solved for")
    many = x.shape[-2] if nodes is None else index(nodes)
    if many is None or many < 0:
        remedy = "give a number that is known when the op is traced, such as x.shape[-2]"
        raise ShapeError("nodes", "must be a number of nodes", brief(nodes), remedy)
    return many
