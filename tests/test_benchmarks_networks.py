"""Whole networks give the same numbers by every engine, and their figures are told; no time is asserted."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import jax
import numpy as np
import pytest

from benchmarks import architectures, goals, networks, report, training
from benchmarks.architectures import SMALL, Network
from benchmarks.contenders import LAST, OURS
from benchmarks.engines import ENGINES, LAX_FIRST, LAX_LAST, OURS_ENGINE, torch_engines
from benchmarks.fresh import held_megabytes
from benchmarks.harness import Race
from benchmarks.networks import Alone, Measured
from benchmarks.programs import FORWARD, STEP

# Narrower still, so that they are compiled quickly: every kind of layer once.
TINY = (
    Network("ResNet", partial(architectures.resnet, widths=(4, 6), blocks=1), (2, 8, 8, 3)),
    Network(
        "MobileNetV2",
        partial(architectures.mobilenet, stages=((1, 8, 1, 1), (2, 8, 2, 2)), last=8),
        (2, 8, 8, 3),
    ),
    Network("ConvNeXt", partial(architectures.convnext, widths=(4, 6), depths=(1, 1), patch=2), (2, 8, 8, 3)),
    Network("3-D U-Net", partial(architectures.unet, widths=(2, 3)), (2, 4, 4, 4, 1)),
    Network("WaveNet", partial(architectures.wavenet, width=4, dilations=3, outputs=2), (2, 20, 1)),
)


def _gradients(network: Network, engine, task: training.Task) -> list[np.ndarray]:
    """Of a network that is not trained: sums of the outputs, so that a step's rate does not hide them."""
    forward = network.forward(engine)
    weights, image, target = task.laid_out(engine)
    found = jax.jit(jax.value_and_grad(lambda ws: (forward(ws, image) * target).sum()))(weights)
    return [np.asarray(found[0]), *map(np.asarray, found[1])]


@pytest.mark.parametrize("network", TINY, ids=lambda network: network.name)
def test_every_engine_computes_the_same_network(network: Network) -> None:
    """In float64, where rounding does not turn a rectifier over."""
    small = training.Task.of(network)
    wide = [w.astype(np.float64) for w in (*small.weights, small.image, small.target)]
    task = training.Task(wide[:-2], *wide[-2:])
    with jax.enable_x64(True):
        value, *expected = _gradients(network, LAX_LAST, task)
        assert len(expected) == len(network.shapes())
        for engine in (OURS_ENGINE, LAX_FIRST):
            other, *slopes = _gradients(network, engine, task)
            np.testing.assert_allclose(other, value, rtol=1e-9)
            for found, right in zip(slopes, expected, strict=True):
                np.testing.assert_allclose(found, engine.kernel(right), rtol=1e-7, atol=1e-9)


@pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed")
@pytest.mark.parametrize("network", TINY, ids=lambda network: network.name)
def test_torch_computes_the_same_network(network: Network) -> None:
    task = training.Task.of(network)
    right = training.calls(network, LAX_LAST, task)[STEP]()
    for engine in torch_engines():
        if made := training.calls(network, engine, task):
            assert training.difference(engine, made[STEP](), task, right) < 1e-3


def test_a_step_goes_down_and_another_network_is_seen() -> None:
    network = TINY[-1]
    task = training.Task.of(network)
    right = training.calls(network, LAX_LAST, task)[STEP]()
    same = training.calls(network, OURS_ENGINE, task)[STEP]()
    assert training.difference(OURS_ENGINE, same, task, right) < 1e-4
    later = training.Task([np.asarray(w) for w in right[0]], task.image, task.target)
    assert training.calls(network, LAX_LAST, later)[STEP]()[1] < right[1]
    turned = training.Task([w[::-1].copy() for w in task.weights], task.image, task.target)
    other = training.calls(network, OURS_ENGINE, turned)[STEP]()
    assert training.difference(OURS_ENGINE, other, turned, right) > goals.SAME


