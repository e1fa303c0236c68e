"""Groups as data: named generators, relations, and what the generators were given by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import factorial, prod
from typing import Any, NamedTuple

import numpy as np
from sympy import Expr, ImmutableMatrix, oo

from derive.errors import GroupError, InfiniteError, brief
from derive.pickling import Fields
from derive.symmetry.elements import Elements, enumerate_permutations, permutations_order
from derive.symmetry.faithful import coset_permutations, permutations_of
from derive.symmetry.images import Image, as_matrix, first_broken, image_dim, image_of_word, on_summand
from derive.symmetry.monomial import Monomial
from derive.symmetry.words import Word, format_word, parse_word


class Family(NamedTuple):
    """The catalogue family of a group, for closed-form orders and counts: ("S", 5), ("SO", 3)."""

    type: str
    n: int


@dataclass(frozen=True)
class Group(Fields):
    """A group given by named generators; equal when the content is equal, whatever the names of the groups.

    ``G = < generators | relations >`` when nothing else is given; with ``given`` (one exact matrix or
    monomial map per generator) the group those generate, unless ``faithful`` is False and the relations
    define it. Generators in ``algebra`` are elements of the Lie algebra and come first. A subgroup keeps in
    ``embedding`` the words that make its generators; ``presented`` says that the relations define the group.

    >>> G = Group("quarter turns", generators=("a",), relations=("a^4",))
    >>> G
    Group 'quarter turns' < a | a^4 >
    >>> G == Group("C4", generators=("a",), relations=("a^4",)), G == Group("C4", ("a",), ("a^5",))
    (True, False)
    """

    name: str = field(compare=False)
    generators: tuple[str, ...]
    relations: tuple[Word, ...] = ()
    given: tuple[Image, ...] | None = None
    given_by: str = "words"
    algebra: tuple[str, ...] = ()
    factors: tuple[Group, ...] = ()
    embedding: tuple[Group, tuple[Word, ...]] | None = None
    faithful: bool = True
    presented: bool = field(default=False, compare=False)
    family: Family | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        names = _names(self.generators)
        if not isinstance(self.name, str):
            raise GroupError("name", "must be a text", brief(self.name), "use name='G'")
        words = [parse_word(r, names) for r in _list_of(self.relations, "relations", "words such as 'a^4'")]
        set_field = object.__setattr__
        set_field(self, "generators", names)
        set_field(self, "relations", tuple(dict.fromkeys(w for w in words if w)))
        set_field(self, "presented", self.presented or self.given is self.embedding is None)
        set_field(self, "algebra", tuple(self.algebra))
        if self.given is not None:
            set_field(self, "given", tuple(self.given))
        _check(self)

    @cached_property
    def _hash(self) -> int:
        given = [i if isinstance(i, Monomial) else image_dim(i) for i in self.given or ()]
        return hash(
            (self.generators, self.relations, tuple(given), self.algebra, self.factors, self.embedding)
        )

    def __hash__(self) -> int:
        return self._hash  # entries of matrices are compared, but take long to hash

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        relations = ", ".join(format_word(r) for r in self.relations[:8])
        more = ", ..." if len(self.relations) > 8 else ""
        bar = f" | {relations}{more}" if relations else ""
        return f"Group {self.name!r} < {', '.join(self.generators)}{bar} >"

    @property
    def point(self) -> Group:
        """The group itself, as the point group of a space group is."""
        return self

    @property
    def dim(self) -> int | None:
        """The dimension of the matrices the group was given by, or None."""
        return image_dim(self.given[0]) if self.given_by == "matrices" and self.given else None

    @property
    def degree(self) -> int | None:
        """The number of points the group was given as permuting, or None."""
        return image_dim(self.given[0]) if self.given_by == "permutations" and self.given else None

    @property
    def discrete(self) -> tuple[str, ...]:
        """The generators that are elements of the group."""
        return tuple(g for g in self.generators if g not in self.algebra)

    def index(self, generator: str) -> int:
        """The position of a generator."""
        if not isinstance(generator, str) or generator not in self.generators:
            raise GroupError(
                "generator",
                f"must be one of {', '.join(self.generators)}",
                brief(generator),
                "name one of them",
            )
        return self.generators.index(generator)

    def image(self, generator: str) -> Image:
        """What a generator was given by: an exact matrix or a monomial map."""
        at = self.index(generator)
        if self.given is None:
            remedy = "give the group by matrices or permutations, or build a Representation"
            raise GroupError("group", "must be given by matrices or permutations for this", self, remedy)
        return self.given[at]

    def matrix(self, generator: str) -> ImmutableMatrix:
        """The exact matrix a generator was given by."""
        return as_matrix(self.image(generator))

    def word(self, text: str | Word) -> Word:
        """Read a word in the generators."""
        return parse_word(text, self.generators, "word")

    @cached_property
    def elements(self) -> Elements:
        """The elements of a finite group in a fixed order, with a word for each and their multiplication."""
        if self.algebra:
            remedy = "use the generators of the Lie algebra"
            raise InfiniteError("elements", "need a finite group", self.name, remedy)
        return enumerate_permutations(self.generators, faithful_permutations(self), self.name)

    @cached_property
    def order(self) -> int | Expr:
        """The number of elements: an integer, or SymPy's ``oo`` for a Lie group."""
        return _order(self)

    def __mul__(self, other: Group) -> Group:
        if not isinstance(other, Group):
            raise GroupError("factor", "must be a group", brief(other), "use G * H, or G * space.point")
        return direct_product(self, other)

    def subgroup(
        self, generators: Mapping[str, str | Word] | Iterable[str] | str, name: str | None = None
    ) -> Group:
        """The subgroup generated by words; it keeps them, so representations restrict to it.

        Args:
            generators: words such as ``["r^2", "m"]``, or ``{new name: word}``.
            name: what to call it.

        >>> from derive.symmetry.catalogue import point_group
        >>> point_group("D4", dim=2).subgroup(["r^2", "m"]).order
        4
        """
        if name is not None and not isinstance(name, str):
            raise GroupError("name", "must be a text", brief(name), "use name='H'")
        if not isinstance(generators, Mapping):
            generators = _list_of(generators, "generators", "words such as 'r^2'")
        return make_subgroup(self, generators, name)


