"""Three public checks: each returns a report of numbers, or raises with the same numbers.

What may be checked, and what an op has to offer, is said in ``bilinear.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from kernels.checking.bilinear import WEIGHTS, DenseOp, Subject, output_size, subject
from kernels.convolution import operands
from kernels.equivariant import EquivariantOp
from kernels.errors import CheckError, KernelError

Map = Callable[[jax.Array], jax.Array]
WAYS = ("jax.vjp", "jax.grad", "derived")

# The largest difference allowed, relative to the largest entry. Sums of n terms err by about sqrt(n) units.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "float16": 5e-3, "bfloat16": 3e-2}


@dataclass(frozen=True)
class Comparison:
    """Two ways to the same numbers, and how far apart they came out, relative to the largest entry."""

    name: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


@dataclass(frozen=True, repr=False)
class Report:
    """What a check compared."""

    check: str
    dtype: str
    comparisons: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.comparisons)

    @property
    def worst(self) -> float:
        return max((c.error for c in self.comparisons), default=0.0)

    def __repr__(self) -> str:
        width = max((len(c.name) for c in self.comparisons), default=0)
        head = f"{self.check}: {'passed' if self.passed else 'FAILED'} in {self.dtype}"
        lines = (
            f"  {c.name:<{width}}  {c.error:.2e} {'<=' if c.passed else '> '} {c.tolerance:.0e}"
            for c in self.comparisons
        )
        return "\n".join((head, *lines))


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
    limit = _tolerance(tolerance, x)
    with jax.default_matmul_precision("highest"):
        pairs = _adjoint_pairs(target, w, x, input_adjoint, kernel_adjoint, seed)
        if isinstance(op, EquivariantOp) and op.bias_dim:
            pairs += _bias_pairs(op, w, target.corner(x, output_size(target, w, x)), seed)
    return _conclude("check_adjoints", x, [Comparison(n, _distance(a, b), limit) for n, a, b in pairs])


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
        error = _distance(target.apply(w, x), target.matrix(w, x) @ _flat(x))
    name = "value against dense matrix"
    return _conclude("check_against_dense", x, [Comparison(name, error, _tolerance(tolerance, x))])


def check_equivariance(
    op: Any,
    w: Any,
    x: jax.Array,
    transforms: Sequence[tuple[Map, Map]] | Mapping[str, tuple[Map, Map]] | None = None,
    *,
    tolerance: float | None = None,
) -> Report:
    """A map commutes with a symmetry: op(w, g x) == g op(w, x) for every g given.

    Args:
        op: a lowered op ``op(w, x)``, or any function ``f(x, w)``.
        w: its weights.
        x: an input, of any shape that the transforms take.
        transforms: pairs (how g acts on inputs, how g acts on outputs), named by a mapping or numbered; by
            default ``op.symmetries``, of the same form.
        tolerance: as in `check_adjoints`.

    Returns:
        A report with one error per symmetry.

    Raises:
        CheckError: op does not commute with one of them. KernelError: there is none to check.

    >>> from functools import partial
    >>> from kernels.convolution.api import conv
    >>> shift = partial(jnp.roll, shift=2, axis=0)
    >>> x, kernel = jnp.arange(5.0).reshape(5, 1), jnp.array([1.0, 2.0, 4.0]).reshape(3, 1, 1)
    >>> check_equivariance(partial(conv, padding="CIRCULAR"), kernel, x, {"shift by 2": (shift, shift)})
    check_equivariance: passed in float32
      shift by 2  0.00e+00 <= 1e-05
    """
    w, x = jax.tree.map(jnp.asarray, w), jnp.asarray(x)
    pairs = _named(getattr(op, "symmetries", ()) if transforms is None else transforms)
    if not pairs:
        raise KernelError(
            "transforms", "must name at least one symmetry", transforms, "give (on input, on output) pairs"
        )
    apply = op if isinstance(op, DenseOp) else lambda w, x: op(x, w)
    with jax.default_matmul_precision("highest"):
        y = apply(w, x)
        errors = {name: _distance(apply(w, on_x(x)), on_y(y)) for name, (on_x, on_y) in pairs.items()}
    limit = _tolerance(tolerance, x)
    return _conclude("check_equivariance", x, [Comparison(name, e, limit) for name, e in errors.items()])


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
    dense = (columns.T @ _flat(ybar), target.matrix(w, sample).T @ _flat(ybar))
    pairs = []
    for side, name in ((1, "input"), (0, "kernel")):
        for way, value in zip(WAYS[1:], others, strict=True):
            if value[side] is not None:
                pairs.append((f"{name}: {way} against {WAYS[0]}", value[side], vjp[side]))
        for way, value in zip(WAYS, part, strict=True):
            if value[side] is not None:
                entries = _flat(value[side])
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
    flat, build = ravel_pytree(b)
    some = np.unique(np.linspace(0, flat.size - 1, min(flat.size, WEIGHTS)).astype(int))
    grid = x.shape[x.ndim - op.rank - 1 : -1]
    added = np.stack([op.dense_bias(build(jnp.zeros_like(flat).at[k].set(1)), grid) for k in some])
    dense = added @ np.asarray(ybar, dtype=np.float64).reshape(-1, added.shape[1]).sum(axis=0)
    return [
        (f"bias: derived against {WAYS[0]}", op.bias_adjoint(ybar), vjp),
        (f"bias: {WAYS[0]} against what each adds", _flat(vjp)[some], dense),
    ]


def _named(
    transforms: Sequence[tuple[Map, Map]] | Mapping[str, tuple[Map, Map]],
) -> dict[str, tuple[Map, Map]]:
    if isinstance(transforms, Mapping):
        return dict(transforms)
    return {f"symmetry {i}": pair for i, pair in enumerate(transforms)}


def _flat(tree: Any) -> np.ndarray:
    """All numbers of a pytree in float64."""
    leaves = [np.asarray(leaf, dtype=np.float64).reshape(-1) for leaf in jax.tree.leaves(tree)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _distance(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry; different shapes are infinitely far apart."""
    a, b = _flat(a), _flat(b)
    if a.shape != b.shape:
        return float("inf")
    if a.size == 0:
        return 0.0
    return float(np.max(np.abs(a - b)) / (np.max(np.abs(b)) or 1.0))


def _tolerance(tolerance: float | None, x: jax.Array) -> float:
    return TOLERANCES.get(jnp.dtype(x.dtype).name, 1e-5) if tolerance is None else tolerance


def _conclude(check: str, x: jax.Array, comparisons: Sequence[Comparison]) -> Report:
    report = Report(check, jnp.dtype(x.dtype).name, tuple(comparisons))
    for c in report.comparisons:
        if not c.passed:
            rule = f"must agree to {c.tolerance:.0e} of the largest entry"
            raise CheckError(c.name, rule, f"{c.error:.3g}", f"all the numbers:\n{report!r}", report)
    return report
