"""Answers whose input is a product, as jitted ops of its two factors, without forming the product."""

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
from kernels.errors import ExportError, ShapeError
from kernels.export import PLATFORMS, Artifact, Size, exported
from kernels.maps.op import MapsOp, assembled
from kernels.maps.source import bilinear_source
from kernels.precision import at_its_own, cast, in_its_mode, summed, zeros
from kernels.source import LIMIT
from kernels.sparse import reorder, times
from kernels.static import Content, Static

MADE = 1 << 12  # products per sample up to which those of all copies of v are made at once
Bars = tuple[list[Any], jax.Array, jax.Array]


class Side(NamedTuple):
    """A block of one of the two arguments; channels are ordered copy, then piece."""

    first: int
    copies: int
    dim: int

    @property
    def channels(self) -> int:
        return self.copies * self.dim

    @property
    def where(self) -> slice:
        return slice(self.first, self.first + self.channels)

    def block(self, x: jax.Array) -> jax.Array:
        """(batch, channels) to (batch, copies, points)."""
        return x[:, self.where].reshape(x.shape[0], self.copies, self.dim)

    def __str__(self) -> str:
        return f"{self.where.start}:{self.where.stop}"


class Part(NamedTuple):
    """A block of v with one of u: the copies of pair `pair` of the linear op from number `place` on."""

    v: Side
    u: Side
    pair: int
    place: int
    form: Any

    @property
    def copies(self) -> int:
        return self.v.copies * self.u.copies

    @property
    def steps(self) -> int:
        return steps(self.form.numbers, self.v.copies, self.u.copies)


