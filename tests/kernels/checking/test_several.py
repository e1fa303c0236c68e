"""Ops of several arrays pass every check, faults planted in them are found, and wrong arguments are named."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels.space import op as points_op
from tests.kernels.space import points
from tests.kernels.test_bilinear import CASES, arrays, lowered

NAMES = ("cross product", "nothing", "Lorentz", "graphs", "signs")
GRAPHS = ("SO(3)", "O", "line")


def drawn(case: points.Case, dtype: Any = np.float64) -> tuple[Any, tuple[Any, ...]]:
    """Weights of an op on points, and a graph with an edge of padding."""
    rng = np.random.default_rng(0)
    g = points.graph(case.op, rng)
    senders = np.append(g.senders, len(g.x))
    receivers = np.append(g.receivers, 0)
    d = np.concatenate([g.d, rng.normal(size=(1, case.op.axes))])
    shapes = jax.eval_shape(case.op.init, jax.random.key(0))
    w = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape), dtype), shapes)
    return w, (jnp.asarray(g.x, dtype), jnp.asarray(d, dtype), senders, receivers, g.nodes)


def names(report: Any) -> list[str]:
    return [c.name for c in report.comparisons]


# ---- two arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_check_of_a_bilinear_op(name: str) -> None:
    op = lowered(name)
    w, v, u, _ = arrays(op)
    adjoints = kn.check_adjoints(op, w, (v, u))
    wanted = {f"{side}: derived against jax.vjp" for side in ("input v", "input u", "kernel")}
    assert set(names(adjoints)) >= wanted | ({"bias: derived against jax.vjp"} if op.bias_dim else set())
    assert len(names(adjoints)) == 15 + 2 * bool(op.bias_dim)
    assert kn.check_against_dense(op, w, (v, u)).passed
    report = kn.check_equivariance(op, w, (v, u))
    point = CASES[name].V.group
    more = ["a random element"] if point.algebra else []
    assert names(report) == [*point.generators, *more]


def test_batch_axes_of_two_arguments_may_differ() -> None:
    op = lowered("cross product")
    w, v, u, _ = arrays(op)
    assert kn.check_adjoints(op, w, (v[:, None], u[0])).passed
    assert kn.check_equivariance(op, w, (v[0], u)).passed


def test_a_bilinear_op_that_is_not_equivariant() -> None:
    """The cross product of what are stated to be vectors of O(3): mirrors change its sign."""
    W = dv.defining(dv.orthogonal(3))
    op = lowered("cross product")
    alone = dv.Field.off_lattice(dv.SpaceGroup(W.group, (), ()), W)
    spoiled = dataclasses.replace(op, linear=dataclasses.replace(op.linear, out=alone), into=(W, W))
    w, v, u, _ = arrays(op)
    with pytest.raises(kn.CheckError, match=r"m must agree to 1e-12 .*, got 2; all the numbers"):
        kn.check_equivariance(spoiled, w, (v, u))


def test_a_wrong_adjoint_of_a_bilinear_op(monkeypatch: pytest.MonkeyPatch) -> None:
    op = lowered("cross product")
    w, v, u, _ = arrays(op)
    own = type(op).adjoints

    def turned(self: Any, *args: Any) -> Any:
        wbar, vbar, ubar = own(self, *args)
        return wbar, vbar, -ubar

    monkeypatch.setattr(type(op), "adjoints", turned)
    with pytest.raises(kn.CheckError, match=r"input u: derived against jax\.vjp must agree"):
        kn.check_adjoints(op, w, (v, u))


# ---- points ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRAPHS)
def test_every_check_of_an_op_on_points(name: str) -> None:
    case = points.case(name)
    w, xs = drawn(case)
    op = case.op
    report = kn.check_adjoints(op, w, xs)
    assert "displacements: jax.vjp against differences" in names(report)
    assert ("bias: jax.vjp against what each adds" in names(report)) == bool(op.bias_dim)
    assert kn.check_against_dense(op, w, xs).passed
    point = case.solution.problem.group.point
    more = ["a random element"] if point.algebra else []
    assert names(kn.check_equivariance(op, w, xs)) == [*point.generators, *more]


@pytest.mark.parametrize("name", ["O(3)", "C8"])
def test_the_dense_matrix_is_sympy_s_kernel_written_out(name: str) -> None:
    case = points.case(name)
    w, (x, d, senders, receivers, nodes) = drawn(case)
    dense = case.op.dense(w, d, senders, receivers, nodes, len(x))
    g = points.Graph(np.asarray(d)[:-1], senders[:-1], receivers[:-1], np.asarray(x), nodes)
    y = points.written_out(case.solution, case.op, w, g)
    np.testing.assert_allclose(dense @ g.x.reshape(-1), y.reshape(-1), rtol=1e-10, atol=1e-12)
    b = jax.tree.map(lambda a: a + 1.0, case.op.init_bias())
    z = case.op(w, x, d, senders, receivers, nodes, b).reshape(-1)
    np.testing.assert_allclose(
        dense @ g.x.reshape(-1) + case.op.dense_bias(b, nodes), z, rtol=1e-10, atol=1e-12
    )


def test_sizes_of_the_dense_matrix_are_read_off_the_edges() -> None:
    op = points.case("SO(2)").op
    w = op.init(jax.random.key(0))
    d = np.ones((3, 2))
    assert op.dense(w, d, [0, 1, 4], [2, 0, 1]).shape == (5 * op.channels_out, 5 * op.channels_in)
    assert op.dense(w, d, [0, 1, 4], [2, 0, 1], 3).shape == (3 * op.channels_out, 3 * op.channels_in)
    assert op.dense(w, d[:0], [], [], 2, 1).shape == (2 * op.channels_out, op.channels_in)
    assert not op.dense_bias((), 3).any()


def test_samples_short_numbers_and_graphs_without_edges() -> None:
    case = points.case("line")
    w, (x, d, senders, receivers, nodes) = drawn(case, np.float32)
    many = jnp.stack([x, 2 * x])
    for check in (kn.check_adjoints, kn.check_against_dense, kn.check_equivariance):
        assert check(case.op, w, (many, d, senders, receivers, nodes)).dtype == "float32"
        assert check(case.op, w, (x, d, list(senders), list(receivers), nodes)).passed
        assert check(case.op, w, (x, d[:0], senders[:0], receivers[:0])).passed


def test_an_output_that_is_not_what_it_is_said_to_be() -> None:
    """Vectors that are called scalars."""
    case = points.case("C8")
    w, xs = drawn(case)
    E = case.solution.problem.group
    called = dataclasses.replace(case.op, out=dv.Field(E, fibre=2 * dv.trivial(E.point)))
    with pytest.raises(kn.CheckError, match="r must agree to 1e-12"):
        kn.check_equivariance(called, w, xs)


def test_a_wrong_sum_over_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers and senders exchanged in the op: the matrix is written out apart from it."""
    case = points.case("line")
    w, (x, d, senders, receivers, nodes) = drawn(case)
    sums = points_op.sums_over_edges

    def exchanged(*args: Any) -> Any:
        *others, edges, nodes = args
        return sums(*others, dataclasses.replace(edges, displacements=-edges.displacements), nodes)

    monkeypatch.setattr(points_op, "sums_over_edges", exchanged)
    jax.clear_caches()
    with pytest.raises(kn.CheckError, match="value against dense matrix must agree"):
        kn.check_against_dense(case.op, w, (x, d, senders, receivers, nodes))
    jax.clear_caches()


