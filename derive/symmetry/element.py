"""Elements of a group as people write them: words, numbers, shifts, parameters of a Lie group, products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeAlias

import sympy

from derive.errors import GroupError, brief
from derive.symmetry.group import Group, show_difference
from derive.symmetry.lattice import Lattice
from derive.symmetry.spacegroup import SpaceGroup, axis_names
from derive.symmetry.words import Word, format_word, parse_word, reduce_word


@dataclass(frozen=True)
class Exponential:
    """exp(sum of parameter * generator), for generators of a Lie algebra."""

    parameters: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return "exp(" + " + ".join(f"{t} {g}" for g, t in self.parameters) + ")"


Factor: TypeAlias = Word | Exponential


@dataclass(frozen=True)
class Element:
    """An element of a group, a product of words and exponentials: the last factor acts first."""

    group: Group
    factors: tuple[Factor, ...]

    @property
    def word(self) -> Word | None:
        """The element as one word; None where it has an exponential."""
        if any(isinstance(f, Exponential) for f in self.factors):
            return None
        return reduce_word(letter for f in self.factors if not isinstance(f, Exponential) for letter in f)

    def __str__(self) -> str:
        word = self.word
        if word is not None:
            return format_word(word)
        return " ".join(str(f) if isinstance(f, Exponential) else format_word(f) for f in self.factors)


def read_element(space: SpaceGroup, g: Any, lattice: Lattice | None = None) -> Element:
    """An element of a space group.

    `g`: a generator's name or a word in them ("r", "t_u^3*r"), the number of an element of the point group,
    shifts in sites of the lattice along each axis, {generator of the Lie algebra: parameter}, in which
    generators of the group may have powers and act first, or a tuple of such elements: their product.

    >>> from derive.symmetry.wallpaper import wallpaper
    >>> print(read_element(wallpaper("p4m"), "t_u*r*r"), read_element(wallpaper("p4m"), ("r", "m")))
    t_u*r^2 r*m
    """
    if isinstance(g, Element):
        return _known(space, g, lattice)
    if isinstance(g, str):
        return Element(space.point, (_word(space, g),))
    if isinstance(g, Integral) and not isinstance(g, bool):
        return Element(space.point, (_numbered(space.point, int(g)),))
    if isinstance(g, Mapping):
        return Element(space.point, _parameters(space.point, g))
    entries = _entries(g)
    if entries and all(isinstance(n, Integral) and not isinstance(n, bool) for n in entries):
        return Element(space.point, (_shifts(space, entries, lattice),))
    if entries and all(_is_letter(pair) for pair in entries):
        return Element(space.point, (_word(space, entries),))
    parts = [read_element(space, part, lattice) for part in entries]
    return Element(space.point, tuple(f for part in parts for f in part.factors))


def _entries(g: Any) -> tuple[Any, ...]:
    given = g.tolist() if type(g).__module__ == "numpy" and getattr(g, "ndim", 0) == 1 else g
    if not isinstance(given, list | tuple):
        remedy = "give a word such as 'r^2*m', shifts such as (1, 0), or {'x01': 0.3}"
        raise GroupError("g", "must be an element of the group", brief(g), remedy)
    return tuple(given)


def _is_letter(pair: Any) -> bool:
    return (
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], Integral)
    )


def _known(space: SpaceGroup, g: Element, lattice: Lattice | None) -> Element:
    """An element that was read before; one that does not move sites forgets its translations."""
    if g.group != space.point:
        groups = show_difference(g.group, space.point)
        raise GroupError("g", "must be an element of the field's group", groups, "read it from that group")
    if lattice is not None:
        for f in g.factors:
            if not isinstance(f, Exponential):
                parse_word(f, space.generators, "g")
        return g
    own = space.point.generators
    kept = (f if isinstance(f, Exponential) else tuple(e for e in f if e[0] in own) for f in g.factors)
    return Element(g.group, tuple(kept))


def _word(space: SpaceGroup, g: Any) -> Word:
    word = parse_word(g, space.generators, "g")
    bad = next((name for name, _ in word if name in space.point.algebra), None)
    if bad is not None:
        rule = f"must give {bad!r} a parameter, since it generates the Lie algebra"
        raise GroupError("g", rule, brief(g), f"use {{{bad!r}: 0.3}}, the exponential of 0.3 {bad}")
    return word


def _numbered(point: Group, number: int) -> Word:
    order = point.elements.order
    if not 0 <= number < order:
        rule = f"must number one of the {order} elements of {point}"
        raise GroupError("g", rule, number, f"give 0 to {order - 1}, or a word")
    return point.elements.word(number)


def _shifts(space: SpaceGroup, shifts: tuple[Any, ...], lattice: Lattice | None) -> Word:
    if lattice is None:
        raise GroupError("g", "cannot shift: there is no lattice", shifts, "give a word in the generators")
    if len(shifts) != space.dim:
        rule = f"must give a shift for every axis, {space.dim}"
        raise GroupError("g", rule, shifts, f"for example {(1,) + (0,) * (space.dim - 1)}")
    letters = []
    for name, n, step, s in zip(axis_names(space.dim), shifts, space.period, lattice.spacing, strict=True):
        if not step and n:
            remedy = "shift by 0 there"
            raise GroupError("g", f"cannot shift along {name}: {space} has no translation there", n, remedy)
        if step and n * s % step:
            rule = f"must shift by whole periods, {step / s} sites along {name}"
            raise GroupError("g", rule, n, f"use a multiple of {step / s}")
        letters += [(f"t_{name}", int(n * s / step))] if n else []
    return tuple(letters)


def _parameters(point: Group, given: Mapping[Any, Any]) -> tuple[Factor, ...]:
    if not point.algebra:
        rule = f"cannot have parameters: {point} is no Lie group"
        raise GroupError("g", rule, brief(dict(given)), "give a word such as 'r^2*m'")
    for name, value in given.items():
        point.index(name)
        if name in point.algebra and not _is_number(value):
            raise GroupError(
                "g", f"must give {name!r} a real parameter", brief(value), f"use {{{name!r}: 0.3}}"
            )
        if name not in point.algebra and not (isinstance(value, Integral) and not isinstance(value, bool)):
            rule = f"must give {name!r} a whole power, since it is an element of the group"
            raise GroupError("g", rule, brief(value), f"use {{{name!r}: 1}}")
    exponents = tuple((g, given[g]) for g in point.algebra if g in given)
    word = tuple((g, int(given[g])) for g in point.discrete if given.get(g))
    return tuple(([Exponential(exponents)] if exponents else []) + ([word] if word else []))


def _is_number(value: Any) -> bool:
    """A real number, or an array of one, which a transformation may be tracing."""
    if isinstance(value, bool):
        return False
    if isinstance(value, sympy.Expr):
        return bool(value.is_real and value.is_number)
    return isinstance(value, Real) or getattr(value, "shape", None) == ()
