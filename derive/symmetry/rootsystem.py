"""Root systems of reductive Lie algebras given by any basis, from a split Cartan subalgebra modulo a prime.

An element whose centraliser is abelian and acts with distinct roots is regular; modulo a prime at which its
eigenvalues exist they lift to p-adic numbers (Hensel), so roots and weights found modulo the prime are those
over the complex numbers. A weight takes small integer values on coroots, which their residues determine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.symmetry.residues import eigenspaces, kernel

TRIES = 100  # at one prime; a share of one in the order of the Weyl group succeeds
Weight = tuple[int, ...]  # values on a basis of the Cartan subalgebra, modulo the prime


@dataclass(frozen=True, eq=False)
class RootSystem:
    """A Cartan subalgebra modulo a prime: its basis in that of the algebra, coroots and centre.

    `coroots`: those of the simple roots, in coordinates of the Cartan subalgebra; `centre`: a basis of the
    centre in the same; `positive`: each positive root, with its root vector in the basis of the algebra.
    """

    prime: int
    cartan: np.ndarray
    coroots: np.ndarray
    centre: np.ndarray
    positive: dict[Weight, np.ndarray]

    def weights(self, images: np.ndarray) -> dict[Weight, np.ndarray] | None:
        """The weights of a representation and bases of their spaces; None where it is not diagonalised."""
        return weight_spaces(np.tensordot(self.cartan.T, images, axes=1) % self.prime, self.prime)

    def key(self, weight: Weight) -> tuple[int, ...]:
        """Integers that add as weights do: values on the simple coroots, then on the centre."""
        both = np.concatenate([self.coroots, self.centre]) @ np.array(weight, dtype=np.int64) % self.prime
        return tuple(_near_zero(int(v), self.prime) for v in both)

    def is_zero(self, key: tuple[int, ...]) -> bool:
        """Whether a sum of weights is zero on the centre, where values are known modulo the prime."""
        return not any(v % self.prime for v in key[len(self.coroots) :])


def weight_spaces(cartan: np.ndarray, prime: int) -> dict[Weight, np.ndarray] | None:
    """Simultaneous eigenvalues of commuting matrices, with bases of the spaces as columns."""
    if not len(cartan):
        return {(): np.eye(cartan.shape[1], dtype=np.int64)}
    mix = np.random.default_rng(len(cartan)).integers(1, prime, size=len(cartan))
    spaces = eigenspaces(np.tensordot(mix, cartan, axes=1) % prime, prime)
    found = {}
    for basis in (spaces or {}).values():
        row = int(np.flatnonzero(basis[:, 0])[0])
        moved = cartan @ basis % prime
        values = moved[:, row, 0] * pow(int(basis[row, 0]), -1, prime) % prime
        if (moved != values[:, None, None] * basis % prime).any():
            return None
        found[tuple(map(int, values))] = basis
    return found if spaces is not None else None


def _near_zero(value: int, prime: int) -> int:
    return value - prime if value > prime // 2 else value


def root_system(
    adjoint: np.ndarray,
    given: np.ndarray,
    centre: np.ndarray,
    prime: int,
    fixed: np.ndarray,
    twist: np.ndarray,
) -> RootSystem | None:
    """The root system of a reductive algebra, positive roots kept positive by an automorphism.

    Args:
        adjoint: matrices of the algebra on itself.
        given: those of a faithful representation, where eigenvalues are looked for.
        centre: a basis, as columns.
        fixed: a basis, as columns, of what the automorphism fixes.
        twist: the matrix of the automorphism, of finite order.
    """
    random = np.random.default_rng(prime)
    for _ in range(TRIES if fixed.shape[1] > 1 else 1):  # multiples of one element are as good as it is
        element = fixed @ random.integers(prime, size=fixed.shape[1]) % prime
        if eigenspaces(np.tensordot(element, given, axes=1) % prime, prime) is None:
            continue
        cartan, free = kernel(np.tensordot(element, adjoint, axes=1) % prime, prime)
        spaces = weight_spaces(np.tensordot(cartan.T, adjoint, axes=1) % prime, prime)
        system = None if spaces is None else _system(adjoint, cartan, free, centre, spaces, prime, twist)
        if system is not None:
            return system
    return None


def _system(
    adjoint: np.ndarray, cartan: np.ndarray, free: list[int], centre: np.ndarray,
    spaces: dict[Weight, np.ndarray], prime: int, twist: np.ndarray,
) -> RootSystem | None:  # fmt: skip
    zero = (0,) * len(free)
    vectors = {a: b[:, 0] for a, b in spaces.items() if a != zero}
    if len(vectors) != len(adjoint) - len(free) or zero not in spaces:
        return None  # a root space of two dimensions, or a centraliser that is not abelian
    coroots = {}
    for a, e in vectors.items():
        opposite = tuple(-x % prime for x in a)
        if opposite not in vectors:
            return None
        h = (np.tensordot(e, adjoint, axes=1) % prime @ vectors[opposite] % prime)[free]
        value = int(h @ np.array(a) % prime)
        if not value:
            return None
        coroots[a] = h * (2 * pow(value, -1, prime) % prime) % prime
    heights = _heights(vectors, coroots, prime, twist)
    if heights is None or not all(heights.values()):
        return None
    positive = {a: vectors[a] for a, x in heights.items() if x > 0}
    sums = {tuple((x + y) % prime for x, y in zip(a, b, strict=True)) for a in positive for b in positive}
    simple = [a for a in positive if a not in sums]
    if len(simple) + centre.shape[1] != len(free):
        return None
    size = (len(simple), len(free))
    return RootSystem(
        prime,
        cartan,
        np.array([coroots[a] for a in simple], dtype=np.int64).reshape(size),
        centre[free].T,
        positive,
    )


def _heights(
    vectors: dict[Weight, np.ndarray], coroots: dict[Weight, np.ndarray], prime: int, twist: np.ndarray
) -> dict[Weight, int] | None:
    """Values on a rational element that the automorphism fixes and no root annihilates, if found."""
    orbit = orbits_of_roots(vectors, twist, prime)
    if orbit is None:
        return None
    names = {a: min(o) for o in orbit for a in o}
    random = np.random.default_rng(len(vectors))
    amount = {a: int(random.integers(1, 1000)) for a in sorted(set(names.values()))}
    found = {}
    for a in vectors:
        total = 0
        for b, h in coroots.items():
            pairing = _near_zero(int(h @ np.array(a) % prime), prime)
            if abs(pairing) > 3:
                return None
            total += amount[names[b]] * pairing
        found[a] = total
    return found


def orbits_of_roots(
    vectors: dict[Weight, np.ndarray], twist: np.ndarray, prime: int
) -> list[tuple[Weight, ...]] | None:
    """The cycles in which an automorphism permutes root spaces."""
    left, found = dict(vectors), []
    while left:
        start = at = next(iter(left))
        cycle: list[Weight] = []
        while at in left:
            cycle.append(at)
            del left[at]
            moved = twist @ vectors[at] % prime
            after = next((b for b, e in vectors.items() if _parallel(moved, e, prime)), None)
            if after is None:
                return None
            at = after
        if at != start:
            return None
        found.append(tuple(cycle))
    return found


def _parallel(a: np.ndarray, b: np.ndarray, prime: int) -> bool:
    return scale_between(a, b, prime) is not None


def scale_between(a: np.ndarray, b: np.ndarray, prime: int) -> int | None:
    """The c with ``a = c b`` modulo the prime, or None."""
    row = int(np.flatnonzero(b)[0])
    c: Any = int(a[row]) * pow(int(b[row]), -1, prime) % prime
    return c if c and not ((a - c * b) % prime).any() else None
