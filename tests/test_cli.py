"""The command line: what `make run` prints, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import command as cli
from cli import demo
from cli.ladder import LADDER

COUNTS = {
    "dense: 10^6 pixels to 1000 units": (10**9, 1000),
    "dense: 256 x 256 RGB to 1000 units": (196_608_000, 1000),
    "dense: 1000 x 1000 image to image": (10**12, 10**6),
    "the same everywhere, on a torus": (10**6, 1),
    "the same everywhere, on a window": (3_996_001, 1),
    "shifts that fill with zeros, 3 x 3": (1, 0),
    "the same everywhere, radius 9": (361, 1),
    "the same everywhere, radius 1": (9, 1),
}


@pytest.fixture(scope="module")
def shown() -> Any:
    """One run as a person starts it."""
    script = Path(sys.executable).with_name("derive")
    return subprocess.run([script, "demo", "--quick"], capture_output=True, text=True, check=False)


def test_ends_with_every_check_passed(shown: Any) -> None:
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[-1] == "every check passed (10 of 10)"
    assert shown.stdout.count("... passed") == 10
    assert "FAILED" not in shown.stdout


def test_prints_the_derivation_and_every_part(shown: Any) -> None:
    for line in (
        "11. count: one free number per class of pairs and pair of channels",
        "y[i,u,v] = Sum(K[i,c,du,dv]*x[c,u+du,v+dv], (c, 0, C - 1), (du, -1, 1), (dv, -1, 1)) + b[i]",
        "certificate holds",
        "check_adjoints: passed in float32",
        "relative error exactly 0: it commutes",
    ):
        assert line in shown.stdout


def test_row_03_and_09_ladder_is_printed_with_what_is_quoted(shown: Any) -> None:
    for rung in LADDER:
        weights, biases = COUNTS.get(rung.what, ("(2*r + 1)**2", 1))
        (line,) = [text for text in shown.stdout.splitlines() if text.strip().startswith(rung.what)]
        for part in (weights, biases):
            assert f" {part:,} " in f"{line} " if isinstance(part, int) else part in line
        assert line.rstrip().endswith(rung.quoted)


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.what)
def test_row_03_and_09_ladder(rung: Any) -> None:
    weights, biases, certified = rung.solve()
    assert certified
    if rung.what in COUNTS:
        assert (weights, biases) == COUNTS[rung.what]
    else:
        (r,) = weights.free_symbols
        assert [weights.subs(r, n) for n in (0, 1, 9)] == [1, 9, 361]


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "run it on a photograph and check everything" in " ".join(capsys.readouterr().out.split())


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sing"]) == 2
    assert "there is no command 'sing'" in capsys.readouterr().err


@pytest.mark.parametrize("absent", ["sklearn", "PIL"])
def test_missing_extra_is_one_clear_line(absent: str, monkeypatch, capsys) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == absent]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    assert cli.main(["demo", "--quick"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("derive: the demo needs a photograph from scikit-learn, read by pillow, got no ")
    assert line.endswith("; run: pip install 'equiderive[demo]'")


def test_one_failure_fails_the_run(monkeypatch, capsys) -> None:
    """A layer that is not equivariant shows up in its own line, in the last line and in the status."""
    monkeypatch.setattr(demo, "shift", lambda x: x * 2 if x.shape[-1] == 3 else x)
    for part in ("derivation", "lowering", "adjoints", "ladder"):
        monkeypatch.setattr(demo, part, quiet(part))
    assert cli.main(["demo", "--quick"]) == 1
    text = capsys.readouterr().out
    assert "FAILED" in text
    assert text.splitlines()[-1].startswith("SOME CHECKS FAILED (")


def quiet(part: str) -> Any:
    import derive as dv

    def run(console: Any, *args: Any) -> Any:
        x = dv.Field(dv.translations(2), channels=3)
        return {"derivation": dv.solve(x, x, dv.box(1)), "lowering": (None, None)}.get(part)

    return run
