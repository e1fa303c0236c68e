"""How one axis of a lattice answer is computed.

conv    y[P] = sum_t k[t] x'[b P + t - low], x' being x with a - 1 zeros between sites
fold    the same in blocks: a output sites and b input sites per period become channels
dense   no translation: all sites become channels
sum     the output does not live on this axis: inputs of one phase are added up
tile    the input does not live on this axis: the output repeats with period a
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from kernels.convolution.shapes import dilated, steps
from kernels.errors import PaddingError, ShapeError

SPATIAL = ("conv", "fold")


class AxisPlan(NamedTuple):
    """One axis: `a` output and `b` input sites per period, `taps` kernel positions from `first` on."""

    name: str
    kind: str
    a: int = 1
    b: int = 1
    first: int = 0
    taps: int = 1
    dilation: int = 1
    size_in: int | None = None
    size_out: int | None = None
    gap: Fraction = Fraction(0)
    ratio: Fraction = Fraction(1)
    border: Any = "ZERO"  # ZERO, CIRCULAR, REFLECT, VALID or a (low, high) pair

    @property
    def has_input(self) -> bool:
        return self.kind != "tile"

    @property
    def has_output(self) -> bool:
        return self.kind != "sum"

    @property
    def in_phases(self) -> int:
        return 1 if self.kind in ("conv", "tile") else self.b

    @property
    def out_phases(self) -> int:
        return 1 if self.kind in ("conv", "sum") else self.a

    @property
    def start(self) -> int:
        """The first output site on the image: positions begin where the input's do."""
        return 0 if self.size_out is not None or self.border == "CIRCULAR" else -((-self.gap) // 1)

    @property
    def window(self) -> int:
        return dilated(self.taps, self.dilation)

    def check_input(self, n: Any) -> None:
        """The input must have the size that the answer was solved for."""
        if self.size_in is not None and n != self.size_in:
            raise ShapeError(
                "x", f"must have {self.size_in} sites along {self.name}", n, "resize it, or solve again"
            )
        if self.border == "CIRCULAR" and isinstance(n, int) and n % self.b:
            raise ShapeError(
                "x",
                f"must have a multiple of {self.b} sites along {self.name}",
                n,
                f"use {n // self.b * self.b}",
            )

    def least_input(self, least: int) -> int:
        """A number of input sites that will do, at least so many where there is a choice."""
        if self.size_in is not None:
            return self.size_in
        enough = max(least, self.window + self.b) if self.kind in SPATIAL else least
        return -(-enough // self.b) * self.b

    def outputs(self, n: Any) -> Any:
        """The number of output sites on an image of n input sites."""
        if self.size_out is not None:
            return self.size_out
        if self.border == "CIRCULAR":
            return n // self.b * self.a
        if self.kind == "conv" and self.border != "ZERO":
            low, high = self._own_border()
            return steps(dilated(n, self.a) + low + high, self.window, self.b)
        # sites on the image: positions below gap + ratio n, rounded up in integers since n may be a symbol
        low, rise = self.gap.denominator, self.ratio.denominator
        reach = self.gap.numerator * rise + n * self.ratio.numerator * low
        return -(-reach // (low * rise)) - self.start

    def _own_border(self) -> tuple[int, int]:
        if self.border == "VALID":
            return 0, 0
        if self.border == "REFLECT":
            return self._centred()
        return self.border

    def _centred(self) -> tuple[int, int]:
        low = -self.first
        return low, self.window - 1 - low

    def widths(self, n: Any) -> tuple[Any, Any]:
        """The (low, high) border of the spatial axis, in sites between which a - 1 zeros have been put."""
        if self.kind == "fold":
            blocks_in, blocks_out = -(-n // self.b), self.blocks(n)
            low = -(self.first + self.start // self.a)
            return low, blocks_out + self.taps - 1 - blocks_in - low
        if self.border not in ("ZERO", "CIRCULAR"):
            return self._own_border()
        low = -(self.first + self.b * self.start)
        return low, self.b * (self.outputs(n) - 1) + self.window - dilated(n, self.a) - low

    def share(self, p: np.ndarray, q: np.ndarray) -> Any:
        """The share of output sites that read the class of (p, q): fewer where a window cuts it off."""
        if self.kind not in SPATIAL or self.border != "ZERO" or self.size_in is None or self.size_out is None:
            return 1 / self.a
        pairs, inverse = np.unique(np.stack([p, q]), axis=1, return_inverse=True)
        ahead = np.arange(self.size_out) - pairs[0][:, None]
        site = pairs[1][:, None] + self.b * (ahead // self.a)
        reads = (ahead % self.a == 0) & (site >= 0) & (site < self.size_in)
        return reads.mean(axis=1)[inverse.reshape(-1)]

    def blocks(self, n: Any) -> Any:
        """How many periods the output sites touch."""
        return -(-(self.start % self.a + self.outputs(n)) // self.a)

    def with_border(self, border: Any) -> AxisPlan:
        """The same axis with another border, where the axis can have one."""
        if border is None or self.kind in ("dense", "sum", "tile"):
            return self
        if border == "SAME":
            border = "ZERO"
        if self.kind == "fold" and border not in ("ZERO", "CIRCULAR"):
            raise PaddingError(
                "padding",
                f"must be SAME or CIRCULAR along {self.name}, where weights repeat with a period",
                border,
                "leave it out, or use one of the two",
            )
        if border == "REFLECT" and self.a != 1:
            raise PaddingError(
                "padding", f"cannot be REFLECT on the upsampled axis {self.name}", border, "use SAME"
            )
        return self._replace(border=border)
