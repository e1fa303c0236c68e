"""Pairs of sites for a certificate, enumerated from the statement alone: their classes and motions.

A pair is moved as physical space is, v -> M v + t, and named by its translate whose output site lies in the
first period. Nothing here is shared with the methods that solve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import lcm
from typing import Any

import numpy as np

from derive.errors import InfiniteError, SymbolicError, TooLargeError
from derive.lattice.problem import Problem
from derive.pickling import Fields
from derive.symmetry.field import Field
from derive.symmetry.spacegroup import Motion

Runs = tuple[np.ndarray, np.ndarray]  # output sites and input sites, side by side
LISTED = 1 << 26
SAFE = 1 << 31  # numbers up to which 64-bit integers hold every product below


@dataclass(frozen=True)
class Line:
    """One side along one axis: the step of a translation, the sites, where they stand."""

    step: int
    spacing: Fraction
    offset: Fraction
    size: int | None
    ring: bool

    @property
    def first(self) -> int | None:
        """How many sites there are up to translations, where it is not all of Z."""
        return self.step or self.size


@dataclass(frozen=True)
class SitePairs(Fields):
    """The classes of pairs of one problem whose sizes are numbers."""

    problem: Problem

    @cached_property
    def lines(self) -> tuple[tuple[Line | None, Line | None], ...]:
        """The output and the input along every axis; None for a field that has no sites."""
        p = self.problem
        return tuple((_line(p, p.y, k), _line(p, p.x, k)) for k in range(p.group.dim))

    @cached_property
    def classes(self) -> np.ndarray:
        """One pair of each class: (classes, 2, axes)."""
        support = self.problem.support
        if support is not None and support.points is not None:
            parts = [
                _product([self._along(k, (d,)) for k, d in enumerate(point)], len(self.lines))
                for point in support.points
            ]
            return _distinct(self.canonical(np.concatenate(parts)))
        spans = support.spans if support is not None else None
        values = [
            None if span is None else _run(_clipped(span, sides))
            for span, sides in zip(spans or (None,) * len(self.lines), self.lines, strict=True)
        ]
        return _product([self._along(k, d) for k, d in enumerate(values)], len(self.lines))

    def _along(self, k: int, displacements: Sequence[Fraction] | None) -> Runs:
        """The classes along one axis, with these displacements (all where None)."""
        out, into = self.lines[k]
        if out is None or into is None:
            side = out or into
            count = side.first if side is not None else 1
            if count is None:
                raise InfiniteError("grid", "must be finite to list classes", None, "give a grid")
            if side is not None and side.step and side.size is not None:
                count = min(count, side.size)
            sites, none = np.arange(count), np.zeros(count, dtype=np.int64)
            return (sites, none) if into is None else (none, sites)
        ends = bool(out.step) and out.size is not None and not out.ring
        if ends and displacements is not None:
            p, q = _at(out.step, out, into, displacements)
            inside = _meets(p, q, out, into)
            return p[inside], q[inside]
        first = out.size if ends or not out.step else out.step
        if first is None:
            raise InfiniteError("support", "must leave finitely many classes", None, "give a grid")
        _refuse_large(first * (len(displacements) if displacements is not None else into.size or 1))
        p, q = _all(first, into) if displacements is None else _at(first, out, into, displacements)
        if into.size is not None and (ends or not out.step) and not into.ring:
            inside = (q >= 0) & (q < into.size)
            p, q = p[inside], q[inside]
        pairs = np.stack([p, q], axis=1)[:, :, None]
        named = _distinct(_first(pairs, [(out, into)]))[:, :, 0]
        return named[:, 0], named[:, 1]

    def canonical(self, pairs: np.ndarray) -> np.ndarray:
        """The name of the class of every pair."""
        return _first(pairs, self.lines)

    # ---- motions ----------------------------------------------------------------------------------------

    @cached_property
    def motions(self) -> list[Motion]:
        """Every element of the point group as a motion of space, up to translations."""
        space, elements = self.problem.group, self.problem.group.point.elements
        found = [unmoved(space.dim)]
        for e in range(1, elements.order):
            generator = space.motions[elements.generators[elements.by[e]]]
            found.append(_then(generator, found[int(elements.parent[e])]))
        return found

    def moved(self, motion: Motion, pairs: np.ndarray) -> np.ndarray:
        """The classes to which a motion carries pairs."""
        sides = [_carried(field, motion, pairs[:, k]) for k, field in enumerate(self._fields)]
        return self.canonical(np.stack(sides, axis=1))

    @property
    def _fields(self) -> tuple[Field, Field]:
        return self.problem.y, self.problem.x

    def affine(self, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
        """(p, q) -> matrix (p, q) + shift, the output site first; a field without sites stays at 0."""
        dim = self.problem.group.dim
        matrix, shift = np.zeros((2 * dim, 2 * dim), dtype=object), np.zeros(2 * dim, dtype=object)
        for k, field in enumerate(self._fields):
            if field.lattice is not None:
                part = slice(k * dim, (k + 1) * dim)
                matrix[part, part], shift[part] = _on_sites(field, motion)
        return matrix, shift


def _line(problem: Problem, field: Field, axis: int) -> Line | None:
    lattice = field.lattice
    if lattice is None:
        return None
    n, kind = lattice.grid[axis], lattice.boundary[axis]
    if n is not None and not n.is_Integer:
        raise SymbolicError("grid", "must be numbers to list classes", n, "give sizes")
    step = problem.group.period[axis] / lattice.spacing[axis]
    size = None if n is None else int(n)
    return Line(int(step), lattice.spacing[axis], lattice.offset[axis], size, kind == "periodic")


def _clipped(span: Any, sides: tuple[Line | None, Line | None]) -> Any:
    """Without the displacements that reach beyond both grids, and so meet nothing new."""
    out, into = sides
    if out is None or into is None or out.size is None or into.size is None or not span.radius.is_Rational:
        return span
    reach = out.spacing * out.size + into.spacing * into.size + abs(out.offset) + abs(into.offset)
    return span.within(2 * reach + 1)


def _run(span: Any) -> tuple[Fraction, ...]:
    """-radius, -radius + step, ..., radius."""
    if not span.radius.is_Rational:
        raise SymbolicError("support", "must have a number for its radius", span.radius, "give box(1)")
    radius = Fraction(int(span.radius.p), int(span.radius.q))
    return tuple(k * span.step - radius for k in range(int(2 * radius / span.step) + 1))


def _meets(p: np.ndarray, q: np.ndarray, out: Line, into: Line) -> np.ndarray:
    """Whether a pair with its output in the first period has a translate with both sites in their windows.

    It has one without translation where the input is not before the window, else that which brings the
    input to its first period.
    """
    turns = np.minimum(q // into.step, 0)
    here, there = p - out.step * turns, q - into.step * turns
    return ((p < out.size) & (here < out.size) & (there < into.size)).astype(bool)


def _refuse_large(count: int) -> None:
    if count > LISTED:
        raise TooLargeError(
            "grid, support",
            f"must leave at most {LISTED:,} classes to count",
            f"{count:,}",
            "use a smaller grid",
        )


def _all(first: int, into: Line) -> Runs:
    if into.size is None:
        raise InfiniteError("support", "must leave finitely many classes", None, "use box(1)")
    return np.repeat(np.arange(first), into.size), np.tile(np.arange(into.size), first)


def _at(first: int, out: Line, into: Line, displacements: Sequence[Fraction]) -> Runs:
    """Every output site of the first period, and the input sites at these displacements."""
    every = (out.spacing, out.offset, into.spacing, into.offset, *displacements)
    common = lcm(*(x.denominator for x in every))
    a, o, b, i = (int(x * common) for x in every[:4])
    d = [int(x * common) for x in displacements]
    large = max(abs(x) for x in (a * first, o, b, i, *d)) >= SAFE
    kind: Any = object if large else np.int64
    sites = np.repeat(np.arange(first).astype(kind), len(d))
    reach = np.tile(np.array(d, dtype=kind), first) + a * sites + (o - i)
    hit = (reach % b == 0).astype(bool)
    return sites[hit], reach[hit] // b


def _product(runs: Sequence[Runs], axes: int) -> np.ndarray:
    """Every combination of one class per axis, the last axis fastest."""
    kind = object if any(side.dtype == object for run in runs for side in run) else np.int64
    grids = np.meshgrid(*(np.arange(len(p)) for p, _ in runs), indexing="ij") if runs else [np.zeros(1, int)]
    picks = [grid.reshape(-1) for grid in grids]
    pairs = np.zeros((len(picks[0]), 2, axes), dtype=kind)
    for k, (p, q) in enumerate(runs):
        pairs[:, 0, k], pairs[:, 1, k] = p[picks[k]], q[picks[k]]
    return pairs


def _first(pairs: np.ndarray, lines: Sequence[tuple[Line | None, Line | None]]) -> np.ndarray:
    """Every pair translated until its output site lies in the first period, read on its rings."""
    wide = any(line is not None and (line.size or 0) >= SAFE for sides in lines for line in sides)
    named = pairs.astype(object) if wide else pairs.copy()
    for k, sides in enumerate(lines):
        _wrap(named, k, sides)
        lead = next((s for s, line in enumerate(sides) if line is not None), None)
        if lead is not None and sides[lead].step:  # type: ignore[union-attr]
            turns = named[:, lead, k] // sides[lead].step  # type: ignore[union-attr]
            for s, line in enumerate(sides):
                if line is not None:
                    named[:, s, k] -= line.step * turns
            _wrap(named, k, sides)
    return named


def _wrap(pairs: np.ndarray, k: int, sides: tuple[Line | None, Line | None]) -> None:
    for s, line in enumerate(sides):
        if line is not None and line.ring:
            pairs[:, s, k] %= line.size


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Every pair once, in the order of first occurrence."""
    rows = dict.fromkeys(map(tuple, pairs.reshape(len(pairs), -1).tolist()))
    return np.array(list(rows), dtype=pairs.dtype).reshape(-1, *pairs.shape[1:])


