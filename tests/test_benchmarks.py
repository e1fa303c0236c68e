"""The harness works; how long anything takes is never asserted."""

from __future__ import annotations

import subprocess
from time import sleep

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import contenders, convolution, derivation, harness, machine, report


def test_race_takes_turns() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) or sleep(0.002) for name in "ab"}
    result = harness.race(calls, budget=0.0, least=4)
    assert [len(times) for times in result.seconds.values()] == [4, 4]
    # each once to warm up, each once to see how long it takes, then turn about, nobody always first
    turns = [name for i, name in enumerate(order[4:]) if i == 0 or order[4:][i - 1] != name]
    assert "".join(turns) == "ababa"


def test_race_stops_at_its_limit_and_repeats_short_calls() -> None:
    count = 0

    def call() -> None:
        nonlocal count
        count += 1

    result = harness.race({"nothing": call}, budget=10.0, least=1, most=3)
    assert len(result.seconds["nothing"]) == 3
    assert count > 100


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
    targets = (report.Target("one", "1", "1", True), report.Target("two", "2", "3", False))
    text = report.markdown([report.Report((table,), targets)], "# Results")
    lines = text.splitlines()
    assert lines[:3] == ["# Results", "", "## Targets"]
    assert lines.index("| two | 2 | 3 | **no** |") < lines.index("| one | 1 | 1 | yes |")
    assert lines[-7:] == ["## Sums", "", "A note.", "", "| what | ms |", "|---|---:|", "| a \\| b | 0.1 |"]


@pytest.mark.parametrize("name", derivation.LAYERS)
def test_every_layer_is_solved(name: str) -> None:
    assert set(derivation.first(name)) == {"solve", *derivation.PARTS}


def test_contenders_compute_the_same() -> None:
    case = contenders.Case("tiny", (6,), (3,), (4, 4), 2, {"groups": 2, "strides": 2})
    x, kernel = case.arrays()
    expected = contenders.library(case)(x, kernel)
    np.testing.assert_allclose(contenders.lax_conv(case)(x, kernel), expected, atol=1e-5)
    first = contenders.lax_conv(case, channels_last=False)(*contenders.channels_first(x, kernel))
    np.testing.assert_allclose(jnp.moveaxis(first, 1, -1), expected, atol=1e-5)


def test_programs_are_compared_without_their_names() -> None:
    x = jnp.ones(3)

    def program(function) -> str:
        return contenders.program(contenders.blocking(jax.jit(function), x))

    assert program(lambda a: jnp.sin(a) + 1) == program(lambda b: jnp.sin(b) + 1)
    assert program(lambda a: jnp.sin(a) + 1) != program(lambda a: jnp.cos(a) + 1)


def test_a_tiny_workload_gives_tables() -> None:
    case = contenders.Case("tiny", (4,), (1,), (2, 2), 1)
    table, target = convolution.compare("Tiny", (case,), budget=0.0)
    assert [row[0] for row in table.rows] == [f"tiny: {direction}" for direction in contenders.DIRECTIONS]
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert "within 5%" in target.asked


def test_command_prints_and_writes(monkeypatch, tmp_path, capsys) -> None:
    table = report.Table("Tiny", ("what", "ms"), (("a", "1"),))
    monkeypatch.setattr(command, "SUITES", {"tiny": lambda quick: report.Report((table,))})
    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    assert command.main(["tiny", "--quick", "--write"]) == 0
    text = (tmp_path / "RESULTS.md").read_text()
    assert text in capsys.readouterr().out
    assert "## Tiny" in text
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
