"""The suite on groups measures what it says; how long anything takes is never asserted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import fresh, peers, problems, symmetries

TINY = "S_4, V^2 to V^2"


@pytest.mark.parametrize("name", [TINY, "p4, torus 8 x 8", "C5 by rotations, V^3 to V^3"])
def test_a_problem_is_measured(name: str) -> None:
    found = symmetries.first(name)
    assert set(found["parts"]) == set(symmetries.PARTS)
    assert found["dim"] == problems.FIGURES[name].dim
    assert found["holds"]
    assert 0 < sum(found["parts"].values()) <= found["seconds"] * 1.01
    assert found["megabytes"] > 10


def test_a_row_comes_from_a_process_of_its_own() -> None:
    seen = symmetries.see(TINY)
    assert seen.right, seen.reason
    made = symmetries.table([seen, symmetries.Seen(TINY, None, "no answer in 1 s")], {TINY: "5.0 s, 15"})
    assert {len(row) for row in made.rows} == {len(made.header)}
    assert made.rows[0][-1] == "5.0 s, 15"
    assert made.rows[1][1] == "no answer in 1 s"


@pytest.mark.parametrize("change", [{"dim": 14}, {"holds": False}, {"seconds": 9.0}])
def test_a_wrong_or_slow_answer_does_not_reach_its_target(change: dict) -> None:
    good = {"seconds": 0.1, "megabytes": 80.0, "dim": 15, "holds": True, "parts": {}}
    assert symmetries.Seen(TINY, good).reached
    assert not symmetries.Seen(TINY, {**good, **change}).reached


def test_a_process_that_is_late_or_fails_says_so() -> None:
    assert fresh.fresh("import time; time.sleep(30)", 0.5) == fresh.Outcome(None, "no answer in 0.5 s")
    assert fresh.fresh("raise KeyError('absent')", 30).reason == "KeyError: 'absent'"


def test_the_memory_of_a_process_is_its_own(tmp_path: Path) -> None:
    """A parent that holds 400 MB passes that on to `ru_maxrss`, not to the figure."""
    held = b"x" * (400 * 2**20)
    source = "from benchmarks.fresh import peak_megabytes; {}; print(peak_megabytes())"
    small, large = (
        float(fresh.fresh(source.format(work), 60).text or "nan")
        for work in ("0", "x = b'x' * (200 * 2**20)")
    )
    assert len(held) > 2**28
    assert 150 < large - small < 250
    if Path("/proc/self/status").exists():
        assert small < 300
    assert fresh.peak_megabytes(tmp_path / "absent") > 400


def test_emlp_is_asked_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is absent is reported at once, for every problem."""
    monkeypatch.setenv("EMLP_PYTHON", sys.executable)
    monkeypatch.setattr(peers, "EMLP", "print('not installed' if True else %r)")
    assert peers.emlp_times(60.0, 60.0) == dict.fromkeys(peers.IN_EMLP, "not installed")
    monkeypatch.setattr(peers, "EMLP", "print('1.0 s, 15' if True else %r)")
    assert set(peers.emlp_times(60.0, 60.0)) == set(peers.IN_EMLP)
    assert peers.emlp_times(1.0, 60.0) == {}


def test_both_solve_the_same_equations() -> None:
    name = "D4 on 3 x 3 pixels"
    assert peers.by_derive(name)[1] == peers.by_linsolve(name)[1] == 15
