"""`python -m benchmarks.learning`: what a right inductive bias is worth, and what a wrong one costs.

python -m benchmarks.learning           at 14 x 14 pixels, under ten minutes on two quiet cores
python -m benchmarks.learning --full    at 28 x 28, more sizes, longer training; under forty
... --write                             also into benchmarks/LEARNING.md

An MLP, a CNN and the networks of p4 and p4m, with equally many weights, learn real digits from 100 to 4,000
images: as they are, turned, and with their pixels shuffled. Then where a digit stands is made the label.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.learning_data import ANGLE, SHIFTED, SHUFFLED, TURNED, UPRIGHT, Task, places, task
from benchmarks.learning_nets import NAMES, Net, net
from benchmarks.machine import describe

RESULTS = Path(__file__).parent / "LEARNING.md"
RATE = 1e-2
BATCH = 64
TRAIN = "on the images trained on"


@dataclass(frozen=True)
class Plan:
    """What is run: sizes of training sets by data and by how the images were treated, how long, by whom."""

    sizes: dict[tuple[str, str], tuple[int, ...]]
    places: tuple[int, ...]
    steps: int
    seeds: int = 5
    full: bool = False
    names: tuple[str, ...] = NAMES


DEFAULT = Plan(
    {
        ("written", UPRIGHT): (100, 400, 1000, 4000),
        ("written", TURNED): (100, 1000),
        ("written", SHUFFLED): (100, 1000),
        ("scans", UPRIGHT): (100, 400, 1400),
        ("scans", TURNED): (100, 1400),
        ("scans", SHUFFLED): (100, 1400),
    },
    (400,),
    200,
)
FULL = Plan(
    {
        ("written", UPRIGHT): (100, 400, 1000, 4000),
        ("written", TURNED): (100, 1000, 4000),
        ("written", SHUFFLED): (100, 1000, 4000),
        ("scans", UPRIGHT): (100, 400, 1400),
        ("scans", TURNED): (100, 400, 1400),
        ("scans", SHUFFLED): (100, 400, 1400),
    },
    (100, 1000),
    300,
    full=True,
)


# ---- training ----------------------------------------------------------------------------------------------


class State(NamedTuple):
    """Weights, and Adam's two running means of their gradients."""

    weights: Any
    mean: Any
    square: Any


def loss(model: Net, weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
    """Cross entropy."""
    logits = jax.nn.log_softmax(model.apply(weights, images, None)[0])
    return -jnp.take_along_axis(logits, labels[:, None], axis=1).mean()


def step(model: Net, steps: int, state: State, images: jax.Array, labels: jax.Array, k: jax.Array) -> State:
    """A step of Adam, the rate falling to zero along a cosine.

    Source: D. Kingma, J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """
    gradient = jax.grad(partial(loss, model))(state.weights, images, labels)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.mean, gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, state.square, gradient)
    rate = RATE * 0.5 * (1 + jnp.cos(jnp.pi * k / steps)) / (1 - 0.9 ** (k + 1.0))

    def moved(w: jax.Array, m: jax.Array, s: jax.Array) -> jax.Array:
        return w - rate * m / (jnp.sqrt(s / (1 - 0.999 ** (k + 1.0))) + 1e-8)

    return State(jax.tree.map(moved, state.weights, mean, square), mean, square)


@cache
def compiled(model: Net, steps: int) -> tuple[Callable[..., Any], ...]:
    """A step, the statistics of features, and a prediction: compiled once for all seeds and sizes."""
    statistics = jax.jit(lambda w, images: model.apply(w, images, None)[1])
    predicted = jax.jit(lambda w, images, given: model.apply(w, images, given)[0].argmax(axis=1))
    return jax.jit(partial(step, model, steps), donate_argnums=0), statistics, predicted


