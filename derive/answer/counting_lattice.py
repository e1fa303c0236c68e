"""The independent count for space groups: an average over the point group.

dim = 1/|P| sum_g chi_out(g) chi_in(g^-1) #{classes of site pairs that g fixes}        (Burnside, with fibres)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import ZZ
from sympy.matrices.normalforms import smith_normal_form

from derive.answer.counting_torus import fixed_in_box, fixed_on_torus
from derive.equation.problem import Problem
from derive.errors import SymbolicError
from derive.methods.axes import Axis
from derive.methods.classes import Classes
from derive.methods.integers import combined, integers, largest, widened
from derive.methods.motions import SiteMaps, by_columns, element_matrices, over_elements, pair_maps
from derive.symmetry.monomial import Monomial, identity_map
from derive.symmetry.pieces import Piece
from derive.symmetry.support import Region, Span


class gcd(sympy.Function):
    """The greatest common divisor, kept as it is while a size is a symbol.

    >>> n = sympy.Symbol("n", integer=True, positive=True)
    >>> gcd(2, n), gcd(2, n).subs(n, 6), gcd(0, n)
    (gcd(2, n), 2, n)
    """

    @classmethod
    def eval(cls, a: sympy.Expr, b: sympy.Expr) -> sympy.Expr | None:
        if a.is_Integer and b.is_Integer:
            return sympy.Integer(int(np.gcd(int(a), int(b))))
        if a == 0:
            return b
        return sympy.S.One if a == 1 else None


def character(point: Any, piece: Piece) -> list[Any]:
    """The trace of every element: the product of the traces on the factors of the piece."""
    traces = {f: _traces(point, f) for f in dict.fromkeys(piece.factors)}
    return [prod(row) for row in zip(*(traces[f] for f in piece.factors), strict=True)]


def _traces(point: Any, factor: Piece) -> list[Any]:
    images = {g: factor.monomial(g) for g in point.generators}
    signed = {g: m for g, m in images.items() if m is not None and m.order <= 2}
    if len(signed) < len(images):
        return [sum(np.diagonal(m)) for m in element_matrices(point, factor)]
    moved = over_elements(point.elements, signed, identity_map(factor.dim), lambda g, h: g * h)
    return [int(_signs(m)[m.image == np.arange(m.dim)].sum()) for m in moved]


def _signs(m: Monomial) -> np.ndarray:
    return 1 - 2 * m.phase if m.order == 2 else np.ones_like(m.phase)


def count_average(problem: Problem, output: Piece, input_: Piece) -> sympy.Expr:
    """The number of equivariant operators between two pieces, exactly; sizes may be symbols."""
    point = problem.group.point
    out, into = character(point, output), character(point, input_)
    fixed = fixed_classes(problem)
    inverse = point.elements.inverse
    total = sum(sympy.sympify(out[e]) * sympy.sympify(into[int(inverse[e])]) * n for e, n in enumerate(fixed))
    return sympy.expand(sympy.radsimp(sympy.expand(total)) / len(fixed))


def fixed_classes(problem: Problem) -> list[Any]:
    """How many classes every element fixes."""
    classes = problem.classes.opened()
    sides = [side.size for axis in classes.axes for side in axis.sides if side.size is not None]
    open_ = sorted({s for n in sides for s in n.free_symbols}, key=str)
    if open_:
        return _fixed_on_torus(problem)
    radii = sorted({s for span in _spans(problem.support) for s in span.radius.free_symbols}, key=str)
    if not radii:
        return _fixed(problem, classes)
    if len(radii) > 1:
        raise SymbolicError(
            "support", "may have one symbolic radius here", radii, "use one symbol for all axes"
        )
    return _interpolated(problem, classes, radii[0])


def _spans(support: Region | None) -> list[Span]:
    return [span for span in (support.spans or ()) if span is not None] if support is not None else []


def _interpolated(problem: Problem, classes: Classes, radius: sympy.Symbol) -> list[sympy.Expr]:
    """The count is a polynomial in the radius of degree at most the dimension; more points confirm it."""
    degree = problem.group.dim
    tried = list(islice(_attained(classes, radius), degree + 3))
    counts = [
        _fixed(problem, Classes(classes.axes, Region(spans=_spans_at(classes, radius, r)))) for r in tried
    ]
    found = []
    for values in zip(*counts, strict=True):
        points = list(zip(tried, values, strict=True))
        polynomial = sympy.interpolate(points[: degree + 1], radius)
        if any(polynomial.subs(radius, r) != n for r, n in points):
            raise SymbolicError("support", "must have a number for its radius here", radius, "give box(1)")
        found.append(sympy.expand(polynomial))
    return found


def _attained(classes: Classes, radius: sympy.Symbol) -> Iterator[int]:
    """The numbers for which every displacement is one of the lattices', from the least on."""
    for r in count():
        spans = _spans_at(classes, radius, r)
        if all(
            span is None or (span.radius >= 0 and span.lands(axis.residue, axis.mesh) == True)  # noqa: E712
            for axis, span in zip(classes.axes, spans, strict=True)
        ):
            yield r


