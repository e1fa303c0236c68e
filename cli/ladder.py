"""How many weights an image layer has, from dense down to local and shared: the demo's ladder, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SIDE = 1000  # a one-megapixel image
STRIP = 3  # the window on which shifts that fill with zeros are solved


@dataclass(frozen=True)
class Rung:
    """One layer: what is asked of it, the figure often quoted, and the solved count of weights and biases."""

    what: str
    quoted: str
    solve: Callable[[], tuple[Any, Any, bool]]  # weights, biases, whether the count is certified


def _solved(x: Any, y: Any, support: Any = None) -> tuple[Any, Any, bool]:
    import derive as dv

    solution = dv.solve(x, y, support)
    return solution.dim, solution.bias_dim, solution.certificate.holds


def dense(height: int, width: int, channels: int, units: int | None) -> Callable[[], tuple[Any, Any, bool]]:
    """No symmetry at all: every pixel to every unit, or to every pixel."""

    def solve() -> tuple[Any, Any, bool]:
        import derive as dv

        G = dv.translations(2, period=0)
        x = dv.Field(G, channels=channels, grid=(height, width))
        return _solved(x, x if units is None else units * dv.trivial(G.point))

    return solve


def shared(boundary: str | None, radius: Any = None) -> Callable[[], tuple[Any, Any, bool]]:
    """The same at every pixel: on a torus, on a window or on all of Z^2, within a radius."""

    def solve() -> tuple[Any, Any, bool]:
        import derive as dv

        grid = (SIDE, SIDE) if boundary else None
        x = dv.Field(dv.translations(2), channels=1, grid=grid, boundary=boundary)
        return _solved(x, x, None if radius is None else dv.box(radius))

    return solve


def zero_filled() -> tuple[Any, Any, bool]:
    """Maps of a small window that commute with shifts in all four directions, zeros filling in: N A = A N.

    These shifts have no inverse, so no group states them; the equations are solved as they stand. A bias
    would be fixed by all of them, so it is 0.
    """
    import numpy as np
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    line, shift = np.eye(STRIP, dtype=int), np.eye(STRIP, k=1, dtype=int)
    pairs = ((shift, line), (shift.T, line), (line, shift), (line, shift.T))
    shifts = [np.kron(u, v) for u, v in pairs]
    one = np.eye(STRIP**2, dtype=int)
    equations = np.concatenate([np.kron(N, one) - np.kron(one, N.T) for N in shifts])
    exact = DomainMatrix.from_list(equations.tolist(), QQ).rank()
    return STRIP**4 - exact, 0, bool(np.linalg.matrix_rank(equations) == exact)


LADDER = (
    Rung("dense: 10^6 pixels to 1000 units", "10^9", dense(SIDE, SIDE, 1, 1000)),
    Rung("dense: 256 x 256 RGB to 1000 units", "200 million", dense(256, 256, 3, 1000)),
    Rung("dense: 1000 x 1000 image to image", "10^12", dense(SIDE, SIDE, 1, None)),
    Rung("the same everywhere, on a torus", "10^6", shared("periodic")),
    Rung("the same everywhere, on a window", "4 * 10^6", shared("zero")),
    Rung(f"shifts that fill with zeros, {STRIP} x {STRIP}", "", zero_filled),
    Rung("the same everywhere, radius 9", "a few hundred", shared("periodic", 9)),
    Rung("the same everywhere, radius 1", "4 r^2 or r^2", shared("periodic", 1)),
    Rung("the same everywhere, radius r", "4 r^2 or r^2", shared(None, "r")),
)
