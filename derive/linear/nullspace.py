"""Exact null spaces over a number field: elimination modulo primes, lifted and then verified.

``M x = 0``. Modulo a prime at which the field splits, the reduced echelon basis is computed for each root of
its polynomial; interpolation, the Chinese remainder theorem and rational reconstruction lift it. A lifted
basis is accepted only when ``M x = 0`` holds exactly; as no prime can make the null space smaller, it is then
complete. The reduced echelon basis is unique, so neither the primes nor the library that eliminates can
change the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import gcd, lcm
from typing import Any

import numpy as np

from derive.errors import TooLargeError
from derive.linear.field import RATIONALS, FieldMatrix, NumberField
from derive.linear.lifting import fraction, inverse_vandermonde
from derive.linear.sparse import Sparse, from_dense, sparse
from derive.symmetry.components import least_members

DENSE_LIMIT = 2**27
MOST_PRIMES = 200
SPARE_ROWS = 16

Vector = tuple[
    tuple[int, ...], tuple[tuple[int, ...], ...]
]  # indices; integer coefficients, one tuple per power


def nullspace(m: FieldMatrix, use_flint: bool | None = None) -> FieldMatrix:
    """The reduced echelon basis of the null space, as columns scaled to coprime integers.

    Each column has a positive integer at its first index, where all others are zero.

    Args:
        m: the matrix.
        use_flint: eliminate with python-flint or with NumPy; None takes python-flint where installed. The
            basis is the same.

    >>> from derive.linear.field import from_integers
    >>> nullspace(from_integers([[1, -2, 0]])).parts[0].toarray().tolist()
    [[2, 0], [1, 0], [0, 1]]
    """
    flint = _flint() if use_flint is None or use_flint else None
    solved: dict[Any, list[Vector]] = {}  # equal blocks are solved once
    vectors: list[Vector] = []
    for columns, block in _blocks(m):
        key = tuple((p.shape, p.tobytes()) for p in block)
        if key not in solved:
            solved[key] = _solve(m.field, block, flint)
        vectors += [(tuple(columns[list(indices)].tolist()), entries) for indices, entries in solved[key]]
    return _assembled(m.field, m.shape[1], sorted(vectors))


def _assembled(field: NumberField, rows: int, vectors: list[Vector]) -> FieldMatrix:
    row = [i for indices, _ in vectors for i in indices]
    column = [k for k, (indices, _) in enumerate(vectors) for _ in indices]
    parts = []
    for t in range(field.degree):
        data = [entry[t] for _, entries in vectors for entry in entries]
        _refuse_large(data)
        parts.append(sparse(row, column, data, (rows, len(vectors))))
    return FieldMatrix(field, tuple(parts))


def _refuse_large(values: list[int]) -> None:
    largest = max(map(abs, values), default=0)
    if largest >= 2**62:
        remedy = "choose a basis in which the matrices are smaller"
        raise TooLargeError("null space", "must have coefficients below 2^62", f"{largest:.1e}", remedy)


def _flint() -> Any:
    try:
        import flint
    except ImportError:
        return None
    return flint


def _blocks(m: FieldMatrix) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, ...]]]:
    """Connected blocks of columns, each with its different rows as dense arrays."""
    rows = _different_rows(m)
    parts = [p.take(rows) for p in m.parts]
    touched, dead = _easy_columns(_pattern(parts))
    free = np.flatnonzero(~touched)
    if len(free):
        yield free, tuple(np.zeros((0, len(free)), dtype=np.int64) for _ in parts)
    kept = np.flatnonzero(touched & ~dead)
    parts = [p.take_columns(kept) for p in parts]
    left = np.flatnonzero(_pattern(parts).lengths)
    parts = [p.take(left) for p in parts]
    if not len(kept):
        return
    pattern = _pattern(parts)
    labels = least_members([(pattern.columns, len(kept) + pattern.rows)], len(kept) + len(left))
    order = np.argsort(labels[: len(kept)], kind="stable")
    row_order = np.argsort(labels[len(kept) :], kind="stable")
    names, starts = np.unique(labels[: len(kept)][order], return_index=True)
    row_starts = np.searchsorted(labels[len(kept) :][row_order], [names, names + 1])
    place = np.empty(len(kept), dtype=np.int64)  # of each column in its block
    place[order] = np.arange(len(kept)) - np.repeat(starts, np.diff([*starts, len(kept)]))
    for i, columns in enumerate(np.split(order, starts[1:])):
        rows = row_order[row_starts[0][i] : row_starts[1][i]]
        _refuse_dense(len(rows) * len(columns))
        yield kept[columns], _sorted_rows([_dense(p.take(rows), place, len(columns)) for p in parts])


def _dense(rows: Sparse, place: np.ndarray, columns: int) -> np.ndarray:
    """Rows of one block, its columns at their places."""
    out = np.zeros((rows.shape[0], columns), dtype=np.int64)
    out[rows.rows, place[rows.columns]] = rows.values
    return out


def _pattern(parts: list[Sparse]) -> Sparse:
    """Something positive at the places where some part has an entry."""
    places = ([getattr(p, name) for p in parts] for name in ("rows", "columns"))
    rows, columns = map(np.concatenate, places)
    return sparse(rows, columns, np.ones(len(rows)), parts[0].shape)


def _easy_columns(pattern: Sparse) -> tuple[np.ndarray, np.ndarray]:
    """Which columns have an entry at all, and which must vanish because a row has no other entry."""
    dead = np.zeros(pattern.shape[1], dtype=bool)
    touched = dead.copy()
    touched[pattern.columns] = True
    while True:
        alive = ~dead[pattern.columns]
        others = np.bincount(pattern.rows[alive], minlength=pattern.shape[0])
        newly = pattern.columns[alive & (others[pattern.rows] == 1)]
        if not len(newly):
            return touched, dead
        dead[newly] = True


def _refuse_dense(entries: int) -> None:
    if entries > DENSE_LIMIT:
        rule = "must have connected blocks that fit in memory"
        raise TooLargeError(
            "elimination", rule, f"about {8.0 * entries:.1e} bytes", "use a smaller representation"
        )


def _sorted_rows(parts: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Rows up to sign in one order, so that equal blocks look equal."""
    together = np.concatenate(parts, axis=1)
    first = np.argmax(together != 0, axis=1)
    signs = np.sign(together[np.arange(len(together)), first])
    together = np.unique(together * signs[:, None], axis=0)
    return tuple(np.split(together, len(parts), axis=1))


