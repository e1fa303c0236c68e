"""Groups made from groups: subgroups, direct products, wreath products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sympy import ImmutableMatrix, SparseMatrix

from derive.errors import GroupError, brief
from derive.symmetry.groups import Group
from derive.symmetry.images import Image, as_matrix, image_dim, image_of_word
from derive.symmetry.monomial import Monomial, direct_sum, identity_map, permutation_map
from derive.symmetry.sizes import whole
from derive.symmetry.words import Word, format_word, invert_word, parse_word, reduce_word, substitute


def make_subgroup(group: Group, generators: Any, name: str | None) -> Group:
    named = dict(generators) if isinstance(generators, Mapping) else _auto_names(group, generators)
    words = {new: group.word(w) for new, w in named.items()}
    algebra = tuple(new for new, w in words.items() if any(g in group.algebra for g, _ in w))
    for new in algebra:
        if len(words[new]) != 1 or words[new][0][1] != 1:
            rule = "may use a Lie algebra generator only by itself"
            raise GroupError("subgroup", rule, format_word(words[new]), "name the algebra generator alone")
    order = [*algebra, *(new for new in words if new not in algebra)]
    given = None
    if group.given is not None:
        images = dict(zip(group.generators, group.given, strict=True))
        given = tuple(image_of_word(words[new], images, image_dim(group.given[0])) for new in order)
    label = name or f"<{', '.join(format_word(words[new]) for new in order)}> of {group.name}"
    embedding = (group, tuple(words[new] for new in order))
    return Group(label, tuple(order), (), given, group.given_by, algebra, embedding=embedding)


def _auto_names(group: Group, generators: Any) -> dict[str, str]:
    """Name each word after itself when it is a generator, and h0, h1, ... otherwise."""
    words = [generators] if isinstance(generators, str) else list(generators)
    named = {}
    for i, w in enumerate(words):
        key = w if isinstance(w, str) and w in group.generators else f"h{i}"
        named[key] = w
    return named


def direct_product(*groups: Group) -> Group:
    """The direct product: generators of each factor, which commute with those of the others.

    It is given by the direct sum of what the factors were given by, so a product of permutation groups
    permutes the disjoint union of their points. Generators keep their names, with ``_1``, ``_2``, ... where
    two factors share one.
    """
    factors = tuple(f for g in groups for f in (g.factors or (g,)))
    names = product_names(factors)
    algebra = tuple(names[k][g] for k, f in enumerate(factors) for g in f.algebra)
    discrete = tuple(names[k][g] for k, f in enumerate(factors) for g in f.discrete)
    relations = [_renamed(r, names[k]) for k, f in enumerate(factors) for r in f.relations]
    for k, f in enumerate(factors):
        for later in range(k + 1, len(factors)):
            for a in f.discrete:
                for b in factors[later].discrete:
                    x, y = names[k][a], names[later][b]
                    relations.append(((x, 1), (y, 1), (x, -1), (y, -1)))
    given, given_by = _product_images(factors)
    return Group(
        " x ".join(f.name for f in factors),
        algebra + discrete,
        tuple(relations),
        given,
        given_by,
        algebra,
        factors,
        presented=all(f.presented for f in factors),
        faithful=all(f.faithful for f in factors),
    )


def product_names(factors: tuple[Group, ...]) -> tuple[dict[str, str], ...]:
    """For each factor, the name in the product of each of its generators."""
    seen = [g for f in factors for g in f.generators]
    return tuple(
        {g: g if seen.count(g) == 1 else f"{g}_{k + 1}" for g in f.generators} for k, f in enumerate(factors)
    )


def _renamed(word: Word, names: Mapping[str, str]) -> Word:
    return tuple((names[g], e) for g, e in word)


def _product_images(factors: tuple[Group, ...]) -> tuple[tuple[Image, ...] | None, str]:
    if any(f.given is None for f in factors):
        return None, "words"
    given_by = "permutations" if all(f.given_by == "permutations" for f in factors) else "matrices"
    sizes = [image_dim(f.given[0]) if f.given else 0 for f in factors]
    pairs = [(k, g) for k, f in enumerate(factors) for g in f.algebra]
    pairs += [(k, g) for k, f in enumerate(factors) for g in f.discrete]
    return tuple(_padded(factors[k].image(g), sizes, k, g in factors[k].algebra) for k, g in pairs), given_by


def _padded(image: Image, sizes: list[int], k: int, is_algebra: bool) -> Image:
    """The image on its own summand; nothing happens on the others."""
    if isinstance(image, Monomial) and not is_algebra:
        return direct_sum([image if i == k else identity_map(n) for i, n in enumerate(sizes) if n])
    at, size = sum(sizes[:k]), sum(sizes)
    own = range(at, at + sizes[k])
    entries = {} if is_algebra else {(i, i): 1 for i in range(size) if i not in own}
    entries |= {(at + i, at + j): value for (i, j), value in as_matrix(image).todok().items()}
    return ImmutableMatrix(SparseMatrix(size, size, entries))


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
    images = [_padded(i, sizes, 0, False) for i in own]
    points = np.arange(n * sizes[0]).reshape(n, sizes[0])
    cycle = np.roll(points, -1, axis=0)
    swap = points.copy()
    if n > 1:
        swap[[0, 1]] = points[[1, 0]]
    return (*images, permutation_map(cycle.ravel()), permutation_map(swap.ravel()))
