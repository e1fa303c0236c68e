"""Channels that the symmetry keeps apart: a block-diagonal kernel as a convolution with groups.

    kernel (taps, C_in, C_out), zero between groups whatever the weights  ->  blocks (taps, C_in / g, C_out)

Where independent signs act on the channels, no weight connects two of them, and the convolution is depthwise.
A zero pattern does not depend on copies, so it is read off one point of the fibre for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np

from kernels.lattice.plan import LatticePlan
from kernels.lattice.weights import Block, Blocks, Frame, Kind, apart, joined
from kernels.pickling import Fields
from kernels.precision import zeros
from kernels.sparse import SparseMatrix, reorder, sparse_matrix, times


class Alike(NamedTuple):
    """`many` groups with as many points of every fibre: these of every kind of blocks, (many, points)."""

    many: int
    ins: tuple[np.ndarray, ...]
    outs: tuple[np.ndarray, ...]
    matrices: dict[tuple[int, int], SparseMatrix]  # weights to (taps, in point, group, out point)


@dataclass(frozen=True, eq=False)
class Grouping(Fields):
    """The groups of a lattice op, and the order that puts the channels of each side by side."""

    taps: tuple[int, ...]
    frame: Frame
    sets: tuple[Alike, ...]
    into: SparseMatrix
    out: SparseMatrix

    @cached_property
    def groups(self) -> int:
        return sum(s.many for s in self.sets)

    def describe(self) -> str:
        """How many groups there are, and how large they are."""
        ins, outs = (m.shape[0] // self.groups for m in (self.into, self.out))
        name = "depthwise" if ins == 1 else "grouped"
        return f"{name}: {self.groups} groups of {ins} -> {outs} channels"

    def kernel(self, parts: Sequence[jax.Array]) -> jax.Array:
        """(taps..., C_in / groups, C_out), the groups' outputs side by side."""
        full = joined([self._blocks(parts, s) for s in self.sets], 2)
        return full.reshape(*self.taps, full.shape[1], -1)

    def _blocks(self, parts: Sequence[jax.Array], s: Alike) -> jax.Array:
        """(taps, C_in / groups, groups, C_out / groups)."""
        columns = [joined([self._piece(parts, s, i, j) for i in _filled(s.ins)], 1) for j in _filled(s.outs)]
        return joined(columns, 3)

    def _piece(self, parts: Sequence[jax.Array], s: Alike, i: int, j: int) -> jax.Array:
        weights = self.frame.gather(parts, self.frame.ins[i], self.frame.outs[j])
        full = times(s.matrices[i, j], weights)
        points = (s.ins[i].shape[1], s.many, s.outs[j].shape[1])
        full = full.reshape(-1, *points, *weights.shape[1:]).transpose(0, 4, 1, 2, 5, 3)
        return full.reshape(full.shape[0], -1, s.many, full.shape[4] * full.shape[5])

    def read(self, kernel_bar: jax.Array) -> list[jax.Array]:
        """The adjoint of `kernel`: add up what every free weight touches."""
        bars = [zeros(b.shape, kernel_bar.dtype) for b in self.frame.blocks]
        sums: dict[tuple[int, int], jax.Array] = {}
        full = kernel_bar.reshape(math.prod(self.taps), kernel_bar.shape[-2], self.groups, -1)
        for s, part in zip(self.sets, apart(full, [s.many for s in self.sets], 2), strict=True):
            for (i, j), piece in self._pieces(part, s):
                sums[i, j] = sums[i, j] + piece if (i, j) in sums else piece
        for (i, j), bar in sums.items():
            self.frame.scatter(bars, self.frame.ins[i], self.frame.outs[j], bar)
        return bars

    def _pieces(self, full: jax.Array, s: Alike) -> Iterator[tuple[tuple[int, int], jax.Array]]:
        columns = apart(full, [self._width(self.frame.outs[j], s.outs[j]) for j in _filled(s.outs)], 3)
        for j, column in zip(_filled(s.outs), columns, strict=True):
            rows = apart(column, [self._width(self.frame.ins[i], s.ins[i]) for i in _filled(s.ins)], 1)
            for i, piece in zip(_filled(s.ins), rows, strict=True):
                a, b = s.ins[i].shape[1], s.outs[j].shape[1]
                piece = piece.reshape(len(piece), -1, a, s.many, piece.shape[3] // b, b)
                piece = piece.transpose(0, 2, 3, 5, 1, 4)
                flat = piece.reshape(-1, *piece.shape[4:])
                yield (i, j), times(s.matrices[i, j].transposed, flat)

    @staticmethod
    def _width(kind: Kind, points: np.ndarray) -> int:
        return sum(kind.copies) * points.shape[1]


def _filled(points: Sequence[np.ndarray]) -> list[int]:
    return [i for i, p in enumerate(points) if p.shape[1]]


# ---- finding the groups ------------------------------------------------------------------------------------


class _Side(NamedTuple):
    """The points of all fibres of one side, phase by phase: kind, place in its fibre, first channel."""

    kind: np.ndarray
    channels: tuple[np.ndarray, ...]  # of every point, one per copy
    starts: np.ndarray
    dims: tuple[int, ...]

    def point(self, kind: int, phase: np.ndarray, place: np.ndarray) -> np.ndarray:
        return self.starts[kind] + phase * self.dims[kind] + place


def _side(kinds: Sequence[Kind], phases: int, channels: int) -> _Side:
    kind = np.repeat(np.arange(len(kinds)), [phases * k.dim for k in kinds])
    lists = [
        phase * channels + k.channels[:, d] for k in kinds for phase in range(phases) for d in range(k.dim)
    ]
    dims = tuple(k.dim for k in kinds)
    return _Side(kind, tuple(lists), np.cumsum([0, *(phases * d for d in dims)]), dims)


class _Ties(NamedTuple):
    """The entries of one pair of kinds: weight, tap, point of the input, point of the output, value."""

    weights: int
    weight: np.ndarray
    tap: np.ndarray
    into: np.ndarray
    out: np.ndarray
    value: np.ndarray


def find_groups(plan: LatticePlan, blocks: Blocks) -> Grouping | None:
    """The groups of equal size into which the kernel falls, if there are two or more."""
    if not any(b.weights for b in blocks):
        return None
    frame, slots = Frame(blocks), plan.slots
    taps = tuple(a.taps for a in plan.spatial)
    ins = math.prod(a.in_phases for a in plan.inputs)
    outs = math.prod(a.out_phases for a in plan.outputs)
    where = np.argsort(slots.reshape(-1), kind="stable")[-len(plan.out_site.array) :]
    place = np.unravel_index(where, (math.prod(taps), ins, outs))
    into, out = _side(frame.ins, ins, plan.channels_in), _side(frame.outs, outs, plan.channels_out)
    ties = {
        (i, j): _ties(frame.block(a, b), place, (into, i), (out, j))
        for i, a in enumerate(frame.ins)
        for j, b in enumerate(frame.outs)
    }
    labels = _components(ties, len(into.kind), len(out.kind))
    apart_in, apart_out = labels[: len(into.kind)], labels[len(into.kind) :]
    if not (_equal(apart_in, into, labels) and _equal(apart_out, out, labels)) or labels.max() == 0:
        return None
    sets = tuple(_sets(ties, math.prod(taps), (into, apart_in), (out, apart_out)))
    orders = _order(into, [s.ins for s in sets]), _order(out, [s.outs for s in sets])
    return Grouping(taps, frame, sets, reorder(orders[0]), reorder(np.argsort(orders[1])))


def _ties(block: Block, place: Any, into: tuple[_Side, int], out: tuple[_Side, int]) -> _Ties:
    site = block.site.array
    return _Ties(
        block.weights,
        block.weight.array,
        place[0][site],
        into[0].point(into[1], place[1][site], block.column.array),
        out[0].point(out[1], place[2][site], block.row.array),
        block.value.array,
    )


def _components(ties: dict[Any, _Ties], ins: int, outs: int) -> np.ndarray:
    """The component of every point of the input, then of the output, in the graph that the weights draw."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a = np.concatenate([t.into for t in ties.values()])
    b = np.concatenate([t.out for t in ties.values()]) + ins
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(ins + outs, ins + outs))
    return connected_components(graph, directed=False)[1]


def _equal(mine: np.ndarray, side: _Side, labels: np.ndarray) -> bool:
    """Whether every component has as many channels of this side."""
    sizes = np.bincount(mine, [len(c) for c in side.channels], labels.max() + 1)
    return bool(sizes[0] > 0 and (sizes == sizes[0]).all())


def _sets(
    ties: dict[tuple[int, int], _Ties],
    taps: int,
    into: tuple[_Side, np.ndarray],
    out: tuple[_Side, np.ndarray],
) -> Iterator[Alike]:
    """Groups with as many points of every kind, in the order of their first channels."""
    tables = _tables(*into), _tables(*out)
    alike: dict[Any, list[int]] = {}
    for label in _by_first_channel(*into):
        alike.setdefault(tuple(len(p) for table in tables for p in table[label]), []).append(label)
    for labels in alike.values():
        ins, outs = (
            tuple(np.stack([table[label][k] for label in labels]) for k in range(len(table[labels[0]])))
            for table in tables
        )
        pairs = [(i, j) for i in _filled(ins) for j in _filled(outs)]
        matrices = {(i, j): _matrix(ties[i, j], taps, ins[i], outs[j]) for i, j in pairs}
        yield Alike(len(labels), ins, outs, matrices)


def _tables(side: _Side, labels: np.ndarray) -> dict[int, list[np.ndarray]]:
    """For every component, its points of every kind."""
    return {
        int(label): [np.flatnonzero((labels == label) & (side.kind == k)) for k in range(len(side.dims))]
        for label in np.unique(labels)
    }


def _by_first_channel(side: _Side, labels: np.ndarray) -> list[int]:
    first = np.full(labels.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, labels, [c.min() for c in side.channels])
    return np.argsort(first, kind="stable").tolist()


def _matrix(ties: _Ties, taps: int, ins: np.ndarray, outs: np.ndarray) -> SparseMatrix:
    """Weights to (tap, in point, group, out point), of the points in these groups."""
    count, a, b = len(ins), ins.shape[1], outs.shape[1]
    group, at_in = _lookup(ins, ties.into)
    _, at_out = _lookup(outs, ties.out)
    kept = group >= 0
    row = ((ties.tap * a + at_in) * count + group) * b + at_out
    return sparse_matrix(row[kept], ties.weight[kept], ties.value[kept], (taps * a * count * b, ties.weights))


def _lookup(points: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(group, place) of these points, -1 where they are in none of the groups."""
    table = np.full((2, 1 + max(points.max(initial=0), wanted.max(initial=0))), -1)
    table[:, points] = np.indices(points.shape)
    return table[0, wanted], table[1, wanted]


def _order(side: _Side, sets: Sequence[tuple[np.ndarray, ...]]) -> np.ndarray:
    """The channel at every place: group, kind, copy, point."""
    rows = []
    for kinds in sets:
        for group in range(len(kinds[0])):
            for points in kinds:
                copies = [side.channels[p] for p in points[group]]
                rows += [np.stack(copies, axis=1).reshape(-1)] if copies else []
    return np.concatenate(rows)
