"""Arrays over a number field: integer parts by powers of its generator, over one denominator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd, lcm
from typing import Any

import numpy as np
from sympy import Rational

from derive.linear.field import NumberField, common_field


@dataclass(frozen=True, eq=False)
class Exact:
    """``(parts[0] + parts[1] a + ...) / denominator`` entry by entry, with Python integers."""

    field: NumberField
    parts: np.ndarray  # (degree of the field, *shape)
    denominator: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts.shape[1:]

    def __matmul__(self, other: Exact) -> Exact:
        return self._combined(other, np.matmul)

    def __mul__(self, other: Exact) -> Exact:
        """Entry by entry, with broadcasting."""
        return self._combined(other, np.multiply)

    def _combined(self, other: Exact, product: Any) -> Exact:
        sums: list[Any] = [0] * (2 * self.field.degree - 1)
        right = [(j, q) for j, q in enumerate(other.parts) if q.any()]
        for i, p in enumerate(self.parts):
            for j, q in right if p.any() else []:
                sums[i + j] = sums[i + j] + product(p, q)
        shape = product(self.parts[0], other.parts[0]).shape
        parts = np.stack([np.broadcast_to(s, shape) for s in self.field.reduce(sums)]).astype(object)
        return Exact(self.field, parts, self.denominator * other.denominator).reduced()

    def __add__(self, other: Exact) -> Exact:
        common = lcm(self.denominator, other.denominator)
        left, right = common // self.denominator, common // other.denominator
        return Exact(self.field, self.parts * left + other.parts * right, common)

    def __neg__(self) -> Exact:
        return Exact(self.field, -self.parts, self.denominator)

    def reduced(self) -> Exact:
        """With coprime numerators and denominator."""
        if self.denominator == 1:
            return self
        common = reduce(gcd, map(int, self.parts.ravel().tolist()), self.denominator)
        return Exact(self.field, self.parts // common, self.denominator // common)

    def primitive(self) -> Exact:
        """The positive rational multiple with coprime integers."""
        common = reduce(gcd, map(int, self.parts.ravel().tolist()), 0)
        return Exact(self.field, self.parts // common) if common else self

    def transposed(self) -> Exact:
        return Exact(self.field, self.parts.swapaxes(-1, -2), self.denominator)

    def at(self, *index: Any) -> Exact:
        """Some of the entries."""
        return Exact(self.field, self.parts[(slice(None), *index)], self.denominator)

    def reshaped(self, *shape: int) -> Exact:
        return Exact(self.field, self.parts.reshape(len(self.parts), *shape), self.denominator)

    def trace(self) -> Exact:
        return Exact(
            self.field, np.asarray(self.parts.trace(axis1=-2, axis2=-1), dtype=object), self.denominator
        )

    def any(self) -> bool:
        """Whether an entry is not zero."""
        return bool(self.parts.any())

    def modulo(self, p: int, root: int) -> np.ndarray:
        """The numerators modulo a prime, the generator replaced by a root of its polynomial."""
        total = np.zeros(self.shape, dtype=object)
        for part in self.parts[::-1]:
            total = (total * root + part) % p
        return total.astype(np.int64)

    def entry(self, *index: int) -> Any:
        """One entry as a SymPy number."""
        return self.field.to_sympy([int(part[index]) for part in self.parts]) * Rational(1, self.denominator)


def read_exact(matrices: Sequence[Any]) -> list[Exact]:
    """SymPy matrices over one field."""
    field, read = common_field(tuple(matrices))
    return [Exact(field, np.stack([p.toarray() for p in m.parts]).astype(object), d) for m, d in read]


def constant(field: NumberField, matrix: Any, denominator: int = 1) -> Exact:
    """An array of integers over a field."""
    parts = np.zeros((field.degree, *np.shape(matrix)), dtype=object)
    parts[0] = matrix
    return Exact(field, parts, denominator)


class _Independent:
    """Vectors modulo a prime, one after another: whether each is independent of those before."""

    def __init__(self, field: NumberField) -> None:
        self._p, roots = field.first_split_prime
        self._root = roots[0]
        self._rows: list[tuple[int, np.ndarray]] = []

    def accepts(self, vector: Exact) -> bool:
        """Add a vector; False, and nothing added, where it depends on those before."""
        p = self._p
        v = vector.modulo(p, self._root).ravel()
        for pivot, row in self._rows:
            if v[pivot]:
                v = (v - v[pivot] * row) % p
        places = np.flatnonzero(v)
        if not len(places):
            return False
        pivot = int(places[0])
        self._rows.append((pivot, v * pow(int(v[pivot]), -1, p) % p))
        return True


def first_independent(vectors: Any, count: int, field: NumberField) -> list[Any]:
    """The first `count` (key, vector) whose vectors are independent, as a prime proves."""
    found: list[Any] = []
    seen = _Independent(field)
    for key, vector in vectors if count else ():
        if vector.any() and seen.accepts(vector):
            found.append((key, vector))
            if len(found) == count:
                break
    return found