def _different_rows(m: FieldMatrix) -> np.ndarray:
    """One of each set of rows that agree up to sign, by exact comparison of the stored rows."""
    seen: dict[bytes, int] = {}
    for r in np.flatnonzero(sum(p.lengths for p in m.parts)).tolist():
        key, sign = b"", 0
        for p in m.parts:
            piece = slice(p.starts[r], p.starts[r + 1])
            data = p.values[piece]
            if not sign and len(data):
                sign = 1 if data[0] > 0 else -1
            key += p.columns[piece].tobytes() + b"|" + (sign * data).tobytes() + b"|"
        seen.setdefault(key, r)
    return np.array(list(seen.values()), dtype=np.int64)


@dataclass(frozen=True)
class _Lift:
    """An echelon basis modulo a product of primes: the free columns, and coefficients of the rest."""

    modulus: int
    free: tuple[int, ...]
    coefficients: np.ndarray  # (power, free, column), Python integers


def _solve(field: NumberField, block: tuple[np.ndarray, ...], flint: Any) -> list[Vector]:
    """The echelon basis of one block."""
    columns = block[0].shape[1]
    if not len(block[0]):
        unit = (1, *[0] * (field.degree - 1))
        return [((j,), (unit,)) for j in range(columns)]
    rational = _rational_basis(field, block, flint) if field.degree > 1 else None
    if rational is not None:
        return rational
    lift: _Lift | None = None
    for p, roots in islice(field.split_primes(), MOST_PRIMES):
        found = _modulo(block, p, roots, flint)
        if found is None or (lift is not None and len(found.free) > len(lift.free)):
            continue
        lift = found if lift is None or found.free != lift.free else _combine(lift, found)
        basis = _reconstruct(lift)
        if basis is not None and _vanishes(field, block, basis):
            return basis
    rule = "must be found modulo a few primes"
    raise TooLargeError(
        "null space", rule, f"{MOST_PRIMES} primes tried", "use a representation with smaller entries"
    )


