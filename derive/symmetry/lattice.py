"""Sites in physical space, and how motions carry sites to sites."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import sympy

from derive.errors import GridError, LatticeError, brief
from derive.symmetry.centring import nearest_centre, nearest_offset
from derive.symmetry.motion import Integers, Motion, Vector, show
from derive.symmetry.sizes import per_axis, rational, size
from derive.symmetry.spacegroup import SpaceGroup, axis_names

BOUNDARIES = (None, "periodic", "zero")


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

    def __str__(self) -> str:
        """As people write it: Z^2, or 8 (periodic) x 6 (zero), with spacing and offset where they differ."""
        sites = [
            "Z" if n is None else f"{n}" if kind is None else f"{n} ({kind})"
            for n, kind in zip(self.grid, self.boundary, strict=True)
        ]
        text = f"Z^{self.dim}" if set(sites) == {"Z"} else " x ".join(sites)
        if any(s != 1 for s in self.spacing):
            text += f", spacing ({', '.join(map(str, self.spacing))})"
        return text + (f", offset ({', '.join(map(str, self.offset))})" if any(self.offset) else "")

    def carry(self, name: str, motion: Motion) -> tuple[Integers, tuple[int, ...]]:
        """The affine map of sites, p -> P p + h, that a motion of space makes; integral or an error.

        P = S^-1 M S and h = S^-1 (M o + t - o).
        """
        matrix, shift = self._affine(motion)
        if not self._integral(motion):
            raise self._refusal(name, motion, "move the centre of the group or the offset of the field")
        return (
            tuple(tuple(int(x) for x in row) for row in matrix),
            tuple(int(x) for x in shift),
        )

    def require_carried(self, group: SpaceGroup) -> None:
        """Every generator must carry sites to sites; the error names a centre or an offset for it."""
        for name, motion in group.motions.items():
            if not self._integral(motion):
                remedy = self._period(motion) if name in group.translations else self._centre(group)
                raise self._refusal(name, motion, remedy)

    def _affine(self, motion: Motion) -> tuple[tuple[Vector, ...], Vector]:
        matrix = tuple(
            tuple(m * sj / si for m, sj in zip(row, self.spacing, strict=True))
            for row, si in zip(motion.matrix, self.spacing, strict=True)
        )
        shift = tuple(
            (sum(m * o for m, o in zip(row, self.offset, strict=True)) + t - oi) / si
            for row, t, oi, si in zip(motion.matrix, motion.shift, self.offset, self.spacing, strict=True)
        )
        return matrix, shift

    def _integral(self, motion: Motion) -> bool:
        matrix, shift = self._affine(motion)
        return all(x.denominator == 1 for row in (*matrix, shift) for x in row)

    def _refusal(self, name: str, motion: Motion, remedy: str) -> LatticeError:
        """The error, with a site whose image is no site: the first one, or its neighbour along some axis."""
        matrix, shift = self._affine(motion)
        site = list(self.offset)
        if all(x.denominator == 1 for x in shift):
            bad = next((j for row in matrix for j, x in enumerate(row) if x.denominator != 1), 0)
            site[bad] += self.spacing[bad]
        image = tuple(
            sum(m * x for m, x in zip(row, site, strict=True)) + t
            for row, t in zip(motion.matrix, motion.shift, strict=True)
        )
        return LatticeError(
            f"the field with spacing {show(self.spacing)} and offset {show(self.offset)}",
            f"must be carried to itself by every generator, and {name!r} is one",
            f"the site at {show(tuple(site))} carried to {show(image)}, which is no site",
            remedy,
        )

    def _period(self, motion: Motion) -> str:
        common = tuple(
            Fraction(lcm(t.numerator, s.numerator), gcd(t.denominator, s.denominator)) if t else s
            for t, s in zip(motion.shift, self.spacing, strict=True)
        )
        return f"translate by a multiple of the spacing, for example period={show(common)}"

    def _centre(self, group: SpaceGroup) -> str:
        zero = (Fraction(0),) * group.dim
        glides = dict(group.glide)
        moves = [(group.motions[g].matrix, glides.get(g, zero)) for g in group.point.generators]
        if any(x.denominator != 1 for m, _ in moves for row in self._affine(Motion(m, zero))[0] for x in row):
            equal = show((min(self.spacing),) * group.dim)
            return f"use equal spacings along axes that a generator mixes, for example spacing={equal}"
        given = self.spacing, self.offset, group.centre, moves
        found = {"centre": nearest_centre(*given), "offset": nearest_offset(*given)}
        named = [f"{key}={show(point)}" for key, point in found.items() if point is not None]
        if not named:
            return "make the glides whole numbers of spacings: no centre or offset is possible"
        return f"sites land on sites with {' or with '.join(named)}"


def make_lattice(group: SpaceGroup, grid: Any, boundary: Any, spacing: Any, offset: Any) -> Lattice:
    """A validated lattice: every generator carries its sites, and its grid, to themselves."""
    dim = group.dim
    sizes = tuple(None if n is None else size(n, "grid") for n in per_axis(grid, dim, "grid"))
    spacings = tuple(rational(s, "spacing") for s in per_axis(spacing, dim, "spacing"))
    if any(s <= 0 for s in spacings):
        raise LatticeError("spacing", "must be positive", show(spacings), "give 1 for the plain lattice")
    offsets = _centred(group, sizes, spacings) if offset is None else per_axis(offset, dim, "offset")
    lattice = Lattice(
        spacing=spacings,
        offset=tuple(rational(o, "offset") for o in offsets),
        grid=sizes,
        boundary=_boundaries(boundary, dim),
    )
    require_kept(lattice, group)
    return lattice


def require_kept(lattice: Lattice, group: SpaceGroup) -> None:
    """Every generator must carry the sites, and the grid, to themselves."""
    lattice.require_carried(group)
    _check_grid(lattice, group)
    for name in group.point.generators:
        _check_grid_moves(lattice, group, name)


def _centred(group: SpaceGroup, sizes: tuple[Any, ...], spacings: Vector) -> tuple[Any, ...]:
    """0, or about the origin where the group has no translations and the grid is finite."""
    if any(group.period) or any(n is None or not n.is_Integer for n in sizes):
        return (0,) * group.dim
    return tuple(-s * Fraction(int(n) - 1, 2) for n, s in zip(sizes, spacings, strict=True))


def _check_grid_moves(lattice: Lattice, group: SpaceGroup, name: str) -> None:
    """A generator must carry a periodic grid, or one without translations, to itself."""
    matrix, shift = lattice.carry(name, group.motions[name])
    for j, row in enumerate(matrix):
        for i, entry in enumerate(row):
            if entry and i != j:
                _check_exchange(lattice, name, (i, j), entry)
    if any(group.period) or any(n is None or not n.is_Integer for n in lattice.grid):
        return
    for j, row in enumerate(matrix):
        ends = [sorted((0, k * (int(n) - 1))) for k, n in zip(row, lattice.grid, strict=True)]  # type: ignore[arg-type]
        low, high = (sum(e[end] for e in ends) + shift[j] for end in (0, 1))
        if lattice.boundary[j] != "periodic" and (low < 0 or high > int(lattice.grid[j]) - 1):  # type: ignore[arg-type]
            names, sizes = axis_names(lattice.dim), lattice.grid
            raise GridError(
                "grid",
                f"must be carried to itself by every generator, and {name!r} carries a site outside",
                " x ".join(map(str, sizes))
                + f", {' and '.join(f'{n} along {axis}' for n, axis in zip(sizes, names, strict=True))}",
                "use equal sizes along axes that are exchanged, centred on the fixed point",
            )


def _check_exchange(lattice: Lattice, name: str, axes: tuple[int, int], entry: int) -> None:
    """Axes that a generator exchanges must have one boundary, and equal sizes where grids are preserved.

    Windows (boundary 'zero') may differ in length: their operators are those of Z^dim, restricted.
    """
    i, j = axes
    u, v = axis_names(lattice.dim)[i], axis_names(lattice.dim)[j]
    n, m = lattice.grid[i], lattice.grid[j]
    if n is None or m is None:
        if n is not m:
            values = (n or "all of Z", m or "all of Z")
            raise _exchange("grid", name, lattice, (u, v), values, _equal(n or m, lattice))
        return
    if lattice.boundary[i] != lattice.boundary[j]:
        remedy = "give both axes one boundary, for example boundary='periodic'"
        raise _exchange("boundary", name, lattice, (u, v), (lattice.boundary[i], lattice.boundary[j]), remedy)
    periodic = lattice.boundary[i] == "periodic"
    fits = (
        (entry * n / m).is_integer if periodic else n.is_Integer and m.is_Integer
    )  # these are looked at below
    if n != m and not fits:
        values = (f"{n} sites", f"{m} sites")
        raise _exchange("grid", name, lattice, (u, v), values, _equal(n, lattice))


def _exchange(
    argument: str, name: str, lattice: Lattice, axes: tuple[str, str], values: tuple[Any, Any], remedy: str
) -> GridError:
    rule = f"must be carried to itself by every generator, and {name!r} exchanges unequal axes"
    grid = " x ".join("Z" if n is None else str(n) for n in lattice.grid)
    pairs = sorted(zip(axes, values, strict=True), key=lambda pair: pair[0])
    both = " and ".join(f"{value} along {axis}" for axis, value in pairs)
    return GridError(argument, rule, f"{grid}, {both}", remedy)


def _equal(n: Any, lattice: Lattice) -> str:
    shown = str(n) if n.is_number else repr(str(n))
    return f"use equal sizes, for example grid=({', '.join([shown] * lattice.dim)}), and one boundary"


def _boundaries(boundary: Any, dim: int) -> tuple[str | None, ...]:
    kinds = per_axis(boundary, dim, "boundary")
    for kind in kinds:
        if not (kind is None or (isinstance(kind, str) and kind in BOUNDARIES)):
            raise GridError(
                "boundary", "must be None, 'periodic' or 'zero'", brief(kind), "choose one of them"
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
                f"is needed, since translations leave the grid of {n} sites along {name}",
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
