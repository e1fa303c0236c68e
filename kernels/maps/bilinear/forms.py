"""How the maps of one pair of blocks act on two arguments.

Every form has

    apply(w, v, u)          (weights, copies of v, of u, of y), (batch, copies, points) twice -> y
    adjoint(w, v, u, ybar)  (wbar, vbar, ubar), written out
    numbers                 how many it makes of one copy of v and one of u, per sample
    describe()
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.maps.forms.diagonals import Blocks, Diagonals, Feature
from kernels.maps.forms.entries import Form
from kernels.precision import constant
from kernels.sparse import SparseMatrix, sparse_matrix, times
from kernels.static import Content, Static

Bars = tuple[jax.Array, jax.Array, jax.Array]


@dataclass(frozen=True, eq=False)
class Products(Content):
    """Sums of products z_f = sum_j value[f, j] v[first[f, j]] u[second[f, j]], then the weights.

    Each row of each map is such a sum, and rows that are proportional share one. `placing`: weights to
    (sum, row of the output) times the factors; None where every row of every map is a sum of its own, row by
    row of the output and then map by map.
    """

    first: Static
    second: Static
    value: Static
    dim_v: int
    dim_u: int
    dim_out: int
    weights: int
    placing: SparseMatrix | None

    @property
    def numbers(self) -> int:
        return len(self.value.array)

    def apply(self, w: jax.Array, v: jax.Array, u: jax.Array) -> jax.Array:
        z = jnp.einsum("nafj,nbfj->nfab", self._left(v), self._right(u))
        if self.placing is None:
            return jnp.einsum("nrkab,kabo->nor", self._by_row(z), w)
        return jnp.einsum("nfab,frabo->nor", z, self._placed(w))

    def adjoint(self, w: jax.Array, v: jax.Array, u: jax.Array, ybar: jax.Array) -> Bars:
        left, right = self._left(v), self._right(u)
        z = jnp.einsum("nafj,nbfj->nfab", left, right)
        if self.placing is None:
            wbar = jnp.einsum("nrkab,nor->kabo", self._by_row(z), ybar)
            zbar = jnp.einsum("nor,kabo->nrkab", ybar, w).reshape(z.shape)
        else:
            placed = jnp.einsum("nfab,nor->frabo", z, ybar).reshape(-1, *w.shape[1:])
            wbar = times(self.placing.transposed, placed)
            zbar = jnp.einsum("nor,frabo->nfab", ybar, self._placed(w))
        vbar = jnp.einsum("nfab,nbfj->nafj", zbar, right) * constant(self.value.array, v.dtype)[None, None]
        ubar = jnp.einsum("nfab,nafj->nbfj", zbar, left)
        return wbar, _unread(self._first, vbar), _unread(self._second, ubar)

    def _left(self, v: jax.Array) -> jax.Array:
        """(batch, copies, sums, terms): the first factors of all products, times their values."""
        return _read(self._first, v, self.value) * constant(self.value.array, v.dtype)[None, None]

    def _right(self, u: jax.Array) -> jax.Array:
        return _read(self._second, u, self.value)

    def _by_row(self, z: jax.Array) -> jax.Array:
        return z.reshape(z.shape[0], self.dim_out, self.weights, *z.shape[2:])

    def _placed(self, w: jax.Array) -> jax.Array:
        """The weights between every sum and every row."""
        assert self.placing is not None
        return times(self.placing, w).reshape(self.numbers, self.dim_out, *w.shape[1:])

    @cached_property
    def _first(self) -> SparseMatrix:
        return _reading(self.first, self.dim_v)

    @cached_property
    def _second(self) -> SparseMatrix:
        return _reading(self.second, self.dim_u)

    def describe(self) -> str:
        sums, terms = self.value.array.shape
        some = "sum" if sums == 1 else "sums"
        what = (
            f"{sums} products"
            if terms == 1 < sums
            else "1 product"
            if sums == terms == 1
            else f"{sums} {some} of at most {terms} products"
        )
        return f"{what}, free weights {self.weights}"


def _reading(index: Static, points: int) -> SparseMatrix:
    column = index.array.reshape(-1)
    return sparse_matrix(np.arange(len(column)), column, 1, (len(column), points))


def _read(reading: SparseMatrix, x: jax.Array, like: Static) -> jax.Array:
    return times(reading, x, 2).reshape(*x.shape[:2], *like.array.shape)


def _unread(reading: SparseMatrix, bar: jax.Array) -> jax.Array:
    """The transpose of `_read`."""
    return times(reading.transposed, bar.reshape(*bar.shape[:2], -1), 2)


def read_products(entries: Sequence[np.ndarray], maps: int, dims: tuple[int, int, int]) -> Products:
    """The form of maps with these entries, (weight, row, column, value); `dims`: v, u, output."""
    dim_v, dim_u, dim_out = dims
    sums: dict[tuple[Any, ...], int] = {}
    places = []
    for (r, k), terms in _by_row(*entries):
        columns, values = zip(*terms, strict=True)
        key = (columns, tuple(v / values[0] for v in values))
        places.append((sums.setdefault(key, len(sums)), r, k, values[0]))
    if len(places) == len(sums) == dim_out * maps:  # nothing is shared and nothing is zero
        wide = max(len(columns) for columns, _ in sums)
        filled = [(c, [f * v for v in vs]) for (c, vs), (_, _, _, f) in zip(sums, places, strict=True)]
        placing = None
    else:
        wide = max((len(columns) for columns, _ in sums), default=0)
        filled = [(c, list(vs)) for c, vs in sums]
        into, row, weight, factor = (np.array([p[i] for p in places]) for i in range(4))
        placing = sparse_matrix(into * dim_out + row, weight, factor, (len(sums) * dim_out, maps))
    index = np.array([[*c, *[0] * (wide - len(c))] for c, _ in filled], dtype=np.int64)
    numbers = np.array([[*v, *[0.0] * (wide - len(v))] for _, v in filled])
    first, second = np.divmod(index, dim_u)
    return Products(Static(first), Static(second), Static(numbers), dim_v, dim_u, dim_out, maps, placing)


def _by_row(
    weight: np.ndarray, row: np.ndarray, column: np.ndarray, value: np.ndarray
) -> Iterable[tuple[tuple[int, int], list[tuple[int, float]]]]:
    """The entries of every nonzero row of every map, rows of the output outermost, columns in order."""
    found: dict[tuple[int, int], list[tuple[int, float]]] = {}
    order = np.lexsort((column, weight, row))
    for k, r, c, v in zip(*(a[order].tolist() for a in (weight, row, column, value)), strict=True):
        found.setdefault((r, k), []).append((c, v))
    return found.items()


@dataclass(frozen=True, eq=False)
class Margins(Content):
    """Sums of diagonals: margins of the product, each of them from those of its two factors.

    A margin sums over the points of blocks of axes. A block on one side is summed there first; where a block
    lies on both, the two meet point by point. `many`: the axes of v, which stand first.
    """

    form: Diagonals
    many: int

    @property
    def numbers(self) -> int:
        points = [np.prod([len(self.form.ranges[r].array) for r in g.ranges]) for g in self.form.groups]
        return int(sum(len(g.into) * p for g, p in zip(self.form.groups, points, strict=True)))

    def apply(self, w: jax.Array, v: jax.Array, u: jax.Array) -> jax.Array:
        return self.form.from_margins(_joined(w), self._margins(v, u), v)

    def adjoint(self, w: jax.Array, v: jax.Array, u: jax.Array, ybar: jax.Array) -> Bars:
        wbar, bars = self.form.margins_adjoint(_joined(w), self._margins(v, u), ybar)
        fields, total = self._split(v, u), [jnp.zeros_like(v), jnp.zeros_like(u)]
        for group, bar in zip(self.form.groups, bars, strict=True):
            points = [len(self.form.ranges[r].array) for r in group.ranges]
            for f, one in zip(group.into, jnp.moveaxis(bar, 2, 0), strict=True):
                margin = one.reshape(v.shape[0], v.shape[1], u.shape[1], *points)
                for side, part in enumerate(self._spread(f, fields, margin)):
                    total[side] = total[side] + part.reshape(total[side].shape)
        return wbar.reshape(w.shape), total[0], total[1]

    @property
    def _sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.form.sizes_in[: self.many], self.form.sizes_in[self.many :]

    def _split(self, v: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        left, right = (x.reshape(*x.shape[:2], *s) for x, s in zip((v, u), self._sizes, strict=True))
        return left, right

    def _sides(self, f: Feature) -> tuple[tuple[Blocks, list[int]], tuple[Blocks, list[int]]]:
        """The part of every block that lies on either side, and which blocks these are."""
        found = []
        for low, high in ((0, self.many), (self.many, len(self.form.sizes_in))):
            cut = [(tuple(a - low for a in axes if low <= a < high), r) for axes, r in f.blocks]
            at = [i for i, (axes, _) in enumerate(cut) if axes]
            found.append((tuple(cut[i] for i in at), [3 + i for i in at]))
        return found[0], found[1]

    def _margins(self, v: jax.Array, u: jax.Array) -> list[jax.Array]:
        """For every group the stacked margins (batch, pairs of copies, margin, points)."""
        fields = self._split(v, u)
        stacked = []
        for group in self.form.groups:
            parts = [self._margin(f, fields) for f in group.into]
            stacked.append(jnp.stack(parts, 2).reshape(v.shape[0], v.shape[1] * u.shape[1], len(parts), -1))
        return stacked

    def _margin(self, f: Feature, fields: tuple[jax.Array, jax.Array]) -> jax.Array:
        """(batch * pairs of copies) by the kept blocks; axes 0, 1, 2 are the batch and the copies."""
        (blocks_v, at_v), (blocks_u, at_u) = self._sides(f)
        left, right = (
            self.form.diagonal(x, blocks) for x, blocks in zip(fields, (blocks_v, blocks_u), strict=True)
        )
        kept = [3 + i for i in f.kept]
        product = jnp.einsum(left, [0, 1, *at_v], right, [0, 2, *at_u], [0, 1, 2, *kept])
        return product.reshape(product.shape[0], product.shape[1] * product.shape[2], *product.shape[3:])

    def _spread(self, f: Feature, fields: tuple[jax.Array, jax.Array], margin: jax.Array) -> list[jax.Array]:
        """The adjoint of `_margin`: what its cotangent gives to either side."""
        sides, kept = self._sides(f), [3 + i for i in f.kept]
        both = []
        for side, (blocks, at) in enumerate(sides):
            other_blocks, other_at = sides[1 - side]
            other = self.form.diagonal(fields[1 - side], other_blocks)
            met = [i for i in at if i in kept or i in other_at]
            bar = jnp.einsum(margin, [0, 1, 2, *kept], other, [0, 2 - side, *other_at], [0, 1 + side, *met])
            for place, i in enumerate(at):
                if i not in met:  # summed over on this side alone: the same for all its points
                    length = len(self.form.ranges[blocks[place][1]].array)
                    bar = jnp.repeat(jnp.expand_dims(bar, 2 + place), length, axis=2 + place)
            both.append(self.form.undiagonal(bar, blocks, self._sizes[side]))
        return both

    def describe(self) -> str:
        return f"{self.form.describe()}, each from its two factors"


@dataclass(frozen=True, eq=False)
class Formed(Content):
    """A form of one argument on the product of the two, written out."""

    form: Form
    points: int

    @property
    def numbers(self) -> int:
        return self.points

    def apply(self, w: jax.Array, v: jax.Array, u: jax.Array) -> jax.Array:
        return self.form.apply(_joined(w), self._product(v, u))

    def adjoint(self, w: jax.Array, v: jax.Array, u: jax.Array, ybar: jax.Array) -> Bars:
        wbar, bar = self.form.adjoint(_joined(w), self._product(v, u), ybar)
        bar = bar.reshape(v.shape[0], v.shape[1], u.shape[1], v.shape[2], u.shape[2])
        vbar, ubar = jnp.einsum("nabpq,nbq->nap", bar, u), jnp.einsum("nabpq,nap->nbq", bar, v)
        return wbar.reshape(w.shape), vbar, ubar

    def _product(self, v: jax.Array, u: jax.Array) -> jax.Array:
        full = jnp.einsum("nap,nbq->nabpq", v, u)
        return full.reshape(v.shape[0], v.shape[1] * u.shape[1], self.points)

    def describe(self) -> str:
        return f"the product, and of it: {self.form.describe()}"


def _joined(w: jax.Array) -> jax.Array:
    """Pairs of copies as the copies of the product."""
    return w.reshape(w.shape[0], w.shape[1] * w.shape[2], w.shape[3])
