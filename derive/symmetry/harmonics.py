"""Harmonic polynomials with integer coefficients, and how exact matrices act on them.

A basis Y of those of degree l on R^n, orthogonal on the sphere: in the plane ``Re z^l, Im z^l``, with each
axis more (Gelfand and Tsetlin) ``p(x_n, rho^2) Y'`` with Y' of degree l, l - 1, ..., 0 without that axis. Of
degree 1 they are the coordinates. ``Y(g d) = rho_l(g) Y(d)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import factorial, lcm, prod
from typing import Any

from sympy import QQ, Add, ImmutableMatrix, Integer, Mul, Pow
from sympy.polys.matrices import DomainMatrix

from derive.symmetry.exact import over_common_field, to_sympy

Polynomial = dict[tuple[int, ...], int]  # the coefficient of each monomial, by its exponents


def harmonics(n: int, degree: int) -> tuple[Polynomial, ...]:
    """The basis Y of the harmonic polynomials of a degree on R^n.

    >>> harmonics(2, 2)
    ({(2, 0): 1, (0, 2): -1}, {(1, 1): 2})
    >>> harmonics(3, 2)[-1]
    {(0, 0, 2): 2, (2, 0, 0): -1, (0, 2, 0): -1}
    """
    if n == 1:
        return ({(degree,): 1},) if degree < 2 else ()
    if n == 2:
        return _circular(degree)
    return tuple(_raised(y, n, degree, m) for m in range(degree, -1, -1) for y in harmonics(n - 1, m))


def _circular(degree: int) -> tuple[Polynomial, ...]:
    """The real and the imaginary part of ``(x + i y)^degree``."""
    parts: tuple[Polynomial, Polynomial] = ({}, {})
    for k in range(degree + 1):
        binomial = factorial(degree) // (factorial(k) * factorial(degree - k))
        parts[k % 2][degree - k, k] = binomial * (-1) ** (k // 2)
    return parts if degree else parts[:1]


def _raised(y: Polynomial, n: int, degree: int, m: int) -> Polynomial:
    """``sum_k c_k x_n^(degree - m - 2k) rho^(2k) y``, harmonic, for a harmonic y of degree m."""
    factors = [Fraction(1)]
    for k in range((degree - m) // 2):
        height = degree - m - 2 * k
        factors.append(factors[-1] * -Fraction(height * (height - 1), 2 * (k + 1) * (2 * k + 2 * m + n - 1)))
    scale = lcm(*(c.denominator for c in factors))  # y stays as it is, so that pairs keep one norm
    total: Polynomial = {}
    power = {(*e[: n - 1], 0): c for e, c in y.items()}
    for k, factor in enumerate(factors):
        for exponents, c in power.items():
            at = (*exponents[:-1], degree - m - 2 * k)
            total[at] = total.get(at, 0) + int(factor * scale) * c
        power = _times_square(power, n - 1)
    return {e: c for e, c in total.items() if c}


def _times_square(p: Polynomial, axes: int) -> Polynomial:
    out: Polynomial = {}
    for exponents, c in p.items():
        for i in range(axes):
            at = (*exponents[:i], exponents[i] + 2, *exponents[i + 1 :])
            out[at] = out.get(at, 0) + c
    return out


def product(p: Polynomial, q: Polynomial) -> int:
    """Fischer's inner product ``p(d/dx) q``, for which multiplying by x_i is adjoint to d/dx_i."""
    return sum(c * q[e] * prod(map(factorial, e)) for e, c in p.items() if e in q)


def derivative(p: Polynomial, axis: int) -> Polynomial:
    """``dp / dx_axis``."""
    return {(*e[:axis], e[axis] - 1, *e[axis + 1 :]): c * e[axis] for e, c in p.items() if e[axis]}


