"""Two forms for a pair of blocks that is known by its entries only: few in every row, or a small matrix.

Every form has ``apply(w, x) -> y`` and ``adjoint(w, x, ybar) -> (wbar, xbar)``: w (weights, C_in, C_out),
x (batch, C_in, points) and y (batch, C_out, points); the adjoints are written out, not differentiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.lattice.weights import Block, contract, expand
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Content, Static


@dataclass(frozen=True, eq=False)
class Matrix(Content):
    """y = A x with the weights put into a small dense matrix: labels with signs, or a basis."""

    block: Block

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        y = x.reshape(x.shape[0], -1) @ self._matrix(w)
        return y.reshape(x.shape[0], w.shape[2], self.block.dim_out)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        flat, back = x.reshape(x.shape[0], -1), ybar.reshape(x.shape[0], -1)
        (wbar,) = contract((self.block,), (flat.T @ back)[None])
        return wbar, (back @ self._matrix(w).T).reshape(x.shape)

    def _matrix(self, w: jax.Array) -> jax.Array:
        return expand((self.block,), [w], 1)[0]

    def describe(self) -> str:
        b = self.block
        return f"dense {b.dim_out} x {b.dim_in} matrix, free weights {b.weights}"


@dataclass(frozen=True, eq=False)
class Rows(Content):
    """y[r] = sum_j value[r, j] w[weight[r, j]] x[column[r, j]], few entries in every row.

    With one entry in every row, on the diagonal, it scales each channel by itself (depthwise).
    """

    weight: Static
    column: Static
    value: Static
    dim_in: int
    weights: int

    @property
    def width(self) -> int:
        return self.column.array.shape[1]

    @cached_property
    def is_diagonal(self) -> bool:
        column = self.column.array
        return column.shape == (self.dim_in, 1) and bool((column[:, 0] == np.arange(self.dim_in)).all())

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.einsum("bcrj,rjcd->bdr", self._read(x), self._factors(w))

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        bars = jnp.einsum("bcrj,bdr->rjcd", self._read(x), ybar)
        wbar = times(self._placing.transposed, bars.reshape(-1, *w.shape[1:]))
        back = jnp.einsum("bdr,rjcd->bcrj", ybar, self._factors(w))
        return wbar, times(self._reading.transposed, back.reshape(*x.shape[:2], -1), 2)

    @cached_property
    def _reading(self) -> SparseMatrix:
        """The input to the entries of all rows; where each reads its own, the identity."""
        column = self.column.array.reshape(-1)
        return sparse_matrix(np.arange(len(column)), column, 1, (len(column), self.dim_in))

    @cached_property
    def _placing(self) -> SparseMatrix:
        """Weights to the entries of all rows, times their values."""
        weight, value = self.weight.array.reshape(-1), self.value.array.reshape(-1)
        (at,) = np.nonzero(weight >= 0)
        return sparse_matrix(at, weight[at], value[at], (len(weight), self.weights))

    def _read(self, x: jax.Array) -> jax.Array:
        return times(self._reading, x, 2).reshape(*x.shape[:2], *self.column.array.shape)

    def _factors(self, w: jax.Array) -> jax.Array:
        return times(self._placing, w).reshape(*self.weight.array.shape, *w.shape[1:])

    def describe(self) -> str:
        if self.is_diagonal:
            return f"depthwise: scales each of {self.dim_in} channels, free weights {self.weights}"
        rows = len(self.column.array)
        return f"gathers {self.width} entries for each of {rows} rows, free weights {self.weights}"


Form = Any  # apply, adjoint, describe
