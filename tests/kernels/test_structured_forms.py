"""Particular layers in closed form, the memory that large ones take, identity of ops, and complaints."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import derive as dv
import kernels as kn
from tests.kernels.structures import points


def op_between(x: Any, y: Any, **options: Any) -> kn.MapsOp:
    return kn.lower(dv.solve(x, y), **options)


def arrays(op: kn.MapsOp, *batch: int) -> tuple[Any, jax.Array]:
    key = jax.random.key(0)
    return op.init(key), jax.random.normal(key, (*batch, op.channels_in))


def test_sets_are_a_sum_and_the_identity() -> None:
    """Weights (a, b) of "equal" and "different" give (a - b) x + b sum(x)."""
    V = points(dv.symmetric(7))
    op = op_between(V, V)
    x = jnp.arange(7.0)
    a, b = 3.0, 5.0
    np.testing.assert_allclose(op(jnp.array([a, b]).reshape(2, 1, 1), x), (a - b) * x + b * x.sum())


@pytest.mark.parametrize("n", [2, 4, 16, 64])
@pytest.mark.parametrize("into", [0, 1, 2])
def test_tensor_powers_of_any_size(n: int, into: int) -> None:
    """V^into -> V^(0, 1, 2): some output entries, summed over the orbit of every pair of tuples."""
    V = points(dv.symmetric(n))
    x = np.random.default_rng(n).normal(size=n**into)
    x[np.arange(len(x)) % (1 + len(x) // 256) > 0] = 0
    for out in range(3):
        op = op_between(V**into, V**out)
        w = op.init(jax.random.key(1))
        y = np.asarray(op(w, jnp.asarray(x)))
        for row in {0, min(1, n**out - 1), n**out - 1}:
            p = tuple(int(i) for i in np.unravel_index(row, (n,) * out)) if out else ()
            places = [(k, q) for k, q in enumerate(np.ndindex(*(n,) * into)) if x[k]]
            expected = sum(float(w.reshape(-1)[_orbit(n, (*p, *q))]) * x[k] for k, q in places)
            assert y[row] == pytest.approx(expected, rel=1e-9, abs=1e-11)


def _growing(n: int, axes: int) -> list[tuple[int, ...]]:
    """The least members of the orbits of S_n on tuples, in order: every new point is the next one."""
    return [p for p in np.ndindex(*(n,) * axes) if all(q <= max((-1, *p[:i])) + 1 for i, q in enumerate(p))]


def _orbit(n: int, member: tuple[int, ...]) -> int:
    """The number of the orbit of a tuple: orbits are numbered by their least members."""
    points = list(dict.fromkeys(member))
    return _growing(min(n, len(member)), len(member)).index(tuple(points.index(p) for p in member))


@pytest.mark.parametrize(("into", "out"), [(1, 1), (2, 1), (1, 2), (2, 2), (2, 3)])
def test_no_array_is_larger_than_the_larger_tensor(into: int, out: int) -> None:
    n, batch = 40, 2
    op = op_between(points(dv.symmetric(n)) ** into, 2 * points(dv.symmetric(n)) ** out)
    w, x = arrays(op, batch)
    step = jax.make_jaxpr(lambda w, x: op.adjoints(w, x, op(w, x)))(w, x)
    largest = max(_sizes(step.jaxpr))
    assert largest <= 8 * batch * n ** max(into, out)  # stacked margins of 2 channels, not n^(k + l)
    assert largest < n ** (into + out) or into + out == 2


@pytest.mark.parametrize(
    ("V", "limit"),
    [
        (lambda: dv.outer(points(dv.symmetric(60)), points(dv.symmetric(50))), 2),
        (lambda: dv.outer(dv.defining(dv.special_orthogonal(3)), points(dv.symmetric(120))), 4),
        (lambda: dv.outer(points(dv.symmetric(100)), points(dv.cyclic(100))), 4),
    ],
    ids=["S60 x S50", "SO3 x S120", "S100 x Z100"],
)
def test_products_of_groups_never_form_a_matrix(V: Any, limit: int) -> None:
    """Every array, adjoints and bias included, is a few times the field."""
    op = op_between(V(), V())
    w, x = arrays(op, 2)
    step = jax.make_jaxpr(lambda w, x: op.adjoints(w, x, op(w, x, op.init_bias())))(w, x)
    assert max(_sizes(step.jaxpr)) <= limit * x.size


def test_points_in_any_order_on_a_circle() -> None:
    """S_n x Z_m: every point sees its own ring by one set of taps and the sum of all rings by another."""
    n, m = 40, 30
    op = op_between(*(dv.outer(points(dv.symmetric(n)), points(dv.cyclic(m))),) * 2)
    w, x = arrays(op)
    own, other = np.asarray(w).reshape(2, m)
    field = np.asarray(x).reshape(n, m)
    seen = own[:, None, None] * field, other[:, None, None] * (field.sum(0) - field)
    expected = sum(np.roll(a[d] + b[d], -d, axis=1) for d in range(m) for a, b in [seen])
    np.testing.assert_allclose(op(w, x), expected.reshape(-1), atol=1e-10)


def _sizes(jaxpr: Any) -> list[int]:
    found = [v.aval.size for e in jaxpr.eqns for v in e.outvars]
    inner = [p.jaxpr for e in jaxpr.eqns for p in e.params.values() if hasattr(p, "jaxpr")]
    return found + [size for j in inner for size in _sizes(j)]


def test_long_cycle() -> None:
    n = 100_000
    op = op_between(*(points(dv.cyclic(n)),) * 2)
    w, x = arrays(op)
    t = 12_345
    expected = np.asarray(w).reshape(-1) @ np.roll(np.asarray(x), -t)
    assert float(op(w, x)[t]) == pytest.approx(expected, abs=1e-10)
    with pytest.raises(kn.ShapeError, match=r"kernel must have at most .* got 100,000 x 100,000; apply"):
        op.kernel(w)


def test_flips_of_many_channels_are_depthwise() -> None:
    flips = {f"g{i}": np.diag([-1 if i == j else 1 for j in range(8)]).tolist() for i in range(8)}
    V = dv.defining(dv.matrix_group(flips))
    op = op_between(V, V)
    w, x = arrays(op, 3)
    np.testing.assert_allclose(op(w, x), x * w.reshape(-1))
    assert max(_sizes(jax.make_jaxpr(op)(w, x).jaxpr)) <= x.size


def test_symbolic_copies_take_numbers_when_lowered() -> None:
    V = points(dv.symmetric(4))
    solution = dv.solve("C" * V, 3 * V)
    assert kn.lower(solution, sizes={"C": 2}).dim == kn.lower(solution, channels=(8, 12)).dim == 12
    with pytest.raises(dv.SymbolicError, match=r"copies need numbers to be lowered, got C copies of P; give"):
        kn.lower(solution)
    with pytest.raises(dv.SizeError, match=r"channels must agree with the dimension 4\*C of C P, got 7"):
        kn.lower(solution, channels=(7, 12))
    with pytest.raises(dv.SizeError, match=r"sizes must name symbols of the solution, \['C'\], got \['D'\]"):
        kn.lower(solution, sizes={"C": 2, "D": 3})


def test_equal_by_content() -> None:
    V, W = points(dv.symmetric(5)), points(dv.cyclic(5))
    assert op_between(V, V) == op_between(V, V)
    assert hash(op_between(V, V)) == hash(op_between(V, V))
    assert op_between(V, V) != op_between(W, W)
    assert op_between(V, V) != op_between(2 * V, V)


def test_one_name_two_groups_two_answers() -> None:
    """Groups that share a name share no answer, and no compiled code."""
    names = {"generators": ("g",), "relations": ("g^4",)}
    shift, swap = [[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.eye(4, dtype=int)[[1, 0, 2, 3]]
    ops = []
    for matrix in (shift, swap.tolist()):
        V = dv.Representation(dv.Group("G", **names), {"g": matrix})
        ops.append(op_between(V, V))
    assert [op.dim for op in ops] == [4, 10]
    x = jnp.arange(4.0)
    for op in ops:
        w, _ = arrays(op)
        np.testing.assert_allclose(op(w, x), op.dense(w) @ x, atol=1e-12)


def test_copies_in_blocks_are_products_of_blocks() -> None:
    first, second, third = dv.irreps(dv.cyclic(4))
    V = 16 * first + 16 * second + 16 * third
    op = op_between(V, V)
    assert op.whole is None
    assert len([p for p in op.pairs if p.form is not None]) == 3


def test_complex_maps_are_refused() -> None:
    G = dv.permutation_group({"g": [1, 2, 0]})
    omega = sympy.exp(2 * sympy.pi * sympy.I / 3)
    with pytest.raises(dv.RepresentationError, match="x, y must have real equivariant maps"):
        op_between(points(G), dv.Representation(G, {"g": [[omega]]}))


def test_complaints() -> None:
    V = points(dv.symmetric(5))
    op = op_between(V, V + dv.trivial(V.group))
    w, x = arrays(op, 2)
    with pytest.raises(kn.ShapeError, match=r"x must have 5 channels \(the dimension solved for\), got 4"):
        op(w, x[:, :4])
    with pytest.raises(kn.ShapeError, match=r"w must have the shape \(\(2, 1, 1\), \(1, 1, 1\)\), got"):
        op(w[0], x)
    with pytest.raises(kn.ShapeError, match=r"b must have the shape .*; use op.init_bias\(\)"):
        op(w, x, jnp.zeros(3))
    with pytest.raises(kn.DtypeError, match="x and w must have one dtype"):
        op(w, x.astype("float32"))
    with pytest.raises(kn.PaddingError, match="padding needs a lattice, got SAME; leave it out"):
        op_between(V, V, padding="SAME")
    with pytest.raises(kn.ShapeError, match="grid must be empty: there is no lattice"):
        op.dense(w, (3,))


def test_solutions_without_bias_take_none() -> None:
    V = points(dv.symmetric(5))
    op = kn.lower(dv.solve(V, V, bias=False))
    w, x = arrays(op)
    with pytest.raises(kn.ShapeError, match="b must have the shape"):
        op(w, x, jnp.zeros((1, 1, 1)))


def test_dtype_option_and_nothing_at_all() -> None:
    V = points(dv.symmetric(3))
    op = op_between(V, V, dtype="float32")
    assert op.init(jax.random.key(0)).dtype == op.init_bias().dtype == jnp.float32
    empty = dv.alt(dv.trivial(V.group), 2)
    op = op_between(V, empty)
    assert op(op.init(jax.random.key(0)), jnp.ones((2, 3))).shape == (2, 0)
    op = op_between(empty, V)
    assert op(op.init(jax.random.key(0)), jnp.ones((2, 0))).tolist() == [[0.0] * 3] * 2
