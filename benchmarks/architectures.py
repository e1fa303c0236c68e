"""Whole networks, each written once: what computes its layers is an argument.

A network is a function of an engine's layers and an image. Its weights are a list, in the order in which the
layers ask for them: the same function says their shapes, initialises them and applies them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from benchmarks.engines import LAX_LAST, Array, Engine

Weight = Callable[..., Array]


@dataclass(frozen=True)
class Layers:
    """The layers of one engine; `weight(*shape)` hands out the next array, kernels as (size..., C, D)."""

    engine: Engine
    weight: Weight

    def conv(
        self,
        x: Array,
        outputs: int,
        size: int,
        strides: int = 1,
        dilation: int = 1,
        groups: int = 1,
        low: int | None = None,
    ) -> Array:
        """A convolution; around the image half a window of zeros, or `low` of them before it."""
        rank, inputs = x.ndim - 2, x.shape[self.engine.axis]
        kernel = self.weight(*(size,) * rank, inputs // groups, outputs)
        half = (size - 1) // 2 * dilation
        pads = ((half, half),) * rank if low is None else ((low, 0),) * rank
        return self.engine.conv(x, kernel, strides, pads, dilation, groups)

    def pointwise(self, x: Array, outputs: int) -> Array:
        """A 1x1 convolution with a bias."""
        return self._placed(self.weight(outputs), x.ndim, self.conv(x, outputs, 1))

    def up(self, x: Array, outputs: int) -> Array:
        """A transposed convolution that doubles the image."""
        kernel = self.weight(*(2,) * (x.ndim - 2), outputs, x.shape[self.engine.axis])
        return self.engine.up(x, kernel)

    def norm(self, x: Array) -> Array:
        """Normalised by the statistics of the batch, scaled and moved."""
        channels = x.shape[self.engine.axis]
        return self.engine.batch_norm(x, 1 + self.weight(channels), self.weight(channels))

    def layer_norm(self, x: Array) -> Array:
        """Normalised over the channels of every site, scaled and moved."""
        channels = x.shape[self.engine.axis]
        return self.engine.layer_norm(x, 1 + self.weight(channels), self.weight(channels))

    def head(self, x: Array, outputs: int) -> Array:
        """The mean over the image, then a dense layer."""
        last = self.engine.axis == -1
        mean = x.mean(tuple(range(1, x.ndim - 1) if last else range(2, x.ndim)))
        return mean @ self.weight(mean.shape[-1], outputs) + self.weight(outputs)

    def join(self, *images: Array) -> Array:
        """Images side by side as channels."""
        return self.engine.concatenate(images, self.engine.axis)

    def halves(self, x: Array) -> tuple[Array, Array]:
        """The first and the second half of the channels."""
        n = x.shape[self.engine.axis] // 2
        parts = (slice(None, n), slice(n, None))
        if self.engine.axis == -1:
            return x[..., parts[0]], x[..., parts[1]]
        return x[:, parts[0]], x[:, parts[1]]

    def _placed(self, bias: Array, ndim: int, x: Array) -> Array:
        return x + (bias if self.engine.axis == -1 else bias.reshape(-1, *(1,) * (ndim - 2)))


Apply = Callable[[Layers, Array], Array]


@dataclass(frozen=True)
class Network:
    """A network and the images that it is measured on: batch, space and channels, channels last."""

    name: str
    apply: Apply
    image: tuple[int, ...]

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of its weights, in order."""
        found: list[tuple[int, ...]] = []

        def weight(*shape: int) -> Array:
            found.append(shape)
            return jax.numpy.zeros(shape, "float32")

        jax.eval_shape(
            lambda x: self.apply(Layers(LAX_LAST, weight), x), jax.ShapeDtypeStruct(self.image, "float32")
        )
        return found

    def weights(self) -> list[np.ndarray]:
        """Random ones: kernels that keep the size of what they meet, all others small."""
        rng = np.random.default_rng(0)
        return [
            rng.standard_normal(shape, np.float32)
            * np.float32(math.sqrt(2 / math.prod(shape[:-1])) if len(shape) > 1 else 0.1)
            for shape in self.shapes()
        ]

    def forward(self, engine: Engine) -> Callable[[Sequence[Array], Array], Array]:
        """The network as a function of its weights and an image, in this engine's layout."""

        def call(weights: Sequence[Array], x: Array) -> Array:
            rest: Iterator[Array] = iter(weights)
            return self.apply(Layers(engine, lambda *_: next(rest)), x)

        return call


# ---- the five ---------------------------------------------------------------------------------------------


