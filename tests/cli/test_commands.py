"""The commands: what they print, how they end, and what they say when they cannot."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import derive as dv
from cli.command import COMMANDS, main
from cli.commands import report, solve
from cli.question import Asked, ask
from cli.script import numbers, script

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
P4M = ("--symmetry", "p4m", "--in", "3 trivial", "--out", "16 regular", "--kernel", "5")
SMALL = ("-s", "p4m", "--out", "V", "-k", "3")


def one_line(text: str) -> str:
    (line,) = text.splitlines()
    assert line.startswith("derive: ")
    assert "Traceback" not in line
    return line


# ---- solve ----------------------------------------------------------------------------------------------


def test_solve_prints_the_constraint_the_tying_the_counts_and_the_certificate(derive: Run) -> None:
    shown = derive("solve", *SMALL)
    assert (shown.status, shown.err) == (0, "")
    for line in (
        "p4m: 1 channel -> V, kernel 3",
        "  A[alpha,u+s_u,v+s_v,c,u'+s_u,v'+s_v] = A[alpha,u,v,c,u',v']",
        "     a  b  a",
        "  2 free weights, 0 biases",
        "certificate holds",
    ):
        assert line in shown.out.splitlines()
    assert "derivation" not in shown.out
    assert "\x1b" not in shown.out


def test_solve_counts_what_the_readme_counts(derive: Run) -> None:
    assert "  1200 free weights, 16 biases" in derive("solve", *P4M).out.splitlines()


def test_steps_are_printed_and_checked(derive: Run) -> None:
    shown = derive("solve", *SMALL, "--steps")
    assert shown.status == 0
    assert "  25. count: one free number per orbit that is not forced to zero" in shown.out.splitlines()
    assert "every step was checked" in shown.out


def test_json_is_what_the_page_documents(derive: Run) -> None:
    shown = derive("solve", *SMALL, "--steps", "--json")
    data = json.loads(shown.out)
    page = (ROOT / "docs/command_line.md").read_text(encoding="utf-8")
    table = page.split("<!-- keys: solve -->")[1].split("<!-- end -->")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert list(documented) == list(data)
    for key in ("question", "equations", "certificate"):
        assert re.findall(r"`(\w+)`", documented[key].replace('{"text": ..., "latex": ...}', "")) == list(
            data[key]
        )
    assert data["schema"] == "equiderive/solve/1"
    assert (data["dim"], data["bias_dim"]) == ("2", "0")
    assert data["certificate"]["holds"] is True
    assert data["derivation"]["checked"] is True
    assert len(data["derivation"]["steps"]) == 25
    assert data["equations"]["form"] == [
        {"text": "A[i,u,v,c,u',v'] = K[i,c,u'-u,v'-v]", "latex": "A_{i,u,v,c,u',v'} = K_{i,c,u'-u,v'-v}"}
    ]
    assert "derivation" not in json.loads(derive("solve", *SMALL, "--json").out)


def test_json_holds_exact_expressions(derive: Run) -> None:
    data = json.loads(
        derive("solve", "-s", "translations", "--in", "C", "--out", "D", "-k", "radius r", "--json").out
    )
    assert (data["dim"], data["symbols"]) == ("C*D*(2*r + 1)**2", ["C", "D", "r"])
    endless = json.loads(derive("solve", "-s", "translations", "--json").out)
    assert (endless["dim"], endless["code"]) == ("oo", None)


CODE = (
    (Asked("p4m", "3 trivial", "2 regular", kernel="3"), (8, 32, 32, 3), (8, 32, 32, 16)),
    (Asked("p4g", kernel="2", stride="2", lattice="periodic 16"), (8, 16, 16, 1), (8, 8, 8, 1)),
    (
        Asked("translations in 1-D", "C", "D", kernel="3", upsample="2", sizes=("C=2",)),
        (8, 32, 2),
        (8, 64, 3),
    ),
    (Asked("D4 on 6x6", "V", "sign"), (8, 6, 6, 2), (8, 6, 6, 1)),
    (Asked("S5", "V^2", "P"), (8, 25), (8, 5)),
    (
        Asked("translations by (1, 0)", kernel="3 x all", lattice="Z x W", border="circular"),
        (8, 32, 16, 1),
        (8, 32, 16, 1),
    ),
)


@pytest.mark.parametrize(("asked", "x", "y"), CODE, ids=lambda v: v.line() if isinstance(v, Asked) else "")
def test_the_code_runs(asked: Asked, x: tuple[int, ...], y: tuple[int, ...], capsys: Any) -> None:
    names: dict[str, Any] = {}
    question = ask(asked)
    exec(script(question), names)
    assert capsys.readouterr().out == f"{x} -> {y}\n"
    dim, put = question.solution.dim, numbers(question)
    assert names["layer"].dim == dim.subs({s: put[s.name] for s in dim.free_symbols})


def test_jax_prints_the_code_and_nothing_else(derive: Run) -> None:
    shown = derive("solve", *SMALL, "--jax")
    assert shown.out == script(ask(Asked("p4m", out="V", kernel="3"))) + "\n"
    compile(shown.out, "layer.py", "exec")


def test_an_infinite_answer_is_said_and_has_no_code(derive: Run) -> None:
    assert "infinitely many" in derive("solve", "-s", "translations").out
    shown = derive("solve", "-s", "translations", "--jax")
    assert (shown.status, shown.out) == (2, "")
    assert "give a kernel such as --kernel 3" in one_line(shown.err)


def test_a_zero_answer_says_why(derive: Run) -> None:
    shown = derive("solve", "-s", "p4m", "--in", "sign", "-k", "3")
    assert shown.status == 0
    assert "0 free weights" in shown.out
    assert "why none: " in shown.out


@pytest.mark.parametrize("broken", ["certificate", "step"])
def test_a_check_that_fails_is_status_1(broken: str, derive: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    if broken == "step":

        def check(self: Any, grid: Any = None) -> None:
            raise dv.DerivationError("step 3", "must hold", "1 = 2", "report this")

        monkeypatch.setattr(dv.Derivation, "check", check)
    else:
        monkeypatch.setattr(dv.Certificate, "complete", property(lambda self: False))
    shown = derive("solve", *SMALL, "--steps")
    assert shown.status == 1
    assert ("step 3 must hold" if broken == "step" else "certificate FAILS") in shown.out


# ---- bad input ------------------------------------------------------------------------------------------

REFUSED = (
    (("solve", "-s", "p4n"), "no symmetry is called 'p4n'; the nearest names are p4, p4m, p4g"),
    (
        ("solve", "-s", "p4m", "--in", "P"),
        "permutation needs a group given by permutations, got D4; D4 has trivial",
    ),
    (("solve", "-s", "p4m", "-k", "5x3"), "support must be carried to itself by every generator"),
    (
        ("report", "-s", "p4m", "-k", "3", "-o", "/no/such/folder/report.html"),
        "/no/such/folder/report.html cannot be",
    ),
    (("report", "-s", "p4m", "-k", "3", "-o", "/"), "/ cannot be used: is a directory"),
    (("list", "-o", "/no/such/folder/list.html"), "/no/such/folder/list.html"),
    (("list", "p4x"), "nearest names are p4"),
    (("solve",), "Missing option '-s' / '--symmetry'."),
    (("solve", "-s", "p4m", "--kernal", "3"), "No such option '--kernal'. Did you mean '--kernel'?"),
    (
        ("solve", "-s", "p4m", "--border", "zeros"),
        "'zeros' is not one of 'zero', 'circular', 'reflect', 'valid'",
    ),
    (("solve", "-s", "p4m", "--json", "--jax"), "--json and --jax exclude each other"),
    (("solve", "-s", "p4m", "more"), "unexpected extra argument"),
    (("slove",), "there is no command 'slove'; the commands are solve"),
    (("audit", "no_such_module:model", "-s", "p4m"), "No module named 'no_such_module'"),
    (("audit", "math", "-s", "p4m"), "expected ':', found the end"),
    (("audit", "math:sqr", "-s", "p4m"), "math has no 'sqr'; the nearest names are sqrt"),
    (("audit", "math:pi", "-s", "p4m"), "pi is no model: float cannot be called"),
    (("audit", "math:sqrt()", "-s", "p4m"), "sqrt() failed: TypeError"),
    (("audit", "math:sqrt", "-s", "S5"), "S5 moves no lattice"),
    (("audit", "math:sqrt", "-s", "p4m", "--in", "C trivial"), "needs numbers to run a model"),
    (("audit", "math:sqrt", "-s", "p4m", "--shape", "4x4x4"), "one size per axis, got 3 for 2 axes"),
)


@pytest.mark.parametrize(
    ("words", "said"), REFUSED, ids=lambda v: " ".join(v) if isinstance(v, tuple) else ""
)
def test_bad_input_is_one_line_and_status_2(words: tuple[str, ...], said: str, derive: Run) -> None:
    shown = derive(*words)
    assert (shown.status, shown.out) == (2, "")
    assert said in one_line(shown.err)


def test_a_page_that_cannot_be_written_is_refused_before_the_work(derive: Run, monkeypatch: Any) -> None:
    def proved(*given: Any) -> None:
        raise AssertionError("proved before it was known that the page cannot be written")

    monkeypatch.setattr(report, "checked", proved)
    assert derive("report", *SMALL, "-o", "/no/such/folder/report.html").status == 2


def test_a_report_is_written_or_printed(derive: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    shown = derive("report", *SMALL, "-o", str(path))
    assert (shown.status, shown.out, shown.err) == (0, "", "")
    assert path.read_text(encoding="utf-8") == derive("report", *SMALL, "-o", "-").out
    assert derive("list", "p4m", "--html", "-o", str(path)).status == 0
    assert "<h3>p4m</h3>" in path.read_text(encoding="utf-8")


def test_list_prints_words_lines_and_pictures(derive: Run) -> None:
    assert derive("list", "p4m").out.splitlines() == [
        "WALLPAPER GROUPS",
        "",
        "p4m           quarter turns, mirrors through their centres: the square lattice whole",
        "              a b a",
        "              b c b",
        "              a b a",
    ]
    assert json.loads(derive("list", "S5", "--json").out) == [
        {"section": "permutations", "word": "S5", "line": "all orders of 5 things"}
    ]
    assert derive("list").out.count("\n") > 200


def test_nothing_is_written_where_the_question_is_bad(derive: Run, tmp_path: Path) -> None:
    assert derive("report", "-s", "p4n", "-o", str(tmp_path / "report.html")).status == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "said"), [(KeyboardInterrupt(), 130, "stopped"), (MemoryError(), 2, "memory")]
)
def test_what_ends_the_work_is_one_line(
    error: Any, status: int, said: str, derive: Run, monkeypatch: Any
) -> None:
    def fail(asked: Asked) -> None:
        raise error

    monkeypatch.setattr(solve, "ask", fail)
    shown = derive("solve", "-s", "p4m")
    assert shown.status == status
    assert said in one_line(shown.err)


def test_a_mistake_of_our_own_is_not_hidden(monkeypatch: Any) -> None:
    def fail(asked: Asked) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(solve, "ask", fail)
    with pytest.raises(ValueError, match="a bug"):
        main(["solve", "-s", "p4m"])


# ---- help -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, derive: Run) -> None:
    shown = derive(name, "--help")
    assert shown.status == 0
    assert f"  derive {name}" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100
    assert COMMANDS[name] in derive("--help").out


@pytest.mark.parametrize("name", ["solve", "report", "audit", "list"])
def test_the_examples_are_questions_that_can_be_asked(name: str, derive: Run) -> None:
    """Everything but their files: what stands behind each -s, --in, --kernel and so on is read."""
    import shlex

    lines = [
        line.strip() for line in derive(name, "--help").out.splitlines() if line.startswith("    derive ")
    ]
    assert len(lines) >= 3
    for line in lines:
        words = shlex.split(line.split(" > ")[0])[2:]
        options = {"-s": "symmetry", "--symmetry": "symmetry", "--in": "into", "--out": "out", "-k": "kernel"}
        options |= {f"--{name}": name for name in ("kernel", "stride", "lattice", "dilation", "upsample")}
        given = {options[w]: value for w, value in pairwise(words) if w in options}
        if given:
            assert ask(Asked(**given)).solution.dim != 0


def test_no_command_is_help(derive: Run) -> None:
    shown = derive()
    assert shown.status == 2
    assert "Usage: derive" in shown.err


# ---- audit ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    name: str
    kept: tuple[str, ...]
    lost: tuple[str, ...] = ()
    errors: dict[str, float] = field(default_factory=dict)
    cause: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Found:
    layers: tuple[Layer, ...]
    kept: tuple[str, ...] = ("t_u",)

    @property
    def first(self) -> Layer | None:
        return next((layer for layer in self.layers if layer.lost), None)

    def __str__(self) -> str:
        return "audit of " + ", ".join(layer.name for layer in self.layers)


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A stand-in for `kernels.audit`: what it was called with; a second layer may lose a turn."""
    import kernels

    calls: list[Any] = []

    def audit(model: Any, x: Any, into: Any, out: Any = None) -> Found:
        calls.append((model, x.shape, into, out))
        good = Layer("first", ("r", "m"))
        return Found(
            (good, Layer("second", ("m",), ("r",), {"r": 0.5}, "stride", "odd")) if model(x) else (good,)
        )

    monkeypatch.setattr(kernels, "audit", audit, raising=False)
    module = ModuleType("some_models")
    module.bad = lambda x: True  # type: ignore[attr-defined]
    module.make = lambda: lambda x: False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_models", module)
    return calls


