"""How an element of a group acts on the channels: block by block, factor by factor, as arrays of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg

from kernels.errors import DtypeError
from kernels.precision import cast, constant, summed
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Content, Static


@dataclass(frozen=True, eq=False)
class Permuted(Content):
    """x_j goes to entry `image[j]`, times a phase: channel i reads `order[i]`, times `factor[i]`."""

    matrix: SparseMatrix
    factor: Static | None  # None where all are 1

    def describe(self) -> str:
        return "permutation" if self.factor is None else "permutation with signs"


@dataclass(frozen=True, eq=False)
class Block(Content):
    """Some copies of a tensor product of factors, each moved by a permutation, a matrix, or not at all.

    `moves`: per factor a `Permuted`, the number of a matrix among those that travel along, or None.
    """

    copies: int
    dims: tuple[int, ...]
    moves: tuple[Permuted | int | None, ...]

    @property
    def channels(self) -> int:
        return self.copies * math.prod(self.dims)


def read_blocks(blocks: Sequence[Any]) -> tuple[tuple[Block, ...], tuple[Any, ...]]:
    """The blocks of an exact action, and the matrices that they use: float64, or traced."""
    matrices: list[Any] = []
    found = []
    for block in blocks:
        moves: list[Permuted | int | None] = []
        for dim, terms in zip(block.dims, block.factors, strict=True):
            if not terms:
                moves.append(None)
            elif len(terms) == 1 and hasattr(terms[0], "phase"):
                moves.append(_permuted(terms[0]))
            else:
                moves.append(len(matrices))
                matrices.append(reduce(_product, [_matrix(term, dim) for term in terms]))
        found.append(Block(block.copies, tuple(block.dims), tuple(moves)))
    return tuple(found), tuple(matrices)


def _product(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a @ b
    return jnp.matmul(a, b, precision="highest")


def _permuted(monomial: Any) -> Permuted:
    """e_j -> zeta^phase[j] e_image[j], as a gather."""
    order = np.argsort(monomial.image, kind="stable")
    n = len(order)
    factor = None if monomial.order == 1 else Static(_roots(monomial)[order])
    return Permuted(sparse_matrix(np.arange(n), order, 1, (n, n)), factor)


def _roots(monomial: Any) -> np.ndarray:
    """The phases as numbers; signs are integers."""
    phase = np.asarray(monomial.phase)
    if monomial.order == 2:
        return 1 - 2 * phase.astype(np.int8)
    quarter = np.array([1, 1j, -1, -1j])
    turns = 4 * phase / monomial.order
    return np.where(turns % 1 == 0, quarter[turns.astype(int) % 4], np.exp(0.5j * np.pi * turns))


def _matrix(term: Any, dim: int) -> Any:
    """A term as a matrix."""
    if hasattr(term, "phase"):
        full = np.zeros((dim, dim), dtype=_roots(term).dtype if term.order > 1 else np.float64)
        full[term.image, np.arange(dim)] = _roots(term) if term.order > 1 else 1.0
        return full if np.iscomplexobj(full) else full.astype(np.float64)
    if not hasattr(term, "parameters"):
        return numbers(term)
    exact = [numbers(m) for m in term.matrices]
    if any(isinstance(t, jax.core.Tracer) for t in term.parameters):
        total = sum(
            t * jnp.asarray(m, jnp.result_type(float)) for t, m in zip(term.parameters, exact, strict=True)
        )
        return jax.scipy.linalg.expm(total)
    return scipy.linalg.expm(sum(float(t) * m for t, m in zip(term.parameters, exact, strict=True)))


def numbers(matrix: Any) -> np.ndarray:
    """An exact matrix in float64, or complex128 where it is not real."""
    values = np.array(matrix.evalf(30).tolist(), dtype=np.complex128).reshape(matrix.shape)
    return values if (abs(values.imag) > 1e-14).any() else values.real


def check_numbers(x: Any, blocks: Sequence[Block], matrices: Sequence[Any]) -> None:
    """The array must hold numbers that rho(g) keeps: real or complex, whole or not."""
    factors = [m.factor.array for b in blocks for m in b.moves if isinstance(m, Permuted) and m.factor]
    used = [*factors, *(m for m in matrices)]
    if any(jnp.iscomplexobj(m) for m in used) and not jnp.iscomplexobj(x):
        remedy = "make it complex, or use the real irreducible representations, irreps(G)"
        raise DtypeError("x", "must be complex, since the fibre's phases are", x.dtype, remedy)
    if jnp.issubdtype(x.dtype, jnp.inexact):
        return
    if any(not isinstance(m, np.ndarray) or (m != np.round(m)).any() for m in used):
        rule = "must be of real numbers, since the fibre's matrices are not whole"
        raise DtypeError("x", rule, x.dtype, "convert it to float32")
    if (x.dtype == bool and used) or (jnp.issubdtype(x.dtype, jnp.unsignedinteger) and used):
        raise DtypeError("x", "must have signs, since the fibre's numbers change sign", x.dtype, "use int32")


def move_channels(blocks: Sequence[Block], matrices: Sequence[Any], x: jax.Array) -> jax.Array:
    """rho(g) on the last axis."""
    parts, at = [], 0
    if len(blocks) == 1:
        return _moved(blocks[0], matrices, x)
    for block in blocks:
        parts.append(_moved(block, matrices, x[..., at : at + block.channels]))
        at += block.channels
    return jnp.concatenate(parts, axis=-1) if parts else x


def _moved(block: Block, matrices: Sequence[Any], x: jax.Array) -> jax.Array:
    if all(move is None for move in block.moves):
        return x
    lead = x.shape[:-1]
    y = x.reshape(*lead, block.copies, *block.dims)
    for k, move in enumerate(block.moves):
        axis = len(lead) + 1 + k
        if isinstance(move, Permuted):
            y = times(move.matrix, y, axis)
            if move.factor is not None:
                shape = (-1,) + (1,) * (y.ndim - 1 - axis)
                y = y * constant(move.factor.array.reshape(shape), y.dtype)
        elif move is not None:
            turned = jnp.tensordot(summed(y), matrices[move], [[axis], [1]], precision="highest")
            y = cast(jnp.moveaxis(turned, -1, axis), y.dtype)
    return y.reshape(x.shape)