def steps(numbers: int, copies_v: int, copies_u: int) -> int:
    """In how many steps the copies of v are gone through, so that few numbers exist at a time."""
    most = max(1, MADE // max(numbers * copies_u, 1))
    return next(n for n in range(1, copies_v + 1) if copies_v % n == 0 and copies_v // n <= most)


Parts = tuple[Part, ...]


@dataclass(frozen=True, eq=False, repr=False)
class BilinearOp(Content):
    """An equivariant bilinear operator with free weights: op(w, v, u, b=None).

        y[i] = sum_k w_k sum_(c, d) B_k[i, (c, d)] v[c] u[d]  +  sum_k b_k U_k[i]

    B, U are the exact bases of the answer on V * W. `linear` is the op of one argument with the same weights:
    op(w, v, u) == op.linear(w, op.product(v, u)).
    Checks take both arguments as one: ``kernels.check_adjoints(op, w, (v, u))``.

    >>> import derive, kernels
    >>> V = derive.defining(derive.special_orthogonal(3))
    >>> cross = kernels.lower(derive.solve(V * V, V), bilinear=True)
    >>> cross(jnp.ones((1, 1, 1)), jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 1.0, 0.0])).tolist()
    [0.0, 0.0, 1.0]
    """

    linear: MapsOp
    channels_v: int
    channels_u: int
    parts: Parts
    places: Static  # (C_v, C_u): where the product of two channels stands in V * W
    into: Any = field(default=None, compare=False)  # the representations V and W

    # ---- what it is -------------------------------------------------------------------------------------

    @property
    def channels_out(self) -> int:
        return self.linear.channels_out

    @property
    def out(self) -> Any:
        """The field of the output."""
        return self.linear.out

    @property
    def name(self) -> str:
        return self.linear.name

    @property
    def dtype(self) -> Any:
        return self.linear.dtype

    @property
    def precision(self) -> str | None:
        return self.linear.precision

    @property
    def implementation(self) -> Any:
        return self.linear.implementation

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.linear.weight_shapes

    @property
    def bias_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.linear.bias_shapes

    @property
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return self.linear.dim

    @property
    def bias_dim(self) -> int:
        """The number of free biases."""
        return self.linear.bias_dim

    def __repr__(self) -> str:
        one = repr(self.linear).partition("-> ")[2]
        return f"BilinearOp({self.channels_v} x {self.channels_u} -> {one}"

    def describe(self) -> str:
        """What the operator became, one line per pair of blocks and block of the output."""
        lines = [self.name] if self.name else []
        for p in self.parts:
            out = self.linear.pairs[p.pair]
            copies = (p.v.copies, p.u.copies, out.copies_out)
            many = "" if copies == (1, 1, 1) else ", {} x {} -> {} copies".format(*copies)
            steps = f", in {p.steps} steps" if p.steps > 1 else ""
            place = f"{p.v} x {p.u} -> {out.outputs.start}:{out.outputs.stop}"
            lines.append(f"channels {place}: {p.form.describe()}{many}{steps}")
        return "\n".join(lines if self.parts else [*lines, "zero"])

    def source(self, *, limit: int = LIMIT) -> str:
        """`layer(w, v, u, b=None)` as a few lines of JAX: `EquivariantOp.source` says more."""
        return bilinear_source(self, limit)

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array) -> Any:
        """Random free weights that keep the variance of independent unit inputs."""
        return self.linear.init(key)

    def init_bias(self) -> Any:
        """Zero biases; `()` where there are none."""
        return self.linear.init_bias()

    def kernel(self, w: Any) -> jax.Array:
        """(C_v, C_u, C_out): op(w, v, u) == einsum("c,d,cdi->i", v, u, op.kernel(w))."""
        return self.linear.kernel(w)[self.places.index]

    def dense(self, w: Any) -> np.ndarray:
        """The same from the exact basis, element by element, in float64: (C_out, C_v, C_u)."""
        return self.linear.dense(w)[:, self.places.array]

    def product(self, v: jax.Array, u: jax.Array) -> jax.Array:
        """The channels of V * W, the product of the two: (batch..., C_v C_u)."""
        full = jnp.asarray(v)[..., :, None] * jnp.asarray(u)[..., None, :]
        order = reorder(np.argsort(self.places.array.reshape(-1)))
        return times(order, full.reshape(*full.shape[:-2], -1), -1)

    # ---- what it does -----------------------------------------------------------------------------------

    @at_its_own
    def __call__(self, w: Any, v: jax.Array, u: jax.Array, b: Any = None) -> jax.Array:
        """(batch..., C_v) and (batch..., C_u) -> (batch..., C_out); batch axes broadcast."""
        return _apply(self, w, v, u, () if b is None else b)

    @at_its_own
    def adjoints(
        self, w: Any, v: jax.Array, u: jax.Array, ybar: jax.Array
    ) -> tuple[Any, jax.Array, jax.Array]:
        """The derived adjoints (wbar, vbar, ubar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, v, u, ybar)

    def bias_adjoint(self, ybar: jax.Array) -> Any:
        """The derived adjoint of b -> op(w, v, u, b) at the cotangent ybar, in the dtype of its sums."""
        return self.linear.bias_adjoint(ybar)

    def export(
        self,
        w: Any,
        shapes: tuple[Sequence[Size], Sequence[Size]],
        *,
        b: Any = None,
        platforms: Sequence[str] = PLATFORMS,
        baked: bool = False,
        dtype: Any = None,
        constraints: Sequence[str] = (),
        derivatives: int = 1,
    ) -> Artifact:
        """The op for inputs of two shapes as an artifact: `EquivariantOp.export` says more.

        op.export(w, (("n", 3), ("n", 3)))(w, v, u) == op(w, v, u)
        """
        if not isinstance(shapes, tuple | list) or len(shapes) != 2:
            raise ExportError(
                "shapes", "must be two, of v and of u", repr(shapes), 'say (("n", 3), ("n", 3))'
            )
        return exported(self, w, shapes, b, platforms, baked, dtype, constraints, derivatives)

    def read(
        self, w: list[jax.Array], v: jax.Array, u: jax.Array
    ) -> tuple[tuple[int, ...], jax.Array, jax.Array]:
        """The batch axes of the output, and both arguments with them as one, in the dtype of sums."""
        for part in w or [v]:
            operands.check_dtypes("v", v, "w", part)
        operands.check_dtypes("v", v, "u", u)
        rule = "the dimension solved for"
        first = operands.check_field("v", v.shape, 0, self.channels_v, rule)
        second = operands.check_field("u", u.shape, 0, self.channels_u, rule)
        batch = _together(first, second)
        wide_v, wide_u = (
            jnp.broadcast_to(x, (*batch, x.shape[-1])).reshape(math.prod(batch), x.shape[-1])
            for x in (summed(v), summed(u))
        )
        return batch, wide_v, wide_u

    def value(self, w: list[jax.Array], v: jax.Array, u: jax.Array) -> jax.Array:
        """op(w, v, u), the weights in their shapes and one batch axis."""
        if v.shape[0] == 0:
            return zeros((0, self.channels_out), v.dtype)
        pieces = []
        for p in self.parts:
            out = self.linear.pairs[p.pair]
            y = _in_steps(p, _weights(p, w), p.v.block(v), p.u.block(u))
            pieces.append((out.outputs, y))
        return assembled(pieces, v.shape[0], self.channels_out, v.dtype)

    def pull(self, w: list[jax.Array], v: jax.Array, u: jax.Array, ybar: jax.Array) -> Bars:
        """The adjoints of `value`."""
        if v.shape[0] == 0:
            return [jnp.zeros_like(part) for part in w], v, u
        wbars: list[list[jax.Array]] = [[] for _ in w]
        of_v, of_u = [], []
        for p in self.parts:
            out = self.linear.pairs[p.pair]
            back = ybar[:, out.outputs].reshape(ybar.shape[0], out.copies_out, -1)
            blocks = p.v.block(v), p.u.block(u)
            wbar, vbar, ubar = _pull_in_steps(p, _weights(p, w), *blocks, back)
            wbars[p.pair].append(wbar.reshape(len(wbar), p.copies, -1))
            of_v.append((p.v.where, vbar))
            of_u.append((p.u.where, ubar))
        joined = [
            jnp.concatenate(bars, 1) if bars else jnp.zeros_like(x) for bars, x in zip(wbars, w, strict=True)
        ]
        many = v.shape[0]
        return joined, assembled(of_v, many, v.shape[1], v.dtype), assembled(of_u, many, u.shape[1], u.dtype)


jax.tree_util.register_static(BilinearOp)


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _apply(op: BilinearOp, w: Any, v: jax.Array, u: jax.Array, b: Any) -> jax.Array:
    with jax.named_scope(repr(op)):
        parts = read_parts("w", w, op.weight_shapes)
        batch, wide_v, wide_u = op.read(parts, jnp.asarray(v), jnp.asarray(u))
        y = op.value([summed(part) for part in parts], wide_v, wide_u)
        return op.linear.shifted(cast(y.reshape(*batch, op.channels_out), jnp.asarray(v).dtype), b)


@partial(jax.jit, static_argnums=0, inline=True)
@in_its_mode
def _adjoints(op: BilinearOp, w: Any, v: jax.Array, u: jax.Array, ybar: jax.Array) -> Any:
    with jax.named_scope(f"adjoints of {op!r}"):
        v, u, ybar = map(jnp.asarray, (v, u, ybar))
        parts = read_parts("w", w, op.weight_shapes)
        batch, wide_v, wide_u = op.read(parts, v, u)
        if ybar.shape != (*batch, op.channels_out):
            shape = (*batch, op.channels_out)
            raise ShapeError("ybar", f"must have the shape {shape} of op(w, v, u)", ybar.shape, "check it")
        back = summed(ybar).reshape(wide_v.shape[0], op.channels_out)
        wbars, vbar, ubar = op.pull([summed(part) for part in parts], wide_v, wide_u, back)
        narrow = [cast(bar, part.dtype) for bar, part in zip(wbars, parts, strict=True)]
        bars = (bar.reshape(*batch, bar.shape[1]) for bar in (vbar, ubar))
        return as_given(narrow), *(_unbroadcast(bar, x) for bar, x in zip(bars, (v, u), strict=True))


def _together(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return first if first == second else jnp.broadcast_shapes(first, second)
    except ValueError as error:
        raise ShapeError(
            "v and u", "must have batch axes that broadcast", f"{first} and {second}", "add axes of size 1"
        ) from error


def _unbroadcast(bar: jax.Array, x: jax.Array) -> jax.Array:
    """The transpose of broadcasting: sums over the axes along which x was repeated."""
    bar = bar.sum(axis=tuple(range(bar.ndim - x.ndim)))
    repeated = tuple(i for i, (n, m) in enumerate(zip(x.shape, bar.shape, strict=True)) if n != m)
    return cast(bar.sum(axis=repeated, keepdims=True), x.dtype)


def _weights(p: Part, w: list[jax.Array]) -> jax.Array:
    """(weights, copies of v, copies of u, copies of the output)."""
    part = w[p.pair][:, p.place : p.place + p.copies]
    return part.reshape(part.shape[0], p.v.copies, p.u.copies, part.shape[2])


def _in_steps(p: Part, w: jax.Array, v: jax.Array, u: jax.Array) -> jax.Array:
    """The form's value, some copies of v at a time."""
    if p.steps == 1:
        return p.form.apply(w, v, u)

    @jax.checkpoint  # products are made again for the derivative, not kept
    def step(y: jax.Array, some: Any) -> tuple[jax.Array, None]:
        return y + p.form.apply(*some, u), None

    shares = _cut(p, w, v)
    like = jax.eval_shape(lambda w, v: p.form.apply(w[0], v[0], u), *shares)
    return jax.lax.scan(step, jnp.zeros_like(v, shape=like.shape), shares)[0]


def _pull_in_steps(p: Part, w: jax.Array, v: jax.Array, u: jax.Array, ybar: jax.Array) -> Any:
    if p.steps == 1:
        return p.form.adjoint(w, v, u, ybar)

    def step(ubar: jax.Array, some: Any) -> tuple[jax.Array, Any]:
        wbar, vbar, more = p.form.adjoint(*some, u, ybar)
        return ubar + more, (wbar, vbar)

    ubar, (wbar, vbar) = jax.lax.scan(step, jnp.zeros_like(u), _cut(p, w, v))
    return jnp.moveaxis(wbar, 0, 1).reshape(w.shape), jnp.moveaxis(vbar, 0, 1).reshape(v.shape), ubar


def _cut(p: Part, w: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The copies of v in equal shares, the steps outermost."""
    shares = (x.reshape(x.shape[0], p.steps, -1, *x.shape[2:]) for x in (w, v))
    first, second = (jnp.moveaxis(x, 1, 0) for x in shares)
    return first, second
