"""Solutions on R^n on grids: groups, dimensions, strides, dilations, spacings; properties run over all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

import derive as dv
import kernels as kn


@dataclass(frozen=True)
class Case:
    """Fields on R^n under a point group; `order`: of the group that the grid has."""

    name: str
    n: int
    point: Callable[[], Any]
    fibres: Callable[[Any], tuple[Any, Any]]
    order: int
    options: dict[str, Any] = field(default_factory=lambda: {"window": 3})
    max_degree: int | None = None
    support: Any = "R"
    size: int = 7

    @cached_property
    def solution(self) -> Any:
        E = dv.euclidean(self.n, point=self.point())
        x, y = (dv.Field(E, fibre=V) for V in self.fibres(E.point))
        return dv.solve(x, y, support=dv.ball(self.support), max_degree=self.max_degree)

    @cached_property
    def op(self) -> Any:
        return kn.lower(self.solution, on_broken="ignore", **self.options)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.size,) * self.n

    def arrays(self, seed: int = 0) -> tuple[Any, jax.Array, Any]:
        """Random weights, an input and biases."""
        rng = np.random.default_rng(seed)
        draw = lambda a: jax.numpy.asarray(rng.normal(size=a.shape))  # noqa: E731
        w, b = (jax.tree.map(draw, t) for t in (self.op.init(jax.random.key(0)), self.op.init_bias()))
        return w, draw(np.zeros((2, *self.sizes, self.op.channels_in))), b


def degrees(G: Any, *which: int) -> Any:
    found = dv.irrep(G, which[0])
    for degree in which[1:]:
        found = found + dv.irrep(G, degree)
    return found


def so(n: int) -> Callable[[], Any]:
    return lambda: dv.special_orthogonal(n)


def o(n: int) -> Callable[[], Any]:
    return lambda: dv.orthogonal(n)


def point(name: str, n: int) -> Callable[[], Any]:
    return lambda: dv.point_group(name, dim=n)


CASES = [
    Case("SO(2)", 2, so(2), lambda G: (degrees(G, 0, 1), 2 * degrees(G, 1, 2)), 4, {"window": 5}),
    Case(
        "O(2) even",
        2,
        o(2),
        lambda G: (2 * degrees(G, 0, 1), degrees(G, 0, 1)),
        8,
        {"window": 4, "padding": "VALID"},
    ),
    Case("O(2) stride", 2, o(2), lambda G: (degrees(G, 0, 1), degrees(G, 1)), 8, {"window": 3, "strides": 2}),
    Case(
        "SO(2) dilation",
        2,
        so(2),
        lambda G: (degrees(G, 0), degrees(G, 2)),
        4,
        {"window": 3, "dilation": 2, "padding": "CIRCULAR"},
    ),
    Case(
        "O(2) voxels",
        2,
        o(2),
        lambda G: (degrees(G, 0), degrees(G, 0, 1)),
        4,
        {"window": 5, "spacing": (1, 1.5)},
    ),
    Case("O(2) ball", 2, o(2), lambda G: (degrees(G, 0, 2), degrees(G, 0)), 8, {"window": 7}, None, 3),
    Case("C8", 2, point("C8", 2), lambda G: (dv.regular(G), dv.defining(G)), 4, {"window": 5}, 2),
    Case("D8", 2, point("D8", 2), lambda G: (dv.trivial(G), dv.regular(G)), 8, {"window": 5}, 2),
    Case("C5", 2, point("C5", 2), lambda G: (dv.trivial(G), dv.defining(G)), 1, {"window": 5}, 2),
    Case("SO(3)", 3, so(3), lambda G: (degrees(G, 0, 2), degrees(G, 0)), 24, {"window": 3}, None, "R", 5),
    Case(
        "vectors",
        3,
        so(3),
        lambda G: (degrees(G, 0, 1), degrees(G, 1)),
        24,
        {"window": 3, "band": 2.0},
        None,
        "R",
        5,
    ),
    Case(
        "O(3) voxels",
        3,
        o(3),
        lambda G: (dv.irreps(G, "1x0e + 1x1o"), dv.irreps(G, "2x1o")),
        16,
        {"window": 3, "spacing": (1.0, 1.0, 1.5)},
    ),
    Case(
        "I",
        3,
        point("I", 3),
        lambda G: (dv.defining(G), dv.trivial(G) + dv.defining(G)),
        12,
        {"window": 3},
        1,
        "R",
        5,
    ),
    Case(
        "O(4)",
        4,
        o(4),
        lambda G: (dv.trivial(G), dv.trivial(G) + dv.defining(G)),
        384,
        {"window": 3},
        None,
        "R",
        4,
    ),
    Case("line", 1, o(1), lambda G: (dv.trivial(G), dv.defining(G) + dv.trivial(G)), 2, {"window": 5}, 1),
    Case("rings", 2, so(2), lambda G: (degrees(G, 0), degrees(G, 0, 1)), 4, {"window": 5, "radial": "rings"}),
]
NAMES = [c.name for c in CASES]


def case(name: str) -> Case:
    return CASES[NAMES.index(name)]
