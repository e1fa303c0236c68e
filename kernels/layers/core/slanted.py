"""Finer lattices where axes are not at right angles: values between sites by weights that the group keeps.

Sites stay and others come between, since the centre of a sixth of a turn is a site of both lattices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import floor, prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

import derive
from kernels.errors import ShapeError
from kernels.layers.core import fields
from kernels.layers.core.spec import FunctionSpec, Params, floating
from kernels.static import Static

Matrix = tuple[tuple[int, ...], ...]
CACHED = 256


@dataclass(frozen=True, eq=False, repr=False)
class SlantedUpsampleSpec(FunctionSpec):
    """y(p) = sum over taps t of weight[t, p mod phases] x(q + t), the position of p being q + a fraction.

    `taps`: (taps, axes); `weights`: (taps, phases...).
    """

    factors: tuple[Fraction, ...]
    taps: Static
    weights: Static
    method: str

    def value(self, params: Params, x: jax.Array) -> jax.Array:
        x = floating(x)
        rank = len(self.factors)
        first, closed = x.ndim - 1 - rank, fields.periodic(self.into)
        axes = [
            _Axis.of(x.shape[first + k], f, c)
            for k, (f, c) in enumerate(zip(self.factors, closed, strict=True))
        ]
        total = jnp.zeros((), x.dtype)
        for tap, weight in zip(self.taps.array, self.weights.array, strict=True):
            read, share = x, jnp.asarray(weight, x.dtype)
            for k, (axis, t) in enumerate(zip(axes, tap.tolist(), strict=True)):
                read = jnp.take(read, axis.sites(t), first + k)
                share = jnp.take(share, axis.phases, k)
            total = total + share[..., None] * read
        return total

    @property
    def details(self) -> str:
        return f", {self.method}"


@dataclass(frozen=True)
class _Axis:
    """For every output site of an axis its phase, and the input site before it."""

    phases: Any
    low: Any
    n: Any
    closed: bool

    @classmethod
    def of(cls, n: Any, factor: Fraction, closed: bool) -> _Axis:
        some: Any = jnp if is_symbolic_dim(n) else np
        p = some.arange(outputs(n, factor, closed))
        return cls(p % factor.numerator, factor.denominator * p // factor.numerator, n, closed)

    def sites(self, t: int) -> Any:
        """Sites beyond the ends: around the circle, or the last ones."""
        some: Any = jnp if is_symbolic_dim(self.n) else np
        return (self.low + t) % self.n if self.closed else some.clip(self.low + t, 0, self.n - 1)


def outputs(n: Any, factor: Fraction, closed: bool) -> Any:
    """How many sites n sites become: around a circle each has its share, on a line the last one stays."""
    a, b = factor.numerator, factor.denominator
    steps = n if closed else n - 1
    if b > 1 and steps * a % b:
        rule = f"must have a size that {factor} times makes a whole number"
        remedy = f"use a multiple of {b}" + ("" if closed else " and 1 more")
        raise ShapeError("x", rule, n, remedy)
    return a * steps // b + (0 if closed else 1)


@lru_cache(maxsize=CACHED)
def slanted(x: derive.Field, factors: tuple[Fraction, ...], method: str) -> SlantedUpsampleSpec:
    """The layer: taps that some phase reads, and their weights."""
    sites = tuple(
        None if n is None else outputs(n, f, c)
        for n, f, c in zip(fields.grid(x), factors, fields.periodic(x), strict=True)
    )
    ratio, zero = tuple(1 / f for f in factors), (Fraction(0),) * len(factors)
    into, out, own = fields.moved(x, x.fibre, ratio, zero, sites)
    taps, weights = _weights(into.group, factors, method)
    made = (factors, Static(taps), Static(weights), method)
    return SlantedUpsampleSpec(x, out.replace(group=own), into.group, *made)


def _weights(group: Any, factors: Sequence[Fraction], method: str) -> tuple[np.ndarray, np.ndarray]:
    reach = list(product(range(-1, 3), repeat=len(factors)))
    table = np.zeros((len(reach), *(f.numerator for f in factors)))
    matrices = closure([group.motions[g].matrix for g in group.point.generators], len(factors))
    for phase in product(*(range(f.numerator) for f in factors)):
        place = [Fraction(p * f.denominator, f.numerator) for p, f in zip(phase, factors, strict=True)]
        rest = [x - floor(x) for x in place]
        away = [[x - t for x, t in zip(rest, tap, strict=True)] for tap in reach]
        found = _nearest(group.metric, away) if method == "nearest" else _linear(matrices, away)
        np.moveaxis(table, 0, -1)[phase] = [float(w) for w in found]
    read = table.reshape(len(reach), -1).any(axis=1)
    return np.array(reach)[read], table[read]


def _nearest(metric: Matrix, away: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """Equal shares of the sites that are nearest in the group's own metric."""
    squares = [sum(a * m * b for a, row in zip(d, metric, strict=True) for m, b in zip(row, d, strict=True))
               for d in away]  # fmt: skip
    least = min(squares)
    return [Fraction(int(s == least), squares.count(least)) for s in squares]


def _linear(matrices: Sequence[Matrix], away: Sequence[Sequence[Fraction]]) -> list[Fraction]:
    """The mean over the group of what is linear along the axes: constants and slopes are kept."""
    return [sum((_hat(m, d) for m in matrices), Fraction(0)) / len(matrices) for d in away]


def _hat(matrix: Matrix, d: Sequence[Fraction]) -> Fraction:
    turned = (sum((m * x for m, x in zip(row, d, strict=True)), Fraction(0)) for row in matrix)
    return prod((max(1 - abs(x), Fraction(0)) for x in turned), start=Fraction(1))


def closure(generators: Sequence[Matrix], dim: int) -> list[Matrix]:
    """All products of some matrices."""
    found = [tuple(tuple(int(i == j) for j in range(dim)) for i in range(dim))]
    known = set(found)
    for m in found:
        for g in generators:
            image = _times(g, m)
            if image not in known:
                known.add(image)
                found.append(image)
    return found


def _times(a: Matrix, b: Matrix) -> Matrix:
    columns: Iterator[tuple[int, ...]] = zip(*b, strict=True)
    turned = list(columns)
    return tuple(tuple(sum(x * y for x, y in zip(row, c, strict=True)) for c in turned) for row in a)
