"""Whether matrices represent a group: its relations, its multiplication table, or its brackets must hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import ImmutableMatrix

from derive.errors import InfiniteError, RepresentationError, TooLargeError, brief
from derive.symmetry.algebra import broken_structure, structure_of
from derive.symmetry.elements import permutations_order
from derive.symmetry.exact import exact_matrix, over_common_field
from derive.symmetry.faithful import permutations_of
from derive.symmetry.group import Group, faithful_permutations
from derive.symmetry.images import Image, as_matrix, first_broken
from derive.symmetry.words import format_word


def read_matrices(group: Group, matrices: Mapping[str, Any]) -> tuple[ImmutableMatrix, ...]:
    """One exact matrix per generator, checked to be a homomorphism."""
    if not isinstance(matrices, Mapping):
        remedy = "give {" + ", ".join(f"{g!r}: [[...]]" for g in group.generators) + "}"
        raise RepresentationError("matrices", "must be {generator: matrix}", brief(matrices), remedy)
    missing = [g for g in group.generators if g not in matrices]
    unknown = [g for g in matrices if g not in group.generators]
    if missing or unknown:
        rule = f"must be given for each of the generators {', '.join(group.generators)}"
        raise RepresentationError(
            "matrices", rule, ", ".join(map(str, matrices)) or "none", "give each generator one matrix"
        )
    read = tuple(exact_matrix(matrices[g], f"matrix of {g!r}") for g in group.generators)
    if len({m.rows for m in read}) > 1:
        sizes = ", ".join(f"{g}: {m.rows}" for g, m in zip(group.generators, read, strict=True))
        raise RepresentationError("matrices", "must all have one size", sizes, "give matrices of one size")
    for g, m in zip(group.generators, read, strict=True):
        if g not in group.algebra and not over_common_field([m])[0].charpoly()[-1]:
            remedy = "give a matrix with a nonzero determinant"
            raise RepresentationError(f"matrix of {g!r}", "must be invertible", m.tolist(), remedy)
    check_homomorphism(group, read)
    return read


def check_homomorphism(group: Group, images: tuple[Image, ...]) -> None:
    """Raise unless the images satisfy everything that the generators satisfy."""
    broken = first_broken(group.relations, dict(zip(group.generators, images, strict=True)))
    if broken is not None:
        rule = f"must satisfy the relation {format_word(broken)} = 1 of {group.name}"
        given = "matrices that do not"
        raise RepresentationError("matrices", rule, given, "correct the matrices or the relation")
    if group.algebra:
        _check_algebra(group, images)
    elif not group.presented and group.generators:
        _check_pairs(group, images)


def _check_algebra(group: Group, images: tuple[Image, ...]) -> None:
    matrices = {g: as_matrix(i) for g, i in zip(group.generators, images, strict=True)}
    broken = broken_structure(structure_of(group), matrices)
    if broken is not None:
        rule = f"must satisfy {broken} of {group.name}"
        raise RepresentationError("matrices", rule, "matrices that do not", "correct the matrices")


def _check_pairs(group: Group, images: tuple[Image, ...]) -> None:
    """rho is a homomorphism exactly when the pairs (g, rho(g)) generate no more elements than the g do."""
    own = faithful_permutations(group)
    rule = f"must satisfy every relation of {group.name}"
    remedy = "use matrices that multiply as the group's elements do"
    try:
        moved = permutations_of(images, f"matrices for {group.name}")
    except (InfiniteError, TooLargeError):
        raise RepresentationError("matrices", rule, "matrices that generate a larger group", remedy) from None
    degree = len(own[0])
    pairs = [np.concatenate([p, q + degree]) for p, q in zip(own, moved, strict=True)]
    if permutations_order(pairs) != group.order:
        raise RepresentationError("matrices", rule, "matrices that do not", remedy)
