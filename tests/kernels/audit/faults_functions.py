"""Plain functions with one planted fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import derive as dv
import kernels as kn
from tests.kernels.audit.fault import BIG, KEY, S14, S44, Fault, lift
from tests.kernels.audit.parts import (
    C4,
    D1,
    D4,
    P4,
    P4M,
    P6,
    T1,
    Chain,
    O,
    Typed,
    conv,
    hexagonal,
    image,
    normal,
    relu,
    skew,
    solved,
    still,
    symmetric,
    torus,
)


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
