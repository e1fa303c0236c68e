"""What a rule of the policy may look at: everything about one convolution but its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

ONE: dict[str | None, str] = {
    "cuda": "gpu",
    "rocm": "gpu",
}  # what is measured, and called by JAX, by one name


class Work(NamedTuple):
    """One convolution in the canonical layout of ``primitive.py``, channels counted per group.

    An adjoint is a convolution with shapes of its own: in a kernel adjoint `window` is as large as an image
    and `out` as small as a kernel. `turned`: the kernel is kept as the layer in the other direction has it.
    """

    platform: str | None
    dtype: str
    batch: int
    groups: int
    inputs: int
    outputs: int
    image: tuple[int, ...]
    window: tuple[int, ...]
    out: tuple[int, ...]
    strides: tuple[int, ...]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    turned: bool = False

    @property
    def rank(self) -> int:
        return len(self.out)

    @property
    def taps(self) -> int:
        return math.prod(self.window)

    @property
    def sites(self) -> int:
        return math.prod(self.out)

    @property
    def symbolic(self) -> bool:
        """Sizes that ``jax.export`` leaves open: there is nothing to compare."""
        sizes = (self.batch, self.inputs, *self.image, *self.window, *self.out)
        return not all(isinstance(n, int) for n in sizes)

    @property
    def adjoint(self) -> bool:
        """The kernel is the larger side, as in kernel adjoints."""
        return self.taps > self.sites

    @property
    def samples(self) -> int:
        """The batch of the layer, which in a kernel adjoint are the channels that are summed over."""
        return self.inputs if self.adjoint else self.batch

    def with_samples(self, count: int) -> Work:
        """The same layer and direction with another batch."""
        return self._replace(inputs=count) if self.adjoint else self._replace(batch=count)

    @property
    def dilated(self) -> bool:
        return max(self.lhs_dilation) > 1 or max(self.rhs_dilation) > 1

    def describe(self) -> str:
        """One line for messages."""
        image, window, out = ("x".join(map(str, sizes)) for sizes in (self.image, self.window, self.out))
        channels = f"{self.inputs} to {self.outputs} channels" + f" in {self.groups} groups" * (
            self.groups > 1
        )
        return f"{self.dtype} {self.batch} x {image}, kernel {window}, to {out}, {channels}"


def work_of(
    x: Any, kernel: Any, platform: str | None, options: Mapping[str, Any], turned: bool = False
) -> Work:
    """The work of one bound primitive, from two shaped operands and its options."""
    *window, inputs, outputs = kernel.shape
    groups = options["groups"]
    return Work(
        platform=platform and ONE.get(platform, platform),
        dtype=str(x.dtype),
        batch=x.shape[0],
        groups=groups,
        inputs=inputs,
        outputs=outputs // groups,
        image=tuple(x.shape[1:-1]),
        window=tuple(window),
        out=tuple(options["out"]),
        strides=tuple(options["strides"]),
        lhs_dilation=tuple(options["lhs_dilation"]),
        rhs_dilation=tuple(options["rhs_dilation"]),
        turned=turned,
    )
