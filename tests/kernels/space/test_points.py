"""Ops on points against sums written out, and their symmetries."""

from __future__ import annotations

import pickle
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from jax.extend.core import jaxprs_in_params
from scipy.spatial.transform import Rotation

import derive as dv
import kernels as kn
from kernels.space import sums
from tests.kernels.space.points import (
    CASES,
    RADIAL,
    Case,
    case,
    element_of,
    graph,
    kernel,
    key,
    random_element,
    written_out,
)

every_case = pytest.mark.parametrize("c", CASES, ids=lambda c: c.name)


@every_case
def test_sums_over_edges_are_those_written_out(c: Case, rng: np.random.Generator) -> None:
    g, w = graph(c.op, rng), c.op.init(key())
    assert c.op.dim == int(c.solution.answer.dim) * RADIAL.n
    np.testing.assert_allclose(
        c.op(w, *g.arguments), written_out(c.solution, c.op, w, g), rtol=1e-11, atol=1e-11
    )


@every_case
def test_it_commutes_with_the_point_group(c: Case, rng: np.random.Generator) -> None:
    g, w, b = graph(c.op, rng), c.op.init(key()), jax.tree.map(jnp.ones_like, c.op.init_bias())
    turn, on_x, on_y = random_element(c.solution, rng)
    assert not np.allclose(turn, np.eye(c.n))
    moved = c.op(w, g.x @ on_x.T, g.d @ turn.T, g.senders, g.receivers, g.nodes, b)
    y = c.op(w, *g.arguments, b)
    np.testing.assert_allclose(moved, y @ on_y.T, atol=1e-10)
    assert float(abs(y).max()) > 0.1


def test_rotations_and_reflections_in_float32(rng: np.random.Generator) -> None:
    c = case("O(3)")
    g, w = graph(c.op, rng), jax.tree.map(jnp.float32, c.op.init(key()))
    x, d = np.float32(g.x), np.float32(g.d)
    for seed in range(3):
        turn = Rotation.random(random_state=seed).as_matrix()
        on_x, on_y = element_of(c.solution, turn)
        y = c.op(w, x, d, g.senders, g.receivers, g.nodes)
        moved = c.op(w, np.float32(x @ on_x.T), np.float32(d @ turn.T), g.senders, g.receivers, g.nodes)
        assert moved.dtype == jnp.float32
        assert float(abs(moved - y @ np.float32(on_y.T)).max() / abs(y).max()) < 5e-6


def test_the_order_of_edges_is_nothing(rng: np.random.Generator) -> None:
    c = case("SO(3)")
    g, w = graph(c.op, rng), c.op.init(key())
    order = rng.permutation(len(g.d))
    shuffled = c.op(w, g.x, g.d[order], g.senders[order], g.receivers[order], g.nodes)
    np.testing.assert_allclose(shuffled, c.op(w, *g.arguments), atol=1e-12)


@pytest.mark.parametrize("garbage", [0.0, np.nan])
def test_padding_adds_nothing(garbage: float, rng: np.random.Generator) -> None:
    c = case("O(2)")
    g, w = graph(c.op, rng), c.op.init(key())
    gates = rng.normal(size=(len(g.d), c.op.edge_dim))

    @jax.jit
    def loss(w, x, d, s, r, gates):
        return (c.op(w, x, d, s, r, g.nodes, edge_weights=gates) ** 2).sum()

    def filled(a, *rows):
        return np.concatenate([a, np.stack([np.full(a.shape[1:], r, a.dtype) for r in rows])])

    outside = filled(g.senders, len(g.x), 0, -1), filled(g.receivers, 0, g.nodes, g.nodes + 5)
    more = (filled(g.d, *[garbage] * 3), *outside, filled(gates, *[garbage] * 3))
    derivatives = jax.jit(jax.value_and_grad(loss, (0, 1, 2, 5)))
    value, (wbar, xbar, dbar, gbar) = derivatives(w, g.x, *more)
    plain, wanted = derivatives(w, g.x, g.d, g.senders, g.receivers, gates)
    np.testing.assert_allclose(value, plain, rtol=1e-12)
    for a, b in zip(
        jax.tree.leaves((wbar, xbar, dbar[:-3], gbar[:-3])), jax.tree.leaves(wanted), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-9)
    assert not dbar[-3:].any()
    assert not gbar[-3:].any()
    eager = c.op(w, g.x, filled(g.d, garbage), filled(g.senders, len(g.x)), filled(g.receivers, 0), g.nodes)
    np.testing.assert_allclose(eager, c.op(w, *g.arguments), atol=1e-12)


