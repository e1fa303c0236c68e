"""Answers without a lattice as jitted ops: sums over diagonals, circular convolutions, scalings, matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.convolution import operands
from kernels.errors import ShapeError
from kernels.export import Exportable
from kernels.maps.forms.entries import Form
from kernels.pickling import Fields
from kernels.precision import at_its_own
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Static

KERNEL = 1 << 24  # entries of the largest kernel that is written out


class Pair(NamedTuple):
    """One block of input and one of output channels; channels are ordered copy, then piece.

    `form`: how its maps are computed, None where there are none; `scale`: the standard deviation of every
    weight that `init` draws.
    """

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    dim_in: int
    dim_out: int
    weights: int
    form: Form | None
    scale: Static

    @property
    def shape(self) -> tuple[int, int, int]:
        """(free weights, copies in, copies out)."""
        return (self.weights, self.copies_in, self.copies_out)

    @property
    def inputs(self) -> slice:
        return slice(self.first_in, self.first_in + self.copies_in * self.dim_in)

    @property
    def outputs(self) -> slice:
        return slice(self.first_out, self.first_out + self.copies_out * self.dim_out)


Pairs = tuple[Pair, ...]


@dataclass(frozen=True)
class MapsOp(Fields, Exportable):
    """An equivariant operator between representations: op(w, x, b=None).

        y[n, i] = sum_k w_k sum_c B_k[i, c] x[n, c]  +  sum_k b_k U_k[i]       B, U the exact bases

    `w`: one array (free weights, copies in, copies out), or a tuple of them, one per pair of blocks, output
    blocks outermost, so that flat weights follow `solution.basis`; `b`: one array (free biases, 1, copies
    out), or a tuple, one per output block. `describe()` says what every pair became.

    >>> import derive, kernels
    >>> V = derive.permutation(derive.symmetric(5))
    >>> op = kernels.lower(derive.solve(V**2, V))
    >>> op(op.init(jax.random.key(0)), jnp.ones((8, 25))).shape, op.dim
    ((8, 5), 5)
    """

    channels_in: int
    channels_out: int
    pairs: Pairs
    bias_pairs: Pairs
    whole: Form | None = None  # all pairs at once, where that is cheaper
    dtype: Any = None
    plain: Any = field(
        default=None, compare=False, repr=False
    )  # the exact basis, for `dense` and `symmetries`
    precision: str | None = None
    implementation: Any = "auto"  # "lax" is all that a matrix product hears

    @property
    def dim(self) -> int:
        """The number of free weights, biases not counted."""
        return sum(math.prod(p.shape) for p in self.pairs)

    @property
    def rank(self) -> int:
        """The number of spatial axes: none."""
        return 0

    @cached_property
    def _hash(self) -> int:
        return hash((self.channels_in, self.channels_out, self.pairs, self.bias_pairs, self.whole))

    def __hash__(self) -> int:
        return self._hash

    def describe(self) -> str:
        """What the operator became, one line per pair of blocks."""
        lines = [self.plain.description] if self.plain is not None else []
        if self.whole is not None:
            return "\n".join([*lines, f"all blocks together: {self.whole.describe()}"])
        for p in self.pairs:
            what = "zero" if p.form is None else p.form.describe()
            copies = "" if p.copies_in == p.copies_out == 1 else f", {p.copies_in} -> {p.copies_out} copies"
            place = f"channels {p.inputs.start}:{p.inputs.stop} -> {p.outputs.start}:{p.outputs.stop}"
            lines.append(f"{place}: {what}{copies}")
        return "\n".join(lines)

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array, *, grid: Sequence[int] | None = None) -> Any:
        """Random free weights that keep the variance of unit inputs: every weight contributes equally.

        A weight's variance is 1 / (squares that an output entry receives through it x weights that feed that
        entry), so sums over many inputs do not drown the rest.
        """
        dtype = self.dtype or jnp.zeros(()).dtype
        keys = jax.random.split(key, max(len(self.pairs), 1))
        parts = [
            jax.random.normal(k, p.shape, dtype) * jnp.asarray(p.scale.array, dtype)[:, None, None]
            for k, p in zip(keys, self.pairs, strict=False)
        ]
        return _joined(parts)

    def init_bias(self) -> Any:
        """Zero biases."""
        dtype = self.dtype or jnp.zeros(()).dtype
        return _joined([jnp.zeros(p.shape, dtype) for p in self.bias_pairs])

    def kernel(self, w: Any) -> jax.Array:
        """The (C_in, C_out) matrix: op(w, x) == x @ op.kernel(w).

        Raises:
            ShapeError: it would be too large to write out.
        """
        self._refuse_large("kernel")
        parts = parse_weights(self.pairs, w, "w")
        dtype = parts[0].dtype if parts else self.dtype
        return self(w, jnp.eye(self.channels_in, dtype=dtype))

    def dense(self, w: Any, grid: Sequence[int] | None = None) -> np.ndarray:
        """The operator as a matrix in float64, basis element by basis element: dense @ x == op(w, x)."""
        if grid is not None and np.shape(grid) != (0,):
            raise ShapeError("grid", "must be empty: there is no lattice", grid, "leave it out")
        self._refuse_large("dense")
        full = np.zeros((self.channels_out, self.channels_in))
        for pair, part in zip(self.plain.pairs, parse_weights(self.pairs, w, "w"), strict=True):
            weights = np.asarray(part, dtype=np.float64)
            if not weights.any():
                continue
            block = np.zeros((pair.copies_out, pair.dim_out, pair.copies_in, pair.dim_in))
            for (row, column, values), copies in zip(pair.elements, weights, strict=True):
                if copies.any():
                    block[:, row, :, column] += values[:, None, None] * copies.T
            rows = slice(pair.first_out, pair.first_out + pair.copies_out * pair.dim_out)
            columns = slice(pair.first_in, pair.first_in + pair.copies_in * pair.dim_in)
            full[rows, columns] = block.reshape(rows.stop - rows.start, -1)
        return full

    def _refuse_large(self, what: str) -> None:
        if self.channels_in * self.channels_out > KERNEL:
            raise ShapeError(
                what,
                f"must have at most {KERNEL:,} entries to be written out",
                f"{self.channels_out:,} x {self.channels_in:,}",
                "apply op(w, x), which never forms it",
            )

    @cached_property
    def symmetries(self) -> dict[str, tuple[Any, Any]]:
        """How every generator acts on input and output; of a Lie algebra, its infinitesimal action.

        A linear map commutes with a group if it commutes with these: op(w, g x) == g op(w, x).
        """
        if self.plain is None:
            return {}
        return {
            name: (_mover(on_x, self.channels_in), _mover(on_y, self.channels_out))
            for name, (on_x, on_y) in self.plain.moves().items()
        }

    # ---- what it does -----------------------------------------------------------------------------------

    @at_its_own
    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        """(batch..., C_in) -> (batch..., C_out)."""
        return _apply(self, w, x) if b is None else _apply_with_bias(self, w, x, b)

    @at_its_own
    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        """The derived adjoints (wbar, xbar) at the cotangent ybar: written out, not differentiated."""
        return _adjoints(self, w, x, ybar)


def _mover(entries: Any, size: int) -> Any:
    row, column, value = entries
    return partial(_moved, sparse_matrix(row, column, value, (size, size)))


def _moved(matrix: SparseMatrix, field: jax.Array) -> jax.Array:
    return times(matrix, field, -1)


def parse_weights(pairs: Pairs, w: Any, name: str) -> list[jax.Array]:
    """The weights of every pair, checked; one pair's weights need no tuple."""
    parts = list(w) if isinstance(w, tuple | list) else [w]
    shapes = [p.shape for p in pairs]
    if len(parts) != len(shapes) or any(
        jnp.shape(p) not in (s, (math.prod(s),)) for p, s in zip(parts, shapes, strict=True)
    ):
        wanted = shapes[0] if len(shapes) == 1 else tuple(shapes)
        remedy = "use op.init(key)" if name == "w" else "use op.init_bias()"
        raise ShapeError(name, f"must have the shape {wanted}", [jnp.shape(p) for p in parts], remedy)
    return [jnp.asarray(p).reshape(s) for p, s in zip(parts, shapes, strict=True)]


