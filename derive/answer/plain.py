"""An answer as plain NumPy: all that `kernels` ever sees of a solution."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np

from derive.pickling import Arrays
from derive.symmetry.field import Field


@dataclass(frozen=True)
class PlainSide:
    """One field along one axis: a translation moves its sites by `step`; `size` None means all of Z."""

    step: int
    spacing: Fraction
    offset: Fraction
    size: int | None
    boundary: str | None


@dataclass(frozen=True)
class PlainAxis:
    """Both fields along one axis; a side is None where that field does not live on the lattice."""

    name: str
    out: PlainSide | None
    into: PlainSide | None

    @property
    def mesh(self) -> Fraction:
        """Attained displacements differ by multiples of this (only where both sides live on the lattice)."""
        if self.out is None or self.into is None:
            return Fraction(1)
        s, t = self.out.spacing, self.into.spacing
        return Fraction(
            gcd(s.numerator * t.denominator, t.numerator * s.denominator), s.denominator * t.denominator
        )


@dataclass(frozen=True, eq=False)
class PlainBlock(Arrays):
    """One block pair: sparse entries of the fibre map that every class gets from the free weights.

    Entry j puts `value[j]` times weight `weight[j]` at class `site[j]`, fibre row `row[j]` and fibre column
    `column[j]`; copies of the pieces repeat this with weights of their own, so that these have the shape
    (weights, copies_in, copies_out).
    """

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    dim_in: int
    dim_out: int
    weights: int
    weight: np.ndarray
    site: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Plain(Arrays):
    """Classes of site pairs, and of output sites for the bias, by one member of each.

    `out_site`, `in_site`: integer arrays (classes, axes), the output site in the first period; entries of
    a missing side are 0. `bias_site`: (bias classes, axes). Weights have the shape
    (classes, channels_in, channels_out), biases (bias classes, channels_out); with `blocks`, see there.
    `into`, `out`: the two fields.
    """

    axes: tuple[PlainAxis, ...]
    channels_in: int
    channels_out: int
    out_site: np.ndarray
    in_site: np.ndarray
    bias_site: np.ndarray
    description: str = ""
    blocks: tuple[PlainBlock, ...] | None = None
    bias_blocks: tuple[PlainBlock, ...] | None = None
    into: Field | None = None
    out: Field | None = None

    @property
    def dim(self) -> int:
        if self.blocks is not None:
            return sum(b.weights * b.copies_in * b.copies_out for b in self.blocks)
        return len(self.out_site) * self.channels_in * self.channels_out
