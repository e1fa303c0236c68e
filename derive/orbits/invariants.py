"""The answer of method 2: invariant tensors, one per orbit, listed or described on demand."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import perm, prod

import numpy as np

from derive.errors import SizeError, TooLargeError
from derive.orbits.cover import Word, components, witness
from derive.orbits.orbitals import OrbitFamily, TensorAxis, find_families, listed_family, product_maps
from derive.pickling import Fields
from derive.symmetry.integers import ravel, unravel
from derive.symmetry.monomial import Monomial

MEMORY_LIMIT = 2**31  # bytes
Kind = tuple[tuple[Monomial, ...], int]  # what the generators do on a set, and its size


def refuse_entries(
    what: str,
    entries: int,
    bytes_each: int = 8,
    remedy: str = "use single elements, representatives or leaves instead",
) -> None:
    """Raise before more than the memory limit would be allocated."""
    if entries * bytes_each > MEMORY_LIMIT:
        rule = f"must fit in {MEMORY_LIMIT / 2**30:.0f} GiB"
        raise TooLargeError(what, rule, f"about {entries * bytes_each:.1e} bytes", remedy)


def read_index(k: int, dim: int, what: str) -> int:
    """An element number, counted from the end when negative."""
    if not isinstance(k, int | np.integer) or not -dim <= k < dim:
        raise SizeError(what, f"must be an integer below {dim}", k, "count from 0")
    return int(k) % dim


@dataclass(frozen=True, eq=False)
class Leaf:
    """One orbit of tuples, described for lowering.

    Attributes:
        representative: the least member in lexicographic order; its coefficient is +1.
        size: the number of members.
        pattern: for each axis the number of its block; axes in one block hold equal points.
        ranges: for each block the points that it runs over, an orbit of the group on one axis; a range of one
            point is a fixed coordinate.
        complete: whether the members are exactly the tuples that are equal within each block, different
            between blocks and in the ranges, all with coefficient +1. Then the element is a sum of diagonals.
    """

    representative: tuple[int, ...]
    size: int
    pattern: tuple[int, ...]
    ranges: tuple[np.ndarray, ...]
    complete: bool


@dataclass(frozen=True, eq=False)
class InvariantTensors(Fields):
    """All tensors with ``a(g x) = zeta^phase a(x)``: `dim` of them, numbered by their least members.

    Axes are row-major, the first slowest. A generator multiplies by ``zeta = exp(2 pi i / order)`` to its
    phase; the coefficient at the least member of each orbit is 1.

    >>> swap = TensorAxis((Monomial(np.array([1, 0]), np.array([0, 0]), 1),), 2)
    >>> tensors = invariant_tensors(("s",), (swap, swap))
    >>> tensors.dim, tensors.labels.tolist()
    (2, [[0, 1], [1, 0]])
    """

    names: tuple[str, ...]
    axes: tuple[TensorAxis, ...]
    order: int
    listed: bool
    families: tuple[OrbitFamily, ...]

    @cached_property
    def dim(self) -> int:
        """The exact number of orbits that do not vanish."""
        return sum(len(f.prefixes) * f.leaves for f in self.families)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(a.size for a in self.axes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InvariantTensors) and (self.names, self.axes) == (other.names, other.axes)

    def __hash__(self) -> int:
        return hash((self.names, self.axes))

    @cached_property
    def _sorted(self) -> tuple[list[tuple[int, int]], list[int]]:
        """(family, prefix) in lexicographic order, and how many orbits come before each."""
        width = len(self.axes)
        keys = [
            np.pad(f.prefixes, ((0, 0), (0, width - f.prefixes.shape[1])), constant_values=-1)
            for f in self.families
        ]
        owners = [(i, p) for i, f in enumerate(self.families) for p in range(len(f.prefixes))]
        order = np.lexsort(np.concatenate(keys).T[::-1]).tolist()
        places = [owners[i] for i in order]
        return places, [0, *accumulate(self.families[i].leaves for i, _ in places)]

    def _locate(self, k: int) -> tuple[OrbitFamily, int, int]:
        """The family, the prefix in it and the orbit of that prefix."""
        places, starts = self._sorted
        at = bisect_right(starts, k) - 1
        family, prefix = places[at]
        return self.families[family], prefix, k - starts[at]

    def representative(self, k: int) -> tuple[int, ...]:
        """The least member of orbit k."""
        family, prefix, tail = self._locate(read_index(k, self.dim, "orbit"))
        return self._tuple((*family.prefixes[prefix].tolist(), *family.tail(tail)))

    def _tuple(self, points: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(points[0], self.shape)) if self.listed else points

    def size(self, k: int) -> int:
        """The number of members of orbit k."""
        family, _, tail = self._locate(read_index(k, self.dim, "orbit"))
        return family.size(tail)

    def slices(self) -> Iterator[tuple[tuple[int, ...], np.ndarray, np.ndarray]]:
        """For each prefix representative: it, then the labels and phases on the remaining axes.

        Together with the action these hold the whole answer; for a transitive group on X x Y it is one row.
        """
        places, starts = self._sorted
        for (i, prefix), start in zip(places, starts, strict=False):
            f = self.families[i]
            points = () if self.listed else tuple(f.prefixes[prefix].tolist())
            rest = self.shape if self.listed else f.rest
            if f.orbits is None:
                refuse_entries("labels", prod(rest))
                yield points, start + np.arange(prod(rest)).reshape(rest), np.zeros(rest, dtype=np.int64)
            else:
                labels = np.where(f.orbits.labels < 0, -1, f.orbits.labels + start)
                yield points, labels.reshape(rest), f.orbits.phase.reshape(rest)

    @cached_property
    def _listing(self) -> tuple[np.ndarray, np.ndarray]:
        total = prod(self.shape)
        refuse_entries("labels", total * self.order * (3 + len(self.names)))
        family = self.families[0] if self.listed else listed_family(self.axes, self.order)
        assert family.orbits is not None
        return family.orbits.labels.reshape(self.shape), family.orbits.phase.reshape(self.shape)

    @property
    def labels(self) -> np.ndarray:
        """For every tuple the number of its orbit, -1 where the tensor must vanish."""
        return self._listing[0]

    @property
    def phases(self) -> np.ndarray:
        """For every tuple the phase of its coefficient."""
        return self._listing[1]

    def members(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The tuples of orbit k, as rows in lexicographic order, and the phases of their coefficients."""
        k = read_index(k, self.dim, "orbit")
        if self.listed:
            inside = self.labels == k
            return np.argwhere(inside), self.phases[inside]
        refuse_entries(f"orbit {k}", self.size(k) * 4 * (1 + len(self.axes)))
        return self._closure(self.representative(k))

    def _closure(self, start: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The orbit of a tuple; powers g, g^2, g^4, ... shorten the path along long cycles."""
        codes = ravel([np.array([i]) for i in start], self.shape)
        phases, grown = np.zeros(1, dtype=np.int64), True
        while grown:
            grown = False
            for maps in zip(*(a.signed for a in self.axes), strict=True):
                moves = {m: (m.image, m.phase * (self.order // m.order)) for m in maps}
                while (found := self._new(codes, phases, [moves[m] for m in maps])) is not None:
                    (codes, phases), grown = found, True
                    moves = {m: self._twice(*move) for m, move in moves.items()}
        return np.stack(unravel(codes, self.shape), axis=1), phases

    def _twice(self, image: np.ndarray, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return image[image], turns if self.order == 1 else turns + turns[image]

    def _new(
        self, codes: np.ndarray, phases: np.ndarray, moves: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        points = unravel(codes, self.shape)
        images = ravel([image[p] for (image, _), p in zip(moves, points, strict=True)], self.shape)
        new = codes[np.minimum(np.searchsorted(codes, images), len(codes) - 1)] != images
        if not new.any():
            return None
        codes = np.concatenate([codes, images[new]])
        if self.order == 1:
            return np.sort(codes), np.zeros(len(codes), dtype=np.int64)
        turned = sum((turns[p[new]] for (_, turns), p in zip(moves, points, strict=True)), phases[new])
        order = np.argsort(codes)
        return codes[order], np.concatenate([phases, turned % self.order])[order]

    def leaf(self, k: int) -> Leaf:
        """Orbit k as a pattern of coinciding axes and the ranges of their points."""
        x = self.representative(k)
        kinds = [(a.maps, a.size) for a in self.axes]  # axes of one kind run over the same set
        blocks = list(dict.fromkeys(zip(kinds, x, strict=True)))
        pattern = tuple(blocks.index(block) for block in zip(kinds, x, strict=True))
        ranges = tuple(self._range(kind, p) for kind, p in blocks)
        together = Counter(
            (kind, int(points[0]), len(points)) for (kind, _), points in zip(blocks, ranges, strict=True)
        )
        full = prod(perm(length, count) for (_, _, length), count in together.items())
        size = self.size(k)
        return Leaf(x, size, pattern, ranges, full == size and self._unsigned(pattern, ranges))

    @cached_property
    def _point_orbits(self) -> dict[Kind, tuple[np.ndarray, list[np.ndarray]]]:
        """For each set the orbit of every point, and the points of every orbit."""
        found = {}
        for maps, size in {(a.maps, a.size) for a in self.axes}:
            labels, least = components([m.image for m in maps], size)
            ends = np.cumsum(np.bincount(labels, minlength=len(least)))
            found[maps, size] = labels, np.split(np.argsort(labels, kind="stable"), ends[:-1])
        return found

    def _range(self, kind: Kind, point: int) -> np.ndarray:
        labels, points = self._point_orbits[kind]
        return points[labels[point]]

    def _unsigned(self, pattern: tuple[int, ...], ranges: tuple[np.ndarray, ...]) -> bool:
        """Whether every generator multiplies every tuple of the pattern by 1."""
        for maps in zip(*(a.signed for a in self.axes), strict=True):
            total = 0
            for block, points in enumerate(ranges):
                axes = [m for m, b in zip(maps, pattern, strict=True) if b == block]
                turns = sum(m.phase[points] * (self.order // m.order) for m in axes) % self.order
                if (turns != turns[0]).any():
                    return False
                total += int(turns[0])
            if total % self.order:
                return False
        return True

    def vanishing(self) -> list[tuple[int, ...]]:
        """The least members of the orbits on which every invariant tensor is zero."""
        found = []
        for f in self.families:
            dead = [] if f.orbits is None else f.orbits.vanishing.tolist()
            found += [self._tuple((*p, x)) for p in f.prefixes.tolist() for x in dead]
        return sorted(found)

    def word(self, member: Sequence[int]) -> Word:
        """A word in the generators that takes a tuple to its representative; its last letter acts first."""
        maps, at = self._cover(), self._code(member)
        labels = self.labels.ravel()
        if labels[at] < 0:
            return self.vanishing_word(member)
        goal = int(np.argmax(labels == labels[at]))
        below = {g: m[:: self.order] // self.order for g, m in maps.items()}
        return witness(below, at, goal) or ()

    def vanishing_word(self, member: Sequence[int]) -> Word:
        """A word that returns a tuple of a vanishing orbit to itself with a phase other than 1."""
        maps, at = self._cover(), self._code(member) * self.order
        words = [witness(maps, at, at + k) for k in range(1, self.order)]
        found = [w for w in words if w is not None]
        if not found:
            raise SizeError("member", "must lie in a vanishing orbit", tuple(member), "see .vanishing()")
        return min(found, key=lambda w: sum(abs(e) for _, e in w))

    def _cover(self) -> dict[str, np.ndarray]:
        refuse_entries("words", prod(self.shape) * self.order * (4 + len(self.names)))
        return dict(zip(self.names, product_maps(self.axes, self.order), strict=True))

    def _code(self, member: Sequence[int]) -> int:
        points = tuple(member)
        if len(points) != len(self.shape) or not all(
            0 <= p < n for p, n in zip(points, self.shape, strict=True)
        ):
            raise SizeError(
                "member", f"must be a tuple of indices below {self.shape}", member, "give one per axis"
            )
        return int(np.ravel_multi_index(points, self.shape))


def invariant_tensors(names: Sequence[str], axes: Sequence[TensorAxis]) -> InvariantTensors:
    """Solve ``a(g x) = zeta^phase a(x)`` for the named generators on a product of sets.

    Args:
        names: of the generators, in the order of each axis's maps.
        axes: the factors.

    Raises:
        TooLargeError: the group is neither recognised nor small enough for Schreier-Sims.
    """
    order, listed, families = find_families(tuple(axes))
    return InvariantTensors(tuple(names), tuple(axes), order, listed, families)
