"""How generators act on a representation, as plain NumPy entries."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from derive.errors import RepresentationError
from derive.symmetry.representation import Representation

Entries = tuple[np.ndarray, np.ndarray, np.ndarray]  # row, column, value


def move(V: Representation, generator: str) -> Entries:
    """The nonzero entries of a generator's matrix; of d rho, for a generator of a Lie algebra.

    Raises:
        RepresentationError: they are not real.

    >>> from derive.symmetry.catalogue import cyclic
    >>> from derive.symmetry.standard import permutation
    >>> row, column, value = move(permutation(cyclic(3)), "r")
    >>> row.tolist(), column.tolist(), value.tolist()
    ([1, 2, 0], [0, 1, 2], [1.0, 1.0, 1.0])
    """
    parts, at = [], 0
    for copies, piece in V.blocks:
        row, column, value = _of_piece(V, piece, generator)
        starts = at + piece.dim * np.arange(int(copies))[:, None]
        parts.append(((starts + row).ravel(), (starts + column).ravel(), np.tile(value, int(copies))))
        at += int(copies) * piece.dim
    rows, columns, values = (np.concatenate([np.zeros(0, int), *(p[i] for p in parts)]) for i in range(3))
    return rows, columns, values


def _of_piece(V: Representation, piece: Any, generator: str) -> Entries:
    m = piece.monomial(generator) if generator not in V.group.algebra else None
    if m is None:
        return _of_factors(V, piece, generator)
    _require_real(V, bool((2 * m.phase % m.order).any()))
    return m.image, np.arange(len(m.image)), np.where(m.phase == 0, 1.0, -1.0)


def _of_factors(V: Representation, piece: Any, generator: str) -> Entries:
    """The Kronecker product of the factors' matrices; by the product rule for a generator of an algebra."""
    from scipy.sparse import coo_array, eye_array, kron

    parts = [np.array(f.matrix(generator).evalf(30).tolist(), dtype=complex) for f in piece.factors]
    _require_real(V, any(abs(m.imag).max(initial=0) > 1e-12 for m in parts))
    own, still = [coo_array(m.real) for m in parts], [eye_array(len(m)) for m in parts]
    terms = [own]
    if generator in V.group.algebra:
        terms = [[*still[:i], m, *still[i + 1 :]] for i, m in enumerate(own)]
    total = coo_array(sum(reduce(kron, term) for term in terms))
    return total.row, total.col, total.data


def _require_real(V: Representation, failed: bool) -> None:
    if failed:
        remedy = "use the real irreducible representations, irreps(G)"
        raise RepresentationError("V", "must be real to act on arrays", V.name, remedy)
