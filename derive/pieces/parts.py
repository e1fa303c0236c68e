"""The irreducible parts of one piece: which of known ones it holds, and new ones until nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sympy import ImmutableMatrix

from derive.pieces.homs import Irreducible, elements, embeddings
from derive.pieces.splitting import irreducible, kernel_of, restricted
from derive.symmetry.factors import Piece
from derive.symmetry.representation import Representation, from_blocks


class Part(NamedTuple):
    """An irreducible representation W, and a map T with ``rho(g) T = T W(g)`` for each copy in a piece."""

    irrep: Irreducible
    maps: tuple[ImmutableMatrix, ...]

    @property
    def size(self) -> int:
        """How many dimensions all copies have together."""
        return self.irrep.dim * len(self.maps)


def parts_of(piece: Piece, known: Iterable[Irreducible]) -> list[Part]:
    """All of a piece: irreducible representations that are known, in their order, then others."""
    found: list[Part] = []
    left = piece.dim
    for W in known:
        if not left:
            break
        part = Part(W, embeddings(W, piece)) if W.dim <= left else Part(W, ())
        found += [part] if part.maps else []
        left -= part.size
    V = from_blocks(piece.group, [(1, piece)])
    while left:
        W = Irreducible(irreducible(_rest(V, found)))
        part = Part(W, embeddings(W, piece))
        found.append(part)
        left -= part.size
    return found


def _rest(V: Representation, found: list[Part]) -> Representation:
    """The subrepresentation that holds none of these, where all maps onto them vanish."""
    if not found:
        return V
    maps = [T for part in found for T in elements(V, part.irrep.representation)]
    return restricted(V, kernel_of(maps, int(V.dim)))
