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
from kernels.convolution.choice.table import Policy
from kernels.equivariant import EquivariantOp, as_given, read_parts
from kernels.errors import ShapeError
from kernels.maps.forms.entries import Form
from kernels.maps.source import maps_source
from kernels.precision import cast, summed, zeros
from kernels.source import LIMIT
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


@dataclass(frozen=True, eq=False, repr=False)
class MapsOp(EquivariantOp):
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
    plain: Any = field(default=None, compare=False)  # the exact basis, for `dense` and `symmetries`
    precision: str | None = None
    name: str = field(default="", compare=False)
    implementation: str | Policy = "auto"
    into: Any = field(default=None, compare=False)
    out: Any = field(default=None, compare=False)

    @property
    def rank(self) -> int:
        """The number of spatial axes: none."""
        return 0

    @property
    def weight_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(pair.shape for pair in self.pairs)

    @property
    def bias_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(pair.shape for pair in self.bias_pairs)

    def describe(self) -> str:
        """What the operator became, one line per pair of blocks."""
        lines = [self.name] if self.name else []
        if self.whole is not None:
            return "\n".join([*lines, f"all blocks together: {self.whole.describe()}"])
        for p in self.pairs:
            what = "zero" if p.form is None else p.form.describe()
            copies = "" if p.copies_in == p.copies_out == 1 else f", {p.copies_in} -> {p.copies_out} copies"
            place = f"channels {p.inputs.start}:{p.inputs.stop} -> {p.outputs.start}:{p.outputs.stop}"
            lines.append(f"{place}: {what}{copies}")
        return "\n".join(lines)

    def source(self, *, limit: int = LIMIT) -> str:
        return maps_source(self, limit)

    # ---- weights ----------------------------------------------------------------------------------------

    def init(self, key: jax.Array, *, grid: Any = None) -> Any:
        """Random free weights that keep the variance of unit inputs: every weight contributes equally.

        A weight's variance is 1 / (squares that an output entry receives through it x weights that feed that
        entry), so sums over many inputs do not drown the rest. `grid` is for ops on a lattice.
        """
        _refuse_grid(grid)
        keys, kind = jax.random.split(key, max(len(self.pairs), 1)), self._kind()
        return as_given([
            jax.random.normal(k, p.shape, kind) * jnp.asarray(p.scale.array, kind)[:, None, None]
            for k, p in zip(keys, self.pairs, strict=False)
        ])  # fmt: skip

    def kernel(self, w: Any) -> jax.Array:
        """The (C_in, C_out) matrix: op(w, x) == x @ op.kernel(w).

        Raises:
            ShapeError: it would be too large to write out.
        """
        self._refuse_large("kernel")
        parts = read_parts("w", w, self.weight_shapes)
        dtype = parts[0].dtype if parts else self._kind()
        return self(w, jnp.eye(self.channels_in, dtype=dtype))

    def dense(self, w: Any, grid: Any = None, *, order: str = "channels_last") -> np.ndarray:
        """The operator as a matrix in float64, basis element by basis element: dense @ x == op(w, x)."""
        _refuse_grid(grid)
        self._refuse_large("dense")
        parts = read_parts("w", w, self.weight_shapes)
        return _written(self.plain.pairs, parts, self.channels_out, self.channels_in)

    def _dense_bias(self, b: Any, grid: Any) -> np.ndarray:
        _refuse_grid(grid)
        parts = read_parts("b", b, self.bias_shapes)
        return _written(self.plain.bias_pairs, parts, self.channels_out, 1)[:, 0]

    def output_shape(self, grid: Any = None) -> tuple[int, ...]:
        _refuse_grid(grid)
        return (self.channels_out,)

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

    def _value(self, w: list[jax.Array], x: jax.Array) -> jax.Array:
        batch, parts = self._checked(w, x), [summed(part) for part in w]
        if 0 in batch:
            return zeros((*batch, self.channels_out), x.dtype)
        wide = summed(x).reshape(math.prod(batch), self.channels_in)
        if self.whole is not None:
            y = self.whole.apply(_flat(parts), wide[:, None])[:, 0]
        else:
            pieces = [
                (p.outputs, p.form.apply(part, _input(p, wide)))
                for p, part in zip(self.pairs, parts, strict=True)
                if p.form is not None
            ]
            y = assembled(pieces, wide.shape[0], self.channels_out, wide.dtype)
        return cast(y.reshape(*batch, self.channels_out), x.dtype)

    def _pull(
        self, w: list[jax.Array], x: jax.Array, ybar: jax.Array
    ) -> tuple[Sequence[jax.Array], jax.Array]:
        batch, parts = self._checked(w, x), [summed(part) for part in w]
        if ybar.shape != (*batch, self.channels_out):
            shape = (*batch, self.channels_out)
            raise ShapeError("ybar", f"must have the shape {shape} of op(w, x)", ybar.shape, "check it")
        if 0 in batch:
            return [zeros(part.shape, part.dtype) for part in w], zeros(x.shape, x.dtype)
        wide = summed(x).reshape(math.prod(batch), self.channels_in)
        back = summed(ybar).reshape(wide.shape[0], self.channels_out)
        bars, flat = self._pulled(parts, wide, back)
        narrow = [cast(bar.reshape(part.shape), part.dtype) for bar, part in zip(bars, w, strict=True)]
        return narrow, cast(flat.reshape(x.shape), x.dtype)

    def _pulled(
        self, parts: list[jax.Array], x: jax.Array, ybar: jax.Array
    ) -> tuple[Sequence[jax.Array], jax.Array]:
        if self.whole is not None:
            bar, xbar = self.whole.adjoint(_flat(parts), x[:, None], ybar[:, None])
            ends = np.cumsum([p.size for p in parts])[:-1].tolist()
            return jnp.split(bar.reshape(-1), ends), xbar
        bars, pieces = [], []
        for p, part in zip(self.pairs, parts, strict=True):
            if p.form is None:
                bars.append(jnp.zeros_like(part))
            else:
                bar, piece = p.form.adjoint(part, _input(p, x), _output(p, ybar))
                bars.append(bar)
                pieces.append((p.inputs, piece))
        return bars, assembled(pieces, x.shape[0], self.channels_in, x.dtype)

    def _checked(self, w: list[jax.Array], x: jax.Array) -> tuple[int, ...]:
        for part in w or [x]:
            operands.check_dtypes("x", x, "w", part)
        return operands.check_field("x", x.shape, 0, self.channels_in, "the dimension solved for")

    def _shift(self, b: list[jax.Array], shape: Sequence[int]) -> jax.Array:
        pieces = [
            (p.outputs, p.form.apply(part, jnp.ones_like(part, shape=(1, 1, 1))))
            for p, part in zip(self.bias_pairs, b, strict=True)
            if p.form is not None
        ]
        table = assembled(pieces, 1, self.channels_out, b[0].dtype)
        return table.reshape((1,) * (len(shape) - 1) + table.shape[1:])

    def _shift_pull(self, ybar: jax.Array) -> Sequence[jax.Array]:
        total = summed(ybar).reshape(-1, self.channels_out).sum(axis=0, keepdims=True)
        one = jnp.ones_like(total, shape=(1, 1, 1))
        return [
            zeros(p.shape, total.dtype)
            if p.form is None
            else p.form.adjoint(zeros(p.shape, total.dtype), one, _output(p, total))[0]
            for p in self.bias_pairs
        ]