def _rational_basis(field: NumberField, block: tuple[np.ndarray, ...], flint: Any) -> list[Vector] | None:
    """The echelon basis where it is rational: as many rational solutions as one prime allows at most.

    A rational vector is a solution when every part annihilates it. Modulo a prime the null space is not
    smaller than over the field, so no solution is missing where the two agree.
    """
    stacked = np.concatenate(block)
    p, roots = field.first_split_prime
    most = _nullity(_at_root(_combinations(block, p), roots[0], p), p, flint)
    if _nullity(stacked, p, flint) < most:
        return None
    found = _solve(RATIONALS, (stacked,), flint)
    rest = (0,) * (field.degree - 1)
    lifted = [(indices, tuple((*e, *rest) for e in entries)) for indices, entries in found]
    return lifted if len(lifted) == most else None


def _nullity(m: np.ndarray, p: int, flint: Any) -> int:
    few = _combinations((m,), p)[0] % p
    return m.shape[1] - len((_rref_flint(few, p, flint) if flint else _rref(few, p))[1])


def _at_root(parts: list[np.ndarray], root: int, p: int) -> np.ndarray:
    """The matrix modulo p, its generator replaced by a root."""
    m = np.zeros_like(parts[0])
    for part in reversed(parts):
        m = (m * root + part) % p
    return m


def _modulo(block: tuple[np.ndarray, ...], p: int, roots: tuple[int, ...], flint: Any) -> _Lift | None:
    """The echelon basis modulo p, interpolated from the roots; None when they disagree on the pivots."""
    images, frees = [], []
    few = _combinations(block, p)
    for root in roots:
        m = _at_root(few, root, p)
        reduced, pivots = _rref_flint(m, p, flint) if flint else _rref(m, p)
        free, image = _kernel(reduced, pivots, m.shape[1], p)
        images.append(image)
        frees.append(free)
    if any(f != frees[0] for f in frees):
        return None
    weights = inverse_vandermonde(roots, p)
    stacked = np.array(images).astype(object)
    return _Lift(p, frees[0], np.tensordot(weights, stacked, axes=1) % p if len(roots) > 1 else stacked)


def _combinations(block: tuple[np.ndarray, ...], p: int) -> list[np.ndarray]:
    """A few random combinations of many rows: the same row space almost surely, and verification decides."""
    rows, columns = len(block[0]), block[0].shape[1]
    if rows <= columns + SPARE_ROWS:
        return list(block)
    weights = np.random.default_rng(p).integers(p, size=(rows, columns + SPARE_ROWS))
    halves = [weights >> 16, weights & 0xFFFF]  # so that sums of products stay exact in 64 bits
    out = []
    for part in block:
        turned = from_dense((part % p).T)
        high, low = (turned.times(half) % p for half in halves)
        out.append(((high * (1 << 16) + low) % p).T)
    return out


def _kernel(
    reduced: np.ndarray, pivots: list[int], columns: int, p: int
) -> tuple[tuple[int, ...], np.ndarray]:
    """Echelon null vectors (one row each) from the echelon form of the matrix with its columns reversed."""
    pivot_columns = [columns - 1 - j for j in pivots]
    free = tuple(sorted(set(range(columns)) - set(pivot_columns)))
    image = np.zeros((len(free), columns), dtype=np.int64)
    image[np.arange(len(free)), list(free)] = 1
    image[:, pivot_columns] = -reduced[: len(pivots), ::-1][:, list(free)].T % p
    return free, image


