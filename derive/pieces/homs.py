"""Equivariant maps from an irreducible representation W into a piece: ``rho(g) T = T W(g)``, T injective.

Where the piece permutes its basis, with signs, the rows of T obey ``T_(g i) = sign T_i W(g)^-1``: the row at
one point of an orbit gives all others, and must be fixed by the stabiliser of that point (Frobenius).
Elsewhere T solves the linear equations of `derive.hom`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import ImmutableMatrix
from sympy.polys.matrices import DomainMatrix

from derive.hom.intertwiners import intertwiners
from derive.symmetry.exact import over_common_field, to_sympy
from derive.symmetry.factors import Piece
from derive.symmetry.images import as_matrix
from derive.symmetry.monomial import Monomial
from derive.symmetry.representation import Representation, from_blocks, from_images


@dataclass(frozen=True)
class Irreducible:
    """An irreducible representation with the field of its entries, its inverses and what commutes with it."""

    representation: Representation

    @property
    def dim(self) -> int:
        return int(self.representation.dim)

    @property
    def piece(self) -> Any:
        """The atom it is."""
        return self.representation.blocks[0][1]

    @cached_property
    def inverses(self) -> tuple[DomainMatrix, ...]:
        """W(g)^-1 of each generator, over one field."""
        return tuple(m.inv() for m in over_common_field([as_matrix(i) for i in self.piece.images]))

    @cached_property
    def commutant(self) -> tuple[ImmutableMatrix, ...]:
        """A basis of all matrices that commute with W, the identity among their combinations."""
        return elements(self.representation, self.representation)

    def named(self, name: str) -> Irreducible:
        """The same with a name."""
        return Irreducible(from_images(self.representation.group, self.piece.images, name))

    @property
    def kind(self) -> str:
        """The division algebra that commutes: real, complex or quaternionic numbers."""
        return {1: "real", 2: "complex", 4: "quaternionic"}[len(self.commutant)]


def elements(V: Representation, W: Representation) -> tuple[ImmutableMatrix, ...]:
    """A basis of the equivariant maps from V to W, as matrices."""
    return tuple(ImmutableMatrix(*e.shape, e.dense().ravel().tolist()) for e in intertwiners(V, W))


def embeddings(W: Irreducible, piece: Piece) -> tuple[ImmutableMatrix, ...]:
    """As many maps from W into a piece as it holds copies of W: side by side they are injective."""
    if W.dim > piece.dim:
        return ()
    maps = _maps(W, piece)
    return maps if len(W.commutant) == 1 else tuple(_apart(maps, W.commutant))


def _maps(W: Irreducible, piece: Piece) -> tuple[ImmutableMatrix, ...]:
    group = W.representation.group
    images = [None if g in group.algebra else piece.monomial(g) for g in group.generators]
    signed = [m for m in images if m is not None and m.order <= 2]
    if len(signed) == len(images) and images:
        return tuple(_by_orbits(W, signed, piece.dim))
    return elements(W.representation, from_blocks(group, [(1, piece)]))


def _by_orbits(W: Irreducible, maps: Sequence[Monomial], dim: int) -> Iterator[ImmutableMatrix]:
    """By the rows at one point of each orbit."""
    seen: set[int] = set()
    for start in range(dim):
        if start not in seen:
            rows, fixed = _orbit(W, maps, start)
            seen |= rows.keys()
            for k in range(fixed.shape[0]):
                yield _placed(fixed.extract([k], list(range(W.dim))), rows, dim)


def _orbit(
    W: Irreducible, maps: Sequence[Monomial], start: int
) -> tuple[dict[int, DomainMatrix], DomainMatrix]:
    """R with ``T_i = T_start R_i`` on the orbit, and the rows T_start that every way round leaves fixed."""
    domain = W.inverses[0].domain
    rows = {start: W.inverses[0].eye(W.dim, domain).to_dense()}
    reached, around = [start], dict[Any, DomainMatrix]()
    for i in reached:
        for g, back in zip(maps, W.inverses, strict=True):
            j = int(g.image[i])
            there = rows[i] * back
            there = -there if g.order == 2 and g.phase[i] else there
            if j not in rows:
                rows[j] = there
                reached.append(j)
            elif there != rows[j]:
                gap = there - rows[j]
                around.setdefault(tuple(gap.to_list_flat()), gap)
    fixed = rows[start]
    for gap in around.values():
        moved = fixed * gap
        if not moved.is_zero_matrix:
            fixed = moved.transpose().nullspace() * fixed
    return rows, fixed


def _placed(first: DomainMatrix, rows: dict[int, DomainMatrix], dim: int) -> ImmutableMatrix:
    """The map whose row at the start of an orbit is given."""
    zero = [first.domain.zero] * first.shape[1]
    found = {i: (first * m).to_list()[0] for i, m in rows.items()}
    return primitive(
        DomainMatrix([found.get(i, zero) for i in range(dim)], (dim, first.shape[1]), first.domain)
    )


def primitive(m: DomainMatrix) -> ImmutableMatrix:
    """A multiple of a matrix with coprime integers, where it is rational."""
    if m.domain.is_QQ:
        m = m.primitive()[1] if not m.is_zero_matrix else m
    return to_sympy(m)


def _apart(
    maps: Sequence[ImmutableMatrix], commutant: Sequence[ImmutableMatrix]
) -> Iterator[ImmutableMatrix]:
    """Of maps T those that are no sum of earlier ones after what commutes with W."""
    if not maps:
        return
    both = over_common_field([*maps, *commutant])
    spanned: list[list[Any]] = []
    for T, given in zip(both, maps, strict=False):
        new = [(T * c).to_list_flat() for c in both[len(maps) :]]
        rows = DomainMatrix([*spanned, *new], (len(spanned) + len(new), len(new[0])), T.domain)
        if rows.rank() == rows.shape[0]:
            spanned += new
            yield given
