"""An oracle in floating point: the null space of the equation on random harmonic polynomials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from scipy.linalg import expm


def harmonic_values(n: int, degree: int, points: np.ndarray) -> np.ndarray:
    """(dimension, points): powers of (a + i b).d with |a| = |b|, a.b = 0, are harmonic."""
    if degree == 0:
        return np.ones((1, len(points)))
    if n == 1:
        return points.T if degree == 1 else np.zeros((0, len(points)))
    rng = np.random.default_rng(degree)
    vectors = []
    for _ in range(4 * (2 * degree + 1) ** (n - 2) + 4):
        a, b = np.linalg.qr(rng.normal(size=(n, 2)))[0].T
        vectors.append(((points @ a) + 1j * (points @ b)) ** degree)
    table = np.concatenate([np.real(vectors), np.imag(vectors)])
    _, s, vt = np.linalg.svd(table, full_matrices=False)
    return vt[s > 1e-9 * s[0]] * np.sqrt(len(points))


def numbers(m: Any) -> np.ndarray:
    return np.array(m.evalf(30).tolist()).astype(complex).real.astype(float)


def elements(s: Any) -> list[tuple[np.ndarray, ...]]:
    """Elements that generate the group, as matrices on displacements, output and input."""
    E = s.problem.group
    made = {
        g: tuple(
            numbers(sp.Matrix(m))
            for m in (E.action[g], s.problem.y.fibre.matrix(g), s.problem.x.fibre.matrix(g))
        )
        for g in E.point.generators
    }
    found: list[tuple[np.ndarray, ...]] = [made[g] for g in E.point.discrete]
    for seed in range(2 * bool(E.point.algebra)):  # two general rotations generate a dense subgroup
        angles = np.random.default_rng(seed).normal(size=len(E.point.algebra))
        pairs = list(zip(angles, E.point.algebra, strict=True))
        found.append(tuple(expm(sum(t * made[g][side] for t, g in pairs)) for side in range(3)))
    return found


def sample(n: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(90, n))


def numeric_kernels(s: Any, degree: int) -> np.ndarray:
    """A basis of the kernels of a degree by their values at points, one column each."""
    n, points = s.problem.group.dim, sample(s.problem.group.dim)
    rows, columns = int(s.problem.y.channels), int(s.problem.x.channels)
    y = harmonic_values(n, degree, points)
    size = len(y) * rows * columns
    if not size:
        return np.zeros((len(points) * rows * columns, 0))
    equations = []
    for move, out, into in elements(s):
        moved = points @ move.T
        stacked = harmonic_values(n, degree, np.concatenate([points, moved]))
        here, there = stacked[:, : len(points)], stacked[:, len(points) :]
        rho = np.linalg.lstsq(here.T, there.T, rcond=None)[0].T  # Y(g d) = rho Y(d)
        ours = np.linalg.lstsq(here.T, y.T, rcond=None)[0].T  # y = ours here
        rho = ours @ rho @ np.linalg.inv(ours)
        # K = sum_a B_a Y_a: sum_b B_b rho[b, a] into = out B_a
        left = np.einsum("ba,ij,dc->aicbjd", rho, np.eye(rows), into)
        right = np.einsum("ba,ij,dc->aicbjd", np.eye(len(y)), out, np.eye(columns))
        equations.append((left - right).reshape(size, size))
    values, vectors = np.linalg.eigh(sum(e.T @ e for e in equations))
    basis = vectors.T[values < 1e-10].reshape(-1, len(y), rows, columns)
    return np.einsum("kaic,ap->kpic", basis, y).reshape(len(basis), len(points) * rows * columns).T


def span_of(s: Any, kernels: Sequence[Any]) -> np.ndarray:
    """The exact kernels at the same points, one column each."""
    points, letters = sample(s.problem.group.dim), s.problem.letters
    found = []
    for kernel in kernels:
        function = sp.lambdify(letters, kernel.matrix.evalf(30), "numpy")
        found.append(np.stack([np.asarray(function(*p), dtype=float) for p in points]).ravel())
    return np.array(found).T if found else np.zeros((len(points), 0))
