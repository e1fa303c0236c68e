"""Centres and offsets about which a point group carries the sites of a lattice to sites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product

Vector = tuple[Fraction, ...]
Moves = Sequence[tuple[tuple[tuple[int, ...], ...], Vector]]

HALVES = 4


def lands(spacing: Vector, offset: Vector, centre: Vector, moves: Moves) -> bool:
    """Whether (1 - M) (centre - offset) + glide is a whole number of spacings, for every move (M, glide)."""
    gap = [c - o for c, o in zip(centre, offset, strict=True)]
    return all(
        ((d - sum(m * x for m, x in zip(row, gap, strict=True)) + shift) / s).denominator == 1
        for matrix, glide in moves
        for row, d, shift, s in zip(matrix, gap, glide, spacing, strict=True)
    )


def nearest_centre(spacing: Vector, offset: Vector, centre: Vector, moves: Moves) -> Vector | None:
    """The centre nearest to the one given that carries sites to sites; None if no half-multiple does."""
    return _nearest(centre, offset, lambda c: lands(spacing, offset, c, moves))


def nearest_offset(spacing: Vector, offset: Vector, centre: Vector, moves: Moves) -> Vector | None:
    """The offset nearest to the one given that carries sites to sites; None if no half-multiple does."""
    return _nearest(offset, centre, lambda o: lands(spacing, o, centre, moves))


def _nearest(given: Vector, other: Vector, works: Callable[[Vector], bool]) -> Vector | None:
    """Half-multiples away from either point, the nearest first, positive before negative."""
    axes = [
        {start + Fraction(k, 2) for start in {a, b} for k in range(-HALVES, HALVES + 1)}
        for a, b in zip(given, other, strict=True)
    ]

    def far(point: Vector) -> tuple[Fraction, ...]:
        steps = [x - a for x, a in zip(point, given, strict=True)]
        return (sum((abs(s) for s in steps), Fraction(0)), *(-s for s in steps))

    return next((point for point in sorted(product(*axes), key=far) if works(point)), None)
