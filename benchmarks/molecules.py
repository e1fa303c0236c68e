"""`python -m benchmarks.molecules`: energies and forces of small molecules, learned with exact rotations.

python -m benchmarks.molecules           one seed, a few minutes
python -m benchmarks.molecules --full    three seeds, two sizes of training sets
... --write                              also into benchmarks/MOLECULES.md

A potential written with this library, the same without vectors and matrices, and the same with e3nn-jax, of
about as many weights, learn from the same rattled molecules; forces are gradients of the energy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.harness import race
from benchmarks.learning import table
from benchmarks.machine import describe
from benchmarks.molecules_data import CUTOFF, RATTLE, Batch, Frame, batches, beyond_atoms, frames
from benchmarks.molecules_nets import E3NN, NAMES, OURS, Potential, e3nn, forces, parameters, potential

RESULTS = Path(__file__).parent / "MOLECULES.md"
RATE, ENERGY = 5e-3, 30.0  # of Adam; what a squared energy per atom counts beside a squared force
SEEN, UNSEEN, GEOMETRIES, TESTED = "the molecules trained on, rattled anew", "other molecules", 10, 2


@dataclass(frozen=True)
class Plan:
    """Geometries of every molecule to train on, seeds, steps."""

    geometries: tuple[int, ...] = (8,)
    seeds: int = 1
    steps: int = 2000
    full: bool = False


DEFAULT, FULL = Plan(), Plan((2, 8), 3, 6000, True)


class Errors(NamedTuple):
    """Mean absolute errors: energies in meV per atom, components of forces in meV per Angstrom."""

    energy: float
    force: float


class Sets(NamedTuple):
    """What is trained on, and what is tested on, by name."""

    train: list[Frame]
    tests: dict[str, list[Frame]]


def split(given: Sequence[Frame], geometries: int, seed: int) -> Sets:
    """One molecule in five is never trained on; of the others, so many geometries are."""
    molecules = np.random.default_rng(seed).permutation(1 + max(f.molecule for f in given))
    hidden = set(molecules[: len(molecules) // 5].tolist())
    count: dict[int, int] = {}
    train, seen, unseen = [], [], []
    for frame in given:
        k = count[frame.molecule] = count.get(frame.molecule, 0) + 1
        if frame.molecule in hidden:
            unseen.append(frame)
        elif k <= TESTED:
            seen.append(frame)
        elif k <= TESTED + geometries:
            train.append(frame)
    return Sets(
        beyond_atoms(train, train),
        {SEEN: beyond_atoms(train, seen), UNSEEN: beyond_atoms(train, unseen)},
    )


def loss(model: Potential, given: Batch) -> jax.Array:
    """Squared errors of energies per atom and of forces, padding left out."""
    energies, pull = forces(model, given)
    each = (energies - given.energies) / jnp.maximum(given.counts, 1)
    kept = given.counts > 0
    atoms = given.counts.sum()
    return (
        ENERGY * jnp.where(kept, each**2, 0).sum() / kept.sum() + ((pull - given.forces) ** 2).sum() / atoms
    )


def trained(by: str, sets: Sets, seed: int, steps: int) -> tuple[Potential, dict[str, Errors]]:
    """A potential after training, and its errors."""
    model = potential(by, jax.random.key(seed))
    adam = optax.adam(optax.cosine_decay_schedule(RATE, steps))
    state = adam.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit(donate="all-except-first")
    def advance(given: Batch, model: Potential, state: Any) -> tuple[Potential, Any]:
        gradient = eqx.filter_grad(loss)(model, given)
        updates, state = adam.update(gradient, state)
        return eqx.apply_updates(model, updates), state

    rng, done = np.random.default_rng(seed), 0
    while done < steps:
        for given in batches(sets.train, rng):
            if done == steps:
                break
            model, state = advance(given, model, state)
            done += 1
    return model, {name: errors(model, test) for name, test in sets.tests.items()}


@eqx.filter_jit
def predicted(model: Potential, given: Batch) -> tuple[jax.Array, jax.Array]:
    """Energies and forces."""
    return forces(model, given)


def errors(model: Potential | None, test: Sequence[Frame]) -> Errors:
    """Of a potential; without one, of atoms that do not feel each other."""
    energy, force = [], []
    for given in batches(test):
        zeros = np.zeros_like(given.energies), np.zeros_like(given.forces)
        e, f = zeros if model is None else map(np.asarray, predicted(model, given))
        kept, atoms = given.counts > 0, int(given.counts.sum())
        energy.append((abs(e - given.energies) / np.maximum(given.counts, 1))[kept])
        force.append(abs(f - given.forces)[:atoms].ravel())
    return Errors(1e3 * float(np.concatenate(energy).mean()), 1e3 * float(np.concatenate(force).mean()))


# ---- what is reported --------------------------------------------------------------------------------------


class Run(NamedTuple):
    """One training: which potential, from how many geometries, its errors."""

    by: str
    geometries: int
    errors: dict[str, Errors]


def run(plan: Plan, given: Sequence[Frame], report: Callable[[str], None] = print) -> list[Run]:
    """All trainings, one after the other; the potentials take turns."""
    found = []
    for geometries in plan.geometries:
        for seed in range(plan.seeds):
            sets = split(given, geometries, seed)
            found.append(Run("atoms alone", geometries, {n: errors(None, t) for n, t in sets.tests.items()}))
            for by in contenders():
                found.append(Run(by, geometries, trained(by, sets, seed, plan.steps)[1]))
                report(f"{geometries} geometries, seed {seed}, {by}: {found[-1].errors}")
    return found


def contenders() -> tuple[str, ...]:
    """Those that can be had."""
    return tuple(name for name in NAMES if name != E3NN or e3nn is not None)


def steps_raced(given: Sequence[Frame], budget: float) -> str:
    """How long the gradient of the loss takes, this library's beside e3nn-jax's."""
    some = next(batches(given))
    gradient = eqx.filter_jit(eqx.filter_grad(loss))

    def call(by: str) -> Callable[[], Any]:
        model = potential(by, jax.random.key(0))
        return lambda: jax.block_until_ready(gradient(model, some))

    result = race({by: call(by) for by in contenders()}, budget, least=5, patience=30)
    said = [f"{by} {result.time(by).show(1e-3)} ms" for by in contenders()]
    if E3NN in contenders():
        said.append(f"e3nn-jax takes {result.ratio(E3NN, OURS).show()} times as long as this library")
    many = int((some.counts > 0).sum())
    return f"The gradient of the loss for a batch of {many} molecules: {'; '.join(said)}."


def markdown(runs: Sequence[Run], plan: Plan, race_of_steps: str, seconds: float, machine: str) -> str:
    """All tables, and what they were made with."""
    option = " --full" if plan.full else ""
    sizes = ", ".join(f"{parameters(potential(by, jax.random.key(0))):,} ({by})" for by in contenders())
    parts = [
        f"# Molecules\n\nWritten by `python -m benchmarks.molecules{option} --write`"
        f" in {seconds / 60:.1f} minutes.",
        machine,
        "The molecules of the G2 set that have two and more atoms, every coordinate rattled by"
        f" {RATTLE} Angstrom (standard deviation); energies and forces by GFN2-xTB. One molecule in five is"
        f" never trained on. Two layers of messages within {CUTOFF:g} Angstrom; weights: {sizes}. All are"
        f" trained for {plan.steps:,} steps by Adam (rate {RATE}, falling to zero); nothing is tuned for"
        f" any of them. Mean absolute errors, over {plan.seeds} seed{'s' if plan.seeds > 1 else ''}.",
        race_of_steps,
    ]
    for name in (SEEN, UNSEEN):
        parts.append(f"## Tested on {name}")
        heads = [
            f"{n} geometries each: {what}"
            for n in plan.geometries
            for what in ("energy, meV/atom", "force, meV/Angstrom")
        ]
        rows = [
            [by, *(_cell(runs, by, n, name, k) for n in plan.geometries for k in range(2))]
            for by in dict.fromkeys(r.by for r in runs)
        ]
        parts.append(table(["", *heads], rows))
    return "\n\n".join(parts) + "\n"


def _cell(runs: Sequence[Run], by: str, geometries: int, name: str, which: int) -> str:
    values = [r.errors[name][which] for r in runs if (r.by, r.geometries) == (by, geometries)]
    spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train everything, print the tables, write them where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.molecules", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--full", action="store_true", help="three seeds, two sizes of training sets")
    parser.add_argument("--write", action="store_true", help=f"also into {RESULTS.name}")
    options = parser.parse_args(arguments)
    plan, machine, start = FULL if options.full else DEFAULT, describe(), time.perf_counter()
    given = frames(GEOMETRIES)
    raced = steps_raced(given, 20.0)
    text = markdown(run(plan, given), plan, raced, time.perf_counter() - start, machine)
    print(text)
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
