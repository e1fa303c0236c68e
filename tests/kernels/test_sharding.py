"""Convolutions on several devices: what they exchange, and that they compute what one device does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.sharding import AbstractMesh

import kernels as kn
from kernels.convolution.sharding import halo
from tests.kernels.sharded import CASES

LOWERED = ("lowered, with fibres", "lowered, circular")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "tests.kernels.sharded"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_collectives_values_and_gradients(case, outcomes) -> None:
    """Halos between neighbours and sums; never the whole image, in no direction."""
    seen = outcomes[case.name]
    allowed = case.both | ({"all-reduce": case.both["all-reduce"] + 1} if case.summed else {})
    assert seen["forward"] == case.forward
    assert all(count <= allowed.get(kind, 0) for kind, count in seen["both"].items()), seen["both"]
    assert seen["distance"] < 1e-13
    assert all(seen["kept"]), "gradients are distributed like their values"


@pytest.mark.parametrize("name", LOWERED)
def test_lowered_answers(name: str, outcomes) -> None:
    seen = outcomes[name]
    assert seen["forward"] == {"collective-permute": 2}
    assert set(seen["both"]) == {"collective-permute", "all-reduce"}
    assert seen["distance"] < 1e-13


@st.composite
def axes(draw) -> halo.Axis:
    """One axis of a convolution with any options, zero border or circle."""
    one = lambda high: draw(st.integers(1, high))  # noqa: E731
    sites, taps, stride, base, dilation = one(40), one(5), one(4), one(3), one(3)
    span, ring = dilation * (taps - 1) + 1, draw(st.booleans())
    low = draw(st.integers(0 if ring else -2, span))
    length = base * sites if ring else base * (sites - 1) + 1
    outputs = max(1, (length + low + draw(st.integers(-1, 4)) - span) // stride + 1)
    return halo.Axis(sites, outputs, taps, stride, low, base, dilation, base * sites if ring else 0)


@given(axes(), st.integers(1, 8))
def test_every_device_gets_the_places_that_it_reads(axis: halo.Axis, shards: int) -> None:
    """The plan, carried out on a list, gives device i the places from stride M i - low on."""
    plan = halo.plan(axis, shards)
    if plan is None:
        return
    many = -(-axis.outputs // shards)
    span = axis.stride * (many - 1) + axis.dilation * (axis.taps - 1) + 1
    for i in range(-(-axis.outputs // many)):
        start = axis.stride * many * i - axis.low
        expected = [_place(axis, t) for t in range(start, start + span)]
        assert _read(axis, plan, i) == expected


def _place(axis: halo.Axis, t: int) -> int:
    """What lies at a place: the site's number from 1 on, or 0."""
    if axis.circle:
        t %= axis.circle
    return t // axis.base + 1 if t % axis.base == 0 and 0 <= t // axis.base < axis.sites else 0


def _read(axis: halo.Axis, plan: halo.Halo, i: int) -> list[int]:
    sites = [
        _place(axis, axis.base * q)
        for q in range(plan.block * i - plan.left, plan.block * (i + 1) + plan.right)
    ]
    sites = [0] * plan.more[0] + sites + [0] * plan.more[1]
    filled = _fill(sites, plan.filled)
    filled = [0] * (plan.filled - 1) + filled + [0] * (plan.filled - 1)
    seen = filled[plan.first[i] : plan.first[i] + plan.length]
    line = _fill(seen, plan.base)
    low, high = plan.pads
    line = [0] * low + line if low >= 0 else line[-low:]
    return line + [0] * high if high >= 0 else line[:high]


def _fill(sites: list[int], base: int) -> list[int]:
    return [v for site in sites for v in (site, *(0,) * (base - 1))][: base * (len(sites) - 1) + 1]


def test_plans_that_neighbours_cannot_serve() -> None:
    axis = halo.Axis(sites=16, outputs=16, taps=7, stride=1, low=3, base=1, dilation=1, circle=0)
    assert halo.plan(axis, 4) is not None
    assert halo.plan(axis, 8) is None  # three sites of a block of two
    wide = halo.Axis(sites=56, outputs=64, taps=9, stride=1, low=8, base=1, dilation=1, circle=0)
    assert halo.plan(wide, 8) is not None  # eight before a block of seven, all of them zeros
    assert halo.plan(axis._replace(circle=16), 3) is None  # the ring does not close on equal blocks


MESH: Any = AbstractMesh((8, 2), ("rows", "columns"))
IMAGE = np.zeros((4, 64, 10, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"spatial": ("r", None)},
            "mesh must have the axis 'r', got ('rows', 'columns'); use one of its axes",
        ),
        (
            {"spatial": ("rows", "rows")},
            "mesh can share out one axis of the image by 'rows', got ['rows', 'rows']; use it once",
        ),
        (
            {"spatial": ("columns", "rows")},
            "axis 2 of image must divide into 8 equal blocks, got 10; pad it to 16 or crop it to 8",
        ),
        (
            {"spatial": ("rows", None), "window": (19, 3)},
            "window must reach no further than the neighbouring blocks of 8 along axis 1, got 19, "
            "a halo of 9; share that axis out over at most 7 devices",
        ),
        (
            {"spatial": ("rows", None), "window": (3, True)},
            "window must be a positive integer, got True; give 1 or more",
        ),
        (
            {"spatial": ("rows", None), "window": (3,)},
            "window must have one entry per spatial axis (2), got (3,); give an integer or 2 of them",
        ),
        (
            {"spatial": "rows"},
            "spatial must have one entry per spatial axis of an image with 4 axes, got 'rows'; "
            'say spatial=("rows", None) for an image (batch..., height, width, C) cut into rows',
        ),
        (
            {"spatial": (0, None)},
            "mesh must have the axis 0, got ('rows', 'columns'); use one of its axes",
        ),
        (
            {"spatial": ("rows", None), "window": "3"},
            "window must be a positive integer, got '3'; give 1 or more",
        ),
        (
            {"spatial": (None, None, None), "batch": "rows"},
            "batch needs a batch axis, got 'rows'; leave it out, or add the axis",
        ),
    ],
)
def test_shard_image_refuses(options, message: str) -> None:
    with pytest.raises(kn.MeshError) as error:
        kn.shard_image(IMAGE, MESH, **options)
    assert str(error.value) == message


def test_shard_image_wants_a_mesh() -> None:
    with pytest.raises(kn.MeshError) as error:
        kn.shard_image(IMAGE, None, spatial=("rows", None))  # type: ignore[arg-type]
    assert str(error.value) == "mesh must be a jax.sharding.Mesh, got None; use jax.make_mesh"


def test_shard_image_reads_what_numpy_can_slice(tmp_path) -> None:
    """A file on disk becomes an image; one that is on a device already is moved."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("rows",))
    on_disk = np.memmap(tmp_path / "image", np.float32, "w+", shape=(1, 4, 4, 1))
    on_disk[...] = np.arange(16).reshape(1, 4, 4, 1)
    for image in (on_disk, jax.numpy.asarray(on_disk)):
        spread = kn.shard_image(image, mesh, spatial=("rows", None), batch=None)
        np.testing.assert_array_equal(spread, on_disk)
        assert tuple(spread.sharding.spec) == (None, "rows", None, None)
