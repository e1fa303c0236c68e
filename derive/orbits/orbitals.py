"""Orbitals: the orbits of a group on a product of sets, with signs, found factor by factor.

An invariant tensor, ``a(g x) = zeta^phase a(x)`` for x in X_1 x ... x X_k, is one number per orbit. The
orbits on the product are those of G on X_1 (representative x), then those of Stab(x) on X_2, and so on, so
tuples are never listed; on the last factor the phases decide which orbits vanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lcm, prod

import numpy as np

from derive.errors import TooLargeError
from derive.orbits.cover import SignedOrbits, base_map, components, cover_map, signed_orbits
from derive.orbits.recognise import recognise
from derive.orbits.stabilisers import Stabiliser
from derive.symmetry.monomial import Monomial, direct_sum, kronecker

LIST_LIMIT = 4096  # products up to this size are listed instead of descended
LIST_ENTRIES = 2**26  # and up to this many images when stabilisers are out of reach
NODE_LIMIT = 200_000


@dataclass(frozen=True)
class TensorAxis:
    """One factor of the product: what each generator does on it; dual: phases count negatively."""

    maps: tuple[Monomial, ...]
    size: int
    dual: bool = False

    @property
    def signed(self) -> tuple[Monomial, ...]:
        """The maps, on the dual basis if dual."""
        return tuple(m.conjugate for m in self.maps) if self.dual else self.maps


@dataclass(frozen=True, eq=False)
class OrbitFamily:
    """Orbits whose prefixes share a stabiliser: each prefix joined to each orbit of it on the remaining axes.

    With a trivial stabiliser every point of the remaining axes (of sizes `rest`) is an orbit; otherwise one
    axis remains and `orbits` are the signed orbits on it.

    Attributes:
        prefixes: one row for each prefix, its points on the first axes.
        prefix_size: the number of members of the orbit of each prefix.
    """

    prefixes: np.ndarray
    prefix_size: int
    rest: tuple[int, ...]
    orbits: SignedOrbits | None

    @property
    def leaves(self) -> int:
        """The number of orbits for each prefix."""
        return prod(self.rest) if self.orbits is None else len(self.orbits.representatives)

    def tail(self, k: int) -> tuple[int, ...]:
        """The points of orbit k on the remaining axes."""
        if self.orbits is not None:
            return (int(self.orbits.representatives[k]),)
        points: list[int] = []
        for n in reversed(self.rest):
            k, i = divmod(k, n)
            points.append(i)
        return tuple(reversed(points))

    def size(self, k: int) -> int:
        """The number of members of orbit k of each prefix."""
        return self.prefix_size * (1 if self.orbits is None else int((self.orbits.labels == k).sum()))


def find_families(axes: Sequence[TensorAxis]) -> tuple[int, bool, tuple[OrbitFamily, ...]]:
    """The order of the phases, whether the product was listed as one axis, and the families of orbits."""
    order = lcm(1, *(m.order for a in axes for m in a.maps))
    total = prod(a.size for a in axes)
    if total <= LIST_LIMIT:
        return order, True, (listed_family(axes, order),)
    try:
        offsets, root = _domain(axes, order)
    except TooLargeError:  # no chain: a product that fits in memory can still be listed
        if total * order * max(len(a.maps) for a in axes) > LIST_ENTRIES:
            raise
        return order, True, (listed_family(axes, order),)
    families: list[OrbitFamily] = []
    level = [(root, np.zeros((1, 0), dtype=np.int64), 1)]
    for depth in range(len(axes)):
        _refuse_nodes(len(level))
        free = [entry for entry in level if not entry[0].generators]
        rest = tuple(a.size for a in axes[depth:])
        families += [OrbitFamily(prefixes, size, rest, None) for _, prefixes, size in free]
        bound = [entry for entry in level if entry[0].generators]
        if depth + 1 == len(axes):
            families += [f for entry in bound for f in _last(entry, axes, offsets, order)]
        else:
            level = [e for entry in bound for e in _descend(entry, offsets[depth], axes[depth].size)]
    return order, False, tuple(families)


Node = tuple[Stabiliser, np.ndarray, int]


def _domain(axes: Sequence[TensorAxis], order: int) -> tuple[list[int], Stabiliser]:
    """Different sets side by side, one offset per axis, and the group that acts on all of them at once."""
    distinct = list(dict.fromkeys(a.maps for a in axes if a.maps))
    sizes = [len(maps[0].image) for maps in distinct]
    starts = dict(zip(distinct, np.cumsum([0, *sizes]).tolist(), strict=False))
    moves = [direct_sum(list(parts)) for parts in zip(*distinct, strict=True)]
    root = recognise(sum(sizes), order, [cover_map(m, order) for m in moves])
    return [starts.get(a.maps, 0) for a in axes], root


def _descend(node: Node, offset: int, size: int) -> Iterator[Node]:
    """The orbits on the next axis, and the stabilisers of their least members."""
    group, prefixes, members = node
    below = [m[offset : offset + size] - offset for m in group.base_maps()]
    labels, least = components(below, size)
    counts = np.bincount(labels, minlength=len(least))
    for where, smaller in group.stabilisers(least + offset):
        points = np.tile(least[where], len(prefixes))[:, None]
        longer = np.hstack([np.repeat(prefixes, len(where), axis=0), points])
        yield smaller, longer, members * int(counts[where[0]])


def _last(
    node: Node, axes: Sequence[TensorAxis], offsets: Sequence[int], order: int
) -> Iterator[OrbitFamily]:
    """Signed orbits on the last axis, for prefixes on which the stabiliser turns the phase alike."""
    group, prefixes, members = node
    last, offset = axes[-1], offsets[-1]
    turns = np.zeros((len(prefixes), len(group.generators)), dtype=np.int64)
    if order > 1:
        phases = np.stack([g[::order] % order for g in group.generators], axis=1)
        for a, at, column in zip(axes, offsets, prefixes.T, strict=False):
            turns += (-1 if a.dual else 1) * phases[column + at]
    alike, which = np.unique(turns % order, axis=0, return_inverse=True)
    for i, turn in enumerate(alike):
        maps = [
            _turned(g, t, last, offset, order) for g, t in zip(group.generators, turn.tolist(), strict=True)
        ]
        orbits = signed_orbits(maps, last.size, order)
        yield OrbitFamily(prefixes[which.ravel() == i], members, (last.size,), orbits)


def _turned(g: np.ndarray, turn: int, axis: TensorAxis, offset: int, order: int) -> np.ndarray:
    """A generator on the last axis, with the phase that it gives to the prefix."""
    piece = slice(offset, offset + axis.size)
    image = base_map(g, order)[piece] - offset
    if order == 1:
        return image
    phase = (g[::order] % order)[piece]
    return cover_map(Monomial(image, turn + (-phase if axis.dual else phase), order), order)


def product_maps(axes: Sequence[TensorAxis], order: int) -> list[np.ndarray]:
    """The generators on the cover of the listed product."""
    return [cover_map(kronecker(maps), order) for maps in zip(*(a.signed for a in axes), strict=True)]


def listed_family(axes: Sequence[TensorAxis], order: int) -> OrbitFamily:
    """Signed orbits on the whole product, listed as one axis."""
    total = prod(a.size for a in axes)
    orbits = signed_orbits(product_maps(axes, order), total, order)
    return OrbitFamily(np.zeros((1, 0), dtype=np.int64), 1, (total,), orbits)


def _refuse_nodes(nodes: int) -> None:
    if nodes > NODE_LIMIT:
        remedy = "use a lower tensor power"
        rule = f"may need at most {NODE_LIMIT} stabilisers"
        raise TooLargeError("orbits", rule, nodes, remedy)
