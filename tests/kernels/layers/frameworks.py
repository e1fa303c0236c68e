"""Both frameworks behind the same few words, so that every test is written once."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from flax import nnx

import derive as dv
import kernels.layers.equinox as for_equinox
import kernels.layers.flax as for_flax


class Framework(NamedTuple):
    """`layers`: its module; `key`: how weights are drawn; `inferring`: a trained model as a function of x."""

    layers: ModuleType
    key: Callable[[int], dict[str, Any]]
    inferring: Callable[[Any], Callable[[Any], Any]]

    def __str__(self) -> str:
        return self.layers.__name__.split(".")[-1]

    def make(self, name: str, *args: Any, seed: int = 0, **options: Any) -> Any:
        """A layer by name."""
        return getattr(self.layers, name)(*args, **options, **self.key(seed))


def _equinox(model: Any) -> Callable[[Any], Any]:
    model, state = eqx.nn.make_with_state(lambda: model)()
    model = eqx.nn.inference_mode(model)

    def run(x: Any) -> Any:
        if isinstance(model, eqx.nn.StatefulLayer) and model.is_stateful():
            return model(x, state)[0]
        return model(x)

    return run


def _flax(model: Any) -> Callable[[Any], Any]:
    for _, module in nnx.iter_modules(model):
        for flag in ("deterministic", "use_running_average"):
            if hasattr(module, flag):
                setattr(module, flag, True)
    return model


EQUINOX = Framework(for_equinox, lambda seed: {"key": jax.random.key(seed)}, _equinox)
FLAX = Framework(for_flax, lambda seed: {"rngs": nnx.Rngs(seed)}, _flax)
BOTH = {"equinox": EQUINOX, "flax": FLAX}

G = dv.wallpaper("p4m")
IMAGE = dv.Field(G)


def network(f: Framework, **options: Any) -> Any:
    """A small network with a layer of every kind, of 9 x 9 images."""
    point = G.point
    many = 2 * dv.regular(point) + dv.trivial(point)
    conv = f.make("Conv", IMAGE, many, dv.window(3), seed=1, **options)
    gate = f.make("Gate", conv.out.replace(fibre=2 * dv.trivial(point) + 2 * dv.irreps(point)[-1]))
    mixed = f.make("Conv", conv.out, gate.into, dv.window(3), seed=2, **options)
    blur = f.make("BlurPool", gate.out)
    up = f.make("Upsample", blur.out, size=9, grid=5)
    back = f.make("ConvTranspose", up.out, many, dv.window(3), seed=3, **options)
    low = f.make("Conv", back.out, many, dv.window(3), strides=2, seed=4, **options)
    top = f.make("MaxPool", low.out, 3, strides=2)
    pooled = f.make("GroupPool", top.out)
    every = f.make("AvgPool", pooled.out)
    return f.layers.Sequential(
        conv,
        f.make("BatchNorm", conv.out),
        jax.nn.relu,
        f.make("Dropout", conv.out, 0.25, seed=9),
        mixed,
        gate,
        f.make("NormActivation", gate.out),
        f.make("LayerNorm", gate.out),
        blur,
        up,
        back,
        jax.nn.gelu,
        low,
        top,
        pooled,
        every,
        f.make("Linear", every.out, 3 * dv.trivial(point), seed=5, **options),
    )


def images(batch: tuple[int, ...] = (2,), seed: int = 0) -> np.ndarray:
    """Random images that the network reads."""
    return np.random.default_rng(seed).normal(size=(*batch, 9, 9, 1)).astype(np.float32)
