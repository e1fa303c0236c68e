"""The fields of a layer: what it reads, what it returns, and the one group that both belong to.

A layer that goes to a coarser or finer lattice keeps fewer translations than its fields have, and a window of
even size moves the centre: the group of a layer is the largest part of its input's group that carries both
lattices to themselves. Its output field has the translations that the output lattice has by itself, so that
the next layer loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import gcd, lcm
from typing import Any

import derive
from derive.symmetry.lattice import Lattice
from derive.symmetry.spacegroup import axis_names
from kernels.errors import FieldError, ShapeError, brief

Vector = tuple[Fraction, ...]


def read_field(value: Any, argument: str = "field") -> derive.Field:
    """A field as people give it: a representation is a field without a lattice."""
    if isinstance(value, derive.Representation):
        value = derive.Field.off_lattice(off_lattice_group(value.group), value)
    if not isinstance(value, derive.Field):
        remedy = "give derive.Field(G, fibre=...), or the .out of the layer before"
        raise FieldError(argument, "must be a field or a representation", brief(value), remedy)
    sizes = [value.fibre.dim, *(n for n in (value.lattice.grid if value.lattice else ()) if n is not None)]
    if not all(isinstance(n, int) or n.is_Integer for n in sizes):
        raise FieldError(argument, "must have numbers for sizes", value, "substitute the symbols first")
    return value.replace(name=None)


def off_lattice_group(point: derive.Group) -> derive.SpaceGroup:
    """A group that moves no lattice."""
    return derive.SpaceGroup(point, (), (), name=point.name)


def read_fibre(value: Any, x: derive.Field, argument: str = "y") -> derive.Representation:
    """The fibre of an output, given as a field or a representation of the input's point group."""
    fibre = read_field(value, argument).fibre
    if fibre.group != x.group.point:
        rule = f"must belong to the point group {x.group.point} of the input"
        raise FieldError(argument, rule, f"{said(fibre)} of {fibre.group}", "build it on x.group.point")
    return fibre


