"""Solutions on R^n, graphs, and the op written out edge by edge in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
import sympy
from scipy.linalg import expm, logm

import derive as dv
import kernels as kn

RADIAL = kn.radial.bessel(3, cutoff=3.0)


@dataclass(frozen=True)
class Case:
    """Fields on R^n with a point group; `fibres` makes input and output from it."""

    name: str
    n: int
    point: Callable[[], Any]
    fibres: Callable[[Any], tuple[Any, Any]]
    max_degree: int | None = None

    @cached_property
    def solution(self) -> Any:
        E = dv.euclidean(self.n, point=self.point())
        x, y = self.fibres(E.point)
        return dv.solve(
            dv.Field(E, fibre=x), dv.Field(E, fibre=y), support=dv.ball("R"), max_degree=self.max_degree
        )

    @cached_property
    def op(self) -> Any:
        return kn.lower(self.solution, radial=RADIAL)


def by_name(into: str, out: str) -> Callable[[Any], tuple[Any, Any]]:
    return lambda G: (dv.irreps(G, into), dv.irreps(G, out))


def degrees(G: Any, *which: int) -> Any:
    found = dv.irrep(G, which[0])
    for degree in which[1:]:
        found = found + dv.irrep(G, degree)
    return found


CASES = [
    Case(
        "O(3)", 3, lambda: dv.orthogonal(3), by_name("2x0e + 1x1o + 1x2e + 1x1e", "1x0e + 2x1o + 1x2e + 1x0o")
    ),
    Case(
        "SO(3)", 3, lambda: dv.special_orthogonal(3), lambda G: (degrees(G, 0, 1, 2), 2 * degrees(G, 0, 1, 2))
    ),
    Case("SO(2)", 2, lambda: dv.special_orthogonal(2), lambda G: (degrees(G, 0, 1, 3), 2 * degrees(G, 1, 2))),
    Case("O(2)", 2, lambda: dv.orthogonal(2), lambda G: (2 * degrees(G, 0, 1), degrees(G, 0, 2))),
    Case("O(4)", 4, lambda: dv.orthogonal(4), lambda G: (dv.trivial(G) + dv.defining(G), dv.defining(G))),
    Case("C8", 2, lambda: dv.point_group("C8", dim=2), lambda G: (dv.regular(G), dv.defining(G)), 3),
    Case(
        "O",
        3,
        lambda: dv.point_group("O", dim=3),
        lambda G: (dv.defining(G), dv.trivial(G) + dv.defining(G)),
        4,
    ),
    Case("line", 1, lambda: dv.orthogonal(1), lambda G: (dv.trivial(G), dv.defining(G)), 3),
]


def case(name: str) -> Case:
    return next(c for c in CASES if c.name == name)


@dataclass(frozen=True)
class Graph:
    d: np.ndarray
    senders: np.ndarray
    receivers: np.ndarray
    x: np.ndarray
    nodes: int

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.x, self.d, self.senders, self.receivers, self.nodes


def graph(op: Any, rng: np.random.Generator, edges: int = 24, nodes: int = 6) -> Graph:
    """Edges of all lengths up to beyond the cut-off; more nodes send than receive."""
    d = rng.normal(size=(edges, op.axes))
    senders, receivers = rng.integers(0, nodes + 2, edges), rng.integers(0, nodes, edges)
    return Graph(d, senders, receivers, rng.normal(size=(nodes + 2, op.channels_in)), nodes)


def kernel(solution: Any, op: Any, w: Any, d: np.ndarray, gates: Any = None) -> np.ndarray:
    """K(d) from SymPy's matrices and closed forms of the radial functions."""
    waves = np.pi * np.arange(1, RADIAL.n + 1) / RADIAL.cutoff
    r, u = np.linalg.norm(d), min(np.linalg.norm(d) / RADIAL.cutoff, 1)
    rings = np.sqrt(2 / RADIAL.cutoff) * np.sin(waves * r) / r * (1 - u**2) ** 3 * (1 + 3 * u**2 + 6 * u**4)
    K, at = np.zeros((op.channels_out, op.channels_in)), 0
    matrices = evaluated(solution, d)
    parts = w if isinstance(w, tuple) else (w,)
    gates = np.ones(op.edge_dim) if gates is None else gates
    gate = 0
    for part, factor in zip(parts, op.factors, strict=True):
        kernels, _, copies_in, copies_out = part.shape
        for b in range(kernels):
            for c in range(copies_in):
                for i in range(copies_out):
                    f = np.asarray(part)[b, :, c, i] @ rings
                    K += f * gates[gate + b * copies_in + c] * matrices[at] / factor[b]
                    at += 1
        gate += kernels * copies_in
    assert at == len(matrices)
    return K


_functions: dict[Any, Any] = {}


def evaluated(solution: Any, d: np.ndarray) -> list[np.ndarray]:
    if id(solution) not in _functions:
        matrices = [k.matrix for k in solution.kernels]
        _functions[id(solution)] = solution, sympy.lambdify(solution.problem.letters, matrices, "numpy")
    return [np.array(m, dtype=float) for m in _functions[id(solution)][1](*d)]


def written_out(solution: Any, op: Any, w: Any, g: Graph, gates: Any = None) -> np.ndarray:
    y = np.zeros((g.nodes, op.channels_out))
    for e, (d, s, r) in enumerate(zip(g.d, g.senders, g.receivers, strict=True)):
        y[r] += kernel(solution, op, w, d, None if gates is None else gates[e]) @ g.x[s]
    return y


def random_element(solution: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An element of the point group on R^n, on inputs and on outputs."""
    E, x, y = solution.problem.group, solution.problem.x.fibre, solution.problem.y.fibre
    found = [np.eye(E.dim), np.eye(int(x.dim)), np.eye(int(y.dim))]
    turns = [g for g in E.point.generators if g in E.point.algebra]
    others = [g for g in E.point.generators if g not in E.point.algebra]

    def matrices(g: str) -> list[np.ndarray]:
        return [np.array(m.tolist(), dtype=float) for m in (E.action[g], x.matrix(g), y.matrix(g))]

    if turns:
        angles = rng.normal(size=len(turns))
        for k in range(3):
            found[k] = expm(sum(a * matrices(g)[k] for a, g in zip(angles, turns, strict=True)))
    for g in rng.permutation(others * 3):
        found = [a @ b for a, b in zip(matrices(str(g)), found, strict=True)]
    return found[0], found[1], found[2]


def element_of(solution: Any, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a rotation matrix does to inputs and outputs, by its logarithm in the algebra."""
    E, x, y = solution.problem.group, solution.problem.x.fibre, solution.problem.y.fibre
    names = E.point.algebra
    basis = np.stack([np.array(E.action[g].tolist(), dtype=float).reshape(-1) for g in names], axis=1)
    angles = np.linalg.lstsq(basis, np.real(logm(turn)).reshape(-1), rcond=None)[0]
    return tuple(
        expm(sum(a * np.array(V.matrix(g).tolist(), dtype=float) for a, g in zip(angles, names, strict=True)))
        for V in (x, y)
    )  # type: ignore[return-value]


def key() -> jax.Array:
    return jax.random.key(3)