def _rref(m: np.ndarray, p: int) -> tuple[np.ndarray, list[int]]:
    """Reduced echelon form modulo p of the matrix with its columns reversed, by NumPy."""
    m = m[:, ::-1].copy()
    pivots: list[int] = []
    for j in range(m.shape[1]):
        row = len(pivots)
        hits = np.flatnonzero(m[row:, j])
        if not len(hits):
            continue
        m[[row, row + hits[0]]] = m[[row + hits[0], row]]
        m[row] = m[row] * pow(int(m[row, j]), -1, p) % p
        others = np.flatnonzero(m[:, j])
        others = others[others != row]
        m[others] = (m[others] - m[others, j, None] * m[row]) % p
        pivots.append(j)
    return m, pivots


def _rref_flint(m: np.ndarray, p: int, flint: Any) -> tuple[np.ndarray, list[int]]:
    """The same by python-flint."""
    reduced, rank = flint.nmod_mat(len(m), m.shape[1], m[:, ::-1].ravel().tolist(), p).rref()
    rows = np.array([int(x) for x in reduced.entries()[: rank * m.shape[1]]], dtype=np.int64)
    rows = rows.reshape(rank, m.shape[1])
    return rows, [int(j) for j in (rows != 0).argmax(axis=1)]


def _combine(a: _Lift, b: _Lift) -> _Lift:
    """Chinese remainders."""
    modulus = a.modulus * b.modulus
    step = a.modulus * pow(a.modulus, -1, b.modulus)
    return _Lift(modulus, a.free, (a.coefficients + (b.coefficients - a.coefficients) * step) % modulus)


def _reconstruct(lift: _Lift) -> list[Vector] | None:
    """Each coefficient as a fraction of numbers up to sqrt(modulus / 2), then scaled to coprime integers."""
    fractions: dict[int, Fraction | None] = {}
    basis = []
    for i in range(len(lift.free)):
        support = np.flatnonzero((lift.coefficients[:, i] != 0).any(axis=0)).tolist()
        residues = [[int(c) for c in lift.coefficients[:, i, j]] for j in support]
        for c in {c for r in residues for c in r} - fractions.keys():
            fractions[c] = fraction(c, lift.modulus)
        exact = [[fractions[c] for c in r] for r in residues]
        if any(c is None for r in exact for c in r):
            return None
        basis.append((tuple(support), _scaled(exact)))
    return basis


def _scaled(entries: list[list[Any]]) -> tuple[tuple[int, ...], ...]:
    denominator = lcm(*(c.denominator for r in entries for c in r))
    whole = [[int(c * denominator) for c in r] for r in entries]
    common = gcd(*(c for r in whole for c in r))
    return tuple(tuple(c // common for c in r) for r in whole)


def _vanishes(field: NumberField, block: tuple[np.ndarray, ...], basis: list[Vector]) -> bool:
    """Whether the block maps every vector to exactly zero, in integers."""
    if not basis:
        return True
    vectors = np.zeros((field.degree, block[0].shape[1], len(basis)), dtype=object)
    for k, (indices, entries) in enumerate(basis):
        vectors[:, list(indices), k] = np.array(entries, dtype=object).T
    widest = block[0].shape[1] * field.growth
    largest = max(int(abs(b).max()) for b in block) * int(abs(vectors).max()) * widest
    kind: Any = np.int64 if largest < 2**62 else object
    left, right = [b.astype(kind) for b in block], vectors.astype(kind)
    sums: list[Any] = [0] * (2 * field.degree - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            if a.any() and b.any():
                sums[i + j] = sums[i + j] + a @ b
    return not any(np.any(part != 0) for part in field.reduce(sums))