def trained(model: Net, given: Task, many: int, seed: int, steps: int) -> dict[str, float]:
    """The share of right answers on every set after training on the first `many` images."""
    advance, statistics, predicted = compiled(model, steps)
    weights = model.init(jax.random.key(seed))
    still = jax.tree.map(jnp.zeros_like, weights)
    state = State(weights, still, jax.tree.map(jnp.copy, still))
    rng, train = np.random.default_rng(seed), given.train.part(np.arange(many))
    for k in range(steps):
        some = rng.integers(many, size=BATCH)
        state = advance(state, train.images[some], train.labels[some], np.float32(k))
    sets = {TRAIN: train.part(np.arange(min(many, 1000))), **given.tests}
    held = statistics(state.weights, sets[TRAIN].images)
    return {
        name: float((np.asarray(predicted(state.weights, s.images, held)) == s.labels).mean())
        for name, s in sets.items()
    }


# ---- all runs ----------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """One training: which network on which images, how many of them, and the accuracy on every set."""

    data: str
    treated: str
    net: str
    many: int
    seed: int
    right: dict[str, float]


def jobs(plan: Plan) -> list[tuple[str, str, int, int]]:
    """(data, how it is treated, number of images, seed) of every training, the short ones first."""
    found = [
        (data, treated, many, seed)
        for (data, treated), sizes in plan.sizes.items()
        for seed in range(plan.seeds)
        for many in sizes
    ]
    return [("places", UPRIGHT, many, seed) for seed in range(plan.seeds) for many in plan.places] + found


def run(plan: Plan, report: Callable[[int, int], None] = lambda done, of: None) -> list[Run]:
    """All trainings, one after the other; the networks take turns."""
    ready = cache(lambda data, treated, seed: _task(plan, data, treated, seed))
    found, wanted = [], jobs(plan)
    for k, (data, treated, many, seed) in enumerate(wanted):
        given = ready(data, treated, seed)
        for name in plan.names:
            model = net(name, given.side, given.classes, given.circular)
            found.append(Run(data, treated, name, many, seed, trained(model, given, many, seed, plan.steps)))
            report(len(found), len(wanted) * len(plan.names))
        if k + 1 == len(wanted) or wanted[k + 1][:2] != (data, treated) or wanted[k + 1][3] != seed:
            ready.cache_clear()  # images of one seed are let go before the next
    return found


def _task(plan: Plan, data: str, treated: str, seed: int) -> Task:
    return places(seed) if data == "places" else task(data, treated, seed, plan.full)


# ---- what is reported --------------------------------------------------------------------------------------

TITLES = {
    ("written", UPRIGHT): "Handwritten digits, {side} x {side} pixels, trained and tested upright",
    ("written", TURNED): "The same, every image turned by some multiple of 90 degrees, trained and tested so",
    ("written", SHUFFLED): "The same, the pixels of all images in one other order, trained and tested so",
    ("scans", UPRIGHT): "Scanned digits, 8 x 8 pixels, trained and tested upright",
    ("scans", TURNED): "The same, every image turned by some multiple of 90 degrees, trained and tested so",
    ("scans", SHUFFLED): "The same, the pixels of all images in one other order, trained and tested so",
}
MOVED = (UPRIGHT, SHIFTED, TURNED, ANGLE)


def markdown(runs: Sequence[Run], plan: Plan, seconds: float, machine: str) -> str:
    """All tables, and what they were made with."""
    side = 28 if plan.full else 14
    option = " --full" if plan.full else ""
    parts = [
        f"# Learning\n\nWritten by `python -m benchmarks.learning{option} --write`"
        f" in {seconds / 60:.1f} minutes.",
        machine,
        "Per cent of right answers, mean and standard deviation over"
        f" {plan.seeds} seeds (which draw the training images, their order and the first weights)."
        f" Every network has {_counts(side, plan.names)} weights at {side} x {side} pixels;"
        f" all are trained for {plan.steps} steps of {BATCH} images by Adam (rate {RATE}, falling to zero),"
        " nothing is tuned for any of them. The convolutional ones differ in the group they were derived for"
        " alone: three 3 x 3 convolutions of regular fibres, the mean over sites and fibres, a matrix. All"
        " features are normalised over the batch, those of the MLP too.",
    ]
    for (data, treated), sizes in plan.sizes.items():
        mine = [r for r in runs if (r.data, r.treated) == (data, treated)]
        parts.append(f"## {TITLES[data, treated].format(side=side)}")
        rows = [[name, *(cell(mine, name, n, treated) for n in sizes)] for name in plan.names]
        parts.append(table(["images", *(f"{n:,}" for n in sizes)], rows))
        if treated == UPRIGHT:
            parts.append(f"Trained upright on {sizes[-1]:,} images, tested on images that were moved:")
            rows = [[name, *(cell(mine, name, sizes[-1], moved) for moved in MOVED)] for name in plan.names]
            parts.append(table(["tested", "upright", "shifted", "turned by 90, 180, 270", ANGLE], rows))
    return "\n\n".join([*parts, *_places(runs, plan)]) + "\n"


