"""Space groups: translations and a point group, as motions of physical space."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy

from derive.errors import GroupError
from derive.pickling import Fields
from derive.symmetry.groups import Group
from derive.symmetry.sizes import per_axis, rational, whole
from derive.symmetry.words import Word, format_word

AXES = "uvw"
Vector = tuple[Fraction, ...]
Integers = tuple[tuple[int, ...], ...]


def axis_names(dim: int) -> tuple[str, ...]:
    """u, v, w for up to three axes, u1, u2, ... beyond."""
    return tuple(AXES[:dim]) if dim <= len(AXES) else tuple(f"u{i + 1}" for i in range(dim))


def show(vector: Vector) -> str:
    """A vector as people write it: (1, 1/2)."""
    return "(" + ", ".join(str(x) for x in vector) + ("," if len(vector) == 1 else "") + ")"


@dataclass(frozen=True)
class Motion:
    """v -> M v + t in physical space."""

    matrix: Integers
    shift: Vector


@dataclass(frozen=True)
class SpaceGroup(Fields):
    """Translations by `period` along each axis, and a point group about `centre`.

    A generator g of the point group moves physical space by v -> M v + (1 - M) centre + glide[g].
    M is the matrix that the point group was given by, unless `action` says otherwise. A period of 0 means
    that the axis is not translated.
    """

    point: Group
    period: Vector
    centre: Vector
    glide: tuple[tuple[str, Vector], ...] = ()
    action: tuple[tuple[str, Integers], ...] = ()
    name: str = field(default="", compare=False)

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
        moves = {name: Motion(self._identity, step) for name, step in self.translations.items()}
        glides, matrices = dict(self.glide), dict(self.action)
        zero = (Fraction(0),) * self.dim
        for name in self.point.generators:
            matrix = matrices[name] if matrices else _rows(self.point.matrix(name))
            fixed = tuple(
                c - sum(m * x for m, x in zip(row, self.centre, strict=True)) + shift
                for row, c, shift in zip(matrix, self.centre, glides.get(name, zero), strict=True)
            )
            moves[name] = Motion(matrix, fixed)
        return moves

    @property
    def generators(self) -> tuple[str, ...]:
        return tuple(self.motions)

    def restrict(self, subgroup: Group) -> SpaceGroup:
        """The same translations with a subgroup of the point group, such as `G.point.subgroup(["r^2"])`."""
        if subgroup.embedding is None or subgroup.embedding[0] != self.point:
            raise GroupError(
                "subgroup",
                f"must be a subgroup of {self.point.name}",
                subgroup.name,
                "use G.point.subgroup([...])",
            )
        glides, matrices = [], []
        for name, word in zip(subgroup.generators, subgroup.embedding[1], strict=True):
            motion = _along(self, word)
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
        found = {self._identity}
        frontier = [self._identity]
        while frontier:
            images = {_times(g, h) for g in generators for h in frontier} - found
            found |= images
            frontier = list(images)
        forms = [_times(tuple(zip(*m, strict=True)), m) for m in found]
        return tuple(tuple(sum(f[i][j] for f in forms) for j in range(self.dim)) for i in range(self.dim))

    @property
    def _identity(self) -> Integers:
        return tuple(tuple(int(i == j) for j in range(self.dim)) for i in range(self.dim))

    def __str__(self) -> str:
        return self.name or f"space_group({self.point.name}, period={show(self.period)})"


def _rows(matrix: sympy.MatrixBase) -> Integers:
    return tuple(tuple(int(entry) for entry in matrix.row(i)) for i in range(matrix.rows))


def _times(a: Integers, b: Integers) -> Integers:
    return tuple(
        tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True))
        for row in a
    )


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
    generators move space, where the point group was not given by them. Generators left out move nothing but
    fibres, which is how symmetries of channels are stated.

    Raises GroupError when the point group has no integer matrices, or a glide names no generator;
    RepresentationError when the matrices of `action` do not multiply as the group's elements do.

    >>> from derive.symmetry.catalogue import cyclic
    >>> print(space_group(cyclic(2), period=(1, 1), action={}))        # a sign of channels, nothing moves
    space_group(Z_2, period=(1, 1))
    """
    matrices = _action(point, action, period)
    dim = len(matrices[0][1]) if matrices else point.dim
    if dim is None:
        remedy = "use point_group or matrix_group, or give action={generator: integer matrix}"
        raise GroupError("point", "must be given by integer matrices", point.name, remedy)
    unknown = set(glide or {}) - set(point.generators)
    if unknown:
        raise GroupError(
            "glide", f"must name generators of {point.name}", sorted(unknown), f"use {point.generators}"
        )
    shifts = {
        key: tuple(rational(x, "glide") for x in per_axis(value, dim, "glide"))
        for key, value in sorted((glide or {}).items())
    }
    group = SpaceGroup(
        point=point,
        period=_periods(period, dim),
        centre=tuple(rational(x, "centre") for x in per_axis(centre, dim, "centre")),
        glide=tuple(
            (key, shift) for key, shift in shifts.items() if any(shift)
        ),  # equal groups compare equal
        action=matrices,
        name=name,
    )
    _check_closed(group)
    return group


