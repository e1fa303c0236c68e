"""Monomial maps: permutations of a basis with a root of unity on each vector, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm
from typing import Any

import numpy as np
from sympy import I, ImmutableMatrix, Integer, SparseMatrix, exp, pi

from derive.pickling import Fields


@dataclass(frozen=True, eq=False)
class Monomial(Fields):
    """The linear map ``e_j -> zeta^phase[j] e_image[j]`` with ``zeta = exp(2 pi i / order)``.

    The order is the least one that holds the phases, so equal maps compare equal.

    >>> Monomial(np.array([1, 0]), np.array([0, 2]), 4).order
    2
    """

    image: np.ndarray
    phase: np.ndarray
    order: int

    def __post_init__(self) -> None:
        image = self.image if _is_frozen(self.image) else np.array(self.image, dtype=np.int64)
        if self.order == 1:
            self._keep(image, _no_phases(len(image)), 1)
            return
        phase = np.array(self.phase, dtype=np.int64) % self.order
        common = gcd(self.order, int(np.gcd.reduce(phase))) if phase.size else self.order
        phase //= common
        self._keep(image, phase, self.order // common)

    def _keep(self, image: np.ndarray, phase: np.ndarray, order: int) -> None:
        for array in (image, phase):
            array.flags.writeable = False
        object.__setattr__(self, "image", image)
        object.__setattr__(self, "phase", phase)
        object.__setattr__(self, "order", order)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._keep(**state)  # arrays come back writeable

    @property
    def dim(self) -> int:
        return len(self.image)

    @cached_property
    def key(self) -> tuple[int, bytes, bytes]:
        """The content, hashable."""
        return self.order, self.image.tobytes(), self.phase.tobytes() if self.order > 1 else b""

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Monomial) and self.key == other.key)

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __hash__(self) -> int:
        return self._hash

    def __mul__(self, other: Monomial) -> Monomial:
        """The composite: first ``other``, then ``self``."""
        if self.order == other.order == 1:
            image = self.image[other.image]
            image.flags.writeable = False
            return permutation_map(image)
        order = lcm(self.order, other.order)
        phase = self.phase[other.image] * (order // self.order) + other.phase * (order // other.order)
        return Monomial(self.image[other.image], phase, order)

    @property
    def inverse(self) -> Monomial:
        image, phase = np.empty_like(self.image), np.empty_like(self.phase)
        image[self.image] = np.arange(self.dim)
        phase[self.image] = -self.phase
        return Monomial(image, phase, self.order)

    @property
    def conjugate(self) -> Monomial:
        """The inverse transpose, the map on the dual basis."""
        return self if self.order <= 2 else Monomial(self.image, -self.phase, self.order)

    @property
    def is_identity(self) -> bool:
        return self.order == 1 and bool((self.image == np.arange(self.dim)).all())

    @cached_property
    def matrix(self) -> ImmutableMatrix:
        """The exact matrix, one nonzero entry per column."""
        roots = {k: root_of_unity(k, self.order) for k in np.unique(self.phase).tolist()}
        entries = {
            (int(i), j): roots[int(k)] for j, (i, k) in enumerate(zip(self.image, self.phase, strict=True))
        }
        return ImmutableMatrix(SparseMatrix(self.dim, self.dim, entries))


def root_of_unity(k: int, order: int) -> object:
    """``exp(2 pi i k / order)``, as SymPy writes it."""
    if 2 * k % order == 0:
        return Integer(1 if k % order == 0 else -1)
    return exp(2 * pi * I * k / order)


def permutation_map(image: np.ndarray) -> Monomial:
    """A monomial map without phases."""
    return Monomial(image, _no_phases(len(image)), 1)


def _no_phases(dim: int) -> np.ndarray:
    """Zeros that take no memory."""
    return np.broadcast_to(np.int64(0), (dim,))


def _is_frozen(array: np.ndarray) -> bool:
    """Whether an array is read-only and owns its data, so that it need not be copied."""
    owned = isinstance(array, np.ndarray) and array.base is None and array.dtype == np.int64
    return owned and not array.flags.writeable


def identity_map(dim: int) -> Monomial:
    """The identity on ``dim`` points."""
    return permutation_map(np.arange(dim))


def kronecker(factors: Sequence[Monomial]) -> Monomial:
    """The tensor product, the last factor running fastest."""
    result = identity_map(1)
    for m in factors:
        order = lcm(result.order, m.order)
        image = (result.image[:, None] * m.dim + m.image[None, :]).ravel()
        phase = result.phase[:, None] * (order // result.order) + m.phase[None, :] * (order // m.order)
        result = Monomial(image, phase.ravel(), order)
    return result


def direct_sum(parts: Sequence[Monomial]) -> Monomial:
    """The block-diagonal map."""
    if len(parts) == 1:
        return parts[0]
    order = lcm(*(m.order for m in parts))
    offsets = np.cumsum([0, *(m.dim for m in parts)])
    image = np.concatenate([m.image + at for m, at in zip(parts, offsets, strict=False)])
    phase = np.concatenate([m.phase * (order // m.order) for m in parts])
    return Monomial(image, phase, order)


def repeat(m: Monomial, copies: int) -> Monomial:
    """``copies`` of the map, copies outermost."""
    image = (np.arange(copies)[:, None] * m.dim + m.image[None, :]).ravel()
    return Monomial(image, np.tile(m.phase, copies), m.order)
