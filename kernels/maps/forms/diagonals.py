"""Sums of diagonals: maps between tensor powers of sets as margins, broadcasts and diagonals.

A map that is 1 where the points of some axes are equal and all else is free is one margin of the input,
placed on one diagonal of the output; ``moebius.py`` writes every answer in such maps. No array
has more than n^max(k, l) entries for a map of V^l to V^k.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kernels.precision import cast, summed
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Content, Static

Blocks = tuple[tuple[tuple[int, ...], int], ...]  # (axes, range) of every block
Pool = dict[tuple[Blocks, tuple[int, ...]], jax.Array]


class Feature(NamedTuple):
    """A margin of a tensor: the diagonal of its blocks, summed over all that are not kept."""

    blocks: Blocks
    kept: tuple[int, ...]


class Group(NamedTuple):
    """Margins of the input and of the output whose kept blocks run over the same ranges."""

    ranges: tuple[int, ...]
    into: tuple[Feature, ...]
    out: tuple[Feature, ...]


@dataclass(frozen=True, eq=False)
class Diagonals(Content):
    """y = sum over groups of spread(w' margins(x)).

    `change`: (term, weight, integer) triples, where terms run over the groups' (in margin, out margin) pairs.
    """

    sizes_in: tuple[int, ...]
    sizes_out: tuple[int, ...]
    ranges: tuple[Static, ...]
    groups: tuple[Group, ...]
    change: Static
    weights: int

    def apply(self, w: jax.Array, x: jax.Array) -> jax.Array:
        """(weights, C_in, C_out) and (batch, C_in, points) to (batch, C_out, points)."""
        return self.from_margins(w, self.margins(summed(x), False), x)

    def adjoint(self, w: jax.Array, x: jax.Array, ybar: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Margins and spreads are each other's transposes, so both adjoints are of the same form."""
        wbar, back = self.margins_adjoint(w, self.margins(summed(x), False), ybar)
        return wbar, cast(self._spread(back, False, x.shape[:2]), x.dtype)

    def from_margins(self, w: jax.Array, margins: list[jax.Array], x: jax.Array) -> jax.Array:
        """The output for these margins of an input; `x`, any array with its batch and dtype."""
        parts = [
            jnp.einsum("bcfp,fgcd->bdgp", f, v) for f, v in zip(margins, self._terms(summed(w)), strict=True)
        ]
        return cast(self._spread(parts, True, (x.shape[0], w.shape[2])), x.dtype)

    def margins_adjoint(
        self, w: jax.Array, margins: list[jax.Array], ybar: jax.Array
    ) -> tuple[jax.Array, list[jax.Array]]:
        """The adjoints of `from_margins` with respect to the weights and to every margin."""
        out, terms = self.margins(summed(ybar), True), self._terms(summed(w))
        back = [jnp.einsum("fgcd,bdgp->bcfp", v, g) for v, g in zip(terms, out, strict=True)]
        bars = [
            jnp.einsum("bcfp,bdgp->fgcd", f, g).reshape(-1, *w.shape[1:])
            for f, g in zip(margins, out, strict=True)
        ]
        return cast(self._changed(jnp.concatenate(bars), transpose=True), w.dtype), back

    def _terms(self, w: jax.Array) -> list[jax.Array]:
        flat, at, terms = self._changed(w), 0, []
        for group in self.groups:
            many = len(group.into) * len(group.out)
            terms.append(flat[at : at + many].reshape(len(group.into), len(group.out), *w.shape[1:]))
            at += many
        return terms

    @property
    def _count(self) -> int:
        return sum(len(g.into) * len(g.out) for g in self.groups)

    def _changed(self, w: jax.Array, transpose: bool = False) -> jax.Array:
        """The integer change of weights, or its transpose."""
        row, column, value = self.change.array
        matrix = sparse_matrix(row, column, value, (self._count, self.weights))
        return times(matrix.transposed if transpose else matrix, w)

    def margins(self, x: jax.Array, out: bool) -> list[jax.Array]:
        """For every group the stacked margins (batch, channels, margin, points)."""
        x = x.reshape(*x.shape[:2], *(self.sizes_out if out else self.sizes_in))
        pool: Pool = {}
        stacked = []
        for group in self.groups:
            parts = [self._margin(pool, x, f) for f in (group.out if out else group.into)]
            stacked.append(jnp.stack(parts, 2).reshape(*x.shape[:2], len(parts), -1))
        return stacked

    def _margin(self, pool: Pool, x: jax.Array, f: Feature) -> jax.Array:
        inside = tuple(sorted(f.kept))
        found = self._summed(pool, x, f.blocks, inside)
        return found.transpose(0, 1, *(2 + inside.index(i) for i in f.kept))

    def _summed(self, pool: Pool, x: jax.Array, blocks: Blocks, kept: tuple[int, ...]) -> jax.Array:
        """A margin from the next larger one, so that sums are shared."""
        if (blocks, kept) not in pool:
            if len(kept) == len(blocks):
                pool[blocks, kept] = self.diagonal(x, blocks)
            else:
                larger, at = _larger(blocks, kept)
                pool[blocks, kept] = self._summed(pool, x, blocks, larger).sum(axis=2 + at)
        return pool[blocks, kept]

    def diagonal(self, x: jax.Array, blocks: Blocks) -> jax.Array:
        """One axis for every block: its points, its axes equal."""
        x = x.transpose(0, 1, *(2 + a for axes, _ in blocks for a in axes))
        for i, (axes, r) in enumerate(blocks):
            x = take(diagonal(x, 2 + i, len(axes)), 2 + i, self.ranges[r].index)
        return x

    def _spread(self, parts: list[jax.Array], out: bool, lead: tuple[int, ...]) -> jax.Array:
        """The transpose of `margins`: broadcast every margin and put it on its diagonal."""
        pool: Pool = {}
        for group, part in zip(self.groups, parts, strict=True):
            shape = tuple(len(self.ranges[r].array) for r in group.ranges)
            for f, margin in zip(group.out if out else group.into, jnp.moveaxis(part, 2, 0), strict=True):
                order = tuple(int(i) for i in np.argsort(f.kept))
                margin = margin.reshape(*lead, *shape).transpose(0, 1, *(2 + i for i in order))
                _add(pool, (f.blocks, tuple(sorted(f.kept))), margin)
        sizes = self.sizes_out if out else self.sizes_in
        y = None
        for key in self._growing(pool):
            part = self.undiagonal(pool[key], key[0], sizes)
            y = part if y is None else y + part
        y = jnp.zeros((*lead, *sizes)) if y is None else y
        return y.reshape(*lead, -1)

    def _growing(self, pool: Pool) -> Iterator[tuple[Blocks, tuple[int, ...]]]:
        """Add every margin to the next larger one; yield those that keep all their blocks."""
        waiting = set(pool)
        while waiting:
            key = min(waiting, key=lambda k: (len(k[1]), k))
            waiting.remove(key)
            blocks, kept = key
            if len(kept) == len(blocks):
                yield key
                continue
            larger, at = _larger(blocks, kept)
            length = len(self.ranges[blocks[larger[at]][1]].array)
            _add(pool, (blocks, larger), _repeated(pool[key], 2 + at, length))
            waiting.add((blocks, larger))

    def undiagonal(self, x: jax.Array, blocks: Blocks, sizes: Sequence[int]) -> jax.Array:
        """The transpose of `diagonal`."""
        for i, (axes, r) in reversed(list(enumerate(blocks))):
            x = on_diagonal(put(x, 2 + i, self.ranges[r].index, sizes[axes[0]]), 2 + i, len(axes))
        order = [a for axes, _ in blocks for a in axes]
        return x.transpose(0, 1, *(2 + int(i) for i in np.argsort(order)))

    def describe(self) -> str:
        """What is summed and what is broadcast."""

        def margins(out: bool) -> int:
            return len({f for g in self.groups for f in (g.out if out else g.into)})

        return (
            f"sums of diagonals, free weights {self.weights}: margins of the input {self.sizes_in} "
            f"{margins(False)}, diagonals of the output {self.sizes_out} {margins(True)}"
        )


def _larger(blocks: Blocks, kept: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The kept blocks with the last missing one added, and its place among them."""
    missing = max(set(range(len(blocks))) - set(kept))
    larger = tuple(sorted((*kept, missing)))
    return larger, larger.index(missing)


def _add(pool: Pool, key: tuple[Blocks, tuple[int, ...]], value: jax.Array) -> None:
    pool[key] = pool[key] + value if key in pool else value


def _repeated(x: jax.Array, at: int, length: int) -> jax.Array:
    return jnp.broadcast_to(jnp.expand_dims(x, at), (*x.shape[:at], length, *x.shape[at:]))


def diagonal(x: jax.Array, at: int, many: int) -> jax.Array:
    """x[..., i, i, ..., i, ...] of `many` axes from `at` on: a strided slice.

    >>> diagonal(jnp.arange(9.0).reshape(3, 3), 0, 2).tolist()
    [0.0, 4.0, 8.0]
    """
    if many == 1:
        return x
    n = x.shape[at]
    flat = x.reshape(*x.shape[:at], n**many, *x.shape[at + many :])
    return jax.lax.slice_in_dim(flat, 0, None, _stride(n, many), at)


def on_diagonal(x: jax.Array, at: int, many: int) -> jax.Array:
    """The transpose of `diagonal`: zeros beside it."""
    if many == 1:
        return x
    n = x.shape[at]
    gaps = [(0, 0, _stride(n, many) - 1 if i == at else 0) for i in range(x.ndim)]
    flat = jax.lax.pad(x, jnp.zeros_like(x, shape=()), gaps)
    return flat.reshape(*x.shape[:at], *(n,) * many, *x.shape[at + 1 :])


def _stride(n: int, many: int) -> int:
    return sum(n**j for j in range(many))


def take(x: jax.Array, at: int, points: np.ndarray) -> jax.Array:
    """The entries at these points of one axis."""
    if len(points) == x.shape[at]:
        return x
    first, last = int(points[0]), int(points[-1])
    if last - first + 1 == len(points):
        return jax.lax.slice_in_dim(x, first, last + 1, 1, at)
    return times(_reading(points, x.shape[at]), x, at)


def _reading(points: np.ndarray, size: int) -> SparseMatrix:
    return sparse_matrix(np.arange(len(points)), points, 1, (len(points), size))


def put(x: jax.Array, at: int, points: np.ndarray, size: int) -> jax.Array:
    """The transpose of `take`: zeros at all other points."""
    if len(points) == size:
        return x
    first, last = int(points[0]), int(points[-1])
    if last - first + 1 == len(points):
        widths = [(first, size - 1 - last, 0) if i == at else (0, 0, 0) for i in range(x.ndim)]
        return jax.lax.pad(x, jnp.zeros_like(x, shape=()), widths)
    return times(_reading(points, size).transposed, x, at)
