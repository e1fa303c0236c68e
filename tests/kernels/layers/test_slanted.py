"""Finer lattices of hexagonal groups: equivariant, exact on constants and slopes, nearest by distance."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels.layers.core.table import MAKERS
from tests.kernels.layers.cases import Case
from tests.kernels.layers.moving import about_centre, both, on_torus

SLANTED = ("p3", "p31m", "p3m1", "p6", "p6m")
METHODS = ("nearest", "linear")


def upsample(*args: Any, **options: Any) -> Any:
    return MAKERS["Upsample"](*args, **options)


def field(name: str, grid: int | None = 6) -> Any:
    G = dv.wallpaper(name)
    fibre = dv.regular(G.point) + dv.defining(G.point)
    return dv.Field(G, fibre=fibre, grid=grid, boundary=None if grid is None else "periodic")


@pytest.mark.parametrize(
    ("name", "factor"), [*product(SLANTED, (2,)), ("p6m", 3), ("p6", "3/2"), ("p3", 4), ("p6m", "5/3")]
)
@pytest.mark.parametrize("method", METHODS)
def test_tori(name: str, factor: Any, method: str) -> None:
    """Every generator of the layer's group, translations too, in loops over sites."""
    spec = upsample(field(name), factor, method=method)
    assert set(spec.group.point.generators) == set(dv.wallpaper(name).point.generators)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, int(spec.into.fibre.dim))).astype(np.float32)
    run = jax.jit(lambda x: spec({}, x).y)
    into, out = both(spec)
    y = np.asarray(run(x))
    assert y.shape[1] == 6 * Fraction(factor)
    for g in spec.group.generators:
        got = np.asarray(run(on_torus(into, g, x).astype(np.float32)))
        np.testing.assert_allclose(got, on_torus(out, g, y), atol=3e-5, err_msg=g)


@pytest.mark.parametrize("method", METHODS)
def test_open_arrays_keep_the_mirror_that_exchanges_their_axes(method: str) -> None:
    spec = upsample(field("p6m", None), 2, method=method)
    x = np.random.default_rng(0).normal(size=(2, 5, 5, int(spec.into.fibre.dim))).astype(np.float32)
    into, out = both(spec)
    y = np.asarray(spec({}, x).y)
    assert y.shape[1:3] == (9, 9)
    got = np.asarray(spec({}, about_centre(into, "m", x).astype(np.float32)).y)
    np.testing.assert_allclose(got, about_centre(out, "m", y), atol=3e-5)
    report = kn.check_equivariance(lambda x: spec({}, x).y, x, into=into, out=out)
    assert [c.name for c in report.comparisons] == ["m"]


@pytest.mark.parametrize("name", SLANTED)
def test_a_slope_stays_a_slope(name: str) -> None:
    """Linear functions are met exactly, sites stay, and shares add up to 1."""
    spec = upsample(dv.Field(dv.wallpaper(name)), 3, method="linear")
    u, v = np.meshgrid(np.arange(5.0), np.arange(5.0), indexing="ij")
    y = np.asarray(spec({}, jnp.asarray(2 * u - 5 * v + 1)[..., None]).y)[..., 0]
    fine = np.meshgrid(np.arange(13) / 3, np.arange(13) / 3, indexing="ij")
    inner = (slice(3, -3),) * 2  # beyond the ends the last sites stand in
    np.testing.assert_allclose(y[inner], (2 * fine[0] - 5 * fine[1] + 1)[inner], atol=1e-5)
    for method in METHODS:
        one = upsample(field(name), 2, method=method)
        assert np.allclose(one({}, jnp.ones((6, 6, int(one.into.fibre.dim)))).y, 1)
        x = np.random.default_rng(0).normal(size=(6, 6, int(one.into.fibre.dim)))
        np.testing.assert_allclose(np.asarray(one({}, jnp.asarray(x)).y)[::2, ::2], x, atol=1e-6)


def test_nearest_by_the_distances_of_triangles() -> None:
    """Against the distances of all sites, in Cartesian coordinates."""
    for name in ("p3", "p6m"):
        G = dv.wallpaper(name)
        for factor in (2, 3):
            spec = upsample(dv.Field(G, grid=6, boundary="periodic"), factor)
            x = np.random.default_rng(1).normal(size=(6, 6))
            y = np.asarray(spec({}, jnp.asarray(x)[..., None]).y)[..., 0]
            (a, b), (_, c) = np.array(G.metric) / G.metric[0][0]
            for p in product(range(6 * factor), repeat=2):
                best: dict[float, list[float]] = {}
                for q in product(range(-2, 9), repeat=2):
                    d = np.array(p) / factor - q
                    square = round(a * d[0] ** 2 + 2 * b * d[0] * d[1] + c * d[1] ** 2, 9)
                    best.setdefault(square, []).append(x[q[0] % 6, q[1] % 6])
                assert abs(np.mean(best[min(best)]) - y[p]) < 1e-6


def test_what_a_stride_left_out_comes_back() -> None:
    """Down and up again is the lattice that it was: a network with shortcuts."""
    x = field("p6m")
    down = MAKERS["AvgPool"](x, dv.hexagon(1), strides=2)
    up = upsample(down.out, 2)
    assert up.out.lattice == x.lattice
    sized = upsample(down.out, size=6)
    assert sized.out == up.out
    assert upsample(dv.Field(dv.wallpaper("p6")), size=9, grid=5).factors == (2, 2)


def test_other_dimensions() -> None:
    """A prism over hexagons: turned about its axis, mirrored along it."""
    turn = np.eye(3, dtype=int)
    turn[:2, :2] = dv.wallpaper("p6").motions["r"].matrix
    P = dv.matrix_group({"r": turn.tolist(), "s": np.diag([1, 1, -1]).tolist()})
    G = dv.space_group(P)
    case = Case(
        "Upsample", (dv.Field(G, grid=4, boundary="periodic", fibre=dv.regular(P)), 2), {"method": "linear"}
    )
    spec, x = case.spec, case.array()
    into, out = both(spec)
    y = np.asarray(spec({}, x).y)
    for g in spec.group.point.generators:
        got = np.asarray(spec({}, on_torus(into, g, x).astype(np.float32)).y)
        np.testing.assert_allclose(got, on_torus(out, g, y), atol=3e-5, err_msg=g)


def test_a_size_that_is_no_whole_number_of_sites() -> None:
    spec = upsample(dv.Field(dv.wallpaper("p6")), "3/2")
    with pytest.raises(
        kn.ShapeError,
        match="a size that 3/2 times makes a whole number, got 4; use a multiple of 2 and 1 more",
    ):
        spec({}, jnp.ones((4, 4, 1)))
    assert spec({}, jnp.ones((5, 5, 1))).y.shape == (7, 7, 1)
