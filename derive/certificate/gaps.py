"""How far a map is from satisfying the equation of one generator, computed exactly, factor by factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm, prod
from typing import Any

import numpy as np

from derive.hom.intertwiners import Element
from derive.linear.field import RATIONALS, NumberField, common_field
from derive.symmetry.factors import Piece
from derive.symmetry.group import Group
from derive.symmetry.integers import ravel, unravel
from derive.symmetry.monomial import Monomial, root_of_unity

SAFE = 2**62  # integers below this fit in 64 bits, with their sums


def equation_gap(group: Group, name: str, output: Piece, input_: Piece, elements: Sequence[Element]) -> int:
    """The largest integer in ``rho_y(g) A - A rho_x(g)`` over the maps A; numbers of a field have several.

    For a generator of a Lie algebra it is that of ``d rho_y A - A d rho_x``.
    """
    if not any(f.moves(name) for piece in (output, input_) for f in piece.factors):
        return 0  # both sides are A, or 0
    maps = [[f.monomial(name) for f in piece.factors] for piece in (output, input_)]
    if name not in group.algebra and all(m is not None for m in (*maps[0], *maps[1])):
        gaps = [_monomial_gap(element, *maps) for element in elements]
        if None not in gaps:
            return max((gap for gap in gaps if gap), default=0)
    return _matrix_gap(elements, output, input_, name) if elements else 0


# ---- permutations with phases ---------------------------------------------------------------------------


def _monomial_gap(element: Element, out: Sequence[Any], into: Sequence[Any]) -> int | None:
    """1 where the generator moves the map, else 0; None where entries are no roots of unity."""
    order = lcm(2, *(m.order for m in (*out, *into)))
    rows, turned = _carried(element.rows, out, order)
    columns, back = _carried(element.columns, into, order)
    turns = (turned - back) % order
    if order == 2:
        before, after = element.values, element.values * (1 - 2 * turns)
    else:
        phase = {root_of_unity(p, order): p for p in range(order)}
        if not all(v in phase for v in element.values.tolist()):
            return None
        before = np.array([phase[v] for v in element.values.tolist()])
        after = (before + turns) % order
    there, here = np.lexsort((columns, rows)), np.lexsort((element.columns, element.rows))
    pairs = ((rows, element.rows), (columns, element.columns), (after, before))
    return int(not all((moved[there] == kept[here]).all() for moved, kept in pairs))


def _carried(numbers: np.ndarray, maps: Sequence[Monomial], order: int) -> tuple[np.ndarray, np.ndarray]:
    """Basis vectors of a tensor product under a monomial map of each factor: images and phases."""
    sizes = [m.dim for m in maps]
    points = unravel(numbers, sizes)
    images = ravel([m.image[p] for m, p in zip(maps, points, strict=True)], sizes)
    turns = [m.phase[p] * (order // m.order) for m, p in zip(maps, points, strict=True)]
    return images, sum(turns, np.zeros(len(numbers), dtype=np.int64))


# ---- matrices -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Arrays over a number field: one array of integers for each power of its generator."""

    field: NumberField
    parts: tuple[np.ndarray, ...]

    def on_axis(self, matrix: _Numbers, axis: int) -> _Numbers:
        """The matrix times one axis."""
        degree = self.field.degree
        sums: list[Any] = [0] * (2 * degree - 1)
        for i, m in enumerate(matrix.parts):
            for j, part in enumerate(self.parts):
                if m.any() and part.any():
                    sums[i + j] = sums[i + j] + np.moveaxis(np.tensordot(m, part, axes=(1, axis)), 0, axis)
        zero = np.zeros_like(self.parts[0])
        return _Numbers(self.field, tuple(zero + s for s in self.field.reduce(sums)))

    def __add__(self, other: _Numbers) -> _Numbers:
        return _Numbers(self.field, tuple(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    def scaled(self, factor: int) -> _Numbers:
        return _Numbers(self.field, tuple(p * factor for p in self.parts))

    @property
    def largest(self) -> int:
        return max(int(abs(p).max(initial=0)) for p in self.parts)

    @property
    def widest(self) -> int:
        """A bound for what a product with this matrix multiplies integers by."""
        rows = max(int(abs(p).sum(axis=-1).max(initial=0)) for p in self.parts)
        return max(1, rows * self.field.growth)

    def cast(self, kind: Any) -> _Numbers:
        return _Numbers(self.field, tuple(p.astype(kind) for p in self.parts))


def _matrix_gap(elements: Sequence[Element], output: Piece, input_: Piece, name: str) -> int:
    """The left side contracts the factors of the output, the right side those of the input."""
    left, right = ([f.matrix(name) for f in piece.factors] for piece in (output, input_))
    dense = np.stack([element.dense() for element in elements])
    shape = (len(elements), *(m.rows for m in (*left, *right)))
    stack, matrices, scales = _read(dense.reshape(shape), [*left, *(m.T for m in right)])
    bound = prod(m.widest for m in matrices) * prod(scales) * len(matrices) * (1 + stack.largest)
    kind = np.int64 if bound < SAFE else object
    stack, matrices = stack.cast(kind), [m.cast(kind) for m in matrices]
    parts = slice(0, len(left)), slice(len(left), len(matrices))
    side = _leibniz if name in output.group.algebra else _product
    outer, inner = (side(stack, matrices, scales, part) for part in parts)
    return (outer + inner.scaled(-1)).largest


def _product(stack: _Numbers, matrices: list[_Numbers], scales: list[int], part: slice) -> _Numbers:
    """Every axis of the part multiplied by its matrix; the scales of the other axes keep both sides equal."""
    others = [d for i, d in enumerate(scales) if not part.start <= i < part.stop]
    for i in range(part.start, part.stop):
        stack = stack.on_axis(matrices[i], 1 + i)
    return stack.scaled(prod(others))


def _leibniz(stack: _Numbers, matrices: list[_Numbers], scales: list[int], part: slice) -> _Numbers:
    """The sum over the axes of the part, each multiplied by its matrix alone."""
    total = stack.scaled(0)
    for i in range(part.start, part.stop):
        total = total + stack.on_axis(matrices[i], 1 + i).scaled(lcm(*scales) // scales[i])
    return total


def _read(dense: np.ndarray, matrices: Sequence[Any]) -> tuple[_Numbers, list[_Numbers], list[int]]:
    """Maps and matrices over one field, in integers, and what every matrix was multiplied by."""
    if dense.dtype != object and all(x.is_Integer for m in matrices for x in m.flat()):
        arrays = [np.array(m.tolist(), dtype=object) for m in matrices]
        whole = [_Numbers(RATIONALS, (np.vectorize(int, otypes=[object])(a),)) for a in arrays]
        return _Numbers(RATIONALS, (dense.astype(object),)), whole, [1] * len(matrices)
    from sympy import ImmutableMatrix, sympify

    numbers = list(dict.fromkeys(map(sympify, dense.ravel().tolist())))
    field, ((values, _), *rest) = common_field([ImmutableMatrix(1, len(numbers), numbers), *matrices])
    at = {v: i for i, v in enumerate(numbers)}
    places = np.array([at[sympify(v)] for v in dense.ravel().tolist()]).reshape(dense.shape)
    parts = tuple(p.toarray()[0].astype(object)[places] for p in values.parts)
    found = [_Numbers(field, tuple(p.toarray().astype(object) for p in m.parts)) for m, _ in rest]
    return _Numbers(field, parts), found, [d for _, d in rest]