def said(fibre: derive.Representation) -> str:
    """A fibre for people: 8 regular + 2 trivial, 4 (trivial + V)."""
    blocks = [(copies, piece_name(piece)) for copies, piece in fibre.blocks]
    text = [name if copies == 1 else f"{copies} {name}" for copies, name in blocks]
    length = next((n for n in range(2, len(text)) if text == text[:n] * (len(text) // n)), len(text))
    if length < len(text):
        return f"{len(text) // length} ({' + '.join(text[:length])})"
    return " + ".join(text) or "0"


def piece_name(piece: Any) -> str:
    """The name of a piece; that of scalars is a word."""
    return "trivial" if piece.name == "1" else str(piece.name)


def require_lattice(x: derive.Field, layer: str) -> derive.Field:
    """Refuse fields without sites, for a layer that works on sites."""
    if x.lattice is None:
        rule = f"must live on a lattice for {layer}"
        raise FieldError("field", rule, x, "use Linear, or a field on a lattice")
    return x


def lattice(x: derive.Field) -> Lattice:
    """The lattice of a field that has one."""
    assert x.lattice is not None
    return x.lattice


def rank(field: derive.Field) -> int:
    """The number of spatial axes of an array of this field."""
    return 0 if field.lattice is None else field.lattice.dim


def grid(field: derive.Field) -> tuple[int | None, ...]:
    """The number of sites along every axis, None where an array may have any."""
    return () if field.lattice is None else tuple(None if n is None else int(n) for n in field.lattice.grid)


def periodic(field: derive.Field) -> tuple[bool, ...]:
    """Along which axes a field closes to a circle."""
    return () if field.lattice is None else tuple(kind == "periodic" for kind in field.lattice.boundary)


def require_array(field: derive.Field, x: Any, argument: str = "x") -> None:
    """Refuse an array that holds no such field: (batch..., spatial..., channels)."""
    axes, channels, sizes = rank(field), int(field.fibre.dim), grid(field)
    shape = tuple(x.shape)
    fits = len(shape) > axes and shape[-1] == channels
    if not fits or any(n is not None and n != m for n, m in zip(sizes, shape[-1 - axes : -1], strict=True)):
        where = ", ".join(["batch...", *("site" if n is None else str(n) for n in sizes), str(channels)])
        raise ShapeError(argument, f"must have the shape ({where})", shape, f"it should hold the {field}")


# ---- another lattice ------------------------------------------------------------------------------------


def moved(
    x: derive.Field,
    fibre: derive.Representation,
    ratio: Vector,
    shift: Vector,
    sizes: tuple[int | None, ...],
) -> tuple[derive.Field, derive.Field, derive.SpaceGroup]:
    """The input and the output of a layer under its one group, and the output's own group.

    `ratio`: the output's spacing in sites of the input; `shift`: how far, in sites of the input, the output's
    first site stands from that of the input; `sizes`: how many sites it has.
    """
    old = lattice(x)
    _require_equal(x.group, ratio)
    spacing = tuple(s * r for s, r in zip(old.spacing, ratio, strict=True))
    offset = tuple(o + s * d for o, s, d in zip(old.offset, old.spacing, shift, strict=True))
    own = tuple(map(_own_period, x.group.period, spacing, ratio, [bool(x.group.glide)] * len(ratio)))
    both = tuple(map(least_common, x.group.period, own))
    group = _common_group(x.group, both, spacing, offset)
    out = derive.Field(group, fibre=fibre, grid=sizes, boundary=old.boundary, spacing=spacing, offset=offset)
    return x.replace(group=group), out, _titled(replace(group, period=own))


def _require_equal(group: derive.SpaceGroup, ratio: Vector) -> None:
    """Axes that a generator exchanges must get coarser or finer alike."""
    names = axis_names(group.dim)
    for g, i, j in product(group.point.generators, range(group.dim), range(group.dim)):
        if ratio[i] != ratio[j] and group.motions[g].matrix[i][j]:
            rule = (
                f"must be equal along axes that a generator mixes, and {g!r} mixes {names[i]} and {names[j]}"
            )
            found = f"({', '.join(map(str, ratio))}) times the spacing"
            raise FieldError("strides, factor", rule, found, "give one number for all axes")


def _own_period(period: Fraction, spacing: Fraction, ratio: Fraction, glides: bool) -> Fraction:
    """The translations of the output by itself: as many sites apart as those of the input."""
    if not period:
        return period
    if ratio.denominator == 1:
        return least_common(period, spacing)
    return least_common(period, spacing) if glides else period * ratio


def least_common(a: Fraction, b: Fraction) -> Fraction:
    """The least number that is a multiple of both; 0 where one is 0."""
    if not a or not b:
        return Fraction(0)
    return Fraction(lcm(a.numerator, b.numerator), gcd(a.denominator, b.denominator))


def _common_group(group: Any, period: Vector, spacing: Vector, offset: Vector) -> Any:
    """The group with these translations, about the nearest centre that carries the other lattice too."""
    glides = dict(group.glide)
    zero = (Fraction(0),) * group.dim
    motions = {g: (group.motions[g].matrix, glides.get(g, zero)) for g in group.point.generators}
    for centre in _centres(group.centre, spacing, offset):
        steps = tuple(c - old for c, old in zip(centre, group.centre, strict=True))
        gaps = tuple(c - o for c, o in zip(centre, offset, strict=True))
        inside = all(_multiples(_turned(m, steps), group.period) for m, _ in motions.values())
        carried = all(_multiples(_turned(m, gaps, glide), spacing) for m, glide in motions.values())
        if inside and carried:
            return _titled(replace(group, period=period, centre=centre))
    return _titled(replace(group, period=period))  # no centre: the field says what is wrong


def _centres(centre: Vector, spacing: Vector, offset: Vector) -> list[Vector]:
    """The centre given, then points between sites: halves of a spacing before thirds, the nearest first."""
    found = [centre]
    for parts in (2, 3):
        axes = [{c, *_near(c, o, s, parts)} for c, o, s in zip(centre, offset, spacing, strict=True)]
        found += sorted(product(*axes), key=lambda point: _steps(point, centre))
    return found


def _near(centre: Fraction, offset: Fraction, spacing: Fraction, parts: int) -> Iterator[Fraction]:
    """The sites about a centre along one axis, and the points that cut the ways between them into parts."""
    site = offset + spacing * round((centre - offset) / spacing)
    return (site + Fraction(k, parts) * spacing for k in range(-parts, parts + 1))


def _steps(point: Vector, centre: Vector) -> tuple[Fraction, ...]:
    """How far a point is, positive before negative."""
    steps = [x - c for x, c in zip(point, centre, strict=True)]
    return (sum((abs(s) for s in steps), Fraction(0)), *(-s for s in steps))


def _turned(matrix: Any, vector: Vector, glide: Sequence[Fraction] | None = None) -> Vector:
    """(1 - M) v + glide."""
    more = glide or (Fraction(0),) * len(vector)
    rows = zip(matrix, vector, more, strict=True)
    return tuple(v - sum(m * x for m, x in zip(row, vector, strict=True)) + t for row, v, t in rows)


def _multiples(vector: Vector, steps: Vector) -> bool:
    """Whether every entry is a whole number of steps; of a step 0, whether it is 0."""
    return all((v / s).denominator == 1 if s else v == 0 for v, s in zip(vector, steps, strict=True))


class PartName(str):
    """The name of a part of a group; it knows that of the whole."""

    whole: str
    said: str

    def __new__(cls, whole: str, said: str) -> PartName:
        made = super().__new__(cls, f"{whole} with {said}")
        made.whole, made.said = whole, said
        return made

    def __reduce__(self) -> tuple[type[PartName], tuple[str, str]]:
        return PartName, (self.whole, self.said)


def _titled(group: Any) -> Any:
    """A group named after the one that it is part of, with what differs from the plain lattice."""
    whole = group.name.whole if isinstance(group.name, PartName) else group.name
    parts = [
        f"{word} {_short(vector)}"
        for word, vector, usual in (("period", group.period, 1), ("centre", group.centre, 0))
        if any(v not in (usual, 0) for v in vector)
    ]
    return replace(group, name=PartName(whole, ", ".join(parts)) if whole and parts else whole)


def _short(vector: Vector) -> str:
    return str(vector[0]) if len(set(vector)) == 1 else f"({', '.join(map(str, vector))})"


# ---- neighbours -----------------------------------------------------------------------------------------


def require_same(before: str, out: derive.Field, after: str, into: derive.Field, remedy: str = "") -> None:
    """Two layers may follow each other if one returns what the other reads: fibre, lattice and point group.

    Translations may differ: each layer keeps as many as its own two lattices have.
    """
    if (out.fibre, out.lattice, out.group.point) == (into.fibre, into.lattice, into.group.point):
        return
    parts = {
        "fibres": (out.fibre.name, into.fibre.name) if out.fibre != into.fibre else None,
        "lattices": (out.lattice, into.lattice) if out.lattice != into.lattice else None,
    }
    differ = " and ".join(name for name, pair in parts.items() if pair) or "point groups"
    raise FieldError(
        f"{after} after {before}",
        f"must read what {before} returns, and their {differ} differ",
        f"{out} ({said(out.fibre)}) before {into} ({said(into.fibre)})",
        remedy or f"build {after} on the .out of {before}",
    )
