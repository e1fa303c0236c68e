"""Every layer commutes with every generator of its group: on open arrays, and on tori with translations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.layers.cases import Case, filled, on_lattice
from tests.kernels.layers.moving import about_centre, both, on_torus

SPATIAL = ("Conv", "ConvTranspose", "AvgPool", "MaxPool", "BlurPool", "Upsample")
SQUARE = on_lattice(dv.wallpaper("p4m"))
LINE = [c for c in on_lattice(dv.space_group(dv.point_group("D1", dim=1))) if c.name in SPATIAL]
O = dv.space_group(dv.point_group("O", dim=3))
VECTORS = dv.Field(O, fibre=dv.trivial(O.point) + dv.defining(O.point))
CUBE = [
    Case("Conv", (VECTORS, dv.trivial(O.point) + dv.defining(O.point), dv.box(1)), {"strides": 2}, 3),
    Case("LayerNorm", (VECTORS,), {}, 3),
    Case("Gate", (VECTORS,), {}, 3),
    Case("BlurPool", (VECTORS,), {}, 5),
    Case("MaxPool", (dv.Field(O), 2), {}, 4),
    Case("Upsample", (VECTORS, 2), {"method": "linear"}, 3),
]
P6M, D4 = dv.wallpaper("p6m"), dv.point_group("D4")
VECTORS_TOO = 2 * dv.defining(P6M.point) + dv.regular(P6M.point)
HEXAGONS = dv.Field(P6M, fibre=VECTORS_TOO, grid=6, boundary="periodic")
SCALARS = dv.Field(P6M, channels=2, grid=6, boundary="periodic")
SLANTED = [
    Case("Conv", (HEXAGONS, dv.regular(P6M.point), dv.hexagon(1)), {"strides": 2}),
    Case("ConvTranspose", (SCALARS, dv.regular(P6M.point), dv.hexagon(1))),
    Case("AvgPool", (HEXAGONS, dv.hexagon(1)), {"strides": 1}),
    Case("AvgPool", (HEXAGONS, dv.hexagon(1)), {"strides": 2}),
    Case("MaxPool", (SCALARS, dv.hexagon(1)), {"strides": 3}),
    Case("MaxPool", (SCALARS, dv.hexagon(2)), {"strides": 1}),
    *(Case(name, (HEXAGONS,)) for name in ("NormActivation", "BatchNorm", "LayerNorm", "Gate")),
    Case("GroupPool", (HEXAGONS, "norm")),
]
MIDDLE = dv.Field(D4, grid=5, fibre=dv.regular(D4))  # about the middle of a grid, without translations
ENDS = dv.Field(dv.wallpaper("p4m"), grid=7, boundary="zero", channels=3)
CENTRED = [
    Case(name, (field, *args), options)
    for field in (MIDDLE, ENDS)
    for name, args, options in [
        ("Conv", (dv.regular(field.group.point), dv.window(3)), {"strides": 2}),
        ("ConvTranspose", (dv.regular(field.group.point), dv.window(3)), {}),
        ("MaxPool", (3,), {"strides": 2}),
        ("BlurPool", (), {}),
        ("Upsample", (2,), {"method": "linear"}),
        ("AvgPool", (), {}),
    ]
]
TORI = [
    *SLANTED,
    *(c for c in on_lattice(dv.wallpaper("p4"), grid=(6, 6)) if c.name in SPATIAL),
    *on_lattice(dv.wallpaper("p6m"), grid=(6, 6), strided=False)[:4],
    *on_lattice(dv.wallpaper("p4g"), grid=(6, 6), strided=False),
    *on_lattice(dv.wallpaper("pg"), grid=(4, 6), strided=False)[:2],
]


def check(case: Case, move: Any) -> None:
    spec = case.spec
    params, stats = filled(spec.init(jax.random.key(0))), spec.init_stats()
    if stats:
        stats = {"mean": stats["mean"], "variance": jnp.abs(filled(stats["variance"])) + 0.5}
    x = case.array()
    run = jax.jit(lambda x: spec(params, x, stats=stats, train=bool(stats)).y)
    into, out = both(spec)
    y = np.asarray(run(x))
    assert np.isfinite(y).all()
    assert np.ptp(y) > 0.1, "an output without contrast shows nothing"
    for name in spec.group.generators if move is on_torus and spec.group.dim else into.group.point.generators:
        got = np.asarray(run(move(into, name, x).astype(np.float32)))
        np.testing.assert_allclose(got, move(out, name, y), atol=3e-5, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("case", [*SQUARE, *LINE, *CUBE, *CENTRED], ids=str)
def test_open_arrays(case: Case) -> None:
    check(case, about_centre)


@pytest.mark.parametrize("case", [c for c in (*SQUARE, *SLANTED[:3]) if c.name in SPATIAL], ids=str)
def test_the_library_s_own_check_agrees(case: Case) -> None:
    """`check_equivariance` of a layer under its group; what it does not carry are shifts of open arrays."""
    spec = case.spec
    params = filled(spec.init(jax.random.key(0)))
    into, out = spec.fields
    report = kn.check_equivariance(lambda x: spec(params, x).y, jnp.asarray(case.array()), into=into, out=out)
    checked = {c.name for c in report.comparisons}
    assert checked >= set(spec.into.group.point.generators)
    assert {u.name for u in report.uncarried} <= {"t_u", "t_v"}


@pytest.mark.parametrize("case", TORI, ids=str)
def test_tori(case: Case) -> None:
    check(case, on_torus)
