"""The convolutions that are measured: one list for every table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

Kind = Literal["conv", "transposed", "separable"]
LOOPED = 60e6  # multiply-adds, groups counted as if dense: in loop bodies XLA on CPU does about 5e8 a second


@dataclass(frozen=True)
class Case:
    """One convolution: x (batch, spatial..., C), kernel (size..., C / groups, D).

    A transposed one takes x (batch, spatial..., D) back to C channels. A separable one, of a single channel,
    has a kernel that is an outer product, given as its factors end to end: (sum of sizes, 1, 1).
    """

    name: str
    spatial: tuple[int, ...]
    size: tuple[int, ...]
    channels: tuple[int, int]
    batch: int = 8
    options: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    kind: Kind = "conv"

    @property
    def groups(self) -> int:
        return self.options.get("groups", 1)

    @property
    def dense(self) -> bool:
        """Whether it is a plain convolution that mixes many channels."""
        return self.kind == "conv" and self.groups == 1 and min(self.channels) > 1

    @property
    def work(self) -> int:
        """Multiply-adds of the forward pass, borders counted as if they were inside."""
        sites = math.prod(self.spatial)
        if self.kind == "conv":
            sites //= self.options.get("strides", 1) ** len(self.spatial)
        taps = sum(self.size) if self.kind == "separable" else math.prod(self.size)
        return self.batch * sites * taps * math.prod(self.channels) // self.groups

    @property
    def shape(self) -> str:
        """The batch and the image, as in `8x56x56`."""
        return "x".join(map(str, (self.batch, *self.spatial)))

    def small(self) -> Case:
        """The same convolution of fewer and smaller images, for loop bodies."""
        case = self
        while case.work * case.groups > LOOPED:
            halved = tuple(n // 2 for n in case.spatial)
            case = replace(case, batch=case.batch // 2) if case.batch > 2 else replace(case, spatial=halved)
        return case

    def arrays(self) -> tuple[jax.Array, jax.Array]:
        """A random input and kernel, channels last."""
        rng = np.random.default_rng(0)
        inputs, outputs = self.channels
        image = (self.batch, *self.spatial, outputs if self.kind == "transposed" else inputs)
        size = (sum(self.size),) if self.kind == "separable" else self.size
        kernel = (*size, inputs // self.groups, outputs)
        x, k = (rng.standard_normal(shape, np.float32) for shape in (image, kernel))
        k /= math.sqrt(math.prod(kernel[:-1]))
        return jnp.asarray(x, self.dtype), jnp.asarray(k, self.dtype)


def _grouped(groups: int, **options: Any) -> dict[str, Any]:
    return {"groups": groups, **options}


K3 = (3, 3)
CASES = (
    Case("dense 56x56, 64 to 64, k3", (56, 56), K3, (64, 64)),
    Case("dense 28x28, 128 to 128, k3", (28, 28), K3, (128, 128)),
    Case("dense 14x14, 256 to 256, k3", (14, 14), K3, (256, 256)),
    Case("dense 224x224, 64 to 64, k3", (224, 224), K3, (64, 64)),
    Case("dense 8x8, 64 to 64, k3", (8, 8), K3, (64, 64)),
    Case("dense 56x56, 64 to 64, k3, batch 1", (56, 56), K3, (64, 64), 1),
    Case("stride 2, 56x56, 64 to 128, k3", (56, 56), K3, (64, 128), options={"strides": 2}),
    Case("dilation 2, 56x56, 64 to 64, k3", (56, 56), K3, (64, 64), options={"dilation": 2}),
    Case("stem 112x112, 3 to 64, k7, stride 2", (112, 112), (7, 7), (3, 64), 4, {"strides": 2}),
    Case("VALID 28x28, 64 to 64, k3", (28, 28), K3, (64, 64), options={"padding": "VALID"}),
    Case("dense 28x28, 64 to 64, k3, float64", (28, 28), K3, (64, 64), dtype="float64"),
    Case("dense 28x28, 64 to 64, k3, bfloat16", (28, 28), K3, (64, 64), dtype="bfloat16"),
    Case("1x1, 56x56, 64 to 256", (56, 56), (1, 1), (64, 256)),
    Case("depthwise 56x56, 64, k3", (56, 56), K3, (64, 64), options=_grouped(64)),
    Case("depthwise 56x56, 64, k3, stride 2", (56, 56), K3, (64, 64), options=_grouped(64, strides=2)),
    Case("depthwise 56x56, 64, k3, bfloat16", (56, 56), K3, (64, 64), 8, _grouped(64), "bfloat16"),
    Case("4 groups, 56x56, 64 to 64, k3", (56, 56), K3, (64, 64), options=_grouped(4)),
    Case("8 groups, 56x56, 64 to 64, k3", (56, 56), K3, (64, 64), options=_grouped(8)),
    Case("1024x1024, 1 to 1, k3", (1024, 1024), K3, (1, 1), 1),
    Case("1024x1024, 1 to 1, k15", (1024, 1024), (15, 15), (1, 1), 1),
    Case("1024x1024, 3 to 3, k31", (1024, 1024), (31, 31), (3, 3), 1),
    Case("circular 512x512, 1 to 1, k3", (512, 512), K3, (1, 1), 1, {"padding": "CIRCULAR"}),
    Case("rank one, 1024x1024, k15", (1024, 1024), (15, 15), (1, 1), 1, kind="separable"),
    Case("3-D 32x32x32, 16 to 16, k3", (32, 32, 32), (3, 3, 3), (16, 16), 1),
    Case(
        "transposed 28x28, 64 to 64, k4, stride 2",
        (28, 28),
        (4, 4),
        (64, 64),
        8,
        {"strides": 2},
        kind="transposed",
    ),
    Case("1-D 1024, 64 to 64, k5", (1024,), (5,), (64, 64), 16),
    Case("1-D depthwise 1024, 64, k5", (1024,), (5,), (64, 64), options=_grouped(64)),
)
QUICK = tuple(
    case
    for case in CASES
    if case.name
    in {
        "dense 28x28, 128 to 128, k3",
        "depthwise 56x56, 64, k3",
        "1x1, 56x56, 64 to 256",
        "1024x1024, 1 to 1, k3",
        "3-D 32x32x32, 16 to 16, k3",
    }
)
