"""The independent count for space groups: an average over the point group.

dim = 1/|P| sum_g chi_out(g) chi_in(g^-1) #{classes of site pairs that g fixes}        (Burnside, with fibres)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from math import prod
from typing import Any

import numpy as np
import sympy
from sympy import ZZ
from sympy.matrices.normalforms import smith_normal_form

from derive.counting.census import census
from derive.counting.site_pairs import SitePairs
from derive.counting.torus import fixed_in_box, fixed_on_torus
from derive.errors import SymbolicError
from derive.lattice.presumptions import holds
from derive.lattice.problem import Problem, with_sizes
from derive.symmetry.arrays import element_matrices, over_elements
from derive.symmetry.factors import Piece
from derive.symmetry.field import Field
from derive.symmetry.monomial import Monomial, identity_map
from derive.symmetry.spacegroup import Motion
from derive.symmetry.support import Region, Span

FURTHEST = 64  # radii that are tried


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


def count_lattice(problem: Problem) -> sympy.Expr:
    """The number of free weights of a whole problem; sizes may be symbols."""
    if census(problem) is sympy.oo:
        return sympy.oo
    pairs = [
        (output, input_, sympy.sympify(m) * n)
        for m, output in problem.y.fibre.blocks
        for n, input_ in problem.x.fibre.blocks
    ]
    known = {kind: count_average(problem, *kind) for kind in {(out, into) for out, into, _ in pairs}}
    total = sympy.Add(*(copies * known[out, into] for out, into, copies in pairs))
    return sympy.expand(total) if problem.group.point.generators else total


def count_average(problem: Problem, output: Piece, input_: Piece) -> sympy.Expr:
    """The number of equivariant operators between two pieces, exactly; sizes may be symbols."""
    point = problem.group.point
    if not point.generators:
        return census(problem) * output.dim * input_.dim
    out, into = character(point, output), character(point, input_)
    fixed = fixed_classes(problem)
    inverse = point.elements.inverse
    total = sum(sympy.sympify(out[e]) * sympy.sympify(into[int(inverse[e])]) * n for e, n in enumerate(fixed))
    return sympy.expand(sympy.radsimp(sympy.expand(total)) / len(fixed))


def fixed_classes(problem: Problem) -> list[Any]:
    """How many classes every element fixes."""
    opened = _opened(problem)
    sizes = [n for field in (opened.x, opened.y) for n in _grid(field) if n is not None]
    if any(n.free_symbols for n in sizes):
        return _fixed_on_torus(problem)
    radii = sorted({s for span in _spans(problem.support) for s in span.radius.free_symbols}, key=str)
    if not radii:
        return _fixed(opened)
    if len(radii) > 1:
        raise SymbolicError(
            "support", "may have one symbolic radius here", radii, "use one symbol for all axes"
        )
    return _interpolated(opened, radii[0])


def _grid(field: Field) -> tuple[Any, ...]:
    return field.lattice.grid if field.lattice is not None else ()


def _opened(problem: Problem) -> Problem:
    """Symbolic grids read as Z, where translations and the support bound classes."""
    space = problem.group
    two = all(field.lattice is not None for field in (problem.x, problem.y))
    open_ = [
        bool(step)
        and (not two or problem.support is not None)
        and any(n is not None and n.free_symbols for n in _along(problem, k))
        for k, step in enumerate(space.period)
    ]
    return replace(problem, x=_on_z(problem.x, open_), y=_on_z(problem.y, open_)) if any(open_) else problem


def _along(problem: Problem, axis: int) -> list[Any]:
    return [_grid(field)[axis] for field in (problem.x, problem.y) if field.lattice is not None]


def _on_z(field: Field, axes: Sequence[bool]) -> Field:
    lattice = field.lattice
    if lattice is None:
        return field
    grid = tuple(None if open_ else n for open_, n in zip(axes, lattice.grid, strict=True))
    kinds = tuple(None if open_ else kind for open_, kind in zip(axes, lattice.boundary, strict=True))
    return field.replace(lattice=replace(lattice, grid=grid, boundary=kinds))


def _spans(support: Region | None) -> list[Span]:
    return [span for span in (support.spans or ()) if span is not None] if support is not None else []


def _interpolated(problem: Problem, radius: sympy.Symbol) -> list[sympy.Expr]:
    """The count is a polynomial in the radius of degree at most the dimension; more points confirm it."""
    degree = problem.group.dim
    tried = list(islice(_attained(problem, radius), degree + 3))
    counts = [_fixed(with_sizes(problem, {radius: sympy.Integer(r)})) for r in tried]
    found = []
    for values in zip(*counts, strict=True):
        points = list(zip(tried, values, strict=True))
        polynomial = sympy.interpolate(points[: degree + 1], radius)
        if any(polynomial.subs(radius, r) != n for r, n in points):
            raise SymbolicError("support", "must have a number for its radius here", radius, "give box(1)")
        found.append(sympy.expand(polynomial))
    return found


def _attained(problem: Problem, radius: sympy.Symbol) -> Iterator[int]:
    """The numbers that are presumed possible, from the least on."""
    presumed = problem.classes.assumptions()
    for r in range(FURTHEST):  # on a grid of numbers only some radii are possible, and they are all tried
        spans = _spans(with_sizes(problem, {radius: sympy.Integer(r)}).support)
        if all(span.radius >= 0 for span in spans) and all(holds(e, {radius.name: r}) for e in presumed):
            yield r


def _fixed_on_torus(problem: Problem) -> list[sympy.Expr]:
    """On an n x n torus g fixes prod gcd(s_i, n) displacements, s_i the Smith invariants of M - 1."""
    fields, space = (problem.x, problem.y), problem.group
    sizes = {n for field in fields for n in _grid(field)}
    kinds = {kind for field in fields if field.lattice is not None for kind in field.lattice.boundary}
    steps = {
        t / s
        for field in fields
        if field.lattice
        for t, s in zip(space.period, field.lattice.spacing, strict=True)
    }
    single = all(field.lattice is not None for field in fields) and kinds == {"periodic"} and steps == {1}
    pairs = SitePairs(problem)
    moves = [pairs.affine(motion) for motion in pairs.motions]
    dim = space.dim
    if (
        problem.support is not None
        or not single
        or len(sizes) != 1
        or any((shift[dim:] - shift[:dim]).any() for _, shift in moves)
    ):
        raise SymbolicError(
            "grid",
            "may be a symbol for one n x n torus of single sites without a support",
            sorted(map(str, sizes)),
            "give numbers",
        )
    n = next(iter(sizes))
    found = []
    for matrix, _ in moves:
        change = sympy.Matrix((matrix[dim:, dim:] - np.eye(dim, dtype=int)).tolist())
        form = smith_normal_form(change, domain=ZZ)
        found.append(sympy.Mul(*(gcd(abs(form[i, i]), n) for i in range(dim))))
    return found


def _fixed(problem: Problem) -> list[int]:
    pairs = SitePairs(problem)
    sides = [line for lines in pairs.lines for line in lines if line is not None]
    if problem.support is None and all(line.ring for line in sides):
        lattice = _lattice(pairs)
        return [fixed_on_torus(*pairs.affine(motion), lattice) for motion in pairs.motions]
    if problem.support is None and not any(line.step for line in sides):
        return [_fixed_sites(pairs, motion, 0) * _fixed_sites(pairs, motion, 1) for motion in pairs.motions]
    classes = pairs.classes
    if any(line.step and line.size is not None and not line.ring for line in sides):
        return _fixed_by_window(pairs, classes)
    return [_unmoved(pairs, motion, classes) if e else len(classes) for e, motion in enumerate(pairs.motions)]


def _unmoved(pairs: SitePairs, motion: Motion, classes: np.ndarray) -> int:
    return int((pairs.moved(motion, classes) == classes).all(axis=(1, 2)).sum())


def _lattice(pairs: SitePairs) -> list[list[int]]:
    """The pairs of shifts that change no class: once around a grid, and the translations of both sites."""
    size, vectors = len(pairs.lines), []
    for i, lines in enumerate(pairs.lines):
        step = [0] * (2 * size)
        for line, at in zip(lines, (i, size + i), strict=True):
            around = [0] * (2 * size)
            around[at] = int(line.size or 1) if line is not None else 1
            step[at] = line.step if line is not None else 0
            vectors.append(around)
        vectors.append(step)
    return vectors


def _fixed_sites(pairs: SitePairs, motion: Motion, side: int) -> int:
    """How many sites of one field a motion fixes, with nothing translated."""
    lines = [both[side] for both in pairs.lines]
    sizes = [int(line.size or 0) for line in lines if line is not None]
    if not sizes:
        return 1
    dim, (matrix, shift) = len(lines), pairs.affine(motion)
    part = slice(side * dim, (side + 1) * dim)
    own = matrix[part, part].astype(np.int64), shift[part].astype(np.int64)
    rings = [line.ring for line in lines if line is not None]
    known = fixed_in_box(*own, sizes) if not any(rings) else None
    if known is not None:
        return known
    sites = np.stack([g.reshape(-1) for g in np.meshgrid(*map(np.arange, sizes), indexing="ij")], axis=1)
    gaps = sites @ own[0].T + own[1] - sites
    around = np.array([n if ring else 0 for n, ring in zip(sizes, rings, strict=True)])
    same = np.where(around > 0, gaps % np.maximum(around, 1), gaps) == 0
    return int(same.all(axis=1).sum())


def _fixed_by_window(pairs: SitePairs, classes: np.ndarray) -> list[int]:
    """On a window: the fixed classes among all images, less those of orbits that never meet the window."""
    reached: dict[tuple[int, ...], None] = {}
    for motion in pairs.motions:
        moved = pairs.moved(motion, classes)
        reached.update(dict.fromkeys(map(tuple, moved.reshape(len(moved), -1).tolist())))
    every = np.array(sorted(reached)).reshape(-1, 2, len(pairs.lines))
    return [_unmoved(pairs, motion, every) for motion in pairs.motions]
