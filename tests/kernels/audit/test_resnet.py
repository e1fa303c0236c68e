"""A residual network of eighteen layers, as Equinox users write it. arXiv:1512.03385, table 1."""

from __future__ import annotations

import time
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

import derive as dv
import kernels as kn


class Block(eqx.Module):
    """Two convolutions beside a shortcut."""

    conv1: Any
    norm1: Any
    conv2: Any
    norm2: Any
    down: Any

    def __init__(self, inputs: int, outputs: int, stride: int, key: jax.Array) -> None:
        a, b, c = jax.random.split(key, 3)
        self.conv1 = eqx.nn.Conv2d(inputs, outputs, 3, stride, 1, use_bias=False, key=a)
        self.norm1 = eqx.nn.GroupNorm(1, outputs)
        self.conv2 = eqx.nn.Conv2d(outputs, outputs, 3, 1, 1, use_bias=False, key=b)
        self.norm2 = eqx.nn.GroupNorm(1, outputs)
        self.down = eqx.nn.Conv2d(inputs, outputs, 1, stride, use_bias=False, key=c) if stride > 1 else None

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return jax.nn.relu(y + (x if self.down is None else self.down(x)))


class ResNet(eqx.Module):
    stem: Any
    pool: Any
    blocks: list[Block]
    head: Any

    def __init__(self, widths: tuple[int, ...], key: jax.Array) -> None:
        keys = iter(jax.random.split(key, 2 + 2 * len(widths)))
        self.stem = eqx.nn.Conv2d(3, widths[0], 7, 2, 3, key=next(keys))
        self.pool = eqx.nn.MaxPool2d(3, 2, padding=1)
        self.blocks = []
        for k, width in enumerate(widths):
            first = Block(widths[k - 1] if k else width, width, 2 if k else 1, next(keys))
            self.blocks += [first, Block(width, width, 1, next(keys))]
        self.head = eqx.nn.Linear(widths[-1], 10, key=next(keys))

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.pool(jax.nn.relu(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((1, 2)))


def check(widths: tuple[int, ...], n: int) -> kn.Audit:
    """Every convolution is free under quarter turns; pooling and strides at even sizes are blamed as such."""
    model = ResNet(widths, jax.random.key(0))
    x = np.random.default_rng(0).standard_normal((3, n, n)).astype(np.float32)
    found = kn.audit(model, x, dv.Field(dv.point_group("C4", dim=2), channels=3, grid=(n, n)))
    convs = 2 * len(model.blocks)
    causes = {layer.name: layer.cause for layer in found.layers if layer.lost}
    assert found.first is not None
    assert found.first.name == "stem"
    assert sum("conv" in name for name in causes) == convs
    assert "pooling phase" in causes["pool"]
    downs = [f"blocks[{2 * k}].down" for k in range(1, len(widths))]
    assert all("even size under a stride" in causes[name] for name in downs if "4 x 4" not in causes[name])
    assert all("a stride of 2 over 4 x 4 sites" in causes[name] for name in downs[2:])
    assert set(causes) == {"stem", "pool", *downs, *(name for name in causes if "conv" in name)}
    assert found.kept == ()
    return found


def test_a_small_one() -> None:
    check((4, 8), 32)


@pytest.mark.slow
def test_eighteen_layers_of_64_x_64_pixels_take_less_than_a_minute() -> None:
    start = time.perf_counter()
    found = check((64, 128, 256, 512), 64)
    assert len(found.layers) > 50
    assert time.perf_counter() - start < 60
