"""What the axes of an array mean: batch, sites along an axis of space, channels; an axis may hold several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

BATCH, SITE, CHANNEL, FREE, PART, FREQUENCY, MIXED = (
    "batch",
    "site",
    "channel",
    "free",
    "part",
    "frequency",
    "mixed",
)


@dataclass(frozen=True)
class Atom:
    """A factor of an axis: `size` values of one meaning.

    `key`: the axis of space for sites, the number of a set of channels for channels. A `part` is half of an
    axis of sites that a reshape has cut; `free` numbers are all equal, as after a broadcast.
    """

    kind: str
    size: int
    key: Any = None


Axis = tuple[Atom, ...]
Axes = tuple[Axis, ...]


@dataclass(frozen=True)
class Channels:
    """How a set of channels arose: `made` by a layer, or by joining, cutting or splitting other sets."""

    how: str
    of: tuple[Any, ...] = ()


class Book:
    """The sets of channels of one program, numbered."""

    def __init__(self) -> None:
        self.sets: dict[int, Channels] = {}
        self._next = count()

    def new(self, size: int, how: str = "made", of: tuple[Any, ...] = ()) -> Atom:
        number = next(self._next)
        self.sets[number] = Channels(how, of)
        return Atom(CHANNEL, size, number)


def size_of(axis: Axis) -> int:
    return math.prod(a.size for a in axis)


def atoms(axes: Axes) -> list[Atom]:
    """All factors of all axes, in order."""
    return [a for axis in axes for a in axis]


def unknown(shape: Sequence[int]) -> Axes:
    """Axes of which nothing is known."""
    return tuple((Atom(MIXED, n),) for n in shape)


def named(shape: Sequence[int], dim: int, book: Book) -> Axes:
    """The axes (batch..., sites..., channels) of an array."""
    at = len(shape) - dim - 1
    sites = ((Atom(SITE, n, k),) for k, n in enumerate(shape[at:-1]))
    return (*((Atom(BATCH, n),) for n in shape[:at]), *sites, (book.new(shape[-1]),))


def renewed(axes: Axes, book: Book) -> Axes:
    """The same axes with sets of channels of their own; of several on one axis a single one."""

    def renew(axis: Axis) -> Axis:
        if axis and all(a.kind == CHANNEL for a in axis):
            return (book.new(size_of(axis)),)
        return tuple(book.new(a.size) if a.kind == CHANNEL else a for a in axis)

    return tuple(map(renew, axes))


def is_field(axes: Axes, dim: int) -> bool:
    """Whether an array holds channels on all axes of space, or on none of them."""
    found = [a for a in atoms(axes) if a.size > 1 or a.kind == SITE]
    sites = sorted(a.key for a in found if a.kind == SITE)
    return {a.kind for a in found} <= {BATCH, SITE, CHANNEL} and sites in ([], list(range(dim)))


@dataclass(frozen=True)
class Layout:
    """How an array is brought into the order (batch, sites..., channels), and back."""

    axes: Axes
    shape: tuple[int, ...]
    split: tuple[int, ...]
    order: tuple[int, ...]
    sites: tuple[int, ...]
    channels: tuple[Atom, ...]

    def forward(self, array: np.ndarray) -> np.ndarray:
        """(batch, sites..., channels)"""
        parts = np.asarray(array).reshape(self.split).transpose(self.order)
        batch = math.prod(parts.shape) // (math.prod(self.sites) * max(self.width, 1) or 1)
        return parts.reshape(batch if parts.size else 0, *self.sites, self.width)

    def back(self, array: np.ndarray) -> np.ndarray:
        """The array as the program has it."""
        parts = array.reshape([self.split[i] for i in self.order])
        return parts.transpose(np.argsort(self.order)).reshape(self.shape)

    @property
    def width(self) -> int:
        return math.prod(a.size for a in self.channels)


def layout(axes: Axes) -> Layout:
    """The layout of an array that holds a field."""
    flat = atoms(axes)
    rank = {BATCH: 0, FREE: 0, SITE: 1, CHANNEL: 2}
    order = sorted(
        range(len(flat)), key=lambda i: (rank[flat[i].kind], flat[i].kind == SITE and flat[i].key, i)
    )
    return Layout(
        axes,
        tuple(map(size_of, axes)),
        tuple(a.size for a in flat),
        tuple(order),
        tuple(flat[i].size for i in order if flat[i].kind == SITE),
        tuple(flat[i] for i in order if flat[i].kind == CHANNEL),
    )


# ---- rules for single axes ----------------------------------------------------------------------------


def resized(axis: Axis, size: int, book: Book) -> Axis:
    """The axis after an operation that keeps its meaning and may change its size."""
    if size_of(axis) == size:
        return axis
    if len(axis) == 1 and axis[0].kind in (SITE, BATCH, FREE):
        return (replace(axis[0], size=size),)
    if len(axis) == 1 and axis[0].kind == CHANNEL:
        return (book.new(size),)
    if not axis or all(a.kind == CHANNEL for a in axis):
        return (book.new(size),) if axis else (Atom(FREE, size),)
    return (Atom(MIXED, size),)


def merged(axes: Iterable[Axis], size: int, book: Book) -> Axis:
    """One axis of several operands that are combined entry by entry."""
    present = [a for a in axes if size_of(a) == size and a and any(b.kind != FREE for b in a)]
    if not present:
        return (Atom(FREE, size),)
    if all(a == present[0] for a in present):
        return present[0]
    if any([b.kind for b in a] != [b.kind for b in present[0]] for a in present):
        return (Atom(MIXED, size),)
    return tuple(_combined(list(same), book) for same in zip(*present, strict=True))


def _combined(found: list[Atom], book: Book) -> Atom:
    """Sets of channels of one size combined entry by entry are an image of them all."""
    if all(a == found[0] for a in found):
        return found[0]
    if found[0].kind != CHANNEL or any(a.size != found[0].size for a in found):
        return Atom(MIXED, found[0].size)
    return book.new(found[0].size, "image", tuple(dict.fromkeys(found)))


def images(axes: Axes, book: Book) -> Axes:
    """The axes after a function of single numbers: it may change how the group acts on channels."""
    return tuple(
        tuple(book.new(a.size, "image", (a,)) if a.kind == CHANNEL else a for a in axis) for axis in axes
    )


def reshaped(axes: Axes, shape: Sequence[int], book: Book) -> Axes:
    """The axes after a reshape: factors are regrouped, and cut where a new axis ends inside of one."""
    rest = [a for a in atoms(axes) if a.size != 1]
    result: list[Axis] = []
    for size in shape:
        axis: list[Atom] = []
        while size > 1 and rest:
            atom = rest.pop(0)
            if size % atom.size == 0:
                axis.append(atom)
                size //= atom.size
                continue
            if atom.size % size:
                return unknown(shape)
            high, low = _cut(atom, size, book)
            axis.append(high)
            rest.insert(0, low)
            size = 1
        result.append(_rejoined(axis, book))
    return tuple(result) if not rest or 0 in shape else unknown(shape)


def _cut(atom: Atom, high: int, book: Book) -> tuple[Atom, Atom]:
    """The slower and the faster factor of an atom."""
    low = atom.size // high
    if atom.kind == CHANNEL:
        both = (atom, high, low)
        return book.new(high, "high", both), book.new(low, "low", both)
    if atom.kind in (SITE, PART):
        return Atom(PART, high, (atom, "high")), Atom(PART, low, (atom, "low"))
    return replace(atom, size=high), replace(atom, size=low)


def _rejoined(axis: list[Atom], book: Book) -> Axis:
    """Halves of one atom, next to each other again, are the atom."""
    for i in range(len(axis) - 1):
        a, b = axis[i], axis[i + 1]
        if a.kind == b.kind == PART and a.key == (a.key[0], "high") and b.key == (a.key[0], "low"):
            return _rejoined([*axis[:i], a.key[0], *axis[i + 2 :]], book)
        if a.kind == b.kind == CHANNEL:
            high, low = book.sets[a.key], book.sets[b.key]
            if high.how == "high" and low.how == "low" and high.of == low.of:
                return _rejoined([*axis[:i], high.of[0], *axis[i + 2 :]], book)
    return tuple(axis)


def refined(axes: Axes) -> Axes:
    """Channels put between sites make a finer lattice, and so do sites that are repeated.

    Where one axis holds all sites and all channels it is a list of both.
    """
    holding = [axis for axis in axes if any(a.kind in (SITE, CHANNEL) for a in axis)]
    lone = len(holding) < 2 and (axes[-1:] != ((),) or len(axes) < 2)

    def refine(axis: Axis) -> Axis:
        first, rest = axis[:1], {a.kind for a in axis[1:]}
        if len(axis) > 1 and first[0].kind == SITE and rest <= ({FREE} if lone else {FREE, CHANNEL}):
            return (replace(first[0], size=size_of(axis)),)
        return axis

    return tuple(map(refine, axes))


def settled(axes: Axes) -> Axes:
    """Sites of which the fine part was summed over: the coarse part is an axis of sites by itself."""
    parts = [a for a in atoms(axes) if a.kind == PART]
    wholes = {a.key[0] for a in parts}
    alone = {w for w in wholes if w.kind == SITE and sum(a.key[0] == w for a in parts) == 1}

    def settle(a: Atom) -> Atom:
        if a.kind == PART and a.key[0] in alone and a.key[1] == "high":
            return Atom(SITE, a.size, a.key[0].key)
        return a

    return tuple(tuple(settle(a) for a in axis) for axis in axes)