def _action(point: Group, action: Mapping[str, Any] | None, period: Any) -> tuple[tuple[str, Integers], ...]:
    """One integer matrix per generator, the identity for those left out; nothing where no action is given."""
    if action is None or not point.generators:
        return ()
    from derive.symmetry.exact import exact_matrix
    from derive.symmetry.homomorphism import read_matrices

    given = {g: exact_matrix(m, f"action of {g!r}") for g, m in action.items()}
    broken = next((g for g, m in given.items() if not all(x.is_Integer for x in m)), None)
    if broken is not None:
        raise GroupError(
            "action",
            "must be integer matrices",
            given[broken].tolist(),
            "choose another basis of the lattice",
        )
    sizes = [m.rows for m in given.values()] or ([len(period)] if isinstance(period, Sized) else [])
    if not sizes:
        raise GroupError("action", "must say how many axes there are", action, "give period=(1, 1)")
    full = {g: given.get(g, sympy.eye(sizes[0])) for g in point.generators} | given
    return tuple((g, _rows(m)) for g, m in zip(point.generators, read_matrices(point, full), strict=True))


def _check_closed(group: SpaceGroup) -> None:
    """Generators must carry translations to translations, and relations must hold up to translations."""
    for name in group.point.generators:
        motion = group.motions[name]
        for i, step in enumerate(group.period):
            image = tuple(row[i] * step for row in motion.matrix)
            if not _is_translation(group, image):
                raise GroupError(
                    "period",
                    f"must be carried to itself by every generator, and {name!r} carries a translation",
                    f"to {show(image)}, which is none of {show(group.period)}",
                    "give the axes that a generator exchanges one period",
                )
    for relation in group.point.relations:
        motion = _along(group, relation)
        if motion.matrix == group._identity and not _is_translation(group, motion.shift):
            raise GroupError(
                "glide",
                f"must make {format_word(relation)} a translation by periods {show(group.period)}",
                f"a shift by {show(motion.shift)}",
                "lengthen the period, or halve the glide",
            )


def _is_translation(group: SpaceGroup, vector: Vector) -> bool:
    return all(x == 0 if not step else x % step == 0 for x, step in zip(vector, group.period, strict=True))


def _along(group: SpaceGroup, word: Word) -> Motion:
    """The motion that a word in the point generators makes."""
    result = Motion(group._identity, (Fraction(0),) * group.dim)
    for name, power in reversed(word):
        motion = group.motions[name]
        for _ in range(abs(power)):
            result = _after(motion if power > 0 else _inverse(motion), result)
    return result


def _after(g: Motion, h: Motion) -> Motion:
    """g h: first h, then g."""
    moved = (sum((m * x for m, x in zip(row, h.shift, strict=True)), Fraction(0)) for row in g.matrix)
    return Motion(_times(g.matrix, h.matrix), tuple(x + t for x, t in zip(moved, g.shift, strict=True)))


def _inverse(g: Motion) -> Motion:
    inverse = sympy.Matrix(g.matrix).inv()
    matrix = tuple(tuple(int(x) for x in inverse.row(i)) for i in range(inverse.rows))
    shift = (-sum((m * t for m, t in zip(row, g.shift, strict=True)), Fraction(0)) for row in matrix)
    return Motion(matrix, tuple(shift))


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