def test_audit_gives_the_model_a_sample_and_its_field(audited: list[Any], derive: Run) -> None:
    shown = derive("audit", "some_models:bad", "-s", "p4m", "--in", "3 trivial", "--shape", "12x12")
    assert (shown.status, shown.out) == (1, "audit of first, second\n")
    ((_, shape, into, out),) = audited
    assert (shape, out) == ((2, 12, 12, 3), None)
    G = dv.wallpaper("p4m")
    assert into == dv.Field(G, channels=3, name="x")


def test_audit_of_a_model_that_is_right(audited: list[Any], derive: Run) -> None:
    words = ("-s", "D4 on 8x8", "--out", "10 trivial", "--no-sites", "--channels-first")
    assert derive("audit", "some_models:make()", *words).status == 0
    ((_, shape, into, out),) = audited
    assert shape == (2, 1, 8, 8)
    assert out == 10 * dv.trivial(into.group.point)


def test_audit_as_data(audited: list[Any], derive: Run) -> None:
    data = json.loads(derive("audit", "some_models:bad", "-s", "p4m", "--json").out)
    assert (data["schema"], data["first"]) == ("equiderive/audit/1", "second")
    assert data["layers"][1] == {
        "name": "second", "kept": ["m"], "lost": ["r"], "errors": {"r": 0.5},
        "cause": "stride", "remedy": "odd",
    }  # fmt: skip
