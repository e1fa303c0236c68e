"""The one list of cases. Every property of the convolutions runs over all of it.

The sizes are the smallest that keep a combination honest: odd and even kernels occur, strides do not divide
the images, and the channels of a group are seldom one or equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np

import kernels as kn
from kernels.checking import reference


@dataclass(frozen=True)
class Case:
    name: str
    spatial: tuple[int, ...]
    size: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    channels: tuple[int, int] = (2, 3)
    batch: tuple[int, ...] = (2,)
    transposed: bool = False

    @property
    def groups(self) -> int:
        return self.options.get("groups", 1)

    @property
    def window(self) -> dict[str, Any]:
        """The options of the oracle's geometry alone."""
        return {k: v for k, v in self.options.items() if k not in ("groups", "flip")}

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        return (*self.size, self.channels[0] // self.groups, self.channels[1])

    @property
    def field_shape(self) -> tuple[int, ...]:
        """The shape of the input of `conv`, which is the output of `conv_transpose`."""
        return (*self.batch, *self.spatial, self.channels[0])

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of the output of `conv`."""
        out, _ = reference.links(self.spatial, self.size, **self.window)
        return (*self.batch, *out, self.channels[1])

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.image_shape if self.transposed else self.field_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.field_shape if self.transposed else self.image_shape

    @property
    def op(self) -> Any:
        """f(x, kernel), the function under test."""
        if self.transposed:
            return partial(kn.conv_transpose, output_shape=self.spatial, **self.options)
        return partial(kn.conv, **self.options)

    def matrix(self, kernel: np.ndarray) -> np.ndarray:
        """The oracle's dense matrix of the op for one sample."""
        dense = reference.conv_matrix(kernel, self.spatial, **self.options)
        return dense.T if self.transposed else dense

    def oracle(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        if self.transposed:
            return reference.conv_transpose(x, kernel, output_shape=self.spatial, **self.options)
        return reference.conv(x, kernel, **self.options)

    def arrays(self, seed: int = 0, dtype: Any = np.float64) -> tuple[jax.Array, jax.Array, jax.Array]:
        """x, kernel and a cotangent of the output."""
        rng = np.random.default_rng(seed)
        shapes = (self.input_shape, self.kernel_shape, self.output_shape)
        x, kernel, ybar = (jax.numpy.asarray(rng.normal(size=shape), dtype) for shape in shapes)
        return x, kernel, ybar


def case(
    name: str,
    spatial: tuple[int, ...],
    size: tuple[int, ...],
    channels: tuple[int, int] = (2, 3),
    batch: tuple[int, ...] = (2,),
    transposed: bool = False,
    **options: Any,
) -> Case:
    return Case(name, spatial, size, options, channels, batch, transposed)


def _plain() -> list[Case]:
    return [
        case("1d same", (7,), (3,)),
        case("1d valid", (7,), (3,), padding="VALID"),
        case("1d circular", (7,), (3,), padding="CIRCULAR"),
        case("1d reflect", (7,), (3,), padding="REFLECT"),
        case("1d pairs", (7,), (3,), padding=[(2, 1)]),
        case("1d crop", (7,), (2,), padding=[(-2, 3)]),
        case("1d integer padding", (5,), (4,), padding=2),
        case("1d even kernel same", (6,), (4,)),
        case("1d stride same", (7,), (3,), strides=2),
        case("1d stride valid, last site unused", (8,), (3,), strides=3, padding="VALID"),
        case("1d stride above the kernel", (9,), (2,), strides=4),
        case("1d stride circular", (7,), (3,), strides=2, padding="CIRCULAR"),
        case("1d stride reflect", (7,), (4,), strides=2, padding="REFLECT"),
        case("1d dilated same", (8,), (3,), dilation=2),
        case("1d dilated circular, wraps more than once", (3,), (4,), dilation=3, padding="CIRCULAR"),
        case("1d dilated reflect, bounces more than once", (3,), (4,), dilation=3, padding="REFLECT"),
        case("1d stride and dilation", (11,), (3,), strides=2, dilation=3, padding=[(3, 1)]),
        case("1d groups", (5,), (3,), channels=(4, 6), groups=2),
        case("1d flip", (6,), (3,), flip=True),
        case("1d radius 0", (4,), (1,)),
        case("1d no batch", (6,), (3,), batch=()),
        case("1d two batch axes", (6,), (3,), batch=(2, 1)),
        case("1d empty batch", (6,), (3,), batch=(0,)),
        case("1d kernel larger than the image", (3,), (5,), padding="VALID"),
        case("2d same", (4, 5), (3, 2)),
        case("2d valid stride, flip", (5, 6), (2, 3), strides=(2, 1), padding="VALID", flip=True),
        case(
            "2d circular, dilated, groups",
            (5, 4),
            (3, 2),
            channels=(4, 2),
            padding="CIRCULAR",
            dilation=(1, 2),
            groups=2,
        ),
        case("2d reflect stride, flip", (5, 4), (3, 3), padding="REFLECT", strides=2, flip=True),
        case("2d depthwise", (4, 4), (3, 3), channels=(3, 6), groups=3),
        case(
            "2d groups, stride, dilation",
            (6, 5),
            (2, 3),
            channels=(4, 6),
            groups=2,
            strides=(2, 3),
            dilation=(2, 1),
        ),
        case("2d pairs", (4, 4), (3, 2), padding=[(2, 0), (-1, 2)], strides=(1, 2)),
        case("3d same", (3, 2, 4), (2, 1, 3)),
        case(
            "3d everything",
            (3, 4, 5),
            (2, 2, 3),
            channels=(2, 4),
            strides=(1, 2, 2),
            dilation=(2, 1, 1),
            padding="VALID",
            groups=2,
            flip=True,
        ),
        case("3d circular", (2, 3, 3), (1, 3, 2), padding="CIRCULAR", strides=(1, 2, 1)),
    ]


def _mixed() -> list[Case]:
    """Borders of every name, one per axis, and zeros between the sites of the image."""
    return [
        case("1d same lower, stride", (7,), (4,), padding="SAME_LOWER", strides=2),
        case(
            "2d causal, stride, dilation", (7, 5), (3, 2), padding="CAUSAL", strides=(2, 1), dilation=(1, 2)
        ),
        case("1d replicate stride", (6,), (4,), padding="REPLICATE", strides=2),
        case("1d dilated replicate, longer than the image", (2,), (4,), dilation=3, padding="REPLICATE"),
        case("2d one border per axis", (5, 4), (3, 3), padding=("CIRCULAR", "REPLICATE"), strides=(1, 2)),
        case(
            "3d name, integer and pair, groups",
            (3, 4, 3),
            (2, 3, 2),
            channels=(2, 4),
            padding=("REFLECT", 1, (2, -1)),
            groups=2,
        ),
        case("1d input dilation, stride, crop", (5,), (3,), input_dilation=2, strides=3, padding=[(-1, 2)]),
        case("1d input dilation same", (4,), (4,), input_dilation=3),
        case(
            "2d input dilation, circular and reflect, dilated, groups",
            (3, 4),
            (3, 2),
            channels=(4, 2),
            padding=("CIRCULAR", "REFLECT"),
            input_dilation=(2, 3),
            strides=(2, 1),
            dilation=(1, 2),
            groups=2,
        ),
        case(
            "1d input dilation replicate, flip", (3,), (6,), input_dilation=2, padding="REPLICATE", flip=True
        ),
    ]


def _transposed() -> list[Case]:
    return [
        case(
            "2d transposed borders, input dilation",
            (4, 3),
            (3, 3),
            padding=("REPLICATE", "CAUSAL"),
            strides=2,
            input_dilation=(1, 2),
            transposed=True,
        ),
        case("1d transposed same stride", (8,), (3,), strides=2, transposed=True),
        case("1d transposed valid, unused site", (8,), (3,), strides=3, padding="VALID", transposed=True),
        case("1d transposed circular stride", (6,), (3,), strides=2, padding="CIRCULAR", transposed=True),
        case("1d transposed reflect", (6,), (3,), padding="REFLECT", flip=True, transposed=True),
        case("2d transposed groups", (4, 6), (3, 4), channels=(4, 2), strides=2, groups=2, transposed=True),
        case(
            "2d transposed pairs, dilated, flip",
            (5, 6),
            (2, 3),
            dilation=2,
            padding=[(1, 2), (0, -1)],
            flip=True,
            transposed=True,
        ),
        case(
            "3d transposed valid", (3, 4, 5), (2, 2, 3), strides=(1, 2, 2), padding="VALID", transposed=True
        ),
    ]


CASES = (*_plain(), *_mixed(), *_transposed())
NAMES = [case.name for case in CASES]
