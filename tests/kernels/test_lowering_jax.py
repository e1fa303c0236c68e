"""Lowered answers under every transformation of JAX: derivatives, vmap, jit, loops, dtypes, export."""

from __future__ import annotations

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import derive as dv
import kernels as kn
from tests.kernels.lowerings import LOWERINGS, NAMES, Lowering

# One case for each thing that a lowering can become, borders included.
CHOSEN = [
    "convolution 2-D",
    "padding REFLECT",
    "rational 3 to 2, odd",
    "polyphase, odd",
    "circular, strided",
    "banded along v",
    "pool by period",
    "bias map by period",
    "dense",
]
some_cases = pytest.mark.parametrize("name", CHOSEN)
few_cases = pytest.mark.parametrize("name", CHOSEN[1:7:2])


def named(name: str) -> Lowering:
    return LOWERINGS[NAMES.index(name)]


def same(a, b, tolerance: float = 1e-12) -> None:
    for got, expected in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", LOWERINGS, ids=NAMES)
def test_adjoints(case: Lowering) -> None:
    """Derived == jax.vjp == jax.grad == the dense transpose, for weights and input, of every lowering."""
    w, x, _, _ = case.arrays()
    report = kn.check_adjoints(case.op, w, x)
    assert len(report.comparisons) == 10 + 2 * bool(case.op.bias_dim)
    assert report.worst < 1e-13


@few_cases
def test_wrong_adjoints_are_caught(name: str) -> None:
    """The op's own formulas with two weights exchanged, or the input reversed, must fail the check."""
    case = named(name)
    w, x, _, _ = case.arrays()
    op = case.op

    def weights_reversed(x, ybar, kernel_shape):
        return op.adjoints(w, x, ybar)[0].reshape(-1)[::-1].reshape(kernel_shape)

    def input_reversed(ybar, w, input_shape):
        return op.adjoints(w, jnp.zeros(input_shape), ybar)[1].reshape(-1)[::-1].reshape(input_shape)

    with pytest.raises(kn.CheckError, match=r"kernel.* must agree"):
        kn.check_adjoints(op, w, x, kernel_adjoint=weights_reversed)
    with pytest.raises(kn.CheckError, match=r"input.* must agree"):
        kn.check_adjoints(op, w, x, input_adjoint=input_reversed)


@some_cases
def test_derivatives(name: str) -> None:
    """op is bilinear: jvp, gradients of the square, the bias, and a Hessian-vector product say so."""
    case = named(name)
    w, x, b, ybar = case.arrays()
    dw, dx, db, _ = case.arrays(seed=1)
    op = case.op

    @jax.jit
    def everything(w, x, b):
        value, tangent = jax.jvp(op, (w, x, b), (dw, dx, db))
        square = lambda w, x: 0.5 * jnp.sum(op(w, x) ** 2)  # noqa: E731
        gradients = jax.grad(square, (0, 1))(w, x)
        hvp = jax.jvp(lambda w: jax.grad(square)(w, x), (w,), (dw,))[1]
        bias = jax.grad(lambda b: jnp.vdot(ybar, op(w, x, b)))(b)
        return value, tangent, gradients, hvp, bias

    value, tangent, gradients, hvp, bias = everything(w, x, b)
    y = op(w, x)
    zero = jnp.zeros_like(w)
    same(value, op(w, x, b))
    same(tangent, op(dw, x) + op(w, dx) + op(zero, x, db), 1e-11)
    same(gradients, op.adjoints(w, x, y), 1e-11)
    same(hvp, op.adjoints(w, x, op(dw, x))[0], 1e-11)
    ones = np.stack([op(zero, x, unit.reshape(b.shape)).reshape(-1) for unit in jnp.eye(b.size)])
    same(bias.reshape(-1), ones @ ybar.reshape(-1), 1e-11)


@some_cases
def test_batches_and_vmap(name: str) -> None:
    """No batch, an empty one, two axes of it, and vmap over w, x or both are the same numbers."""
    case = named(name)
    op = case.op
    w, x, _, _ = case.arrays(batch=(2, 3))
    other = case.arrays(seed=1)[0]
    ws = jnp.stack([w, other])
    y = op(w, x)
    out = op.output_shape(case.sizes)
    assert y.shape == (2, 3, *out)
    same(op(w, x[1, 2]), y[1, 2])
    assert op(w, x[:0]).shape == (0, 3, *out)
    assert not jax.grad(lambda w: op(w, x[:0]).sum())(w).any()
    same(jax.vmap(op, (0, None))(ws, x[0]), jnp.stack([op(w, x[0]), op(other, x[0])]))
    same(jax.vmap(op)(ws, x), jnp.stack([op(w, x[0]), op(other, x[1])]))


@few_cases
def test_inside_jit_and_scan(name: str) -> None:
    """The op is a static argument, a closure, and the body of a loop, with its gradient."""
    case = named(name)
    op = case.op
    w, x, _, _ = case.arrays()
    y = op(w, x)
    same(jax.jit(lambda op, w, x: op(w, x), static_argnums=0)(op, w, x), y)
    step = jax.grad(lambda w: 1e-3 * jnp.sum(op(w, x) ** 2))
    looped = jax.jit(lambda w: jax.lax.scan(lambda w, _: (w - step(w), None), w, None, length=2)[0])
    once = w - step(w)
    same(looped(w), once - step(once))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("bfloat16", 4e-2), ("float16", 1e-2)])
