"""Every layer commutes with every generator of its group: on open arrays, and on tori with translations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
from tests.kernels.layers.cases import Case, filled, on_lattice
from tests.kernels.layers.moving import about_centre, both, on_torus

SQUARE = on_lattice(dv.wallpaper("p4m"))
LINE = on_lattice(dv.space_group(dv.point_group("D1", dim=1)))
MIRRORS = on_lattice(dv.wallpaper("pmm"), strided=False)
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
TORI = [
    *on_lattice(dv.wallpaper("p4"), grid=(6, 6)),
    *on_lattice(dv.wallpaper("p6m"), grid=(6, 6), strided=False),
    *on_lattice(dv.wallpaper("p4g"), grid=(6, 6), strided=False),
    *on_lattice(dv.wallpaper("pg"), grid=(4, 6), strided=False),
    *on_lattice(dv.space_group(dv.point_group("D1", dim=1)), grid=(6,)),
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


@pytest.mark.parametrize("case", [*SQUARE, *LINE, *MIRRORS, *CUBE], ids=str)
def test_open_arrays(case: Case) -> None:
    check(case, about_centre)


@pytest.mark.parametrize("case", TORI, ids=str)
def test_tori(case: Case) -> None:
    check(case, on_torus)
