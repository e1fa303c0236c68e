"""How one element of a group acts: on space as a motion, on a fibre factor by factor, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

from sympy import Expr, ImmutableMatrix

from derive.errors import RepresentationError, SizeError
from derive.symmetry.element import Element, Exponential
from derive.symmetry.factors import Factor, Piece
from derive.symmetry.images import Image, image_of_word
from derive.symmetry.monomial import Monomial
from derive.symmetry.motion import Motion, Vector, after, identity, inverse
from derive.symmetry.spacegroup import SpaceGroup
from derive.symmetry.words import evaluate_word


@dataclass(frozen=True)
class Generated:
    """exp(sum of parameter * matrix)."""

    matrices: tuple[ImmutableMatrix, ...]
    parameters: tuple[Any, ...]


Term: TypeAlias = Monomial | ImmutableMatrix | Generated


class Fibre(Protocol):
    """What a representation is made of."""

    @property
    def blocks(self) -> tuple[tuple[Any, Piece], ...]: ...

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> Any: ...


@dataclass(frozen=True)
class BlockAction:
    """An element on some copies of a piece: on each tensor factor of it the product of some terms.

    `dims`: the dimensions of the factors, the last one running fastest; a factor without terms stays.
    """

    copies: int
    dims: tuple[int, ...]
    factors: tuple[tuple[Term, ...], ...]


@dataclass(frozen=True)
class Action:
    """(g x)(p) = rho(g) x(g^-1 p): the motion of space, the translations in it, and rho(g) by blocks."""

    element: Element
    motion: Motion | None
    translation: Vector
    blocks: tuple[BlockAction, ...]


def motion_of(space: SpaceGroup, element: Element) -> tuple[Motion, Vector]:
    """The motion v -> M v + t that an element makes, and what its translations add to t."""
    word, one = element.word or (), Motion(identity(space.dim), (Fraction(0),) * space.dim)
    whole = evaluate_word(word, space.motions, one, after, inverse)
    letters = tuple((g, e) for g, e in word if g not in space.translations)
    bare = evaluate_word(letters, space.motions, one, after, inverse)
    return whole, tuple(a - b for a, b in zip(whole.shift, bare.shift, strict=True))


def block_actions(V: Fibre, element: Element, channels: int | None) -> tuple[BlockAction, ...]:
    """rho(g) by blocks; copies that are a symbol are counted from the number of channels."""
    made: dict[Factor, tuple[Term, ...]] = {}
    for _, piece in V.blocks:
        made |= {f: tuple(_terms(f, element)) for f in piece.factors if f not in made}
    return tuple(
        BlockAction(copies, tuple(f.dim for f in piece.factors), tuple(made[f] for f in piece.factors))
        for copies, piece in _counted(V, channels)
    )


def _terms(factor: Factor, element: Element) -> Iterator[Term]:
    for f in element.factors:
        if isinstance(f, Exponential):
            moving = [(factor.matrix(g), t) for g, t in f.parameters if factor.moves(g)]
            if moving:
                matrices, parameters = zip(*moving, strict=True)
                yield Generated(matrices, parameters)
        elif f:
            letters = tuple(letter for letter in f if letter[0] in factor.group.generators)
            image = image_of_word(letters, {g: _image(factor, g) for g, _ in letters}, factor.dim)
            if not (isinstance(image, Monomial) and image.is_identity):
                yield image


def _image(factor: Factor, generator: str) -> Image:
    return factor.monomial(generator) or factor.matrix(generator)


def _counted(V: Fibre, channels: int | None) -> list[tuple[int, Piece]]:
    """The blocks with numbers of copies; one symbol is found from the number of channels."""
    known = sum(c * p.dim for c, p in V.blocks if isinstance(c, int))
    open_ = {c: 0 for c, _ in V.blocks if not isinstance(c, int)}
    for c, p in V.blocks:
        if c in open_:
            open_[c] += p.dim
    if not open_:
        if channels is not None and channels != known:
            raise _wrong(V, channels, f"give {known}")
        return [(int(c), p) for c, p in V.blocks]
    (symbol, each), *more = open_.items()
    if channels is None or more or not isinstance(symbol, Expr):
        names = ", ".join(sorted(map(str, open_)))
        raise SizeError("copies", "must be numbers here", names, "build the field with numbers")
    copies, rest = divmod(channels - known, each)
    if rest or copies < 0:
        remedy = f"give {known} and a multiple of {each} more" if known else f"give a multiple of {each}"
        raise _wrong(V, channels, remedy)
    return [(c if isinstance(c, int) else copies, p) for c, p in V.blocks]


def _wrong(V: Fibre, channels: int, remedy: str) -> RepresentationError:
    return RepresentationError("channels", f"must be those of {V.name}, {V.dim}", channels, remedy)
