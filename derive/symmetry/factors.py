"""Indecomposed pieces of a representation: atoms, their lazy tensor products, their lazy powers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, combinations_with_replacement
from math import comb, prod
from typing import Any

import numpy as np
from sympy import ImmutableMatrix, Matrix, Rational, SparseMatrix, eye, zeros

from derive.errors import TooLargeError
from derive.pickling import Fields
from derive.symmetry.exact import as_monomial, over_common_field, to_sympy
from derive.symmetry.group import Group
from derive.symmetry.images import Image, Zero, as_matrix, image_dim
from derive.symmetry.monomial import Monomial, direct_sum, identity_map, kronecker, repeat

MATRIX_LIMIT = 1_000_000
ARRAY_LIMIT = 200_000_000


@dataclass(frozen=True)
class Atom(Fields):
    """A representation that is not written as a product: one image per generator.

    Images of group elements that are monomial are stored as NumPy arrays, so equal maps compare equal.
    """

    group: Group
    images: tuple[Image, ...]
    name: str = field(compare=False)
    dim: int

    @property
    def factors(self) -> tuple[Atom, ...]:
        """The atom itself."""
        return (self,)

    def image(self, generator: str) -> Image:
        """The stored image of a generator."""
        return self.images[self.group.index(generator)]

    def matrix(self, generator: str) -> ImmutableMatrix:
        """The exact matrix of a generator."""
        refuse_large(self.dim**2, MATRIX_LIMIT, f"matrix of {self.name}")
        return as_matrix(self.image(generator))

    def monomial(self, generator: str) -> Monomial | None:
        """The generator as a permutation with phases, or None."""
        image = self.image(generator)
        return image if isinstance(image, Monomial) else None

    def moves(self, generator: str) -> bool:
        """Whether a generator does anything."""
        image = self.image(generator)
        return not (image.is_identity if isinstance(image, Monomial) else isinstance(image, Zero))

    @cached_property
    def is_trivial(self) -> bool:
        """Whether every generator acts trivially on one dimension."""
        return self.dim == 1 and not any(map(self.moves, self.group.generators))

    @property
    def dual(self) -> Atom:
        """The inverse transpose; minus the transpose for Lie algebra generators."""
        images = tuple(
            _dual_image(i, g in self.group.algebra)
            for g, i in zip(self.group.generators, self.images, strict=True)
        )
        return self if images == self.images else Atom(self.group, images, f"{self.name}*", self.dim)

    def over(self, group: Group, images: Callable[[Atom], tuple[Image, ...]]) -> Atom:
        """The same atom for another group, with new images."""
        return Atom(group, images(self), self.name, self.dim)


def _dual_image(image: Image, is_algebra: bool) -> Image:
    if isinstance(image, Monomial):
        return image.conjugate
    if isinstance(image, Zero):
        return image
    return ImmutableMatrix(-image.T if is_algebra else exact_inverse(image).T)


def exact_inverse(m: ImmutableMatrix) -> ImmutableMatrix:
    """The exact inverse over the field of the entries."""
    field = over_common_field([m])[0]
    if (field * field.transpose()).to_Matrix().is_Identity:
        return ImmutableMatrix(m.T)
    return to_sympy(field.inv())


def make_atom(group: Group, images: Any, name: str) -> Atom:
    """An atom with each image in its canonical storage."""
    stored = tuple(_stored(i, g in group.algebra) for g, i in zip(group.generators, images, strict=True))
    return Atom(group, stored, name, image_dim(stored[0]) if stored else 1)


def _stored(image: Any, is_algebra: bool) -> Image:
    if isinstance(image, Monomial | Zero):
        return image
    if is_algebra:
        return Zero(image.rows) if image.is_zero_matrix else image
    return as_monomial(image) or image


@dataclass(frozen=True)
class Tensor(Fields):
    """A lazy tensor product of two or more pieces, the last one running fastest."""

    group: Group
    factors: tuple[Atom | Power, ...]

    @property
    def name(self) -> str:
        return "*".join(f.name for f in self.factors)

    @cached_property
    def dim(self) -> int:
        return prod(f.dim for f in self.factors)

    is_trivial = False

    def matrix(self, generator: str) -> ImmutableMatrix:
        """Kronecker product; the sum over factors (Leibniz) for a Lie algebra generator."""
        refuse_large(self.dim**2, MATRIX_LIMIT, f"matrix of {self.name}")
        if generator in self.group.algebra:
            return ImmutableMatrix(_leibniz([f.matrix(generator) for f in self.factors]))
        return ImmutableMatrix(_kron([f.matrix(generator) for f in self.factors]))

    def monomial(self, generator: str) -> Monomial | None:
        """The generator as a permutation with phases, or None."""
        maps = [f.monomial(generator) for f in self.factors]
        if any(m is None for m in maps):
            return None
        refuse_large(self.dim, ARRAY_LIMIT, f"permutation of {self.name}")
        return kronecker([m for m in maps if m is not None])

    @property
    def dual(self) -> Tensor:
        return Tensor(self.group, tuple(f.dual for f in self.factors))

    def over(self, group: Group, images: Callable[[Atom], tuple[Image, ...]]) -> Piece:
        """The same product for another group."""
        return tensor(group, [f.over(group, images) for f in self.factors])


@dataclass(frozen=True)
class Power(Fields):
    """The symmetric or alternating k-th power of a representation, on the basis of its monomials.

    ``sym``: products ``e_i1 ... e_ik`` with ``i1 <= ... <= ik``; ``alt``: wedges with ``i1 < ... < ik``; both
    in lexicographic order.
    """

    base: tuple[tuple[int, Piece], ...]
    symmetry: str
    k: int
    group: Group

    @property
    def name(self) -> str:
        inside = "+".join(p.name if c == 1 else f"{c}{p.name}" for c, p in self.base)
        return f"{self.symmetry}{self.k}({inside})"

    @property
    def base_dim(self) -> int:
        return sum(c * p.dim for c, p in self.base)

    @cached_property
    def dim(self) -> int:
        n = self.base_dim
        return comb(n + self.k - 1, self.k) if self.symmetry == "sym" else comb(n, self.k)

    is_trivial = False

    @property
    def factors(self) -> tuple[Power, ...]:
        return (self,)

    def moves(self, generator: str) -> bool:
        """Whether a generator does anything."""
        if generator in self.group.algebra:
            atoms = (f for _, p in self.base for f in p.factors)
            return any(f.moves(generator) for f in atoms) and not self.matrix(generator).is_zero_matrix
        m = self.monomial(generator)
        return m is None or not m.is_identity

    @property
    def basis(self) -> list[tuple[int, ...]]:
        """The index tuples of the basis."""
        refuse_large(self.dim * self.k, ARRAY_LIMIT // 10, f"basis of {self.name}")
        choose = combinations_with_replacement if self.symmetry == "sym" else combinations
        return list(choose(range(self.base_dim), self.k))

    def matrix(self, generator: str) -> ImmutableMatrix:
        """The exact matrix on monomials."""
        refuse_large(self.dim**2, MATRIX_LIMIT, f"matrix of {self.name}")
        m = sum_matrix(self.base, generator)
        expand = _derivation if generator in self.group.algebra else _product
        index = {t: i for i, t in enumerate(self.basis)}
        columns = {t: {r: m[r, t] for r in range(m.rows) if m[r, t] != 0} for t in range(m.cols)}
        entries: dict[tuple[int, int], Any] = {}
        for j, indices in enumerate(self.basis):
            for word, value in expand(indices, columns):
                sign, key = _normal(word, self.symmetry)
                if sign:
                    at = (index[key], j)
                    entries[at] = entries.get(at, 0) + sign * value
        return ImmutableMatrix(SparseMatrix(self.dim, self.dim, entries))

    def monomial(self, generator: str) -> Monomial | None:
        """The generator as a permutation with phases, or None."""
        m = sum_monomial(self.base, generator)
        if m is None:
            return None
        indices = np.array(self.basis, dtype=np.int64).reshape(self.dim, self.k)
        order = m.order if self.symmetry == "sym" else 2 * m.order
        phase = m.phase[indices].sum(axis=1) * (order // m.order)
        moved = m.image[indices]
        if self.symmetry == "alt":
            inversions = sum(
                (
                    (moved[:, i] > moved[:, j]).astype(np.int64)
                    for i in range(self.k)
                    for j in range(i + 1, self.k)
                ),
                np.zeros(self.dim, dtype=np.int64),
            )
            phase = phase + inversions * m.order
        moved.sort(axis=1)
        weights = self.base_dim ** np.arange(self.k - 1, -1, -1, dtype=object)
        codes = (indices * weights).sum(axis=1)
        lookup = {c: i for i, c in enumerate(codes.tolist())}
        image = np.array([lookup[c] for c in (moved * weights).sum(axis=1).tolist()], dtype=np.int64)
        return Monomial(image, phase, order)

    @property
    def dual(self) -> Atom | Power:
        if self.symmetry == "alt" or all(self.monomial(g) is not None for g in self.group.generators):
            return Power(tuple((c, p.dual) for c, p in self.base), self.symmetry, self.k, self.group)
        # On monomials e_i e_j the inverse transpose differs from the power of the dual by binomials.
        images = [self.monomial(g) or self.matrix(g) for g in self.group.generators]
        return make_atom(self.group, images, self.name).dual

    def over(self, group: Group, images: Callable[[Atom], tuple[Image, ...]]) -> Power:
        """The same power for another group."""
        base = tuple((c, p.over(group, images)) for c, p in self.base)
        return Power(base, self.symmetry, self.k, group)


Factor = Atom | Power
Piece = Atom | Tensor | Power


def tensor(group: Group, pieces: list[Any]) -> Piece:
    """The tensor product of pieces, flattened, trivial factors left out."""
    factors = tuple(f for p in pieces for f in p.factors if not f.is_trivial)
    if not factors:
        return trivial_atom(group)
    return factors[0] if len(factors) == 1 else Tensor(group, factors)


def trivial_atom(group: Group) -> Atom:
    """One dimension that does not move."""
    images = tuple(Zero(1) if g in group.algebra else identity_map(1) for g in group.generators)
    return Atom(group, images, "1", 1)


def sum_matrix(blocks: tuple[tuple[int, Piece], ...], generator: str) -> Any:
    """The block-diagonal matrix of a direct sum with integer copies."""
    parts = [p.matrix(generator) for copies, p in blocks for _ in range(copies)]
    return Matrix.diag(*parts) if parts else zeros(0)


def sum_monomial(blocks: tuple[tuple[int, Piece], ...], generator: str) -> Monomial | None:
    """The block-diagonal monomial map of a direct sum with integer copies."""
    parts = []
    for copies, piece in blocks:
        m = piece.monomial(generator)
        if m is None:
            return None
        parts.append(repeat(m, copies))
    return direct_sum(parts)


def refuse_large(entries: int, limit: int, what: str) -> None:
    """Refuse before anything is allocated."""
    if entries > limit:
        rule = f"would have {entries:,} entries, more than {limit:,}"
        raise TooLargeError(
            what, rule, f"{entries * 8 / 2**30:.1f} GiB at least", "use a smaller representation"
        )


def _kron(matrices: list[Any]) -> Any:
    from sympy.matrices.expressions.kronecker import matrix_kronecker_product

    return matrix_kronecker_product(*matrices)


def _leibniz(matrices: list[Any]) -> Any:
    total = None
    for at, m in enumerate(matrices):
        term = _kron([m if i == at else eye(x.rows) for i, x in enumerate(matrices)])
        total = term if total is None else total + term
    return total


def _product(
    indices: tuple[int, ...], columns: dict[int, dict[int, Any]]
) -> list[tuple[tuple[int, ...], Any]]:
    terms: list[tuple[tuple[int, ...], Any]] = [((), Rational(1))]
    for i in indices:
        terms = [((*w, r), v * x) for w, v in terms for r, x in columns[i].items()]
    return terms


def _derivation(
    indices: tuple[int, ...], columns: dict[int, dict[int, Any]]
) -> list[tuple[tuple[int, ...], Any]]:
    return [
        ((*indices[:at], r, *indices[at + 1 :]), x)
        for at, i in enumerate(indices)
        for r, x in columns[i].items()
    ]


def _normal(word: tuple[int, ...], symmetry: str) -> tuple[int, tuple[int, ...]]:
    """The sign and the sorted form of a monomial; sign 0 when a wedge repeats an index."""
    key = tuple(sorted(word))
    if symmetry == "sym":
        return 1, key
    if len(set(key)) < len(key):
        return 0, key
    inversions = sum(word[i] > word[j] for i in range(len(word)) for j in range(i + 1, len(word)))
    return (-1) ** inversions, key
