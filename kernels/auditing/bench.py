"""A layer put to the test: its inputs moved by a group element, its outputs compared with moved outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.auditing.axes import BATCH, Atom, Layout, layout, size_of
from kernels.auditing.matching import (
    blurred,
    distance,
    find_shift,
    lively,
    match_channels,
    moved_sites,
    overlap,
)
from kernels.auditing.motions import (
    Channel,
    Element,
    Vector,
    act_on_channels,
    acts,
    as_array,
    channel_action,
    own_centre,
    reduced,
)
from kernels.auditing.planes import Seen, is_scant, look_again
from kernels.auditing.program import Program
from kernels.auditing.units import Unit

# The largest difference that counts as rounding, relative to the largest entry.
TOLERANCES = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2, "bfloat16": 6e-2}
NOISE = 30.0


@dataclass(frozen=True)
class Outcome:
    """What became of one motion in a layer: where it moves every output, or None; and the error.

    `tested`: false where there was no room for it, and where there are too few sites to tell, with `doubt`.
    """

    shifts: dict[int, Vector] | None
    error: float
    tested: bool = True
    doubt: bool = False


class Book:
    """Which action every set of channels carries: declared by a field, found by matching, or none."""

    def __init__(self, program: Program) -> None:
        self.sets = program.book.sets
        self.declared: dict[int, Any] = {}
        self.matched: dict[tuple[int, str], Channel] = {}

    def is_open(self, atom: Atom, element: Element) -> bool:
        """Whether nothing says how an element moves a set of channels."""
        made = self.sets[atom.key].how in ("made", "image")
        return made and not (atom.key in self.declared and acts(self.declared[atom.key], element))

    def learn(self, atom: Atom, element: Element, action: Channel) -> None:
        """Remember an action that was found, unless one was found before."""
        if action is not None:
            self.matched.setdefault((atom.key, element.name), action)

    def action(self, atom: Atom, element: Element) -> Channel:
        if element.is_shift:
            return None
        if atom.key in self.declared and acts(self.declared[atom.key], element):
            return channel_action(self.declared[atom.key], element, atom.size)
        if (atom.key, element.name) in self.matched:
            return self.matched[atom.key, element.name]
        return self._derived(atom, element)

    def _derived(self, atom: Atom, element: Element) -> Channel:
        """From the sets that a set was made of."""
        how, of = self.sets[atom.key].how, self.sets[atom.key].of
        if how == "image":
            return self.action(of[0], element)
        if how == "joined":
            blocks = [np.eye(n) if a is None else as_array(self.of(a, element), n) for a, n in of]
            ends = np.cumsum([0, *map(len, blocks)])
            whole = np.zeros((ends[-1], ends[-1]))
            for block, start, stop in zip(blocks, ends, ends[1:], strict=False):
                whole[start:stop, start:stop] = block
            return reduced(whole)
        if how == "cut":
            parent, start, stop = of
            whole = as_array(self.of(parent, element), size_of(parent))
            return reduced(whole[start:stop, start:stop])
        if how in ("high", "low"):
            parent, high, low = of
            matrix = as_array(self.action(parent, element), parent.size).reshape(high, low, high, low)
            inner, outer = matrix[0, :, 0, :], matrix[:, 0, :, 0]
            if np.allclose(np.einsum("ij,kl->ikjl", np.eye(high), inner), matrix):
                return None if how == "high" else reduced(inner)
            if np.allclose(np.einsum("ij,kl->ikjl", outer, np.eye(low)), matrix):
                return reduced(outer) if how == "high" else None
        return None

    def of(self, atoms: tuple[Atom, ...], element: Element) -> Channel:
        """The action on the channels of an array, of several sets the last fastest."""
        actions = [self.action(a, element) for a in atoms]
        if all(a is None for a in actions):
            return None
        if len(actions) == 1:
            return actions[0]
        whole = np.ones((1, 1))
        for action, atom in zip(actions, atoms, strict=True):
            whole = np.kron(whole, as_array(action, atom.size))
        return reduced(whole)


@dataclass
class Bench:
    """Where layers are tested."""

    program: Program
    wrap: tuple[bool, ...]
    book: Book = field(init=False)
    _arrays: dict[int, np.ndarray] = field(default_factory=dict)
    _bases: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.book = Book(self.program)

    @classmethod
    def like(cls, other: Bench, wrap: tuple[bool, ...]) -> Bench:
        """The same program and actions on arrays that end, or close, elsewhere."""
        bench = cls(other.program, wrap)
        bench.book = other.book
        return bench

    # ---- arrays ---------------------------------------------------------------------------------------

    def layout(self, number: int) -> Layout:
        return layout(self.program.axes[number])

    def array(self, number: int) -> np.ndarray:
        """The recorded array, in the order (batch, sites..., channels)."""
        if number not in self._arrays:
            a = self.layout(number).forward(np.asarray(self.program.values[number]))
            self._arrays[number] = lively(a)
        return self._arrays[number]

    def wraps(self, number: int) -> tuple[bool, ...]:
        return self.wrap if self.layout(number).sites else ()

    def run(self, unit: Unit, arrays: Mapping[int, np.ndarray]) -> list[np.ndarray]:
        """The outputs of a layer for inputs in canonical order, in float64 or exact integers."""
        given = {}
        for i, a in arrays.items():
            kind = jnp.asarray(self.program.values[i]).dtype
            given[i] = jnp.asarray(self.layout(i).back(a)).astype(kind)
        with jax.default_matmul_precision("highest"):
            outs = unit.run(self.program, given)
        return [
            self._numbers(self.layout(i).forward(np.asarray(o))) for i, o in zip(unit.outs, outs, strict=True)
        ]

    @staticmethod
    def _numbers(array: np.ndarray) -> np.ndarray:
        return array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)

    def tolerance(self, unit: Unit) -> float:
        """That of the coarsest floating type that occurs."""
        kinds = {
            str(getattr(self.program.values[i], "dtype", "")) for s in unit.steps for i in (*s.ins, *s.outs)
        }
        return max((TOLERANCES[k] for k in kinds if k in TOLERANCES), default=TOLERANCES["float32"])

    def sums_samples(self, unit: Unit) -> bool:
        """Whether the outputs for one sample depend on the others."""
        for s in unit.steps:
            axes = self.program.axes.get(s.ins[0]) if s.name.startswith("reduce_") and s.ins else None
            over = s.params.get("axes", ())
            if axes is not None and any(a.kind == BATCH and a.size > 1 for i in over for a in axes[i]):
                return True
        return False

    def is_dead(self, unit: Unit) -> bool:
        """Whether the outputs are the same for all samples and at all sites, which shows nothing."""
        many = [a.reshape(-1, a.shape[-1]) for a in self.base(unit)]
        return all(
            len(a) > 1 and np.ptp(a, axis=0).max(initial=0) <= 1e-6 * np.abs(a).max(initial=0) for a in many
        )

    def rounding(self, unit: Unit) -> float:
        """By how much outputs change when inputs change in their last digits: what rounding may do."""
        key = (id(unit), "rounding")
        if key not in self._bases:
            rng = np.random.default_rng(0)
            size = self.tolerance(unit) / 1e3
            near = {}
            for i in unit.ins:
                a = self.array(i)
                exact = not np.issubdtype(a.dtype, np.integer) and a.dtype != bool
                near[i] = (a * (1 + size * rng.standard_normal(a.shape))).astype(a.dtype) if exact else a
            pairs = zip(self.run(unit, near), self.base(unit), strict=True)
            self._bases[key] = (unit, max((distance(a, b) for a, b in pairs), default=0.0))
        return self._bases[key][1]

    def base(self, unit: Unit, mask: Vector | None = None) -> list[np.ndarray]:
        """The outputs for the recorded inputs, or for those with zeros near the border."""
        key = (id(unit), mask)
        if key not in self._bases:
            self._bases[key] = (unit, self.run(unit, {i: self.masked(i, mask) for i in unit.ins}))
        return self._bases[key][1]

    def masked(self, number: int, mask: Vector | None) -> np.ndarray:
        """The recorded array, zero on the outer quarters of the axes named by the mask."""
        a = self.array(number)
        for k in mask or ():
            n = a.shape[1 + k] if a.ndim > 2 else 0
            if n:
                margin = quarter(n)
                keep = (np.arange(n) >= margin) & (np.arange(n) < n - margin)
                a = a * keep.reshape(-1, *(1,) * (a.ndim - 2 - k)).astype(a.dtype)
        return a

    # ---- tests ----------------------------------------------------------------------------------------

    def test(
        self,
        unit: Unit,
        element: Element,
        shifts: Mapping[int, Vector],
        actions: Mapping[int, Channel] | None = None,
    ) -> Outcome:
        """layer(g a) against g layer(a), for the shift that g makes in every input.

        Where a layer sums over samples only the first of them is moved.

        `actions`: those on the inputs' channels, where they are not what the book says.
        """
        actions = actions or {}
        if element.is_shift and not all(self.wrap):
            mask: Vector | None = tuple(
                k for k in range(len(self.wrap)) if k == element.axis and not self.wrap[k]
            )
        else:
            mask = None
        moved, alone = {}, self.sums_samples(unit)
        for i in unit.ins:
            still = a = self.masked(i, mask)
            a = act_on_channels(a, actions.get(i, self.book.of(self.layout(i).channels, element)))
            if mask:
                room = quarter(a.shape[1 + mask[0]]) if a.ndim > 2 else 0
                if a.ndim > 2 and max(map(abs, shifts[i])) > room:
                    return Outcome(None, 0.0, tested=False)
                m: np.ndarray | None = np.roll(a, shifts[i], axis=tuple(range(1, a.ndim - 1)))
            else:
                m = moved_sites(a, element.matrix, shifts[i], self.wraps(i))
            if m is None:
                return Outcome(None, float("inf"))
            moved[i] = np.concatenate([m[:1], still[1:]]) if alone else m
        results = zip(unit.outs, self.run(unit, moved), self.base(unit, mask or None), strict=True)
        found, worst = {}, 0.0
        for number, got, base in results:
            if not got.size:
                return Outcome(None, 0.0, tested=False, doubt=True)
            got, base = (got[:1], base[:1]) if alone and len(got) == len(moved[unit.ins[0]]) else (got, base)
            hint = self._hint(unit, shifts, number)
            shift, error = self._compare(unit, number, element, got, base, hint, mask)
            worst = max(worst, error)
            if shift is not None:
                found[number] = shift
        if len(found) < len(unit.outs):
            return Outcome(None, worst)
        return (
            self._confirmed(unit, mask[0], shifts, Outcome(found, worst)) if mask else Outcome(found, worst)
        )

    def _confirmed(self, unit: Unit, axis: int, shifts: Mapping[int, Vector], outcome: Outcome) -> Outcome:
        """The same; where it was seen at few sites, lost or left open if single planes say otherwise."""
        inputs, outputs = {i: self.array(i) for i in unit.ins}, self.base(unit)
        seen = Seen(axis, shifts, [(outcome.shifts or {})[o] for o in unit.outs])
        if self.sums_samples(unit) or not is_scant(seen, inputs, outputs):
            return outcome
        limit = self.tolerance(unit)
        inside, sure = look_again(lambda arrays: self.run(unit, arrays), seen, inputs, outputs, limit)
        if sure:
            return outcome
        if inside > limit:
            return Outcome(None, inside)
        return Outcome(None, outcome.error, tested=False, doubt=True)

    def _hint(self, unit: Unit, shifts: Mapping[int, Vector], number: int) -> list[float]:
        """Where an output would move if it had its sites where the first input has them."""
        sites = self.layout(number).sites
        source = next((i for i in unit.ins if len(self.layout(i).sites) == len(sites)), None)
        if source is None:
            return [0.0] * len(sites)
        pairs = zip(shifts[source], sites, self.layout(source).sites, strict=True)
        return [t * n / m for t, n, m in pairs]

    def _compare(
        self,
        unit: Unit,
        number: int,
        element: Element,
        got: np.ndarray,
        base: np.ndarray,
        hint: list[float],
        mask: Vector | None,
    ) -> tuple[Vector | None, float]:
        atoms, sites = self.layout(number).channels, self.layout(number).sites
        want = act_on_channels(base, self.book.of(atoms, element))
        shift, error = self._search(unit, element, got, want, hint, sites, mask)
        lone = len(atoms) == 1 and self.book.is_open(atoms[0], element) and not element.is_shift
        if shift is not None or not lone or (atoms[0].key, element.name) in self.book.matched:
            return shift, error
        place, action, error = self._other_action(unit, number, element, got, base, hint, mask, error)
        if place is not None:
            self.book.matched[atoms[0].key, element.name] = action
        return place, error

    def _other_action(
        self,
        unit: Unit,
        number: int,
        element: Element,
        got: np.ndarray,
        base: np.ndarray,
        hint: list[float],
        mask: Vector | None,
        error: float,
    ) -> tuple[Vector | None, Channel, float]:
        """An action that was not expected: that of another operand, or a signed permutation."""
        (atom,), sites = self.layout(number).channels, self.layout(number).sites
        sets = self.book.sets[atom.key]
        others = [self.book.action(a, element) for a in sets.of[1:]] if sets.how == "image" else []
        for action in others:
            want = act_on_channels(base, action)
            place, gap = self._search(unit, element, got, want, hint, sites, mask)
            if place is not None:
                return place, action, gap
        place, _ = self._search(unit, element, blurred(got), blurred(base), hint, sites, mask)
        still = None if place is None else moved_sites(base, element.matrix, place, self.wraps(number))
        match = None if still is None else match_channels(got, still, self.tolerance(unit))
        if match is None or still is None:
            return None, None, error
        return place, match, distance(got, act_on_channels(still, match))

    def _search(
        self,
        unit: Unit,
        element: Element,
        got: np.ndarray,
        want: np.ndarray,
        hint: list[float],
        sites: Vector,
        mask: Vector | None,
    ) -> tuple[Vector | None, float]:
        """The shift of the output, of those that the element may make."""
        limit = self.tolerance(unit)
        for _ in range(2):
            if mask and sites:
                shift, error = overlap(got, want, mask[0], limit, hint)
            else:
                choices = self._choices(element, sites)
                if choices is None:
                    return None, float("inf")
                shift, error = find_shift(
                    got, want, element.matrix, choices, self.wrap[: len(sites)], hint, limit
                )
            if shift is not None or not limit < error < 0.3:
                break
            floor = NOISE * self.rounding(unit)
            if floor <= limit or error > floor:
                break
            limit = floor
        return shift, error

    def _choices(self, element: Element, sites: Vector) -> list[list[int]] | None:
        """The shifts along each axis that may follow the linear part of an element."""
        if not sites:
            return []
        if element.is_shift:
            return [list(range(n)) if k == element.axis else [0] for k, n in enumerate(sites)]
        own = own_centre(element.matrix, sites)
        if own is None and not all(self.wrap):
            return None
        return [list(range(n)) if self.wrap[k] else [own[k]] for k, n in enumerate(sites)]  # type: ignore[index]


def quarter(sites: int) -> int:
    return -(-sites // 4)
