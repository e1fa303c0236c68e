"""What every lowered op has in common: one interface, biases, sums in half precision, shapes, hashes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn

T1, T2, P4M = dv.translations(1), dv.translations(2), dv.wallpaper("p4m")
S3 = dv.symmetric(3)
V = dv.permutation(S3)
REGULAR = dv.Field(P4M, fibre=dv.regular(P4M.point))


def _field(channels: int = 2, **more: Any) -> dv.Field:
    return dv.Field(T2, channels, **more)


def _torus(n: int, channels: int = 1) -> dv.Field:
    return dv.Field(T1, channels, grid=n, boundary="periodic")


# Name to (solution, spatial shape of an input): every kind of op, with and without a lattice.
OPS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "convolution": (lambda **o: dv.solve(_field(), _field(3), support=dv.box(1), **o), (4, 5)),
    "polyphase": (lambda **o: dv.solve(*_strided(), support=dv.box(1), **o), (6,)),
    "dense along v": (lambda **o: dv.solve(*_dense(), support=dv.box((1, None)), **o), (4, 3)),
    "pooling": (lambda **o: dv.solve(_field(), dv.trivial(T2.point), **o), (4, 5)),
    "broadcast": (lambda **o: dv.solve(dv.trivial(T1.point), _torus(6), **o), ()),
    "fibres": (lambda **o: dv.solve(dv.Field(P4M, 2), REGULAR, support=dv.box(1), **o), (4, 4)),
    "blocks": (lambda **o: dv.solve(*_blocks(), support=dv.box(1), **o), (4, 4)),
    "pooled fibres": (lambda **o: dv.solve(REGULAR, dv.trivial(P4M.point), **o), (4, 4)),
    "permutations": (lambda **o: dv.solve(V**2, V, **o), ()),
    "several blocks": (lambda **o: dv.solve(V + 2 * V**2, V + dv.trivial(S3), **o), ()),
    "cycle": (lambda **o: dv.solve(dv.regular(dv.cyclic(7)), dv.regular(dv.cyclic(7)), **o), ()),
    "rotations": (lambda **o: dv.solve(*_tensors(), **o), ()),
    "nothing": (lambda **o: dv.solve(dv.sign(S3), dv.trivial(S3), **o), ()),
}
every_op = pytest.mark.parametrize("name", OPS)
with_weights = pytest.mark.parametrize("name", [name for name in OPS if name != "nothing"])


def _strided() -> tuple[dv.Field, dv.Field]:
    G = dv.translations(1, period=2)
    return dv.Field(G, 2), dv.Field(G, 3)


def _dense() -> tuple[dv.Field, dv.Field]:
    G = dv.translations(2, period=(1, 0))
    return dv.Field(G, 2, grid=(None, 3)), dv.Field(G, 1, grid=(None, 3))


def _blocks() -> tuple[dv.Field, dv.Field]:
    one, vector = dv.trivial(P4M.point), dv.defining(P4M.point)
    return dv.Field(P4M, fibre=one + vector), dv.Field(P4M, fibre=2 * one + vector)


def _tensors() -> tuple[Any, Any]:
    R = dv.defining(dv.special_orthogonal(3))
    return R**2, R + dv.trivial(R.group)


@cache
def lowered(name: str, bias: bool = True) -> kn.EquivariantOp:
    return kn.lower(OPS[name][0](bias=bias))


def arrays(name: str, dtype: Any = np.float64, bias: bool = True, batch: int = 2) -> tuple[Any, Any, Any]:
    """Random weights, input and biases."""
    op, rng = lowered(name, bias), np.random.default_rng(0)
    drawn = jax.eval_shape(op.init, jax.random.key(0)), jax.eval_shape(op.init_bias)
    w, b = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape), dtype), drawn)
    return w, jnp.asarray(rng.normal(size=(batch, *OPS[name][1], op.channels_in)), dtype), b


# ---- one interface -----------------------------------------------------------------------------------------


@every_op
def test_every_answer_is_lowered_to_one_kind(name: str) -> None:
    op = lowered(name)
    assert isinstance(op, kn.EquivariantOp)
    w, x, b = arrays(name)
    grid = OPS[name][1] or None
    y = op(w, x, b)
    assert y.shape == (2, *op.output_shape(grid))
    assert op.dense(w, grid).shape == (y[0].size, x[0].size)
    assert op.dense_bias(b, grid).shape == (y[0].size,)
    assert op.rank == len(OPS[name][1])
    assert op.dim == sum(map(np.size, jax.tree.leaves(w)))
    assert op.bias_dim == sum(map(np.size, jax.tree.leaves(b)))
    assert "\n" not in repr(op)
    assert len(repr(op)) < 80
    assert repr(op).startswith(type(op).__name__ + "(")
    assert op.describe()


@every_op
def test_value_is_the_dense_matrix_and_the_dense_bias(name: str) -> None:
    op, (w, x, b), grid = lowered(name), arrays(name), OPS[name][1] or None
    expected = x.reshape(2, -1) @ op.dense(w, grid).T + op.dense_bias(b, grid)
    np.testing.assert_allclose(op(w, x, b).reshape(2, -1), expected, atol=1e-12)


@every_op
def test_bias_by_keyword_and_nothing_to_add(name: str) -> None:
    op, (w, x, b) = lowered(name), arrays(name)
    np.testing.assert_array_equal(op(w, x, b=b), op(w, x, b))
    np.testing.assert_array_equal(op(w=w, x=x, b=b), op(w, x, b))
    for nothing in (None, ()):
        np.testing.assert_array_equal(op(w, x, nothing), op(w, x))


@every_op
def test_without_a_bias_nothing_is_added(name: str) -> None:
    op, (w, x, _) = lowered(name, False), arrays(name, bias=False)
    assert op.init_bias() == ()
    assert op.bias_dim == 0
    np.testing.assert_array_equal(op(w, x, op.init_bias()), op(w, x))
    wrong = jnp.ones((1, op.channels_out))
    with pytest.raises(kn.ShapeError, match=r"^b must have the shape \(\), got"):
        op(w, x, wrong)


@with_weights
def test_weights_of_another_shape_are_refused(name: str) -> None:
    """Of the same size too: transposed, flat where there are several, one number more."""
    op, (w, x, b) = lowered(name), arrays(name)
    assert op.dim
    wrong: list[Any] = [jax.tree.map(lambda a: a[..., None], w), jax.tree.map(lambda a: jnp.stack([a, a]), w)]
    turned = jax.tree.map(lambda a: a.T, w)
    if jax.tree.map(jnp.shape, turned) != jax.tree.map(jnp.shape, w):
        wrong.append(turned)
    wrong.append((w, w) if not isinstance(w, tuple) else w[:-1])
    for given in wrong:
        with pytest.raises(kn.ShapeError, match=r"^w must have the shape .* use op\.init\(key\)"):
            op(given, x)
    with pytest.raises(kn.ShapeError, match=r"^b must have the shape"):
        op(w, x, jax.tree.map(lambda a: jnp.stack([a, a, a]), b) if jax.tree.leaves(b) else jnp.ones(3))
    flat = jax.tree.map(jnp.ravel, w)
    np.testing.assert_array_equal(op(flat, x), op(w, x))


@every_op
def test_cotangents_of_another_shape_are_refused(name: str) -> None:
    op, (w, x, _) = lowered(name), arrays(name)
    with pytest.raises(kn.ShapeError, match=r"^ybar must have the shape"):
        op.adjoints(w, x, jnp.ones((3, 1)))


@every_op
def test_an_op_is_an_argument_of_jit_and_a_field_of_a_model(name: str) -> None:
    op, (w, x, b) = lowered(name), arrays(name)
    assert jax.tree.leaves(op) == []
    assert jax.tree.map(lambda a: a, op) is op
    run = jax.jit(lambda model, x: model["op"](model["w"], x, model["b"]))
    model = {"op": op, "w": w, "b": b}
    np.testing.assert_allclose(run(model, x), op(w, x, b), atol=1e-12)
    bars = jax.grad(lambda m: jnp.sum(m["op"](m["w"], x, m["b"]) ** 2), allow_int=True)(model)
    assert bars["op"] == op
    assert jax.tree.map(jnp.shape, bars["w"]) == jax.tree.map(jnp.shape, w)


@every_op
def test_equal_ops_have_one_hash(name: str) -> None:
    op, again = lowered(name), kn.lower(OPS[name][0]())
    assert op == again
    assert hash(op) == hash(again)
    others = [lowered(other) for other in OPS if other != name]
    assert all(op != other for other in others)
    assert len({hash(other) for other in [op, *others]}) == len(OPS)
    assert kn.lower(OPS[name][0](), dtype="float16") != op


def test_a_hash_is_the_same_in_another_process() -> None:
    names = ["convolution", "blocks", "several blocks", "cycle"]
    here = [hash(lowered(name)) for name in names]
    code = f"from tests.kernels.test_ops import lowered\nprint([hash(lowered(name)) for name in {names!r}])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert run.stdout.strip() == str(here)


def test_a_profile_names_the_layer() -> None:
    op = lowered("convolution")
    w, x, b = arrays("convolution")
    text = jax.jit(op).lower(w, x, b).as_text(debug_info=True)
    assert repr(op) in text


@pytest.mark.parametrize("name", ["cycle", "rotations"])
def test_the_implementation_of_convolutions_is_kept(name: str) -> None:
    op = kn.lower(OPS[name][0](), implementation="xla")
    assert ("implementation=xla" in str(jax.make_jaxpr(op)(*arrays(name)))) == (name == "cycle")
    assert kn.lower(OPS["cycle"][0](), implementation="xla") != lowered("cycle")


# ---- init --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [None, 48, (48, 48)])
def test_sums_over_an_image_start_small(grid: Any) -> None:
    """48 x 48 sites, all of variance 1: the sum must not have a standard deviation of 48."""
    op = kn.lower(dv.solve(dv.Field(T2, 64), 64 * dv.trivial(T2.point)))
    w = op.init(jax.random.key(0), grid=grid)
    y = op(w, jnp.asarray(np.random.default_rng(0).normal(size=(8, 48, 48, 64)), w.dtype))
    assert 0.9 < np.std(y) * (48 / 32 if grid else 1) / 1.5 < 1.1


# ---- biases and their adjoints -----------------------------------------------------------------------------


@every_op
def test_adjoint_of_the_bias(name: str) -> None:
    """Derived, by jax.vjp, and by the dense bias of every unit vector."""
    op, (w, x, b), grid = lowered(name), arrays(name), OPS[name][1] or None
    ybar = jnp.asarray(np.random.default_rng(1).normal(size=op(w, x).shape))
    derived = op.bias_adjoint(ybar)
    assert jax.tree.map(jnp.shape, derived) == jax.tree.map(jnp.shape, b)
    (seen,) = jax.vjp(lambda b: op(w, x, b), b)[1](ybar)
    total = np.asarray(ybar).sum(axis=0).reshape(-1)
    flat, build = jax.flatten_util.ravel_pytree(b)
    dense = [op.dense_bias(build(unit), grid) @ total for unit in np.eye(flat.size)]
    for bar in (derived, seen):
        np.testing.assert_allclose(jax.flatten_util.ravel_pytree(bar)[0], dense, atol=1e-12)


HALVES = ("bfloat16", "float16")


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("of_bias", [*HALVES, "float32"])
@every_op
def test_bias_gradients_of_many_sites_in_half_precision(name: str, dtype: str, of_bias: str) -> None:
    """The gradient of a mean is a sum of many small numbers."""
    op = lowered(name)
    assert op.bias_dim
    w, x, b = arrays(name, dtype, batch=3000)
    b = jax.tree.map(lambda a: a.astype(of_bias), b)
    bar = jax.jit(jax.grad(lambda b: op(w, x, b).astype("float32").mean()))(b)
    exact = jax.grad(lambda b: op(*_wide(w, x), b).mean())(_wide(b))
    assert jax.tree.map(jnp.result_type, bar) == jax.tree.map(jnp.result_type, b)
    same(bar, exact, 2e-2)


def _wide(*trees: Any) -> Any:
    trees = jax.tree.map(lambda a: a.astype("float64"), trees)
    return trees if len(trees) > 1 else trees[0]


def same(a: Any, b: Any, tolerance: float) -> None:
    a, b = (
        np.concatenate([np.asarray(v, np.float64).reshape(-1) for v in jax.tree.leaves(tree)])
        for tree in (a, b)
    )
    assert np.isfinite(a).all()
    assert np.abs(a - b).max() <= tolerance * np.abs(b).max()


# ---- sums over sites ---------------------------------------------------------------------------------------


def _summing() -> dict[str, Any]:
    n = 700
    P = dv.permutation(dv.symmetric(n))
    line = dv.Field(T1, 1)
    return {
        "pooling": (dv.solve(line, dv.trivial(T1.point)), (n * n // 100, 1)),
        "mean on a torus": (dv.solve(_torus(n), dv.trivial(T1.point)), (n, 1)),
        "broadcast": (dv.solve(dv.trivial(T1.point), _torus(n)), (1,)),
        "sum over points": (dv.solve(P, dv.trivial(P.group)), (n,)),
        "points to points": (dv.solve(P, P), (n,)),
        "circular": (dv.solve(dv.regular(dv.cyclic(n)), dv.regular(dv.cyclic(n))), (n,)),
        "pooled fibres": (dv.solve(REGULAR, dv.trivial(P4M.point)), (64, 64, 8)),
    }


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", list(_summing()))
def test_sums_over_sites_are_rounded_once(name: str, dtype: str) -> None:
    """Values and both adjoints, derived and by JAX; some sums are beyond float16."""
    solution, shape = _summing()[name]
    op, rng = kn.lower(solution), np.random.default_rng(0)
    x = jnp.asarray(rng.uniform(20, 30, size=(2, *shape)), dtype)
    w = jax.tree.map(
        lambda a: jnp.asarray(rng.uniform(1e-2, 2e-2, size=a.shape), dtype),
        jax.eval_shape(op.init, jax.random.key(0)),
    )
    both = jax.jit(lambda w, x, ybar: (op(w, x), jax.vjp(op, w, x)[1](ybar), op.adjoints(w, x, ybar)))
    ybar = jnp.full(jax.eval_shape(op, w, x).shape, 1e-2, dtype)
    exact = both(*_wide(w, x, ybar))
    given = both(w, x, ybar)
    rounding = {"bfloat16": 2**-7, "float16": 2**-9}[dtype]
    assert {leaf.dtype.name for leaf in jax.tree.leaves(given)} == {dtype}
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(exact), strict=True):
        fits = np.abs(b) < float(jnp.finfo(dtype).max)
        same(np.asarray(a)[fits], np.asarray(b)[fits], rounding)


def test_a_large_sum_in_float16_does_not_overflow() -> None:
    op = kn.lower(dv.solve(dv.Field(T2, 1), dv.trivial(T2.point)))
    x = jnp.ones((1, 300, 300, 1), "float16")
    y = op(jnp.full(op.weight_shape, 1e-4, "float16"), x)
    assert float(y[0, 0]) == pytest.approx(90_000 * float(jnp.float16(1e-4)), rel=1e-3)


# ---- the check of adjoints ---------------------------------------------------------------------------------


@every_op
def test_check_adjoints_looks_at_biases(name: str) -> None:
    op, (w, x, _) = lowered(name), arrays(name)
    report = kn.check_adjoints(op, w, x)
    assert report.passed
    assert any(c.name.startswith("bias:") for c in report.comparisons) == bool(op.bias_dim)


def test_check_adjoints_finds_a_wrong_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site too far, a share lost, a class exchanged: each is seen."""
    op, (w, x, _) = lowered("polyphase"), arrays("polyphase")
    right = kn.LatticeOp._shift
    lies: list[Callable[..., Any]] = [
        lambda self, b, shape: jnp.roll(right(self, b, shape), 1, axis=-2),
        lambda self, b, shape: right(self, b, shape) / 2,
        lambda self, b, shape: right(self, [b[0][..., ::-1]], shape),
    ]
    for lie in lies:
        monkeypatch.setattr(kn.LatticeOp, "_shift", lie)
        jax.clear_caches()
        with pytest.raises(kn.CheckError, match="bias:"):
            kn.check_adjoints(op, w, x)
    monkeypatch.undo()
    jax.clear_caches()
