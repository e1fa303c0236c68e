"""A small periodic grid on which printed steps are evaluated: what every index ranges over there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm, prod

import numpy as np
import sympy
from sympy import Indexed, Symbol

from derive.checking.reading import CHANNELS, Line, Ranges
from derive.checking.terms import Array, Entry, Number, Range, Scope, Term, false, integers, terms


@dataclass(frozen=True)
class Torus(Ranges):
    """The same with arrays: every one has the axes (i, output sites, s, c, input sites)."""

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
        """Whether there are different entries, none of them cut off, all along some axis that has no end."""
        shape = self.points + self.inputs
        items = terms(expr, self.scope(True))
        if len(items) != 1 or len(items[0].entries) != 1:
            return False
        codes = np.where(items[0].mask, self.encode(items[0].entries[0], items[0].mask), 0)
        for site in self.endless:
            along = self._axis(site) if site in self.into else 1 + self.out.index(site)
            run = np.sort(np.moveaxis(np.broadcast_to(codes, shape), along, -1), axis=-1)
            if np.any((run[..., 0] > 0) & np.all(np.diff(run, axis=-1) > 0, axis=-1)):
                return True
        return False

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
        """The axes along which a window cuts the lattice off: finite, yet summed over all of Z."""
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