@pytest.mark.parametrize(
    "name", ["convolution 2-D", "polyphase, odd", "pool by period", "rational 3 to 2, odd"]
)
def test_dtypes(name: str, dtype: str, tolerance: float) -> None:
    """The result and both adjoints keep the dtype, and are the float64 numbers to its precision."""
    case = named(name)
    op = case.op
    w, x, b, ybar = case.arrays(dtype=dtype)
    wide = [a.astype(np.float64) for a in (w, x, b, ybar)]
    values = (op(w, x, b), *op.adjoints(w, x, ybar))
    expected = (op(*wide[:3]), *op.adjoints(wide[0], wide[1], wide[3]))
    for got, right in zip(values, expected, strict=True):
        assert got.dtype == dtype
        scale = float(jnp.abs(right).max())
        np.testing.assert_allclose(got.astype(np.float64), right, atol=tolerance * scale)


@pytest.mark.parametrize("name", ["convolution 2-D", "polyphase, odd", "circular, strided", "pool by period"])
def test_export(name: str) -> None:
    """One host exports value and gradients for three platforms; the CPU part runs."""
    case = named(name)
    op = case.op
    w, x, b, _ = case.arrays(dtype=np.float32)
    f = jax.jit(lambda w, x, b: (op(w, x, b), *jax.grad(lambda w, x: jnp.sum(op(w, x) ** 2), (0, 1))(w, x)))
    exported = export.export(f, platforms=("cpu", "cuda", "tpu"))(w, x, b)
    same(exported.call(w, x, b), f(w, x, b), 1e-5)


def test_export_with_symbolic_sizes() -> None:
    """Batch, height and width stay symbols where the lattice is infinite."""
    op = named("convolution 2-D").op
    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, h, w, 2"), jnp.float32)
    w = op.init(jax.random.key(0)).astype(jnp.float32)
    exported = export.export(jax.jit(lambda w, x: op(w, x)), platforms=("cpu", "tpu"))(w, shape)
    x = jnp.ones((2, 5, 7, 2), jnp.float32)
    same(exported.call(w, x), op(w, x), 1e-6)


def compiled(caplog, call) -> list[str]:
    """What JAX traces or compiles during a call."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG), jax.log_compiles():
        jax.block_until_ready(call())
    heads = ("Finished tracing", "Compiling")
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith(heads)]


@some_cases
def test_called_bare_is_jitted(name: str, caplog) -> None:
    """One compilation, none at the second call, none for the same content lowered again."""
    case = named(name)
    w, x, b, _ = case.arrays()
    jax.clear_caches()
    op = case.op
    first = compiled(caplog, lambda: op(w, x, b))
    assert sum(message.startswith("Compiling") for message in first) == 1, first
    assert compiled(caplog, lambda: op(w, x, b)) == []
    again = kn.lower(case.solution, **case.options)
    assert again is not op
    assert compiled(caplog, lambda: again(w, x, b)) == []


@pytest.mark.parametrize("case", LOWERINGS, ids=NAMES)
def test_hashed_by_content(case: Lowering) -> None:
    again = kn.lower(case.solution, **case.options)
    assert again == case.op
    assert hash(again) == hash(case.op)
    assert len({again, case.op}) == 1


def test_different_content_is_different() -> None:
    """Borders, channels, supports and dtypes tell ops apart; the names of fields do not."""
    G = dv.translations(2)

    def lowered(name="x", c=2, support=None, **options):
        x, y = dv.Field(G, channels=c, name=name), dv.Field(G, channels=3)
        return kn.lower(dv.solve(x, y, support or dv.box(1)), **options)

    op = lowered()
    assert op == lowered(name="image") == lowered(padding="SAME")
    others = [
        lowered(c=4),
        lowered(padding="VALID"),
        lowered(support=dv.ball(1)),
        lowered(support=dv.window(3, dilation=2)),
        lowered(implementation=kn_names()[-1]),
        lowered(dtype=jnp.bfloat16),
    ]
    assert len({op, *others}) == 1 + len(others)


def kn_names() -> tuple[str, ...]:
    from kernels.convolution.choice import rules as policy

    return tuple(policy.NAMES)


@some_cases
def test_numpy_arrays(name: str) -> None:
    """NumPy inputs, weights and biases give what JAX arrays give; flat weights are reshaped."""
    case = named(name)
    arrays = case.arrays()[:3]
    w, x, b = (np.asarray(a) for a in arrays)
    y = case.op(w, x, b)
    assert isinstance(y, jax.Array)
    same(y, case.op(*arrays))
    same(case.op(w.ravel(), x, b.ravel()), y)
    same(case.op.kernel(w), case.op.kernel(arrays[0]))


def test_not_a_number_passes_through() -> None:
    case = named("convolution 2-D")
    w, x, _, _ = case.arrays()
    y = case.op(w, x.at[0, 2, 2, 0].set(jnp.nan))
    assert jnp.isnan(y[0, 1:4, 1:4]).all()
    assert jnp.isnan(y).sum() == 9 * 3