def expression(p: Polynomial, letters: Sequence[Any]) -> Any:
    """A polynomial in SymPy's symbols."""
    return Add(
        *(Mul(Integer(c), *(Pow(x, k) for x, k in zip(letters, e, strict=True))) for e, c in p.items())
    )


# ---- how matrices act -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """From degree l - 1 to l on R^n.

    ``lower[i]``: dY_a/dx_i = sum_b lower[i][a, b] Y'_b; ``upper[i]``: the harmonic part of x_i Y'_b is
    sum_a upper[i][b, a] Y_a.
    """

    n: int
    degree: int

    @cached_property
    def lower(self) -> tuple[DomainMatrix, ...]:
        return tuple(self._matrix(i, False) for i in range(self.n))

    @cached_property
    def upper(self) -> tuple[DomainMatrix, ...]:
        return tuple(self._matrix(i, True) for i in range(self.n))

    @cached_property
    def _levels(self) -> list[tuple[Polynomial, ...]]:
        return [harmonics(self.n, self.degree), harmonics(self.n, self.degree - 1)]

    @cached_property
    def _norms(self) -> list[list[int]]:
        return [[product(y, y) for y in level] for level in self._levels]

    def _matrix(self, axis: int, up: bool) -> DomainMatrix:
        high, low = self._levels
        rows: dict[int, dict[int, Any]] = {}
        for a, y in enumerate(high):
            slope = derivative(y, axis)
            for b, z in enumerate(low):
                value = product(slope, z)
                if value and up:
                    rows.setdefault(b, {})[a] = QQ(value, self._norms[0][a])
                elif value:
                    rows.setdefault(a, {})[b] = QQ(value, self._norms[1][b])
        shape = (len(low), len(high)) if up else (len(high), len(low))
        return DomainMatrix(rows, shape, QQ)


def harmonic_matrices(
    matrices: Sequence[ImmutableMatrix], algebra: Sequence[bool]
) -> Iterator[tuple[ImmutableMatrix, ...]]:
    """rho_0, rho_1, rho_2, ... of matrices: ``Y(g d) = rho_l(g) Y(d)``, or its derivative for an algebra.

    By Euler ``Y = (1/l) sum_i x_i dY/dx_i``, and what multiplies x_i has degree l - 1:
    ``rho_l(g) = (1/l) sum_ij g_ij lower_i rho_(l-1)(g) upper_j``.
    """
    n = matrices[0].rows
    fields = [m.to_sparse() for m in over_common_field(matrices)]
    domain = fields[0].domain
    found = [DomainMatrix({} if a else {0: {0: domain.one}}, (1, 1), domain) for a in algebra]
    degree = 0
    while True:
        yield tuple(to_sympy(m) for m in found)
        degree += 1
        step = Step(n, degree)
        lower, upper = ([m.convert_to(domain) for m in ms] for ms in (step.lower, step.upper))
        size = (upper[0].shape[1],) * 2
        raised = []
        for g, before, infinitesimal in zip(fields, found, algebra, strict=True):
            total = DomainMatrix({}, size, domain)
            for i in range(n):
                moved = _combined(g, i, upper)
                if moved is not None:
                    total = total + lower[i] * (moved if infinitesimal else before * moved)
                if infinitesimal:
                    total = total + lower[i] * before * upper[i]
            raised.append(total * domain.convert_from(QQ(1, degree), QQ))
        found = raised


def _combined(g: DomainMatrix, row: int, upper: Sequence[DomainMatrix]) -> DomainMatrix | None:
    """``sum_j g[row, j] upper_j``."""
    total = None
    for j, value in g.to_dod().get(row, {}).items():
        term = upper[j] * value
        total = term if total is None else total + term
    return total


def harmonic_images(
    matrices: Sequence[ImmutableMatrix], algebra: Sequence[bool], degree: int
) -> tuple[ImmutableMatrix, ...]:
    """rho_l of each matrix, for one degree l."""
    return next(islice(harmonic_matrices(matrices, algebra), degree, None))
