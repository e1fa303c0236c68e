"""Models with one planted fault each: the layer, what it loses and the cause are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import derive as dv
import kernels as kn
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
    Position,
    Stack,
    Typed,
    conv,
    eqx_conv,
    hexagonal,
    image,
    nnx_conv,
    normal,
    relu,
    skew,
    solved,
    still,
    symmetric,
    torus,
)


@dataclass(frozen=True)
class Fault:
    """`layer`: part of the name of the only layer that loses something; `lost`, `kept`: of that layer."""

    name: str
    make: Callable[[], Any]
    x: Any
    into: Any
    layer: str
    lost: str
    cause: str
    kept: str | None = None
    out: Any = None


def first(x: np.ndarray) -> np.ndarray:
    """Channels first."""
    return np.moveaxis(x, -1, 1)


S14, S44, S11 = symmetric(3, 1, 4), symmetric(3, 4, 4, seed=2), symmetric(3)
E44 = symmetric(2, 4, 4, seed=3)
KEY = jax.random.key(3)
BIG, SMALL = 0.25 * normal(8, 8, seed=9), 0.25 * normal(9, 9, 1, seed=9)

# ---- Equinox ---------------------------------------------------------------------------------------------


class Flattened(eqx.Module):
    conv: Any
    dense: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.conv(x))
        return self.dense(x.reshape(-1))


class Dropping(eqx.Module):
    conv: Any
    drop: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.drop(self.conv(x), key=KEY)


class Branches(eqx.Module):
    left: Any
    right: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.concatenate([self.left(x), self.right(x)])


def spoiled_norm() -> eqx.nn.LayerNorm:
    norm = eqx.nn.LayerNorm((4, 8, 8))
    return eqx.tree_at(lambda n: n.weight, norm, jnp.asarray(normal(4, 8, 8, seed=4)))


def start() -> Any:
    return eqx_conv(S14, padding=1)


EQUINOX = [
    Fault(
        "free kernel",
        lambda: Chain([start(), relu(), eqx_conv(skew(S44), padding=1)]),
        first(image(8)),
        still(C4, 8),
        "layers[2]",
        "r",
        "weights",
    ),
    Fault(
        "free kernel behind a shortcut",
        lambda: Named(start(), eqx_conv(skew(S44), padding=1)),
        first(image(8))[0],
        still(D4, 8),
        "second",
        "r, m",
        "weights",
        kept="",
    ),
    Fault(
        "free in one branch",
        lambda: Branches(start(), eqx_conv(skew(S14), padding=1)),
        first(image(8))[0],
        still(D4, 8),
        "right",
        "r, m",
        "weights",
    ),
    Fault(
        "free kernel, mirrored only",
        lambda: eqx_conv(S11 + np.flip(k := skew(S11) - S11, 0) + k, padding=1),
        first(image(8))[0],
        still(D4, 8),
        "Conv",
        "r",
        "weights",
        kept="m",
    ),
    Fault(
        "max pool at an odd size",
        lambda: Chain([start(), eqx.nn.MaxPool2d(2, 2), relu()]),
        first(image(9)),
        still(C4, 9),
        "layers[1]",
        "r",
        "pooling phase",
    ),
    Fault(
        "max pool of three at an even size",
        lambda: Chain([start(), eqx.nn.MaxPool2d(3, 2, padding=1)]),
        first(image(8)),
        still(C4, 8),
        "layers[1]",
        "r",
        "pooling phase",
    ),
    Fault(
        "average pool of three at an even size",
        lambda: Chain([start(), eqx.nn.AvgPool2d(3, 2, padding=1)]),
        first(image(8))[0],
        still(D4, 8),
        "layers[1]",
        "r, m",
        "pooling phase",
    ),
    Fault(
        "stride two at an even size",
        lambda: Chain([start(), relu(), eqx_conv(S44, padding=1, stride=2)]),
        first(image(8)),
        still(C4, 8),
        "layers[2]",
        "r",
        "even size under a stride",
    ),
    Fault(
        "shortcut of one tap at an even size",
        lambda: Chain([start(), eqx_conv(symmetric(1, 4, 4), stride=2)]),
        first(image(8)),
        still(D4, 8),
        "layers[1]",
        "r, m",
        "even size under a stride",
    ),
    Fault(
        "even window padded on one side",
        lambda: Chain([start(), eqx_conv(E44, padding="SAME")]),
        first(image(8))[0],
        still(D4, 8),
        "layers[1]",
        "r, m",
        "half-site offset",
    ),
    Fault(
        "position table",
        lambda: Chain([start(), Position(jnp.asarray(BIG)), relu()]),
        first(image(8)),
        still(D4, 8),
        "layers[1]",
        "r, m",
        "position-dependent weights",
        kept="",
    ),
    Fault(
        "norm with a weight per site",
        lambda: Chain([start(), spoiled_norm()]),
        first(image(8))[0],
        still(C4, 8),
        "layers[1]",
        "r",
        "position-dependent weights",
    ),
    Fault(
        "dense layer over pixels",
        lambda: Flattened(start(), eqx.nn.Linear(256, 3, key=KEY)),
        first(image(8))[0],
        still(D4, 8),
        "dense",
        "r, m",
        "position-dependent weights",
    ),
    Fault(
        "dropout",
        lambda: Dropping(start(), eqx.nn.Dropout(0.5)),
        first(image(8))[0],
        still(D4, 8),
        "drop",
        "r, m",
        "random numbers",
    ),
    Fault(
        "zeros around a torus",
        lambda: Chain(
            [
                eqx_conv(normal(3, 3, 1, 4), padding=1, padding_mode="CIRCULAR"),
                eqx_conv(normal(3, 3, 4, 4, seed=1), padding=1),
            ]
        ),
        first(image(8)),
        torus(T2, 8),
        "layers[1]",
        "t_u, t_v",
        "the border",
        kept="",
    ),
    Fault(
        "stride on a torus",
        lambda: Chain(
            [
                eqx_conv(normal(3, 3, 1, 4), padding=1, padding_mode="CIRCULAR"),
                eqx_conv(normal(3, 3, 4, 4, seed=1), padding=1, padding_mode="CIRCULAR", stride=2),
            ]
        ),
        first(image(8)),
        torus(T2, 8),
        "layers[1]",
        "t_u, t_v",
        "a stride",
        kept="t_u^2, t_v^2",
    ),
    Fault(
        "transposed convolution, even window",
        lambda: Chain(
            [
                start(),
                eqx.nn.Lambda(
                    jax.vmap(
                        lambda x: jax.lax.conv_transpose(
                            x[None, :, :, None], jnp.asarray(symmetric(2)), (1, 1), "SAME"
                        )[0, :, :, 0]
                    )
                ),
            ]
        ),
        first(image(8))[0],
        still(D4, 8),
        "layers[1]",
        "r, m",
        "half-site offset",
    ),
]

# ---- Flax NNX --------------------------------------------------------------------------------------------


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


def lift() -> Callable[[jax.Array], jax.Array]:
    return solved(P4, dv.trivial(C4), 2 * dv.regular(C4))


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

# ---- functions -------------------------------------------------------------------------------------------


def p4_regular(spoil: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
    into, out = lift(), solved(P4, 2 * dv.regular(C4), dv.trivial(C4))

    def model(x: jax.Array) -> jax.Array:
        y = jax.nn.relu(into(x))
        y = spoil(y)
        return out(y)

    return model


def typed(group: Any, fibre: Any, between: Any) -> Chain:
    """Into a fibre, something between, and back to scalars."""
    one = dv.trivial(fibre.group)
    inward, back = solved(group, one, fibre, 5), solved(group, fibre, one, 5)
    return Chain(
        [
            Typed(inward, torus(group, 8), torus(group, 8, fibre)),
            between,
            Typed(back, torus(group, 8, fibre), torus(group, 8)),
        ]
    )


def scaled(y: jax.Array) -> jax.Array:
    return y * jnp.arange(1.0, 5)


def after(kernel: np.ndarray, then: Callable[[jax.Array], jax.Array], **options: Any) -> Any:
    run = conv(kernel, **options)

    def model(x: jax.Array) -> jax.Array:
        y = run(x)
        y = then(y)
        return jax.nn.softplus(y)

    return model


C6 = P6.point
S1, H13 = symmetric(3, 1, 2, rank=1), hexagonal(1, 3)
S3 = symmetric(3, 1, 2, rank=3)

FUNCTIONS = [
    Fault(
        "free kernel",
        lambda: after(S14, conv(skew(S44))),
        image(8),
        still(D4, 8),
        "then(y)",
        "r, m",
        "weights",
    ),
    Fault(
        "free hexagonal kernel",
        lambda: after(H13, conv(skew(hexagonal(3, 3)), padding="CIRCULAR"), padding="CIRCULAR"),
        image(6),
        torus(P6, 6),
        "then(y)",
        "r",
        "weights",
        kept="t_u, t_v",
    ),
    Fault(
        "third turns only",
        lambda: after(H13, conv(third_turns(), padding="CIRCULAR"), padding="CIRCULAR"),
        image(6),
        torus(P6, 6),
        "then(y)",
        "r",
        "weights",
        kept="t_u, t_v, r^2",
    ),
    Fault(
        "half turns only",
        lambda: after(S14, conv(half_turns())),
        image(8),
        still(C4, 8),
        "then(y)",
        "r",
        "weights",
        kept="r^2",
    ),
    Fault(
        "relu on irreducible channels",
        lambda: typed(P4, 2 * dv.defining(C4), jax.nn.relu),
        image(8),
        torus(P4, 8),
        "x = layer(x)",
        "r",
        "pointwise function",
        kept="t_u, t_v",
    ),
    Fault(
        "relu on a sign",
        lambda: typed(P4M, dv.sign(D4) + dv.trivial(D4), relu()),
        image(8),
        torus(P4M, 8),
        "layers[1]",
        "m",
        "pointwise function",
        kept="t_u, t_v, r",
    ),
    Fault(
        "tanh on channels that mix",
        lambda: typed(P6, dv.defining(C6), jnp.tanh),
        image(8),
        torus(P6, 8),
        "x = layer(x)",
        "r",
        "pointwise function",
    ),
    Fault(
        "scales on irreducible channels",
        lambda: typed(P4, 2 * dv.defining(C4), scaled),
        image(8),
        torus(P4, 8),
        "return y * ",
        "r",
        "channels that the group mixes",
    ),
    Fault(
        "one scale per channel of a fibre",
        lambda: p4_regular(lambda y: y * jnp.arange(1.0, 9)),
        image(8),
        torus(P4, 8),
        "spoil",
        "r",
        "channels that the group mixes",
    ),
    Fault(
        "channels in another order",
        lambda: p4_regular(lambda y: y[..., ::-1] * jnp.arange(1.0, 9)),
        image(8),
        torus(P4, 8),
        "spoil",
        "r",
        "",
    ),
    Fault(
        "pooling at an odd size",
        lambda: after(S14, lambda y: kn.max_pool(y, (2, 2), strides=2, padding="VALID")),
        image(9),
        still(D4, 9),
        "then(y)",
        "r, m",
        "pooling phase",
    ),
    Fault(
        "pooling by a reshape",
        lambda: after(S14, lambda y: y[:, :8, :8].reshape(2, 4, 2, 4, 2, 4).mean((2, 4))),
        image(9),
        still(D4, 9),
        "then(y)",
        "r, m",
        "",
    ),
    Fault(
        "pooling in one dimension",
        lambda: after(S1, lambda y: kn.avg_pool(y, (2,), strides=2, padding="VALID")),
        image(17, rank=1),
        still(D1, 17),
        "then(y)",
        "m",
        "pooling phase",
    ),
    Fault(
        "pooling in three dimensions",
        lambda: after(S3, lambda y: kn.max_pool(y, (2, 2, 2), strides=2, padding="VALID")),
        image(7, rank=3),
        still(O, 7),
        "then(y)",
        "r",
        "pooling phase",
    ),
    Fault(
        "free kernel in three dimensions",
        lambda: after(S3, conv(skew(symmetric(3, 2, 2, rank=3)))),
        image(6, rank=3),
        still(O, 6),
        "then(y)",
        "r, t",
        "weights",
    ),
    Fault(
        "stride three",
        lambda: after(S14, conv(S44, strides=3, padding=[(1, 1), (1, 1)])),
        image(9),
        still(D4, 9),
        "then(y)",
        "r, m",
        "size under a stride",
    ),
    Fault(
        "stride in one dimension",
        lambda: after(S1, conv(symmetric(3, 2, 2, rank=1), strides=2)),
        image(16, rank=1),
        still(D1, 16),
        "then(y)",
        "m",
        "even size under a stride",
    ),
    Fault(
        "a mask",
        lambda: after(S14, lambda y: y * jnp.asarray(BIG)[..., None]),
        image(8),
        still(C4, 8),
        "then(y)",
        "r",
        "position-dependent",
    ),
    Fault(
        "a mask in one dimension",
        lambda: after(S1, lambda y: y * jnp.linspace(0, 1, 16)[:, None]),
        image(16, rank=1),
        dv.Field(T1),
        "then(y)",
        "t_u",
        "position-dependent",
    ),
    Fault(
        "coordinates as channels",
        lambda: after(
            S14,
            lambda y: jnp.concatenate(
                [y, jnp.broadcast_to(jnp.arange(8.0)[:, None, None], (2, 8, 8, 1))], -1
            ),
        ),
        image(8),
        still(D4, 8),
        "then(y)",
        "r, m",
        "position-dependent",
    ),
    Fault(
        "roll",
        lambda: after(S14, lambda y: jnp.roll(y, 1, axis=1)),
        image(8),
        still(D4, 8),
        "then(y)",
        "r, m",
        "",
    ),
    Fault(
        "noise",
        lambda: after(S14, lambda y: y + jax.random.normal(KEY, y.shape)),
        image(8),
        still(C4, 8),
        "then(y)",
        "r",
        "random numbers",
    ),
    Fault(
        "stride in one dimension, shifts",
        lambda: after(normal(3, 1, 2), lambda y: y[:, ::2]),
        image(16, rank=1),
        dv.Field(T1),
        "then(y)",
        "t_u",
        "pooling with a stride",
        kept="t_u^2",
    ),
    Fault(
        "stride of three on a ring",
        lambda: after(
            normal(3, 1, 2), conv(normal(3, 2, 2), strides=3, padding="CIRCULAR"), padding="CIRCULAR"
        ),
        image(12, rank=1),
        torus(T1, 12),
        "then(y)",
        "t_u",
        "a stride",
        kept="t_u^3",
    ),
    Fault(
        "zeros around a ring",
        lambda: after(normal(3, 1, 2), conv(normal(3, 2, 2)), padding="CIRCULAR"),
        image(12, rank=1),
        torus(T1, 12),
        "then(y)",
        "t_u",
        "the border",
        kept="",
    ),
    Fault(
        "upsampling by an even window",
        lambda: after(S14, conv(symmetric(2, 4, 4), padding=[(0, 1), (0, 1)])),
        image(8),
        still(D4, 8),
        "then(y)",
        "r, m",
        "half-site offset",
    ),
    Fault(
        "only rows",
        lambda: after(S14, lambda y: jnp.cumsum(y, axis=1) / 8),
        image(8),
        still(D4, 8),
        "then(y)",
        "r, m",
        "",
    ),
]


def third_turns() -> np.ndarray:
    """Hexagonal, with two alternating values on the ring."""
    kernel = hexagonal(3, 3)
    for u, v in ((1, 0), (-1, 1), (0, -1)):
        kernel[1 + u, 1 + v] += normal(3, 3, seed=6)
    return kernel


def half_turns() -> np.ndarray:
    kernel = skew(S44)
    return (kernel + np.flip(kernel, (0, 1))) / 2


FAULTS = [
    (f"{room}: {f.name}", f)
    for room, faults in (("equinox", EQUINOX), ("flax", FLAX), ("function", FUNCTIONS))
    for f in faults
]
