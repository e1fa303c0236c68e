"""Groups as data: named generators, relations, and what the generators were given by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from sympy import ImmutableMatrix

from derive.errors import GroupError, brief
from derive.pickling import Fields
from derive.symmetry.images import Image, as_matrix, first_broken, image_dim
from derive.symmetry.monomial import Monomial
from derive.symmetry.words import Word, format_word, parse_word

if TYPE_CHECKING:
    from sympy import Expr

    from derive.symmetry.elements import Elements


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

    @cached_property
    def defining_matrices(self) -> dict[str, ImmutableMatrix]:
        """The exact matrix each generator was given by."""
        return {g: self.matrix(g) for g in self.generators}

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
        from derive.symmetry.constructions import direct_product

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
        from derive.symmetry.constructions import make_subgroup

        if name is not None and not isinstance(name, str):
            raise GroupError("name", "must be a text", brief(name), "use name='H'")
        if not isinstance(generators, Mapping):
            generators = _list_of(generators, "generators", "words such as 'r^2'")
        return make_subgroup(self, generators, name)


def read_group(value: Any, argument: str = "group") -> Group:
    """A group; a space group stands for its point group."""
    point = getattr(value, "point", None)
    if isinstance(point, Group):
        return point
    remedy = "use point_group('D4'), symmetric(5), matrix_group(...) or another group of this library"
    raise GroupError(argument, "must be a group", brief(value), remedy)


def told_apart(one: Any, other: Any) -> str:
    """Two groups that differ, or space groups, so that the difference is seen: by name, else by content."""
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
    """What was given, one or several."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bytes | Group) or not isinstance(value, Iterable):
        raise GroupError(argument, f"must be {what}", brief(value), "give a list, or () for none")
    return tuple(value)


def _names(generators: Any) -> tuple[str, ...]:
    generators = _list_of(generators, "generators", "names such as ('a', 'b')")
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