def _joined(parts: list[jax.Array]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


def _operands(op: MapsOp, w: Any, x: Any) -> tuple[list[jax.Array], jax.Array, tuple[int, ...]]:
    parts, x = parse_weights(op.pairs, w, "w"), jnp.asarray(x)
    for part in parts or [x]:
        operands.check_dtypes("x", x, "w", part)
    batch = operands.check_field("x", x.shape, 0, op.channels_in, "the dimension solved for")
    return parts, x.reshape(math.prod(batch), op.channels_in), batch


def _flat(parts: list[jax.Array]) -> jax.Array:
    return jnp.concatenate([p.reshape(-1) for p in parts]).reshape(-1, 1, 1)


def _input(pair: Pair, x: jax.Array) -> jax.Array:
    return x[:, pair.inputs].reshape(x.shape[0], pair.copies_in, pair.dim_in)


def _output(pair: Pair, y: jax.Array) -> jax.Array:
    return y[:, pair.outputs].reshape(y.shape[0], pair.copies_out, pair.dim_out)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply(op: MapsOp, w: Any, x: jax.Array) -> jax.Array:
    parts, x, batch = _operands(op, w, x)
    if op.whole is not None:
        y = op.whole.apply(_flat(parts), x[:, None])[:, 0]
    else:
        pieces = [
            (p.outputs, p.form.apply(part, _input(p, x)))
            for p, part in zip(op.pairs, parts, strict=True)
            if p.form is not None
        ]
        y = _assembled(pieces, x.shape[0], op.channels_out, x.dtype)
    return y.reshape(*batch, op.channels_out)


def _assembled(pieces: list[tuple[slice, jax.Array]], batch: int, channels: int, dtype: Any) -> jax.Array:
    """Pieces side by side, added up where they meet, zeros where there are none."""
    sums: dict[tuple[int, int], jax.Array] = {}
    for where, piece in pieces:
        flat, key = piece.reshape(batch, -1), (where.start, where.stop)
        sums[key] = sums[key] + flat if key in sums else flat
    columns, at = [], 0
    for start, stop in sorted(sums):
        columns += [jnp.zeros((batch, start - at), dtype), sums[start, stop]]
        at = stop
    columns.append(jnp.zeros((batch, channels - at), dtype))
    filled = [c for c in columns if c.shape[1]] or columns[-1:]
    return filled[0] if len(filled) == 1 else jnp.concatenate(filled, axis=1)


@partial(jax.jit, static_argnums=0, inline=True)
def _apply_with_bias(op: MapsOp, w: Any, x: jax.Array, b: Any) -> jax.Array:
    y = _apply(op, w, x)
    parts = parse_weights(op.bias_pairs, b, "b")
    pieces = [
        (p.outputs, p.form.apply(part, jnp.ones((1, 1, 1), part.dtype)))
        for p, part in zip(op.bias_pairs, parts, strict=True)
        if p.form is not None
    ]
    return y + _assembled(pieces, 1, op.channels_out, y.dtype)[0].astype(y.dtype)


@partial(jax.jit, static_argnums=0, inline=True)
def _adjoints(op: MapsOp, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
    parts, x, batch = _operands(op, w, x)
    ybar = ybar.reshape(x.shape[0], op.channels_out)
    if op.whole is not None:
        bar, xbar = op.whole.adjoint(_flat(parts), x[:, None], ybar[:, None])
        ends = np.cumsum([p.size for p in parts])[:-1]
        bars = [b.reshape(p.shape) for b, p in zip(jnp.split(bar.reshape(-1), ends), parts, strict=True)]
        return _joined(bars), xbar.reshape(*batch, op.channels_in)
    bars, pieces = [], []
    for p, part in zip(op.pairs, parts, strict=True):
        if p.form is None:
            bars.append(jnp.zeros_like(part))
        else:
            bar, piece = p.form.adjoint(part, _input(p, x), _output(p, ybar))
            bars.append(bar)
            pieces.append((p.inputs, piece))
    xbar = _assembled(pieces, x.shape[0], op.channels_in, x.dtype)
    return _joined(bars), xbar.reshape(*batch, op.channels_in)
