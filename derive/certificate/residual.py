"""The residual of T(g x) = g T(x) on basis elements themselves, read as the arrays that users get.

    A[g p, g q] - rho_out(g) A[p, q] rho_in(g)^-1  for generators g,  A[t p, t q] - A[p, q]  for translations

On a window every element of the point group is applied, since generators alone may leave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from derive.certificate.rank import independent
from derive.counting.site_pairs import SitePairs
from derive.lattice.problem import Problem
from derive.pickling import Fields
from derive.symmetry.arrays import exact_array, exact_entries, exact_product, simplified
from derive.symmetry.representation import Representation
from derive.symmetry.spacegroup import Motion

Mover = tuple[Motion | None, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Written(Fields):
    """Basis elements of one problem as exact arrays, entry (element, pair of sites, i, c)."""

    problem: Problem
    elements: Sequence[Any]

    @cached_property
    def pairs(self) -> SitePairs:
        return SitePairs(self.problem)

    @cached_property
    def sites(self) -> np.ndarray:
        """The pairs of sites whose weights the arrays hold: all of a grid, or one of each class."""
        sides = [line for lines in self.pairs.lines for line in lines if line is not None]
        if any(line.size is None for line in sides):
            return self.pairs.classes
        runs = [
            [1 if line is None else line.size for line in side]
            for side in zip(*self.pairs.lines, strict=True)
        ]
        counts = [n for side in runs for n in side]
        flat = (
            np.indices(counts, dtype=np.int64).reshape(len(counts), -1).T if counts else np.zeros((1, 0), int)
        )
        return flat.reshape(len(flat), 2, len(self.pairs.lines))

    @cached_property
    def arrays(self) -> list[np.ndarray]:
        """Every element as users get it; other numbers than integers as SymPy reads them."""
        return [exact_entries(element.dense()) for element in self.elements]

    @cached_property
    def fits(self) -> bool:
        """Whether all arrays have the shape that the statement asks for."""
        return all(array.shape == self._shape for array in self.arrays)

    @property
    def _shape(self) -> tuple[int, ...]:
        rows, columns = int(self.problem.y.channels), int(self.problem.x.channels)
        if self._open:
            return rows, columns, *(int(c.max()) + 1 for c in self._places)
        sides = zip(*self.pairs.lines, strict=True)
        out, into = ([int(line.size or 0) for line in side if line is not None] for side in sides)
        return rows, *out, columns, *into

    @property
    def _open(self) -> bool:
        """Whether arrays are kernels K[i, c, *displacements]."""
        return any(line is not None and line.size is None for lines in self.pairs.lines for line in lines)

    @cached_property
    def weights(self) -> np.ndarray:
        """The array of every element, pair by pair."""
        return np.stack([self._by_pair(array) for array in self.arrays])

    def _by_pair(self, array: np.ndarray) -> np.ndarray:
        rows, columns = int(self.problem.y.channels), int(self.problem.x.channels)
        if self._open:
            at_places = np.moveaxis(array, (0, 1), (-2, -1))[self._places]
            return at_places.reshape(len(self.sites), rows, columns)
        outs = sum(line is not None for line, _ in self.pairs.lines)
        whole = np.moveaxis(array, outs + 1, 1)  # (i, c, *out, *in)
        return np.moveaxis(whole.reshape(rows, columns, -1), -1, 0)

    @property
    def _places(self) -> tuple[np.ndarray, ...]:
        """Where a kernel holds every class: phases that occur, then displacements from the least one on."""
        phases, places = [], []
        for k, (out, into) in enumerate(self.pairs.lines):
            p, q = self.sites[:, 0, k], self.sites[:, 1, k]
            if out is None or into is None:
                phases += [q if out is None else p]
            elif not (out.step or into.step):
                places += [p, q]
            else:
                ratio = into.spacing / out.spacing
                a, b = ratio.numerator, ratio.denominator
                phases.append(p // a)
                places.append(a * q - b * p)
        used = [c for c in phases if len(c) and c.max() > 0] + places
        return tuple((c - c.min()).astype(np.int64) for c in used)

    # ---- the equation -----------------------------------------------------------------------------------

    @cached_property
    def residual(self) -> int:
        """The largest entry that is left over: exactly 0 when right."""
        if not len(self.elements):
            return 0
        if not self.fits:
            return 1
        return max(self._outside, *(self._gap(motion, word) for motion, word in self._movers))

    @property
    def _outside(self) -> int:
        """The largest weight outside the support."""
        if self.problem.support is None:
            return 0
        if self._open:
            held = sum(np.count_nonzero(array) for array in self.arrays)
            return int(held != np.count_nonzero(self.weights))
        inside = set(map(tuple, _rows(self.pairs.canonical(self.pairs.classes))))
        names = map(tuple, _rows(self.pairs.canonical(self.sites)))
        return _largest(self.weights[:, [name not in inside for name in names]])

    @property
    def _movers(self) -> Iterator[Mover]:
        """What moves sites, and the word by which it acts on fibres; translations leave fibres alone."""
        space, point = self.problem.group, self.problem.group.point
        yield None, ()
        windows = any(
            line is not None and line.step and line.size is not None and not line.ring
            for lines in self.pairs.lines
            for line in lines
        )
        if windows:
            for motion, word in zip(self.pairs.motions[1:], point.elements.words[1:], strict=True):
                yield motion, tuple(g for g, power in word for _ in range(power))
            return
        for g in point.generators:
            yield (space.motions[g] if space.dim else None), (g,)

    def _gap(self, motion: Motion | None, word: tuple[str, ...]) -> int:
        image, there = self._images(motion)
        moved = self.weights[:, image]
        here = self.weights[:, there]
        algebra = len(word) == 1 and word[0] in self.problem.group.point.algebra
        left = _word(self.problem.y.fibre, word, algebra)
        right = _word(self.problem.x.fibre, word, algebra)
        gap = _times(left, here, 0) - _times(right, here if algebra else moved, 1)
        return _largest(gap)

    def _images(self, motion: Motion | None) -> tuple[np.ndarray, np.ndarray]:
        """Pairs g(p, q) and (p, q) by number, where both are held."""
        names = self.pairs.canonical(self.sites)
        moved = self.pairs.moved(motion, self.sites) if motion is not None else names
        first: dict[tuple[int, ...], int] = {}
        for k, row in enumerate(map(tuple, _rows(names))):
            first.setdefault(row, k)
        found = [first.get(row, -1) for row in map(tuple, _rows(moved))]
        image = np.array(found, dtype=np.int64)
        there = np.flatnonzero(image >= 0)
        return image[there], there

    @cached_property
    def independent(self) -> bool:
        """Whether each array stands on one orbit of pairs and one block, and all are independent."""
        if not len(self.elements):
            return True
        return self.fits and self._apart and independent(self.weights.reshape(len(self.elements), -1))

    @property
    def _apart(self) -> bool:
        orbits = self._orbits
        rows, columns = (_blocks(field.fibre) for field in (self.problem.y, self.problem.x))
        for element in self.weights:
            pairs, i, c = np.nonzero(element)
            if any(len(np.unique(labels)) > 1 for labels in (orbits[pairs], rows[i], columns[c])):
                return False
        return True

    @cached_property
    def _orbits(self) -> np.ndarray:
        """The orbit of every pair under all that moves them, by number."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        moves = [self._images(motion) for motion, _ in self._movers]
        images = np.concatenate([image for image, _ in moves])
        there = np.concatenate([pair for _, pair in moves])
        size = len(self.sites)
        graph = coo_array((np.ones(len(there)), (there, images)), shape=(size, size))
        return connected_components(graph, directed=False)[1]


