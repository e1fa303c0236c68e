"""Characters of pieces from characters of atoms, in whatever ring the values live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.symmetry.factors import Atom, Piece, Tensor

AtomCharacter = Callable[[Atom, int], Any]
Divide = Callable[[Any, int], Any]


def character(piece: Piece, at: int, atom: AtomCharacter, one: Any, divide: Divide) -> Any:
    """``chi(g^at)`` as a ring element.

    Products multiply; ``k h_k = sum_i p_i h_(k-i)`` for symmetric powers and
    ``k e_k = sum_i (-1)^(i-1) p_i e_(k-i)`` for alternating ones, with ``p_i = chi(g^i)`` (Newton).

    Args:
        atom: the character of an atom at a power of g.
        one: the unit of the ring.
        divide: exact division by an integer.
    """
    if isinstance(piece, Atom):
        return atom(piece, at)
    if isinstance(piece, Tensor):
        value = one
        for f in piece.factors:
            value = value * character(f, at, atom, one, divide)
        return value
    sums = [_base(piece.base, at * i, atom, one, divide) for i in range(1, piece.k + 1)]
    alternating = piece.symmetry == "alt"
    powers = [one]
    for k in range(1, piece.k + 1):
        total = one * 0
        for i in range(1, k + 1):
            term = sums[i - 1] * powers[k - i]
            total = total + (term * -1 if alternating and i % 2 == 0 else term)
        powers.append(divide(total, k))
    return powers[-1]


def _base(base: Any, at: int, atom: AtomCharacter, one: Any, divide: Divide) -> Any:
    total = one * 0
    for copies, piece in base:
        total = total + character(piece, at, atom, one, divide) * copies
    return total


def atoms_of(piece: Piece) -> list[Atom]:
    """The atoms a piece is made of."""
    if isinstance(piece, Atom):
        return [piece]
    if isinstance(piece, Tensor):
        return [a for f in piece.factors for a in atoms_of(f)]
    return [a for _, p in piece.base for a in atoms_of(p)]
