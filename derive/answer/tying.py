"""Which entries of the general operator share a weight, and the basis of operators that they span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import sympy

from derive.answer.plain import Plain, PlainAxis, PlainSide
from derive.equation.problem import Problem, symbols_of
from derive.errors import InfiniteError, SizeError, SymbolicError, TooLargeError
from derive.methods.classes import Axis, Classes, Side
from derive.methods.integers import combined, widened
from derive.methods.presumptions import holds
from derive.symmetry.sizes import size
from derive.symmetry.support import Region, Span

LIMIT = 1 << 27


def plain(
    problem: Problem,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    description: str = "",
) -> Plain:
    """The answer with every size a number, as NumPy arrays.

    `sizes`: numbers for the symbols that are left; `channels`: (C_in, C_out). A grid of symbolic size stays
    open (size None) where the support bounds the weights. Raises SymbolicError naming a size that is missing.
    """
    known = known_sizes(problem, sizes, channels)
    support = _put_support(problem.support, known)
    axes = tuple(_put_axis(axis, known, open_=support is not None) for axis in problem.axes)
    if problem.classes.count() is sympy.oo:
        raise InfiniteError(
            "support", "must bound the weights on an infinite lattice", None, "give support=box(1), or a grid"
        )
    table = Classes(axes, support).listing()
    bias = Classes(tuple(Axis(a.name, a.out, None) for a in axes), None)
    infinite = any(a.out is not None and a.out.size is None and not a.out.step for a in axes)
    bias_table = np.zeros((0, len(axes), 3), dtype=int) if infinite else bias.listing()
    return Plain(
        axes=plain_axes(axes),
        channels_in=int(_put(problem.x.channels, known)),
        channels_out=int(_put(problem.y.channels, known)),
        out_site=table[:, :, 0],
        in_site=table[:, :, 1],
        bias_site=bias_table[:, :, 0],
        description=description,
    )


def _put(value: Any, known: Mapping[str, int]) -> sympy.Integer:
    number = sympy.sympify(value)
    number = number.subs({s: known[s.name] for s in number.free_symbols if s.name in known})
    if not number.is_Integer:
        missing = sorted(s.name for s in number.free_symbols)
        raise SymbolicError(
            "sizes", "must give a number for every symbol", missing, f"give sizes={{{missing[0]!r}: 8}}"
        )
    return number


def known_sizes(
    problem: Problem, sizes: Mapping[str, int] | None, channels: Sequence[int] | None
) -> dict[str, int]:
    known = {str(k): int(v) for k, v in (sizes or {}).items()}
    fields = (problem.x.channels, problem.y.channels)
    for field, n in zip(fields, channels or fields, strict=True):
        given = size(n, "channels")
        if field.is_Symbol and given.is_Integer and known.setdefault(field.name, int(given)) == given:
            continue
        if channels is not None and field != given:
            raise SizeError(
                "channels", f"must agree with the fields, {fields[0]} to {fields[1]}", channels, "omit it"
            )
    names = {s.name for s in symbols_of(problem)}
    unknown = sorted(set(known) - names)
    if unknown:
        raise SizeError(
            "sizes", f"must name symbols of the solution, {sorted(names)}", unknown, "leave them out"
        )
    _require_presumed(problem, known)
    return known


def _require_presumed(problem: Problem, known: Mapping[str, int]) -> None:
    """Sizes must satisfy what the counts take for granted."""
    for relation in problem.classes.assumptions():
        if not holds(relation, known):
            raise SizeError("sizes", f"must satisfy {relation}", dict(known), "give other sizes")


def _put_axis(axis: Axis, known: Mapping[str, int], open_: bool) -> Axis:
    def side(part: Side | None) -> Side | None:
        if part is None or part.size is None:
            return part
        missing = {s.name for s in part.size.free_symbols} - set(known)
        if open_ and missing and axis.translated:
            return replace(part, size=None)
        return replace(part, size=_put(part.size, known))

    return Axis(axis.name, side(axis.out), side(axis.into))


def _put_support(support: Any, known: Mapping[str, int]) -> Any:
    if support is None or support.spans is None:
        return support
    return Region(
        spans=tuple(
            span if span is None or not span.symbolic else Span(_put(2 * span.radius, known) / 2, span.step)
            for span in support.spans
        )
    )


def plain_axes(axes: Sequence[Axis]) -> tuple[PlainAxis, ...]:
    """Axes whose sizes are numbers, as plain data."""
    return tuple(_plain_axis(axis) for axis in axes)


def _plain_axis(axis: Axis) -> PlainAxis:
    def side(part: Side | None) -> PlainSide | None:
        if part is None:
            return None
        size = None if part.size is None else int(part.size)
        return PlainSide(part.step, part.spacing, part.offset, size, part.boundary)

    return PlainAxis(axis.name, side(axis.out), side(axis.into))


@dataclass(frozen=True)
class Tying:
    """The classes of site pairs: pairs in one class share their weight, pairs in none have weight zero.

    `classes`: how many; `members`: how many pairs each holds (oo on an infinite lattice).
    """

    problem: Problem

    @property
    def classes(self) -> sympy.Expr:
        return self.problem.classes.count()

    @property
    def members(self) -> sympy.Expr:
        """Pairs per class on a torus: one for each translation."""
        sides = [axis.sides[0] for axis in self.problem.axes if axis.sides and axis.translated]
        if any(side.boundary == "zero" for side in sides):
            raise SymbolicError(
                "members",
                "differs from class to class on a window",
                "zero boundary",
                "use labels() and count",
            )
        return sympy.Mul(*(sympy.oo if s.size is None else s.size / s.step for s in sides))

    def labels(self, sizes: Mapping[str, int] | None = None) -> np.ndarray:
        """The class of every pair of a finite grid, -1 for weight zero: shape (*out sites, *in sites)."""
        answer = plain(self.problem, sizes)
        shape = grid_shape(answer)
        _refuse_large(shape)
        labels = np.full(shape, -1, dtype=np.int64)
        for k in range(len(answer.out_site)):
            for pair in members(answer, k):
                labels[pair] = k
        return labels

    def __str__(self) -> str:
        try:
            table = kernel_labels(plain(self.problem))
        except (SymbolicError, InfiniteError, TooLargeError):
            return f"{self.classes} classes of site pairs"
        return letters(table)


def grid_shape(answer: Plain) -> tuple[int, ...]:
    """(*out sites, *in sites) of a finite grid."""
    sides = [a.out for a in answer.axes if a.out] + [a.into for a in answer.axes if a.into]
    if any(side.size is None for side in sides):
        raise InfiniteError("grid", "must be finite here", "an infinite lattice", "give the fields a grid")
    return tuple(int(side.size or 0) for side in sides)


def _refuse_large(shape: Sequence[int]) -> None:
    entries = int(np.prod([int(n) for n in shape], dtype=object))
    if entries > LIMIT:
        raise TooLargeError(
            "dense array", f"must hold at most {LIMIT} entries", entries, "use a smaller grid"
        )


def members(answer: Plain, k: int) -> Iterator[tuple[int, ...]]:
    """Every pair of the grid in class k, as an index (*out sites, *in sites)."""
    runs = [
        _run(axis, int(answer.out_site[k, i]), int(answer.in_site[k, i]))
        for i, axis in enumerate(answer.axes)
    ]
    for combination in product(*runs):
        out = [p for p, _ in combination if p is not None]
        yield (*out, *(q for _, q in combination if q is not None))


def _run(axis: PlainAxis, p: int, q: int) -> list[tuple[int | None, int | None]]:
    """All translates of one pair along one axis that stay on the grid."""
    sides = [(side, site) for side, site in ((axis.out, p), (axis.into, q)) if side is not None]
    if not sides:
        return [(None, None)]
    periodic = sides[0][0].boundary == "periodic"
    turns = [int(side.size or 0) // side.step for side, _ in sides if side.step]
    found: dict[tuple[int | None, int | None], None] = {}
    span = max(turns, default=0) + max(
        (abs(site) // side.step + 1 for side, site in sides if side.step), default=0
    )
    for t in range(-span, span + 1) if turns else (0,):
        places = [site + t * side.step for side, site in sides]
        if periodic:
            places = [z % int(side.size or 1) for z, (side, _) in zip(places, sides, strict=True)]
        if all(0 <= z < int(side.size or 0) for z, (side, _) in zip(places, sides, strict=True)):
            rest = iter(places)
            found[(next(rest) if axis.out else None, next(rest) if axis.into else None)] = None
    return list(found)


def kernel_labels(answer: Plain) -> np.ndarray:
    """The class at every place of the kernel K, -1 where it is zero.

    Axes: output phases where there are several, then the displacement (position(q) - position(p), over
    its bounding box) or, along an axis without translations, the output and input sites.
    """
    phases, places = [], []
    for i, axis in enumerate(answer.axes):
        p, q = answer.out_site[:, i], answer.in_site[:, i]
        if axis.out is None or axis.into is None:
            phases += [q] if axis.out is None else [p]
        elif not (axis.out.step or axis.into.step):
            places += [p, q]
        else:
            mesh = axis.mesh
            a, b = int(axis.into.spacing / mesh), int(axis.out.spacing / mesh)
            phases.append(widened([p], a)[0] // a)
            places.append(combined([(a, q), (-b, p)]))
    columns = [c for c in phases if len(c) and c.max() > 0] + places
    if not columns:
        return np.arange(len(answer.out_site)).reshape(())
    columns = [combined([(1, c)], -int(c.min())) for c in columns]
    shape = [int(c.max()) + 1 for c in columns]
    _refuse_large(shape)
    table = np.full(shape, -1, dtype=np.int64)
    table[tuple(c.astype(np.int64) for c in columns)] = np.arange(len(answer.out_site))
    return table


def letters(labels: np.ndarray) -> str:
    """A kernel as a table of letters: equal letters are equal weights, a dot is zero.

    >>> print(letters(np.array([[0, 1], [1, -1]])))
    a b
    b .
    """
    names = [letter(k) for k in range(int(labels.max(initial=-1)) + 1)]
    width = max((len(name) for name in names), default=1)
    rows = np.atleast_2d(labels)
    text = [
        " ".join((names[k] if k >= 0 else ".").rjust(width) for k in row)
        for row in rows.reshape(-1, rows.shape[-1])
    ]
    return "\n".join(text)


def letter(k: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    return chr(97 + k) if k < 26 else letter(k // 26 - 1) + chr(97 + k % 26)


@dataclass(frozen=True)
class BasisElement:
    """One free weight set to 1: class `k` of site pairs, input channel `c`, output channel `i`."""

    answer: Plain
    k: int
    c: int
    i: int

    def dense(self) -> np.ndarray:
        """The exact operator: (i, *out grid, c, *in grid) on a grid, K[i, c, *displacements] on a lattice."""
        answer = self.answer
        sides = [s for axis in answer.axes for s in (axis.out, axis.into) if s is not None]
        if any(side.size is None for side in sides):
            table = kernel_labels(answer) == self.k
            full = np.zeros((answer.channels_out, answer.channels_in, *table.shape), dtype=np.int64)
            full[self.i, self.c] = table
            return full
        shape = grid_shape(answer)
        outs = sum(1 for axis in answer.axes if axis.out is not None)
        full_shape = (answer.channels_out, *shape[:outs], answer.channels_in, *shape[outs:])
        _refuse_large(full_shape)
        full = np.zeros(full_shape, dtype=np.int64)
        for pair in members(answer, self.k):
            full[(self.i, *pair[:outs], self.c, *pair[outs:])] = 1
        return full

    def __repr__(self) -> str:
        return f"BasisElement(class {self.k}, input channel {self.c}, output channel {self.i})"


@dataclass(frozen=True)
class Basis(Sequence):
    """The exact basis: one element per free weight; class first, then input channel, then output channel."""

    problem: Problem

    @cached_property
    def _plain(self) -> Plain:
        return plain(self.problem)

    def __len__(self) -> int:
        return self._plain.dim

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[j] for j in range(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"basis index {index} out of range for dimension {len(self)}")
        answer = self._plain
        k, rest = divmod(int(index) % len(self), answer.channels_in * answer.channels_out)
        return BasisElement(answer, k, *divmod(rest, answer.channels_out))
