"""Representations: ordered direct sums of blocks, each some copies of a piece, and their algebra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from sympy import ImmutableMatrix, Integer

from derive.errors import RepresentationError, SymbolicError, brief
from derive.symmetry.acting import Action, block_actions
from derive.symmetry.element import read_element
from derive.symmetry.factors import (
    ARRAY_LIMIT,
    MATRIX_LIMIT,
    Atom,
    Piece,
    Power,
    make_atom,
    refuse_large,
    sum_matrix,
    sum_monomial,
    tensor,
    trivial_atom,
)
from derive.symmetry.group import Group, read_group, show_difference
from derive.symmetry.homomorphism import read_matrices
from derive.symmetry.images import image_of_word
from derive.symmetry.monomial import Monomial, identity_map
from derive.symmetry.sizes import size, whole
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.words import Word, substitute

Copies: TypeAlias = int | Any
Block: TypeAlias = tuple[Copies, Piece]


@dataclass(frozen=True, init=False)
class Representation:
    """A group acting linearly and exactly: ``rho(a b) = rho(a) rho(b)``, a direct sum of copies of pieces.

    Channels are ordered by block, then copy, then fibre (fastest).

    Args:
        group: the group.
        matrices: an exact invertible matrix for each generator (nested lists, SymPy matrices or integer NumPy
            arrays); for a Lie group ``d rho`` for the algebra, ``rho`` for the discrete generators.
        name: what to call it.

    Raises:
        RepresentationError: the matrices do not satisfy the group's relations.

    >>> C2 = Group("C2", generators=("a",), relations=("a^2",))
    >>> V = Representation(C2, {"a": [[0, 1], [1, 0]]})
    >>> V.dim, (V * V).dim, (3 * V + V).dim
    (2, 4, 8)
    """

    group: Group
    blocks: tuple[Block, ...]
    product: tuple[Representation, Representation] | None = field(default=None, compare=False, repr=False)
    """The factors, where it was written as V * W; equal representations may differ in how they were said."""
    decompose: ClassVar[Callable[[Representation], Any]]
    """The irreducible pieces, `derive.decompose(V)`; set where that is defined, on top of everything here."""

    def __init__(self, group: Group, matrices: Mapping[str, Any], name: str = "V") -> None:
        group = read_group(group)
        if not isinstance(name, str):
            raise RepresentationError("name", "must be a text", brief(name), "use name='V'")
        _set(self, group, ((1, make_atom(group, read_matrices(group, matrices), name)),))

    @property
    def dim(self) -> Any:
        """The number of channels; an expression when copies are symbolic."""
        return sum((copies * piece.dim for copies, piece in self.blocks), 0)

    @property
    def name(self) -> str:
        return " + ".join(_times(copies, piece.name) for copies, piece in self.blocks) or "0"

    def __repr__(self) -> str:
        return f"Representation({self.name}, dim={self.dim}, group={self.group.name})"

    def matrix(self, generator: str) -> ImmutableMatrix:
        """The exact matrix of a generator."""
        blocks = integer_blocks(self, "matrix")
        refuse_large(self.dim**2, MATRIX_LIMIT, f"matrix of {self.name}")
        return ImmutableMatrix(sum_matrix(blocks, generator))

    def monomial(self, generator: str) -> Monomial | None:
        """The generator as ``e_j -> zeta^phase[j] e_image[j]``, or None when it does not act so."""
        if generator in self.group.algebra:
            return None
        blocks = integer_blocks(self, "monomial map")
        refuse_large(self.dim, ARRAY_LIMIT, f"permutation of {self.name}")
        return sum_monomial(blocks, generator) if blocks else identity_map(0)

    @property
    def dual(self) -> Representation:
        """The dual: inverse transposes, minus transposes on the Lie algebra."""
        return from_blocks(self.group, [(c, p.dual) for c, p in self.blocks])

    def __add__(self, other: Representation) -> Representation:
        same_group(self, read_representation(other, "summand"))
        return from_blocks(self.group, [*self.blocks, *other.blocks])

    def __radd__(self, other: Any) -> Representation:
        """`sum` begins with 0, the representation of dimension 0."""
        return self if isinstance(other, int) and other == 0 else read_representation(other, "summand")

    def __mul__(self, other: Any) -> Representation:
        if not isinstance(other, Representation):
            return self.__rmul__(other)
        same_group(self, other)
        pairs = [(c * d, tensor(self.group, [p, q])) for c, p in self.blocks for d, q in other.blocks]
        return stated(from_blocks(self.group, pairs), (self, other))

    def __rmul__(self, copies: Any) -> Representation:
        if isinstance(copies, Representation):
            return NotImplemented
        n = read_copies(copies)
        if len(self.blocks) == 1:
            return from_blocks(self.group, [(n * self.blocks[0][0], self.blocks[0][1])])
        if not isinstance(n, int):
            remedy = "multiply each summand by the symbol instead"
            raise SymbolicError("copies", "of a sum must be an integer, being outermost", n, remedy)
        return from_blocks(self.group, list(self.blocks) * n)

    def __pow__(self, k: int) -> Representation:
        order = read_order(k)
        result = self if order else trivial(self.group)
        for _ in range(order - 1):
            result = result * self
        return result

    def action(self, g: Any, channels: int | None = None) -> Action:
        """How an element of the group acts, by blocks; read as those of a field are, but nothing moves.

        >>> C2 = Group("C2", generators=("a",), relations=("a^2",))
        >>> trivial(C2).action("a").blocks
        (BlockAction(copies=1, dims=(1,), factors=((),)),)
        """
        element = read_element(SpaceGroup(self.group, (), ()), g)
        return Action(element, None, (), block_actions(self, element, channels))

    def restrict(self, subgroup: Group) -> Representation:
        """The restriction to a subgroup made by ``G.subgroup(...)``."""
        subgroup = read_group(subgroup, "subgroup")
        if subgroup == self.group:
            return self
        words = words_in(subgroup, self.group)

        def images(atom: Atom) -> tuple[Any, ...]:
            own = dict(zip(atom.group.generators, atom.images, strict=True))
            return tuple(image_of_word(w, own, atom.dim) for w in words)

        found = from_blocks(subgroup, [(c, p.over(subgroup, images)) for c, p in self.blocks])
        if self.product is None:
            return found
        return stated(found, (self.product[0].restrict(subgroup), self.product[1].restrict(subgroup)))


def _times(copies: Copies, name: str) -> str:
    """Copies of a piece: 4x1o for one that is named by degree and parity, 4 V otherwise."""
    by_degree = name[:-1].isdigit() and name[-1] in "eo"
    return name if copies == 1 else f"{copies}x{name}" if by_degree else f"{copies} {name}"


def _set(V: Representation, group: Group, blocks: tuple[Block, ...]) -> Representation:
    object.__setattr__(V, "group", group)
    object.__setattr__(V, "blocks", blocks)
    return V


def from_blocks(group: Group, blocks: Any) -> Representation:
    """The direct sum of (copies, piece); neighbours with one piece and integer copies are merged."""
    merged: list[Block] = []
    for copies, piece in blocks:
        copies = int(copies) if isinstance(copies, int | Integer) else copies
        if merged and merged[-1][1] == piece and isinstance(copies, int) and isinstance(merged[-1][0], int):
            merged[-1] = (merged[-1][0] + copies, piece)
        else:
            merged.append((copies, piece))
    return _set(object.__new__(Representation), group, tuple(merged))


def stated(V: Representation, product: tuple[Representation, Representation]) -> Representation:
    """The same, remembered as the product of these two."""
    object.__setattr__(V, "product", product)
    return V


def from_images(group: Group, images: Any, name: str) -> Representation:
    """One atom with these images, which the caller knows to be a homomorphism."""
    return from_blocks(group, [(1, make_atom(group, images, name))])


def same_group(V: Representation, W: Representation) -> None:
    """Two representations can only be combined when they represent one group."""
    if V.group != W.group:
        both = show_difference(V.group, W.group)
        raise RepresentationError(
            "representations", "must belong to one group", both, "use outer for a product group"
        )


def read_representation(value: Any, argument: str, group: Group | None = None) -> Representation:
    """A representation, of a certain group where one is named."""
    of = f" of the point group {group.name}" if group is not None else ""
    if not isinstance(value, Representation):
        remedy = "use trivial(G), defining(G), regular(G) or Representation(G, {generator: matrix})"
        raise RepresentationError(argument, f"must be a representation{of}", brief(value), remedy)
    if group is not None and value.group != group:
        shown = (
            value
            if value.group.name != group.name
            else f"{value}: {show_difference(value.group, group)} differ"
        )
        raise RepresentationError(argument, f"must be a representation{of}", shown, "build it on G.point")
    return value


def read_copies(value: Any) -> Copies:
    """A positive integer or a symbol; a name becomes a positive integer symbol."""
    number = size(value, "copies")
    return int(number) if number.is_Integer else number


def read_order(k: Any) -> int:
    """A power: a non-negative integer."""
    return whole(k, "power", least=0)


def integer_blocks(V: Representation, what: str) -> tuple[tuple[int, Piece], ...]:
    """The blocks, when no copies are symbolic."""
    blocks = tuple((c, p) for c, p in V.blocks if isinstance(c, int))
    if len(blocks) < len(V.blocks):
        raise SymbolicError(what, "needs a number of copies", V.name, "substitute the symbols first")
    return blocks


def words_in(subgroup: Group, group: Group) -> tuple[Word, ...]:
    """The words in the generators of the group that embed the subgroup, through any chain of subgroups."""
    if subgroup.embedding is None:
        rule = f"must be a subgroup of {group.name}"
        raise RepresentationError("subgroup", rule, subgroup.name, "make it with G.subgroup(words)")
    parent, words = subgroup.embedding
    if parent == group:
        return words
    outer_words = dict(zip(parent.generators, words_in(parent, group), strict=True))
    return tuple(substitute(w, outer_words) for w in words)


def trivial(group: Group) -> Representation:
    """One channel on which the group acts trivially: ``rho(g) = 1``.

    >>> trivial(Group("C2", generators=("a",), relations=("a^2",))).matrix("a")
    Matrix([[1]])
    """
    group = read_group(group)
    return from_blocks(group, [(1, trivial_atom(group))])


def sym(V: Representation, k: int) -> Representation:
    """The symmetric power: ``rho(g)`` on homogeneous polynomials of degree k in the basis of V.

    >>> C2 = Group("C2", generators=("a",), relations=("a^2",))
    >>> sym(Representation(C2, {"a": [[0, 1], [1, 0]]}), 2).matrix("a")
    Matrix([
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0]])
    """
    return _power(V, k, "sym")


def alt(V: Representation, k: int) -> Representation:
    """The alternating power: ``rho(g)`` on wedge products of k basis vectors of V.

    >>> C2 = Group("C2", generators=("a",), relations=("a^2",))
    >>> alt(Representation(C2, {"a": [[0, 1], [1, 0]]}), 2).matrix("a")
    Matrix([[-1]])
    """
    return _power(V, k, "alt")


def _power(V: Representation, k: int, symmetry: str) -> Representation:
    V, order = read_representation(V, "V"), read_order(k)
    if order <= 1:
        return V if order else trivial(V.group)
    blocks = integer_blocks(V, f"{symmetry} power")
    power = Power(blocks, symmetry, order, V.group)
    return from_blocks(V.group, [(1, power)] if power.dim else [])