def _blocks(fibre: Representation) -> np.ndarray:
    """The copy of a piece that every channel belongs to, by number."""
    sizes = [piece.dim for copies, piece in fibre.blocks for _ in range(int(copies))]
    return np.repeat(np.arange(len(sizes)), sizes)


def _rows(pairs: np.ndarray) -> list[list[int]]:
    return pairs.reshape(len(pairs), -1).tolist()


def _word(fibre: Representation, word: tuple[str, ...], algebra: bool) -> np.ndarray | None:
    """The matrix of a word; None for no word."""
    if not word:
        return None
    found = exact_array(fibre.matrix(word[0]))
    for g in word[1:]:
        found = exact_product(found, exact_array(fibre.matrix(g)))
    return found


def _times(matrix: np.ndarray | None, weights: np.ndarray, side: int) -> np.ndarray:
    """matrix @ weights (side 0) or weights @ matrix (side 1), exactly."""
    if matrix is None:
        return weights
    if all(isinstance(x, int) and abs(x) < 2**15 for x in matrix.flat) and _small(weights):
        matrix = matrix.astype(np.int64)
    return np.matmul(matrix, weights) if side == 0 else np.matmul(weights, matrix)


def _small(weights: np.ndarray) -> bool:
    return weights.dtype != object and (not weights.size or int(abs(weights).max()) < 2**31)


def _largest(gap: np.ndarray) -> int:
    if gap.dtype != object:
        return int(abs(gap).max()) if gap.size else 0
    left = [simplified(sympy.sympify(v)) for v in gap.reshape(-1).tolist() if v != 0]
    wrong = [v for v in left if v != 0 and sympy.simplify(v) != 0]
    return max((abs(v) if isinstance(v, int) else 1 for v in wrong), default=0)
