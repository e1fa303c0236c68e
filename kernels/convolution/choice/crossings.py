"""For every threshold a family of layers that crosses it, with the implementation on either side.

`calibrate` finds the crossings of a machine on them, and ``benchmarks/thresholds.py`` times both neighbours
of each. A family has one number that grows, what the threshold is compared with; all else is held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, Literal, NamedTuple

from kernels.convolution.choice.directions import Direction, directions
from kernels.convolution.work import Work

FORWARD, INPUT, KERNEL = range(3)


class Layer(NamedTuple):
    """One direction of a layer."""

    x: tuple[int, ...]
    kernel: tuple[int, ...]
    direction: int = FORWARD
    options: Mapping[str, Any] = {}

    def make(self, implementation: str = "auto") -> Direction:
        """It, computed so, in float32 on CPU."""
        options = {**self.options, "implementation": implementation}
        return directions(self.x, self.kernel, "float32", "cpu", False, **options)[self.direction]


class Crossing(NamedTuple):
    """`low` up to the threshold or below it, `high` above it or from it on; `sizes` number the layers.

    up to: the threshold is the last value of `low`. from: it is the first value of `high`.
    `brief`: part of what `calibrate` measures: it moves between machines.
    """

    field: str
    kind: Literal["up to", "from"]
    low: str
    high: str
    layer: Callable[[int], Layer]
    sizes: tuple[int, ...]
    value: Callable[[Work], int]
    brief: bool = True

    def at(self, size: int) -> int:
        """What is compared with the threshold for the layer of this size."""
        return self.value(self.layer(size).make().work)


def _square(
    batch: int, n: int, inputs: int, outputs: int, k: int = 3, direction: int = FORWARD, **options: Any
) -> Layer:
    """A square image and kernel; channels of all groups together."""
    groups = options.get("groups", 1)
    return Layer((batch, n, n, inputs), (k, k, inputs // groups, outputs), direction, options)


def _grouped(groups: int, inputs: int, outputs: int, k: int = 3, direction: int = FORWARD) -> Layer:
    """Channels counted per group."""
    return _square(4, 28, groups * inputs, groups * outputs, k, direction, groups=groups)


def _line(n: int, k: int, channels: int, batch: int = 4) -> Layer:
    """The kernel adjoint of a layer in one dimension."""
    return Layer((batch, n, channels), (k, channels, channels), KERNEL)


def _row(k: int, outputs: int = 1) -> Layer:
    """The kernel adjoint of a row of taps in two dimensions."""
    return Layer((1, 256, 256, 1), (1, k, 1, outputs), KERNEL)


def _products(work: Work) -> int:
    return work.batch * work.sites * work.taps * work.inputs * work.outputs


def _terms(work: Work) -> int:
    return work.inputs * work.taps


def _pairs(work: Work) -> int:
    return (work.batch if work.adjoint else work.inputs) * work.outputs


def _sites(work: Work) -> int:
    return prod(work.image)


def _images(work: Work) -> int:
    return 4 * work.inputs * (work.batch * _sites(work) + work.outputs * work.taps)


def _taps(work: Work) -> int:
    return work.sites if work.adjoint else work.taps


def _least_channels(work: Work) -> int:
    return min(work.batch, work.outputs)


def _most_channels(work: Work) -> int:
    return max(work.batch, work.outputs)


def _inputs(work: Work) -> int:
    return work.inputs


def _outputs(work: Work) -> int:
    return work.outputs


def _row_taps(work: Work) -> int:
    return work.out[-1]


CROSSINGS = (
    Crossing(
        "eigen_adjoint_channels", "from", "xla", "eigen",
        lambda c: _square(8, 28, c, c, 3, KERNEL), (48, 64, 96, 128), _least_channels,
    ),
    Crossing(
        "eigen_products", "from", "xla", "eigen",
        lambda n: _square(8, n, 64, 64), (14, 28, 40, 56), _products,
    ),
    Crossing(
        "eigen_strided_products", "from", "xla", "eigen",
        lambda n: _square(8, n, 64, 64, strides=2), (14, 28, 56), _products,
    ),
    Crossing(
        "eigen_adjoint_products", "from", "xla", "eigen",
        lambda n: _square(8, n, 96, 96, 3, KERNEL), (7, 14, 28), _products, False,
    ),
    Crossing(
        "piece_outputs", "from", "xla", "pieces",
        lambda c: _square(8, 56, c, c, 3, KERNEL), (20, 32, 48, 64), _outputs,
    ),
    Crossing(
        "piece_images", "from", "xla", "pieces",
        lambda n: _square(8, n, 48, 48, 3, KERNEL), (20, 28, 40, 56), _images,
    ),
    Crossing(
        "product_inputs", "from", "xla", "matmul",
        lambda c: _square(8, 28, c, 4 * c, 1), (4, 8, 16, 32), _inputs,
    ),
    Crossing(
        "group_inputs", "up to", "shifted", "grouped",
        lambda c: _grouped(8, c, 4), (4, 8, 16, 32), _inputs,
    ),
    Crossing(
        "group_products", "up to", "shifted", "grouped",
        lambda d: _grouped(8, 8, d), (2, 4, 8, 16), lambda work: work.inputs * work.outputs,
    ),
    Crossing(
        "group_point_inputs", "up to", "shifted", "grouped",
        lambda c: _grouped(8, c, c, 1), (8, 16, 32, 64), _inputs,
    ),
    Crossing(
        "adjoint_groups", "from", "grouped", "shifted",
        lambda g: _grouped(g, 8, 8, 3, KERNEL), (2, 4, 8, 16), lambda work: work.groups,
    ),
    Crossing(
        "adjoint_group_channels", "up to", "shifted", "grouped",
        lambda c: _grouped(16, c, c, 3, KERNEL), (4, 8, 12, 16), _most_channels,
    ),
    Crossing(
        "adjoint_group_pairs", "up to", "shifted", "grouped",
        lambda d: _grouped(8, 1, d, 9, KERNEL), (2, 4, 8, 16), _pairs, False,
    ),
    Crossing(
        "pairs", "up to", "blocks", "xla",
        lambda c: _square(1, 96, c, c, 7), (3, 4, 6, 8, 12), _pairs,
    ),
    Crossing(
        "strided_pairs", "up to", "blocks", "xla",
        lambda c: _square(2, 96, c, c, 5, strides=2), (3, 4, 6, 8), _pairs,
    ),
    Crossing(
        "few_channels", "up to", "blocks", "xla",
        lambda c: _square(4, 64, c, 1, 5), (8, 16, 32), _inputs, False,
    ),
    Crossing(
        "pass_terms", "up to", "shifted", "blocks",
        lambda k: _square(1, 256, 1, 1, k), (3, 5, 7, 8), _terms,
    ),
    Crossing(
        "volume_terms", "up to", "shifted", "unfold",
        lambda k: Layer((1, 24, 24, 24, 2), (k, k, k, 2, 2)), (3, 4, 5, 6), _terms,
    ),
    Crossing(
        "volume_pairs", "up to", "shifted", "unfold",
        lambda c: Layer((1, 20, 20, 20, c), (3, 3, 3, c, c)), (3, 4, 5, 6), _pairs,
    ),
    Crossing(
        "block_taps", "from", "xla", "blocks",
        lambda k: Layer((4, 64, 64, 16), (1, k, 16, 4)), (2, 3, 4, 9), _taps, False,
    ),
    Crossing(
        "adjoint_sums", "up to", "shifted", "xla",
        lambda k: _square(4, 64, 8, 8, k, KERNEL), (3, 5, 7, 9), lambda work: _pairs(work) * work.sites,
    ),
    Crossing(
        "adjoint_terms", "up to", "shifted", "xla",
        lambda n: _square(n, 28, 3, 4, 3, KERNEL), (4, 8, 16, 32, 64),
        lambda work: work.inputs * _pairs(work),
    ),
    Crossing(
        "adjoint_pairs", "up to", "shifted", "xla",
        lambda c: _square(300, 28, 1, c, 3, KERNEL), (2, 4, 8, 16), _pairs, False,
    ),
    Crossing(
        "adjoint_line", "up to", "shifted", "xla",
        lambda k: _line(4096, k, 4), (3, 5, 8, 11), _row_taps,
    ),
    Crossing(
        "block_adjoint_taps", "from", "shifted", "blocks",
        lambda k: _square(1, 256, 1, 1, k, KERNEL), (5, 7, 9, 11), _taps,
    ),
    Crossing(
        "block_adjoint_pairs", "up to", "blocks", "unfold",
        lambda c: _square(1, 128, c, c, 15, KERNEL), (1, 2, 3, 4), _pairs,
    ),
    Crossing(
        "band_line_taps", "from", "xla", "bands",
        lambda k: _line(4096, k, 4), (9, 17, 33, 65), _row_taps,
    ),
    Crossing(
        "band_line_pairs", "up to", "bands", "xla",
        lambda c: _line(4096, 65, c), (4, 6, 8, 12), _pairs,
    ),
    Crossing(
        "band_row_taps", "from", "shifted", "bands", _row, (5, 7, 9, 15), _row_taps, False,
    ),
    Crossing(
        "band_row_pairs", "up to", "bands", "shifted", partial(_row, 15), (1, 2, 4, 8), _pairs, False,
    ),
    Crossing(
        "unfold_samples", "up to", "unfold", "xla",
        lambda n: _square(n, 28, 16, 16, 3, KERNEL), (1, 2, 4, 8), _inputs,
    ),
    Crossing(
        "unfold_channels", "up to", "unfold", "xla",
        lambda c: _square(2, 28, c, c, 3, KERNEL), (8, 16, 24, 32), _most_channels,
    ),
    Crossing(
        "column_pairs", "from", "xla", "col2im",
        lambda c: _square(4, 4, c, c, 3, INPUT), (64, 96, 128, 256), lambda work: work.inputs * work.outputs,
        False,
    ),
    Crossing(
        "column_rows", "up to", "col2im", "xla",
        lambda n: _square(n, 8, 128, 128, 3, INPUT), (1, 2, 4, 8, 16),
        lambda work: work.batch * _sites(work) // work.inputs,
    ),
    Crossing(
        "phase_outputs", "from", "xla", "phases",
        lambda c: _square(8, 56, c, 32, 3, INPUT, strides=2), (2, 4, 8, 16), _outputs,
    ),
    Crossing(
        "phase_products", "from", "xla", "phases",
        lambda n: _square(8, n, 32, 32, 3, INPUT, strides=2), (8, 12, 16, 28), _products,
    ),
)  # fmt: skip
