"""A small periodic grid on which printed steps are evaluated: what every index ranges over there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count, product
from math import gcd, lcm, prod

import numpy as np
import sympy
from sympy import Indexed, Symbol

from derive.steps import Step
from derive.terms import Array, Entry, Number, Range, Scope, Term, false, integers, terms, truth

CHANNELS = 2
RADIUS = 1
STRICT = 3
FAR = 1 << 20


@dataclass(frozen=True)
class Line:
    """One axis: sites on either side (0: none), and how far one translation moves them."""

    letter: str
    out: int
    into: int
    out_step: int
    in_step: int

    @property
    def wraps(self) -> bool:
        return bool(self.out_step or self.in_step)


@dataclass(frozen=True)
class Torus:
    """Index ranges of one derivation; every array has the axes (i, output sites, s, c, input sites)."""

    c: Symbol
    i: Symbol
    out: tuple[Symbol, ...]
    into: tuple[Symbol, ...]
    shifts: tuple[Symbol, ...]
    x: Indexed
    biased: bool
    lines: tuple[Line, ...]
    moves: Array
    sizes: Mapping[Symbol, int]
    windows: Mapping[Symbol, sympy.Set]
    definitions: tuple[sympy.Eq, ...]

    @classmethod
    def read(cls, steps: Sequence[Step], periods: tuple[int, ...]) -> Torus:
        """Read every range off the printed steps."""
        acting, general = steps[0].before, steps[0].after
        i, *out = acting[1].lhs.indices
        c, *into = acting[0].lhs.indices
        shifts = _shifts(steps)
        if len(periods) != len(shifts):
            raise false(f"needs a check grid of {len(shifts)} periods, one per translated axis", periods)
        lines = _lines(steps, shifts, periods)
        limits = {limit[0]: limit for total in general.rhs.atoms(sympy.Sum) for limit in total.limits}
        endless = {v.name.rstrip("'") for v, low, _ in limits.values() if low is -sympy.oo}
        windows = {
            s: domain
            for s, domain in steps[0].where
            if isinstance(domain, sympy.Range) and s.name.rstrip("'") in endless and s in (*out, *into)
        }
        defining = [s for s in steps if s.rule in ("name the kernel", "tie the bias")]
        return cls(
            c=c,
            i=i,
            out=tuple(out),
            into=tuple(into),
            shifts=shifts,
            x=acting[0].rhs.base[tuple(acting[0].lhs.indices)],
            biased=any(s.rule == "tie the bias" for s in steps),
            lines=lines,
            moves=_moves(periods),
            sizes=_sizes(steps, lines),
            windows=windows,
            definitions=tuple(eq for s in defining for eq in s.after if not _is_weight(eq.lhs, out, into)),
        )

    def general(self, at: Sequence[sympy.Basic], reading: Sequence[sympy.Basic]) -> list[Term]:
        """Sum over all (c, q) of A[i, at, c, q] x[c, reading], plus b[i, at]: built here, not printed."""
        scope = self.scope(True)
        place = [integers(e, scope.values) for e in at]
        read = [integers(e, scope.values) for e in reading]
        i, c = scope.values[self.i], scope.values[self.c]
        q = [scope.values[s] for s in self.into]
        weight = Entry(self._tensors[0], (i, *place, c, *q))
        x = Entry(self._tensors[1], (c, *read))
        result = [Term(np.array(1), (weight, x), self.all_inputs)]
        return result + ([Term(np.array(1), (Entry(self._tensors[2], (i, *place)),))] if self.biased else [])

    # ---- the layout -----------------------------------------------------------------------------------

    @cached_property
    def points(self) -> tuple[int, ...]:
        return (CHANNELS, *(self._line(s).out for s in self.out), len(self.moves))

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        return (CHANNELS, *(self._line(s).into for s in self.into))

    def _line(self, symbol: Symbol) -> Line:
        name = symbol.name.rstrip("'")
        for line in self.lines:
            if name in (line.letter, "d" + line.letter, "r_" + line.letter):
                return line
        raise false("must use the letters of the sites for indices", symbol)

    def _axis(self, symbol: Symbol) -> int:
        """The place of a summation variable among the axes."""
        if symbol == self.c:
            return len(self.points)
        letter = self._line(symbol).letter
        place = next((k for k, s in enumerate(self.into) if s.name.rstrip("'") == letter), None)
        if place is None:
            raise false("must sum over input entries", symbol)
        return len(self.points) + 1 + place

    @cached_property
    def dims(self) -> int:
        return len(self.points) + len(self.inputs)

    def _along(self, values: Array, axis: int) -> Array:
        return values.reshape((1,) * axis + (-1,) + (1,) * (self.dims - axis - 1))

    @cached_property
    def all_inputs(self) -> Array:
        return np.ones((1,) * len(self.points) + self.inputs, dtype=bool)

    @cached_property
    def _outer(self) -> dict[Symbol, Array]:
        values: dict[Symbol, Array] = {s: np.array(n) for s, n in self.sizes.items()}
        values[self.i] = self._along(np.arange(CHANNELS), 0)
        for k, site in enumerate(self.out):
            values[site] = self._along(np.arange(self._line(site).out), 1 + k)
        for k, shift in enumerate(self.shifts):
            values[shift] = self._along(self.moves[:, k], 1 + len(self.out))
        return values

    def scope(self, with_inputs: bool) -> Scope:
        """Values of all free symbols; the input entry (c, q) is one of them, or left to be summed over."""
        values = dict(self._outer)
        if with_inputs:
            values[self.c] = self._along(np.arange(CHANNELS), len(self.points))
            for site in self.into:
                values[site] = self._centred(site, values)
        return Scope(values, self.bind)

    def _centred(self, symbol: Symbol, values: Mapping[Symbol, Array]) -> Array:
        """All input sites, unrolled around the output site so that displacements are the short ones."""
        line, axis = self._line(symbol), self._axis(symbol)
        if not line.wraps:
            return self._along(np.arange(line.into), axis)
        steps = self._along(np.arange(line.into) - line.into // 2, axis)
        here = next((values[s] for s in self.out if s.name == line.letter), None)
        if here is None or not symbol.name.endswith("'"):
            return steps
        return here * line.in_step // max(line.out_step, 1) + steps

    def bind(
        self, symbol: Symbol, low: Number | None, high: Number | None, values: Mapping[Symbol, Array]
    ) -> Range:
        """Lay a summation variable out along its axis."""
        axis = self._axis(symbol)
        if low is None or high is None:
            if low is not high:
                raise false("must sum over all of Z or between two ends", symbol)
            run = self._centred(symbol, values)
            return Range(run, np.ones(run.shape, dtype=bool))
        if np.any(low.top % low.bottom) or np.any(high.top % high.bottom):
            raise false("must sum between integers", symbol)
        first, last = low.top // low.bottom, high.top // high.bottom
        run = self._along(np.arange(int(np.min(first)), int(np.max(last)) + 1), axis)
        return Range(run, (first <= run) & (run <= last))

    # ---- entries as numbers -----------------------------------------------------------------------------

    def encode(self, item: Entry, mask: Array) -> Array:
        """One number per entry of every tensor; sites are read modulo the grid, channels are not."""
        label, rank = item.tensor
        extents = self._extents(item.tensor)
        if len(extents) != rank:
            raise false("must have one index per entry", f"{label} with {rank}")
        code = np.array(0, dtype=np.int64)
        for index, (extent, wraps) in zip(item.index, extents, strict=True):
            inside = np.mod(index, extent)
            if not wraps and np.any((inside != index) & mask):
                raise false(f"must keep indices of {label} inside their range 0..{extent - 1}", index.min())
            code = code * extent + inside
        return code + self._starts[item.tensor]

    @cached_property
    def _starts(self) -> dict[tuple[str, int], int]:
        """The first code of every tensor; 0 is no entry at all."""
        starts, free = {}, 1
        for tensor in self._tensors:
            starts[tensor] = free
            free += prod(extent for extent, _ in self._extents(tensor))
        return starts

    @cached_property
    def _tensors(self) -> list[tuple[str, int]]:
        full = 1 + len(self.out)
        named = [(str(eq.lhs.base.label), len(eq.lhs.indices)) for eq in self.definitions]
        known = [("A", 1 + full + len(self.into)), (str(self.x.base.label), 1 + len(self.into)), ("b", full)]
        return list(dict.fromkeys([*known, *named]))

    def _extents(self, tensor: tuple[str, int]) -> list[tuple[int, bool]]:
        out = [(self._line(s).out, self._line(s).wraps) for s in self.out]
        into = [(self._line(s).into, self._line(s).wraps) for s in self.into]
        channel = (CHANNELS, False)
        if tensor == self._tensors[0]:
            return [channel, *out, channel, *into]
        if tensor == self._tensors[1]:
            return [channel, *into]
        if tensor == ("b", 1 + len(self.out)):
            return [channel, *out]
        for definition in self.definitions:
            if (str(definition.lhs.base.label), len(definition.lhs.indices)) == tensor:
                return [self._period(name, definition.rhs) for name in definition.lhs.indices]
        raise false("must use tensors that were introduced", f"{tensor[0]} with {tensor[1]} indices")

    def _period(self, name: sympy.Basic, target: Indexed) -> tuple[int, bool]:
        """The range of one index of a named tensor: when the entry it stands for repeats."""
        if name in (self.i, self.c):
            return CHANNELS, False
        repeats, wraps = 1, False
        slots = self._extents((str(target.base.label), len(target.indices)))
        for expr, (extent, wrapping) in zip(target.indices, slots, strict=True):
            step = expr.coeff(name) if expr.has(name) else 0
            if step:
                repeats = lcm(repeats, extent // gcd(extent, int(step)) if wrapping else extent)
                wraps = wraps or wrapping
        return repeats, wraps

    # ---- counting ---------------------------------------------------------------------------------------

    def count(self, expr: sympy.Basic) -> int:
        """How many different entries a tied weight or bias takes; windows are cut off, not wrapped."""
        scope = self._window_scope()
        found: set[tuple[int, ...]] = set()
        for term in terms(expr, scope):
            columns = [a for e in term.entries for a in self._unwrapped(e)]
            shape = np.broadcast_shapes(term.mask.shape, *(a.shape for a in columns))
            keep = np.broadcast_to(term.mask, shape)
            found |= set(zip(*(np.broadcast_to(a, shape)[keep].tolist() for a in columns), strict=True))
        return len(found)

    def unbounded(self, expr: sympy.Basic) -> bool:
        """Whether no support cuts the weights off: every input site takes part."""
        return all(bool(np.all(term.mask)) for term in terms(expr, self.scope(True)))

    def _unwrapped(self, item: Entry) -> list[Array]:
        names = self._index_names(item.tensor)
        return [
            np.mod(index, extent) if wraps and self._line_or_none(name) not in self._cut else index
            for name, index, (extent, wraps) in zip(
                names, item.index, self._extents(item.tensor), strict=True
            )
        ]

    def _index_names(self, tensor: tuple[str, int]) -> tuple[sympy.Basic, ...]:
        for definition in self.definitions:
            if (str(definition.lhs.base.label), len(definition.lhs.indices)) == tensor:
                return tuple(definition.lhs.indices)
        return (self.i, *self.out)

    def _line_or_none(self, name: sympy.Basic) -> Line | None:
        return None if name in (self.i, self.c) else self._line(name)

    @cached_property
    def _cut(self) -> set[Line | None]:
        """The axes along which a window cuts the lattice off: finite, translated, yet summed over all of Z."""
        return {self._line(site) for site in self.windows}

    def _window_scope(self) -> Scope:
        values = dict(self.scope(True).values)
        for places, sites in (
            (range(1, 1 + len(self.out)), self.out),
            (map(self._axis, self.into), self.into),
        ):
            for place, site in zip(places, sites, strict=True):
                if site in self.windows:
                    values[site] = self._along(
                        np.arange(int(self.windows[site].stop.subs(self.sizes))), place
                    )
        for site in self.into:
            if site not in self.windows:
                values[site] = self._centred(site, values)
        return Scope(values, self.bind)


def _is_weight(expr: Indexed, out: Sequence[Symbol], into: Sequence[Symbol]) -> bool:
    return str(expr.base.label) == "A" and len(expr.indices) == 2 + len(out) + len(into)


def _lines(steps: Sequence[Step], shifts: Sequence[Symbol], periods: Sequence[int]) -> tuple[Line, ...]:
    first, second = steps[0].before[0], steps[0].before[1]
    where = dict(steps[0].where)
    moved = {s.name.removeprefix("s_"): (s, n) for s, n in zip(shifts, periods, strict=True)}
    sides = []
    for equation in (second, first):
        pairs = zip(equation.lhs.indices[1:], equation.rhs.indices[1:], strict=True)
        sides.append({site.name.rstrip("'"): (site, index) for site, index in pairs})
    lines = []
    for letter in dict.fromkeys([*sides[0], *sides[1], *moved]):
        shift, period = moved.get(letter, (None, 0))
        extent = [0, 0]
        step = [0, 0]
        for k, side in enumerate(sides):
            if letter not in side:
                continue
            site, index = side[letter]
            step[k] = abs(int(sympy.expand(index).coeff(shift))) if shift is not None else 0
            domain = where.get(site)
            fixed = isinstance(domain, sympy.Range) and domain.stop.is_Integer
            extent[k] = step[k] * period if step[k] else int(domain.stop) if fixed else STRICT  # type: ignore[union-attr]
        lines.append(Line(letter, extent[0], extent[1], step[0], step[1]))
    return tuple(lines)


def _sizes(steps: Sequence[Step], lines: Sequence[Line]) -> dict[Symbol, int]:
    """Channels are 2, grids what the torus has, every other symbol (a radius) 1."""
    sites = {line.letter: line.out for line in lines} | {line.letter + "'": line.into for line in lines}
    sizes: dict[Symbol, int] = {}
    for symbol, domain in steps[0].where:
        if isinstance(domain, sympy.Range) and isinstance(domain.stop, Symbol):
            sizes.setdefault(domain.stop, sites.get(symbol.name, CHANNELS))
    for total in steps[0].after.rhs.atoms(sympy.Sum):
        for variable, _, high in total.limits:
            if isinstance(high + 1, Symbol):
                sizes.setdefault(high + 1, sites.get(variable.name, CHANNELS))
    indices = {symbol for symbol, domain in steps[0].where if not isinstance(domain, sympy.FiniteSet)}
    for step in steps:
        for symbol in step.after.free_symbols | step.before.free_symbols:
            if symbol.is_positive or symbol.is_nonnegative:
                sizes.setdefault(symbol, RADIUS)
    return {symbol: n for symbol, n in sizes.items() if symbol not in indices}


def _moves(periods: Sequence[int]) -> Array:
    """The translations tried: all of them on a small torus, else the generators and some mixtures."""
    dim = len(periods)
    if int(np.prod(periods, dtype=int)) <= 20:
        return np.array(list(product(*(range(n) for n in periods))), dtype=int).reshape(-1, dim)
    unit = np.eye(dim, dtype=int)
    mixed = np.arange(1, dim + 1)
    return np.concatenate([unit, -unit, [mixed, mixed[::-1]]])


def smallest_grids(steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """Two grids of pairwise coprime periods, each at least 3 and wider than twice the support."""
    shifts = _shifts(steps)
    reach = _reach(steps, shifts)
    strides = {line.letter: max(line.in_step, 1) for line in _lines(steps, shifts, (1,) * len(shifts))}
    least = [max(3, -(-(2 * reach + 1) // strides[s.name.removeprefix("s_")])) for s in shifts]
    first = _coprime(least)
    return [first, _coprime([max(n + 1, m) for n, m in zip(least, first, strict=True)] if shifts else [])]


def _coprime(least: Sequence[int]) -> tuple[int, ...]:
    """The smallest periods, each at least as large as asked, without common factors."""
    chosen: list[int] = []
    for start in least:
        chosen.append(next(n for n in count(start) if all(gcd(n, m) == 1 for m in chosen)))
    return tuple(chosen)


def _shifts(steps: Sequence[Step]) -> tuple[Symbol, ...]:
    indices = {*steps[0].before[0].lhs.indices, *steps[0].before[1].lhs.indices}
    return tuple(s for s, domain in steps[0].where if s not in indices and domain is sympy.S.Integers)


def _reach(steps: Sequence[Step], shifts: Sequence[Symbol]) -> int:
    """The largest distance, in input sites, at which the statement lets a weight be nonzero."""
    statement = steps[0].before
    if len(statement) < 3:
        return 0
    into = [
        s for s in statement[0].lhs.indices[1:] if Symbol("s_" + s.name.rstrip("'"), integer=True) in shifts
    ]
    far = {0: 0, 1: 256, 2: 48}.get(len(into), 14)
    condition = statement[2]
    values: dict[Symbol, Array] = {
        s: np.array(FAR if s.is_positive else RADIUS) for s in condition.free_symbols if s not in into
    }
    values.update({s: np.array(0) for s in statement[1].lhs.indices[1:]})
    values.update({s: np.array(0) for s in statement[0].lhs.indices[1:]})
    for k, site in enumerate(into):
        values[site] = np.arange(-far, far + 1).reshape((1,) * k + (-1,) + (1,) * (len(into) - k - 1))
    inside = np.broadcast_to(truth(condition, values), (2 * far + 1,) * len(into))
    places = np.argwhere(inside) - far
    reach = int(np.abs(places).max()) if places.size else 0
    if into and reach == far:
        raise false("has a support too wide for the checker's own grids", reach)
    return reach
