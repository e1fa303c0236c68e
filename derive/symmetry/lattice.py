"""Sites in physical space, and the motions that carry sites to sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import Any

import sympy

from derive.errors import GridError, GroupError, LatticeError
from derive.symmetry.groups import Group
from derive.symmetry.sizes import per_axis, rational, size
from derive.symmetry.words import Word, format_word

AXES = "uvw"
BOUNDARIES = (None, "periodic", "zero")
Vector = tuple[Fraction, ...]
Integers = tuple[tuple[int, ...], ...]


def axis_names(dim: int) -> tuple[str, ...]:
    """u, v, w for up to three axes, u1, u2, ... beyond."""
    return tuple(AXES[:dim]) if dim <= len(AXES) else tuple(f"u{i + 1}" for i in range(dim))


@dataclass(frozen=True)
class Motion:
    """v -> M v + t in physical space."""

    matrix: Integers
    shift: Vector


@dataclass(frozen=True)
class SpaceGroup:
    """Translations by `period` along each axis, and a point group about `centre`.

    A generator g of the point group moves physical space by v -> M v + (1 - M) centre + glide[g].
    A period of 0 means that the axis is not translated.
    """

    point: Group
    period: Vector
    centre: Vector
    glide: tuple[tuple[str, Vector], ...] = ()
    name: str = ""

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
        glides = dict(self.glide)
        zero = (Fraction(0),) * self.dim
        for name in self.point.generators:
            matrix = _integer_matrix(self.point, name)
            fixed = tuple(
                c - sum(m * x for m, x in zip(row, self.centre, strict=True)) + shift
                for row, c, shift in zip(matrix, self.centre, glides.get(name, zero), strict=True)
            )
            moves[name] = Motion(matrix, fixed)
        return moves

    @property
    def generators(self) -> tuple[str, ...]:
        return tuple(self.motions)

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
        return self.name or f"space_group({self.point.name}, period={_show(self.period)})"


def _integer_matrix(point: Group, name: str) -> Integers:
    matrix = point.matrix(name)
    return tuple(tuple(int(entry) for entry in matrix.row(i)) for i in range(matrix.rows))


def _times(a: Integers, b: Integers) -> Integers:
    return tuple(
        tuple(sum(x * y for x, y in zip(row, column, strict=True)) for column in zip(*b, strict=True))
        for row in a
    )


def _show(vector: Vector) -> str:
    return "(" + ", ".join(str(x) for x in vector) + ("," if len(vector) == 1 else "") + ")"


def space_group(
    point: Group, period: Any = 1, centre: Any = 0, glide: Mapping[str, Any] | None = None, name: str = ""
) -> SpaceGroup:
    """A point group together with translations: g acts by v -> M v + (1 - M) centre + glide[g].

    `period`: the translation along each axis (0: none); `centre`: the physical point that the point
    group fixes; `glide`: an extra translation for some generators.

    Raises GroupError when the point group has no integer matrices, or a glide names no generator.
    """
    dim = point.dim
    if dim is None:
        raise GroupError(
            "point", "must be given by integer matrices", point.name, "use point_group or matrix_group"
        )
    unknown = set(glide or {}) - set(point.generators)
    if unknown:
        raise GroupError(
            "glide", f"must name generators of {point.name}", sorted(unknown), f"use {point.generators}"
        )
    glides = tuple(
        (key, tuple(rational(x, "glide") for x in per_axis(value, dim, "glide")))
        for key, value in sorted((glide or {}).items())
    )
    group = SpaceGroup(
        point=point,
        period=_periods(period, dim),
        centre=tuple(rational(x, "centre") for x in per_axis(centre, dim, "centre")),
        glide=glides,
        name=name,
    )
    _check_closed(group)
    return group


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
                    f"to {_show(image)}, which is none of {_show(group.period)}",
                    "give the axes that a generator exchanges one period",
                )
    for relation in group.point.relations:
        motion = _along(group, relation)
        if motion.matrix == group._identity and not _is_translation(group, motion.shift):
            raise GroupError(
                "glide",
                f"must make {format_word(relation)} a translation by periods {_show(group.period)}",
                f"a shift by {_show(motion.shift)}",
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
    shift = tuple(
        sum(m * x for m, x in zip(row, h.shift, strict=True)) + t
        for row, t in zip(g.matrix, g.shift, strict=True)
    )
    return Motion(_times(g.matrix, h.matrix), shift)


def _inverse(g: Motion) -> Motion:
    inverse = sympy.Matrix(g.matrix).inv()
    matrix = tuple(tuple(int(x) for x in inverse.row(i)) for i in range(inverse.rows))
    return Motion(matrix, tuple(-sum(m * t for m, t in zip(row, g.shift, strict=True)) for row in matrix))


def translations(dim: int, period: Any = 1) -> SpaceGroup:
    """All shifts of a lattice: (T_s x)[c, u, v] = x[c, u - s_u, v - s_v].

    `dim`: the number of axes; `period`: the step along each axis, 0 for an axis that is not translated.

    >>> print(translations(2))
    translations(2)
    >>> print(translations(2, period=(1, 0)))
    translations(2, period=(1, 0))
    """
    dim = int(size(dim, "dim"))
    periods = _periods(period, dim)
    suffix = "" if set(periods) == {Fraction(1)} else f", period={_show(periods)}"
    return SpaceGroup(
        point=Group("C1", generators=()),
        period=periods,
        centre=(Fraction(0),) * dim,
        name=f"translations({dim}{suffix})",
    )


def _periods(period: Any, dim: int) -> Vector:
    periods = tuple(rational(x, "period") for x in per_axis(period, dim, "period"))
    if any(step < 0 for step in periods):
        raise GroupError("period", "must be >= 0 (0: not translated)", _show(periods), "drop the sign")
    return periods


@dataclass(frozen=True)
class Lattice:
    """Sites p, integer vectors, at the physical positions `spacing * p + offset`."""

    spacing: Vector
    offset: Vector
    grid: tuple[sympy.Expr | None, ...]
    boundary: tuple[str | None, ...]

    @property
    def dim(self) -> int:
        return len(self.spacing)

    def carry(self, name: str, motion: Motion) -> tuple[Integers, tuple[int, ...]]:
        """The affine map of sites, p -> P p + h, that a motion of space makes; integral or an error.

        P = S^-1 M S and h = S^-1 (M o + t - o).
        """
        matrix = tuple(
            tuple(m * sj / si for m, sj in zip(row, self.spacing, strict=True))
            for row, si in zip(motion.matrix, self.spacing, strict=True)
        )
        shift = tuple(
            (sum(m * o for m, o in zip(row, self.offset, strict=True)) + t - oi) / si
            for row, t, oi, si in zip(motion.matrix, motion.shift, self.offset, self.spacing, strict=True)
        )
        self._require_integral(name, motion, matrix, shift)
        return (
            tuple(tuple(int(x) for x in row) for row in matrix),
            tuple(int(x) for x in shift),
        )

    def _require_integral(self, name: str, motion: Motion, matrix: Any, shift: Any) -> None:
        if all(x.denominator == 1 for row in matrix for x in row) and all(x.denominator == 1 for x in shift):
            return
        site = tuple(self.offset)
        image = tuple(
            sum(m * x for m, x in zip(row, site, strict=True)) + t
            for row, t in zip(motion.matrix, motion.shift, strict=True)
        )
        raise LatticeError(
            f"the field with spacing {_show(self.spacing)} and offset {_show(self.offset)}",
            f"must be carried to itself by every generator, and {name!r} is one",
            f"the site at {_show(site)} carried to {_show(image)}, which is no site",
            self._remedy(motion),
        )

    def _remedy(self, motion: Motion) -> str:
        if motion.shift and all(row[i] == 1 for i, row in enumerate(motion.matrix)):
            needed = tuple(
                Fraction(lcm(t.numerator, s.numerator), gcd(t.denominator, s.denominator))
                if t
                else Fraction(0)
                for t, s in zip(motion.shift, self.spacing, strict=True)
            )
            common = tuple(n or s for n, s in zip(needed, self.spacing, strict=True))
            return f"translate by a multiple of the spacing, for example period={_show(common)}"
        return "move the centre of the group or the offset of the field so that sites land on sites"


def make_lattice(group: SpaceGroup, grid: Any, boundary: Any, spacing: Any, offset: Any) -> Lattice:
    """A validated lattice: every generator carries its sites, and its grid, to themselves."""
    dim = group.dim
    spacings = tuple(rational(s, "spacing") for s in per_axis(spacing, dim, "spacing"))
    if any(s <= 0 for s in spacings):
        raise LatticeError("spacing", "must be positive", _show(spacings), "give 1 for the plain lattice")
    offsets = _centred(group, grid, spacings) if offset is None else per_axis(offset, dim, "offset")
    lattice = Lattice(
        spacing=spacings,
        offset=tuple(rational(o, "offset") for o in offsets),
        grid=tuple(None if n is None else size(n, "grid") for n in per_axis(grid, dim, "grid")),
        boundary=_boundaries(boundary, dim),
    )
    for name, motion in group.motions.items():
        lattice.carry(name, motion)
    _check_grid(lattice, group)
    for name in group.point.generators:
        _check_grid_moves(lattice, group, name)
    return lattice


def _centred(group: SpaceGroup, grid: Any, spacings: Vector) -> tuple[Any, ...]:
    """0, or about the origin where the group has no translations and the grid is finite."""
    sizes = per_axis(grid, group.dim, "grid")
    if any(group.period) or any(n is None or not size(n, "grid").is_Integer for n in sizes):
        return (0,) * group.dim
    return tuple(-s * Fraction(int(n) - 1, 2) for n, s in zip(sizes, spacings, strict=True))


def _check_grid_moves(lattice: Lattice, group: SpaceGroup, name: str) -> None:
    """A generator must carry a periodic grid, or one without translations, to itself."""
    matrix, shift = lattice.carry(name, group.motions[name])
    for j, row in enumerate(matrix):
        for i, entry in enumerate(row):
            n, m = lattice.grid[i], lattice.grid[j]
            wraps = lattice.boundary[i] == "periodic" and lattice.boundary[j] == "periodic"
            if entry and n is not None and m is not None and wraps and not (entry * n / m).is_integer:
                raise GridError(
                    "grid",
                    f"must be carried to itself by every generator, and {name!r} exchanges unequal axes",
                    " x ".join(str(k) for k in lattice.grid),
                    f"use equal sizes, for example grid=({n}, {n})",
                )
    if any(group.period) or any(n is None or not n.is_Integer for n in lattice.grid):
        return
    for j, row in enumerate(matrix):
        ends = [sorted((0, k * (int(n) - 1))) for k, n in zip(row, lattice.grid, strict=True)]  # type: ignore[arg-type]
        low, high = (sum(e[end] for e in ends) + shift[j] for end in (0, 1))
        if lattice.boundary[j] != "periodic" and (low < 0 or high > int(lattice.grid[j]) - 1):  # type: ignore[arg-type]
            raise GridError(
                "grid",
                f"must be carried to itself by every generator, and {name!r} carries a site outside",
                " x ".join(str(k) for k in lattice.grid),
                "use equal sizes along axes that are exchanged, centred on the fixed point",
            )


def _boundaries(boundary: Any, dim: int) -> tuple[str | None, ...]:
    kinds = per_axis(boundary, dim, "boundary")
    for kind in kinds:
        if kind not in BOUNDARIES:
            raise GridError(
                "boundary", "must be None, 'periodic' or 'zero'", repr(kind), "choose one of them"
            )
    return kinds


def _check_grid(lattice: Lattice, group: SpaceGroup) -> None:
    for axis, (n, kind, step, s) in enumerate(
        zip(lattice.grid, lattice.boundary, group.period, lattice.spacing, strict=True)
    ):
        name = axis_names(lattice.dim)[axis]
        if n is None and kind is not None:
            raise GridError(
                "grid", f"is needed for a {kind} boundary", None, "give the number of sites, grid=(H, W)"
            )
        if n is None or not step:
            continue
        if kind is None:
            raise GridError(
                "boundary",
                f"must say what happens where a translation leaves the grid of {n} sites along {name}",
                None,
                "give boundary='periodic' or boundary='zero'",
            )
        sites = step / s
        if kind == "periodic" and n.is_Integer and int(n) % int(sites):
            below = int(n) // int(sites) * int(sites)
            raise GridError(
                "grid",
                f"must be divisible by the period, {sites} sites along {name}",
                n,
                f"use {below or int(sites)} or {below + int(sites)}",
            )
