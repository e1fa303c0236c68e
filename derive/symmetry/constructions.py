"""The wreath product with a symmetric group, and the relations of the symmetric group."""

from __future__ import annotations

import numpy as np

from derive.errors import GroupError, brief
from derive.symmetry.group import Group
from derive.symmetry.images import Image, image_dim, on_summand
from derive.symmetry.monomial import permutation_map
from derive.symmetry.sizes import whole
from derive.symmetry.words import Word, invert_word, parse_word, reduce_word, substitute

PRESENTED_UP_TO = 40


def symmetric_relations(n: int) -> tuple[tuple[Word, ...], bool]:
    """Relations of the symmetric group for the n-cycle c and the swap s, and whether they define it.

    ``c^n = s^2 = (s c)^(n-1) = (s c^-1 s c)^3 = 1`` and ``s`` commutes with ``c^-j s c^j`` (Moore 1896).
    """
    letters = ("c", "s")
    words = [f"c^{n}", "s^2" if n > 1 else "s"]
    if n > 1:
        words.append(f"(s*c)^{n - 1}" if n > 2 else "s*c")
    if n > 2:
        words.append("(s*c^-1*s*c)^3")
    complete = n <= PRESENTED_UP_TO
    if complete:
        words += [f"(s*c^-{j}*s*c^{j})^2" for j in range(2, n // 2 + 1)]
    elif n > 1000:
        words = words[:2]
    return tuple(parse_word(w, letters) for w in words), complete


def wreath(group: Group, n: int) -> Group:
    """The wreath product with the symmetric group: n copies of the group, permuted in every way.

    The generators of ``group`` act on the first copy, ``c`` and ``s`` permute the copies. It is given by n
    blocks of what the group was given by.

    >>> from derive.symmetry.catalogue import cyclic
    >>> wreath(cyclic(2), 3).order
    48
    """
    n = whole(n, "n")
    if not isinstance(group, Group):
        raise GroupError("group", "must be a group", brief(group), "give cyclic(2), or space.point")
    if group.algebra:
        remedy = "take its direct product instead"
        raise GroupError("wreath", "needs a finite or discrete group", group.name, remedy)
    cycle, swap = ("c_top", "s_top") if {"c", "s"} & set(group.generators) else ("c", "s")
    top_relations, complete = symmetric_relations(n)
    top: dict[str, Word] = {"c": ((cycle, 1),), "s": ((swap, 1),)}
    relations = [*group.relations, *(substitute(w, top) for w in top_relations)]
    relations += _wreath_relations(group, n, ((cycle, 1),), ((swap, 1),))
    given = None
    if group.given is not None:
        given = _wreath_images(group, n)
    return Group(
        f"{group.name} wr S_{n}",
        (*group.generators, cycle, swap),
        tuple(relations),
        given,
        group.given_by,
        presented=complete and group.presented,
        faithful=group.faithful,
    )


def _wreath_relations(group: Group, n: int, c: Word, s: Word) -> list[Word]:
    """The first copy commutes with what fixes it, and with the second copy."""
    fixing = [s + c] if n > 1 else []
    fixing += [c + s + invert_word(c)] if n > 2 else []
    out = [_commutator(((g, 1),), w) for g in group.generators for w in fixing]
    if n > 1:
        out += [
            _commutator(((g, 1),), (*s, (h, 1), *invert_word(s)))
            for g in group.generators
            for h in group.generators
        ]
    return out


def _commutator(a: Word, b: Word) -> Word:
    return reduce_word(a + b + invert_word(a) + invert_word(b))


def _wreath_images(group: Group, n: int) -> tuple[Image, ...]:
    own = group.given or ()
    sizes = [image_dim(own[0]) if own else 1] * n
    images = [on_summand(i, sizes, 0, False) for i in own]
    points = np.arange(n * sizes[0]).reshape(n, sizes[0])
    cycle = np.roll(points, -1, axis=0)
    swap = points.copy()
    if n > 1:
        swap[[0, 1]] = points[[1, 0]]
    return (*images, permutation_map(cycle.ravel()), permutation_map(swap.ravel()))
