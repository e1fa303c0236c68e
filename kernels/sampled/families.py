"""The exact kernels P_b of a solution in numbers: orthonormal over directions, degree by degree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.sampled.turns import Pieces
from kernels.space.polynomials import moments


@dataclass(frozen=True)
class Family:
    """All P_b of one degree: entry (e, b) is sum_t coefficient[e, b, t] d^exponents[t].

    `which`: their numbers among the solution's kernels.
    """

    degree: int
    which: np.ndarray
    exponents: np.ndarray
    coefficients: np.ndarray

    def __call__(self, directions: np.ndarray) -> np.ndarray:
        """(places, axes) -> (places, e, b)."""
        monomials = np.prod(directions[:, None, :] ** self.exponents, axis=-1)
        return np.einsum("pt,ebt->peb", monomials, self.coefficients)


def families(axes: int, plain: Any, pieces: Pieces) -> tuple[Family, ...]:
    """By degree, in bases where both fibres are orthogonal, mean over |d| = 1 of <P_a, P_b> = 1 or 0."""
    return tuple(_family(axes, plain, pieces, int(k)) for k in np.unique(plain.degrees))


def _family(axes: int, plain: Any, pieces: Pieces, degree: int) -> Family:
    which = np.flatnonzero(plain.degrees == degree)
    terms = np.flatnonzero(np.isin(plain.kernel, which))
    exponents, place = np.unique(plain.exponents[terms].reshape(-1, axes), axis=0, return_inverse=True)
    table = np.zeros((len(which), len(exponents), plain.dim_out, plain.dim_in))
    at = np.searchsorted(which, plain.kernel[terms]), place.reshape(-1), plain.row[terms], plain.column[terms]
    np.add.at(table, at, plain.value[terms])
    table = pieces.kernels_whitened(table).reshape(*table.shape[:2], -1)
    mean = moments(exponents[:, None] + exponents[None, :], axes)
    gram = np.einsum("ate,tu,bue->ab", table, mean, table)
    table = np.linalg.solve(np.linalg.cholesky(gram), table.reshape(len(which), -1)).reshape(table.shape)
    return Family(degree, which, exponents, table.transpose(2, 0, 1))