def faithful_permutations(group: Group) -> tuple[np.ndarray, ...]:
    """A permutation for each generator, such that the permutations generate a copy of the group."""
    if not group.generators:
        return ()
    if group.given is not None and group.faithful:
        return permutations_of(group.given, f"group {group.name}")
    if group.embedding is not None:
        parent, words = group.embedding
        return tuple(parent.elements.table[parent.elements.index(w)].astype(np.int64) for w in words)
    return coset_permutations(group.generators, group.relations, f"group {group.name}")


def _order(group: Group) -> Any:
    """The number of elements: from the family, the factors, one cycle or a stabiliser chain."""
    if group.algebra:
        return oo
    if group.family is not None and group.family.type in _ORDERS:
        return _ORDERS[group.family.type](group.family.n)
    if group.factors:
        orders = [f.order for f in group.factors]
        return oo if oo in orders else prod(orders)
    if not group.generators:
        return 1
    if group.given is group.embedding is None and not group.relations:
        return oo
    return permutations_order(faithful_permutations(group))


_ORDERS = {
    "C": lambda n: n,
    "D": lambda n: 2 * n,
    "S": factorial,
    "A": lambda n: max(factorial(n) // 2, 1),
    "B": lambda n: 2**n * factorial(n),
}


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
    images = (on_summand(factors[k].image(g), sizes, k, g in factors[k].algebra) for k, g in pairs)
    return tuple(images), given_by


def read_group(value: Any, argument: str = "group") -> Group:
    """A group; a space group stands for its point group."""
    point = getattr(value, "point", None)
    if isinstance(point, Group):
        return point
    remedy = "use point_group('D4'), symmetric(5), matrix_group(...) or another group of this library"
    raise GroupError(argument, "must be a group", brief(value), remedy)


def show_difference(one: Any, other: Any) -> str:
    """Two different groups (or space groups) as text in which they differ: by name, else by content."""
    for show in (str, repr, _content):
        if show(one) != show(other):
            break
    return f"{show(one)} and {show(other)}"


def _content(group: Any) -> str:
    """The name, and what the generators were given by."""
    point = read_group(group)
    images = [f"{g}: {_listed(image)}" for g, image in zip(point.generators, point.given or (), strict=False)]
    parent = f", subgroup of {_content(point.embedding[0])}" if point.embedding else ""
    return f"{group} with {', '.join(images) or 'no images'}{parent}"


def _listed(image: Image) -> str:
    """The points that a permutation moves to, or the rows of a matrix."""
    if isinstance(image, Monomial) and image.order == 1:
        return brief(image.image.tolist())
    return brief(as_matrix(image).tolist())


def _list_of(value: Any, argument: str, what: str) -> tuple[Any, ...]:
    """One value or several, as a tuple."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bytes | Group) or not isinstance(value, Iterable):
        raise GroupError(argument, f"must be {what}", brief(value), "give a list, or () for none")
    return tuple(value)


def _names(generators: Any) -> tuple[str, ...]:
    generators = _list_of(generators, "generators", "names such as ('a', 'b')")
    for g in generators:
        if not isinstance(g, str) or not g.isidentifier():
            raise GroupError(
                "generators", "must be names", brief(g), "use letters, digits and _, such as 'a'"
            )
    if len(set(generators)) != len(generators):
        raise GroupError(
            "generators", "must have different names", ", ".join(generators), "rename one of them"
        )
    return generators


def _check(group: Group) -> None:
    """The algebra comes first; the images fit together; every relation holds for them."""
    if group.generators[: len(group.algebra)] != group.algebra:
        rule = "must list the generators of the Lie algebra first"
        raise GroupError(
            "generators", rule, ", ".join(group.generators), f"put {', '.join(group.algebra)} first"
        )
    for relation in group.relations:
        if any(g in group.algebra for g, _ in relation):
            remedy = "state relations of the discrete generators only"
            raise GroupError("relations", "cannot use Lie algebra generators", format_word(relation), remedy)
    if group.given is None:
        return
    if len(group.given) != len(group.generators):
        counts = f"{len(group.given)} for {len(group.generators)}"
        raise GroupError("images", "must be one per generator", counts, "give each generator one image")
    if len({image_dim(i) for i in group.given}) > 1:
        sizes = ", ".join(f"{g}: {image_dim(i)}" for g, i in zip(group.generators, group.given, strict=True))
        raise GroupError("generators", "must all have one size", sizes, "give images of one size")
    broken = first_broken(group.relations, dict(zip(group.generators, group.given, strict=True)))
    if broken is not None:
        remedy = "correct the generators or leave the relation out"
        raise GroupError(
            "generators", f"must satisfy the relation {format_word(broken)} = 1", group.name, remedy
        )
