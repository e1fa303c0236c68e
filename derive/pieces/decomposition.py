"""V as a direct sum of irreducible representations: which, how often, of which type, and in which basis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import ImmutableMatrix, SparseMatrix
from sympy.polys.matrices import DomainMatrix

from derive.counting.count import hom_dimension
from derive.derivation.render import latex
from derive.drawing.mathml import display
from derive.drawing.svg import card
from derive.linear.field import common_field
from derive.linear.nullspace import nullspace
from derive.pickling import Fields
from derive.pieces.homs import Irreducible
from derive.symmetry.algebraic import common_domain
from derive.symmetry.exact import over_common_field, to_sympy
from derive.symmetry.factors import MATRIX_LIMIT, refuse_large
from derive.symmetry.representation import Representation, from_blocks, integer_blocks

DIVISION = {"real": 1, "complex": 2, "quaternionic": 4}
SHOWN = 12  # rows of a basis that is written out


@dataclass(frozen=True)
class IrreduciblePiece:
    """An irreducible representation and how often it occurs.

    `type`: what commutes with it, the real, the complex or the quaternionic numbers.
    """

    irrep: Representation
    multiplicity: int
    type: str

    @property
    def name(self) -> str:
        return self.irrep.name

    @property
    def dim(self) -> int:
        return int(self.irrep.dim)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.irrep, self.multiplicity, self.type))

    def __repr__(self) -> str:
        return f"{self.multiplicity} x {self.name} (dim {self.dim}, {self.type} type)"


@dataclass(frozen=True)
class DecompositionCertificate:
    """What was checked of a decomposition.

    `residual`: 0 where rho(g) B = B D(g) for every generator g, with D block diagonal; `independent`: whether
    B is invertible; `dim`: sum of multiplicity^2 times 1, 2 or 4 by type, which is dim Hom(V, V);
    `expected_dim`: the same counted independently, by `method`.
    """

    residual: int
    independent: bool
    dim: int
    expected_dim: Any
    method: str

    @property
    def holds(self) -> bool:
        """Right, a basis, and into irreducible pieces."""
        return self.residual == 0 and self.independent and self.dim == self.expected_dim

    @property
    def _lines(self) -> list[tuple[str, str]]:
        return [
            ("residual of rho(g) B = B D(g) on every generator", f"{self.residual}"),
            ("B is invertible", "yes" if self.independent else "NO"),
            ("sum of multiplicity^2 (1, 2, 4 by type)", f"{self.dim}"),
            ("dim Hom(V, V) counted independently", f"{self.expected_dim}"),
        ]

    @property
    def _title(self) -> str:
        if self.expected_dim is None:
            return "certificate is incomplete"
        return f"certificate {'holds' if self.holds else 'FAILS'}"

    def __str__(self) -> str:
        lines = [f"  {name}: {value}" for name, value in self._lines]
        return "\n".join([self._title, *lines, f"  by {self.method}"])

    def _repr_html_(self) -> str:
        return card(self._title, [*self._lines, ("by", self.method)])


@dataclass(frozen=True)
class Decomposition(Fields):
    """``B^-1 rho(g) B`` is block diagonal for every g; equal irreducible blocks are equal, number by number.

    `pieces`: the different irreducible representations, with multiplicity and type; `basis`: B, whose columns
    follow the pieces, each copy by copy.
    """

    V: Representation
    pieces: tuple[IrreduciblePiece, ...]
    maps: tuple[tuple[ImmutableMatrix, ...], ...]
    """By piece, copy by copy: maps T from the irreducible representation, rho(g) T = T W(g)."""

    def __iter__(self) -> Iterator[IrreduciblePiece]:
        return iter(self.pieces)

    @property
    def representation(self) -> Representation:
        """The direct sum of the pieces, on whose basis B maps to that of V."""
        return from_blocks(self.V.group, [(p.multiplicity, p.irrep.blocks[0][1]) for p in self.pieces])

    @cached_property
    def basis(self) -> ImmutableMatrix:
        """B: rho(g) B = B D(g), D the matrices of `representation`."""
        n = int(self.V.dim)
        refuse_large(n * n, MATRIX_LIMIT, f"basis of {self.V.name}")
        entries: dict[tuple[int, int], Any] = {}
        at = 0
        for T in (T for maps in self.maps for T in maps):
            entries |= {(i, at + j): value for (i, j), value in T.todok().items()}
            at += T.cols
        return ImmutableMatrix(SparseMatrix(n, at, entries))

    @cached_property
    def inverse(self) -> ImmutableMatrix:
        """B^-1."""
        return to_sympy(over_common_field([self.basis])[0].inv())

    @property
    def field(self) -> Any:
        """The number field of B and of the blocks: QQ, QQ<sqrt(5)>."""
        generators = self.V.group.generators
        matrices = [self.basis, *(p.irrep.matrix(g) for p in self.pieces for g in generators)]
        return common_domain(list(dict.fromkeys(e for m in matrices for e in m.todok().values())))[0]

    @cached_property
    def certificate(self) -> DecompositionCertificate:
        """The proof: B is right on every generator and invertible, and nothing splits further."""
        expected, method = hom_dimension(self.V, self.V)
        return DecompositionCertificate(
            residual=_residual(self.V, self.representation, self.basis),
            independent=_invertible(self.basis),
            dim=sum(p.multiplicity**2 * DIVISION[p.type] for p in self.pieces),
            expected_dim=expected,
            method=method,
        )

    # ---- shown ------------------------------------------------------------------------------------------

    @property
    def sum(self) -> str:
        """The pieces as a sum: 2 (3,1) + (2,2)."""
        return self.representation.name

    def __str__(self) -> str:
        rows = [("piece", "copies", "dim", "type")]
        rows += [(p.name, str(p.multiplicity), str(p.dim), p.type) for p in self.pieces]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([f"{self.V.name} = {self.sum}, as {self.V.group.name} acts", *lines])

    def __repr__(self) -> str:
        return f"Decomposition({self.V.name} = {self.sum}, dim={self.V.dim}, group={self.V.group.name})"

    def latex(self) -> str:
        """V as a sum of its pieces, and B where it is small."""
        total = r" \oplus ".join(
            (f"{p.multiplicity}\\," if p.multiplicity > 1 else "") + rf"\mathrm{{{_tex(p.name)}}}"
            for p in self.pieces
        )
        formula = rf"\mathrm{{{_tex(self.V.name)}}} \cong {total or '0'}"
        small = 0 < int(self.V.dim) <= SHOWN
        return formula + (rf", \qquad B = {latex(self.basis)}" if small else "")

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        rows = [(f"{p.multiplicity} x {p.name}", f"dimension {p.dim}, {p.type} type") for p in self.pieces]
        return card(f"{self.V.name} = {self.sum}, as {self.V.group.name} acts", rows, [display(self.latex())])


def _tex(name: str) -> str:
    return name.replace("_", r"\_").replace("*", r" \otimes ").replace("+", "{+}")


def _residual(V: Representation, D: Representation, B: ImmutableMatrix) -> int:
    """0 where ``rho(g) B = B D(g)`` exactly, else 1."""
    names = V.group.generators
    basis, *matrices = _sparse([B, *(m for g in names for m in (V.matrix(g), D.matrix(g)))])
    pairs = zip(matrices[::2], matrices[1::2], strict=True)
    return int(not all((rho * basis - basis * block).is_zero_matrix for rho, block in pairs))


def _sparse(matrices: Sequence[ImmutableMatrix]) -> list[DomainMatrix]:
    """Matrices over one field, by their entries that are not zero."""
    entries = [m.todok() for m in matrices]
    numbers = list(dict.fromkeys(value for own in entries for value in own.values()))
    domain, values = common_domain(numbers)
    read = dict(zip(numbers, values, strict=False))
    found = []
    for m, own in zip(matrices, entries, strict=True):
        rows: dict[int, dict[int, Any]] = {}
        for (i, j), value in own.items():
            rows.setdefault(i, {})[j] = read[value]
        found.append(DomainMatrix(rows, m.shape, domain))
    return found


def _invertible(B: ImmutableMatrix) -> bool:
    """Whether the null space holds nothing."""
    _, [(matrix, _)] = common_field([B])
    return B.rows == B.cols and (B.rows == 0 or nullspace(matrix).shape[1] == 0)


def assembled(
    V: Representation, found: Sequence[tuple[Irreducible, Sequence[Sequence[Any]]]]
) -> Decomposition:
    """A decomposition from the maps of each irreducible representation into every block of V."""
    pieces, maps = [], []
    for W, by_block in found:
        columns, top = [], 0
        for (copies, piece), own in zip(integer_blocks(V, "decompose"), by_block, strict=True):
            for _ in range(copies):
                columns += [_shifted(T, top, int(V.dim)) for T in own]
                top += piece.dim
        pieces.append(IrreduciblePiece(W.representation, len(columns), W.kind))
        maps.append(tuple(columns))
    return Decomposition(V, tuple(pieces), tuple(maps))


def _shifted(T: ImmutableMatrix, top: int, rows: int) -> ImmutableMatrix:
    """A map into one copy of a piece, as one into all of V."""
    if T.rows == rows:
        return T
    entries = {(top + i, j): value for (i, j), value in T.todok().items()}
    return ImmutableMatrix(SparseMatrix(rows, T.cols, entries))
