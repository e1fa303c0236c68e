"""The slow, obvious oracle: sites one by one, exact matrices of `derive`, NumPy alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

Letters = Sequence[tuple[str, int]]


def rho(V: Any, letters: Letters) -> np.ndarray:
    """The matrix of a word, from the exact matrices of the generators; translations do nothing."""
    total = np.eye(int(V.dim))
    for name, power in letters:
        if name in V.group.generators:
            one = np.array(V.matrix(name).evalf(30).tolist(), dtype=complex)
            total = total @ np.linalg.matrix_power(one, power)
    return total.real if abs(np.imag(total)).max(initial=0) < 1e-12 else total


def motion(space: Any, letters: Letters) -> tuple[np.ndarray, list[Fraction]]:
    """M and t of a word, letter by letter, the last one first."""
    dim = space.dim
    matrix, shift = np.eye(dim, dtype=int), [Fraction(0)] * dim
    for name, power in reversed(list(letters)):
        step = space.motions[name]
        m, t = np.array(step.matrix, dtype=int).reshape(dim, dim), list(step.shift)
        if power < 0:
            m = np.round(np.linalg.inv(m)).astype(int)
            t = [-x for x in image(m, t)]
        for _ in range(abs(power)):
            matrix, shift = m @ matrix, [a + b for a, b in zip(image(m, shift), t, strict=True)]
    return matrix, shift


def image(matrix: np.ndarray, v: Sequence[Fraction]) -> list[Fraction]:
    return [sum((int(m) * x for m, x in zip(row, v, strict=True)), Fraction(0)) for row in matrix]


def place(field: Any, v: Sequence[Fraction]) -> list[Fraction]:
    """The site that stands at a point of space."""
    axes = zip(v, field.lattice.offset, field.lattice.spacing, strict=True)
    return [(x - o) / s for x, o, s in axes]


def targets(
    field: Any, matrix: np.ndarray, shift: Sequence[Fraction], grid: tuple[int, ...], rings: bool
) -> Any:
    """Where every site of an array goes; None where some are no site of it."""
    found = {}
    for p in itertools.product(*map(range, grid)):
        v = [s * k + o for s, k, o in zip(field.lattice.spacing, p, field.lattice.offset, strict=True)]
        q = place(field, [a + b for a, b in zip(image(matrix, v), shift, strict=True)])
        if any(x.denominator != 1 for x in q):
            return None
        site = tuple(int(x) % n if rings else int(x) for x, n in zip(q, grid, strict=True))
        if any(not 0 <= k < n for k, n in zip(site, grid, strict=True)):
            return None
        found[p] = site
    return found if len(set(found.values())) == len(found) else None


def moved(field: Any, letters: Letters, x: np.ndarray, where: Any) -> np.ndarray:
    """(g x)(g p) = rho(g) x(p), site by site."""
    matrix = rho(field.fibre, letters)
    y = np.zeros(x.shape, dtype=np.result_type(x, matrix))
    for p, q in where.items():
        y[(..., *q, slice(None))] = x[(..., *p, slice(None))] @ matrix.T
    return y


def on_ring(field: Any, letters: Letters, x: np.ndarray) -> np.ndarray:
    """On a periodic grid."""
    grid = x.shape[-1 - field.lattice.dim : -1]
    where = targets(field, *motion(field.group, letters), grid, rings=True)
    assert where is not None
    return moved(field, letters, x, where)


def on_window(field: Any, letters: Letters, x: np.ndarray) -> np.ndarray | None:
    """On an array that ends: by the first motion, among all that differ by periods, which keeps it."""
    grid = x.shape[-1 - field.lattice.dim : -1]
    matrix, shift = motion(field.group, letters)
    if any(n != m for n, m in zip(grid, abs(matrix) @ grid, strict=True)):
        return None
    spans = [[step * k for k in range(-30, 31)] if step else [Fraction(0)] for step in field.group.period]
    corner = [s * 0 + o for s, o in zip(field.lattice.spacing, field.lattice.offset, strict=True)]
    for period in itertools.product(*spans):
        total = [a + b for a, b in zip(shift, period, strict=True)]
        start = place(field, [a + b for a, b in zip(image(matrix, corner), total, strict=True)])
        if all(k in (0, n - 1) for k, n in zip(start, grid, strict=True)):
            where = targets(field, matrix, total, grid, rings=False)
            if where is not None:
                return moved(field, letters, x, where)
    return None
