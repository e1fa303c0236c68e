"""One list of layers, by name and arguments, over which every property is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import derive as dv
from kernels.layers.core.spec import Spec
from kernels.layers.core.table import MAKERS


@dataclass(frozen=True)
class Case:
    """A layer: its name, its arguments, and the sizes of an open array that carries its symmetry."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    size: int = 6

    def __str__(self) -> str:
        x, *rest = self.args
        said = [str(getattr(v, "__name__", v)) for v in rest] + [f"{k}={v}" for k, v in self.options.items()]
        return " ".join([f"{self.name}({x.fibre.name} of {x.group}", *said]) + ")"

    @property
    def spec(self) -> Spec:
        return MAKERS[self.name](*self.args, **self.options)

    def array(self, batch: tuple[int, ...] = (2,), seed: int = 0) -> np.ndarray:
        """A random array of its input field."""
        lattice = self.spec.into.lattice
        sizes = () if lattice is None else tuple(self.size if n is None else int(n) for n in lattice.grid)
        shape = (*batch, *sizes, int(self.spec.into.fibre.dim))
        return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def filled(values: Any, seed: int = 1) -> Any:
    """Random numbers in the place of all parameters, so that no bias is zero and no scale is one."""
    leaves, tree = jax.tree.flatten(values)
    rng = np.random.default_rng(seed)
    drawn = [0.1 + 0.5 * rng.normal(size=leaf.shape) for leaf in leaves]
    return tree.unflatten([jnp.asarray(new, leaf.dtype) for new, leaf in zip(drawn, leaves, strict=True)])


def fibres(point: dv.Group) -> tuple[dv.Representation, dv.Representation, dv.Representation]:
    """A permuted fibre, one with signs, and one with everything."""
    permuted = 2 * dv.regular(point) + dv.trivial(point)
    signed = dv.trivial(point) + 2 * dv.sign(point)
    try:
        mixed = [V for V in dv.irreps(point) if V.dim > 1] or [dv.defining(point)]
    except dv.DeriveError:
        mixed = [dv.defining(point)]
    return permuted, signed, signed + 2 * mixed[0] + dv.regular(point)


def on_lattice(G: dv.SpaceGroup, grid: Any = None, strided: bool = True) -> list[Case]:
    """Layers of a group on a lattice, on open arrays or on a torus."""
    boundary = "periodic" if grid is not None else None

    def made(fibre: Any) -> dv.Field:
        return dv.Field(G, fibre=fibre, grid=grid, boundary=boundary)

    permuted, signed, every = fibres(G.point)
    x, s, p = made(every), made(signed), made(permuted)
    found = [
        Case("Conv", (x, permuted, dv.ball(1))),
        Case("Conv", (s, every, dv.ball(1)), {"bias": False}),
        Case("Linear", (x, permuted)),
        Case("Activation", (p, jax.nn.relu)),
        Case("Activation", (s, jnp.tanh)),
        Case("NormActivation", (x,)),
        Case("Gate", (x,)),
        Case("BatchNorm", (x,)),
        Case("LayerNorm", (x,)),
        Case("Dropout", (x,)),
        Case("GroupPool", (p, "max")),
        Case("GroupPool", (p, "mean")),
        Case("GroupPool", (x, "norm")),
        Case("AvgPool", (x,)),
        Case("MaxPool", (p,)),
    ]
    return found + (_strided(x, p, permuted) if strided else [])


def _strided(x: dv.Field, p: dv.Field, permuted: Any) -> list[Case]:
    """Layers that go to another lattice: windows of odd and even size, and the sizes that carry them."""
    closed = x.lattice.boundary[0] == "periodic"
    return [
        Case("Conv", (x, permuted, dv.window(3)), {"strides": 2}, 7),
        Case("Conv", (x, permuted, dv.window(2)), {"strides": 2}, 6),
        Case("Conv", (x, permuted, dv.window(3)), {"dilation": 2}, 6),
        Case("ConvTranspose", (x, permuted, dv.window(3)), {}, 4),
        Case("ConvTranspose", (x, permuted, dv.window(4)), {}, 4),
        Case("ConvTranspose", (x, permuted, dv.window(3)), {"strides": 3}, 3),
        Case("AvgPool", (x, 2), {}, 6),
        Case("AvgPool", (x, 3), {"strides": 2}, 7),
        Case("AvgPool", (x, dv.window(2, dilation=2)), {"strides": 1}, 6),
        Case("MaxPool", (p, 2), {}, 6),
        Case("MaxPool", (p, 3), {"strides": 2, "padding": None if closed else "SAME"}, 7),
        Case("MaxPool", (p, dv.window(3, dilation=2)), {"strides": 1}, 6),
        Case("BlurPool", (x, 3), {}, 7),
        Case("BlurPool", (x, 5), {"strides": 3}, 7),
        Case("BlurPool", (x, 4), {"strides": 2}, 6),
        Case("Upsample", (x, 2), {}, 4),
        Case("Upsample", (x, 3), {"method": "linear"}, 4),
        Case("Upsample", (x, "3/2"), {}, 4),
        Case("Upsample", (x,), {"size": 9, "grid": None if closed else 5, "method": "linear"}, 5),
    ]