def test_the_networks_are_the_published_ones() -> None:
    """Their numbers of weights, 100 classes instead of 1000."""
    count = {
        network.name: sum(int(np.prod(s)) for s in network.shapes()) for network in architectures.NETWORKS
    }
    assert count["ResNet-18"] == 11_689_512 - 900 * (512 + 1)
    assert count["MobileNetV2"] == 3_504_872 - 900 * (1280 + 1)
    assert all(network.image[0] == 4 for network in architectures.NETWORKS)


def test_a_tiny_network_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    network = TINY[-1]
    monkeypatch.setitem(networks.KNOWN, network.name, network)
    races, beside, seconds, differences = networks.together(network.name, 0.0)
    assert set(races) == {STEP, FORWARD} == set(beside)
    assert set(races[STEP].seconds) == {engine.name for engine in ENGINES} == set(seconds)
    assert set(differences) >= set(seconds)


def test_a_process_of_its_own_tells_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    networks.alone(SMALL[-1].name, LAST.name)
    needs = networks.told(capsys.readouterr().out)
    assert needs.compiling
    assert needs.compiling > 0
    assert needs.asked is not None
    assert needs.asked > 0
    assert needs.held >= 0


def test_memory_that_is_held_is_seen_and_given_back() -> None:
    assert held_megabytes(lambda: np.ones(2**24).sum()) == pytest.approx(128, abs=16)
    assert held_megabytes(lambda: None) < 16


def _measured(ours: float, torch: float | None, network: Network = TINY[0]) -> Measured:
    """Two rounds, in which lax NHWC takes 2 and lax NCHW 3 seconds."""
    race = Race({OURS.name: [ours] * 2, LAST.name: [2.0] * 2, LAX_FIRST.name: [3.0] * 2})
    beside = Race({OURS.name: [ours] * 2} | ({"torch": [torch] * 2} if torch else {}))
    alone = {engine.name: Alone(1.0, 5.0, 10.0 * (i + 1)) for i, engine in enumerate(ENGINES)}
    differences = dict.fromkeys(alone, 1e-6)
    both = dict.fromkeys((STEP, FORWARD), race), dict.fromkeys((STEP, FORWARD), beside)
    return Measured(network, *both, race, alone, differences)


def test_figures_are_read_off_the_networks() -> None:
    slow, fast = _measured(4.0, 1.0), _measured(0.25, None, TINY[1])
    found = {target.what: target for target in goals.network_targets([slow.whole, fast.whole])}
    mean, lax, torch, compiling, same = found.values()
    assert (mean.seen, mean.reached) == ("2.00", False)
    assert (lax.asked, lax.reached) == ("none below 1.0", False)
    assert "ResNet, step 0.5" in lax.seen
    assert (torch.seen, torch.reached) == ("ResNet, step 0.25; ResNet, forward 0.25", False)
    assert (compiling.seen, compiling.reached) == ("ResNet 2; MobileNetV2 0.12", False)
    assert same.reached
    assert goals.network_targets([]) == ()
    best = goals.network_targets([fast.whole])
    assert [target.reached for target in best] == [True] * 4


def test_the_networks_are_the_first_table() -> None:
    found = [_measured(0.5, 1.0), _measured(0.5, None)]
    one = report.Report((networks.details(found),), (), first=(networks.table(found),))
    text = report.markdown([report.Report((), (report.Target("a", "b", "c", True),)), one], "# Results")
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["## Whole networks", "## Targets", "## Whole networks in detail"]
    for table in (networks.table(found), networks.details(found)):
        assert {len(row) for row in table.rows} == {len(table.header)}
    assert networks.table(found).rows[0][3:5] == ("4.00 (4.00 to 4.00)", "2.00 (2.00 to 2.00)")
    assert networks.table(found).rows[1][4] == ""
    assert networks.table(found).rows[0][-1] == "0.50"
