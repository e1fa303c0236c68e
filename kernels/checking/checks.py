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

from kernels.checking.bilinear import subject
from kernels.checking.report import Comparison, Report, conclude, distance, flat, limit_of
from kernels.checking.subject import Arrays, Biased, Subject, spread
from kernels.errors import KernelError

WAYS = ("jax.vjp", "jax.grad", "derived")


def check_adjoints(
    op: Any,
    w: Any,
    x: Any,
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
    with respect to these too; of one on points, the derivative with respect to displacements, against
    differences.

    Args:
        op: `conv` or `conv_transpose`, options bound by ``functools.partial``; a lowered op; or any function
            ``f(x, kernel)``.
        w: its kernel, or its free weights.
        x: (batch..., spatial..., C); of an op of several arrays all of them, (v, u) for a `BilinearOp` and
            (x, displacements, senders, receivers) or (..., nodes) for a `PointsOp`.
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
    w = jax.tree.map(jnp.asarray, w)
    target, xs = subject(op, w, x)
    if len(target.names) > 1 and (input_adjoint or kernel_adjoint):
        rule = "must be left out for an op of several arrays"
        raise KernelError("input_adjoint, kernel_adjoint", rule, "a candidate", "check its own adjoints")
    limit = limit_of(tolerance, xs[0])
    with jax.default_matmul_precision("highest"):
        sample = target.sample(w, xs)
        found = _adjoints(target, w, xs, sample, (input_adjoint, kernel_adjoint), seed, limit)
        if target.biased is not None:
            pairs = _bias_pairs(target.biased, w, sample, seed)
            found += [Comparison(n, distance(a, b), limit) for n, a, b in pairs]
    return conclude("check_adjoints", xs[0], found)


def check_against_dense(op: Any, w: Any, x: Any, *, tolerance: float | None = None) -> Report:
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
    w = jax.tree.map(jnp.asarray, w)
    target, xs = subject(op, w, x)
    with jax.default_matmul_precision("highest"):
        sample = target.sample(w, xs)
        error = distance(target.apply(w, *sample), target.matrices(w, sample)[0] @ flat(sample[0]))
    name = "value against dense matrix"
    return conclude("check_against_dense", xs[0], [Comparison(name, error, limit_of(tolerance, xs[0]))])


def _adjoints(
    target: Subject,
    w: Any,
    xs: Arrays,
    sample: Arrays,
    candidates: tuple[Callable[..., Any] | None, Callable[..., Any] | None],
    seed: int,
    limit: float,
) -> list[Comparison]:
    """Every pair of arrays that must agree, named."""
    rng = np.random.default_rng(seed)
    of_input, of_kernel = candidates

    @jax.jit
    def traced(w: Any, xs: Arrays, ybar: jax.Array) -> list[Any]:
        _, pull = jax.vjp(target.apply, w, *xs)
        grad = jax.grad(lambda w, xs: jnp.vdot(ybar, target.apply(w, *xs)), (0, 1))(w, xs)
        own = target.adjoints(w, xs, ybar) if target.adjoints else (None,) * (1 + len(xs))
        return [pull(ybar), (grad[0], *grad[1]), own]

    def ways(xs: Arrays) -> tuple[jax.Array, list[Any]]:
        """vjp, grad and derived, each (wbar, *xbars), for a random cotangent."""
        y = jax.eval_shape(target.apply, w, *xs)
        ybar = jnp.asarray(rng.normal(size=y.shape), y.dtype)
        vjp, grad, own = traced(w, xs, ybar)
        if of_input:
            own = (own[0], of_input(ybar, w, input_shape=xs[0].shape))
        if of_kernel:
            own = (of_kernel(xs[0], ybar, kernel_shape=jax.tree.map(jnp.shape, w)), own[1])
        return ybar, [vjp, grad, own]

    _, (vjp, *others) = ways(xs)
    ybar, part = ways(sample)
    columns, which = target.columns(w, sample)
    dense = [columns.T @ flat(ybar), *(m.T @ flat(ybar) for m in target.matrices(w, sample))]
    pairs = []
    for side, name in (*enumerate(target.names, 1), (0, "kernel")):
        for way, value in zip(WAYS[1:], others, strict=True):
            if value[side] is not None:
                pairs.append((f"{name}: {way} against {WAYS[0]}", value[side], vjp[side]))
        for way, value in zip(WAYS, part, strict=True):
            if value[side] is not None:
                entries = flat(value[side]) if side else flat(value[side])[which]
                pairs.append((f"{name}: {way} against dense transpose", entries, dense[side]))
    found = [Comparison(n, distance(a, b), limit) for n, a, b in pairs]
    return found + (target.more(w, sample, ybar, limit) if target.more else [])


def _bias_pairs(biased: Biased, w: Any, xs: Arrays, seed: int) -> list[tuple[str, Any, Any]]:
    """The adjoint with respect to the biases: derived, by JAX, and from what every unit bias adds."""
    rng, b = np.random.default_rng(seed), jax.tree.map(lambda a: a.astype(xs[0].dtype), biased.start)
    y = jax.eval_shape(lambda b: biased.apply(w, xs, b), b)
    ybar = jnp.asarray(rng.normal(size=y.shape), y.dtype)
    vjp = jax.jit(lambda b, ybar: jax.vjp(lambda b: biased.apply(w, xs, b), b)[1](ybar)[0])(b, ybar)
    entries, build = ravel_pytree(b)
    some = spread(entries.size)
    added = np.stack([biased.added(build(jnp.zeros_like(entries).at[k].set(1)), xs) for k in some])
    dense = added @ np.asarray(ybar, dtype=np.float64).reshape(-1, added.shape[1]).sum(axis=0)
    pairs = [(f"bias: {WAYS[0]} against what each adds", flat(vjp)[some], dense)]
    if biased.adjoint is not None:
        pairs.insert(0, (f"bias: derived against {WAYS[0]}", biased.adjoint(ybar), vjp))
    return pairs
