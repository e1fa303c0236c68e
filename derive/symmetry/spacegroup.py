"""Space groups: translations and a point group, as motions of physical space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy

from derive.errors import GroupError, InfiniteError, brief
from derive.pickling import Fields
from derive.symmetry.exact import exact_matrix
from derive.symmetry.group import Group, faithful_permutations, read_group
from derive.symmetry.homomorphism import read_matrices
from derive.symmetry.motion import (
    Integers,
    Motion,
    Vector,
    along,
    common_period,
    defects,
    identity,
    show,
    times,
)
from derive.symmetry.sizes import per_axis, rational, whole
from derive.symmetry.words import format_word

AXES = "uvw"


def axis_names(dim: int) -> tuple[str, ...]:
    """u, v, w for up to three axes, u1, u2, ... beyond."""
    return tuple(AXES[:dim]) if dim <= len(AXES) else tuple(f"u{i + 1}" for i in range(dim))


@dataclass(frozen=True)
class SpaceGroup(Fields):
    """Translations by `period` along each axis, and a point group about `centre`.

    A generator g of the point group moves physical space by v -> M v + (1 - M) centre + glide[g].
    M is the matrix that the point group was given by, unless `action` is given. A period of 0 means
    that the axis is not translated.
    """

    point: Group
    period: Vector
    centre: Vector
    glide: tuple[tuple[str, Vector], ...] = ()
    action: tuple[tuple[str, Integers], ...] = ()
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        vectors = (self.period, self.centre)
        if not isinstance(self.point, Group) or not all(isinstance(v, tuple) for v in vectors):
            remedy = "make it with space_group, translations or wallpaper"
            raise GroupError(
                "SpaceGroup", "must have a point group, periods and a centre", brief(self.point), remedy
            )

    @property
    def dim(self) -> int:
        return len(self.period)

    @cached_property
    def translations(self) -> dict[str, Vector]:
        """The generating translations, t_u along the first axis, and so on."""
        return {
            f"t_{name}": tuple(step if j == i else Fraction(0) for j in range(self.dim))
            for i, (name, step) in enumerate(zip(axis_names(self.dim), self.period, strict=True))
            if step
        }

    @cached_property
    def motions(self) -> dict[str, Motion]:
        """Every generator as a motion of physical space, translations first."""
        moves = {name: Motion(identity(self.dim), step) for name, step in self.translations.items()}
        glides, matrices = dict(self.glide), dict(self.action)
        zero = (Fraction(0),) * self.dim
        for name in self.point.generators:
            matrix = self._matrix(name, matrices)
            fixed = tuple(
                c - sum(m * x for m, x in zip(row, self.centre, strict=True)) + shift
                for row, c, shift in zip(matrix, self.centre, glides.get(name, zero), strict=True)
            )
            moves[name] = Motion(matrix, fixed)
        return moves

    def _matrix(self, name: str, actions: Mapping[str, Integers]) -> Integers:
        """By which matrix a generator moves space; without axes there is nothing to move."""
        if not self.dim:
            return ()
        return actions[name] if actions else _integers(self.point.matrix(name), f"matrix of {name!r}")

    @property
    def generators(self) -> tuple[str, ...]:
        return tuple(self.motions)

    def restrict(self, subgroup: Group) -> SpaceGroup:
        """The same translations with a subgroup of the point group, such as `G.point.subgroup(["r^2"])`."""
        subgroup = read_group(subgroup, "subgroup")
        if subgroup.embedding is None or subgroup.embedding[0] != self.point:
            raise GroupError(
                "subgroup",
                f"must be a subgroup of {self.point.name}",
                subgroup.name,
                "use G.point.subgroup([...])",
            )
        glides, matrices = [], []
        for name, word in zip(subgroup.generators, subgroup.embedding[1], strict=True):
            motion = along(word, self.motions, self.dim)
            fixed = (
                c - sum(m * x for m, x in zip(row, self.centre, strict=True))
                for row, c in zip(motion.matrix, self.centre, strict=True)
            )
            shift = tuple(t - f for t, f in zip(motion.shift, fixed, strict=True))
            glides += [(name, shift)] if any(shift) else []
            matrices += [(name, motion.matrix)] if self.action else []
        return SpaceGroup(subgroup, self.period, self.centre, tuple(sorted(glides)), tuple(matrices))

    @cached_property
    def metric(self) -> tuple[tuple[int, ...], ...]:
        """The quadratic form that the point group leaves invariant: the sum of M^T M over its elements."""
        generators = [self.motions[name].matrix for name in self.point.generators]
        found = {identity(self.dim)}
        frontier = [identity(self.dim)]
        while frontier:
            images = {times(g, h) for g in generators for h in frontier} - found
            found |= images
            frontier = list(images)
        forms = [times(tuple(zip(*m, strict=True)), m) for m in found]
        return tuple(tuple(sum(f[i][j] for f in forms) for j in range(self.dim)) for i in range(self.dim))

    def __str__(self) -> str:
        return self.name or self._parts(self.point.name)

    def __repr__(self) -> str:
        return (
            f"{self.name} = {self._parts(repr(self.point))}" if self.name else self._parts(repr(self.point))
        )

    def _parts(self, point: str) -> str:
        """All data that distinguish two space groups, defaults left out."""
        parts = [point, f"period={show(self.period)}"]
        parts += [f"centre={show(self.centre)}"] if any(self.centre) else []
        parts += [f"glide={_pairs(self.glide, show)}"] if self.glide else []
        moving = [(g, m) for g, m in self.action if m != identity(self.dim)]
        parts += [f"action={_pairs(moving, _brackets)}"] if self.action else []
        return f"space_group({', '.join(parts)})"


def _pairs(pairs: Iterable[tuple[str, Any]], show_: Callable[[Any], str]) -> str:
    return "{" + ", ".join(f"{key!r}: {show_(value)}" for key, value in pairs) + "}"


def _brackets(matrix: Integers) -> str:
    return str([list(row) for row in matrix])


def _integers(matrix: sympy.MatrixBase, argument: str) -> Integers:
    if not all(entry.is_Integer for entry in matrix):
        remedy = "choose another basis of the lattice, such as axial coordinates for hexagonal groups"
        raise GroupError(argument, "must have integer entries to move a lattice", matrix.tolist(), remedy)
    return tuple(tuple(int(entry) for entry in matrix.row(i)) for i in range(matrix.rows))


def space_group(
    point: Group,
    period: Any = 1,
    centre: Any = 0,
    glide: Mapping[str, Any] | None = None,
    name: str = "",
    action: Mapping[str, Any] | None = None,
) -> SpaceGroup:
    """A point group together with translations: g acts by v -> M v + (1 - M) centre + glide[g].

    `period`: the translation along each axis (0: none); `centre`: the physical point that the point
    group fixes; `glide`: an extra translation for some generators; `action`: the integer matrices by which
    generators move space, where the point group was not given by them. Generators left out act on
    fibres only, as symmetries of channels do.

    Raises GroupError when the point group has no integer matrices or is not finite, a glide names no
    generator, or glides make a product of generators another element than the point group has;
    RepresentationError when the matrices of `action` do not multiply as the group's elements do.

    >>> from derive.symmetry.catalogue import cyclic
    >>> print(space_group(cyclic(2), period=(1, 1), action={}))        # a sign of channels, nothing moves
    space_group(Z_2, period=(1, 1), action={})
    """
    point = require_finite(_point(point))
    matrices = _action(point, action, period)
    dim = _dim(point, matrices, period)
    shifts = _glides(point, glide, dim)
    group = SpaceGroup(
        point=point,
        period=_periods(period, dim),
        centre=tuple(rational(x, "centre") for x in per_axis(centre, dim, "centre")),
        glide=tuple((g, shift) for g, shift in shifts if any(shift)),  # equal groups compare equal
        action=matrices,
        name=_title(name),
    )
    _check_periods(group)
    _check_products(group)
    return group


def _point(point: Any) -> Group:
    if isinstance(point, SpaceGroup):
        remedy = "give its .point, or use wallpaper(name, period=...)"
        raise GroupError("point", "must be a point group, without translations", str(point), remedy)
    if isinstance(point, str):
        maker = "wallpaper" if point[:1].islower() else "point_group"
        remedy = f"use {maker}({point!r})"
        raise GroupError("point", "must be a group, not its name", brief(point), remedy)
    return read_group(point, "point")


def _title(name: Any) -> str:
    if not isinstance(name, str):
        raise GroupError("name", "must be a text", brief(name), "use name='G'")
    return name


def _dim(point: Group, matrices: tuple[tuple[str, Integers], ...], period: Any) -> int:
    """The number of axes: that of the matrices, or of the periods where nothing moves."""
    if matrices:
        return len(matrices[0][1])
    if point.dim is not None:
        return point.dim
    if not point.generators and isinstance(period, list | tuple) and period:
        return len(period)
    remedy = "use point_group or matrix_group, or give action={generator: integer matrix}"
    raise GroupError("point", "must be given by integer matrices", point.name, remedy)


def _glides(point: Group, glide: Any, dim: int) -> list[tuple[str, Vector]]:
    given = {} if glide is None else glide
    if not isinstance(given, Mapping):
        raise GroupError(
            "glide", "must be {generator: shift}", brief(glide), f"use names of {point.generators}"
        )
    unknown = [g for g in given if g not in point.generators]
    if unknown:
        raise GroupError("glide", f"must name generators of {point.name}", unknown, f"use {point.generators}")
    return [(g, tuple(rational(x, "glide") for x in per_axis(given[g], dim, "glide"))) for g in sorted(given)]


def require_finite(point: Group) -> Group:
    """The group, or an error where it does not act on a lattice: it must be finite, of integer matrices."""
    rule = "must be finite to act on a lattice"
    if point.algebra:
        remedy = (
            "use a finite subgroup such as point_group('C4'), or solve for representations without a lattice"
        )
        raise GroupError("point", rule, f"the Lie group {point.name}", remedy)
    if not _is_finite(point):
        remedy = "use generators of finite order, or relations that make it finite"
        raise GroupError("point", rule, point, remedy)
    return point


def _is_finite(point: Group) -> bool:
    if point.factors:
        return all(_is_finite(factor) for factor in point.factors)
    if point.family is not None or point.given_by == "permutations" or not point.generators:
        return True
    if point.given is point.embedding is None and not point.relations:
        return False
    try:
        faithful_permutations(point)
    except InfiniteError:
        return False
    return True


def _action(point: Group, action: Any, period: Any) -> tuple[tuple[str, Integers], ...]:
    """One integer matrix per generator, the identity for those left out; nothing where no action is given."""
    if action is None:
        return ()
    if not isinstance(action, Mapping):
        raise GroupError("action", "must be {generator: integer matrix}", brief(action), "give a dictionary")
    if not point.generators and not action:
        return ()
    given = {g: exact_matrix(m, f"action of {g!r}") for g, m in action.items()}
    broken = next((m for m in given.values() if not all(x.is_Integer for x in m)), None)
    if broken is not None:
        remedy = "choose another basis of the lattice"
        raise GroupError("action", "must be integer matrices", broken.tolist(), remedy)
    sizes = [m.rows for m in given.values()] or ([len(period)] if isinstance(period, list | tuple) else [])
    if not sizes or not sizes[0]:
        raise GroupError("action", "must determine the number of axes", action, "give period=(1, 1)")
    one = sympy.eye(sizes[0])
    full = {g: given.get(g, one) for g in point.generators} | given
    if full.keys() == set(point.generators) and all(m == one for m in full.values()):
        return tuple((g, identity(sizes[0])) for g in point.generators)
    matrices = zip(point.generators, read_matrices(point, full), strict=True)
    return tuple((g, _integers(m, f"action of {g!r}")) for g, m in matrices)


def _check_periods(group: SpaceGroup) -> None:
    """Generators must carry translations to translations."""
    names = axis_names(group.dim)
    for g in group.point.generators:
        for i, step in enumerate(group.period):
            image = tuple(row[i] * step for row in group.motions[g].matrix)
            bad = next((j for j, x in enumerate(image) if not _whole(x, group.period[j])), None)
            if bad is not None:
                raise GroupError(
                    "period",
                    "must be carried to itself by every generator, "
                    f"and {g!r} carries a translation by {step} along {names[i]}",
                    f"to {show(image)}, which is none of {show(group.period)}: {group.period[bad]} along "
                    f"{names[bad]}",
                    "give the axes that a generator exchanges one period",
                )


def _check_products(group: SpaceGroup) -> None:
    """A product of generators that is one element must be one motion, up to translations.

    Without glides all motions fix the centre, so they multiply as their matrices do.
    """
    if not group.glide:
        return
    found = defects(group.point, group.motions)
    broken = next((d for d in found if not all(map(_whole, d.shift, group.period))), None)
    if broken is not None:
        matrices = [group.motions[g].matrix for g in group.point.generators]
        period = common_period(group.period, [d.shift for d in found], matrices)
        raise GroupError(
            "glide",
            f"must make {format_word(broken.word)} a translation by periods {show(group.period)}",
            f"a shift by {show(broken.shift)}",
            f"use period={show(period)}, or leave the glide out",
        )


def _whole(x: Fraction, step: Fraction) -> bool:
    """Whether x is a multiple of a step; where nothing is translated, whether it is 0."""
    return x % step == 0 if step else x == 0


def translations(dim: int, period: Any = 1) -> SpaceGroup:
    """All shifts of a lattice: (T_s x)[c, u, v] = x[c, u - s_u, v - s_v].

    `dim`: the number of axes; `period`: the step along each axis, 0 for an axis that is not translated.

    >>> print(translations(2))
    translations(2)
    >>> print(translations(2, period=(1, 0)))
    translations(2, period=(1, 0))
    """
    dim = whole(dim, "dim")
    periods = _periods(period, dim)
    suffix = "" if set(periods) == {Fraction(1)} else f", period={show(periods)}"
    return SpaceGroup(
        point=Group("C1", generators=()),
        period=periods,
        centre=(Fraction(0),) * dim,
        name=f"translations({dim}{suffix})",
    )


def _periods(period: Any, dim: int) -> Vector:
    periods = tuple(rational(x, "period") for x in per_axis(period, dim, "period"))
    if any(step < 0 for step in periods):
        raise GroupError("period", "must be >= 0 (0: not translated)", show(periods), "drop the sign")
    return periods
