"""Connected components: the orbits of permutations, and of any edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Edges = tuple[np.ndarray, np.ndarray]  # the two ends of every edge


def components(maps: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The orbits of permutations of ``0..size-1``, numbered by their least members; those members.

    >>> components([np.array([0, 3, 2, 1])], 4)
    (array([0, 1, 2, 1]), array([0, 1, 2]))
    """
    points = np.arange(size)
    return numbered(least_members([(points, np.asarray(m)) for m in maps], size))


def numbered(least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Components by number, and their least members, from the least member of each point's component."""
    representatives = np.flatnonzero(least == np.arange(len(least)))
    number = np.empty(len(least), dtype=np.int64)
    number[representatives] = np.arange(len(representatives))
    return number[least], representatives


def least_members(edges: Sequence[Edges], size: int) -> np.ndarray:
    """The least point that edges connect with each point: roots hooked to smaller ones, trees flattened.

    >>> least_members([(np.array([3, 1]), np.array([1, 2]))], 5).tolist()
    [0, 1, 1, 1, 4]
    """
    points = least = np.arange(size)
    joined = True
    while joined:
        joined = False
        for left, right in edges:
            one, other = (left, right) if least is points else (least[left], least[right])
            apart = one != other
            if apart.any():
                if not apart.all():
                    one, other = one[apart], other[apart]
                up = points.copy()
                np.minimum.at(up, np.maximum(one, other), np.minimum(one, other))
                up = _flattened(up)
                least, joined = up if least is points else up[least], True
    return least


def _flattened(up: np.ndarray) -> np.ndarray:
    """Every point's last ancestor, by doubling the steps."""
    while ((further := up[up]) != up).any():
        up = further
    return up
