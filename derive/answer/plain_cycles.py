"""Answers that commute with a cycle, with signs or without, as plain NumPy: taps along it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from derive.errors import RepresentationError
from derive.hom.intertwiners import PieceMaps
from derive.orbits.invariants import InvariantTensors
from derive.pickling import Arrays
from derive.symmetry.monomial import Monomial

CYCLE = 3  # points of the shortest cycle that is worth a convolution
ENTRY_LIMIT = 2**24  # nonzero entries that are listed


@dataclass(frozen=True, eq=False)
class Cycles(Arrays):
    """A signed permutation of which every orbit has n points.

    It takes ``sign[t, i] e[place[t, i]]`` to that of t + 1, and the last to the first times ``turn[i]``.
    Where this is -1, a whole turn changes the sign, and the orbit is called negacyclic.
    """

    place: np.ndarray
    sign: np.ndarray
    turn: np.ndarray

    @property
    def points(self) -> int:
        return len(self.place)

    @property
    def is_plain(self) -> bool:
        """Whether there are no signs."""
        return bool((self.sign > 0).all() and (self.turn > 0).all())


@dataclass(frozen=True, eq=False)
class PlainCycle(Arrays):
    """Maps that commute with such a permutation on both sides.

        A[out[t, i], into[t + d, j]] = value[d, i, j] w[weight[d, i, j]]        0 <= d < n

    in the basis with the signs of the cycles; beyond n the sign of a turn comes in. `weight` is -1 where A
    vanishes.
    """

    out: Cycles
    into: Cycles
    weight: np.ndarray
    value: np.ndarray


def read_cycle(maps: PieceMaps, orbits: InvariantTensors) -> PlainCycle | None:
    """The taps along the longest cycle of a generator, one without signs where there is a choice."""
    best: tuple[Cycles, Cycles] | None = None
    if min(maps.shape) < CYCLE:
        return None
    for name in maps.input.group.generators:
        pair = _both(maps.output.monomial(name), maps.input.monomial(name))
        if pair is not None and (best is None or _rank(pair) > _rank(best)):
            best = pair
    return None if best is None else _taps(maps, orbits, *best)


def _both(out: Monomial | None, into: Monomial | None) -> tuple[Cycles, Cycles] | None:
    if out is None or into is None or max(out.order, into.order) > 2:
        return None
    one, other = _cycles(out), _cycles(into)
    if one is None or other is None or one.points != other.points or one.points < CYCLE:
        return None
    return one, other


def _rank(pair: tuple[Cycles, Cycles]) -> tuple[int, bool]:
    return pair[0].points, all(cycles.is_plain for cycles in pair)


def _cycles(m: Monomial) -> Cycles | None:
    """Column i runs once round orbit i; None unless all orbits have n points.

    >>> _cycles(Monomial(np.array([1, 2, 0]), np.array([0, 1, 0]), 2))
    Cycles(place=array([[0],
           [1],
           [2]]), sign=array([[ 1],
           [ 1],
           [-1]]), turn=array([-1]))
    """
    place = _turns(m.image)
    if place is None:
        return None
    steps = np.cumprod(1 - 2 * m.phase[place], axis=0) if m.order == 2 else np.ones_like(place)
    return Cycles(place, np.concatenate([np.ones_like(steps[:1]), steps[:-1]]), steps[-1])


def _turns(image: np.ndarray) -> np.ndarray | None:
    turned, seen, cycles = image.tolist(), [False] * len(image), []
    for start in range(len(turned)):
        at, cycle = start, []
        while not seen[at]:
            seen[at] = True
            cycle.append(at)
            at = turned[at]
        if cycle:
            cycles.append(cycle)
        if len(cycles[0]) != len(cycles[-1]):
            return None
    return np.array(cycles, dtype=np.int64).T if cycles else None


def _taps(maps: PieceMaps, orbits: InvariantTensors, out: Cycles, into: Cycles) -> PlainCycle | None:
    """Read off the rows from which the cycles of the output start."""
    rows, columns = maps.shape
    row = _only_row(orbits, columns) if not orbits.listed and out.place.shape[1] == 1 else None
    if row is not None:
        labels, phases = row
    elif rows * columns <= ENTRY_LIMIT:
        labels = orbits.labels.reshape(rows, columns)[out.place[0]]
        phases = orbits.phases.reshape(rows, columns)[out.place[0]]
    else:
        return None
    weight = labels[:, into.place].transpose(1, 0, 2)
    value = real_coefficients(maps, orbits, np.where(labels < 0, 0, phases))[:, into.place].transpose(1, 0, 2)
    return PlainCycle(out, into, weight, value * into.sign[:, None])


def _only_row(orbits: InvariantTensors, columns: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The labels of row 0, when it is the only representative."""
    slices = list(_first(orbits.slices(), 2))
    if len(slices) != 1 or slices[0][0] != (0,) or slices[0][1].size != columns:
        return None
    return slices[0][1].reshape(1, -1), slices[0][2].reshape(1, -1)


def _first(items: Iterator[Any], many: int) -> Iterator[Any]:
    for _, item in zip(range(many), items, strict=False):
        yield item


def real_coefficients(maps: PieceMaps, orbits: InvariantTensors, phases: np.ndarray) -> np.ndarray:
    """The roots of unity of these phases, which must be signs."""
    if (2 * phases % orbits.order).any():
        refuse_complex(maps)
    return np.where(phases == 0, 1.0, -1.0)


def refuse_complex(maps: PieceMaps) -> NoReturn:
    """Say that maps with complex entries are not lowered."""
    raise RepresentationError(
        "x, y",
        "must have real equivariant maps to be lowered",
        f"{maps.input.name} -> {maps.output.name}",
        "use the real irreducible representations, irreps(G)",
    )
