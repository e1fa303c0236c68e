"""Ops of two arguments and ops on points inside of models: judged as layers, or refused in one line."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn

R = dv.defining(dv.special_orthogonal(3))
ONE = dv.trivial(R.group)
cross = kn.lower(dv.solve(R * R, R), bilinear=True)
dots = kn.lower(dv.solve((2 * R) * R, 2 * ONE), bilinear=True)
mix = kn.lower(dv.solve(2 * R, 2 * R))
W, D, M = (
    jax.tree.map(lambda a: a.astype(jnp.float32), op.init(jax.random.key(0))) for op in (cross, dots, mix)
)
X = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


def products(x: jax.Array) -> jax.Array:
    """Invariants of two vectors and of their product."""
    two = mix(M, x)
    other = cross(W, two[..., :3] + x[..., :3], two[..., 3:])
    return dots(D, two, other + x[..., 3:])


def test_bilinear_layers_are_named_and_kept() -> None:
    found = kn.audit(products, X, into=2 * R, out=2 * ONE)
    assert found.passed, found
    assert {"cross", "dots", "mix"} <= {layer.name for layer in found.layers}


def test_a_bilinear_layer_that_reads_what_is_spoiled() -> None:
    """The layer before it is blamed, and it is not."""

    def model(x: jax.Array) -> jax.Array:
        two = mix(M, x)
        spoiled = jnp.tanh(x)
        return dots(D, two, spoiled[..., :3])

    found = kn.audit(model, X, into=2 * R, out=2 * ONE)
    assert found.first is not None
    assert "jnp.tanh(x)" in found.first.name
    assert "dots" not in [layer.name for layer in found.layers if layer.lost]


E = dv.euclidean(3, point=R.group)
SCALAR = dv.Field(E, fibre=dv.trivial(E.point))
OUT = dv.Field(E, fibre=dv.trivial(E.point) + dv.irrep(E.point, 1))
points = kn.lower(dv.solve(SCALAR, OUT, support=dv.ball("R")), radial=kn.radial.bessel(2, cutoff=4.0))
P = jax.tree.map(lambda a: a.astype(jnp.float32), points.init(jax.random.key(0)))
S, T = (k.reshape(-1) for k in np.meshgrid(np.arange(5), np.arange(5)))
POSITIONS = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)


def test_points_that_the_group_does_not_move_are_refused() -> None:
    d = POSITIONS[S] - POSITIONS[T]
    with pytest.raises(kn.KernelError, match="must compute displacements from x") as caught:
        kn.audit(lambda x: points(P, x, d, S, T), np.ones((5, 1), np.float32), into=dv.trivial(E.point))
    assert "use check_equivariance(op, w, (x, displacements, senders, receivers))" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_network_of_positions(spoiled: bool) -> None:
    """Displacements are computed from x, which turns: the op on points is a layer."""

    def model(x: Any) -> jax.Array:
        d = x[S] - x[T]
        y = points(P, jnp.ones((5, 1), x.dtype), d, S, T)
        return jax.nn.relu(y) if spoiled else y

    found = kn.audit(model, POSITIONS, into=E.vectors, out=OUT.fibre)
    assert found.passed != spoiled, found
    assert (found.first is None) != spoiled
