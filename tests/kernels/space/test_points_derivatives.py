"""Derivatives of ops on points, forces in a loss, and what happens at d = 0."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import kernels as kn
from tests.kernels.space.points import case, graph, key

RADIALS = [
    kn.radial.bessel(2, cutoff=2.5),
    kn.radial.gaussians(3, cutoff=2.5),
    kn.radial.function(lambda r: jnp.stack([jnp.cos(r), r**2], axis=-1), 2, cutoff=2.5),
]


@pytest.mark.parametrize("radial", RADIALS, ids=str)
def test_against_finite_differences(radial, rng) -> None:
    """First and second derivatives to weights, features, displacements and weights per edge."""
    op = kn.lower(case("O(2)").solution, radial=radial)
    g, w = graph(op, rng, edges=9, nodes=3), op.init(key())
    gates = rng.normal(size=(9, op.edge_dim))

    @jax.jit
    def loss(w, x, d, gates):
        return jnp.sin(op(w, x, d, g.senders, g.receivers, g.nodes, edge_weights=gates)).sum()

    check_grads(loss, (w, jnp.asarray(g.x), jnp.asarray(g.d), jnp.asarray(gates)), order=2, modes=["rev"])


def test_forces_in_a_loss(rng) -> None:
    """The gradient to weights of the squares of forces, positions moved along random lines."""
    op = case("O(3)").op
    g, w = graph(op, rng, edges=12, nodes=4), op.init(key())
    place, shifts = rng.normal(size=(6, 3)), rng.normal(size=(12, 3))

    def energy(place, w):
        d = place[g.senders] - place[g.receivers] + shifts
        return (op(w, g.x, d, g.senders, g.receivers, g.nodes)[:, 0] ** 2).sum()

    @jax.jit
    def loss(w):
        return (jax.grad(energy)(jnp.asarray(place), w) ** 2).sum()

    line = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), w)
    slope = sum(jnp.vdot(a, b) for a, b in zip(jax.jit(jax.grad(loss))(w), line, strict=True))
    ends = [loss(jax.tree.map(lambda a, b, t=t: a + t * b, w, line)) for t in (1e-5, -1e-5)]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, rtol=1e-6)


@pytest.mark.parametrize("radial", RADIALS, ids=str)
def test_finite_at_the_origin(radial) -> None:
    op = kn.lower(case("O(2)").solution, radial=radial)
    w, x = op.init(key()), np.ones((1, op.channels_in))

    def value(d):
        return (op(w, x, d, [0], [0]) ** 2).sum()

    zero = jnp.zeros((1, 2))
    assert jnp.isfinite(jax.jit(jax.grad(value))(zero)).all()
    assert jnp.isfinite(jax.jit(jax.hessian(value))(zero)).all()


@pytest.mark.parametrize("radial", RADIALS[:2], ids=str)
def test_second_derivatives_at_the_origin_are_limits(radial) -> None:
    second = jax.jit(jax.hessian(lambda d: radial(d).sum()))
    np.testing.assert_allclose(second(jnp.zeros(2)), second(jnp.array([1e-6, 0])), rtol=1e-4)
    assert abs(second(jnp.zeros(2))[0, 0]) > 0.1
