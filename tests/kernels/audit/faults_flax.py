"""Flax NNX models with one planted fault each."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

import derive as dv
from tests.kernels.audit.fault import S14, S44, Fault, lift
from tests.kernels.audit.parts import (
    C4,
    D1,
    D4,
    P4,
    P4M,
    Stack,
    image,
    nnx_conv,
    normal,
    skew,
    still,
    symmetric,
    torus,
)


class Net(nnx.Module):
    """Pooling as a function, between modules."""

    def __init__(self, after: Callable[[jax.Array], jax.Array]) -> None:
        self.conv = nnx_conv(S14)
        self.after = after

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.conv(x))
        x = self.after(x)
        return jnp.tanh(x)


class Embedded(nnx.Module):
    def __init__(self) -> None:
        self.conv = nnx_conv(S14)
        self.position = nnx.Param(jnp.asarray(normal(8, 8, 4, seed=8)))

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(x)
        x = x + self.position[...]
        return nnx.relu(x)


def learned_norm() -> nnx.BatchNorm:
    """In inference, with another mean and variance for every channel of a fibre."""
    norm = nnx.BatchNorm(8, use_running_average=True, rngs=nnx.Rngs(0))
    norm.mean[...] = jnp.asarray(0.5 * normal(8))
    norm.var[...] = jnp.asarray(1 + normal(8) ** 2)
    return norm


FLAX = [
    Fault(
        "free kernel",
        lambda: Stack(nnx_conv(S14), nnx.relu, nnx_conv(skew(S44))),
        image(8),
        still(D4, 8),
        "layers[2]",
        "r, m",
        "weights",
    ),
    Fault(
        "pooling function at an odd size",
        lambda: Net(lambda x: nnx.max_pool(x, (2, 2), strides=(2, 2))),
        image(9),
        still(D4, 9),
        "self.after",
        "r, m",
        "pooling phase",
    ),
    Fault(
        "average of three, SAME, even size",
        lambda: Net(lambda x: nnx.avg_pool(x, (3, 3), strides=(2, 2), padding="SAME")),
        image(8),
        still(C4, 8),
        "self.after",
        "r",
        "pooling phase",
    ),
    Fault(
        "samples without a window",
        lambda: Net(lambda x: x[:, ::2, ::2]),
        image(8),
        still(C4, 8),
        "self.after",
        "r",
        "pooling phase",
    ),
    Fault(
        "stride two, SAME, even size",
        lambda: Stack(nnx_conv(S14), nnx_conv(S44, strides=2)),
        image(8),
        still(C4, 8),
        "layers[1]",
        "r",
        "even size under a stride",
    ),
    Fault("position table", Embedded, image(8), still(C4, 8), "self.position", "r", "position-dependent"),
    Fault(
        "dropout",
        lambda: Stack(nnx_conv(S14), nnx.Dropout(0.5, rngs=nnx.Rngs(1))),
        image(8),
        still(C4, 8),
        "layers[1]",
        "r",
        "random numbers",
    ),
    Fault(
        "statistics of the batch on fibres",
        lambda: Stack(lift(), nnx.BatchNorm(8, rngs=nnx.Rngs(0)), nnx.relu),
        image(8),
        torus(P4, 8),
        "layers[1]",
        "r",
        "batch statistics",
    ),
    Fault(
        "running statistics of single channels",
        lambda: Stack(lift(), learned_norm(), nnx.relu),
        image(8),
        torus(P4, 8),
        "layers[1]",
        "r",
        "channels that the group mixes",
        kept="t_u, t_v",
    ),
    Fault(
        "causal padding",
        lambda: Stack(nnx_conv(symmetric(3, 1, 2, rank=1), padding="CAUSAL")),
        image(16, rank=1),
        still(D1, 16),
        "layers[0]",
        "m",
        "half-site offset",
    ),
    Fault(
        "zeros around a torus",
        lambda: Stack(nnx_conv(S14, padding="CIRCULAR"), nnx_conv(S44)),
        image(8),
        torus(P4M, 8),
        "layers[1]",
        "t_u, t_v",
        "the border",
        kept="r, m",
    ),
    Fault(
        "dense layer over pixels",
        lambda: Stack(nnx_conv(S14), lambda x: x.reshape(len(x), -1), nnx.Linear(256, 3, rngs=nnx.Rngs(0))),
        image(8),
        still(C4, 8),
        "layers[2]",
        "r",
        "position-dependent",
        out=3 * dv.trivial(C4),
    ),
]