def _on_sites(field: Field, motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    """p -> S^-1 M S p + S^-1 (M o + t - o), in exact integers."""
    lattice = field.lattice
    dim = len(motion.shift)
    matrix, shift = np.zeros((dim, dim), dtype=object), np.zeros(dim, dtype=object)
    if lattice is None:
        return matrix, shift
    s, o = lattice.spacing, lattice.offset
    for i, j in product(range(dim), repeat=2):
        matrix[i, j] = int(motion.matrix[i][j] * s[j] / s[i])
    for i in range(dim):
        total = sum((m * x for m, x in zip(motion.matrix[i], o, strict=True)), motion.shift[i] - o[i])
        shift[i] = int(total / s[i])
    return matrix, shift


def _carried(field: Field, motion: Motion, sites: np.ndarray) -> np.ndarray:
    if field.lattice is None:
        return sites
    matrix, shift = _on_sites(field, motion)
    reach = max([abs(int(x)) for x in (*matrix.flat, *shift)], default=0)
    span = int(abs(sites).max()) if sites.size else 0
    if sites.dtype != object and max(reach, span) * (len(shift) + 1) < SAFE:
        return sites @ matrix.astype(np.int64).T + shift.astype(np.int64)
    return sites.astype(object) @ matrix.T + shift


def unmoved(dim: int) -> Motion:
    """The motion that leaves everything where it is."""
    return Motion(tuple(tuple(int(i == j) for j in range(dim)) for i in range(dim)), (Fraction(0),) * dim)


def _then(g: Motion, h: Motion) -> Motion:
    """First h, then g."""
    columns = list(zip(*h.matrix, strict=True))
    matrix = tuple(tuple(sum(a * b for a, b in zip(r, c, strict=True)) for c in columns) for r in g.matrix)
    moved = (sum(a * b for a, b in zip(row, h.shift, strict=True)) for row in g.matrix)
    return Motion(matrix, tuple(x + t for x, t in zip(moved, g.shift, strict=True)))