# ---- what is said ------------------------------------------------------------------------------------------


def _errors() -> dict[str, Any]:
    two, graph = lowered("cross product"), points.case("line")
    w, v, u, _ = arrays(two)
    wp, xs = drawn(graph)
    pair = "x must be (v, u) for a BilinearOp, got"
    four = "x must be (x, displacements, senders, receivers) or (..., nodes) for a PointsOp, got"
    remedy = "; give what op takes after its weights, in one tuple"
    return {
        "one array": (lambda: kn.check_adjoints(two, w, v), f"{pair} one array{remedy}"),
        "three arrays": (lambda: kn.check_equivariance(two, w, (v, u, u)), f"{pair} 3 arrays{remedy}"),
        "no graph": (lambda: kn.check_against_dense(graph.op, wp, xs[0]), f"{four} one array{remedy}"),
        "half a graph": (lambda: kn.check_equivariance(graph.op, wp, xs[:2]), f"{four} 2 arrays{remedy}"),
        "no samples": (
            lambda: kn.check_adjoints(two, w, (v[:0], u[:0])),
            "v must hold at least one sample to check, got (0, 3); give a batch that is not empty",
        ),
        "a candidate": (
            lambda: kn.check_adjoints(two, w, (v, u), input_adjoint=lambda *a, **k: v),
            "input_adjoint, kernel_adjoint must be left out for an op of several arrays, got a candidate;",
        ),
        "a large graph": (
            lambda: graph.op.dense(wp, np.ones((1, 1)), [0], [0], 20000, 20000),
            "dense must have at most 134,217,728 entries to be written out, got 20,000 x 20,000; write out a",
        ),
    }  # fmt: skip


ERRORS = (
    "one array", "three arrays", "no graph", "half a graph", "no samples", "a candidate", "a large graph"
)  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_one_clear_line(name: str) -> None:
    wrong, said = _errors()[name]
    with pytest.raises(kn.KernelError, match=re.escape(said)) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_reports_read_well() -> None:
    op = lowered("cross product")
    w, v, u, _ = arrays(op)
    shown = repr(kn.check_equivariance(op, w, (v, u))).splitlines()
    assert shown[0] == "check_equivariance: passed in float64"
    assert re.fullmatch(r"  a random element  \d\.\d\de-\d\d <= 1e-12", shown[-1])
