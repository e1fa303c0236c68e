"""A point group in numbers: how it moves R^n and two fibres, in bases where fibres are orthogonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from kernels.errors import DtypeError, KernelError

SMALL = 1e-9


class Turn(NamedTuple):
    """One element: what it does to R^n, to the output's and to the input's piece."""

    move: np.ndarray
    out: np.ndarray
    into: np.ndarray

    def __matmul__(self, other: Turn) -> Turn:
        return Turn(*(a @ b for a, b in zip(self, other, strict=True)))

    @property
    def key(self) -> bytes:
        """What tells elements apart."""
        return (np.round(self.move, 6) + 0.0).tobytes()

    @property
    def on_kernels(self) -> np.ndarray:
        """M -> rho_out M rho_in^-1 on matrices written row by row, both fibres orthogonal."""
        return np.kron(self.out, self.into)


def numbers(matrix: Any) -> np.ndarray:
    """An exact matrix in float64."""
    values = np.array(matrix.evalf(30).tolist(), dtype=np.complex128).reshape(matrix.shape)
    if (abs(values.imag) > SMALL).any():
        remedy = "use the real irreducible representations, irreps(G)"
        raise DtypeError("x, y", "must have real matrices to be sampled", matrix.tolist(), remedy)
    return values.real


def closure(generators: Sequence[Turn], one: Turn) -> list[Turn]:
    """All products, the identity first."""
    found, frontier = {one.key: one}, [one]
    while frontier:
        products = [g @ h for g in generators for h in frontier]
        frontier = list({p.key: p for p in products if p.key not in found}.values())
        found |= {p.key: p for p in frontier}
    return list(found.values())


@dataclass(frozen=True)
class Pieces:
    """A piece of the output and one of the input, on R^n and as they are read off on the grid.

    `space`: the group on R^n; `grid`: that on the grid, whose pieces are `on_grid`.
    """

    space: Any
    out: Any
    into: Any
    grid: Any
    out_on_grid: Any
    into_on_grid: Any

    @cached_property
    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """By fibre the matrix C whose C rho C^-1 is orthogonal."""
        sides = (self.out, self.out_on_grid), (self.into, self.into_on_grid)
        out, into = (orthogonal_frame(self.space.point, a, self.grid.point, b) for a, b in sides)
        return out, into

    def whitened(self, out: np.ndarray, into: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matrices of both fibres in those bases."""
        a, b = self.frames
        return a @ out @ np.linalg.inv(a), b @ into @ np.linalg.inv(b)

    def kernels_whitened(self, k: np.ndarray) -> np.ndarray:
        """(..., rows, columns) to the bases where both fibres are orthogonal."""
        a, b = self.frames
        return a @ k @ np.linalg.inv(b)

    def kernels_given(self, k: np.ndarray) -> np.ndarray:
        """The inverse."""
        a, b = self.frames
        return np.linalg.inv(a) @ k @ b

    @property
    def one(self) -> Turn:
        return Turn(np.eye(self.space.dim), np.eye(self.out.dim), np.eye(self.into.dim))

    @cached_property
    def kept(self) -> list[Turn]:
        """The elements that map the grid to itself."""
        motions = self.grid.motions
        found = [
            Turn(
                np.array(motions[g].matrix, dtype=float).reshape(self.space.dim, -1),
                *self.whitened(numbers(self.out_on_grid.matrix(g)), numbers(self.into_on_grid.matrix(g))),
            )
            for g in self.grid.point.generators
        ]
        return closure(found, self.one)

    @cached_property
    def generators(self) -> dict[str, Turn]:
        """Those of the group on R^n; for an algebra, the derivatives."""
        return {
            g: Turn(numbers(m), *self.whitened(numbers(self.out.matrix(g)), numbers(self.into.matrix(g))))
            for g, m in self.space.action.items()
        }

    @property
    def continuous(self) -> bool:
        """Whether the point group is a Lie group."""
        return bool(self.space.point.algebra)

    @cached_property
    def others(self) -> list[Turn]:
        """Of a finite group, one element of every coset g L of the L that maps the grid to itself."""
        seen: set[bytes] = set()
        found = []
        for g in closure(list(self.generators.values()), self.one):
            if g.key not in seen:
                found.append(g)
                seen |= {(g @ h).key for h in self.kept}
        return found

    def element(self, g: Any) -> Turn:
        """An element as people give it: an angle, parameters of the algebra, a word, or a tuple of these."""
        algebra = self.space.point.algebra
        if isinstance(g, tuple | list):
            found = self.one
            for part in g:
                found = found @ self.element(part)
            return found
        if isinstance(g, str):
            return self._word(g)
        if isinstance(g, Mapping) and set(g) <= set(algebra):
            parts = [(float(t), self.generators[name]) for name, t in g.items()]
            total = [sum((t * x[k] for t, x in parts), np.zeros_like(self.one[k])) for k in range(3)]
            return Turn(*map(scipy.linalg.expm, total))
        if isinstance(g, int | float | np.number) and not isinstance(g, bool) and len(algebra) == 1:
            return self.element({algebra[0]: g})
        known = ", ".join(map(repr, self.generators))
        raise KernelError("g", f"must be an element of {self.space.point}", g, _remedy(algebra, known))

    def _word(self, word: str) -> Turn:
        found = self.one
        for letter in word.replace(" ", "").split("*"):
            name, _, power = letter.partition("^")
            discrete = name in self.generators and name not in self.space.point.algebra
            if not discrete or not (power or "1").lstrip("-").isdigit():
                names = ", ".join(repr(n) for n in self.generators if n not in self.space.point.algebra)
                rule = f"must be a word in the generators of {self.space.point}"
                raise KernelError("g", rule, repr(word), f"use {names}" if names else "give parameters")
            base, n = self.generators[name], int(power or 1)
            found = found @ Turn(*(np.linalg.matrix_power(m, n) for m in base))
        return found


