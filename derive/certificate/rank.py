"""Whether exact rows are linearly independent."""

from __future__ import annotations

import numpy as np
import sympy
from sympy.polys.matrices import DomainMatrix

PRIME = 2**31 - 1


def independent(rows: np.ndarray) -> bool:
    """Whether rows have full rank: each with an entry of its own, or modulo a prime, or over their field."""
    used = rows != 0
    alone = used & (used.sum(axis=0) == 1)
    if alone.any(axis=1).all():
        return True
    if not used.any(axis=1).all():
        return False
    if rows.dtype != object and _rank_modulo(rows % PRIME) == len(rows):
        return True
    return _exact_rank(rows) == len(rows)


def _rank_modulo(rows: np.ndarray) -> int:
    """The rank modulo a prime, which the true rank is not below."""
    rows, rank = rows.copy(), 0
    for column in range(rows.shape[1]):
        live = np.flatnonzero(rows[rank:, column])
        if not len(live):
            continue
        at = rank + int(live[0])
        rows[[rank, at]] = rows[[at, rank]]
        rows[rank] = rows[rank] * pow(int(rows[rank, column]), -1, PRIME) % PRIME
        below = rows[rank + 1 :, column : column + 1]
        rows[rank + 1 :] = (rows[rank + 1 :] - below * rows[rank]) % PRIME
        rank += 1
        if rank == len(rows):
            break
    return rank


def _exact_rank(rows: np.ndarray) -> int:
    used = rows[:, (rows != 0).any(axis=0)]
    matrix = sympy.Matrix(len(used), used.shape[1], [sympy.sympify(v) for v in used.reshape(-1).tolist()])
    return int(DomainMatrix.from_Matrix(matrix, extension=True).to_field().rank())