def _spans_at(classes: Classes, radius: sympy.Symbol, r: int) -> tuple[Span | None, ...]:
    spans = (classes.support.spans if classes.support else None) or ()
    return tuple(None if s is None else Span(s.radius.subs(radius, r), s.step) for s in spans)


def _fixed_on_torus(problem: Problem) -> list[sympy.Expr]:
    """On an n x n torus g fixes prod gcd(s_i, n) displacements, s_i the Smith invariants of M - 1."""
    axes = problem.axes
    sizes = {axis.into.size for axis in axes if axis.into} | {axis.out.size for axis in axes if axis.out}
    single = all(
        len(a.sides) == 2 and a.boundary == "periodic" and {s.step for s in a.sides} == {1} for a in axes
    )
    maps = pair_maps(problem.group, problem.x, problem.y, axes)
    shift = maps.into.shift - maps.out.shift
    if problem.support is not None or not single or len(sizes) != 1 or shift.any():
        raise SymbolicError(
            "grid",
            "may be a symbol for one n x n torus of single sites without a support",
            sorted(map(str, sizes)),
            "give numbers",
        )
    n = next(iter(sizes))
    found = []
    for matrix in maps.into.matrix:
        form = smith_normal_form(sympy.Matrix((matrix - np.eye(len(axes), dtype=int)).tolist()), domain=ZZ)
        found.append(sympy.Mul(*(gcd(abs(form[i, i]), n) for i in range(len(axes)))))
    return found


def _fixed(problem: Problem, classes: Classes) -> list[int]:
    maps = pair_maps(problem.group, problem.x, problem.y, classes.axes)
    if classes.support is None and _periodic(classes.axes):
        lattice = _lattice(classes.axes)
        return [_fixed_on_product(maps, classes.axes, e, lattice) for e in range(maps.order)]
    if classes.support is None and not any(axis.translated for axis in classes.axes):
        return [
            _fixed_sites(maps.out, classes.axes, "out", e) * _fixed_sites(maps.into, classes.axes, "into", e)
            for e in range(maps.order)
        ]
    listed = classes.listing()[:, :, :2]
    pairs = by_columns(listed.shape, listed.dtype)
    pairs[...] = listed
    if any(axis.boundary == "zero" for axis in classes.axes):
        return _fixed_by_window(maps, classes.axes, pairs)
    return [int(_stays(maps, classes.axes, e, pairs).sum()) if e else len(pairs) for e in range(maps.order)]


def _periodic(axes: Sequence[Axis]) -> bool:
    return all(side.boundary == "periodic" and side.size is not None for axis in axes for side in axis.sides)