def _remedy(algebra: Sequence[str], known: str) -> str:
    if not algebra:
        return f"give a word in {known}"
    angle = "an angle, or " if len(algebra) == 1 else ""
    return f"give {angle}{{{algebra[0]!r}: 0.3}}, of {known}"


@lru_cache(maxsize=64)
def orthogonal_frame(group: Any, piece: Any, subgroup: Any, on_grid: Any) -> np.ndarray:
    """C with C rho(g) C^-1 orthogonal for every g: C^T C is the mean of rho(g)^T rho(g) over the group.

    `on_grid`: the piece of a finite subgroup, under which it is so to the last digit.
    """
    eye = np.eye(piece.dim)
    given = {g: numbers(piece.matrix(g)) for g in group.generators}
    algebra = [m for g, m in given.items() if g in group.algebra]
    discrete = [m for g, m in given.items() if g not in group.algebra]
    if all(np.allclose(m.T @ m, eye) for m in discrete) and all(np.allclose(m.T, -m) for m in algebra):
        return eye
    forms = _fixed(algebra, discrete)
    duals = _fixed([-m.T for m in algebra], [np.linalg.inv(m).T for m in discrete])
    mean = (forms @ np.linalg.solve(duals.T @ forms, duals.T @ eye.reshape(-1))).reshape(eye.shape)
    turns = [Turn(numbers(subgroup.matrix(g)), m, m) for g in subgroup.generators
             for m in [numbers(on_grid.matrix(g))]]  # fmt: skip
    every = closure(turns, Turn(np.eye(subgroup.dim or 0), eye, eye))
    form = sum(t.out.T @ mean @ t.out for t in every) / len(every)
    return np.linalg.cholesky((form + form.T) / 2).T


def _fixed(algebra: Sequence[np.ndarray], discrete: Sequence[np.ndarray]) -> np.ndarray:
    """The forms F with X^T F + F X = 0 and g^T F g = F, as columns."""
    n = len((algebra or discrete)[0])
    eye = np.eye(n)
    rows = [np.kron(x.T, eye) + np.kron(eye, x.T) for x in algebra]
    rows += [np.kron(g.T, g.T) - np.eye(n * n) for g in discrete]
    _, values, vectors = np.linalg.svd(np.concatenate(rows), full_matrices=False)
    return vectors[values < SMALL * values.max(initial=1)].T
