"""The slow, obvious oracle: a layer written as loops, and printed equations read one entry at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import sympy as sp


@dataclass(frozen=True)
class Case:
    """One layer with numbers for everything; `pads` is what the padding means at these sizes."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Any
    groups: int = 1
    flip: bool = False
    transposed: bool = False
    channels: tuple[int, int] = (2, 3)

    @property
    def dim(self) -> int:
        return len(self.size)

    @property
    def options(self) -> dict[str, Any]:
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation": self.dilation,
            "flip": self.flip,
        }

    def line(self, axis: int) -> tuple[int, list[tuple[int, int, int]], int]:
        """Along one axis: outputs, every (output, tap, input) that meet, and the zeros at the start."""
        n, k, s, e = self.size[axis], self.kernel[axis], self.strides[axis], self.dilation[axis]
        span = e * (k - 1) + 1
        if self.padding == "VALID":
            low = high = 0
        elif self.padding == "SAME":
            zeros = max((math.ceil(n / s) - 1) * s + span - n, 0)
            low, high = zeros // 2, zeros - zeros // 2
        elif isinstance(self.padding, str):
            low, high = (span - 1) // 2, span // 2
        else:
            low, high = self.padding[axis]
        outputs = max((n + low + high - span) // s + 1, 0)
        meets = []
        for p, d in product(range(outputs), range(k)):
            q = s * p + e * d - low
            if self.padding == "CIRCULAR":
                q %= n
            while self.padding == "REFLECT" and not 0 <= q < n:
                q = -q if q < 0 else 2 * (n - 1) - q
            if 0 <= q < n:
                meets.append((p, k - 1 - d if self.flip else d, q))
        return outputs, meets, low

    @property
    def outputs(self) -> tuple[int, ...]:
        return tuple(self.line(axis)[0] for axis in range(self.dim))

    def coarse_shape(self) -> tuple[int, ...]:
        return (self.groups, self.channels[1], *self.outputs)

    def fine_shape(self) -> tuple[int, ...]:
        return (self.groups, self.channels[0], *self.size)

    def kernel_shape(self) -> tuple[int, ...]:
        return (self.groups, self.channels[1], self.channels[0], *self.kernel)

    def links(self) -> list[tuple[tuple[int, ...], ...]]:
        lines = [self.line(axis)[1] for axis in range(self.dim)]
        return [tuple(zip(*term, strict=True)) for term in product(*lines)]

    def conv(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        y = np.zeros(self.coarse_shape(), dtype=object)
        for g, i, c in product(range(self.groups), range(self.channels[1]), range(self.channels[0])):
            for p, d, q in self.links():
                y[(g, i, *p)] += kernel[(g, i, c, *d)] * x[(g, c, *q)]
        return y

    def conv_transpose(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        y = np.zeros(self.fine_shape(), dtype=object)
        for g, i, c in product(range(self.groups), range(self.channels[1]), range(self.channels[0])):
            for p, d, q in self.links():
                y[(g, c, *q)] += kernel[(g, i, c, *d)] * x[(g, i, *p)]
        return y

    def layer(self, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return self.conv_transpose(x, kernel) if self.transposed else self.conv(x, kernel)


def numbers(expr: Any, names: dict[str, int]) -> Any:
    """An index or a condition, with numbers for its letters."""
    return sp.sympify(expr).subs({s: names[s.name] for s in expr.free_symbols if s.name in names})


def value(expr: Any, names: dict[str, int], arrays: dict[str, np.ndarray]) -> Any:
    """A printed expression at one value of its letters; fields are 0 outside their sites."""
    if isinstance(expr, sp.Sum):
        *rest, (s, low, high) = expr.limits
        inner = sp.Sum(expr.function, *rest) if rest else expr.function
        ends = [int(numbers(e, names)) for e in (low, high)]
        return sum(value(inner, {**names, s.name: n}, arrays) for n in range(ends[0], ends[1] + 1))
    if isinstance(expr, sp.Piecewise):
        (inside, condition), (outside, _) = expr.args
        chosen = inside if bool(numbers(condition, names)) else outside
        return value(chosen, names, arrays)
    if isinstance(expr, sp.Mul):
        return math.prod(value(arg, names, arrays) for arg in expr.args)
    if isinstance(expr, sp.Indexed):
        array = arrays[str(expr.base.label)]
        index = [numbers(e, names) for e in expr.indices]
        assert all(n.is_Integer for n in index), expr
        inside = all(0 <= n < size for n, size in zip(index, array.shape, strict=True))
        return array[tuple(int(n) for n in index)] if inside else 0
    return int(expr)


def table(equation: sp.Eq, shape: tuple[int, ...], names: dict[str, int], arrays: dict) -> np.ndarray:
    """The right side of a printed equation at every entry of its left side."""
    letters = [index.name for index in equation.lhs.indices]
    result = np.zeros(shape, dtype=object)
    for place in np.ndindex(*shape):
        result[place] = value(equation.rhs, {**names, **dict(zip(letters, place, strict=True))}, arrays)
    return result