def _places(runs: Sequence[Run], plan: Plan) -> list[str]:
    mine = [r for r in runs if r.data == "places"]
    rows = [
        [name, *(cell(mine, name, n, which) for n in plan.places for which in (TRAIN, UPRIGHT))]
        for name in plan.names
    ]
    heads = [f"{n:,} images, {which}" for n in plan.places for which in ("trained on", "tested")]
    return [
        "## Labels that depend on the place",
        "A digit stands in one of the four quarters of a torus of 16 x 16 pixels; the quarter is the label."
        " The four shifts of an image look alike to a network that no shift changes: one in four is the most"
        " that it can get right in the mean, trained on or not.",
        table(["", *heads], rows),
    ]


def _counts(side: int, names: Sequence[str]) -> str:
    return ", ".join(f"{net(name, side, 10).parameters:,} ({name})" for name in names)


def cell(runs: Sequence[Run], name: str, many: int, tested: str) -> str:
    """Mean and standard deviation over the seeds, in per cent."""
    values = [100 * r.right[tested] for r in runs if (r.net, r.many) == (name, many)]
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.1f} ± {spread:.1f}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in Markdown."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


Table = dict[str, dict[int, tuple[float, float]]]


def committed(path: Path = RESULTS) -> dict[tuple[str, str], Table]:
    """The mean and deviation that were written, by (data, how it was treated), network, number of images."""
    found: dict[tuple[str, str], Table] = {}
    data = ""
    for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, body = section.split("\n\n", 1)
        keys = [key for key, form in TITLES.items() if re.fullmatch(form.replace("{side}", r"\d+"), title)]
        if keys:
            key = next((k for k in keys if k[0] == data), keys[0])  # titles that say "the same" follow theirs
            data, found[key] = key[0], _read(body.split("\n\n")[0])
    return found


def _read(text: str) -> Table:
    """The inverse of `table` and `cell`."""
    head, _, *rows = [line.strip("| ").split(" | ") for line in text.strip().split("\n")]
    sizes = [int(word.replace(",", "")) for word in head[1:]]
    return {name: dict(zip(sizes, map(_pair, cells), strict=True)) for name, *cells in rows}


def _pair(text: str) -> tuple[float, float]:
    mean, spread = map(float, text.split(" ± "))
    return mean, spread


def main(arguments: Sequence[str] | None = None) -> int:
    """Train everything, print the tables, write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="28 x 28 pixels, more sizes; under forty minutes")
    parser.add_argument("--write", action="store_true", help=f"also into {RESULTS.name}")
    given = parser.parse_args(arguments)
    plan, machine, start = FULL if given.full else DEFAULT, describe(), time.perf_counter()
    runs = with_bar(plan)
    text = markdown(runs, plan, time.perf_counter() - start, machine)
    print(text)
    if given.write:
        RESULTS.write_text(text, encoding="utf-8")
    return 0


def with_bar(plan: Plan) -> list[Run]:
    """All trainings, with a bar that shows how far they are."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress("training", *columns) as progress:
        bar = progress.add_task("training", total=None)
        return run(plan, lambda done, of: progress.update(bar, completed=done, total=of))


if __name__ == "__main__":
    raise SystemExit(main())
