"""Two public checks of bilinear maps: each returns a report of numbers, or raises with the same numbers.

What may be checked, and what an op has to offer, is said in ``bilinear.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from kernels.checking.bilinear import WEIGHTS, Subject, output_size, subject
from kernels.checking.report import Comparison, Report, conclude, distance, flat, limit_of
from kernels.convolution import operands
from kernels.equivariant import EquivariantOp

WAYS = ("jax.vjp", "jax.grad", "derived")


def check_adjoints(
    op: Any,
    w: Any,
    x: jax.Array,
    *,
    input_adjoint: Callable[..., jax.Array] | None = None,
    kernel_adjoint: Callable[..., Any] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
) -> Report:
    """Both adjoints of a bilinear map, computed by independent ways that must agree.

        derived adjoint  ==  jax.vjp  ==  jax.grad of <vbar, op(w, x)>  ==  dense matrix transposed @ vbar

    for a random cotangent vbar. The dense matrices come from the NumPy oracle or from the op's exact basis,
    for one sample (a corner of it where the matrix would be large). Of a lowered op with biases, the adjoint
    with respect to these too.

    Args:
        op: `conv` or `conv_transpose`, options bound by ``functools.partial``; a lowered op; or any function
            ``f(x, kernel)``.
        w: its kernel, or its free weights.
        x: (batch..., spatial..., C).
        input_adjoint: a candidate ``f(ybar, w, input_shape=...)`` to check in place of the op's own.
        kernel_adjoint: a candidate ``f(x, ybar, kernel_shape=...)``, likewise.
        tolerance: relative to the largest entry; by default a stated one per dtype (float32: 1e-5).
        seed: of the cotangent.

    Returns:
        A report with the error of every comparison.

    Raises:
        CheckError: two of them differ; its message and ``.report`` have the numbers.

    >>> from functools import partial
    >>> from kernels.convolution.api import conv
    >>> x, kernel = jnp.arange(10.0).reshape(5, 2), jnp.arange(12.0).reshape(3, 2, 2)
    >>> check_adjoints(partial(conv, strides=2), kernel, x).passed
    True

    Source: the dot-product test, J. Claerbout, "Earth soundings analysis", 1992, made to compare the adjoints
    themselves, since <y, T x> = <T* y, x> holds for whatever T* reverse mode returns.
    """
    w, x = jax.tree.map(jnp.asarray, w), jnp.asarray(x)
    operands.check_array("x", x)
    target = subject(op, w)
    limit = limit_of(tolerance, x)
    with jax.default_matmul_precision("highest"):
        pairs = _adjoint_pairs(target, w, x, input_adjoint, kernel_adjoint, seed)
        if isinstance(op, EquivariantOp) and op.bias_dim:
            pairs += _bias_pairs(op, w, target.corner(x, output_size(target, w, x)), seed)
    return conclude("check_adjoints", x, [Comparison(n, distance(a, b), limit) for n, a, b in pairs])


def check_against_dense(op: Any, w: Any, x: jax.Array, *, tolerance: float | None = None) -> Report:
    """The value of a bilinear map against its dense matrix: op(w, x).reshape(-1) == dense @ x.reshape(-1).

    Args:
        op, w, x, tolerance: as in `check_adjoints`; one sample of x is used, a corner of it if it is large.

    Returns:
        A report with the error.

    Raises:
        CheckError: they differ.

    >>> from kernels.convolution.api import conv
    >>> check_against_dense(conv, jnp.ones((3, 1, 1)), jnp.arange(4.0).reshape(4, 1))
    check_against_dense: passed in float32
      value against dense matrix  0.00e+00 <= 1e-05
    """
    w, x = jax.tree.map(jnp.asarray, w), jnp.asarray(x)
    operands.check_array("x", x)
    target = subject(op, w)
    with jax.default_matmul_precision("highest"):
        x = target.corner(x, output_size(target, w, x))
        error = distance(target.apply(w, x), target.matrix(w, x) @ flat(x))
    name = "value against dense matrix"
    return conclude("check_against_dense", x, [Comparison(name, error, limit_of(tolerance, x))])


def _adjoint_pairs(
    target: Subject,
    w: Any,
    x: jax.Array,
    input_candidate: Callable[..., jax.Array] | None,
    kernel_candidate: Callable[..., Any] | None,
    seed: int,
) -> list[tuple[str, Any, Any]]:
    """Every pair of arrays that must agree, named."""
    rng = np.random.default_rng(seed)

    @jax.jit
    def traced(w: Any, x: jax.Array, ybar: jax.Array) -> list[Any]:
        _, pull = jax.vjp(target.apply, w, x)
        grad = jax.grad(lambda w, x: jnp.vdot(ybar, target.apply(w, x)), (0, 1))(w, x)
        own = target.adjoints(w, x, ybar) if target.adjoints else (None, None)
        return [pull(ybar), grad, own]

    def ways(x: jax.Array) -> tuple[jax.Array, list[Any]]:
        """vjp, grad and derived, each a pair (wbar, xbar), for a random cotangent."""
        y = jax.eval_shape(target.apply, w, x)
        ybar = jnp.asarray(rng.normal(size=y.shape), y.dtype)
        vjp, grad, (wbar, xbar) = traced(w, x, ybar)
        if input_candidate:
            xbar = input_candidate(ybar, w, input_shape=x.shape)
        if kernel_candidate:
            wbar = kernel_candidate(x, ybar, kernel_shape=jax.tree.map(jnp.shape, w))
        return ybar, [vjp, grad, (wbar, xbar)]

    _, (vjp, *others) = ways(x)
    sample = target.corner(x, output_size(target, w, x))
    ybar, part = ways(sample)
    columns, which = target.columns(w, sample)
    dense = (columns.T @ flat(ybar), target.matrix(w, sample).T @ flat(ybar))
    pairs = []
    for side, name in ((1, "input"), (0, "kernel")):
        for way, value in zip(WAYS[1:], others, strict=True):
            if value[side] is not None:
                pairs.append((f"{name}: {way} against {WAYS[0]}", value[side], vjp[side]))
        for way, value in zip(WAYS, part, strict=True):
            if value[side] is not None:
                entries = flat(value[side])
                pairs.append(
                    (
                        f"{name}: {way} against dense transpose",
                        entries if side else entries[which],
                        dense[side],
                    )
                )
    return pairs


def _bias_pairs(op: EquivariantOp, w: Any, x: jax.Array, seed: int) -> list[tuple[str, Any, Any]]:
    """The adjoint with respect to the biases: derived, by JAX, and from what every unit bias adds."""
    rng, b = np.random.default_rng(seed), jax.tree.map(lambda a: a.astype(x.dtype), op.init_bias())
    y = jax.eval_shape(op, w, x)
    ybar = jnp.asarray(rng.normal(size=y.shape), y.dtype)
    vjp = jax.jit(lambda b, ybar: jax.vjp(lambda b: op(w, x, b), b)[1](ybar)[0])(b, ybar)
    entries, build = ravel_pytree(b)
    some = np.unique(np.linspace(0, entries.size - 1, min(entries.size, WEIGHTS)).astype(int))
    grid = x.shape[x.ndim - op.rank - 1 : -1]
    added = np.stack([op.dense_bias(build(jnp.zeros_like(entries).at[k].set(1)), grid) for k in some])
    dense = added @ np.asarray(ybar, dtype=np.float64).reshape(-1, added.shape[1]).sum(axis=0)
    return [
        (f"bias: derived against {WAYS[0]}", op.bias_adjoint(ybar), vjp),
        (f"bias: {WAYS[0]} against what each adds", flat(vjp)[some], dense),
    ]
