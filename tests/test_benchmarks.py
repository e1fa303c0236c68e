"""The harness works; how long anything takes is never asserted."""

from __future__ import annotations

import os
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from time import sleep

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import (
    accuracy,
    calls,
    cases,
    contenders,
    convolution,
    derivation,
    elsewhere,
    expansion,
    frameworks,
    goals,
    harness,
    loops,
    machine,
    plot,
    points,
    programs,
    ratios,
    report,
    thresholds,
    torch_contender,
)

TINY = (
    cases.Case("grouped", (6,), (3,), (4, 4), 2, {"groups": 2, "strides": 2}),
    cases.Case("circular", (6, 5), (3, 3), (2, 3), 2, {"padding": "CIRCULAR"}),
    cases.Case("VALID", (6, 5), (3, 3), (2, 3), 2, {"padding": "VALID", "dilation": 2}),
    cases.Case("transposed", (4, 3), (4, 4), (2, 3), 2, {"strides": 2}, kind="transposed"),
    cases.Case("rank one", (9, 8), (5, 3), (1, 1), 2, kind="separable"),
)


def test_race_takes_turns() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) or sleep(0.002) for name in "ab"}
    result = harness.race(calls, budget=0.0, least=4)
    assert [len(times) for times in result.seconds.values()] == [4, 4]
    # each once to warm up, each once to see how long it takes, then all of them every round
    assert [sorted(order[i : i + 2]) for i in range(0, len(order), 2)] == [["a", "b"]] * 6
    assert len({tuple(order[i : i + 2]) for i in range(4, len(order), 2)}) == 2


def test_race_stops_at_its_limit_and_repeats_short_calls() -> None:
    count = 0

    def call() -> None:
        nonlocal count
        count += 1

    result = harness.race({"nothing": call}, budget=10.0, least=1, most=3)
    assert len(result.seconds["nothing"]) == 3
    assert count > 100


def test_race_runs_the_slow_only_once() -> None:
    count = dict.fromkeys(("slow", "fast"), 0)

    def call(name: str, seconds: float) -> None:
        count[name] += 1
        sleep(seconds)

    calls = {"slow": lambda: call("slow", 0.05), "fast": lambda: call("fast", 0.001)}
    result = harness.race(calls, budget=0.0, least=4, patience=0.03)
    assert (len(result.seconds["slow"]), len(result.seconds["fast"])) == (1, 4)
    assert count["slow"] == 1
    slow, fast = result.time("slow").median, sorted(result.seconds["fast"])
    median = (slow / fast[1] + slow / fast[2]) / 2
    assert result.ratio("slow", "fast").median == pytest.approx(median)


def test_ratios_are_taken_round_by_round() -> None:
    result = harness.Race({"slow": [2.0, 40.0, 6.0], "fast": [1.0, 10.0, 3.0]})
    assert result.ratio("slow", "fast") == harness.Spread(2.0, 2.0, 3.0)
    assert result.gap("slow", "fast").median == 3.0
    assert result.fastest("slow", "fast") == 2.0
    assert harness.Spread.of([5.0]) == harness.Spread(5.0, 5.0, 5.0)


def test_process_runs_in_the_repository_and_fails_loudly() -> None:
    assert harness.process("import benchmarks.report; print('here')")() == "here\n"
    with pytest.raises(subprocess.CalledProcessError):
        harness.process("raise SystemExit(3)")()


def test_markdown_puts_missed_targets_first() -> None:
    table = report.Table("Sums", ("what", "ms"), (("a | b", "0.1"),), "A note.")
    targets = (
        report.Target("one", "1", "1", True, "nothing"),
        report.Target("two", "2", "3", False, "much"),
    )
    text = report.markdown([report.Report((table,), targets)], "# Results")
    lines = text.splitlines()
    assert lines[:3] == ["# Results", "", "## Targets"]
    assert lines.index("| two | 2 | 3 | **no** | much |") < lines.index("| one | 1 | 1 | yes |  |")
    assert lines[-7:] == ["## Sums", "", "A note.", "", "| what | ms |", "|---|---:|", "| a \\| b | 0.1 |"]


@pytest.mark.parametrize("name", derivation.LAYERS)
def test_every_layer_is_solved(name: str) -> None:
    assert set(derivation.first(name)) == {"solve", *derivation.PARTS}


