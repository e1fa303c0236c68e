"""What a lowered answer has to be, read off the statement alone: translate one pair of sites at a time."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

Pair = tuple[int | None, int | None]


def dense(answer: Any, w: np.ndarray, grid: tuple[int, ...], circular: bool = False) -> np.ndarray:
    """A[*out sites, i, *in sites, c] on an image of this size: zeros around it, or a circle."""
    inputs, lines = iter(grid), []
    for axis in answer.axes:
        lines.append(_Line(axis, next(inputs) if axis.into is not None else 0, circular))
    outs = [line.outputs for line in lines if line.axis.out is not None]
    full = np.zeros((*outs, answer.channels_out, *grid, answer.channels_in))
    for k in range(len(answer.out_site)):
        runs = [
            line.pairs(int(answer.out_site[k, a]), int(answer.in_site[k, a])) for a, line in enumerate(lines)
        ]
        for combination in product(*runs):
            at = tuple(p for p, _ in combination if p is not None)
            read = tuple(q for _, q in combination if q is not None)
            full[(*at, slice(None), *read, slice(None))] += w[k].T
    return full


def bias(answer: Any, b: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """b[*out sites, i]: every translate of a representative has its value."""
    full = np.zeros((*shape, answer.channels_out))
    axes = [
        (k, axis.out, _Line(axis, 0, False)) for k, axis in enumerate(answer.axes) if axis.out is not None
    ]
    for site in np.ndindex(shape):
        for row, value in zip(answer.bias_site, b, strict=True):
            moved = [site[n] + line.first - int(row[k]) for n, (k, _, line) in enumerate(axes)]
            same = [
                m % side.step == 0 if side.step else m == 0
                for m, (_, side, _) in zip(moved, axes, strict=True)
            ]
            if all(same):
                full[site] += value
    return full


class _Line:
    """One axis: output and input sites on an image of n input sites."""

    def __init__(self, axis: Any, n: int, circular: bool) -> None:
        self.axis, self.n = axis, n
        sides = [side for side in (axis.out, axis.into) if side is not None]
        self.circle = circular or any(side.boundary == "periodic" for side in sides)
        self.first, self.outputs = self._image()

    def _image(self) -> tuple[int, int]:
        """The first output site on the image and how many there are: positions from the first input's on."""
        out, into = self.axis.out, self.axis.into
        if out is None:
            return 0, 0
        if out.size is not None or into is None:
            return 0, out.size or 0
        if self.circle:
            return 0, int(self.n * into.spacing / out.spacing)
        first = math.ceil((into.offset - out.offset) / out.spacing)
        end = math.ceil((into.offset + into.spacing * self.n - out.offset) / out.spacing)
        return first, end - first

    def pairs(self, p: int, q: int) -> list[Pair]:
        """Every translate of the pair (p, q) that lies on the image."""
        out, into = self.axis.out, self.axis.into
        turns = 2 * (self.n + self.outputs) + abs(p) + abs(q) + 1
        found = set()
        for t in range(-turns, turns + 1):
            at = None if out is None else p + t * out.step - self.first
            read = None if into is None else q + t * into.step
            if self.circle:
                at = None if at is None else at % self.outputs
                read = None if read is None else read % self.n
            if (at is None or 0 <= at < self.outputs) and (read is None or 0 <= read < self.n):
                found.add((at, read))
        return list(found)
