"""Arrays of sites in space, and how a motion of space carries one such array onto another.

Site p of an array stands at `spacing * (first + p) + offset`. A motion v -> M v + t carries sites to sites by
p -> P p + h with P = S'^-1 M S and h = S'^-1 (M (S first + offset) + t - offset') - first'.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kernels.static import Content, Static

Vector = tuple[Fraction, ...]
Matrix = tuple[tuple[int, ...], ...]
NAMES = "uvw"
KINDS = ("shift", "glide", "mix", "sizes", "group", "centre", "between")


@dataclass(frozen=True)
class Sites:
    """The sites of an array along each axis; those of an axis that `wraps` form a ring."""

    spacing: Vector
    offset: Vector
    first: Vector
    sizes: tuple[int, ...]
    wraps: tuple[bool, ...]

    @property
    def centre(self) -> Vector:
        """The middle of the array in space."""
        axes = zip(self.spacing, self.offset, self.first, self.sizes, strict=True)
        return tuple(s * (f + Fraction(n - 1, 2)) + o for s, o, f, n in axes)

    @property
    def origin(self) -> Vector:
        """Where site 0 of the array stands."""
        return tuple(s * f + o for s, o, f in zip(self.spacing, self.offset, self.first, strict=True))

    def resized(self, sizes: Sequence[int]) -> Sites:
        """As many sites as are given, from the same first one on."""
        return Sites(self.spacing, self.offset, self.first, tuple(sizes), self.wraps)


@dataclass(frozen=True, eq=False)
class SiteMap(Content):
    """Where the sites of an array go: entry p moves to P p + shift, modulo the sizes.

    Where P exchanges and reverses axes: `axes` says from which axis each comes, `signs` whether it is
    reversed. Otherwise `order` lists the entry that arrives at each place.
    """

    axes: tuple[int, ...]
    signs: tuple[int, ...]
    shift: tuple[int, ...]
    order: Static | None = None


@dataclass(frozen=True)
class Obstacle:
    """What keeps an array from being carried onto itself, and along which axes.

    shift    it would be shifted, where it ends
    glide    likewise, by a glide of the group
    mix      an array that ends becomes one of another shape: a sixth of a turn of hexagonal axes
    sizes    axes that are exchanged have other sizes
    group    the motion about its middle is not in the group
    centre   the middles of two arrays are not carried by one motion
    between  sites are carried between sites

    The first of these that holds is the one to speak of.
    """

    kind: str
    axes: tuple[int, ...]


def axis_name(axis: int, dim: int) -> str:
    """u, v, w for up to three axes, u1, u2, ... beyond."""
    return NAMES[axis] if dim <= len(NAMES) else f"u{axis + 1}"


def by(sizes: Sequence[int]) -> str:
    """Sizes as text: 7 x 8."""
    return " x ".join(map(str, sizes))


def apply(matrix: Matrix, vector: Vector) -> Vector:
    """M v."""
    return tuple(sum((m * x for m, x in zip(row, vector, strict=True)), Fraction(0)) for row in matrix)


def site_map(matrix: Matrix, shift: Vector, source: Sites, target: Sites) -> SiteMap | Obstacle:
    """How v -> M v + t carries an array of sites onto another."""
    linear = [
        [m * sj / si for m, sj in zip(row, source.spacing, strict=True)]
        for row, si in zip(matrix, target.spacing, strict=True)
    ]
    start = (x + t for x, t in zip(apply(matrix, source.origin), shift, strict=True))
    at = [(x - o) / s for x, o, s in zip(start, target.origin, target.spacing, strict=True)]
    for i, row in enumerate(linear):
        if any(x.denominator != 1 for x in (*row, at[i])):
            return Obstacle("between", (i,))
        found = _row(i, [int(x) for x in row], int(at[i]), source, target)
        if found is not None:
            return found
    whole = tuple(tuple(int(x) for x in row) for row in linear)
    return _permuted(whole, tuple(map(int, at)), source, target)


def _row(i: int, row: Sequence[int], at: int, source: Sites, target: Sites) -> Obstacle | None:
    """What keeps one axis from being filled exactly, if anything does."""
    n, from_ = target.sizes[i], [j for j, x in enumerate(row) if x]
    if target.wraps[i]:
        bad = next((j for j in from_ if not source.wraps[j] or row[j] * source.sizes[j] % n), None)
        if bad is None:
            return None
        return Obstacle("sizes", (i, bad))
    if len(from_) != 1 or abs(row[from_[0]]) != 1 or source.wraps[from_[0]]:
        return Obstacle("mix", (i, *from_))
    ends = sorted((at, at + row[from_[0]] * (source.sizes[from_[0]] - 1)))
    if ends == [0, n - 1]:
        return None
    if source.sizes[from_[0]] != n:
        return Obstacle("sizes", (i, from_[0]))
    return Obstacle("centre", (i,))


def _permuted(linear: Matrix, at: tuple[int, ...], source: Sites, target: Sites) -> SiteMap:
    from_ = [[j for j, x in enumerate(row) if x] for row in linear]
    if all(len(js) == 1 and abs(linear[i][js[0]]) == 1 for i, js in enumerate(from_)) and (
        tuple(source.sizes[js[0]] for js in from_) == target.sizes
    ):
        axes = tuple(js[0] for js in from_)
        signs = tuple(linear[i][j] for i, j in enumerate(axes))
        own = zip(at, signs, target.sizes, strict=True)
        return SiteMap(axes, signs, tuple((h if s > 0 else h - n + 1) % n if n else 0 for h, s, n in own))
    places = np.indices(source.sizes).reshape(len(source.sizes), -1)
    moved = (np.array(linear) @ places + np.array(at)[:, None]) % np.array(target.sizes)[:, None]
    order = np.empty(places.shape[1], dtype=np.int64)
    order[np.ravel_multi_index(tuple(moved), target.sizes)] = np.arange(places.shape[1])
    return SiteMap((), (), (), Static(order))


Pair = tuple[Sites, Sites]  # an array of sites, and the one it should be carried onto


def carry(
    matrix: Matrix,
    shift: Vector,
    translation: Vector,
    period: Vector | None,
    pairs: Sequence[Pair],
) -> tuple[SiteMap, ...] | tuple[Obstacle, ...]:
    """One motion, of those that are g up to translations, which carries all these arrays; or the obstacles.

    v -> M v + t is g. Along axes where an array ends, t is changed by whole periods (by anything, where they
    are not given) so that the middle of every array goes to the middle of the one that it should become.
    `translation` is the part of t that was asked for by name.
    """
    moved, found = list(shift), []
    for i in range(len(matrix)):
        wanted = {_centring(matrix, i, pair) for pair in pairs if not pair[1].wraps[i]}
        if wanted:
            step = None if period is None else period[i]
            kind = _obstacle(matrix, i, pairs, bool(translation[i]), [t - moved[i] for t in wanted], step)
            found += [kind] if kind else []
            moved[i] = min(wanted)
    maps = [site_map(matrix, tuple(moved), *pair) for pair in pairs] if not found else []
    found += [m for m in maps if isinstance(m, Obstacle)]
    return tuple(found) or tuple(m for m in maps if isinstance(m, SiteMap))


def _obstacle(
    matrix: Matrix, i: int, pairs: Sequence[Pair], shifted: bool, gaps: list[Fraction], step: Fraction | None
) -> Obstacle | None:
    """What forbids to send the middle of every array to the middle along an axis where one ends."""
    mixed = _mixed(matrix, i, pairs)
    if mixed is not None:
        return mixed
    if shifted:
        return Obstacle("shift", (i,))
    if len(gaps) > 1:
        return Obstacle("centre", (i,))
    if step is None or _whole(gaps[0], step):
        return None
    fixed = all(x == (i == j) for j, x in enumerate(matrix[i]))
    return Obstacle("glide" if fixed else "group", (i,))


def _centring(matrix: Matrix, i: int, pair: Pair) -> Fraction:
    """The shift along an axis that takes the middle of one array to the middle of the other."""
    source, target = pair
    return target.centre[i] - apply(matrix, source.centre)[i]


def _mixed(matrix: Matrix, i: int, pairs: Sequence[Pair]) -> Obstacle | None:
    from_ = [j for j, x in enumerate(matrix[i]) if x]
    if len(from_) == 1 and all(not source.wraps[from_[0]] for source, target in pairs if not target.wraps[i]):
        return None
    return Obstacle("mix", (i, *from_))


def _whole(x: Fraction, step: Fraction) -> bool:
    return x % step == 0 if step else x == 0


def exchanged_sizes(matrix: Matrix, sizes: Sequence[int]) -> tuple[int, ...] | None:
    """The sizes of an array after its axes were exchanged; None where they are mixed."""
    from_ = [[j for j, x in enumerate(row) if x] for row in matrix]
    return tuple(sizes[js[0]] for js in from_) if all(len(js) == 1 for js in from_) else None


def is_carried(found: tuple[Any, ...]) -> bool:
    """Whether `carry` found maps and not obstacles."""
    return not any(isinstance(m, Obstacle) for m in found)


def sizes_near(matrix: Matrix, sizes: Sequence[int], obstacles: Any, least: Sequence[int]) -> tuple[str, ...]:
    """The nearest sizes, below and above, at which `obstacles(sizes)` is empty.

    Axes that the motion exchanges get one size. At most twelve steps away.
    """
    groups = _exchanged(matrix)
    shown = []
    for steps in (range(0, -13, -1), range(13)):
        trial = list(sizes)
        for axes in groups:
            base = (min if steps.step < 0 else max)(sizes[a] for a in axes)
            for step in steps:
                for a in axes:
                    trial[a] = base + step
                fits = base + step >= max(least[a] for a in axes)
                if fits and not any(set(o.axes) & set(axes) for o in obstacles(tuple(trial))):
                    break
            else:
                break
        else:
            if tuple(trial) != tuple(sizes) and not obstacles(tuple(trial)):
                shown.append(by(trial))
    return tuple(dict.fromkeys(shown))


def _exchanged(matrix: Matrix) -> list[list[int]]:
    """The axes in groups that the motion mixes."""
    label = list(range(len(matrix)))
    for i, j in itertools.product(range(len(matrix)), repeat=2):
        if matrix[i][j]:
            old, new = label[j], label[i]
            label = [new if x == old else x for x in label]
    return [[i for i, x in enumerate(label) if x == root] for root in dict.fromkeys(label)]
