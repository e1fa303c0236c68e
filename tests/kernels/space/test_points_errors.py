"""Bad input to ops on points: one line each."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.space.points import case, key

OP = {
    "w": None,
    "x": np.ones((4, 6)),
    "displacements": np.ones((3, 2)),
    "senders": [0, 1, 3],
    "receivers": [0, 1, 2],
}


def called(**changes):
    op = case("O(2)").op
    return op(**(OP | {"w": op.init(key()), "nodes": 3} | changes))


BAD = [
    (
        {"displacements": np.ones((3, 3))},
        "displacements must have the shape (3, 2): one row per edge, on R^2, got (3, 3)",
    ),
    ({"displacements": np.ones((2, 2))}, "displacements must have the shape (3, 2)"),
    ({"displacements": np.ones((3, 2), int)}, "displacements must be a real floating-point array, got int64"),
    ({"senders": [0, 1]}, "displacements must have the shape (2, 2)"),
    ({"receivers": [0, 1]}, "receivers must be as many as the 3 senders, got (2,)"),
    ({"senders": [0.0, 1.0, 2.0]}, "senders must be integers, numbers of nodes, got float64"),
    ({"senders": [[0, 1, 2]]}, "senders must have the shape (edges,), got (1, 3)"),
    (
        {"senders": [0, 5, 3]},
        "senders must be nodes 0 ... 3, or 4 for padding, got 5; check the neighbour list",
    ),
    ({"receivers": [0, -1, 2]}, "receivers must be nodes 0 ... 2, or 3 for padding, got -1"),
    ({"x": np.ones((4, 5))}, "x must have the shape (batch..., nodes, 6), got (4, 5)"),
    ({"x": np.ones(6)}, "x must have the shape (batch..., nodes, 6), got (6,)"),
    ({"x": np.ones((4, 6), "float32")}, "x and w must have one dtype, got float32 and float64"),
    ({"x": np.ones((4, 6), complex)}, "x must be a real floating-point array, got complex128"),
    ({"w": np.ones(3)}, "w must have the shape ((1, 3, 1, 1), (1, 3, 1, 1)"),
    ({"nodes": 2.5}, "nodes must be a number of nodes, got 2.5"),
    ({"nodes": -1}, "nodes must be a number of nodes, got -1"),
    (
        {"edge_weights": np.ones((3, 2))},
        "edge_weights must have the shape (edges, op.edge_dim) = (3, 10), got (3, 2)",
    ),
    ({"b": np.ones(7)}, "b must have the shape"),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_calls(changes, said: str) -> None:
    with pytest.raises(kn.KernelError) as raised:
        called(**changes)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nodes_must_be_static() -> None:
    op, w = case("O(2)").op, case("O(2)").op.init(key())
    with pytest.raises(kn.ShapeError, match=r"nodes must be a number of nodes.*known when the op is traced"):
        jax.jit(lambda n: op(w, *list(OP.values())[1:], n))(jnp.int32(3))


def test_lowering() -> None:
    solution = case("O(2)").solution
    lattice = dv.Field(dv.translations(2), channels=1)
    on_lattice = dv.solve(lattice, lattice, support=dv.box(1))
    V = dv.defining(dv.orthogonal(2))
    bessel = kn.radial.bessel(2, 1.0)
    small = dv.solve(solution.problem.x, solution.problem.y, support=dv.ball(2))
    tries = [
        (lambda: kn.lower(solution), "radial must be given for a solution on R^n"),
        (lambda: kn.lower(solution, radial=8), "got 8; say radial=kn.radial.bessel(8, cutoff=5.0)"),
        (
            lambda: kn.lower(on_lattice, radial=bessel),
            "radial needs a solution on R^n, got bessel(2, cutoff=1)",
        ),
        (lambda: kn.lower(dv.solve(V, V), radial=bessel), "radial needs a solution on R^n"),
        (lambda: kn.lower(solution, radial=bessel, padding="SAME"), "padding needs a lattice, got SAME"),
        (
            lambda: kn.lower(small, radial=kn.radial.bessel(2, 3.0)),
            "radial must end within the radius 2 of the support",
        ),
        (lambda: case("O(2)").op.init(key(), neighbours=0), "neighbours must be a positive number, got 0"),
    ]
    for build, said in tries:
        with pytest.raises(kn.KernelError) as raised:
            build()
        assert said in str(raised.value)
    assert kn.lower(small, radial=kn.radial.bessel(2, 2.0)).dim == 20


def test_outside_under_jit_adds_nothing() -> None:
    op, w = case("O(2)").op, case("O(2)").op.init(key())
    x, d = np.ones((4, 6)), np.ones((3, 2))
    y = jax.jit(lambda s, r: op(w, x, d, s, r, 3))(np.array([0, 9, -2]), np.array([0, 1, 2]))
    np.testing.assert_allclose(y, op(w, x, d[:1], [0], [0], 3))


def test_no_kernel_at_all() -> None:
    """0e -> 1e under O(3): an op that gives zeros."""
    E = dv.euclidean(3)
    s = dv.solve(
        dv.Field(E, fibre=dv.irreps(E.point, "1x0e")),
        dv.Field(E, fibre=dv.irreps(E.point, "1x1e")),
        dv.ball("R"),
    )
    op = kn.lower(s, radial=kn.radial.bessel(2, 1.0))
    assert (op.dim, op.edge_dim) == (0, 0)
    assert not op(op.init(key()), np.ones((2, 1)), np.ones((1, 3)), [0], [1]).any()
