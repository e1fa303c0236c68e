"""The oracle: a floating-point null space of the stacked equations. Shares no code with the solvers."""

from __future__ import annotations

import numpy as np

from derive.symmetry.representation import Representation


def numeric(V: Representation, generator: str) -> np.ndarray:
    """The matrix of a generator in complex floats."""
    return np.array(V.matrix(generator).evalf(30).tolist(), dtype=complex)


def equations(V: Representation, W: Representation) -> np.ndarray:
    """``rho_W A - A rho_V = 0`` for every generator, A flattened row by row."""
    blocks = [np.zeros((0, V.dim * W.dim), dtype=complex)]
    for g in V.group.generators:
        left = np.kron(numeric(W, g), np.eye(V.dim))
        blocks.append(left - np.kron(np.eye(W.dim), numeric(V, g).T))
    return np.concatenate(blocks)


def nullity(m: np.ndarray) -> int:
    """The dimension of the null space; fails when no clear gap shows it."""
    if not m.size:
        return m.shape[1]
    singular = np.zeros(m.shape[1])
    found = np.linalg.svd(m, compute_uv=False)
    singular[: len(found)] = found
    scale = max(1.0, singular[0])
    small = singular < 1e-7 * scale
    assert not ((singular > 1e-10 * scale) & (singular < 1e-5 * scale)).any(), "no clear gap"
    return int(small.sum())


def as_floats(matrix: np.ndarray) -> np.ndarray:
    """An exact matrix in complex floats."""
    if matrix.dtype != object:
        return matrix.astype(complex)
    return np.array([complex(x.evalf(30)) for x in matrix.ravel()]).reshape(matrix.shape)


def check_against_brute_force(V: Representation, W: Representation, answer) -> None:
    """The answer has the right dimension, solves every equation and is independent: it is the whole space."""
    system = equations(V, W)
    elements = [as_floats(e.dense()).ravel() for e in answer]
    assert answer.dim == len(elements) == nullity(system)
    if elements:
        basis = np.array(elements).T
        assert np.abs(system @ basis).max(initial=0) < 1e-8 * max(1, np.abs(basis).max())
        assert np.linalg.matrix_rank(basis / np.abs(basis).max(axis=0)) == len(elements)


def orbit_of(start: int, permutations: list[np.ndarray]) -> set[int]:
    """An orbit, point by point."""
    seen, todo = {start}, [start]
    while todo:
        x = todo.pop()
        for y in (int(p[x]) for p in permutations):
            if y not in seen:
                seen.add(y)
                todo.append(y)
    return seen


def closure(permutations: list[np.ndarray], degree: int) -> list[tuple[int, ...]]:
    """All elements of a permutation group."""
    seen, todo = {tuple(range(degree))}, [tuple(range(degree))]
    while todo:
        x = todo.pop()
        for p in permutations:
            y = tuple(int(p[i]) for i in x)
            if y not in seen:
                seen.add(y)
                todo.append(y)
    return sorted(seen)
