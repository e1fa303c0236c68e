"""Counts for permutations with phases of groups too large to average over: connected components."""

from __future__ import annotations

from collections.abc import Callable
from math import lcm

import numpy as np

from derive.errors import DeriveError
from derive.symmetry.groups import Group
from derive.symmetry.monomial import Monomial, kronecker
from derive.symmetry.pieces import Piece

NODE_LIMIT = 30_000_000
METHOD = "connected components of the action on pairs of basis vectors"


def component_counter(group: Group, pieces: list[Piece]) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter for monomial actions: a component counts unless it turns a vector into a multiple."""
    if group.algebra or not group.generators:
        return None
    largest = max(p.dim for p in pieces)
    try:
        if largest**2 > NODE_LIMIT or any(p.monomial(g) is None for p in pieces for g in group.generators):
            return None
    except DeriveError:
        return None

    def count(p: Piece, q: Piece) -> int:
        maps = []
        for g in group.generators:
            left, right = p.monomial(g), q.monomial(g)
            if left is not None and right is not None:
                maps.append(kronecker([right, left.conjugate]))
        return fixed_dimension(maps)

    return count, METHOD


def fixed_dimension(maps: list[Monomial]) -> int:
    """The dimension of the vectors that all the maps fix.

    On the cover with nodes ``(j, t)`` for ``zeta^t e_j``, a component below gives one fixed vector when no
    ``(j, 0)`` is joined to a ``(j, t)``, and none otherwise.
    """
    size, order = maps[0].dim, lcm(*(m.order for m in maps))
    labels = np.arange(size * order)
    for m in maps:
        turns = (np.arange(order)[None, :] + m.phase[:, None] * (order // m.order)) % order
        labels = _joined(labels, (m.image[:, None] * order + turns).ravel())
    sheets = labels.reshape(size, order)
    free = (sheets[:, 1:] != sheets[:, :1]).all(axis=1)
    # A free component below has exactly ``order`` components above it.
    return len(np.unique(sheets[free])) // order


def _joined(labels: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Merge the components that one more map joins."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = int(labels.max()) + 1
    edges = coo_array((np.ones(len(labels), dtype=np.int8), (labels, labels[image])), shape=(count, count))
    return connected_components(edges, directed=False)[1][labels]