def _values(who: contenders.Contender, case: cases.Case, operands: programs.Operands) -> list[jax.Array]:
    """Every direction, brought back to channels last."""
    conv = who.make(case)
    every = jax.jit(lambda *args: [f(*args) for f in programs.directions(conv).values()])
    y, dx, dk, (step_dx, step_k, loss) = every(*operands.laid_out(who))
    images, kernels = [y, dx, step_dx], [dk, step_k]
    if not who.channels_last:
        images = [jnp.moveaxis(image, 1, -1) for image in images]
        kernels = [jnp.moveaxis(kernel, (0, 1), (-1, -2)) for kernel in kernels]
    return [*images, *kernels, loss]


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
def test_contenders_compute_the_same(case: cases.Case) -> None:
    operands = programs.Operands.of(case, contenders.library(case))
    expected = _values(contenders.OURS, case, operands)
    for who in (contenders.LAST, contenders.FIRST):
        for value, right in zip(_values(who, case, operands), expected, strict=True):
            np.testing.assert_allclose(value, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("who", frameworks.installed(), ids=lambda who: who.name)
def test_frameworks_compute_the_same(who: contenders.Contender) -> None:
    for case in (TINY[1], TINY[3]):
        operands = programs.Operands.of(case, contenders.library(case))
        x, kernel, _ = operands.laid_out(who)
        y = jax.jit(who.make(case))(x, kernel)
        expected = contenders.lax_conv(case)(operands.x, operands.kernel)
        np.testing.assert_allclose(y if who.channels_last else jnp.moveaxis(y, 1, -1), expected, atol=1e-5)
    assert who.make(TINY[-1]) is None


@pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed")
@pytest.mark.parametrize("case", TINY[1:], ids=lambda case: case.name)
def test_torch_computes_the_same(case: cases.Case) -> None:
    operands = programs.Operands.of(case, contenders.library(case))
    for direction, function in programs.directions(contenders.lax_conv(case, channels_last=False)).items():
        expected = jax.tree.leaves(jax.jit(function)(*operands.laid_out(contenders.FIRST)))
        for call in torch_contender.calls(operands, case, direction).values():
            values = call() if isinstance(call(), tuple) else (call(),)
            for value, right in zip(values, expected, strict=True):
                np.testing.assert_allclose(value.detach().numpy(), right, rtol=1e-4, atol=1e-5)


def test_cases_are_enough_and_fit_in_loops() -> None:
    assert len({case.name for case in cases.CASES}) == len(cases.CASES) >= 24
    assert len(cases.QUICK) == 5
    assert all(case in cases.CASES for case in cases.QUICK)
    for case in cases.CASES:
        small = case.small()
        assert small.work * small.groups <= cases.LOOPED
        assert (small.name, small.size, small.channels) == (case.name, case.size, case.channels)
    assert {named.case for named in goals.NAMED} <= {case.name for case in cases.CASES}


def test_programs_are_compared_without_their_names() -> None:
    x = jnp.ones(3)

    def program(function) -> str:
        return programs.text(programs.blocking(jax.jit(function), x).compile())

    assert program(lambda a: jnp.sin(a) + 1) == program(lambda b: jnp.sin(b) + 1)
    assert program(lambda a: jnp.sin(a) + 1) != program(lambda a: jnp.cos(a) + 1)


def test_a_tiny_workload_gives_tables() -> None:
    contexts = (programs.OUTSIDE, programs.INSIDE)
    cells = convolution.sweep(TINY[:1], convolution.DIRECTIONS, contexts, budget=0.0)
    outside, inside, *others = convolution.tables(cells)
    names = [f"grouped: {direction}" for direction in convolution.DIRECTIONS]
    assert plot.ratios(cells) == plot.ratios(cells)
    assert [row[0] for row in outside.rows] == [row[0] for row in inside.rows] == names
    assert {len(row) for row in outside.rows} == {len(outside.header)}
    assert {table.title for table in others} <= {"Against torch", "Against Equinox and Flax"}
    found = [target.what for target in goals.targets(cells) if "torch" not in target.what]
    assert found == [
        "geometric mean over cases and directions outside loops, to the better lax layout",
        "geometric mean over steps in scan, to lax NHWC",
        "geometric mean over steps in scan, to the better lax layout",
        "every case, direction and context, to the better lax layout",
    ]


def _cell(ours: float, last: float, first: float, same: bool = False) -> ratios.Cell:
    seconds = {"kernels": [ours], "lax NHWC": [last], "lax NCHW": [first]}
    case = next(case for case in cases.CASES if case.name.startswith("3-D"))
    return ratios.Cell(case, programs.STEP, programs.OUTSIDE, harness.Race(seconds), same)


def test_ratios_are_to_the_better_layout_and_equal_programs_are_equal() -> None:
    assert _cell(1.0, 4.0, 3.0).ratio(*ratios.LAX) == 3.0
    assert _cell(1.0, 0.5, 3.0, same=True).ratio(*ratios.LAX) == 1.0
    assert np.isnan(_cell(1.0, 1.0, 1.0).ratio("nobody"))


def test_figures_are_read_off_the_cells() -> None:
    found = {target.what: target for target in goals.targets([_cell(1.0, 4.0, 8.0), _cell(1.0, 0.5, 9.0)])}
    mean = found["geometric mean over cases and directions outside loops, to the better lax layout"]
    assert (mean.seen, mean.reached) == ("1.41 (1 of 2 below 0.95)", False)
    lowest = found["every case, direction and context, to the better lax layout"]
    assert lowest.seen == "1 of 2 below it: 3-D 32x32x32, 16 to 16, k3: step, outside 0.50"
    assert found["3-D 32x32x32, 16 to 16, k3: step"].asked == "at least 5"
    dense = found["dense convolutions outside loops, to lax NHWC"]
    assert dense.seen == "0 of 2 compile to the same program; the others are at least 0.50 times as fast"
    assert not dense.reached


@pytest.mark.parametrize("case", TINY, ids=lambda case: case.name)
def test_numbers_are_compared_with_their_definition(case: cases.Case, monkeypatch) -> None:
    table, target = accuracy.numbers([case])
    assert target.reached, target.seen
    assert len(table.rows[0]) == len(table.header)
    if case.kind == "conv":
        monkeypatch.setattr(
            accuracy, "library", lambda case: lambda x, k: contenders.library(case)(x, k[::-1])
        )
        table, target = accuracy.numbers([case])
        assert target.seen.count(case.name) == 3
        assert not target.reached


def test_neighbours_of_a_threshold(monkeypatch) -> None:
    """One on either side; a cliff is one that is there every time."""
    one, other = (next(c for c in thresholds.CROSSINGS if c.field == f) for f in ("pairs", "product_inputs"))
    assert [value for _, value in thresholds.neighbours(one)] == [64, 144]
    assert [value for _, value in thresholds.neighbours(other)] == [8, 16]
    tries = iter([{"xla": 2.0, "blocks": 1.0}, {"xla": 1.2, "blocks": 1.0}, {"xla": 3.0}])
    monkeypatch.setattr(thresholds, "times", lambda *_: next(tries, {"blocks": 1.0}))
    monkeypatch.setattr(thresholds, "neighbours", lambda _: iter([(12, 144), (16, 256)]))
    found = thresholds.report([one])
    assert [row[-1] for row in found.tables[0].rows] == ["1.20", "below 0.2"]
    assert found.targets[0].reached
    monkeypatch.setattr(thresholds, "times", lambda *_: {"xla": 2.0, "blocks": 1.0})
    assert not thresholds.report([one]).targets[0].reached


def test_expansion_is_raced() -> None:
    table, _ = expansion.compare([(1, 4, 1)], 0.0)
    assert [row[0].split(": ")[1] for row in table.rows] == [programs.FORWARD, programs.STEP]


def test_loops_calls_and_compilers_are_measured() -> None:
    case = cases.Case("tiny", (4, 4), (1, 1), (1, 1), 1)
    table, target = loops.in_loops(case, list(loops.CONTEXTS), 0.0)
    assert [row[0] for row in table.rows] == list(loops.CONTEXTS)
    assert "through scan" in target.seen
    table, target = calls.per_call(case, 0.0)
    assert [row[0] for row in table.rows][:2] == ["jit of lax", "lowered op"]
    table, target = calls.compiling([case])
    assert [row[0] for row in table.rows] == ["tiny"]


def test_command_prints_and_writes(monkeypatch, tmp_path, capsys) -> None:
    table = report.Table("Tiny", ("what", "ms"), (("a", "1"),))
    plots = (report.Plot("tiny.svg", "A line", "<svg/>"),)
    monkeypatch.setattr(command, "SUITES", {"tiny": lambda quick: report.Report((table,), (), plots)})
    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    assert command.main(["tiny", "--quick", "--write"]) == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert text in capsys.readouterr().out
    assert "## Tiny" in text
    assert "![A line](tiny.svg)" in text
    assert (tmp_path / "tiny.svg").read_text() == "<svg/>"
    assert "- Machine: " in text
    with pytest.raises(SystemExit):
        command.main(["nothing"])
    assert "nothing" in capsys.readouterr().err


def test_the_machine_is_described() -> None:
    assert [line.split(":")[0] for line in machine.describe().splitlines()] == [
        "- Date",
        "- Machine",
        "- Load average when it began",
        "- Versions",
    ]


def _dies_once(marker: str, value: int) -> int:
    """Gone the first time that it is asked for 2."""
    if value == 2 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value * value


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    jobs = [(str(tmp_path / "seen"), value) for value in range(4)]
    assert list(elsewhere.elsewhere(_dies_once, jobs)) == [0, 1, 4, 9]


def test_layers_on_points_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dense contraction gives what the op gives; e3nn-jax normalises its harmonics in its own way."""
    graph = points.Graph(2, 30)
    found = points.contenders(graph)
    ours, dense = (layer(w, *graph.arrays) for layer, w in (found[points.OURS], found[points.DENSE]))
    np.testing.assert_allclose(ours, dense, atol=1e-5)
    monkeypatch.setattr(points, "DENSE_ENTRIES", 0)
    table, targets = points.compare([(1, 20)], budget=0.0)
    assert len(table.rows) == 2
    assert len(targets) == (2 if points.E3NN in found else 0)
