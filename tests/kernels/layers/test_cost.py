"""A network is solved and lowered once per content, whoever makes it again."""

from __future__ import annotations

import time
from typing import Any

import jax
import pytest

import derive as dv
from kernels.layers.core import linear
from tests.kernels.layers.frameworks import BOTH, Framework


def deep(f: Framework, seed: int) -> Any:
    """Twenty p4m convolutions, 3 x 3, of 16 regular fibres, from scratch: groups and fields are made anew."""
    G = dv.wallpaper("p4m")
    many = 16 * dv.regular(G.point)
    layers = [f.make("Conv", dv.Field(G), many, dv.window(3), seed=seed)]
    for i in range(1, 20):
        strides = 2 if i in (6, 12) else 1
        layers.append(f.make("Conv", layers[-1].out, many, dv.window(3), strides=strides, seed=seed + i))
    return f.layers.Sequential([each for layer in layers for each in (layer, jax.nn.relu)])


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_twenty_layers_in_a_second(f: Framework) -> None:
    first = deep(f, 0)
    solved = linear._conv.cache_info().misses
    begun = time.perf_counter()
    again = deep(f, 100)
    assert time.perf_counter() - begun < 1
    assert linear._conv.cache_info().misses == solved
    assert [each.spec for each in again.layers] == [each.spec for each in first.layers]
    assert again.layers[2].spec is first.layers[4].spec or again.layers[2].spec == first.layers[4].spec


def test_specs_are_equal_by_content() -> None:
    def made(channels: int, **options: Any) -> Any:
        G = dv.wallpaper("p4")
        return linear.conv(dv.Field(G, name="x"), channels * dv.regular(G.point), dv.window(3), **options)

    assert made(2) == made(2)
    assert hash(made(2)) == hash(made(2))
    for changed in (
        {"strides": 2},
        {"init": "lecun"},
        {"bias": False},
        {"dtype": "bfloat16"},
        {"padding": 1},
    ):
        assert made(2, **changed) != made(2)
    assert made(3) != made(2)
    assert made(2) != "a spec"
