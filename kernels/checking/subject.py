"""What the checks of adjoints look at: a map that is linear in its weights and in each of some arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from kernels.checking.report import Comparison
from kernels.convolution import operands
from kernels.errors import KernelError, ShapeError, brief

MOST_ENTRIES = 1 << 27  # of a matrix of float64 that is written out at all: one gigabyte
WEIGHTS = 64  # free weights of an op whose dense column is compared; evenly spread where there are more

Arrays = tuple[jax.Array, ...]


@dataclass(frozen=True)
class Biased:
    """What biases add: `start`, zeros; `apply(w, xs, b)`; `added(b, xs)`, flat, in float64, to one sample."""

    start: Any
    apply: Callable[[Any, Arrays, Any], jax.Array]
    added: Callable[[Any, Arrays], np.ndarray]
    adjoint: Callable[[jax.Array], Any] | None  # derived: ybar -> bbar


@dataclass(frozen=True)
class Subject:
    """A map (w, *xs) -> y, linear in each, with everything that a check compares it with.

    `names`: of the arrays xs; `sample`: one sample of them, or a part that is small enough to be written out;
    `matrices`: of one sample, the dense matrix in every array, the others being what they are; `columns`:
    what unit weights make of it, side by side, and which entries of flat w they are; `adjoints`, derived:
    (w, xs, ybar) -> (wbar, *xbars); `more`: comparisons of its own, of (w, sample, ybar, tolerance).
    """

    apply: Callable[..., jax.Array]
    sample: Callable[[Any, Arrays], Arrays]
    matrices: Callable[[Any, Arrays], list[np.ndarray]]
    columns: Callable[[Any, Arrays], tuple[np.ndarray, np.ndarray]]
    adjoints: Callable[[Any, Arrays, jax.Array], tuple[Any, ...]] | None = None
    names: tuple[str, ...] = ("input",)
    biased: Biased | None = None
    more: Callable[[Any, Arrays, jax.Array, float], list[Comparison]] | None = None


def require_callable(op: Any) -> None:
    """Refuse what is no op, such as an array given first."""
    if not callable(op):
        raise KernelError(
            "op", "must be a lowered op or a function", brief(op), "give (op, w, x) in this order"
        )


def by_units(w: Any, value: Callable[[Any], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What unit weights make, side by side, and which entries of flat w they are."""
    entries, build = ravel_pytree(w)
    some = spread(entries.size)
    made = [value(build(jnp.zeros_like(entries).at[i].set(1))) for i in some]
    return np.stack(made, axis=1) if made else np.zeros((len(value(w)), 0)), some


def spread(size: int) -> np.ndarray:
    """The first and the last of so many numbers, and some between."""
    return np.unique(np.linspace(0, size - 1, min(size, WEIGHTS)).astype(int))


def first_sample(argument: str, x: jax.Array, rank: int) -> jax.Array:
    """One sample of an array (batch..., `rank` axes, channels)."""
    operands.check_array(argument, x)
    if x.size == 0:
        rule = "must hold at least one sample to check"
        raise ShapeError(argument, rule, x.shape, "give a batch that is not empty")
    return x.reshape(-1, *x.shape[x.ndim - rank - 1 :])[0]


def require_small(entries: int, shape: Any, remedy: str) -> None:
    """Refuse what would be too large to be written out."""
    if entries > MOST_ENTRIES:
        rule = f"must be small enough to be written out as a matrix of {MOST_ENTRIES} entries"
        raise ShapeError("x", rule, shape, remedy)


def output_size(apply: Callable[..., jax.Array], rank: int, w: Any, x: jax.Array) -> int:
    """How many numbers one sample of the output has."""
    shape = jax.eval_shape(apply, w, x).shape
    return math.prod(shape[x.ndim - rank - 1 :])
