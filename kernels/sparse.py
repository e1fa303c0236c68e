"""A constant sparse matrix times an array: one linear primitive, closed under its own transposition.

    sparse_p:  x (n, columns, k)  ->  matrix @ x (n, rows, k)

Free weights become kernels by such matrices. Left to JAX the transpose of a gather is a scatter, which XLA on
CPU runs entry by entry; here it is the product with the transposed matrix, gathered too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from kernels.jax_versions import known_to_tools
from kernels.lax_alone import asked
from kernels.precision import cast, constant, mode_of, summed, zeros
from kernels.static import Content, Static

DENSE = 1 << 16  # entries up to which a matrix with several entries in a row is written out
WRITTEN = 32  # entries of a row up to which they are added one by one, all rows at a time
LANES = 8  # numbers at every entry of x from which on that is faster than a matrix product
PADDED = 4  # rows are padded to the longest if that makes at most this many times the entries


@dataclass(frozen=True, eq=False)
class SparseMatrix(Content):
    """Entry j is `value[j]` at (`row[j]`, `column[j]`); entries at one place add up."""

    row: Static
    column: Static
    value: Static
    shape: tuple[int, int]

    @cached_property
    def transposed(self) -> SparseMatrix:
        return SparseMatrix(self.column, self.row, self.value, self.shape[::-1])

    @cached_property
    def is_identity(self) -> bool:
        n = np.arange(self.shape[1])
        return self.shape[0] == self.shape[1] and self._permutes and np.array_equal(self.column.array, n)

    @cached_property
    def turn(self) -> tuple[int, int] | None:
        """(a, b) where the matrix turns a table of a rows and b columns on its side."""
        index, n = self.column.array, self.shape[0]
        if self.is_identity or not (n == self.shape[1] == len(index) > 1 and self._permutes):
            return None
        b = int(index[1])
        turned = b > 0 and n % b == 0 and np.array_equal(index, np.arange(n).reshape(-1, b).T.reshape(-1))
        return (n // b, b) if turned else None

    @property
    def _permutes(self) -> bool:
        return np.array_equal(self.row.array, np.arange(self.shape[0])) and bool(
            (self.value.array == 1).all()
        )

    @cached_property
    def dense(self) -> np.ndarray:
        full = np.zeros(self.shape)
        np.add.at(full, (self.row.array, self.column.array), self.value.array)
        return full

    @cached_property
    def width(self) -> int:
        """The entries of the longest row."""
        return int(np.bincount(self.row.array, minlength=1).max())

    @cached_property
    def padded(self) -> tuple[np.ndarray, np.ndarray]:
        """The columns and values of every row, (rows, width): column `shape[1]` where a row has no more."""
        row, width = self.row.array, self.width
        order = np.argsort(row, kind="stable")
        counts = np.bincount(row, minlength=self.shape[0])
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        columns = np.full((self.shape[0], width), self.shape[1], dtype=np.int32)
        values = np.zeros((self.shape[0], width))
        columns[row[order], place] = self.column.array[order]
        values[row[order], place] = self.value.array[order]
        return columns, values


def sparse_matrix(row: Any, column: Any, value: Any, shape: tuple[int, int]) -> SparseMatrix:
    """The matrix with these entries; `value` may be one number."""
    row, column = (Static(np.asarray(a, dtype=np.int32)) for a in (row, column))
    values = np.broadcast_to(np.asarray(value, dtype=np.float64), row.array.shape)
    return SparseMatrix(row, column, Static(values), shape)


def reorder(order: np.ndarray) -> SparseMatrix:
    """The permutation matrix of y[j] = x[order[j]]."""
    return sparse_matrix(np.arange(len(order)), order, 1, (len(order), len(order)))


def times(matrix: SparseMatrix, x: jax.Array, axis: int = 0) -> jax.Array:
    """matrix @ x along one axis of x.

    >>> double = sparse_matrix([0, 2], [1, 0], [2, 3], (3, 2))
    >>> times(double, jnp.array([1.0, 10.0])).tolist()
    [20.0, 0.0, 3.0]
    """
    if matrix.is_identity:
        return x
    axis %= x.ndim
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    product = _compute if asked() else sparse_p.bind
    y = product(x.reshape(math.prod(before), x.shape[axis], math.prod(after)), matrix=matrix)
    return y.reshape(*before, matrix.shape[0], *after)


def _compute(x: jax.Array, *, matrix: SparseMatrix) -> jax.Array:
    with mode_of(x.dtype):
        return _product(x, matrix)


def _product(x: jax.Array, matrix: SparseMatrix) -> jax.Array:
    many, rows = len(matrix.row.array), matrix.shape[0]
    if not many:
        return zeros((x.shape[0], rows, x.shape[2]), x.dtype)
    if matrix.turn is not None:
        return x.reshape(x.shape[0], *matrix.turn, x.shape[2]).swapaxes(1, 2).reshape(x.shape)
    even = matrix.width * rows <= PADDED * many
    if even and (matrix.width == 1 or (matrix.width <= WRITTEN and _many(x.shape[2]))):
        return _gathered(x, matrix)
    return cast(_summed_up(summed(x), matrix, even), x.dtype)


def _summed_up(x: jax.Array, matrix: SparseMatrix, even: bool) -> jax.Array:
    """Several entries in a row, in the dtype of their sums."""
    rows, columns = matrix.shape
    if matrix.width > 1 and rows * columns <= DENSE:
        return jnp.einsum("rc,nck->nrk", constant(matrix.dense, x.dtype), x, precision="highest")
    if even:
        x, index, value = _filled(x, matrix)
        return (x[:, index] * constant(value, x.dtype)[None, ..., None]).sum(axis=2)
    terms = x[:, matrix.column.array] * constant(matrix.value.array, x.dtype)[None, :, None]
    return zeros((x.shape[0], rows, x.shape[2]), x.dtype).at[:, matrix.row.array].add(terms)


def _many(numbers: Any) -> bool:
    return isinstance(numbers, int) and numbers >= LANES


def _gathered(x: jax.Array, matrix: SparseMatrix) -> jax.Array:
    """The first entries of all rows, and the second ones, and so on: XLA adds them up as it reads them."""
    x, index, value = _filled(x, matrix)
    if matrix.width == 1 and (value == 1).all():
        return x[:, index[:, 0]]
    terms = (
        summed(x[:, at]) * constant(factor, summed(x[:0]).dtype)[None, :, None]
        for at, factor in zip(index.T, value.T, strict=True)
    )
    return cast(reduce(jnp.add, terms), x.dtype)


def _filled(x: jax.Array, matrix: SparseMatrix) -> tuple[jax.Array, np.ndarray, np.ndarray]:
    """Every row reads as many entries; one that has no more of them reads zeros beyond the end."""
    index, value = matrix.padded
    if (index == matrix.shape[1]).any():
        x = jnp.concatenate([x, jnp.zeros_like(x, shape=(x.shape[0], 1, x.shape[2]))], axis=1)
    return x, index, value


def _abstract(x: Any, *, matrix: SparseMatrix) -> jax.core.ShapedArray:
    # updated from x, not made anew, so that what is known about its device axes is kept
    return x.update(shape=(x.shape[0], matrix.shape[0], x.shape[2]), weak_type=False)


def _transpose(ybar: jax.Array, _: Any, *, matrix: SparseMatrix) -> list[jax.Array]:
    return [sparse_p.bind(ybar, matrix=matrix.transposed)]


def _batch(args: Any, dims: Any, *, matrix: SparseMatrix) -> tuple[jax.Array, int]:
    return times(matrix, jnp.moveaxis(args[0], dims[0], 0), 2), 0


sparse_p = Primitive("sparse")
sparse_p.def_impl(_compute)  # outside jit
sparse_p.def_abstract_eval(_abstract)
ad.deflinear2(sparse_p, _transpose)
batching.primitive_batchers[sparse_p] = _batch
known_to_tools(sparse_p, 1)
mlir.register_lowering(sparse_p, mlir.lower_fun(_compute, multiple_results=False))
