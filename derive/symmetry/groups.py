"""Groups as data: named generators, relations, and what the generators were given by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sympy import ImmutableMatrix, Matrix, eye, zeros

from derive.errors import GroupError
from derive.symmetry.exact import exact_matrix, over_common_field
from derive.symmetry.monomial import Monomial, direct_sum, identity_map, permutation_map
from derive.symmetry.words import Word, evaluate_word, format_word, parse_word

if TYPE_CHECKING:
    from derive.symmetry.elements import Elements
    from sympy import Expr

Image = Monomial | ImmutableMatrix


class Family(NamedTuple):
    """Which catalogue family a group was taken from, for closed-form orders and counts: ("S", 5), ("SO", 3)."""

    type: str
    n: int


@dataclass(frozen=True)
class Group:
    """A group given by named generators; equal when the content is equal, whatever the names of the groups.

    ``G = < generators | relations >`` when nothing else is given; with ``given`` (one exact matrix or monomial map
    per generator) the group those generate. Generators in ``algebra`` are elements of the Lie algebra of G and
    come first.

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
    presented: bool = field(default=False, compare=False)
    family: Family | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        names = _names(self.generators)
        relations: Any = (self.relations,) if isinstance(self.relations, str) else self.relations
        words = (parse_word(r, names) for r in relations)
        set_field = object.__setattr__
        set_field(self, "generators", names)
        set_field(self, "relations", tuple(dict.fromkeys(w for w in words if w)))
        set_field(self, "presented", self.presented or self.given is None)
        set_field(self, "algebra", tuple(self.algebra))
        if self.given is not None:
            set_field(self, "given", tuple(self.given))
        _check(self)

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
        if generator not in self.generators:
            raise GroupError(
                "generator", f"must be one of {', '.join(self.generators)}", generator, "name one of them"
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
        image = self.image(generator)
        return image.matrix if isinstance(image, Monomial) else image

    def word(self, text: str | Word) -> Word:
        """Read a word in the generators."""
        return parse_word(text, self.generators, "word")

    @cached_property
    def elements(self) -> Elements:
        """The elements of a finite group in a fixed order, with a word for each and their multiplication."""
        from derive.symmetry.elements import enumerate_elements

        return enumerate_elements(self)

    @cached_property
    def order(self) -> int | Expr:
        """The number of elements: an integer, or SymPy's ``oo`` for a Lie group."""
        from derive.symmetry.elements import group_order

        return group_order(self)

    def __mul__(self, other: Group) -> Group:
        return direct_product(self, other) if isinstance(other, Group) else NotImplemented

    def subgroup(
        self, generators: Mapping[str, str | Word] | Iterable[str] | str, name: str | None = None
    ) -> Group:
        """The subgroup generated by words in the generators; it keeps them, so representations restrict to it.

        Args:
            generators: words such as ``["r^2", "m"]``, or ``{new name: word}``.
            name: what to call it.

        >>> from derive.symmetry.catalogue import point_group
        >>> point_group("D4", dim=2).subgroup(["r^2", "m"]).order
        4
        """
        return _subgroup(self, generators, name)

    @cached_property
    def structure(self) -> Any:
        """The structure constants of the Lie algebra and the adjoint action of the discrete generators."""
        from derive.symmetry.algebra import structure_of

        return structure_of(self)


def image_dim(image: Image) -> int:
    """The dimension of the space an image acts on."""
    return image.dim if isinstance(image, Monomial) else image.rows


def as_matrix(image: Image) -> ImmutableMatrix:
    """The exact matrix of an image."""
    return image.matrix if isinstance(image, Monomial) else image


def _names(generators: Any) -> tuple[str, ...]:
    generators = (generators,) if isinstance(generators, str) else tuple(generators)
    for g in generators:
        if not isinstance(g, str) or not g.isidentifier():
            raise GroupError("generators", "must be names", repr(g), "use letters, digits and _, such as 'a'")
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


def first_broken(relations: Iterable[Word], images: Mapping[str, Image]) -> Word | None:
    """The first relation that the images do not satisfy, decided exactly."""
    relations = tuple(relations)
    if not relations:
        return None
    if all(isinstance(i, Monomial) for i in images.values()):
        maps = {g: i for g, i in images.items() if isinstance(i, Monomial)}
        one = identity_map(next(iter(maps.values())).dim)
        value: Callable[[Word], Any] = lambda w: evaluate_word(w, maps, one, _product, lambda m: m.inverse)  # noqa: E731
        return next((w for w in relations if not value(w).is_identity), None)
    used = sorted({g for w in relations for g, _ in w})
    fields = dict(zip(used, over_common_field(as_matrix(images[g]) for g in used), strict=True))
    unit = over_common_field([eye(fields[used[0]].shape[0])])[0].convert_to(fields[used[0]].domain)
    inverses = {g: m.inv() for g, m in fields.items()}
    for w in relations:
        letters = {g: m for g, m in fields.items()}
        letters |= {g + "'": m for g, m in inverses.items()}
        positive = tuple((g if e > 0 else g + "'", abs(e)) for g, e in w)
        if evaluate_word(positive, letters, unit, _product, lambda m: m) != unit:
            return w
    return None


def _product(a: Any, b: Any) -> Any:
    return a * b


def image_of_word(word: Word, images: Mapping[str, Image], dim: int) -> Image:
    """The image of a product of generators."""
    maps = {g: images[g] for g, _ in word}
    if all(isinstance(i, Monomial) for i in maps.values()):
        return evaluate_word(word, maps, identity_map(dim), _product, lambda m: m.inverse)  # type: ignore[union-attr]
    names = list(maps)
    fields = dict(zip(names, over_common_field(as_matrix(maps[g]) for g in names), strict=True))
    unit = over_common_field([eye(dim)])[0].convert_to(fields[names[0]].domain)
    return ImmutableMatrix(evaluate_word(word, fields, unit, _product, lambda m: m.inv()).to_Matrix())


def _subgroup(group: Group, generators: Any, name: str | None) -> Group:
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

    It is given by the direct sum of what the factors were given by, so a product of permutation groups permutes
    the disjoint union of their points. Generators keep their names, with ``_1``, ``_2``, ... where two factors share one.
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
    blocks = [
        as_matrix(image) if i == k else (zeros(n) if is_algebra else eye(n)) for i, n in enumerate(sizes)
    ]
    return ImmutableMatrix(Matrix.diag(*blocks))


def matrix_group(
    generators: Mapping[str, Any],
    relations: Iterable[str | Word] = (),
    name: str = "matrix group",
    algebra: Mapping[str, Any] | None = None,
) -> Group:
    """The group generated by exact matrices; with ``algebra``, a Lie group and generators of its Lie algebra.

    Args:
        generators: an invertible exact matrix for each generator.
        relations: words that must be the identity; they are checked.
        algebra: exact matrices that span the Lie algebra, closed under the bracket.

    >>> matrix_group({"r": [[0, -1], [1, 0]], "m": [[-1, 0], [0, 1]]}).order
    8
    """
    lie = {g: exact_matrix(m, f"generator {g!r}", GroupError) for g, m in (algebra or {}).items()}
    read = {g: exact_matrix(m, f"generator {g!r}", GroupError) for g, m in generators.items()}
    for g, m in read.items():
        _check_invertible(g, m)
    images = (*lie.values(), *read.values())
    words: Any = tuple(relations) if not isinstance(relations, str) else (relations,)
    return Group(name, (*lie, *read), words, images, "matrices", tuple(lie))


def _check_invertible(generator: str, m: ImmutableMatrix) -> None:
    determinant = over_common_field([m])[0].charpoly()[-1]
    if not determinant:
        remedy = "give a matrix with a nonzero determinant"
        raise GroupError(f"generator {generator!r}", "must be invertible", m.tolist(), remedy)
    if all(e.is_Integer for e in m.flat()) and abs(int(determinant)) != 1:
        rule = "must have an integer inverse (determinant 1 or -1)"
        raise GroupError(
            f"generator {generator!r}", rule, m.tolist(), "give a unimodular or a rational matrix"
        )


def permutation_group(
    generators: Any, relations: Iterable[str | Word] = (), name: str = "permutation group"
) -> Group:
    """The group generated by permutations of 0..n-1.

    Args:
        generators: ``{name: images of 0..n-1, or cycles, or a SymPy Permutation}``, or a SymPy PermutationGroup.
        relations: words that must be the identity; they are checked.

    >>> permutation_group({"a": [1, 2, 0], "b": [1, 0, 2]}).order
    6
    >>> permutation_group({"a": [(0, 1, 2)], "b": [(0, 1)]}) == permutation_group({"a": [1, 2, 0], "b": [1, 0, 2]})
    True
    """
    if not isinstance(generators, Mapping):
        generators = {f"g{i}": p for i, p in enumerate(generators.generators)}
    degree = max((_degree(g, p) for g, p in generators.items()), default=0)
    images = tuple(permutation_map(_images(g, p, degree)) for g, p in generators.items())
    words: Any = tuple(relations) if not isinstance(relations, str) else (relations,)
    return Group(name, tuple(generators), words, images, "permutations")


def _is_cycles(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(c, list | tuple) for c in value)


def _degree(name: str, value: Any) -> int:
    if _is_cycles(value):
        return 1 + max((int(i) for cycle in value for i in cycle), default=-1)
    return value.size if hasattr(value, "array_form") else len(value)


def _images(name: str, value: Any, degree: int) -> np.ndarray:
    argument = f"generator {name!r}"
    if _is_cycles(value):
        return _from_cycles(argument, value, degree)
    listed = value.array_form if hasattr(value, "array_form") else value
    image = np.asarray(listed)
    if hasattr(value, "array_form"):
        image = np.concatenate([image, np.arange(len(image), degree)]).astype(np.int64)
    if image.dtype.kind not in "iu" or image.ndim != 1:
        raise GroupError(
            argument, "must be a list of integers", value, "give the images of 0..n-1, or cycles"
        )
    if len(image) != degree or not (np.sort(image) == np.arange(degree)).all():
        rule = f"must be a permutation of 0..{degree - 1}"
        raise GroupError(argument, rule, _short(image), "list each point once, counting from 0")
    return image


def _from_cycles(argument: str, cycles: Any, degree: int) -> np.ndarray:
    image = np.arange(degree)
    points = [int(i) for cycle in cycles for i in cycle]
    if len(set(points)) != len(points) or min(points, default=0) < 0:
        raise GroupError(
            argument, "must be disjoint cycles of points 0, 1, ...", cycles, "use each point once"
        )
    for cycle in cycles:
        image[list(cycle)] = np.roll(np.array(cycle, dtype=np.int64), -1)
    return image


def _short(image: np.ndarray) -> str:
    return str(image.tolist()) if len(image) <= 12 else f"{image[:12].tolist()}... ({len(image)} points)"