def _lattice(axes: Sequence[Axis]) -> list[list[int]]:
    """The pairs of shifts that change no class: once around a grid, and the translations of both sites."""
    size, vectors = len(axes), []
    for i, axis in enumerate(axes):
        step = [0] * (2 * size)
        for side, at in ((axis.out, i), (axis.into, size + i)):
            around = [0] * (2 * size)
            around[at] = int(side.size) if side is not None else 1
            step[at] = side.step if side is not None else 0
            vectors.append(around)
        vectors.append(step)
    return vectors


def _fixed_on_product(maps: Any, axes: Sequence[Axis], e: int, lattice: list[list[int]]) -> int:
    size = len(axes)
    matrix = np.zeros((2 * size, 2 * size), dtype=object)
    matrix[:size, :size], matrix[size:, size:] = maps.out.matrix[e], maps.into.matrix[e]
    return fixed_on_torus(matrix, np.concatenate([maps.out.shift[e], maps.into.shift[e]]), lattice)


def _fixed_sites(maps: SiteMaps, axes: Sequence[Axis], side: str, e: int) -> int:
    parts = [getattr(axis, side) for axis in axes]
    if all(part is None for part in parts):
        return 1
    sizes = [int(part.size) for part in parts]
    known = fixed_in_box(maps.matrix[e], maps.shift[e], sizes)
    if known is not None:
        return known
    sites = np.stack([g.reshape(-1) for g in np.meshgrid(*map(np.arange, sizes), indexing="ij")], axis=1)
    return int(np.all(maps.apply(e, sites) == sites, axis=1).sum())


def _stays(maps: Any, axes: Sequence[Axis], e: int, pairs: np.ndarray) -> np.ndarray:
    """Whether g carries a pair to a translate of itself: whole periods undo it on both sides."""
    p, q = (
        combined([(1, side.apply(e, pairs[:, :, k])), (-1, pairs[:, :, k])])
        for k, side in enumerate((maps.out, maps.into))
    )
    same = np.ones(len(pairs), dtype=bool)
    for i, axis in enumerate(axes):
        same &= _undone(axis, p[:, i], q[:, i])
    return same


def _undone(axis: Axis, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    lengths = [int(s.size) if s.boundary == "periodic" and s.size is not None else 0 for s in axis.sides]
    gaps = [gap for gap, side in ((p, axis.out), (q, axis.into)) if side is not None]
    if not gaps:
        return np.ones(len(p), dtype=bool)
    if not axis.translated:
        return _divides(gaps, lengths)
    steps = [side.step for side in axis.sides]
    if not gaps[0].any():
        return _divides(gaps, lengths)
    gaps = widened(gaps, max(*steps, *map(largest, gaps)))
    turns = gaps[0] // steps[0]
    whole = gaps[0] % steps[0] == 0
    return whole & _divides(
        [combined([(1, g), (-step, turns)]) for g, step in zip(gaps, steps, strict=True)], lengths
    )


def _divides(gaps: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    """Whether every gap is a whole number of turns around its torus, or 0 where there is none."""
    found = np.ones(len(gaps[0]), dtype=bool)
    for gap, n in zip(gaps, lengths, strict=True):
        found &= widened([gap], max(n, largest(gap)))[0] % n == 0 if n and gap.any() else gap == 0
    return found


def _fixed_by_window(maps: Any, axes: Sequence[Axis], pairs: np.ndarray) -> list[int]:
    """On a window: the fixed classes among all images, less those of orbits that never meet the window."""
    inside = {tuple(row) for row in pairs.reshape(len(pairs), -1).tolist()}
    reached: dict[tuple[int, ...], bool] = {}
    for e in range(maps.order):
        moved = maps.apply(e, pairs)
        for row in moved.reshape(len(moved), -1).tolist():
            reached[tuple(row)] = True
    every = integers(sorted(reached | dict.fromkeys(inside, True))).reshape(-1, len(axes), 2)
    return [int(_stays(maps, axes, e, every).sum()) for e in range(maps.order)]