def _mover(entries: Any, size: int) -> Any:
    row, column, value = entries
    return partial(_moved, sparse_matrix(row, column, value, (size, size)))


def _moved(matrix: SparseMatrix, field: jax.Array) -> jax.Array:
    return times(matrix, field, -1)


def _refuse_grid(grid: Any) -> None:
    if grid is not None and np.shape(grid) != (0,):
        raise ShapeError("grid", "must be empty: there is no lattice", grid, "leave it out")


def _written(pairs: Sequence[Any], parts: Sequence[Any], channels_out: int, channels_in: int) -> np.ndarray:
    """The sum of all basis elements times their weights, in float64."""
    full = np.zeros((channels_out, channels_in))
    for pair, part in zip(pairs, parts, strict=True):
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


def _flat(parts: list[jax.Array]) -> jax.Array:
    return jnp.concatenate([p.reshape(-1) for p in parts]).reshape(-1, 1, 1)


def _input(pair: Pair, x: jax.Array) -> jax.Array:
    return x[:, pair.inputs].reshape(x.shape[0], pair.copies_in, pair.dim_in)


def _output(pair: Pair, y: jax.Array) -> jax.Array:
    return y[:, pair.outputs].reshape(y.shape[0], pair.copies_out, pair.dim_out)


def assembled(pieces: list[tuple[slice, jax.Array]], batch: int, channels: int, dtype: Any) -> jax.Array:
    """Pieces side by side, added up where they meet, zeros where there are none."""
    sums: dict[tuple[int, int], jax.Array] = {}
    for where, piece in pieces:
        flat, key = piece.reshape(batch, -1), (where.start, where.stop)
        sums[key] = sums[key] + flat if key in sums else flat
    columns, at = [], 0
    for start, stop in sorted(sums):
        columns += [zeros((batch, start - at), dtype), sums[start, stop]]
        at = stop
    columns.append(zeros((batch, channels - at), dtype))
    filled = [c for c in columns if c.shape[1]] or columns[-1:]
    return filled[0] if len(filled) == 1 else jnp.concatenate(filled, axis=1)
