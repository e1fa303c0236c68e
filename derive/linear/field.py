"""Sparse exact matrices over a number field: integer matrices, one for each power of a primitive element.

``M = M_0 + M_1 a + ... + M_(d-1) a^(d-1)`` with a an algebraic integer of degree d; over the rationals d = 1.
The parts are sparse matrices of 64-bit integers; a product that could overflow is refused, never wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from itertools import pairwise
from math import lcm, prod
from typing import Any

import numpy as np
from sympy import QQ, Dummy, I, Integer, Poly, expand
from sympy.polys.matrices import DomainMatrix

from derive.errors import ExactnessError, TooLargeError
from derive.linear.lifting import FIRST_PRIME, next_cyclotomic_prime, next_split_prime
from derive.linear.sparse import Sparse, between_identities, from_dense, sparse
from derive.pickling import Fields
from derive.symmetry.algebraic import (
    common_domain,
    on_powers,
    read_together,
    write_cyclotomic,
    write_real,
)
from derive.symmetry.cyclotomic import cyclotomic as root_sum

LARGEST = 2**62
REAL_DEGREE = 8  # of a field of cosines that is used; beyond, that of the root of unity has smaller numbers


@dataclass(frozen=True)
class NumberField(Fields):
    """Q(a): the monic integer polynomial of a, from the constant up, and a itself (a SymPy number).

    `cyclotomic`: (N, False) where a is ``exp(2 pi i / N)``, (N, True) where ``2 cos(2 pi / N)``.
    """

    polynomial: tuple[int, ...]
    generator: Any
    cyclotomic: tuple[int, bool] | None = None

    @property
    def degree(self) -> int:
        return len(self.polynomial) - 1

    @cached_property
    def growth(self) -> int:
        """A bound for each coefficient of the product of two elements whose coefficients are at most 1."""
        return max(int(x) for x in abs(self.reduced_powers).sum(axis=0)) * self.degree

    @cached_property
    def reduced_powers(self) -> np.ndarray:
        """What each power of a below twice the degree is on those below the degree, one per row."""
        small = self.cyclotomic is not None and not self.cyclotomic[1]  # roots of unity are short sums
        found = np.zeros((2 * self.degree - 1, self.degree), dtype=np.int64 if small else object)
        found[range(self.degree), range(self.degree)] = 1
        lower = np.array(self.polynomial[:-1], dtype=found.dtype)
        for before, row in pairwise(found[self.degree - 1 :]):
            row[1:] = before[:-1]
            row -= before[-1] * lower
        return found

    @cached_property
    def first_split_prime(self) -> tuple[int, tuple[int, ...]]:
        """The first prime modulo which the polynomial has distinct roots, with the roots."""
        return self._next(FIRST_PRIME + 1)

    def _next(self, below: int) -> tuple[int, tuple[int, ...]]:
        if self.cyclotomic is not None:
            return next_cyclotomic_prime(*self.cyclotomic, below)
        return next_split_prime(self.polynomial, below)

    def split_primes(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """All such primes."""
        found = self.first_split_prime
        while True:
            yield found
            found = self._next(found[0])

    def to_sympy(self, coefficients: Sequence[int]) -> Any:
        """An element as a SymPy number, from its coefficients on powers of the generator."""
        if self.cyclotomic is not None and self.cyclotomic[1]:
            return write_real(self.cyclotomic[0], [Integer(int(c)) for c in coefficients])
        if self.cyclotomic is not None:
            terms = [(k, Fraction(int(c))) for k, c in enumerate(coefficients)]
            return write_cyclotomic(root_sum(self.cyclotomic[0], terms))
        return expand(
            sum((Integer(int(c)) * self._powers[k] for k, c in enumerate(coefficients)), Integer(0))
        )

    @cached_property
    def _powers(self) -> list[Any]:
        return [expand(self.generator**k) for k in range(self.degree)]

    def reduce(self, parts: list[Any]) -> list[Any]:
        """Rewrite powers of a beyond a^(d-1)."""
        parts = list(parts)
        while len(parts) > self.degree:
            top = parts.pop()
            if not np.any(top):
                continue
            for i, c in self._lower:
                at = len(parts) - self.degree + i
                parts[at] = parts[at] - top * c
        return parts

    def reduce_sparse(self, parts: list[Sparse | None], shape: tuple[int, int]) -> tuple[Sparse, ...]:
        """The same for matrices, None for zero: one below the other, so that all are added at once."""
        rows, columns, values = ([np.zeros(0, dtype=np.int64)] for _ in range(3))
        for power, part in zip(self.reduced_powers, parts, strict=True):
            if part is None:
                continue
            for t in np.flatnonzero(power).tolist():
                rows.append(part.rows + t * shape[0])
                columns.append(part.columns)
                values.append(part.values * int(power[t]))
        size = (self.degree * shape[0], shape[1])
        total = sparse(np.concatenate(rows), np.concatenate(columns), np.concatenate(values), size)
        ends = np.searchsorted(total.rows, shape[0] * np.arange(self.degree + 1))
        cuts = [slice(a, b) for a, b in pairwise(ends.tolist())]
        return tuple(
            Sparse(shape, total.rows[c] - t * shape[0], total.columns[c], total.values[c])
            for t, c in enumerate(cuts)
        )

    @cached_property
    def _lower(self) -> list[tuple[int, int]]:
        return [(i, c) for i, c in enumerate(self.polynomial[:-1]) if c]


RATIONALS = NumberField((0, 1), 0)


@dataclass(frozen=True, eq=False)
class FieldMatrix:
    """A sparse matrix over a number field, one integer matrix per power of its generator."""

    field: NumberField
    parts: tuple[Sparse, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape

    @property
    def nnz(self) -> int:
        return sum(p.nnz for p in self.parts)

    @property
    def norm(self) -> int:
        """The largest absolute value of an integer in it."""
        return max(p.norm for p in self.parts)

    def transpose(self) -> FieldMatrix:
        return FieldMatrix(self.field, tuple(p.transpose for p in self.parts))

    def scaled(self, factor: int) -> FieldMatrix:
        _refuse(self.norm * abs(factor))
        return FieldMatrix(self.field, tuple(p * factor for p in self.parts))

    def __add__(self, other: FieldMatrix) -> FieldMatrix:
        _refuse(self.norm + other.norm)
        return FieldMatrix(self.field, tuple(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    def __sub__(self, other: FieldMatrix) -> FieldMatrix:
        return self + other.scaled(-1)

    def __matmul__(self, other: FieldMatrix) -> FieldMatrix:
        width = max(int(p.lengths.max(initial=0)) for p in self.parts)
        _refuse(self.norm * other.norm * width * self.field.growth)
        sums: list[Any] = [None] * (2 * self.field.degree - 1)
        right = [(j, q) for j, q in enumerate(other.parts) if q.nnz]
        for i, p in enumerate(self.parts):
            for j, q in right if p.nnz else []:
                sums[i + j] = p @ q if sums[i + j] is None else sums[i + j] + p @ q
        return FieldMatrix(self.field, self.field.reduce_sparse(sums, (self.shape[0], other.shape[1])))


def _refuse(bound: int) -> None:
    if bound >= LARGEST:
        remedy = "scale the representation to smaller numbers"
        raise TooLargeError(
            "exact numbers", "must stay below 2^62 in elimination", f"up to {bound:.1e}", remedy
        )


def from_integers(matrix: Any, field: NumberField = RATIONALS) -> FieldMatrix:
    """A matrix of integers, sparse or not, as one over the field."""
    first = matrix if isinstance(matrix, Sparse) else from_dense(matrix)
    zero = sparse([], [], [], first.shape)
    return FieldMatrix(field, (first, *[zero] * (field.degree - 1)))


def on_axis(matrix: FieldMatrix, axis: int, shape: Sequence[int]) -> FieldMatrix:
    """``1 x ... x matrix x ... x 1``: the matrix acting on one axis of row-major tensors."""
    before, after = prod(shape[:axis]), prod(shape[axis + 1 :])
    return FieldMatrix(matrix.field, tuple(between_identities(before, p, after) for p in matrix.parts))


def common_field(matrices: Sequence[Any]) -> tuple[NumberField, list[tuple[FieldMatrix, int]]]:
    """SymPy matrices over one number field, each as an integer matrix and its denominator.

    Raises:
        ExactnessError: an entry is not algebraic.
    """
    entries = [e for m in matrices for e in m.flat()]
    field, vectors = _read_cyclotomic(entries) or _read(*_simplest(*common_domain(entries), entries))
    out, at = [], 0
    for m in matrices:
        count = m.rows * m.cols
        out.append(_integral(field, vectors[at : at + count], m.shape))
        at += count
    return field, out


def _read_cyclotomic(entries: Sequence[Any]) -> tuple[NumberField, list[Any]] | None:
    """Sums of roots of unity on the powers of one root of unity, whose products have small integers."""
    read = read_together(entries)
    if read is None:
        return None
    powers = on_powers(read[0], list(read[1].values()), REAL_DEGREE)
    known = dict(zip(read[1], powers.vectors, strict=True))
    return NumberField(powers.monic, powers.generator, powers.field), [known[e] for e in entries]


def _simplest(domain: Any, values: Sequence[Any], entries: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """The same field with a single entry as generator, where one generates it: its numbers are smaller."""
    if not domain.is_Algebraic:
        return domain, values
    for e, v in dict(zip(entries, values, strict=True)).items():
        found = None if e.is_Rational or e == domain.ext.as_expr() else _generated(domain, v)
        if found is not None:
            monic, change = found
            simpler = QQ.algebraic_field((Poly(monic, Dummy("x"), domain=QQ), e))
            moved = {x: simpler(_coefficients(x, domain, change)) for x in dict.fromkeys(values)}
            return simpler, [moved[x] for x in values]
    return domain, values


def _generated(domain: Any, value: Any) -> tuple[list[Any], DomainMatrix] | None:
    """The monic polynomial of a number that generates a field, and how to write numbers on its powers."""
    degree = domain.mod.degree()
    powers = [domain.one]
    for _ in range(degree):
        powers.append(powers[-1] * value)
    rows = DomainMatrix([_padded(x, degree) for x in powers], (degree + 1, degree), QQ)
    square = rows.extract(list(range(degree)), list(range(degree)))
    if square.rank() < degree:
        return None
    change = square.inv()
    top = (rows.extract([degree], list(range(degree))) * change).to_list_flat()
    return [QQ(1), *(-c for c in reversed(top))], change


def _coefficients(value: Any, domain: Any, change: DomainMatrix) -> list[Any]:
    """A number on the powers of another generator, from the highest down."""
    degree = change.shape[0]
    row = DomainMatrix([_padded(value, degree)], (1, degree), QQ)
    return list(reversed((row * change).to_list_flat()))


def _padded(value: Any, degree: int) -> list[Any]:
    """Coefficients from the constant up."""
    found = list(reversed(value.to_list()))
    return found + [QQ.zero] * (degree - len(found))


def _read(domain: Any, values: Sequence[Any]) -> tuple[NumberField, list[list[Any]]]:
    """The field of a SymPy domain, and each value as rational coefficients of powers of its generator."""
    if domain.is_QQ:
        return RATIONALS, [[v] for v in values]
    if domain.is_QQ_I:
        return NumberField((1, 0, 1), I), [[v.x, v.y] for v in values]
    if not domain.is_Algebraic:
        raise ExactnessError(
            "matrix entries", "must be algebraic numbers", domain, "give roots and rationals"
        )
    return _read_algebraic(domain, values)


def _read_algebraic(domain: Any, values: Sequence[Any]) -> tuple[NumberField, list[list[Any]]]:
    """The least positive multiple of the generator that is an algebraic integer generates instead."""
    from sympy import divisors

    rational = [Fraction(int(c.numerator), int(c.denominator)) for c in reversed(domain.mod.to_list())]
    rational = [c / rational[-1] for c in rational]
    degree, lead = len(rational) - 1, lcm(*(c.denominator for c in rational))
    scale, monic = next(
        (m, cs)
        for m, cs in ((m, [c * m ** (degree - i) for i, c in enumerate(rational)]) for m in divisors(lead))
        if all(c.denominator == 1 for c in cs)
    )
    vectors = []
    for v in values:
        coefficients = list(reversed(v.to_list()))
        padded = coefficients + [domain.dom.zero] * (degree - len(coefficients))
        vectors.append([c / domain.dom(scale) ** i for i, c in enumerate(padded)])
    return NumberField(tuple(map(int, monic)), scale * domain.ext.as_expr()), vectors


def _integral(
    field: NumberField, vectors: Sequence[Sequence[Any]], shape: tuple[int, int]
) -> tuple[FieldMatrix, int]:
    places: dict[int, list[int]] = {}  # equal numbers are mostly one object
    for i, v in enumerate(vectors):
        places.setdefault(id(v), []).append(i)
    different = {id(v): v for v in vectors}
    denominator = reduce(lcm, (int(c.denominator) for v in different.values() for c in v if c), 1)
    entries: list[tuple[list[int], list[int]]] = [([], []) for _ in range(field.degree)]
    for name, v in different.items():
        for (where, numbers), c in zip(entries, v, strict=True):
            if c:
                number = int(c.numerator) * (denominator // int(c.denominator))
                _refuse(abs(number))
                where += places[name]
                numbers += [number] * len(places[name])
    parts = []
    for where, numbers in entries:
        rows, columns = np.divmod(np.array(where, dtype=np.int64), max(shape[1], 1))
        parts.append(sparse(rows, columns, numbers, shape))
    return FieldMatrix(field, tuple(parts)), denominator
