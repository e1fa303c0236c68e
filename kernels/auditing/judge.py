"""Which elements of the group each layer keeps, one layer after the other, and which the model as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Any

from kernels.auditing.bench import Bench, quarter
from kernels.auditing.causes import causes
from kernels.auditing.modules import has_fields, says_output
from kernels.auditing.motions import (
    Channel,
    Element,
    Vector,
    acts,
    all_shifts,
    as_array,
    channel_action,
    fibre_of,
    first_shifts,
    own_centre,
    periods_of,
    related,
    shift_element,
    sources,
)
from kernels.auditing.units import Unit, join
from kernels.auditing.verdicts import Judged, Verdict

AHEAD = 3
PAIRS = 64
REACH = 4
AXES = "uvw"

# How a motion began at the input: (element, its shift there); where it moves an array: a shift of its sites.
Start = tuple[str, Any]
Places = dict[Start, Vector]


def shifts_of(into: Any, sites: Vector, wrap: tuple[bool, ...]) -> list[list[Element]]:
    """For every axis that is translated: the translations to test, the shortest first.

    On a periodic axis the subgroups of all shifts are made by the divisors of its length; on an open one
    steps are tested that stay inside.
    """
    dim, found = len(sites), []
    for k, (period, n) in enumerate(zip(periods_of(into), sites, strict=True)):
        if not period:
            continue
        last = n // period - 1 if wrap[k] else quarter(n) // period
        steps = [j for j in range(1, last + 1) if (n // period % j == 0 if wrap[k] else _is_smooth(j))]
        name = f"t_{AXES[k] if dim <= len(AXES) else f'u{k + 1}'}"
        names = {j: name if j == 1 else f"{name}^{j}" for j in steps}
        found.append([shift_element(k, j * period, dim, named) for j, named in names.items()])
    return [axis for axis in found if axis]


def _is_smooth(n: int) -> bool:
    """Whether 2 and 3 are the only primes of a number, as of products of strides."""
    while n % 2 == 0 or n % 3 == 0:
        n //= 2 if n % 2 == 0 else 3
    return n == 1


class Judge:
    """Carries every motion of the input through the layers."""

    def __init__(self, bench: Bench, into: Any, out: Any, elements: Sequence[Element]) -> None:
        self.bench, self.into, self.out = bench, into, out
        x = bench.program.x
        self.sites = bench.layout(x).sites
        self.elements = list(elements)
        self.shifts = shifts_of(into, self.sites, bench.wrap)
        start: Places = {}
        for e in self.elements:
            for t in first_shifts(e, self.sites, bench.wrap, periods_of(into), REACH):
                start[e.name, t if any(bench.wrap) else "centre"] = t
        for e in (e for axis in self.shifts for e in axis):
            start[e.name, "shift"] = tuple(int(s) for s in e.shift)
        self.places: dict[int, Places] = {x: start}
        self.start = start
        self.carried = {name for name, _ in start}

    # ---- the run --------------------------------------------------------------------------------------

    def run(self, units: Sequence[Unit], stop: bool = False) -> list[Judged]:
        """Every layer; neighbours are taken as one where only together they are a map of fields.

        `stop`: at the first layer that loses something, without asking why.
        """
        result: list[Judged] = []
        at = 0
        while at < len(units):
            judged, places = self.judge(units[at])
            taken = 1
            for count in range(2, AHEAD + 2):
                if not judged.lost or at + count > len(units):
                    break
                together = join(self.bench.program, units[at : at + count])
                if any(self._keeps(together, name) for name in judged.lost):
                    joined, joined_places = self.judge(together)
                    clear = not joined.doubts and not self.bench.is_dead(together)
                    if clear and len(joined.lost) < len(judged.lost):
                        judged, places, taken = joined, joined_places, count
            if judged.lost and stop:
                return [*result, judged]
            if judged.lost:
                judged.causes = causes(self.bench, judged, self.elements, self.shifts)
            self._settle(judged, places)
            result.append(judged)
            at += taken
        return result

    def whole(self, unit: Unit) -> Judged:
        """The model as one layer, tested from its input to its output."""
        self.places = {self.bench.program.x: self.start}
        return self.judge(unit, direct=True)[0]

    def judge(self, unit: Unit, direct: bool = False) -> tuple[Judged, dict[int, Places]]:
        """One layer: every element that reaches it, or that may reach it."""
        self._declare(unit)
        judged = Judged(unit)
        places: dict[int, Places] = {o: {} for o in unit.outs}
        steps: dict[int, tuple[Vector, dict[int, Vector]]] = {}
        for axis in self.shifts:
            self._shift(judged, places, axis, steps)
        for e in self.elements:
            self._point(judged, places, e, steps)
        return judged, places

    def _keeps(self, unit: Unit, name: str) -> bool:
        """Whether a layer passes the first test of one element."""
        e = next(e for e in (*self.elements, *(s for axis in self.shifts for s in axis)) if e.name == name)
        starts = self._starts(unit, e)
        return any(self.bench.test(unit, e, shifts).shifts is not None for _, shifts in starts[:2])

    # ---- one element ----------------------------------------------------------------------------------

    def _starts(self, unit: Unit, element: Element) -> list[tuple[Any, dict[int, Vector]]]:
        """The motions of the input that make this element, and where each moves the layer's inputs."""
        known = [{s: t for (name, s), t in self.places[i].items() if name == element.name} for i in unit.ins]
        if not known or not all(known):
            return []
        common = [s for s in known[0] if all(s in k for k in known)]
        if common:
            return [(s, {i: k[s] for i, k in zip(unit.ins, known, strict=True)}) for s in common]
        pairs = islice(product(*(k.values() for k in known)), PAIRS)
        return [(("own", *ts), dict(zip(unit.ins, ts, strict=True))) for ts in pairs]

    def _shift(
        self,
        judged: Judged,
        places: dict[int, Places],
        axis: Sequence[Element],
        steps: dict[int, tuple[Vector, dict[int, Vector]]],
    ) -> None:
        """The translations along one axis: the least that is kept, and so its multiples."""
        least: tuple[int, dict[int, Vector]] | None = None
        for e in axis:
            size = int(e.shift[e.axis or 0])
            starts = self._starts(judged.unit, e)
            if not starts:
                continue
            start, shifts = starts[0]
            judged.alive.add(e.name)
            if least is not None and size % least[0] == 0:
                moved = {o: tuple(size // least[0] * x for x in t) for o, t in least[1].items()}
                judged.verdicts[e.name] = Verdict(True, 0.0)
            else:
                outcome = self.bench.test(judged.unit, e, shifts)
                if not outcome.tested:
                    judged.doubts += [e.name] if outcome.doubt else []
                    judged.alive.discard(e.name)
                    continue
                judged.verdicts[e.name] = Verdict(outcome.shifts is not None, outcome.error)
                if outcome.shifts is None:
                    continue
                moved, least = outcome.shifts, (size, outcome.shifts)
                if start == "shift":
                    steps[e.axis or 0] = (tuple(int(x) for x in e.shift), moved)
            for o, t in moved.items():
                places[o][e.name, start] = t

    def _point(
        self,
        judged: Judged,
        places: dict[int, Places],
        element: Element,
        steps: dict[int, tuple[Vector, dict[int, Vector]]],
    ) -> None:
        unit, error, mismatch = judged.unit, float("inf"), False
        starts = self._starts(unit, element)
        if not starts:
            return
        judged.alive.add(element.name)
        actions = self._declared_inputs(unit, element)
        mismatch = any(self._differs(i, element, a) for i, a in actions.items())
        tested: list[tuple[Any, dict[int, Vector] | None]] = []
        for start, shifts in starts:
            known = self._implied(start, tested, steps)
            if known is None:
                outcome = self.bench.test(unit, element, shifts, actions)
                if outcome.doubt:
                    judged.doubts.append(element.name)
                    judged.alive.discard(element.name)
                    return
                error = min(error, outcome.error)
                known = (outcome.shifts,)
                tested.append((start, outcome.shifts))
            if known[0] is not None:
                for o, t in known[0].items():
                    places[o][element.name, start] = t
        kept = any(name == element.name for o in unit.outs for name, _ in places[o])
        judged.verdicts[element.name] = Verdict(kept and not mismatch, error, mismatch)

    def _implied(
        self,
        start: Any,
        tested: list[tuple[Any, dict[int, Vector] | None]],
        steps: dict[int, tuple[Vector, dict[int, Vector]]],
    ) -> tuple[dict[int, Vector] | None] | None:
        """The outcome of a motion that differs from a tested one by translations that the layer keeps."""
        for other, moved in tested:
            if "centre" in (start, other) or "own" in (start[:1] + other[:1]):
                continue
            counts = {}
            for k, (a, b) in enumerate(zip(start, other, strict=True)):
                if a == b:
                    continue
                if k not in steps or (a - b) % steps[k][0][k]:
                    break
                counts[k] = (a - b) // steps[k][0][k]
            else:
                if moved is None:
                    return (None,)
                return ({o: self._added(o, t, counts, steps) for o, t in moved.items()},)
        return None

    def _added(
        self,
        number: int,
        shift: Vector,
        counts: Mapping[int, int],
        steps: Mapping[int, tuple[Vector, dict[int, Vector]]],
    ) -> Vector:
        total = list(shift)
        for k, count in counts.items():
            total = [x + count * y for x, y in zip(total, steps[k][1][number], strict=True)]
        sites, wraps = self.bench.layout(number).sites, self.bench.wraps(number)
        return tuple(x % n if w else x for x, n, w in zip(total, sites, wraps, strict=True))

    # ---- fields of layers -----------------------------------------------------------------------------

    def _declare(self, unit: Unit) -> None:
        """The output of a layer that says its field, and the model's own output, carry that field."""
        if len(unit.outs) != 1:
            return
        (o,) = unit.outs
        atoms = self.bench.layout(o).channels
        fields = [f.out for f in unit.layers(self.bench.program)[-1:] if says_output(f)]
        fields += [self.out] if o == self.bench.program.y and self.out is not None else []
        for f in fields:
            if len(atoms) == 1 and related(f, self.into) and fits(f, atoms[0].size):
                self.bench.book.declared[atoms[0].key] = fibre_of(f)

    def _declared_inputs(self, unit: Unit, element: Element) -> dict[int, Channel]:
        """The action on the input of a layer that says its field."""
        typed = [f for f in unit.layers(self.bench.program)[:1] if has_fields(f)]
        found = {}
        for i in unit.ins if typed else ():
            width = self.bench.layout(i).width
            known = related(typed[0].into, self.into) and acts(fibre_of(typed[0].into), element)
            if known and fits(typed[0].into, width):
                found[i] = channel_action(fibre_of(typed[0].into), element, width)
        return found

    def _differs(self, number: int, element: Element, action: Channel) -> bool:
        """Whether an array carries another action than the layer that reads it was made for."""
        atoms = self.bench.layout(number).channels
        book = self.bench.book
        if (
            len(atoms) == 1
            and book.is_open(atoms[0], element)
            and (atoms[0].key, element.name) not in book.matched
        ):
            return False
        width = self.bench.layout(number).width
        have = as_array(book.of(atoms, element), width)
        return bool(abs(have - as_array(action, width)).max(initial=0) > 1e-9)

    # ---- what was lost --------------------------------------------------------------------------------

    def _settle(self, judged: Judged, places: dict[int, Places]) -> None:
        """What is lost begins anew, so that later layers are judged by themselves."""
        for o in judged.unit.outs:
            self.places[o] = places[o]
            layout, wraps = self.bench.layout(o), self.bench.wraps(o)
            alive = {name for name, _ in places[o]}
            for e in self.elements:
                if e.name not in alive:
                    for t in self._seeds(e, layout.sites, wraps):
                        places[o][e.name, ("own", t) if any(self.bench.wrap) else "centre"] = t
            for axis in self.shifts:
                if not any(e.name in alive for e in axis):
                    for e in axis:
                        k, step = e.axis or 0, int(e.shift[e.axis or 0])
                        if not layout.sites or step < layout.sites[k]:
                            t = tuple(step if i == k else 0 for i in range(len(layout.sites)))
                            places[o][e.name, "own"] = t

    def _seeds(self, element: Element, sites: Vector, wraps: tuple[bool, ...]) -> list[Vector]:
        if not sites:
            return [()]
        own = own_centre(element.matrix, sites)
        if not any(wraps):
            valid = own is not None and sources(element.matrix, own, sites, wraps) is not None
            return [own] if valid and own is not None else []
        found = [own] if own is not None else []
        found += [t for t in all_shifts(sites, 2) if t != own]
        return [t for t in found if sources(element.matrix, t, sites, wraps) is not None]


def fits(field_: Any, width: int) -> bool:
    """Whether a fibre has this many channels; symbolic copies have as many as are needed."""
    fibre = fibre_of(field_)
    if all(isinstance(c, int) for c, _ in fibre.blocks):
        return bool(int(fibre.dim) == width)
    return len(fibre.blocks) == 1 and width % int(fibre.blocks[0][1].dim) == 0


def uncarried(judge: Judge) -> list[str]:
    """The generators that the sites of x cannot carry."""
    return [e.name for e in judge.elements if e.name not in judge.carried]
