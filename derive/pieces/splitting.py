"""An irreducible subrepresentation of any real representation of a compact group, found exactly.

What commutes with V is an algebra. V is irreducible over the reals where that is a division algebra: the
real, complex or quaternionic numbers, of which the form tr(A B) has the signature (1, 0), (1, 1), (1, 3).
Elsewhere an element A has a polynomial with several factors over the field of V, and the null space of one
factor is a smaller representation; or, where no element that is tried has, over that field with one more
real root.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from typing import Any

from sympy import Dummy, Matrix, Poly, eye, sqrt
from sympy.polys.matrices import DomainMatrix

from derive.errors import ExactnessError
from derive.pieces.homs import elements
from derive.symmetry.arrays import over_elements
from derive.symmetry.exact import over_common_field, to_sympy
from derive.symmetry.representation import Representation, from_images

_X = Dummy("x")
TRIED = 100  # elements of the algebra that are tried
AVERAGED = 2_000  # elements over which a form is averaged


@dataclass(frozen=True)
class Commutant:
    """The algebra of all matrices that commute with a representation, over the field of both."""

    basis: tuple[DomainMatrix, ...]

    @property
    def dim(self) -> int:
        return len(self.basis)

    @property
    def domain(self) -> Any:
        """The field."""
        return self.basis[0].domain

    @cached_property
    def _leads(self) -> list[tuple[int, Any]]:
        """Where each element of the echelon basis is not zero and the others are, and its entry there."""
        flat = [m.to_list_flat() for m in self.basis]
        first = [next(i for i, x in enumerate(row) if x) for row in flat]
        return [(i, row[i]) for i, row in zip(first, flat, strict=True)]

    def coordinates(self, m: DomainMatrix) -> list[Any]:
        """An element on the basis."""
        flat = m.to_list_flat()
        return [flat[i] / value for i, value in self._leads]

    @cached_property
    def products(self) -> tuple[DomainMatrix, ...]:
        """What each basis element does from the left, on coordinates."""
        return tuple(
            DomainMatrix(
                [self.coordinates(a * b) for b in self.basis], (self.dim, self.dim), self.domain
            ).transpose()
            for a in self.basis
        )

    @cached_property
    def signature(self) -> tuple[int, int]:
        """How many squares of either sign the form tr(A B) has."""
        form = [[_trace(a * b) for b in self.products] for a in self.products]
        squares = _diagonal(DomainMatrix(form, (self.dim, self.dim), self.domain))
        signs = [bool(self.domain.to_sympy(s).is_positive) for s in squares]
        return sum(signs), len(signs) - sum(signs)

    @property
    def divides(self) -> bool:
        """Whether it is a division algebra over the reals."""
        return self.dim in (1, 2, 4) and self.signature == (1, self.dim - 1)

    def trials(self) -> Iterator[tuple[int, ...]]:
        """Coordinates of simple elements: those of the basis, sums and differences, all of them at once."""
        n = self.dim
        yield from (tuple(int(i == k) for i in range(n)) for k in range(n))
        for i, j in combinations(range(n), 2):
            for sign in (1, -1):
                yield tuple((k == i) + sign * (k == j) for k in range(n))
        yield from (tuple(k**power % 7 + k for k in range(n)) for power in range(1, 7))

    def factors(self, product: DomainMatrix) -> list[Poly]:
        """The different factors of the polynomial of an element, the lowest degree first, by its products."""
        found = [f for f, _ in Poly(product.charpoly(), _X, domain=self.domain).factor_list()[1]]
        return sorted(found, key=lambda f: f.degree())

    def combined(self, coordinates: Sequence[Any], of: Sequence[DomainMatrix]) -> DomainMatrix:
        """The sum of matrices with these factors."""
        terms = [m * self.domain.convert(c) for c, m in zip(coordinates, of, strict=True) if c]
        return sum(terms[1:], terms[0])


def _trace(m: DomainMatrix) -> Any:
    return sum((m[i, i].element for i in range(1, m.shape[0])), m[0, 0].element)


def _diagonal(form: DomainMatrix) -> list[Any]:
    """Squares that a symmetric form, not degenerate, is a sum of (Lagrange)."""
    rows, found = form.to_list(), []
    while rows:
        n = len(rows)
        at = next((i for i in range(n) if rows[i][i]), None)
        if at is None:  # the sum of two vectors has a square
            j = next(j for j in range(n) if rows[0][j])
            rows[0] = [a + b for a, b in zip(rows[0], rows[j], strict=True)]
            for row in rows:
                row[0] = row[0] + row[j]
            at = 0
        pivot = rows[at]
        found.append(pivot[at])
        keep = [i for i in range(n) if i != at]
        rows = [[rows[i][j] - rows[i][at] * pivot[j] / pivot[at] for j in keep] for i in keep]
    return found


def irreducible(V: Representation) -> Representation:
    """An irreducible subrepresentation, without a name; all of V where that is irreducible."""
    while True:
        algebra = Commutant(tuple(over_common_field(elements(V, V))))
        if algebra.divides:
            return from_images(V.group, [_image(V, g) for g in V.group.generators], "")
        V = restricted(V, _null_space(*(_factor(algebra) or _extended(V, algebra))))


def _image(V: Representation, generator: str) -> Any:
    return V.monomial(generator) or V.matrix(generator)


def _factor(algebra: Commutant) -> tuple[DomainMatrix, list[Any]] | None:
    """An element and a proper factor of its polynomial, from the highest power down; None if none is seen."""
    for trial in islice(algebra.trials(), TRIED):
        factors = algebra.factors(algebra.combined(trial, algebra.products))
        if len(factors) > 1:
            return algebra.combined(trial, algebra.basis), factors[0].rep.to_list()
        if factors[0].degree() == algebra.dim:  # the algebra is a field, in which nothing has two factors
            return None
    return None


def _extended(V: Representation, algebra: Commutant) -> tuple[DomainMatrix, list[Any]]:
    """The same over the field with one more real root, of the lowest degree that is seen.

    ``A + A*`` has real eigenvalues alone, A* being the adjoint in a form that V keeps.
    """
    form = _form(V)
    F, *basis = over_common_field([eye(1) if form is None else form, *map(to_sympy, algebra.basis)])
    larger = Commutant(tuple(basis))
    back = F.inv()
    roots: list[tuple[int, DomainMatrix, Any]] = []
    for a in basis if form is None else [a + back * a.transpose() * F for a in basis]:
        if a.is_zero_matrix:
            continue
        factors = larger.factors(larger.combined(larger.coordinates(a), larger.products))
        if len(factors) > 1:
            return a, factors[0].rep.to_list()
        root = _real_root(factors[0]) if factors[0].degree() > 1 else None
        roots += [] if root is None else [(factors[0].degree(), a, root)]
    if not roots:
        remedy = "give the representation by simpler matrices"
        raise ExactnessError("decompose", "must find a real root that splits it", V, remedy)
    _, a, root = min(roots, key=lambda found: found[0])
    field, number = over_common_field([to_sympy(a), Matrix([[root]])])
    return field, [field.domain.one, -number[0, 0].element]


def _form(V: Representation) -> Any:
    """A positive definite form that V keeps, the sum of rho(g)^T rho(g); None where none is seen."""
    names, dim = V.group.generators, int(V.dim)
    one, *matrices = over_common_field([eye(dim), *(V.matrix(g) for g in names)])
    if V.group.algebra:
        skew = [m.transpose() == -m if g in V.group.algebra else m * m.transpose() == one
                for g, m in zip(names, matrices, strict=True)]  # fmt: skip
        return Matrix(eye(dim)) if all(skew) else None
    if all(m * m.transpose() == one for m in matrices):
        return Matrix(eye(dim))
    if V.group.order > AVERAGED:
        return None
    images = dict(zip(names, matrices, strict=True))
    moved = over_elements(V.group.elements, images, one, lambda g, h: g * h)
    return to_sympy(sum((m.transpose() * m for m in moved[1:]), moved[0]))


def _real_root(f: Poly) -> Any:
    """A real root that is not in the field, None where none is seen."""
    if f.degree() == 2:
        a, b, c = f.all_coeffs()
        square = b**2 - 4 * a * c
        return (-b + sqrt(square)) / (2 * a) if square.is_positive else None
    return next(iter(f.real_roots()), None) if f.domain.is_QQ else None


def _null_space(a: DomainMatrix, factor: Sequence[Any]) -> DomainMatrix:
    """The null space of a polynomial of a matrix, as rows."""
    one = a.eye(a.shape[0], a.domain).to_dense()
    total = one * factor[0]
    for c in factor[1:]:
        total = total * a + one * c
    return total.nullspace()


def restricted(V: Representation, rows: DomainMatrix) -> Representation:
    """V on the subspace that these rows span: ``rho(g) N = N r(g)``, N the columns."""
    reduced, pivots = rows.rref()
    images = [to_sympy(_on_pivots(m, N, pivots)) for m, N in _over_one_field(V, reduced)]
    return from_images(V.group, images, V.name)


def _over_one_field(V: Representation, rows: DomainMatrix) -> Iterator[tuple[DomainMatrix, DomainMatrix]]:
    own = [V.matrix(g) for g in V.group.generators]
    basis, *matrices = over_common_field([to_sympy(rows), *own])
    return ((m, basis.transpose()) for m in matrices)


def _on_pivots(m: DomainMatrix, basis: DomainMatrix, pivots: Sequence[int]) -> DomainMatrix:
    """The rows at the pivots, where the basis is the identity."""
    return (m * basis).extract(list(pivots), list(range(basis.shape[1])))


def kernel_of(maps: Sequence[Any], dim: int) -> DomainMatrix:
    """The vectors that all maps take to zero, as rows."""
    stacked = over_common_field([Matrix.vstack(*maps) if maps else Matrix.zeros(1, dim)])[0]
    return stacked.nullspace()
