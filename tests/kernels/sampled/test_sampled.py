"""Kernels on R^n on grids: what holds to rounding, over groups, dimensions, strides and spacings."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels.sampled.op import SampledOp
from tests.kernels.sampled.cases import CASES, Case, case, degrees
from tests.kernels.space.points import evaluated

every = pytest.mark.parametrize("c", CASES, ids=lambda c: c.name)


@every
def test_the_turns_of_the_grid_hold_to_rounding(c: Case) -> None:
    """Every element, not the generators alone, from exact matrices of the solved group."""
    w, x, _ = c.arrays()
    assert isinstance(c.op, SampledOp)
    assert c.op.into.group.point.order == c.order
    if c.order > 1:
        report = kn.check_equivariance(c.op, w, x)
        assert {r.name for r in report.comparisons} >= set(c.op.into.group.point.generators)


@every
def test_adjoints_and_the_dense_matrix(c: Case) -> None:
    w, x, _ = c.arrays()
    kn.check_adjoints(c.op, w, x[:1])
    kn.check_against_dense(c.op, w, x[:1])


@every
def test_the_kernel_is_what_is_convolved(c: Case) -> None:
    """By its definition, at one output, sites beyond the image being zero."""
    w, x, _ = c.arrays()
    if c.op.lattice.plan.axes[0].border != "ZERO":
        return
    y = c.op(w, x)
    middle = tuple(n // 2 for n in y.shape[1:-1])
    kernel, window = np.asarray(c.op.kernel(w)), c.op.window
    total = np.zeros(c.op.channels_out)
    first = window.sites.min(axis=0)
    for site in window.sites:
        place = tuple((site - first) // np.array(window.dilation))
        at = np.array(middle) * window.strides + site
        if (at >= 0).all() and (at < c.sizes).all():
            total += np.asarray(x[(0, *at)]) @ kernel[place]
    np.testing.assert_allclose(y[(0, *middle)], total, atol=1e-10)


def test_a_quarter_turn_by_hand() -> None:
    """numpy.rot90 takes what stands at (u, v) to (-v, u); a frequency m turns by m 90 degrees."""
    c = case("SO(2)")
    w, x, _ = c.arrays()

    def turned(a: np.ndarray, frequencies: list[int]) -> np.ndarray:
        blocks, at, moved = [], 0, np.rot90(np.asarray(a), 1, (1, 2))
        for m in frequencies:
            size = 2 if m else 1
            cos, sin = np.cos(m * np.pi / 2), np.sin(m * np.pi / 2)
            matrix = np.array([[cos, -sin], [sin, cos]]) if m else np.eye(1)
            blocks.append(moved[..., at : at + size] @ matrix.T)
            at += size
        return np.concatenate(blocks, axis=-1)

    y = turned(c.op(w, x), [1, 2, 1, 2])
    np.testing.assert_allclose(c.op(w, jnp.asarray(turned(x, [0, 1]))), y, atol=1e-12)


@every
def test_unit_variance(c: Case) -> None:
    """In the mean over many weights, where windows lie inside."""
    op, keys = c.op, jax.random.split(jax.random.key(1), 16)
    energy = np.zeros(op.channels_out)
    for key in keys:
        energy += (np.asarray(op.kernel(op.init(key))) ** 2).reshape(-1, op.channels_out).sum(axis=0)
    assert 0.6 < energy.mean() / len(keys) < 1.5


def test_biases_are_the_fixed_vectors() -> None:
    op = case("vectors").op
    assert op.bias_dim == 0
    assert op.init_bias() == ()
    G = dv.special_orthogonal(3)
    x = dv.Field(dv.euclidean(3, G))
    y = dv.Field(x.group, fibre=2 * dv.trivial(G) + dv.irrep(G, 1))
    op = kn.lower(dv.solve(x, y, support=dv.ball("R")), window=3)
    assert [b.shape for b in jax.tree.leaves(op.init_bias())] == [(1, 1, 2), (0, 1, 1)]
    b = (jnp.array([2.0, 3.0]).reshape(1, 1, 2), jnp.zeros((0, 1, 1)))
    w = jax.tree.map(jnp.zeros_like, op.init(jax.random.key(0)))
    np.testing.assert_allclose(op(w, jnp.zeros((3, 3, 3, 1)), b)[0, 0, 0], [2, 3, 0, 0, 0])


def test_functions_of_ones_own_are_the_exact_kernels() -> None:
    """K[d] is a combination of P_b(d/|d|) R_k(|d|), the matrices evaluated by SymPy."""
    c = case("SO(2)")
    op = kn.lower(
        c.solution, window=5, radial=lambda r: np.stack([r * np.exp(-r), r**2 * np.exp(-r)], axis=-1)
    )
    kernel = np.asarray(op.kernel(op.init(jax.random.key(0)))).reshape(25, 3, 8)
    d = op.window.places
    r = np.linalg.norm(d, axis=1)
    directions = d / np.where(r > 0, r, 1)[:, None]
    columns = []
    for k in range(len(evaluated(c.solution, d[0]))):
        angular = np.stack([evaluated(c.solution, a)[k] for a in directions])
        columns += [(angular * (r**p * np.exp(-r))[:, None, None]).reshape(-1) for p in (1, 2)]
    target = kernel.transpose(0, 2, 1).reshape(-1)
    rest = target - np.array(columns).T @ np.linalg.lstsq(np.array(columns).T, target, rcond=None)[0]
    assert abs(rest).max() < 1e-10


def test_equal_solutions_are_equal_ops() -> None:
    make = lambda: kn.lower(case("SO(2)").solution, window=5, on_broken="ignore")  # noqa: E731
    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != kn.lower(case("SO(2)").solution, window=5, band=2.0)


def test_jit_vmap_grad_and_export() -> None:
    c = case("SO(2)")
    w, x, _ = c.arrays()
    y = c.op(w, x)
    np.testing.assert_allclose(jax.jit(c.op)(w, x), y, atol=1e-12)
    np.testing.assert_allclose(jax.vmap(c.op, (None, 0))(w, x), y, atol=1e-12)
    half = c.op(jax.tree.map(lambda a: a.astype(jnp.bfloat16), w), x.astype(jnp.bfloat16))
    assert half.dtype == jnp.bfloat16
    assert abs(np.asarray(half, float) - y).max() < 0.05 * abs(y).max()
    grads = jax.grad(lambda w: (c.op(w, x) ** 2).sum())(w)
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(grads))
    artifact = c.op.export(w, x.shape)
    np.testing.assert_allclose(artifact(w, x), y, atol=1e-10)


def test_empty_batches_and_single_samples() -> None:
    c = case("SO(2)")
    w, x, _ = c.arrays()
    assert c.op(w, x[:0]).shape == (0, 7, 7, 8)
    np.testing.assert_allclose(c.op(w, x[0]), c.op(w, x)[0], atol=1e-12)


def test_sizes_as_people_give_them() -> None:
    s = case("O(2) stride").solution
    same = kn.lower(s, window=np.int64(3), strides=[1, 1], spacing=np.ones(2), band=np.float32(2.5))
    assert same.window.sizes == (3, 3)
    assert same.window.spacing == (1.0, 1.0)
    wide = kn.lower(s, window=(3, 5), on_broken="ignore")
    assert wide.into.group.point.order == 4
    assert wide.kernel(wide.init(jax.random.key(0))).shape[:2] == (3, 5)


def test_copies_by_name() -> None:
    G = dv.orthogonal(2)
    E = dv.euclidean(2, G)
    x, y = dv.Field(E, channels="C"), dv.Field(E, fibre=degrees(G, 1))
    op = kn.lower(dv.solve(x, y, support=dv.ball("R")), window=3, sizes={"C": 3})
    assert op.channels_in == 3


def test_what_a_stranger_reads() -> None:
    op = case("SO(2)").op
    assert repr(op).startswith("SampledOp(3 -> 8 channels on 5 x 5 taps, |w| <= 2.36, ")
    assert "worst error" in repr(op)
    assert "root of the share of energy" in repr(op.equivariance_error)
    assert "dropped: " in repr(op.kernels_kept)
    assert "may" in repr(op.kernels_kept)
    assert len(op.kernels_kept.kept) > 0
    assert all(c.why for c in op.kernels_kept.dropped)
    exact = kn.lower(case("line").solution, window=5)
    assert repr(exact).endswith("exact)")
