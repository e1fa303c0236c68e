"""What the checks look at: a bilinear map (w, x) -> y, whichever way it is given.

Three kinds are understood.

- `conv` or `conv_transpose`, or a ``functools.partial`` or ``jax.jit`` of one with its options by keyword,
  called ``f(x, kernel)``: the derived adjoints are ours, the dense matrices the NumPy oracle's.
- A lowered op, called ``op(w, x)`` with w any pytree of free weights, that has

      op.rank             the number of spatial axes of x, an integer
      op.dense(w, grid)   the matrix M with M @ x.reshape(-1) == op(w, x).reshape(-1) for one sample x of
                          shape (*grid, C): sites outermost and channels innermost on both sides

  and, where it can, ``op.adjoints(w, x, ybar) -> (wbar, xbar)``, its own derived adjoints, and
  ``op.least_grid(n)``, a small spatial shape that it takes.
- Any other function ``f(x, kernel)`` with a kernel (spatial..., C_in / groups, C_out): the dense matrices are
  read off the function, one unit vector at a time.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from kernels.checking import reference
from kernels.convolution.adjoint_api import input_adjoint, kernel_adjoint
from kernels.convolution.api import conv, conv_transpose
from kernels.convolution.options import Options, parse
from kernels.equivariant import EquivariantOp
from kernels.errors import GroupsError, KernelError, ShapeError
from kernels.maps.bilinear.op import BilinearOp

SIDE = 6  # dense matrices are compared on a corner of at least this many sites per axis
ENTRIES = 1 << 22  # and on the whole sample where the matrix stays below this size
MOST_ENTRIES = 1 << 27  # of a matrix of float64 that is written out at all: one gigabyte
WEIGHTS = 64  # free weights of an op whose dense column is compared; evenly spread where there are more

ARITHMETIC = ("implementation", "precision", "preferred_element_type")  # nothing that the oracle asks

Pair = tuple[Any, Any]


@runtime_checkable
class DenseOp(Protocol):
    """A lowered op that can write itself out."""

    @property
    def rank(self) -> int: ...

    def __call__(self, w: Any, x: jax.Array) -> jax.Array: ...

    def dense(self, w: Any, grid: tuple[int, ...]) -> Any: ...


@runtime_checkable
class AdjointOp(Protocol):
    """A lowered op that knows its adjoints."""

    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> Pair: ...


@dataclass(frozen=True)
class Subject:
    """A bilinear map with everything that a check compares it with."""

    apply: Callable[[Any, jax.Array], jax.Array]
    rank: int
    adjoints: Callable[[Any, jax.Array, jax.Array], Pair] | None  # derived: (w, x, ybar) -> (wbar, xbar)
    matrix: Callable[[Any, jax.Array], np.ndarray]  # (w, one sample) -> dense matrix in x
    columns: Callable[
        [Any, jax.Array], tuple[np.ndarray, np.ndarray]
    ]  # ... in w, for these entries of flat w
    reach: tuple[int, ...]  # the sites per axis of a corner that is worth looking at

    def corner(self, x: jax.Array, outputs: int) -> jax.Array:
        """One sample of x, cut to a corner where its dense matrix would be too large."""
        if x.size == 0:
            raise ShapeError(
                "x", "must hold at least one sample to check", x.shape, "give a batch that is not empty"
            )
        sample = x.reshape(-1, *x.shape[x.ndim - self.rank - 1 :])[0]
        if sample.size * outputs <= ENTRIES:
            return sample
        corner = sample[tuple(slice(0, n) for n in self.reach)]
        share = corner.size / sample.size  # of the output, roughly
        if corner.size * outputs * share > MOST_ENTRIES:
            rule = f"must be small enough to be written out as a matrix of {MOST_ENTRIES} entries"
            raise ShapeError("x", rule, x.shape, "check an op that was solved for a smaller grid")
        return corner


def subject(op: Any, w: Any) -> Subject:
    """The op, seen as a bilinear map."""
    if isinstance(op, BilinearOp):
        remedy = "check op.linear on op.product(v, u), which has the same weights"
        raise KernelError("op", "must take one argument beside its weights", repr(op), remedy)
    inner = inspect.unwrap(op) if callable(op) and not isinstance(op, DenseOp) else op
    by_keyword = isinstance(inner, partial) and not inner.args
    function, options = (inner.func, dict(inner.keywords)) if by_keyword else (inner, {})
    if function is conv:
        return _of_conv(op, w, options)
    if function is conv_transpose:
        return _of_transpose(op, w, options)
    if isinstance(op, DenseOp):
        return _of_op(op)
    return _of_function(op, w)


def _of_conv(op: Callable[..., jax.Array], kernel: Any, options: dict[str, Any]) -> Subject:
    window = {key: options[key] for key in options if key not in ARITHMETIC}
    size, parsed = kernel.shape[:-2], _parsed(kernel, window)
    groups = parsed.groups

    def adjoints(w: jax.Array, x: jax.Array, ybar: jax.Array) -> Pair:
        wbar = kernel_adjoint(x, ybar, kernel_shape=w.shape, **options)
        return wbar, input_adjoint(ybar, w, input_shape=x.shape, **options)

    def matrix(w: jax.Array, x: jax.Array) -> np.ndarray:
        return reference.conv_matrix(w, x.shape[:-1], **window)

    def columns(w: jax.Array, x: jax.Array) -> tuple[np.ndarray, np.ndarray]:
        # One output channel of each group shows them all; the others have the same patches.
        patches = reference.patch_matrix(x, size, out_channels=groups, **window)
        shape = (*size, w.shape[-2], groups, w.shape[-1] // groups)
        first = np.arange(w.size).reshape(shape)[..., 0]
        rows = patches.reshape(-1, groups, patches.shape[-1])
        wide = np.zeros((rows.shape[0], groups, w.shape[-1] // groups, patches.shape[-1]))
        wide[:, :, 0] = rows
        return wide.reshape(-1, patches.shape[-1]), first.reshape(-1)

    reach = tuple(
        max(SIDE, e * (k - 1) + 1 + s) for k, e, s in zip(size, parsed.dilation, parsed.strides, strict=True)
    )
    return Subject(lambda w, x: op(x, w), len(size), adjoints, matrix, columns, reach)


def _of_transpose(op: Callable[..., jax.Array], kernel: Any, options: dict[str, Any]) -> Subject:
    shared = {key: options[key] for key in options if key != "output_shape"}
    window = {key: shared[key] for key in shared if key not in ARITHMETIC}
    rank = _parsed(kernel, window).rank

    def adjoints(w: jax.Array, x: jax.Array, ybar: jax.Array) -> Pair:
        return kernel_adjoint(ybar, x, kernel_shape=w.shape, **shared), conv(ybar, w, **shared)

    def out(w: jax.Array, x: jax.Array) -> tuple[int, ...]:
        return jax.eval_shape(op, x, w).shape[:-1]

    def matrix(w: jax.Array, x: jax.Array) -> np.ndarray:
        return reference.conv_matrix(w, out(w, x), **window).T

    def columns(w: jax.Array, x: jax.Array) -> tuple[np.ndarray, np.ndarray]:
        units, spatial = np.eye(w.size).reshape(-1, *w.shape), out(w, x)
        ys = [reference.conv_transpose(x, unit, output_shape=spatial, **window).reshape(-1) for unit in units]
        return np.stack(ys, axis=1), np.arange(w.size)

    return Subject(lambda w, x: op(x, w), rank, adjoints, matrix, columns, (SIDE,) * rank)


def _of_op(op: DenseOp) -> Subject:
    def matrix(w: Any, x: jax.Array) -> np.ndarray:
        return _matrix(op.dense(w, x.shape[:-1]), x.size)

    def columns(w: Any, x: jax.Array) -> tuple[np.ndarray, np.ndarray]:
        flat, build = ravel_pytree(w)
        some = np.unique(np.linspace(0, flat.size - 1, min(flat.size, WEIGHTS)).astype(int))
        sample = np.asarray(x, dtype=np.float64).reshape(-1)
        ys = [matrix(build(jnp.zeros_like(flat).at[i].set(1)), x) @ sample for i in some]
        return np.stack(ys, axis=1) if ys else np.zeros((len(matrix(w, x)), 0)), some

    adjoints = op.adjoints if isinstance(op, AdjointOp) else None
    reach = op.least_grid(SIDE) if isinstance(op, EquivariantOp) else (SIDE,) * op.rank
    return Subject(op, op.rank, adjoints, matrix, columns, reach)


def _of_function(op: Callable[..., jax.Array], kernel: Any) -> Subject:
    def read(linear: Callable[[jax.Array], jax.Array], like: jax.Array) -> np.ndarray:
        units = jnp.eye(like.size, dtype=like.dtype).reshape(-1, *like.shape)
        return _matrix(
            np.asarray(jax.lax.map(lambda u: linear(u).reshape(-1), units), np.float64).T, like.size
        )

    rank = kernel.ndim - 2
    return Subject(
        lambda w, x: op(x, w),
        rank,
        None,
        lambda w, x: read(lambda u: op(u, w), x),
        lambda w, x: (read(lambda u: op(x, u), w), np.arange(w.size)),
        tuple(max(SIDE, k + 1) for k in kernel.shape[:-2]),
    )


def _matrix(entries: Any, columns: int) -> np.ndarray:
    dense = np.asarray(entries, dtype=np.float64)
    return dense.reshape(dense.size // max(columns, 1), columns)


def _parsed(kernel: Any, window: dict[str, Any]) -> Options:
    """The options, of which groups of samples are refused: a check looks at one sample."""
    parsed = parse(kernel.ndim - 2, **window)
    if parsed.batch_groups > 1:
        raise GroupsError(
            "batch_group_count", "must be 1 to be checked", parsed.batch_groups, "check the same with groups"
        )
    return parsed


def output_size(subject: Subject, w: Any, x: jax.Array) -> int:
    """How many numbers one sample of the output has."""
    shape = jax.eval_shape(subject.apply, w, x).shape
    return math.prod(shape[x.ndim - subject.rank - 1 :])
