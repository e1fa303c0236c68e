"""The convolutions of Equinox and of Flax NNX, where they are installed, as functions of (x, kernel)."""

from __future__ import annotations

from importlib.util import find_spec

import jax
import jax.numpy as jnp

from benchmarks.cases import Case
from benchmarks.contenders import Contender, Function

OTHERS = ("Equinox", "Flax NNX")


def installed() -> tuple[Contender, ...]:
    """Those that can be imported."""
    known = {
        "equinox": Contender(OTHERS[0], _equinox, channels_last=False),
        "flax": Contender(OTHERS[1], _nnx),
    }
    return tuple(contender for package, contender in known.items() if find_spec(package))


def _channels(case: Case) -> tuple[int, int]:
    """Of the input and of the output."""
    inputs, outputs = case.channels
    return (outputs, inputs) if case.kind == "transposed" else (inputs, outputs)


def _equinox(case: Case) -> Function | None:
    """`eqx.nn.Conv` mapped over the batch; no layer of its own for factors."""
    import equinox as eqx

    if case.kind == "separable":
        return None
    rank, options, key = len(case.spatial), case.options, jax.random.key(0)
    around = {"stride": options.get("strides", 1), "dilation": options.get("dilation", 1), "use_bias": False}
    args = (rank, *_channels(case), case.size)
    padding = options.get("padding", "SAME")
    layer: eqx.Module
    shaped = eqx.filter_eval_shape  # the weights come from outside
    if case.kind == "transposed":
        layer = shaped(eqx.nn.ConvTranspose, *args, padding=padding, key=key, **around)
    else:
        mode = "CIRCULAR" if padding == "CIRCULAR" else "ZEROS"
        same = "SAME" if padding == "CIRCULAR" else padding
        layer = eqx.nn.Conv(*args, padding=same, padding_mode=mode, groups=case.groups, key=key, **around)

    def conv(x: jax.Array, k: jax.Array) -> jax.Array:
        if (
            case.kind == "transposed"
        ):  # its weights are those of the convolution that it is not the transpose of
            k = jnp.flip(jnp.swapaxes(k, 0, 1), tuple(range(2, k.ndim)))
        return jax.vmap(eqx.tree_at(lambda tree: tree.weight, layer, k))(x)

    return conv


def _nnx(case: Case) -> Function | None:
    """`nnx.Conv`; no layer of its own for factors."""
    from flax import nnx

    if case.kind == "separable":
        return None
    options = {
        "strides": case.options.get("strides", 1),
        "padding": case.options.get("padding", "SAME"),
        "kernel_dilation": case.options.get("dilation", 1),
        "use_bias": False,
    }
    args = (*_channels(case), case.size)

    def layer() -> nnx.Module:
        if case.kind == "transposed":
            return nnx.ConvTranspose(*args, transpose_kernel=True, rngs=nnx.Rngs(0), **options)
        return nnx.Conv(*args, feature_group_count=case.groups, rngs=nnx.Rngs(0), **options)

    graph, weights = nnx.split(nnx.eval_shape(layer))
    return lambda x, k: nnx.merge(graph, jax.tree.map(lambda _: k, weights))(x)
