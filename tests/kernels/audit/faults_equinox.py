"""Equinox models with one planted fault each."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tests.kernels.audit.fault import BIG, E44, KEY, S11, S14, S44, Fault, first
from tests.kernels.audit.parts import (
    C4,
    D4,
    T2,
    Chain,
    Named,
    Position,
    eqx_conv,
    image,
    normal,
    relu,
    skew,
    still,
    symmetric,
    torus,
)


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
