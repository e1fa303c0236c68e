"""How far a map is from satisfying the equation of one generator, computed exactly, factor by factor."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from derive.methods.intertwiners import Element
from derive.methods.motions import exact_array, simplified
from derive.symmetry.groups import Group
from derive.symmetry.monomial import Monomial
from derive.symmetry.pieces import Piece

SAFE = 2**62  # integers below this fit in 64 bits, with their sums
Matrices = Sequence[np.ndarray]


def equation_gap(group: Group, name: str, output: Piece, input_: Piece, elements: Sequence[Element]) -> int:
    """The largest entry of ``rho_y(g) A - A rho_x(g)`` over the maps A, exactly (1 where it is no integer).

    For a generator of a Lie algebra it is that of ``d rho_y A - A d rho_x``.
    """
    if not elements:
        return 0
    out, into = ([f.monomial(name) for f in piece.factors] for piece in (output, input_))
    if name not in group.algebra and all(m is not None and m.order <= 2 for m in (*out, *into)):
        return max(_monomial_gap(element, out, into) for element in elements)
    left, right = ([exact_array(f.matrix(name)) for f in piece.factors] for piece in (output, input_))
    stack = np.stack([element.dense() for element in elements])
    stack = stack.reshape(len(elements), *(len(m) for m in (*left, *right)))
    return _matrix_gap(stack, left, [m.T for m in right], name in group.algebra)


def _monomial_gap(element: Element, out: Sequence[Any], into: Sequence[Any]) -> int:
    rows, turned = _carried(element.rows, out)
    columns, also = _carried(element.columns, into)
    signed = element.values * (1 - 2 * ((turned + also) % 2))
    there, here = np.lexsort((columns, rows)), np.lexsort((element.columns, element.rows))
    pairs = ((rows, element.rows), (columns, element.columns), (signed, element.values))
    return int(not all((moved[there] == kept[here]).all() for moved, kept in pairs))


def _carried(numbers: np.ndarray, maps: Sequence[Monomial]) -> tuple[np.ndarray, np.ndarray]:
    """Basis vectors of a tensor product under a signed permutation of each factor: images and signs."""
    sizes = [m.dim for m in maps]
    points = np.unravel_index(numbers, sizes)
    images = np.ravel_multi_index([m.image[p] for m, p in zip(maps, points, strict=True)], sizes)
    signs = sum((m.phase[p] for m, p in zip(maps, points, strict=True) if m.order == 2), 0 * numbers)
    return np.asarray(images), signs


def _matrix_gap(stack: np.ndarray, left: Matrices, right: Matrices, leibniz: bool) -> int:
    """The same for matrices; axis 0 counts the maps, then come the factors of the output and of the input."""
    if bound := _bound(stack, [*left, *right]):
        kind = np.int64 if bound < SAFE else object
        stack, left, right = stack.astype(kind), _as(left, kind), _as(right, kind)
    ends = _sum if leibniz else _product
    gap = ends(stack, left, 1) - ends(stack, right, 1 + len(left))
    if gap.dtype != object:
        return int(abs(gap).max(initial=0))
    entries = [simplified(v) for v in gap.flat if not isinstance(v, int) or v]
    return max((abs(v) if isinstance(v, int) else 1 for v in entries if v != 0), default=0)


def _bound(stack: np.ndarray, matrices: Matrices) -> int:
    """A bound on all integers met on the way; 0 where other numbers than integers occur."""
    flat = [*stack.flat, *(x for m in matrices for x in m.flat)] if stack.dtype == object else None
    if not all(isinstance(x, int | np.integer) for x in flat or (x for m in matrices for x in m.flat)):
        return 0
    rows = [max(1, int(abs(m).sum(axis=1).max(initial=0))) for m in matrices]
    return 4 * (1 + int(abs(stack).max(initial=0))) * prod(rows) * len(rows)


def _as(matrices: Matrices, kind: Any) -> Matrices:
    return [m.astype(kind) for m in matrices]


def _product(stack: np.ndarray, matrices: Matrices, first: int) -> np.ndarray:
    for axis, m in enumerate(matrices, start=first):
        stack = _on_axis(stack, m, axis)
    return stack


def _sum(stack: np.ndarray, matrices: Matrices, first: int) -> np.ndarray:
    return sum(_on_axis(stack, m, axis) for axis, m in enumerate(matrices, start=first))  # type: ignore[return-value]


def _on_axis(stack: np.ndarray, matrix: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(matrix, stack, axes=(1, axis)), 0, axis)
