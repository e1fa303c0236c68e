"""Characters by brute force: every element of a group by multiplying floating-point matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import derive as dv


def floats(matrix: object) -> np.ndarray:
    """An exact matrix in floating point."""
    return np.array([[float(x) for x in row] for row in matrix.tolist()])  # type: ignore[attr-defined]


def elements(faithful: dv.Representation, *others: dv.Representation) -> list[list[np.ndarray]]:
    """All elements: their matrix in a faithful representation, and those in other representations."""
    names = faithful.group.generators
    generators = [[floats(V.matrix(g)) for V in (faithful, *others)] for g in names]
    one = [np.eye(len(m)) for m in generators[0]]
    found = {_key(one[0]): one}
    frontier = [one]
    while frontier:
        made = [[a @ b for a, b in zip(g, h, strict=True)] for g in generators for h in frontier]
        frontier = []
        for m in made:
            if _key(m[0]) not in found:
                found[_key(m[0])] = m
                frontier.append(m)
    return list(found.values())


def _key(m: np.ndarray) -> bytes:
    return (np.round(m, 4) + 0.0).tobytes()


def characters(faithful: dv.Representation, others: Sequence[dv.Representation]) -> np.ndarray:
    """chi_V(g), one row per representation V, one column per element g."""
    return np.array([[np.trace(m) for m in row[1:]] for row in elements(faithful, *others)]).T


def indicators(faithful: dv.Representation, others: Sequence[dv.Representation]) -> np.ndarray:
    """The mean of chi(g^2): 1, 0, -2 for irreducible representations of real, complex, quaternionic type."""
    rows = elements(faithful, *others)
    return np.array([[np.trace(m @ m) for m in row[1:]] for row in rows]).mean(axis=0)
