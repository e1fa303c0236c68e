"""A few entries of a convolution and of its adjoints in float64, by their definition, with NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.cases import Case

Array = np.ndarray
Index = tuple[int, ...]


@dataclass(frozen=True)
class Oracle:
    """y[n,p,i] = sum_{j,c} k[j,c,i] x[n,q(p,j),c], one table q per axis; -1 is a zero beyond the border."""

    x: Array
    kernel: Array
    ybar: Array
    tables: tuple[Array, ...]
    groups: int

    @classmethod
    def of(cls, case: Case, x: Any, kernel: Any, ybar: Any) -> Oracle:
        """The operands of a convolution; a transposed one is a convolution read backwards."""
        if case.kind == "transposed":
            x, ybar = ybar, x
        x, kernel, ybar = (np.asarray(a, np.float64) for a in (x, kernel, ybar))
        if case.kind == "separable":
            down, along = kernel[: case.size[0]], kernel[case.size[0] :]
            kernel = down[:, None] * along[None]
        sizes = zip(x.shape[1:-1], case.size, strict=True)
        tables = tuple(table(n, k, case.options) for n, k in sizes)
        return cls(x, kernel, ybar, tables, case.groups)

    def forward(self, at: Index) -> float:
        n, *p, i = at
        block = self.kernel.shape[-2] * (i // (self.kernel.shape[-1] // self.groups))
        patch = self._read(self.x[n], [t[a] for t, a in zip(self.tables, p, strict=True)])
        return float(np.sum(patch[..., block : block + self.kernel.shape[-2]] * self.kernel[..., i]))

    def kernel_adjoint(self, at: Index) -> float:
        *j, c, i = at
        channel = c + self.kernel.shape[-2] * (i // (self.kernel.shape[-1] // self.groups))
        image = np.moveaxis(self.x[..., channel], 0, -1)
        reads = self._read(image, [t[:, b] for t, b in zip(self.tables, j, strict=True)])
        return float(np.sum(np.moveaxis(reads, -1, 0) * self.ybar[..., i]))

    def input_adjoint(self, at: Index) -> float:
        n, *q, c = at
        inputs, outputs = self.kernel.shape[-2], self.kernel.shape[-1] // self.groups
        pairs = [np.nonzero(t == a) for t, a in zip(self.tables, q, strict=True)]
        own = slice(outputs * (c // inputs), outputs * (c // inputs + 1))
        taps = self.kernel[(*np.ix_(*(j for _, j in pairs)), c % inputs)][..., own]
        return float(np.sum(taps * self.ybar[n][np.ix_(*(p for p, _ in pairs))][..., own]))

    @staticmethod
    def _read(image: Array, sites: Sequence[Array]) -> Array:
        """image (spatial..., C) at the product of these sites, zero where a site is -1."""
        values = image[np.ix_(*sites)]
        for axis, where in enumerate(sites):
            values = np.where(_along(where >= 0, axis, values.ndim), values, 0.0)
        return values


def _along(mask: Array, axis: int, rank: int) -> Array:
    return mask.reshape([-1 if a == axis else 1 for a in range(rank)])


def table(n: int, k: int, options: dict[str, Any]) -> Array:
    """The input site of every output site and tap along one axis of n sites; -1 beyond the border.

    >>> table(4, 3, {"strides": 2}).tolist()
    [[0, 1, 2], [2, 3, -1]]
    """
    stride, dilation = options.get("strides", 1), options.get("dilation", 1)
    padding, window = options.get("padding", "SAME"), dilation * (k - 1) + 1
    outputs = (n - window) // stride + 1 if padding == "VALID" else -(-n // stride)
    low = {"VALID": 0, "CIRCULAR": (window - 1) // 2}.get(padding)
    if low is None:
        low = max((outputs - 1) * stride + window - n, 0) // 2
    q = stride * np.arange(outputs)[:, None] + dilation * np.arange(k) - low
    return q % n if padding == "CIRCULAR" else np.where((q >= 0) & (q < n), q, -1)


def sample(shape: Sequence[int], count: int) -> list[Index]:
    """The corners of an array and random entries of it."""
    rng = np.random.default_rng(2)
    corners = rng.permutation(2 ** len(shape))[: count // 4]
    chosen = [tuple((int(c) >> a & 1) * (n - 1) for a, n in enumerate(shape)) for c in corners]
    flat = rng.choice(math.prod(shape), min(count - len(chosen), math.prod(shape)), replace=False)
    return chosen + [tuple(int(i) for i in np.unravel_index(at, shape)) for at in flat]
