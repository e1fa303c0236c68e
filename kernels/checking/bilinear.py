"""What the checks look at, whichever way it is given.

- `conv` or `conv_transpose`, or a ``functools.partial`` or ``jax.jit`` of one with its options by keyword,
  called ``f(x, kernel)``: the derived adjoints are ours, the dense matrices the NumPy oracle's.
- A lowered op, called ``op(w, x)`` with w any pytree of free weights, that has

      op.rank             the number of spatial axes of x, an integer
      op.dense(w, grid)   the matrix M with M @ x.reshape(-1) == op(w, x).reshape(-1) for one sample x of
                          shape (*grid, C): sites outermost and channels innermost on both sides

  and, where it can, ``op.adjoints(w, x, ybar) -> (wbar, xbar)``, its own derived adjoints, and
  ``op.least_grid(n)``, a small spatial shape that it takes.
- A lowered op of several arrays: see ``several.py``.
- Any other function ``f(x, kernel)`` with a kernel (spatial..., C_in / groups, C_out): the dense matrices are
  read off the function, one unit vector at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kernels.checking import reference
from kernels.checking.report import flat
from kernels.checking.several import Several, of_several, read_arrays
from kernels.checking.subject import (
    Arrays,
    Biased,
    Subject,
    by_units,
    first_sample,
    output_size,
    require_callable,
    require_small,
)
from kernels.convolution import operands
from kernels.convolution.adjoint_api import input_adjoint, kernel_adjoint
from kernels.convolution.api import conv, conv_transpose
from kernels.convolution.options import Options, parse
from kernels.equivariant import EquivariantOp
from kernels.errors import GroupsError

SIDE = 6  # dense matrices are compared on a corner of at least this many sites per axis
ENTRIES = 1 << 22  # and on the whole sample where the matrix stays below this size

ARITHMETIC = ("implementation", "precision", "preferred_element_type")  # nothing that the oracle asks

Columns = tuple[np.ndarray, np.ndarray]
Dense = Callable[[Any, jax.Array], np.ndarray]
Adjoints = Callable[[Any, jax.Array, jax.Array], tuple[Any, jax.Array]]


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

    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]: ...


def subject(op: Any, w: Any, x: Any) -> tuple[Subject, Arrays]:
    """The op seen as a map linear in its weights and in some arrays, and these."""
    require_callable(op)
    if isinstance(op, Several):
        return of_several(op, read_arrays(op, x))
    x = jnp.asarray(x)
    operands.check_array("x", x)
    inner = inspect.unwrap(op) if callable(op) and not isinstance(op, DenseOp) else op
    by_keyword = isinstance(inner, partial) and not inner.args
    function, options = (inner.func, dict(inner.keywords)) if by_keyword else (inner, {})
    if function is conv:
        return _of_conv(op, w, options), (x,)
    if function is conv_transpose:
        return _of_transpose(op, w, options), (x,)
    if isinstance(op, DenseOp):
        return _of_op(op), (x,)
    return _of_function(op, w), (x,)


def _of_one(
    apply: Callable[[Any, jax.Array], jax.Array],
    rank: int,
    adjoints: Adjoints | None,
    matrix: Dense,
    columns: Callable[[Any, jax.Array], Columns],
    reach: tuple[int, ...],
    biased: Biased | None = None,
) -> Subject:
    """A map of one array. `reach`: the sites per axis of a corner that is worth looking at."""

    def sample(w: Any, xs: Arrays) -> Arrays:
        (x,) = xs
        one = first_sample("x", x, rank)
        outputs = output_size(apply, rank, w, x)
        if one.size * outputs <= ENTRIES:
            return (one,)
        corner = one[tuple(slice(0, n) for n in reach)]
        share = corner.size / one.size  # of the output, roughly
        require_small(
            int(corner.size * outputs * share), x.shape, "check an op that was solved for a smaller grid"
        )
        return (corner,)

    return Subject(
        apply,
        sample,
        lambda w, xs: [matrix(w, xs[0])],
        lambda w, xs: columns(w, xs[0]),
        None if adjoints is None else lambda w, xs, ybar: adjoints(w, xs[0], ybar),
        biased=biased,
    )


def _of_conv(op: Callable[..., jax.Array], kernel: Any, options: dict[str, Any]) -> Subject:
    window = {key: options[key] for key in options if key not in ARITHMETIC}
    size, parsed = kernel.shape[:-2], _parsed(kernel, window)
    groups = parsed.groups

    def adjoints(w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        wbar = kernel_adjoint(x, ybar, kernel_shape=w.shape, **options)
        return wbar, input_adjoint(ybar, w, input_shape=x.shape, **options)

    def matrix(w: jax.Array, x: jax.Array) -> np.ndarray:
        return reference.conv_matrix(w, x.shape[:-1], **window)

    def columns(w: jax.Array, x: jax.Array) -> Columns:
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
    return _of_one(lambda w, x: op(x, w), len(size), adjoints, matrix, columns, reach)


def _of_transpose(op: Callable[..., jax.Array], kernel: Any, options: dict[str, Any]) -> Subject:
    shared = {key: options[key] for key in options if key != "output_shape"}
    window = {key: shared[key] for key in shared if key not in ARITHMETIC}
    rank = _parsed(kernel, window).rank

    def adjoints(w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        return kernel_adjoint(ybar, x, kernel_shape=w.shape, **shared), conv(ybar, w, **shared)

    def out(w: jax.Array, x: jax.Array) -> tuple[int, ...]:
        return jax.eval_shape(op, x, w).shape[:-1]

    def matrix(w: jax.Array, x: jax.Array) -> np.ndarray:
        return reference.conv_matrix(w, out(w, x), **window).T

    def columns(w: jax.Array, x: jax.Array) -> Columns:
        units, spatial = np.eye(w.size).reshape(-1, *w.shape), out(w, x)
        ys = [reference.conv_transpose(x, unit, output_shape=spatial, **window).reshape(-1) for unit in units]
        return np.stack(ys, axis=1), np.arange(w.size)

    return _of_one(lambda w, x: op(x, w), rank, adjoints, matrix, columns, (SIDE,) * rank)


def _of_op(op: DenseOp) -> Subject:
    def matrix(w: Any, x: jax.Array) -> np.ndarray:
        return _matrix(op.dense(w, x.shape[:-1]), x.size)

    def columns(w: Any, x: jax.Array) -> Columns:
        one = flat(x)
        return by_units(w, lambda unit: matrix(unit, x) @ one)

    adjoints = op.adjoints if isinstance(op, AdjointOp) else None
    reach, biased = (SIDE,) * op.rank, None
    if isinstance(op, EquivariantOp):
        reach, biased = op.least_grid(SIDE), _biased(op)
    return _of_one(op, op.rank, adjoints, matrix, columns, reach, biased)


def _biased(op: EquivariantOp) -> Biased | None:
    def added(b: Any, xs: Arrays) -> np.ndarray:
        return op.dense_bias(b, xs[0].shape[xs[0].ndim - op.rank - 1 : -1])

    if not op.bias_dim:
        return None
    return Biased(op.init_bias(), lambda w, xs, b: op(w, xs[0], b), added, op.bias_adjoint)


def _of_function(op: Callable[..., jax.Array], kernel: Any) -> Subject:
    def read(linear: Callable[[jax.Array], jax.Array], like: jax.Array) -> np.ndarray:
        units = jnp.eye(like.size, dtype=like.dtype).reshape(-1, *like.shape)
        return _matrix(
            np.asarray(jax.lax.map(lambda u: linear(u).reshape(-1), units), np.float64).T, like.size
        )

    return _of_one(
        lambda w, x: op(x, w),
        kernel.ndim - 2,
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
