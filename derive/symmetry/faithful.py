"""Finite groups as permutations: of points, of signed points, of vectors, or of cosets."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm, prod

import numpy as np
from sympy import ImmutableMatrix

from derive.errors import InfiniteError, TooLargeError
from derive.symmetry.exact import over_common_field
from derive.symmetry.images import Image
from derive.symmetry.monomial import Monomial
from derive.symmetry.words import Word

VECTOR_LIMIT = 200_000
COSET_LIMIT = 5_000


def permutations_of(images: Sequence[Image], what: str, limit: int = VECTOR_LIMIT) -> tuple[np.ndarray, ...]:
    """Permutations that multiply as the images do: of the points, of signed points, or of vectors."""
    monomials = [i for i in images if isinstance(i, Monomial)]
    if len(monomials) == len(images):
        order = lcm(*(m.order for m in monomials))
        return tuple(_on_cover(m, order) for m in monomials)
    return _on_vectors([i.matrix if isinstance(i, Monomial) else i for i in images], what, limit)


def _on_cover(m: Monomial, order: int) -> np.ndarray:
    """The permutation of the vectors ``zeta^t e_j``."""
    if order == 1:
        return m.image
    turns = (np.arange(order)[None, :] + m.phase[:, None] * (order // m.order)) % order
    return (m.image[:, None] * order + turns).ravel()


def _on_vectors(matrices: Sequence[ImmutableMatrix], what: str, limit: int) -> tuple[np.ndarray, ...]:
    """The permutations of the orbits of the basis vectors: finite exactly when the group is."""
    fields = over_common_field(matrices)
    rows = [m.to_list() for m in fields]
    domain, dim = fields[0].domain, fields[0].shape[0]
    bound = _minkowski(dim) * dim if domain.is_QQ and dim <= 4 else None
    vectors = [tuple(domain.one if i == j else domain.zero for i in range(dim)) for j in range(dim)]
    number = {v: i for i, v in enumerate(vectors)}
    images: list[list[int]] = [[] for _ in rows]
    at = 0
    while at < len(vectors):
        for a, m in enumerate(rows):
            moved = tuple(
                sum((x * y for x, y in zip(row, vectors[at], strict=True)), domain.zero) for row in m
            )
            if moved not in number:
                number[moved] = len(vectors)
                vectors.append(moved)
            images[a].append(number[moved])
        at += 1
        if bound is not None and len(vectors) > bound:
            rule = "must generate a finite group for this"
            raise InfiniteError(what, rule, "matrices of infinite order", "use matrices of finite order")
        if len(vectors) > limit:
            rule = f"must move the basis vectors to at most {limit:,} vectors"
            raise TooLargeError(
                what, rule, "more (perhaps infinitely many)", "use generators of finite order"
            )
    return tuple(np.array(i, dtype=np.int64) for i in images)


def _minkowski(n: int) -> int:
    """The bound on the order of a finite group of rational n x n matrices (Minkowski 1887)."""
    primes = [p for p in range(2, n + 2) if all(p % q for q in range(2, p))]
    return prod(p ** sum(n // (p**k * (p - 1)) for k in range(n + 1)) for p in primes)


def coset_permutations(
    generators: Sequence[str], relations: Sequence[Word], what: str
) -> tuple[np.ndarray, ...]:
    """The regular permutations of a presented group, by coset enumeration (Todd and Coxeter 1936)."""
    from sympy.combinatorics.coset_table import coset_enumeration_r
    from sympy.combinatorics.fp_groups import FpGroup
    from sympy.combinatorics.free_groups import free_group

    free, *letters = free_group(",".join(generators))
    symbols = dict(zip(generators, letters, strict=True))
    words = [prod((symbols[g] ** e for g, e in w), start=free.identity) for w in relations]
    try:
        table = coset_enumeration_r(FpGroup(free, words), [], max_cosets=COSET_LIMIT)
    except ValueError:
        rule = "must have few elements by its relations, or be given by matrices or permutations"
        raise TooLargeError(what, rule, "too many cosets", "add relations or give it") from None
    table.compress()
    table.standardize()
    columns = {str(g): i for i, g in enumerate(table.A)}
    rows = np.array(table.table, dtype=np.int64)
    # Cosets multiply on the right; numbering each by its inverse turns that into the left translation.
    return tuple(rows[:, columns[f"{g}**-1"]] for g in generators)
