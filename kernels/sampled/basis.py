"""All kernels on a window that its own turns leave invariant: orbits of taps, representatives, stabilisers.

Nothing is approximate here: K[g d] = rho_out(g) K[d] rho_in(g)^-1 for every g that maps the grid to itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kernels.sampled.turns import Turn
from kernels.sampled.waves import between


@dataclass(frozen=True)
class Orbit:
    """Taps `members`; `moved`: (taps, e, e), what takes the representative's matrix to every member's;
    `maps`: (e, k), orthonormal matrices of the representative that its stabiliser fixes."""

    members: np.ndarray
    moved: np.ndarray
    maps: np.ndarray

    @property
    def first(self) -> int:
        return int(self.members[0])

    @property
    def root(self) -> float:
        return float(np.sqrt(len(self.members)))

    @cached_property
    def values(self) -> np.ndarray:
        """(taps, e, k): the orthonormal kernels that live on this orbit."""
        taps, edge = self.moved.shape[:2]
        return (self.moved.reshape(-1, edge) @ self.maps).reshape(taps, edge, -1) / self.root


@dataclass(frozen=True)
class Basis:
    """An orthonormal basis, orbit by orbit, of the invariant kernels (taps, e), e = rows * columns."""

    places: np.ndarray
    orbits: tuple[Orbit, ...]

    @cached_property
    def starts(self) -> list[int]:
        return np.cumsum([0, *(o.maps.shape[1] for o in self.orbits)]).tolist()

    @property
    def size(self) -> int:
        return self.starts[-1]

    @property
    def firsts(self) -> np.ndarray:
        """Where the representatives stand."""
        return self.places[[o.first for o in self.orbits]]

    def coordinates(self, values: np.ndarray) -> np.ndarray:
        """(orbits, e, m) matrices at the representatives of invariant kernels to (size, m)."""
        parts = [o.root * o.maps.T @ v for o, v in zip(self.orbits, values, strict=True)]
        return np.concatenate(parts) if parts else np.zeros((0, values.shape[-1]))

    def kernels(self, coordinates: np.ndarray) -> np.ndarray:
        """(size, m) to (taps, e, m)."""
        edge = self.orbits[0].maps.shape[0] if self.orbits else 0
        found = np.zeros((len(self.places), edge, coordinates.shape[1]))
        for o, a, b in zip(self.orbits, self.starts, self.starts[1:], strict=False):
            found[o.members] = o.values @ coordinates[a:b]
        return found

    def energy(self, limit: float) -> np.ndarray:
        """The Gram matrix of kernels by the mean over |w| <= W of their transforms."""
        axes, gram = self.places.shape[1], np.zeros((self.size, self.size))
        spans = list(zip(self.starts, self.starts[1:], strict=False))
        for other, (c, d) in zip(self.orbits, spans, strict=True):
            waves = between(axes, limit, self.firsts, self.places[other.members])
            seen = np.tensordot(waves, other.values, 1)
            for k, (own, (a, b)) in enumerate(zip(self.orbits, spans, strict=True)):
                gram[a:b, c:d] = own.root * own.maps.T @ seen[k]
        return (gram + gram.T) / 2


def invariant_basis(places: np.ndarray, turns: Sequence[Turn]) -> Basis:
    """The basis, for turns that map the places to themselves."""
    where = {tuple(p): k for k, p in enumerate(np.round(places, 6).tolist())}
    actions = [t.on_kernels for t in turns]
    left, orbits = set(range(len(places))), []
    while left:
        first = min(left)
        images = [where[tuple((np.round(t.move @ places[first], 6) + 0.0).tolist())] for t in turns]
        by: dict[int, int] = {}
        for k, image in enumerate(images):
            by.setdefault(image, k)
        fixing = [actions[k] for k, image in enumerate(images) if image == first]
        members = np.array(list(by))
        moved = np.stack([actions[k] for k in by.values()])
        orbits.append(Orbit(members, moved, _fixed(fixing)))
        left -= set(members.tolist())
    return Basis(places, tuple(orbits))


def _fixed(actions: Sequence[np.ndarray]) -> np.ndarray:
    """Orthonormal vectors that orthogonal matrices, all of a group, fix: the image of their mean."""
    if len(actions) == 1:
        return np.eye(len(actions[0]))
    values, vectors = np.linalg.eigh(sum(actions) / len(actions))
    return vectors[:, values > 0.5]
