"""Lowered ops of several arrays, as the checks look at them.

    BilinearOp   op(w, v, u)                                          linear in v and in u
    PointsOp     op(w, x, displacements, senders, receivers, nodes)   linear in x

A check is given the arrays after the weights as one tuple, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.action.moves import move
from kernels.action.random import random_element
from kernels.checking.report import Comparison, flat
from kernels.checking.subject import Arrays, Biased, Subject, by_units, first_sample
from kernels.errors import KernelError
from kernels.maps.bilinear.op import BilinearOp
from kernels.space.op import PointsOp

Several = BilinearOp | PointsOp
STEP = 1e-4  # of differences of displacements, in float64
COARSE = 1e-6  # to which these are right


class Shown(NamedTuple):
    """What a check is to be given after the weights: how it is written, and how many there may be."""

    written: str
    counts: tuple[int, ...]


BILINEAR = Shown("(v, u)", (2,))
POINTS = Shown("(x, displacements, senders, receivers) or (..., nodes)", (4, 5))


def read_arrays(op: Several, x: Any) -> tuple[Any, ...]:
    """The arrays of an op, given as one tuple."""
    shown = BILINEAR if isinstance(op, BilinearOp) else POINTS
    if not isinstance(x, tuple | list) or len(x) not in shown.counts:
        many = f"{len(x)} arrays" if isinstance(x, tuple | list) else "one array"
        remedy = "give what op takes after its weights, in one tuple"
        raise KernelError("x", f"must be {shown.written} for a {type(op).__name__}", many, remedy)
    last = x[4:] if isinstance(op, PointsOp) else ()
    return (*map(jnp.asarray, x[: len(x) - len(last)]), *last)


def of_several(op: Several, given: tuple[Any, ...]) -> tuple[Subject, Arrays]:
    """The op as a map linear in its weights and in some of what it is given, and these arrays."""
    if isinstance(op, BilinearOp):
        return _of_bilinear(op), given
    return _of_points(op, given[0], *given[1:]), given[:1]


def _of_bilinear(op: BilinearOp) -> Subject:
    def matrices(w: Any, xs: Arrays) -> list[np.ndarray]:
        dense, (v, u) = op.dense(w), map(flat, xs)
        return [np.einsum("icd,d->ic", dense, u), np.einsum("icd,c->id", dense, v)]

    def columns(w: Any, xs: Arrays) -> tuple[np.ndarray, np.ndarray]:
        v, u = map(flat, xs)
        return by_units(w, lambda unit: np.einsum("icd,c,d->i", op.dense(unit), v, u))

    def sample(w: Any, xs: Arrays) -> Arrays:
        return first_sample("v", xs[0], 0), first_sample("u", xs[1], 0)

    biased = None
    if op.bias_dim:
        biased = Biased(
            op.init_bias(),
            lambda w, xs, b: op(w, *xs, b),
            lambda b, xs: op.linear.dense_bias(b),
            op.bias_adjoint,
        )
    return Subject(
        op,
        sample,
        matrices,
        columns,
        lambda w, xs, ybar: op.adjoints(w, *xs, ybar),
        ("input v", "input u"),
        biased,
    )


def _of_points(
    op: PointsOp, x: jax.Array, d: jax.Array, senders: jax.Array, receivers: jax.Array, nodes: Any = None
) -> Subject:
    """The graph is part of the map; in displacements it is not linear, and differences are taken."""
    ends = (senders, receivers, nodes, x.shape[-2])

    def dense(w: Any, d: Any) -> np.ndarray:
        return op.dense(w, d, *ends)

    def columns(w: Any, xs: Arrays) -> tuple[np.ndarray, np.ndarray]:
        one = flat(xs[0])
        return by_units(w, lambda unit: dense(unit, d) @ one)

    def more(w: Any, xs: Arrays, ybar: jax.Array, limit: float) -> list[Comparison]:
        way = np.random.default_rng(0).normal(size=d.shape)
        y, one, at = flat(ybar), flat(xs[0]), np.asarray(d, np.float64)
        ahead, behind = (y @ dense(w, at + t * way) @ one for t in (STEP, -STEP))
        pulled = jax.vjp(lambda d: op(w, xs[0], d, senders, receivers, nodes), d)[1](ybar)[0]
        each = np.asarray(pulled, np.float64) * way
        error = abs(each.sum() - (ahead - behind) / (2 * STEP)) / (np.abs(each).sum() or 1.0)
        return [Comparison("displacements: jax.vjp against differences", error, max(limit, COARSE))]

    biased = None
    if op.bias_dim:
        biased = Biased(
            op.init_bias(),
            lambda w, xs, b: op(w, xs[0], d, senders, receivers, nodes, b),
            lambda b, xs: op.dense_bias(b, x.shape[-2] if nodes is None else nodes),
            None,
        )
    return Subject(
        lambda w, x: op(w, x, d, senders, receivers, nodes),
        lambda w, xs: (first_sample("x", xs[0], 1),),
        lambda w, xs: [dense(w, d)],
        columns,
        biased=biased,
        more=more if d.size else None,
    )


# ---- how a group acts --------------------------------------------------------------------------------------

Map = Callable[[Any], Any]


def motions(op: Several, parameter: float) -> Iterator[tuple[str, tuple[Map, Map]]]:
    """Every generator of the group, and of a Lie group a random element too: on all arrays, on the output."""
    if isinstance(op, BilinearOp):
        spaces, out = op.into, op.out.fibre
    else:
        spaces, out = (op.into.fibre, op.into.group.vectors), op.out.fibre
    point = out.group
    elements: dict[str, Any] = {g: {g: parameter} if g in point.algebra else g for g in point.generators}
    if point.algebra:
        elements["a random element"] = random_element(point, jax.random.key(0))
    for name, g in elements.items():
        yield name, (partial(_moved_all, spaces, g), partial(_moved, out, g))


def _moved_all(spaces: Sequence[Any], g: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    """The first arrays moved, each in its space; what follows does not move."""
    return (*(_moved(V, g, x) for V, x in zip(spaces, xs, strict=False)), *xs[len(spaces) :])


def _moved(V: Any, g: Any, x: jax.Array) -> jax.Array:
    return move(None, 0, V.action(g, x.shape[-1]).blocks, x)
