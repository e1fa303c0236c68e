"""Polynomials of displacements: monomials once for all kernels, then one product per degree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.precision import constant
from kernels.static import Content, Static


@dataclass(frozen=True, eq=False)
class Degree(Content):
    """The kernels of one degree between all pairs of pieces, as columns over the monomials of that degree.

    `parent`, `axis`: monomial j is monomial parent[j] of the degree below times coordinate axis[j];
    `columns`: (monomials, entries); `places`: the pair of pieces and the number of kernels, part by part.
    """

    parent: Static
    axis: Static
    columns: Static
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Polynomials(Content):
    """P_b(d) of several pairs of pieces; `shapes`: (components out, components in) of every pair."""

    axes: int
    shapes: tuple[tuple[int, int], ...]
    degrees: tuple[Degree, ...]

    def counts(self) -> tuple[int, ...]:
        """The number of kernels of every pair of pieces."""
        found = [0] * len(self.shapes)
        for degree in self.degrees:
            for which, many in degree.places:
                found[which] += many
        return tuple(found)

    def __call__(self, d: jax.Array) -> list[jax.Array | None]:
        """(edges, axes) -> by pair of pieces (edges, components out, kernels, components in)."""
        found: list[list[jax.Array]] = [[] for _ in self.shapes]
        monomials = jnp.ones_like(d, shape=(d.shape[0], 1))
        for k, degree in enumerate(self.degrees):
            if k:
                monomials = monomials[:, degree.parent.index] * d[:, degree.axis.index]
            if degree.places:
                self._add(found, degree, monomials)
        return [jnp.concatenate(p, axis=2) if len(p) > 1 else (*p, None)[0] for p in found]

    def _add(self, found: list[list[jax.Array]], degree: Degree, monomials: jax.Array) -> None:
        columns = constant(degree.columns.array, monomials.dtype)
        table = jnp.matmul(monomials, columns, precision="highest")
        at = 0
        for which, many in degree.places:
            rows, inner = self.shapes[which]
            size = rows * many * inner
            found[which].append(table[:, at : at + size].reshape(-1, rows, many, inner))
            at += size


def polynomials(axes: int, kernels: Sequence[Any], scales: Sequence[np.ndarray]) -> Polynomials:
    """The tables of the kernels of several pairs of pieces, each kernel times its scale."""
    top = max((int(k.degrees.max(initial=-1)) for k in kernels), default=-1)
    before: dict[tuple[int, ...], int] = {}
    degrees = []
    for level in range(top + 1):
        exponents = [
            tuple(np.bincount(c, minlength=axes).tolist())
            for c in combinations_with_replacement(range(axes), level)
        ]
        index = {e: j for j, e in enumerate(exponents)}
        axis = [next((i for i, n in enumerate(e) if n), 0) for e in exponents]
        parent = [
            before.get(tuple(n - (i == a) for i, n in enumerate(e)), 0)
            for e, a in zip(exponents, axis, strict=True)
        ]
        parts, places = [], []
        for which, (kernel, scale) in enumerate(zip(kernels, scales, strict=True)):
            chosen = np.flatnonzero(kernel.degrees == level)
            if len(chosen):
                parts.append(_columns(kernel, chosen, index, scale))
                places.append((which, len(chosen)))
        columns = np.concatenate(parts, axis=1) if parts else np.zeros((len(exponents), 0))
        degrees.append(
            Degree(Static(np.array(parent)), Static(np.array(axis)), Static(columns), tuple(places))
        )
        before = index
    shapes = tuple((k.dim_out, k.dim_in) for k in kernels)
    return Polynomials(axes, shapes, tuple(degrees))


def _columns(
    kernel: Any, chosen: np.ndarray, index: dict[tuple[int, ...], int], scale: np.ndarray
) -> np.ndarray:
    """(monomials, components out x kernels of this degree x components in)."""
    table = np.zeros((len(index), kernel.dim_out, len(chosen), kernel.dim_in))
    number = {int(b): k for k, b in enumerate(chosen)}
    terms = zip(
        kernel.kernel.tolist(),
        kernel.row.tolist(),
        kernel.column.tolist(),
        kernel.value.tolist(),
        map(tuple, kernel.exponents.tolist()),
        strict=True,
    )
    for b, row, column, value, exponents in terms:
        if b in number:
            table[index[exponents], row, number[b], column] += value * scale[b]
    return table.reshape(len(index), -1)


def mean_squares(axes: int, kernel: Any) -> np.ndarray:
    """By kernel: the squares of a row, in the mean over rows and over directions |d| = 1.

    mean d^a = prod (a_i - 1)!! / (n (n+2) ... (n + |a| - 2)) where all a_i are even, else 0.
    """
    found = np.zeros(len(kernel.degrees))
    entries: dict[tuple[int, int, int], list[int]] = {}
    for t, place in enumerate(zip(kernel.kernel, kernel.row, kernel.column, strict=True)):
        entries.setdefault(place, []).append(t)
    for (b, _, _), terms in entries.items():
        powers = kernel.exponents[terms]
        means = moments(powers[:, None] + powers[None, :], axes)
        found[b] += kernel.value[terms] @ means @ kernel.value[terms]
    return found / kernel.dim_out


def moments(powers: np.ndarray, axes: int) -> np.ndarray:
    """The mean of monomials over the unit sphere."""
    odd = np.array([1.0, *np.cumprod(np.arange(1.0, powers.max(initial=0) + 1, 2))])  # (2m - 1)!!
    top = np.prod(odd[powers // 2], axis=-1)
    half = powers.sum(axis=-1) // 2
    bottom = np.array([1.0, *np.cumprod(axes + 2.0 * np.arange(half.max(initial=0)))])[half]
    return np.where((powers % 2).any(axis=-1), 0, top / bottom)
