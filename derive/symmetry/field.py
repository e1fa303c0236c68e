"""A field: a representation spread over the sites of a lattice, or over no lattice at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy

from derive.errors import GridError, GroupError, RepresentationError, brief
from derive.symmetry.acting import Action, block_actions, motion_of
from derive.symmetry.element import read_element
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.group import Group
from derive.symmetry.lattice import Lattice, make_lattice, require_kept
from derive.symmetry.names import is_taken
from derive.symmetry.representation import Representation, read_representation, trivial
from derive.symmetry.sizes import size
from derive.symmetry.spacegroup import SpaceGroup, require_finite


@dataclass(frozen=True, init=False)
class Field:
    """At every site a vector in a fibre: (g x)(p) = rho(g) x(g^-1 p).

    `group`: a space group, a point group acting about the centre of a grid, or euclidean(n, ...), on which
    a field has sites everywhere;
    `channels`: copies of the trivial fibre, a number or a name, 1 unless given; `fibre`: a representation
    of the point group instead; `name`: the letter in equations; `grid`: sites along each axis (None: all of
    Z); `boundary`: 'periodic' or 'zero' where translations leave the grid; `spacing`, `offset`: site p
    stands at spacing * p + offset.

    Raises SizeError, GridError, LatticeError or RepresentationError, each naming the argument.

    >>> from derive import translations
    >>> Field(translations(2), channels="C", name="x")
    Field x: C channels on Z^2 under translations(2)
    """

    group: Any
    fibre: Representation
    name: str | None
    lattice: Lattice | None

    def __init__(
        self,
        group: SpaceGroup | Euclidean | Group,
        channels: Any = None,
        fibre: Representation | None = None,
        name: str | None = None,
        grid: Any = None,
        boundary: Any = None,
        spacing: Any = 1,
        offset: Any = None,
    ) -> None:
        space = group if isinstance(group, SpaceGroup | Euclidean) else _about_origin(group, grid)
        put = object.__setattr__
        put(self, "group", space)
        put(self, "fibre", _fibre(space, channels, fibre))
        put(self, "name", _name(name))
        put(self, "lattice", _lattice(space, grid, boundary, spacing, offset))

    @classmethod
    def off_lattice(cls, group: SpaceGroup, fibre: Representation) -> Field:
        """A representation as a field with zero lattice dimensions: nothing moves but the fibre."""
        return _of_parts(group, fibre, None, None)

    def replace(self, **parts: Any) -> Field:
        """The same field with another `group`, `fibre`, `name` or `lattice`, which must fit together."""
        unknown = set(parts) - {"group", "fibre", "name", "lattice"}
        if unknown:
            raise GroupError("replace", "takes group, fibre, name and lattice", sorted(unknown), "name those")
        now: dict[str, Any] = {
            "group": self.group,
            "fibre": self.fibre,
            "name": self.name,
            "lattice": self.lattice,
        }
        return _of_parts(**(now | parts))

    def restrict(self, space: SpaceGroup | Euclidean) -> Field:
        """The same field, on which only a subgroup acts, given as a space group with fewer generators."""
        if not isinstance(space, SpaceGroup | Euclidean):
            raise GroupError("space", "must be a space group", brief(space), "use G.restrict(subgroup)")
        return self.replace(group=space, fibre=self.fibre.restrict(space.point))

    def action(self, g: Any, channels: int | None = None) -> Action:
        """How an element of the group acts: (g x)(p) = rho(g) x(g^-1 p), space and fibre apart.

        `g`: a word in the generators, the number of an element of the point group, shifts in sites,
        parameters of a Lie group, a tuple of these; `channels`: their number, where copies are a symbol.

        >>> from derive import wallpaper
        >>> Field(wallpaper("p4m")).action("t_u*r").motion
        Motion(matrix=((0, -1), (1, 0)), shift=(Fraction(1, 1), Fraction(0, 1)))
        """
        element = read_element(self.group, g, self.lattice)
        blocks = block_actions(self.fibre, element, channels)
        return Action(element, *motion_of(self.group, element), blocks)

    def require_sizes(self, known: Mapping[str, int]) -> None:
        """Refuse numbers for symbols of the grid that would have been refused as its sizes."""
        if self.lattice is None:
            return
        grid = tuple(
            None if n is None else n.subs({s: known[s.name] for s in n.free_symbols if s.name in known})
            for n in self.lattice.grid
        )
        require_kept(replace(self.lattice, grid=grid), self.group)

    @property
    def continuous(self) -> bool:
        """Whether sites are everywhere in R^n."""
        return isinstance(self.group, Euclidean)

    @property
    def channels(self) -> sympy.Expr:
        """The number of channels: the dimension of the fibre."""
        return sympy.sympify(self.fibre.dim)

    def __repr__(self) -> str:
        sites = f"R^{self.group.dim}" if self.continuous else self.lattice or "no lattice"
        name, s = f" {self.name}" if self.name else "", "" if self.channels == 1 else "s"
        return f"Field{name}: {self.channels} channel{s} on {sites} under {self.group}"


def _of_parts(group: SpaceGroup, fibre: Representation, name: str | None, lattice: Lattice | None) -> Field:
    """Refuse a fibre of another group, and a lattice of another dimension."""
    if fibre.group != group.point or (lattice is not None and lattice.dim != group.dim):
        raise RepresentationError(
            "fibre, lattice", f"must belong to {group}", (fibre, lattice), "build them on this group"
        )
    field = object.__new__(Field)
    for key, value in (("group", group), ("fibre", fibre), ("name", name), ("lattice", lattice)):
        object.__setattr__(field, key, value)
    return field


def _name(name: str | None) -> str | None:
    """The letter of a field: one that equations do not use otherwise; by default x and y."""
    if name is None or (isinstance(name, str) and name in ("x", "y")):
        return name
    if not isinstance(name, str) or not name.isidentifier() or is_taken(name):
        rule = "must be a word that the equations do not use otherwise"
        raise GroupError("name", rule, brief(name), "use name='x'")
    return name


def _about_origin(group: Group, grid: Any) -> SpaceGroup:
    """A point group without translations, about the origin, where the grid will be centred."""
    if not isinstance(group, Group):
        remedy = "use translations(2) or wallpaper('p4m')"
        raise GroupError("group", "must be a group of this library", brief(group), remedy)
    require_finite(group)
    if group.dim is None or grid is None:
        raise GridError(
            "grid",
            "is needed where a point group of integer matrices acts without translations",
            grid,
            "give grid=(H, W), or use space_group(P)",
        )
    zero = (Fraction(0),) * group.dim
    return SpaceGroup(point=group, period=zero, centre=zero)


def _fibre(space: SpaceGroup | Euclidean, channels: Any, fibre: Representation | None) -> Representation:
    if channels is not None and fibre is not None:
        raise RepresentationError(
            "channels, fibre",
            "exactly one of the two must be given",
            (channels, fibre),
            "give channels=3 or fibre=...",
        )
    if fibre is None:
        return size(1 if channels is None else channels, "channels") * trivial(space.point)
    return read_representation(fibre, "fibre", space.point)


def _lattice(
    space: SpaceGroup | Euclidean, grid: Any, boundary: Any, spacing: Any, offset: Any
) -> Lattice | None:
    """The sites; on R^n they are everywhere."""
    if isinstance(space, SpaceGroup):
        return make_lattice(space, grid, boundary, spacing, offset)
    given = {"grid": grid, "boundary": boundary, "spacing": spacing, "offset": offset}
    for argument, default in (("grid", None), ("boundary", None), ("spacing", 1), ("offset", None)):
        if given[argument] is not default and given[argument] != default:
            rule = f"must be left out on R^{space.dim}, where sites are everywhere"
            raise GridError(argument, rule, brief(given[argument]), "sample when the layer is lowered")
    return None