def resnet(at: Layers, x: Array, widths: Sequence[int] = (64, 128, 256, 512), blocks: int = 2) -> Array:
    """Residual blocks of two 3x3 convolutions. K. He et al., arXiv:1512.03385, table 1: 18 layers."""
    relu = at.engine.relu
    x = at.engine.max_pool(relu(at.norm(at.conv(x, widths[0], 7, strides=2))), 3, 2, 1)
    for stage, width in enumerate(widths):
        for block in range(blocks):
            strides = 2 if stage and not block else 1
            y = relu(at.norm(at.conv(x, width, 3, strides=strides)))
            y = at.norm(at.conv(y, width, 3))
            if strides > 1:
                x = at.norm(at.conv(x, width, 1, strides=strides))
            x = relu(x + y)
    return at.head(x, 100)


# expansion, width, blocks, stride
INVERTED = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


def mobilenet(at: Layers, x: Array, stages: Sequence[tuple[int, ...]] = INVERTED, last: int = 1280) -> Array:
    """Inverted residuals around depthwise convolutions. M. Sandler et al., arXiv:1801.04381, table 2."""
    relu6 = at.engine.relu6
    x = relu6(at.norm(at.conv(x, 32, 3, strides=2)))
    for expansion, width, blocks, stride in stages:
        for block in range(blocks):
            inputs, strides = x.shape[at.engine.axis], 1 if block else stride
            y = relu6(at.norm(at.conv(x, expansion * inputs, 1))) if expansion > 1 else x
            hidden = expansion * inputs
            y = relu6(at.norm(at.conv(y, hidden, 3, strides=strides, groups=hidden)))
            y = at.norm(at.conv(y, width, 1))
            x = x + y if strides == 1 and inputs == width else y
    return at.head(relu6(at.norm(at.conv(x, last, 1))), 100)


def convnext(
    at: Layers,
    x: Array,
    widths: Sequence[int] = (48, 96, 192, 384),
    depths: Sequence[int] = (3, 3, 9, 3),
    patch: int = 4,
) -> Array:
    """Depthwise 7x7 convolutions between 1x1 ones. Z. Liu et al., arXiv:2201.03545: tiny, half as wide."""
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        x = at.layer_norm(x) if stage else x
        size = 2 if stage else patch
        x = at.conv(x, width, size, strides=size, low=0)
        x = x if stage else at.layer_norm(x)
        for _ in range(depth):
            y = at.layer_norm(at.conv(x, width, 7, groups=width))
            x = x + at.pointwise(at.engine.gelu(at.pointwise(y, 4 * width)), width)
    return at.head(x, 100)


def unet(at: Layers, x: Array, widths: Sequence[int] = (8, 16, 32, 64)) -> Array:
    """Down and up again with shortcuts. Ö. Çiçek et al., arXiv:1606.06650."""

    def twice(x: Array, width: int) -> Array:
        for _ in range(2):
            x = at.engine.relu(at.norm(at.conv(x, width, 3)))
        return x

    left = []
    for width in widths[:-1]:
        x = twice(x, width)
        left.append(x)
        x = at.engine.max_pool(x, 2, 2, 0)
    x = twice(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = twice(at.join(left.pop(), at.up(x, width)), width)
    return at.pointwise(x, 2)


def wavenet(at: Layers, x: Array, width: int = 32, dilations: int = 8, outputs: int = 64) -> Array:
    """Gated causal convolutions of two taps, ever further apart. A. van den Oord et al., arXiv:1609.03499."""
    engine = at.engine
    x, skips = at.conv(x, width, 2, low=1), []
    for i in range(dilations):
        content, gate = at.halves(at.conv(x, 2 * width, 2, dilation=2**i, low=2**i))
        y = engine.tanh(content) * engine.sigmoid(gate)
        skips.append(at.pointwise(y, width))
        x = x + at.pointwise(y, width) if i + 1 < dilations else x  # nothing reads the last one
    y = at.pointwise(engine.relu(sum(skips[1:], start=skips[0])), width)
    return at.pointwise(engine.relu(y), outputs)


NETWORKS = (
    Network("ResNet-18", resnet, (4, 96, 96, 3)),
    Network("MobileNetV2", mobilenet, (4, 96, 96, 3)),
    Network("ConvNeXt", convnext, (4, 96, 96, 3)),
    Network("3-D U-Net", unet, (4, 24, 24, 24, 1)),
    Network("WaveNet", wavenet, (4, 4000, 1)),
)
# The same functions with few and narrow layers, for a look and for tests.
SMALL = (
    Network("ResNet, small", partial(resnet, widths=(8, 16), blocks=1), (2, 16, 16, 3)),
    Network("MobileNetV2, small", partial(mobilenet, stages=INVERTED[:2], last=32), (2, 16, 16, 3)),
    Network("ConvNeXt, small", partial(convnext, widths=(8, 16), depths=(1, 1), patch=2), (2, 16, 16, 3)),
    Network("3-D U-Net, small", partial(unet, widths=(4, 8)), (2, 8, 8, 8, 1)),
    Network("WaveNet, small", partial(wavenet, width=8, dilations=3, outputs=4), (2, 60, 1)),
)
