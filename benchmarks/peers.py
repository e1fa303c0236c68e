"""The same problems by others: EMLP (numerical null spaces), and the equations handed to SymPy as they are.

EMLP is looked for in this Python, or in the one that the environment variable EMLP_PYTHON names, so that it
may live in an environment of its own: `pip install emlp six` (its dependency objax imports six without asking
for it). Its progress bar fails with current NumPy, so it is switched off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import sympy

import derive as dv
from benchmarks.fresh import Outcome, fresh

EMLP = """
from time import perf_counter
try:
    import emlp
except ImportError as error:
    print("not installed" if error.name == "emlp" else f"does not import: {error}")
    raise SystemExit
from emlp.reps import T
from emlp.groups import *
import numpy as np
start = perf_counter()
basis = (%s).equivariant_basis()
print(f"{perf_counter() - start:.1f} s, {basis.shape[1]}")
"""
# The quickest first: they share one budget of time.
IN_EMLP = {
    "S_4, V^2 to V^2": "(T(2) >> T(2))(S(4))",
    "S_8, V^2 to V^2": "(T(2) >> T(2))(S(8))",
    "Rubik's cube, V to V": "(T(1) >> T(1))(RubiksCube())",
    "O(1,3), V^3 to V^3": "(T(3) >> T(3))(O13())",
    "SO(3), V^4 to V^3": "(T(4) >> T(3))(SO(3))",
    "SO(3), invariants of V^8": "T(8)(SO(3))",
    "S_32, V^2 to V^2": "(T(2) >> T(2))(S(32))",
    "Z_1000000, V to V": "(T(1) >> T(1))(Z(10**6))",
}
SHORTEST = 5.0  # seconds that a problem is given at least


def emlp_times(budget: float, each: float) -> dict[str, str]:
    """What EMLP answers, within `budget` seconds for all: seconds and the dimension it found, or why not."""
    python, found = os.environ.get("EMLP_PYTHON", sys.executable), {}
    for name, problem in IN_EMLP.items():
        limit = min(each, budget)
        if limit < SHORTEST:
            break
        start = perf_counter()
        outcome = fresh(EMLP % problem, limit, python, TQDM_DISABLE="1", JAX_PLATFORMS="cpu")
        budget -= perf_counter() - start
        found[name] = _told(outcome)
        if "install" in found[name] or "import" in found[name]:
            return dict.fromkeys(IN_EMLP, found[name])
    return found


def _told(outcome: Outcome) -> str:
    return outcome.text.strip().splitlines()[-1] if outcome.text else outcome.reason


# ---- SymPy ----------------------------------------------------------------------------------------------


def _matrices(V: dv.Representation) -> list[sympy.Matrix]:
    return [V.matrix(g) for g in V.group.generators]


def _on_grid(size: int) -> list[sympy.Matrix]:
    """The permutations of pixels that a quarter turn and a mirror make."""
    sites = np.arange(size * size).reshape(size, size)
    eye = sympy.eye(size * size)
    return [eye[:, moved.ravel().tolist()] for moved in (np.rot90(sites), np.fliplr(sites))]


def _grid_to_grid(size: int) -> Any:
    """Pixels to pixels under the square's symmetries."""
    field = dv.Field(dv.point_group("D4"), 1, grid=(size, size))
    return dv.solve(field, field)


SMALL: dict[str, tuple[Callable[[], Any], Callable[[], list[sympy.Matrix]]]] = {
    "S_3, V^2 to V^2": (
        lambda: dv.solve(dv.permutation(dv.symmetric(3)) ** 2, dv.permutation(dv.symmetric(3)) ** 2),
        lambda: _matrices(dv.permutation(dv.symmetric(3)) ** 2),
    ),
    "D4 on 3 x 3 pixels": (
        lambda: _grid_to_grid(3),
        lambda: _on_grid(3),
    ),
    "D4 on 4 x 4 pixels": (
        lambda: _grid_to_grid(4),
        lambda: _on_grid(4),
    ),
    "S_4, V^2 to V^2": (
        lambda: dv.solve(dv.permutation(dv.symmetric(4)) ** 2, dv.permutation(dv.symmetric(4)) ** 2),
        lambda: _matrices(dv.permutation(dv.symmetric(4)) ** 2),
    ),
}


def by_linsolve(name: str) -> tuple[float, int]:
    """Seconds and dimension of rho(g) A = A rho(g), every entry of A a symbol, by `sympy.linsolve`."""
    matrices = SMALL[name][1]()
    start = perf_counter()
    n = matrices[0].rows
    unknowns = sympy.symbols(f"a:{n * n}")
    A = sympy.Matrix(n, n, unknowns)
    equations = [e for m in matrices for e in (m * A - A * m) if e != 0]
    (solution,) = sympy.linsolve(equations, unknowns)
    return perf_counter() - start, len(sympy.Tuple(*solution).free_symbols)


def by_derive(name: str) -> tuple[float, int]:
    """The same by this library, its certificate included."""
    start = perf_counter()
    solution = SMALL[name][0]()
    assert solution.certificate.holds
    return perf_counter() - start, int(solution.dim)


def linear_systems(limit: float, names: list[str]) -> list[tuple[str, str, str]]:
    """(problem, this library, SymPy) in processes of their own."""
    rows = []
    for name in names:
        ours, theirs = (
            f"from benchmarks.peers import {call} as f; print('%.3f s, %d' % f({name!r}))"
            for call in ("by_derive", "by_linsolve")
        )
        rows.append((name, _told(fresh(ours, limit)), _told(fresh(theirs, limit))))
    return rows
