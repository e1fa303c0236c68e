"""The molecules benchmark: data and potential are what they say; how well anything learns is not said."""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest

from benchmarks import molecules, molecules_nets
from benchmarks.molecules_data import ATOMS, EDGES, MOLECULES, Frame, batch, batches, beyond_atoms


def frame(molecule: int, atoms: int, seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(atoms, 3)) * 1.5
    return Frame(molecule, rng.integers(0, 4, atoms), positions, rng.normal(), rng.normal(size=(atoms, 3)))


FRAMES = [frame(k // 3, 2 + k % 5, k) for k in range(90)]


def test_a_potential_feels_neither_turns_nor_padding_and_its_forces_are_its_slope() -> None:
    model = molecules_nets.potential(molecules_nets.OURS, jax.random.key(0), copies=2)
    predicted = eqx.filter_jit(molecules_nets.forces)
    some = batch(FRAMES[:6])
    energies, forces = map(np.asarray, predicted(model, some))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0].astype(np.float32)
    for sign in (1, -1):
        e, f = predicted(model, some._replace(positions=sign * some.positions @ turn.T))
        np.testing.assert_allclose(e, energies, atol=1e-5)
        np.testing.assert_allclose(f, sign * forces @ turn.T, atol=1e-5)
    alone, _ = predicted(model, batch(FRAMES[5:6]))
    np.testing.assert_allclose(alone[0], energies[5], atol=1e-5)
    atoms = int(some.counts.sum())
    assert not forces[atoms:].any()
    along = np.zeros_like(some.positions)
    along[:atoms] = np.random.default_rng(1).normal(size=(atoms, 3))
    ends = [
        float(predicted(model, some._replace(positions=some.positions + h * along))[0].sum())
        for h in (0.01, -0.01)
    ]
    np.testing.assert_allclose((ends[1] - ends[0]) / 0.02, (forces * along).sum(), rtol=2e-2, atol=1e-3)


def test_batches_hold_every_frame_once() -> None:
    given = list(batches(FRAMES, np.random.default_rng(0)))
    assert all(b.kinds.shape == (ATOMS,) and b.senders.shape == (EDGES,) for b in given)
    found = np.concatenate([b.energies[b.counts > 0] for b in given])
    np.testing.assert_allclose(np.sort(found), np.sort([f.energy for f in FRAMES]).astype(np.float32))
    assert all((b.counts > 0).sum() <= MOLECULES for b in given)
    one = batch(FRAMES[:2])
    first = len(FRAMES[0].kinds)
    near = one.senders < ATOMS
    assert ((one.senders < first) == (one.receivers < first))[near].all()  # no edge between two molecules
    apart = np.linalg.norm(one.positions[one.senders[near]] - one.positions[one.receivers[near]], axis=1)
    assert (apart < molecules.CUTOFF).all()
    assert near.sum() == sum(len(f.edges[0]) for f in FRAMES[:2])


def test_hidden_molecules_are_not_trained_on() -> None:
    sets = molecules.split(FRAMES, 1, 0)
    trained = {f.molecule for f in sets.train}
    assert trained == {f.molecule for f in sets.tests[molecules.SEEN]}
    assert not trained & {f.molecule for f in sets.tests[molecules.UNSEEN]}
    assert len(sets.train) == len(trained)
    assert len({f.molecule for f in FRAMES}) == len(trained) * 5 // 4


def test_what_atoms_say_alone_is_taken_off() -> None:
    each = np.array([1.0, -2.0, 5.0, 0.5])
    given = [Frame(0, f.kinds, f.positions, float(each[f.kinds].sum()), f.forces) for f in FRAMES]
    assert max(abs(f.energy) for f in beyond_atoms(given, given)) < 1e-9


def test_what_is_reported() -> None:
    errors = {name: molecules.Errors(1.0, 20.0) for name in (molecules.SEEN, molecules.UNSEEN)}
    runs = [molecules.Run(by, 8, errors) for by in (molecules_nets.OURS, molecules_nets.SCALARS)]
    plan = molecules.Plan(seeds=1)
    text = molecules.markdown(runs, plan, "Raced.", 60.0, "- Machine: this one")
    assert text.count("| this library | 1.0 | 20.0 |") == 2
    assert "in 1.0 minutes" in text
    assert molecules.errors(None, FRAMES[:4]).energy == pytest.approx(
        1e3 * np.mean([abs(f.energy) / len(f.kinds) for f in FRAMES[:4]]), rel=1e-5
    )
