"""The taps of a kernel on a grid, where they stand in R^n, and the waves that count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from kernels.errors import WindowError
from kernels.integers import Ints, per_axis
from kernels.spacing import read_number, read_spacing
from kernels.static import Content

BAND = 3 * math.pi / 4
NEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Window(Content):
    """Taps along every axis, `dilation` sites of `spacing` apart; `radius`: taps beyond it are left out.

    `band`: waves of |w| <= band / (the largest distance between neighbouring taps) count, so that band = pi
    is the shortest wave that a grid tells apart.
    """

    sizes: tuple[int, ...]
    dilation: tuple[int, ...]
    strides: tuple[int, ...]
    spacing: tuple[float, ...]
    band: float = BAND
    radius: float | None = None

    @property
    def axes(self) -> int:
        return len(self.sizes)

    @cached_property
    def steps(self) -> np.ndarray:
        """The distance of neighbouring taps, by axis."""
        return np.array(self.spacing) * self.dilation

    @property
    def step(self) -> float:
        """The largest of them."""
        return float(self.steps.max())

    @property
    def limit(self) -> float:
        """The largest |w| that counts."""
        return self.band / self.step

    @property
    def alike(self) -> tuple[Any, ...]:
        """A mark per axis: those with equal ones may be exchanged."""
        return tuple(zip(self.sizes, self.dilation, self.strides, self.spacing, strict=True))

    @cached_property
    def offset(self) -> tuple[Fraction, ...]:
        """Where an output stands, in sites of the input: between two of them where taps are even."""
        return tuple(Fraction(e * (k - 1) % 2, 2) for k, e in zip(self.sizes, self.dilation, strict=True))

    @cached_property
    def sites(self) -> np.ndarray:
        """(taps, axes): the sites that output 0 reads."""
        lines = [
            int(o - Fraction(e * (k - 1), 2)) + e * np.arange(k)
            for k, e, o in zip(self.sizes, self.dilation, self.offset, strict=True)
        ]
        every = np.array(list(product(*lines)), dtype=np.int64).reshape(-1, self.axes)
        return every if self.radius is None else every[self._inside(every)]

    def _inside(self, sites: np.ndarray) -> np.ndarray:
        assert self.radius is not None
        return np.linalg.norm(self._places(sites), axis=1) <= self.radius * (1 + NEAR)

    def _places(self, sites: np.ndarray) -> np.ndarray:
        return (sites - np.array(self.offset, dtype=float)) * np.array(self.spacing)

    @cached_property
    def places(self) -> np.ndarray:
        """(taps, axes): the displacements d of the taps."""
        return self._places(self.sites)

    @property
    def share(self) -> float:
        """The share that waves which count have among all that the taps tell apart."""
        n = self.axes
        ball = math.pi ** (n / 2) / math.gamma(n / 2 + 1) * self.limit**n
        return float(ball * np.prod(self.steps) / (2 * math.pi) ** n)

    def larger(self, more: int) -> Window:
        """With so many taps more along every axis."""
        sizes = tuple(k + more for k in self.sizes)
        return Window(sizes, self.dilation, self.strides, self.spacing, self.band, self.radius)

    def __str__(self) -> str:
        sizes = " x ".join(map(str, self.sizes))
        return f"{sizes} taps, |w| <= {self.limit:.3g}"


def make_window(
    axes: int, window: Ints, strides: Ints, dilation: Ints, spacing: Any, band: Any, radius: float | None
) -> Window:
    """A window as people give it."""
    counts = {"window": window, "dilation": dilation, "strides": strides}
    read = {name: per_axis(name, given, axes, WindowError) for name, given in counts.items()}
    return Window(
        read["window"], read["dilation"], read["strides"], read_spacing(spacing, axes), _band(band), radius
    )


def _band(given: Any) -> float:
    number = BAND if given is None else read_number(given)
    if not 0 < number <= math.pi:
        rule = "must be in (0, pi]: beyond pi no grid tells waves apart"
        raise WindowError("band", rule, given, "say band=3*pi/4")
    return number
