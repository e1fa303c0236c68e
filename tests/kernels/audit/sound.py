"""Models that keep the whole group: an audit must raise no alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import derive as dv
import kernels as kn
from tests.kernels.audit.fault import KEY, S14, S44, first
from tests.kernels.audit.faults_functions import after, typed
from tests.kernels.audit.parts import (
    C4,
    D1,
    D4,
    P4,
    P4M,
    P6,
    T1,
    T2,
    Chain,
    Named,
    O,
    Stack,
    conv,
    eqx_conv,
    hexagonal,
    image,
    nnx_conv,
    normal,
    relu,
    solved,
    still,
    symmetric,
    torus,
)


@dataclass(frozen=True)
class Sound:
    name: str
    make: Callable[[], Any]
    x: Any
    into: Any
    out: Any = None


LIFT = solved(P4, dv.trivial(C4), 2 * dv.regular(C4))
MIDDLE = solved(P4, 2 * dv.regular(C4), 2 * dv.regular(C4))
LIFT_EIGHT = solved(P4M, dv.trivial(D4), dv.regular(D4))


class Heads(eqx.Module):
    """Features, their mean over the image, a dense layer."""

    conv: Any
    dense: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.gelu(self.conv(x))
        return self.dense(x.mean((1, 2)))


class Excited(eqx.Module):
    """Channels scaled by functions of their means: squeeze and excitation."""

    conv: Any
    dense: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.conv(x)
        scale = jax.nn.sigmoid(self.dense(x.mean((1, 2))))
        return x * scale[:, None, None]


class Looking(eqx.Module):
    """Attention between all sites, without positions."""

    attention: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        tokens = x.reshape(x.shape[0], -1).T
        seen = self.attention(tokens, tokens, tokens)
        return seen.T.reshape(x.shape)


def stacked(x: jax.Array) -> jax.Array:
    """One layer after the other by a scan."""
    kernels = jnp.stack([jnp.asarray(symmetric(3, seed=i)) for i in range(3)])

    def step(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, None]:
        return jax.nn.relu(kn.conv(x, kernel)), None

    return jax.lax.scan(step, x, kernels)[0]


def unet(x: jax.Array) -> jax.Array:
    """Down and up again with a shortcut, at an even size with even windows."""
    fine = jax.nn.relu(kn.conv(x, jnp.asarray(S14)))
    low = kn.avg_pool(fine, (2, 2), strides=2, padding="VALID")
    low = jax.nn.relu(kn.conv(low, jnp.asarray(S44)))
    up = jnp.repeat(jnp.repeat(low, 2, axis=1), 2, axis=2)
    both = jnp.concatenate([fine, up], axis=-1)
    return kn.conv(both, jnp.asarray(symmetric(3, 8, 1)))


def padded(x: jax.Array) -> jax.Array:
    """A torus by hand: the border is copied, then cut by a window without padding."""
    wide = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")
    y = kn.conv(wide, jnp.asarray(normal(3, 3, 1, 4)), padding="VALID")
    return jnp.sin(y)


def spectral(x: jax.Array) -> jax.Array:
    """A convolution by the Fourier transform."""
    spectrum = jnp.fft.rfft2(x, axes=(1, 2))
    filtered = spectrum * jnp.fft.rfft2(jnp.asarray(normal(8, 8, 1)), axes=(0, 1))
    return jnp.fft.irfft2(filtered, axes=(1, 2))


def grouped(x: jax.Array) -> jax.Array:
    """A network with turned copies of one kernel, written by hand: the group permutes its channels."""
    kernel = normal(3, 3, 1, 3)
    turned = jnp.concatenate([jnp.rot90(jnp.asarray(kernel), k, (0, 1)) for k in range(4)], axis=-1)
    y = jax.nn.relu(kn.conv(x, turned))
    y = y.reshape(*y.shape[:-1], 4, 3)
    return y.max(axis=-2)


def separable(x: jax.Array) -> jax.Array:
    """One filter on every channel of a fibre, then its largest channel."""
    y = LIFT(x)
    filters = jnp.tile(jnp.asarray(symmetric(3)), (1, 1, 1, 8))
    y = jax.lax.conv_general_dilated(
        jnp.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap"), filters, (1, 1), "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=8,
    )  # fmt: skip
    return y.reshape(*y.shape[:-1], 2, 4).max(-1)


def p4_net(x: jax.Array) -> jax.Array:
    y = jax.nn.relu(LIFT(x))
    y = jax.nn.relu(MIDDLE(y)) + y
    return y.reshape(*y.shape[:-1], 2, 4).max(-1)


def p4m_net(x: jax.Array) -> jax.Array:
    y = jax.nn.relu(LIFT_EIGHT(x))
    return y.mean((1, 2, 3))[:, None]


def norms(y: jax.Array) -> jax.Array:
    """Vectors scaled by a function of their lengths."""
    pairs = y.reshape(*y.shape[:-1], 2, 2)
    length = jnp.sqrt((pairs**2).sum(-1, keepdims=True) + 1e-6)
    return (pairs * jax.nn.sigmoid(length)).reshape(y.shape)


def signs(x: jax.Array) -> jax.Array:
    """A derivative changes sign with its axis; its square does not."""
    slope = kn.conv(x, jnp.array([-1.0, 0.0, 1.0]).reshape(3, 1, 1))
    return slope**2


def deep_sets(x: jax.Array) -> jax.Array:
    """Numbers and their mean."""
    y = jnp.tanh(2.0 * x - x.mean(-1, keepdims=True))
    return y.sum(-1, keepdims=True)


def rotated(x: jax.Array) -> jax.Array:
    """Vectors scaled by their lengths."""
    return x * jnp.tanh((x**2).sum(-1, keepdims=True))


class Inference(nnx.Module):
    def __init__(self) -> None:
        self.conv = nnx_conv(S14)
        self.norm = nnx.BatchNorm(4, use_running_average=True, rngs=nnx.Rngs(0))
        self.norm.mean[...] = jnp.asarray(normal(4))
        self.drop = nnx.Dropout(0.5, deterministic=True, rngs=nnx.Rngs(0))

    @nnx.jit
    def __call__(self, x: jax.Array) -> jax.Array:
        return self.drop(nnx.relu(self.norm(self.conv(x))))


def start() -> Any:
    return eqx_conv(S14, padding=1)


S3 = symmetric(3, 1, 2, rank=3)
CIRCULAR: dict[str, Any] = {"padding": "CIRCULAR"}
RING = eqx_conv(normal(3, 3, 1, 4), padding=1, padding_mode="CIRCULAR")
SO3, S5 = dv.special_orthogonal(3), dv.symmetric(5)
D2 = dv.wallpaper("pgg").point

SOUND = [
    Sound(
        "equinox: convolutions",
        lambda: Chain([start(), relu(), eqx_conv(S44, padding=1)]),
        first(image(8)),
        still(D4, 8),
    ),
    Sound(
        "equinox: shortcut",
        lambda: Named(start(), eqx_conv(S44, padding=1)),
        first(image(8))[0],
        still(D4, 8),
    ),
    Sound(
        "equinox: even pool at an even size",
        lambda: Chain([start(), eqx.nn.MaxPool2d(2, 2)]),
        first(image(8)),
        still(C4, 8),
    ),
    Sound(
        "equinox: odd stride at an odd size",
        lambda: Chain([start(), eqx_conv(S44, padding=1, stride=2)]),
        first(image(9)),
        still(D4, 9),
    ),
    Sound(
        "equinox: even window, even stride",
        lambda: Chain([start(), eqx_conv(symmetric(2, 4, 4), stride=2)]),
        first(image(8)),
        still(D4, 8),
    ),
    Sound(
        "equinox: vmap of jit",
        lambda: jax.vmap(eqx.filter_jit(Chain([start(), relu()]))),
        first(image(8)),
        still(C4, 8),
    ),
    Sound(
        "equinox: a function around it",
        lambda: partial(lambda model, x: jax.vmap(model)(x), Chain([start()])),
        first(image(8)),
        still(C4, 8),
    ),
    Sound(
        "equinox: head",
        lambda: Heads(start(), eqx.nn.Linear(4, 3, key=KEY)),
        first(image(8))[0],
        still(D4, 8),
        3 * dv.trivial(D4),
    ),
    Sound(
        "equinox: squeeze and excitation",
        lambda: Excited(start(), eqx.nn.Linear(4, 4, key=KEY)),
        first(image(8))[0],
        still(D4, 8),
    ),
    Sound(
        "equinox: norms of scalars",
        lambda: Chain([start(), eqx.nn.GroupNorm(2, 4), eqx.nn.LayerNorm((4, 8, 8))]),
        first(image(8))[0],
        still(D4, 8),
    ),
    Sound(
        "equinox: attention without positions",
        lambda: Looking(eqx.nn.MultiheadAttention(2, 4, key=KEY)),
        first(image(5, 4))[0],
        dv.Field(D4, channels=4, grid=(5, 5)),
    ),
    Sound(
        "equinox: dropout in inference",
        lambda: Chain([start(), eqx.nn.Dropout(0.5, inference=True)]),
        first(image(8)),
        still(D4, 8),
    ),
    Sound("equinox: torus", lambda: Chain([RING, relu()]), first(image(8)), torus(T2, 8)),
    Sound(
        "flax: convolutions", lambda: Stack(nnx_conv(S14), nnx.relu, nnx_conv(S44)), image(8), still(D4, 8)
    ),
    Sound("flax: inference, jitted", Inference, image(8), still(C4, 8)),
    Sound("flax: one sample", lambda: Stack(nnx_conv(S14)), image(8)[0], still(C4, 8)),
    Sound(
        "flax: training norm of scalars",
        lambda: Stack(nnx_conv(S14), nnx.BatchNorm(4, rngs=nnx.Rngs(0))),
        image(8),
        still(D4, 8),
    ),
    Sound(
        "flax: even average",
        lambda: Stack(nnx_conv(S14), lambda x: nnx.avg_pool(x, (2, 2), strides=(2, 2))),
        image(8),
        still(D4, 8),
    ),
    Sound(
        "flax: norm of channels",
        lambda: Stack(nnx_conv(S14), nnx.LayerNorm(4, rngs=nnx.Rngs(0))),
        image(8),
        dv.Field(P4M),
    ),
    Sound(
        "flax: transposed, odd",
        lambda: Stack(nnx.ConvTranspose(1, 2, (1, 1), rngs=nnx.Rngs(0))),
        image(8),
        still(D4, 8),
    ),
    Sound("scan", lambda: stacked, image(8), still(D4, 8)),
    Sound("unet", lambda: jax.jit(unet), image(8), still(D4, 8)),
    Sound(
        "shifts of a plain network",
        lambda: after(normal(3, 3, 1, 4), conv(normal(3, 3, 4, 2))),
        image(12),
        dv.Field(T2),
    ),
    Sound("torus by hand", lambda: padded, image(8), torus(T2, 8)),
    Sound("convolution by Fourier", lambda: spectral, image(8), torus(T2, 8)),
    Sound(
        "stride with a period",
        lambda: after(symmetric(3), conv(symmetric(3), strides=2, **CIRCULAR), **CIRCULAR),
        image(8),
        dv.Field(dv.wallpaper("p4m", period=2), grid=(8, 8), boundary="periodic"),
    ),
    Sound("regular fibres by hand", lambda: grouped, image(8), still(C4, 8)),
    Sound("regular fibres", lambda: p4_net, image(8), torus(P4, 8)),
    Sound("regular fibres of eight", lambda: p4m_net, image(8), torus(P4M, 8), dv.trivial(D4)),
    Sound("one filter on a fibre", lambda: separable, image(8), torus(P4, 8)),
    Sound(
        "irreducible channels and norms",
        lambda: typed(P4, 2 * dv.defining(C4), norms),
        image(8),
        torus(P4, 8),
    ),
    Sound(
        "hexagonal",
        lambda: after(hexagonal(1, 3), conv(hexagonal(3, 2), **CIRCULAR), **CIRCULAR),
        image(6),
        torus(P6, 6),
    ),
    Sound(
        "three dimensions",
        lambda: after(S3, lambda y: kn.max_pool(y, (2, 2, 2), strides=2)),
        image(6, rank=3),
        still(O, 6),
    ),
    Sound("one dimension, signs", lambda: signs, image(16, rank=1), still(D1, 16)),
    Sound(
        "ring",
        lambda: after(normal(3, 1, 2), conv(normal(5, 2, 2), **CIRCULAR), **CIRCULAR),
        image(12, rank=1),
        torus(T1, 12),
    ),
    Sound("sets", lambda: deep_sets, normal(3, 5), dv.permutation(S5), dv.trivial(S5)),
    Sound("vectors in space", lambda: rotated, normal(4, 3), dv.defining(SO3), dv.defining(SO3)),
    Sound(
        "half precision",
        lambda: after(S14.astype(jnp.bfloat16), jnp.abs),
        image(8).astype(jnp.bfloat16),
        still(D4, 8),
    ),
    Sound("zeros as an input", lambda: after(S14, jnp.abs), np.zeros((1, 8, 8, 1), np.float32), still(D4, 8)),
    Sound(
        "integers",
        lambda: lambda x: x * x + x.sum((1, 2), keepdims=True),
        np.arange(64).reshape(1, 8, 8, 1) % 7,
        still(D4, 8),
    ),
    Sound(
        "a resized image",
        lambda: lambda x: jax.image.resize(x, (2, 16, 16, 1), "linear"),
        image(8),
        still(D4, 8),
    ),
    Sound(
        "glides",
        lambda: solved(dv.wallpaper("pgg"), dv.trivial(D2), 2 * dv.trivial(D2)),
        image(8),
        torus(dv.wallpaper("pgg"), 8),
    ),
]