def test_chunks_are_the_same_sums(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    """37 edges by eights, the last chunk filled up; gradients and second derivatives too."""
    c = case("SO(2)")
    g, w = graph(c.op, rng, edges=37), c.op.init(key())
    gates = rng.normal(size=(37, c.op.edge_dim))

    def force(w, d, gates):
        def energy(d):
            return (c.op(w, g.x, d, g.senders, g.receivers, g.nodes, edge_weights=gates) ** 2).sum()

        return (jax.grad(energy)(d) ** 2).sum()

    def results():
        jax.clear_caches()
        return jax.tree.leaves(jax.jit(jax.value_and_grad(force, (0, 1, 2)))(w, g.d, gates))

    whole, ungated = results(), c.op(w, *g.arguments)
    monkeypatch.setattr(sums, "CACHED", 1)
    assert sums._chunk(37, 10) == 8
    for a, b in zip(results(), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(c.op(w, *g.arguments), ungated, atol=1e-12)
    jax.clear_caches()


def test_weights_per_edge(rng: np.random.Generator) -> None:
    c = case("O(3)")
    g, w = graph(c.op, rng), c.op.init(key())
    gates = rng.normal(size=(len(g.d), c.op.edge_dim))
    y = c.op(w, *g.arguments, edge_weights=gates)
    np.testing.assert_allclose(y, written_out(c.solution, c.op, w, g, gates), atol=1e-11)
    ones = c.op(w, *g.arguments, edge_weights=np.ones_like(gates))
    np.testing.assert_allclose(ones, c.op(w, *g.arguments), atol=1e-12)


def test_the_kernel_of_an_op(rng: np.random.Generator) -> None:
    c = case("SO(3)")
    w, d = c.op.init(key()), rng.normal(size=(2, 2, 3))
    K = c.op.kernel(w, d)
    assert K.shape == (2, 2, c.op.channels_out, c.op.channels_in)
    np.testing.assert_allclose(K[1, 0], kernel(c.solution, c.op, w, d[1, 0]), atol=1e-12)
    np.testing.assert_allclose(c.op.kernel(w, d[0, 1]), K[0, 1], atol=1e-12)
    assert not c.op.kernel(w, np.array([0.0, 3.0, 0.1])).any()


def test_samples_on_one_graph_and_vmap(rng: np.random.Generator) -> None:
    c = case("O(2)")
    g, w = graph(c.op, rng), c.op.init(key())
    batch = rng.normal(size=(2, 3, *g.x.shape))
    y = c.op(w, batch, *g.arguments[1:])
    assert y.shape == (2, 3, g.nodes, c.op.channels_out)
    np.testing.assert_allclose(y[1, 2], c.op(w, batch[1, 2], *g.arguments[1:]), atol=1e-12)
    several = jax.vmap(lambda x, d: c.op(w, x, d, g.senders, g.receivers, g.nodes))
    ds = rng.normal(size=(3, *g.d.shape))
    np.testing.assert_allclose(
        several(batch[0], ds)[2], c.op(w, batch[0, 2], ds[2], *g.arguments[2:]), atol=1e-12
    )


def test_nothing_to_sum(rng: np.random.Generator) -> None:
    c = case("O(3)")
    w, x, n = c.op.init(key()), np.ones((4, c.op.channels_in)), c.op.channels_out
    none = np.zeros((0, 3)), [], []
    assert not c.op(w, x, *none, 5).any()
    assert c.op(w, x, *none).shape == (4, n)
    assert c.op(w, x[:0], *none, 0).shape == (0, n)
    assert c.op(w, x[None][:0], *none, 5).shape == (0, 5, n)
    b = jax.tree.map(jnp.ones_like, c.op.init_bias())
    np.testing.assert_allclose(c.op(w, x, *none, 5, b), np.tile([1] + [0] * (n - 1), (5, 1)))
    grads = jax.grad(lambda w, x: c.op(w, x, *none, 5).sum(), (0, 1))(w, x)
    assert not any(leaf.any() for leaf in jax.tree.leaves(grads))


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float32"])
def test_sums_of_halves_are_kept_in_float32(name: str, rng: np.random.Generator) -> None:
    c, kind = case("O(2)"), jnp.dtype(name)
    g = graph(c.op, rng)
    w = jax.tree.map(lambda a: a.astype(kind), c.op.init(key()))
    x = jnp.asarray(g.x, kind)
    y = c.op(w, x, np.float32(g.d), *g.arguments[2:])
    wide = jax.tree.map(lambda a: a.astype("float64"), (w, x))
    exact = c.op(wide[0], wide[1], *g.arguments[1:])
    assert y.dtype == kind
    error = float(abs(y.astype("float64") - exact).max() / abs(exact).max())
    assert error < {"bfloat16": 4e-3, "float16": 6e-4, "float32": 1e-6}[name]


def test_init_keeps_the_variance(rng: np.random.Generator) -> None:
    """Neighbours from all of the ball, 16 of them or as many as one says."""
    E = dv.euclidean(3)
    V = dv.irreps(E.point, "6x0e + 6x1o + 6x2e")
    s = dv.solve(dv.Field(E, fibre=V), dv.Field(E, fibre=V), support=dv.ball("R"))
    for radial in (RADIAL, kn.radial.gaussians(4, cutoff=5.0), kn.radial.envelope(cutoff=2.0)):
        op = kn.lower(s, radial=radial)
        d = rng.normal(size=(40 * 30, 3))
        d *= radial.cutoff * rng.uniform(size=(1200, 1)) ** (1 / 3) / np.linalg.norm(d, axis=1, keepdims=True)
        x, r = rng.normal(size=(1200, V.dim)), np.arange(1200) % 40
        y = op(op.init(key(), neighbours=30), x, d, np.arange(1200), r, 40)
        for part in (y[:, :6], y[:, 6:24], y[:, 24:]):
            assert 0.5 < float((part**2).mean()) < 2
    assert op.init(key())[0].dtype == jnp.zeros(()).dtype


def test_kernels_are_divided_by_their_mean_size(rng: np.random.Generator) -> None:
    """n_b: the root of the mean square of a row at the cut-off, over directions drawn at random."""
    c = case("O(2)")
    turn = rng.uniform(0, 2 * np.pi, 2000)
    d = RADIAL.cutoff * np.stack([np.cos(turn), np.sin(turn)])
    seen = []
    for k in c.solution.kernels:
        entries = sympy.lambdify(c.solution.problem.letters, list(k.matrix), "numpy")(*d)
        rows = sum(1 for i in range(k.matrix.rows) if any(k.matrix[i, :]))
        seen.append(np.sqrt(sum((np.zeros(2000) + e) ** 2 for e in entries).mean() / rows))
    np.testing.assert_allclose(np.concatenate(c.op.factors), seen, rtol=0.05)
    assert max(seen) > 20


def test_an_op_is_frozen_data() -> None:
    op, again = case("O(2)").op, kn.lower(case("O(2)").solution, radial=kn.radial.bessel(3, cutoff=3))
    assert op == again == pickle.loads(pickle.dumps(op))
    assert hash(op) == hash(again)
    assert op != kn.lower(case("O(2)").solution, radial=kn.radial.bessel(4, cutoff=3))
    assert not jax.tree.leaves(op)
    shown = "PointsOp(6 -> 3 channels on R^2, 30 free weights, 1 bias, bessel(3, cutoff=3))"
    assert repr(op) == shown
    assert "channels 0:1 -> 0:1: 1 kernel 1 x 1" in op.describe()


def test_exported(rng: np.random.Generator) -> None:
    op = case("O(2)").op
    g, w = graph(op, rng), op.init(key())
    y = op(w, *g.arguments)
    given = (g.x, g.d, np.int32(g.senders), np.int32(g.receivers))
    sizes = {"nodes": g.nodes, "edges": len(g.d), "senders": len(g.x)}
    artifact = op.export(w, **sizes)
    assert artifact.platforms == ("cpu", "cuda", "tpu")
    np.testing.assert_allclose(artifact(w, *given), y, atol=1e-12)
    baked = op.export(w, **sizes, platforms=("cpu",), baked=True)
    np.testing.assert_allclose(baked(*given), y, atol=1e-12)
    slope = jax.grad(lambda d: baked(g.x, d, *given[2:]).sum())(jnp.asarray(g.d))
    np.testing.assert_allclose(
        slope, jax.grad(lambda d: op(w, g.x, d, *g.arguments[2:]).sum())(g.d), atol=1e-10
    )


def test_hash_and_pickle_in_another_process() -> None:
    op = case("O(2)").op
    code = (
        "import sys, pickle; op = pickle.load(sys.stdin.buffer); print(hash(op)); "
        "import jax, numpy as np; print(op(op.init(jax.random.key(0)), np.ones((2, 6), np.float32), "
        "np.ones((1, 2), np.float32), [0], [1]).shape)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(op), capture_output=True, check=True
    )
    assert run.stdout.decode().split("\n")[:2] == [str(hash(op)), "(2, 3)"]


def test_no_matrix_of_copies_per_edge() -> None:
    """Arrays of the trace have at most so many numbers per edge as messages have."""
    E = dv.euclidean(3)
    V = dv.irreps(E.point, "32x0e + 32x1o")
    s = dv.solve(dv.Field(E, fibre=V), dv.Field(E, fibre=V), support=dv.ball("R"))
    op, edges = kn.lower(s, radial=kn.radial.envelope(3.0)), 8
    w = op.init(key())
    trace = jax.make_jaxpr(lambda x, d, s, r: op(w, x, d, s, r, 3))(
        np.ones((3, V.dim)), np.ones((edges, 3)), np.zeros(edges, int), np.zeros(edges, int)
    )
    sizes = [v.aval.size for e in trace.eqns for v in e.outvars]
    inner = [
        v.aval.size for e in trace.eqns for j in jaxprs_in_params(e.params) for q in j.eqns for v in q.outvars
    ]
    assert max(sizes + inner) <= edges * 32 * 15
