"""The learning benchmark: its data and networks are what they say; how well anything learns is not said."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import learning, learning_data, learning_nets
from benchmarks.learning_data import SHUFFLED, TURNED, UPRIGHT, Set

DIGITS = Set(np.random.default_rng(0).uniform(size=(40, 8, 8, 1)).astype(np.float32), np.arange(40) % 10)


@pytest.fixture(autouse=True)
def _few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_data, "TESTED", {"scans": 10, "written": 10})
    monkeypatch.setattr(learning_data, "scans", lambda: DIGITS)
    monkeypatch.setitem(learning_data.SETS, "scans", lambda: DIGITS)


def logits(
    model: learning_nets.Net, images: np.ndarray, statistics: object = None
) -> tuple[np.ndarray, object]:
    y, used = jax.jit(model.apply)(model.init(jax.random.key(0)), jnp.asarray(images), statistics)
    return np.asarray(y), used


@pytest.mark.parametrize(("name", "turns", "mirrors"), [("CNN", 0, 0), ("p4", 1, 0), ("p4m", 1, 1)])
def test_a_network_keeps_the_group_that_it_was_derived_for(name: str, turns: bool, mirrors: bool) -> None:
    model = learning_nets.net(name, 8, 10)
    y, used = logits(model, DIGITS.images)
    turned, _ = logits(model, np.rot90(DIGITS.images, axes=(1, 2)), used)
    mirrored, _ = logits(model, DIGITS.images[:, :, ::-1], used)
    assert (abs(turned - y).max() < 1e-4) == turns
    assert (abs(mirrored - y).max() < 1e-4) == mirrors
    some, _ = logits(model, DIGITS.images[:3], used)  # with the statistics of all
    np.testing.assert_allclose(some, y[:3], atol=1e-4)


@pytest.mark.parametrize("side", [8, 14])
def test_all_have_as_many_weights(side: int) -> None:
    counts = [learning_nets.net(name, side, 10).parameters for name in learning_nets.NAMES]
    assert max(counts) < 1.03 * min(counts)


def test_the_place_of_a_digit_is_not_seen_by_a_network_that_no_shift_changes() -> None:
    given = learning_data.places(0)
    assert given.classes == 4
    for k, (image, label) in enumerate(zip(given.train.images[:4], given.train.labels, strict=False)):
        np.testing.assert_array_equal(
            image, np.roll(given.train.images[0], (8 * (k // 2), 8 * (k % 2)), (0, 1))
        )
        assert label == k
    y, _ = logits(learning_nets.net("CNN", 16, 4, circular=True), given.train.images[:16])
    np.testing.assert_allclose(y.reshape(4, 4, 4), y.reshape(4, 4, 4)[:, :1].repeat(4, 1), atol=1e-4)
    flat, _ = logits(learning_nets.net("MLP", 16, 4), given.train.images[:16])
    assert abs(flat.reshape(4, 4, 4) - flat.reshape(4, 4, 4)[:, :1]).max() > 0.1


def test_what_is_done_to_images() -> None:
    rng, x = np.random.default_rng(0), DIGITS.images
    moved = learning_data.shifted(x, rng)
    assert all(not np.array_equal(a, b) for a, b in zip(moved, x, strict=True))
    turned = learning_data.turned(x, rng, 1)
    for a, b in zip(turned, x, strict=True):
        assert [np.array_equal(a, np.rot90(b, k)) for k in range(4)].index(True) > 0
    order = learning_data.shuffled(np.arange(128.0).reshape(2, 8, 8, 1))
    np.testing.assert_array_equal(order[1] - order[0], np.full((8, 8, 1), 64))
    assert sorted(order[0].ravel()) == list(range(64))
    np.testing.assert_array_equal(learning_data.halved(np.ones((1, 4, 4, 1))), np.ones((1, 2, 2, 1)))


def test_images_that_are_tested_on_are_not_trained_on() -> None:
    for seed in range(2):
        for treated in (UPRIGHT, TURNED, SHUFFLED):
            given = learning_data.task("scans", treated, seed, full=False)
            sums = [{round(float(x.sum()), 3) for x in s.images} for s in (given.train, given.tests[treated])]
            assert len(given.train.labels) == 30
            assert not sums[0] & sums[1]


def test_a_small_run_makes_all_tables() -> None:
    names = ("MLP", "CNN")
    sizes = {("scans", UPRIGHT): (10, 30), ("scans", SHUFFLED): (10,)}
    plan = learning.Plan(sizes, (20,), 3, seeds=1, names=names)
    done: list[tuple[int, int]] = []
    runs = learning.run(plan, lambda *counts: done.append(counts))
    assert done[-1] == (8, 8)
    assert len(runs) == 8
    text = learning.markdown(runs, plan, 1.0, learning.describe())
    assert text.count("| MLP |") == text.count("| CNN |") == 4
    assert "| tested | upright | shifted | turned by 90, 180, 270 | any angle |" in text
    assert "Versions: Python" in text


def test_training_lowers_the_loss() -> None:
    model = learning_nets.net("MLP", 8, 10)
    given = learning_data.Task(DIGITS, {UPRIGHT: DIGITS})
    right = learning.trained(model, given, 40, 0, 60)
    assert right[learning.TRAIN] > 0.9  # forty images are learned by heart


def test_sizes_fit_the_data() -> None:
    most = {"scans": 1797 - 397, "written": 5000 - 1000}
    for plan in (learning.DEFAULT, learning.FULL):
        assert plan.seeds == 5
        assert all(max(sizes) <= most[data] for (data, _), sizes in plan.sizes.items())
        assert max(plan.places) <= 4 * most["scans"]
        assert set(plan.sizes) == set(learning.TITLES)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "table.md"
    plan = learning.Plan(dict.fromkeys(learning.TITLES, (100, 1000)), (20,), 3, seeds=2)
    tested = [*learning.MOVED, SHUFFLED, learning.TRAIN]
    runs = [
        learning.Run(data, treated, name, many, seed, dict(zip(tested, rng.uniform(size=6), strict=True)))
        for data, treated, many, seed in learning.jobs(plan)
        for name in learning.NAMES
    ]
    path.write_text(learning.markdown(runs, plan, 1.0, "a machine"), encoding="utf-8")
    found = learning.committed(path)
    assert set(found) == set(learning.TITLES)
    for (data, treated), table in found.items():
        mine = [r for r in runs if (r.data, r.treated) == (data, treated)]
        for name in learning.NAMES:
            for many in (100, 1000):
                mean, spread = table[name][many]
                assert f"{mean:.1f} ± {spread:.1f}" == learning.cell(mine, name, many, treated)


def test_the_committed_run_is_whole() -> None:
    found = learning.committed()
    assert set(found) == set(learning.TITLES)
    assert all(set(table) == set(learning.NAMES) for table in found.values())
    assert found["scans", TURNED]["p4"][100][0] > found["scans", TURNED]["CNN"][100][0] + 10
