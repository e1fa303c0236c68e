"""Layers without solved weights against their formulas, written out in NumPy."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
from kernels.layers.core.norms import batch_norm, layer_norm
from kernels.layers.core.pointwise import dropout, gate, group_pool, norm_activation
from kernels.layers.core.pooling import avg_pool, blur_pool, max_pool
from kernels.layers.core.upsampling import upsample
from tests.kernels.layers.cases import filled

P4M, P6M = dv.wallpaper("p4m"), dv.wallpaper("p6m")
D4 = P4M.point
ONE, TURN = dv.trivial(D4), dv.irreps(D4)[-1]
FIBRE = 2 * ONE + 3 * TURN + 2 * dv.regular(D4)  # 2 + 6 + 16 channels
COPIES = [[0], [1], [2, 3], [4, 5], [6, 7], [*range(8, 16)], [*range(16, 24)]]
KINDS = [[0, 1], [2, 3, 4], [5, 6]]  # copies of one piece
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 5, 5, 24)).astype(np.float32) + RNG.normal(size=24).astype(np.float32)


def mean_of(v: np.ndarray) -> np.ndarray:
    """What does not move of vectors (..., dim): of a scalar all, of a turn nothing, else the mean."""
    dim = v.shape[-1]
    return np.zeros_like(v) if dim == 2 else np.broadcast_to(v.mean(-1, keepdims=True), v.shape)


def test_batch_norm() -> None:
    spec = batch_norm(dv.Field(P4M, fibre=FIBRE), momentum=0.9)
    params = filled(spec.init(None))
    assert params["scale"].shape == (7,)
    assert params["bias"].shape == (4,)
    y, stats = spec(params, X, stats=spec.init_stats(), train=True)
    bias = iter(np.asarray(params["bias"]))
    for k, at in enumerate(COPIES):
        v = X[..., at].astype(np.float64)
        mean = mean_of(v.mean((0, 1, 2)))
        variance = ((v - mean) ** 2).mean()
        expected = float(params["scale"][k]) * (v - mean) / np.sqrt(variance + 1e-5)
        expected = expected + (0 if len(at) == 2 else next(bias))
        np.testing.assert_allclose(y[..., at], expected, atol=2e-5, rtol=1e-4)
        np.testing.assert_allclose(stats["mean"][np.array(at)], 0.1 * mean, atol=1e-5)
        np.testing.assert_allclose(stats["variance"][k], 0.9 + 0.1 * variance, rtol=1e-4)
    calm, same = spec(params, X, stats=stats)
    assert same is stats
    assert np.abs(np.asarray(calm) - np.asarray(y)).max() > 0.1


def test_batch_norm_over_a_mapped_axis() -> None:
    spec = batch_norm(dv.Field(P4M, fibre=FIBRE), axis_name="many")
    params, stats = spec.init(None), spec.init_stats()

    def one(x: Any) -> Any:
        return spec(params, x, stats=stats, train=True)

    y, kept = jax.vmap(one, axis_name="many")(X)
    whole = batch_norm(dv.Field(P4M, fibre=FIBRE))(params, X, stats=stats, train=True)
    np.testing.assert_allclose(kept["mean"][0], whole.stats["mean"], atol=1e-5)
    np.testing.assert_allclose(y, whole.y, atol=1e-4)


def test_layer_norm() -> None:
    spec = layer_norm(dv.Field(P4M, fibre=FIBRE))
    params = filled(spec.init(None))
    y = spec(params, X).y
    bias = iter(np.asarray(params["bias"]))
    for kind in KINDS:
        v = np.stack([X[..., COPIES[k]] for k in kind], -2).astype(np.float64)
        v = v - mean_of(v.mean(-2, keepdims=True))
        v = v / np.sqrt((v**2).mean((-1, -2), keepdims=True) + 1e-5)
        for j, k in enumerate(kind):
            shift = 0 if len(COPIES[k]) == 2 else next(bias)
            expected = float(params["scale"][k]) * v[..., j, :] + shift
            np.testing.assert_allclose(y[..., COPIES[k]], expected, atol=2e-5, rtol=1e-4)


def test_norm_activation() -> None:
    spec = norm_activation(FIBRE, jax.nn.softplus)
    params = filled(spec.init(None))
    y = spec(params, X).y
    for k, at in enumerate(COPIES):
        v, b = X[..., at].astype(np.float64), float(params["bias"][k])
        length = np.sqrt((v**2).sum(-1, keepdims=True))
        expected = np.logaddexp(0, v + b) if len(at) == 1 else v * np.logaddexp(0, length + b) / length
        np.testing.assert_allclose(y[..., at], expected, atol=1e-5, rtol=1e-4)


def test_lengths_in_slanted_axes() -> None:
    """The vectors of a hexagonal lattice, in axial coordinates, have the length that their turns keep."""
    field = dv.Field(P6M, fibre=2 * dv.defining(P6M.point))
    x = RNG.normal(size=(9, 4, 4, 4)).astype(np.float32)
    y = np.asarray(group_pool(field, "norm")({}, x).y)
    for name in P6M.point.generators:
        rho = np.array(field.fibre.matrix(name), dtype=np.float64)
        assert np.abs(rho.T @ rho - np.eye(4)).max() > 0.5 or name == "m"
        turned = group_pool(field, "norm")({}, (x @ rho.T).astype(np.float32)).y
        np.testing.assert_allclose(turned, y, rtol=1e-4)


def test_gradients_at_zero_are_finite() -> None:
    for spec in (norm_activation(FIBRE), group_pool(FIBRE, "norm"), layer_norm(FIBRE), gate(FIBRE)):
        params = filled(spec.init(None))
        zeros = jnp.zeros((3, int(spec.into.fibre.dim)), jnp.float32)
        grads = jax.grad(lambda x, spec=spec, params=params: spec(params, x).y.sum())(zeros)
        assert bool(jnp.isfinite(grads).all())


def test_gate() -> None:
    spec = gate(FIBRE, jnp.tanh, scalars=jax.nn.silu)
    x = RNG.normal(size=(6, 29)).astype(np.float32)
    y = spec({}, x).y
    silu = x[:, :2] / (1 + np.exp(-x[:, :2]))
    np.testing.assert_allclose(y[:, :2], silu, atol=1e-6)
    for k, at in enumerate(COPIES[2:]):
        np.testing.assert_allclose(y[:, at], x[:, at] * np.tanh(x[:, 24 + k])[:, None], atol=1e-6)


def test_dropout_drops_whole_fibres() -> None:
    spec = dropout(dv.Field(P4M, fibre=FIBRE), 0.25)
    y = np.asarray(spec({}, np.ones_like(X), key=jax.random.key(0), train=True).y)
    assert {0.0, np.float32(1 / 0.75)} == set(np.unique(y).tolist())
    for at in COPIES:
        assert (y[..., at] == y[..., at[:1]]).all()
    assert y[..., 8].std() > 0
    assert 0.65 < (y != 0).mean() < 0.85
    np.testing.assert_array_equal(spec({}, X, key=jax.random.key(0)).y, X)
    np.testing.assert_array_equal(dropout(FIBRE, 1.0)({}, X, train=True).y, 0 * X)
    np.testing.assert_array_equal(dropout(FIBRE, 0)({}, X, train=True).y, X)


def test_group_pools() -> None:
    y = {
        how: np.asarray(group_pool(2 * dv.regular(D4), how)({}, X[..., 8:]).y)
        for how in ("max", "mean", "norm")
    }
    parts = X[..., 8:].reshape(4, 5, 5, 2, 8)
    np.testing.assert_array_equal(y["max"], parts.max(-1))
    np.testing.assert_allclose(y["mean"], parts.mean(-1), atol=1e-6)
    np.testing.assert_allclose(y["norm"], np.sqrt((parts**2).sum(-1)), atol=1e-5)


# ---- over sites --------------------------------------------------------------------------------------------


def windows(x: np.ndarray, offsets: list[tuple[int, ...]], first: int, stride: int, count: int) -> np.ndarray:
    """(taps, count, count, C): what every output reads of one image, NaN off the image."""
    found = np.full((len(offsets), count, count, x.shape[-1]), np.nan)
    for k, (a, b) in enumerate(offsets):
        for i, j in product(range(count), repeat=2):
            u, v = first + stride * i + a, first + stride * j + b
            if 0 <= u < x.shape[0] and 0 <= v < x.shape[1]:
                found[k, i, j] = x[u, v]
    return found


@pytest.mark.parametrize(("k", "s", "n"), [(2, 2, 6), (3, 2, 7), (3, 1, 5), (4, 3, 7), (1, 2, 5)])
def test_pools(k: int, s: int, n: int) -> None:
    x = RNG.normal(size=(n, n, 3)).astype(np.float32)
    field = dv.Field(P4M, channels=3)
    count = (n - k) // s + 1
    read = windows(x, list(product(range(k), repeat=2)), 0, s, count)
    for make, expected in ((avg_pool, read.mean(0)), (max_pool, read.max(0))):
        spec = make(field, k, strides=s)
        np.testing.assert_allclose(spec({}, x).y, expected, atol=1e-6)
        assert spec.out.lattice.spacing == (s, s)
        assert spec.out.lattice.offset[0] % 1 == (k - 1) / 2 % 1


@pytest.mark.parametrize(("k", "s", "n"), [(3, 2, 7), (5, 3, 7), (4, 2, 6), (1, 1, 4)])
def test_blurs(k: int, s: int, n: int) -> None:
    row = np.array([1.0])
    for _ in range(k - 1):
        row = np.convolve(row, [0.5, 0.5])
    x = RNG.normal(size=(n, n, 3)).astype(np.float32)
    low = (k - 1) // 2
    read = np.nan_to_num(windows(x, list(product(range(-low, k - low), repeat=2)), 0, s, (n - 1) // s + 1))
    expected = (read * np.outer(row, row).reshape(-1, 1, 1, 1)).sum(0)
    np.testing.assert_allclose(
        blur_pool(dv.Field(P4M, channels=3), k, strides=s)({}, x).y, expected, atol=1e-6
    )


def test_borders() -> None:
    x = RNG.normal(size=(6, 6, 2)).astype(np.float32)
    field = dv.Field(P4M, channels=2)
    for padding, mode in (
        ("SAME", "constant"),
        ("REFLECT", "reflect"),
        ("REPLICATE", "edge"),
        ("CIRCULAR", "wrap"),
    ):
        bigger = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode=mode)
        read = windows(bigger, list(product(range(3), repeat=2)), 0, 1, 6)
        found = avg_pool(field, 3, strides=1, padding=padding)({}, x).y
        np.testing.assert_allclose(found, read.mean(0), atol=1e-6)
    wide = max_pool(field, 3, strides=1, padding=[(1, 0), (0, 1)], on_broken="ignore")({}, x).y
    assert wide.shape == (5, 5, 2)


HEXAGON = [(0, 0), (1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)]


@pytest.mark.parametrize("stride", [1, 2])
def test_hexagonal_windows(stride: int) -> None:
    """The middle and its six neighbours, whichever of both axial settings the group has."""
    field = dv.Field(P6M, channels=2)
    sign = 1 if P6M.metric[0][1] > 0 else -1
    offsets = [(a, sign * b) for a, b in HEXAGON]
    x = RNG.normal(size=(7, 7, 2)).astype(np.float32)
    read = windows(x, offsets, 1, stride, (7 - 3) // stride + 1)
    found = max_pool(field, dv.hexagon(1), strides=stride)
    np.testing.assert_allclose(found({}, x).y, read.max(0), atol=1e-6)
    np.testing.assert_allclose(
        avg_pool(field, dv.hexagon(1), strides=stride)({}, x).y, read.mean(0), atol=1e-6
    )


@pytest.mark.parametrize(("n", "m"), [(4, 8), (4, 12), (4, 6), (5, 9), (7, 13), (3, 3)])
@pytest.mark.parametrize("method", ["nearest", "linear"])
def test_upsampling(n: int, m: int, method: str) -> None:
    """Along a line by the definition: positions evenly about the middle, the ends held."""
    line = dv.space_group(dv.point_group("D1", dim=1))
    spec = upsample(dv.Field(line), size=m, grid=n, method=method)
    x = RNG.normal(size=(n, 1)).astype(np.float32)
    stay = (m - 1) % (n - 1) == 0 and m % n
    step = (n - 1) / (m - 1) if stay else n / m
    at = np.clip((n - 1) / 2 + (np.arange(m) - (m - 1) / 2) * step, 0, n - 1)
    low = np.floor(at + 1e-9).astype(int)
    share = at - low
    if method == "nearest":
        share = np.where(np.isclose(share, 0.5), 0.5, np.round(share))
    high = np.minimum(low + 1, n - 1)
    expected = (x[low, 0] * (1 - share) + x[high, 0] * share)[:, None]
    np.testing.assert_allclose(spec({}, x).y, expected, atol=1e-5)
    np.testing.assert_allclose(spec({}, x[::-1].copy()).y, expected[::-1], atol=1e-5)
