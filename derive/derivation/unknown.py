"""What is left to find, listed: the entries of the kernel and of the bias, and how generators move them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

import sympy
from sympy import Indexed, IndexedBase, Symbol

from derive.derivation.block import Affine, Block
from derive.derivation.fibre import Fibre
from derive.derivation.found import Found
from derive.errors import TooLargeError
from derive.lattice.free import FreeMap
from derive.symmetry.factors import trivial_atom
from derive.symmetry.group import Group

LIMIT = 1 << 12
Class = tuple[int, ...]
Place = tuple[int, int, Class]  # component of the output, of the input, class of sites


@dataclass(frozen=True, eq=False)
class Unknown:
    """One tensor: `label`, the orbits of its classes of sites, and the action, generator by generator.

    `orbits`: the first class of each, and the maps that are free there.
    """

    label: IndexedBase
    output: Fibre
    input: Fibre
    orbits: tuple[tuple[Class, tuple[FreeMap, ...]], ...]
    moves: dict[str, Callable[[Class], Class]]
    before: tuple[Symbol, ...]  # copies of the output
    between: tuple[Symbol, ...]  # copies of the input
    into: Callable[[Any, Any, Any], Indexed]

    @property
    def point(self) -> Group:
        return self.output.piece.group

    @cached_property
    def monomial(self) -> bool:
        """Whether every generator takes every entry to one entry, up to a phase."""
        return all(
            fibre.monomial(g) is not None
            for fibre in (self.output, self.input)
            for g in self.point.generators
        )

    def places(self, classes: Iterable[Class]) -> list[Place]:
        """All entries of some classes, class by class."""
        rows, columns = range(self.output.dim), range(self.input.dim)
        return [(a, b, at) for at in classes for a in rows for b in columns]

    def entry(self, place: Place) -> Indexed:
        """The entry as it is printed."""
        a, b, at = place
        return self.into((a,) if self.output.index else (), (b,) if self.input.index else (), at)

    def matrix(self, at: Class) -> sympy.Expr:
        """All components at one class of sites."""
        indices = (*self.before, *self.between, *map(sympy.Integer, at))
        return self.label[indices] if indices else self.label.label

    def moved(self, generator: str, place: Place) -> tuple[Place, Fraction]:
        """Where a generator takes an entry, and by which phase, as a fraction of a turn."""
        a, b, at = place
        out, into = self.output.monomial(generator), self.input.monomial(generator)
        turn = Fraction(int(out.phase[a]), out.order) - Fraction(int(into.phase[b]), into.order)
        return (int(out.image[a]), int(into.image[b]), self.moves[generator](at)), turn % 1


def weight_entries(block: Block, found: Found) -> Unknown:
    """The kernel, or A where nothing is translated."""
    problem = block.problem
    _refuse_large(found.classes, block.output.dim * block.input.dim)
    columns = [
        (k, side)
        for side, name in enumerate(("out", "into"))
        for k, axis in enumerate(problem.axes)
        if getattr(axis, name)
    ]
    name = _weight_coordinates(block)
    lift = block.problem.quotient.lift if block.tied else None
    cut = len(block.n.out)

    def mover(g: str) -> Callable[[Class], Class]:
        out, into = block.affine(problem.y, g), block.affine(problem.x, g)

        def move(at: Class) -> Class:
            pair = _representative(block, at) if lift is not None else at
            return name((*_apply(out, pair[:cut]), *_apply(into, pair[cut:])))

        return move

    return Unknown(
        label=block.n.K if block.tied else block.n.A,
        output=block.output,
        input=block.input,
        orbits=_named(found, columns, name),
        moves={g: mover(g) for g in problem.group.point.generators},
        before=block.i,
        between=block.c,
        into=block.kernel if block.tied else _plain_weight(block),
    )


def _named(
    found: Found, columns: Sequence[tuple[int, int]], name: Callable[[Class], Class]
) -> tuple[tuple[Class, tuple[FreeMap, ...]], ...]:
    """The orbits with the class of each first pair by its coordinates."""
    orbits = found.orbits() if found.orbits is not None else ()
    return tuple((name(tuple(orbit.pair[k][side] for k, side in columns)), orbit.maps) for orbit in orbits)


def _plain_weight(block: Block) -> Callable[[Any, Any, Any], Indexed]:
    cut = len(block.n.out)
    return lambda a, b, at: block.weight(a, at[:cut], b, at[cut:])


def bias_entries(block: Block, found: Found) -> Unknown:
    """The bias: a map from what does not move."""
    problem = block.problem
    _refuse_large(found.classes, block.output.dim)
    columns = [(k, 0) for k, axis in enumerate(problem.axes) if axis.out]
    name = _coordinates(block.bias_class_of(block.n.out), block.n.out, _sizes(block, "out"), block.tied)

    def mover(g: str) -> Callable[[Class], Class]:
        affine = block.affine(problem.y, g)
        if not block.tied:
            return lambda at: name(_apply(affine, at))
        return lambda at: name(_apply(affine, tuple(int(e) for e in block.bias_representative(at))))

    return Unknown(
        label=block.n.b,
        output=block.output,
        input=Fibre(trivial_atom(problem.group.point), "x", "1"),
        orbits=_named(found, columns, name),
        moves={g: mover(g) for g in problem.group.point.generators},
        before=block.i,
        between=(),
        into=lambda a, b, at: block.bias(a, at),
    )


def _weight_coordinates(block: Block) -> Callable[[Class], Class]:
    pair = block.n.pair
    sizes = (*_sizes(block, "out"), *_sizes(block, "into"))
    values = block.class_of(block.n.out, block.n.into) if block.tied else pair
    return _coordinates(values, pair, sizes, block.tied)


def _coordinates(
    values: Sequence[sympy.Expr], sites: Sequence[Symbol], sizes: Sequence[int | None], tied: bool
) -> Callable[[Class], Class]:
    """Numbers for sites to the numbers of their class; a coordinate that is one site is read on its grid."""
    if not tied:
        values = sites
    period = {s: n for s, n in zip(sites, sizes, strict=True) if n is not None}
    compiled = sympy.lambdify(list(sites), list(values), "math")
    wraps = [period.get(v) for v in values]

    def name(at: Class) -> Class:
        return tuple(int(v) if n is None else int(v) % n for v, n in zip(compiled(*at), wraps, strict=True))

    return name


def _sizes(block: Block, side: str) -> list[int | None]:
    parts = [part for part in (getattr(axis, side) for axis in block.problem.axes) if part is not None]
    return [int(part.size) if part.size is not None and part.size.is_Integer else None for part in parts]


def _representative(block: Block, at: Class) -> Class:
    out, into = block.representative(tuple(map(sympy.Integer, at)))
    return tuple(int(e) for e in (*out, *into))


def _apply(affine: Affine, site: Class) -> Class:
    matrix, shift = affine
    return tuple(
        sum(k * s for k, s in zip(row, site, strict=True)) + h for row, h in zip(matrix, shift, strict=True)
    )


def _refuse_large(classes: Any, components: int) -> None:
    entries = prod((int(classes), components))
    if entries > LIMIT:
        raise TooLargeError(
            "derivation",
            f"lists every entry of the kernel, at most {LIMIT:,}",
            f"{entries:,}",
            "derive a smaller support, grid or fibre; the steps are the same",
        )
