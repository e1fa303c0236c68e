"""The 162 molecules of the G2 set, rattled, with energies and forces of a tight-binding calculation.

Geometries: ASE (`ase.collections.g2`); energies and forces: GFN2-xTB by tblite, in eV and eV/Angstrom.
Sources: L. Curtiss, K. Raghavachari, P. Redfern, J. Pople, J. Chem. Phys. 106, 1063 (1997); C. Bannwarth,
S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np

CUTOFF = 4.0  # Angstrom
RATTLE = 0.08  # Angstrom, the standard deviation of every coordinate
ATOMS, EDGES, MOLECULES = 160, 1408, 24  # the room of a batch; what is left over is padding


@dataclass(frozen=True)
class Frame:
    """One geometry of one molecule: which of them, kinds of atoms, positions, energy, forces."""

    molecule: int
    kinds: np.ndarray
    positions: np.ndarray
    energy: float
    forces: np.ndarray

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Senders and receivers: ordered pairs of atoms nearer than the cut-off."""
        apart = np.linalg.norm(self.positions[:, None] - self.positions[None], axis=-1)
        receivers, senders = np.nonzero((apart < CUTOFF) & (apart > 0))
        return senders, receivers


class Batch(NamedTuple):
    """Frames beside each other in arrays of fixed sizes; atoms of padding belong to no molecule."""

    kinds: jax.Array | np.ndarray  # (ATOMS,)
    positions: jax.Array | np.ndarray  # (ATOMS, 3)
    owners: jax.Array | np.ndarray  # (ATOMS,) which frame; MOLECULES for padding
    senders: jax.Array | np.ndarray  # (EDGES,); ATOMS for padding
    receivers: jax.Array | np.ndarray  # (EDGES,), in order
    energies: jax.Array | np.ndarray  # (MOLECULES,)
    counts: jax.Array | np.ndarray  # (MOLECULES,) atoms; 0 for padding
    forces: jax.Array | np.ndarray  # (ATOMS, 3)


def frames(geometries: int, seed: int = 0) -> list[Frame]:
    """Every molecule of two and more atoms, rattled this many times."""
    from ase.build import molecule
    from ase.collections import g2
    from tblite.ase import TBLite

    rng, numbers = np.random.default_rng(seed), sorted({z for n in g2.names for z in molecule(n).numbers})
    found = []
    for k, name in enumerate(n for n in sorted(g2.names) if len(molecule(n)) > 1):
        atoms = molecule(name)
        atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
        rest, kinds = atoms.positions.copy(), np.searchsorted(numbers, atoms.numbers)
        for _ in range(geometries):
            atoms.positions = rest + rng.normal(scale=RATTLE, size=rest.shape)
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            found.append(Frame(k, kinds, atoms.positions.copy(), float(energy), forces.copy()))
    return found


def beyond_atoms(train: Sequence[Frame], others: Sequence[Frame]) -> list[Frame]:
    """Energies less the sum over atoms that fits those of `train` best."""
    kinds = 1 + max(f.kinds.max() for f in [*train, *others])
    counts = np.stack([np.bincount(f.kinds, minlength=kinds) for f in train]).astype(float)
    each = np.linalg.lstsq(counts, np.array([f.energy for f in train]), rcond=None)[0]
    return [replace(f, energy=f.energy - each[f.kinds].sum()) for f in others]


def batches(given: Sequence[Frame], rng: np.random.Generator | None = None) -> Iterator[Batch]:
    """All frames once, in an order that rng draws, as many in a batch as there is room for."""
    waiting: list[Frame] = []
    atoms = edges = 0
    for k in np.arange(len(given)) if rng is None else rng.permutation(len(given)):
        many, pairs = len(given[k].kinds), len(given[k].edges[0])
        if len(waiting) == MOLECULES or atoms + many > ATOMS or edges + pairs > EDGES:
            yield batch(waiting)
            waiting, atoms, edges = [], 0, 0
        waiting.append(given[k])
        atoms, edges = atoms + many, edges + pairs
    if waiting:
        yield batch(waiting)


def batch(given: Sequence[Frame]) -> Batch:
    """Frames as one batch."""
    starts = np.cumsum([0, *(len(f.kinds) for f in given)])
    ends = [[e + s for e in f.edges] for f, s in zip(given, starts, strict=False)]
    each = [len(f.kinds) for f in given]

    def filled(parts: Sequence[np.ndarray], size: int, fill: float, dtype: type) -> np.ndarray:
        joined: np.ndarray = np.concatenate(parts).astype(dtype)
        room = [(0, size - len(joined))] + [(0, 0)] * (joined.ndim - 1)
        return np.pad(joined, room, constant_values=fill)

    return Batch(
        filled([f.kinds for f in given], ATOMS, 0, np.int32),
        filled([f.positions for f in given], ATOMS, 0, np.float32),
        filled([np.full(n, k) for k, n in enumerate(each)], ATOMS, MOLECULES, np.int32),
        filled([e[0] for e in ends], EDGES, ATOMS, np.int32),
        filled([e[1] for e in ends], EDGES, ATOMS, np.int32),
        filled([np.array([f.energy for f in given])], MOLECULES, 0, np.float32),
        filled([np.array(each)], MOLECULES, 0, np.float32),
        filled([f.forces for f in given], ATOMS, 0, np.float32),
    )
