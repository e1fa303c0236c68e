"""Where the command line runs: terminals, pipes, encodings, Ctrl-C, and what an import costs."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cli import terminal

ROOT = Path(__file__).parents[2]


def spawn(*words: str) -> list[str]:
    code = "import sys; from cli.command import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", code, *words]


def on_a_terminal(*words: str, **environment: str) -> tuple[int, str]:
    """Status and everything that a terminal would show."""
    here, there = pty.openpty()
    process = subprocess.Popen(
        spawn(*words), stdin=there, stdout=there, stderr=there, cwd=ROOT, env={**os.environ, **environment}
    )
    os.close(there)
    told = b""
    while True:
        try:
            part = os.read(here, 4096)
        except OSError:
            break
        if not part:
            break
        told += part
    os.close(here)
    return process.wait(), told.decode()


def test_a_terminal_gets_bold_headings_and_a_caret() -> None:
    status, told = on_a_terminal("solve", "-s", "S5 x p4m", TERM="xterm", NO_COLOR="")
    assert status == 2
    assert told.splitlines()[1:] == ["    S5 x p4m", "         ^"]


def test_no_color(monkeypatch: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.heading("a", Terminal()) == "\x1b[1ma\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.heading("a", Terminal()) == "a"
    monkeypatch.delenv("NO_COLOR")
    assert terminal.heading("a", io.StringIO()) == "a"
    monkeypatch.setenv("TERM", "dumb")
    assert terminal.heading("a", Terminal()) == "a"


def test_progress_is_shown_on_a_terminal_and_cleared(monkeypatch: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    monkeypatch.setattr(terminal, "TICK", 0.01)
    for stream, wanted in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with terminal.progress("solving"):
            time.sleep(0.1)
        assert ("solving ... 0 s" in stream.getvalue()) is wanted
        assert stream.getvalue().endswith("\r\x1b[K") is wanted


def test_a_terminal_without_unicode_and_a_reader_that_leaves() -> None:
    """Nothing breaks where an encoding lacks a character, or where `head` has seen enough."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [*spawn("solve", "-s", "translations", "--in", "é trivial", "-k", "3")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_control_c_ends_in_one_line() -> None:
    code = "import cli.commands.solve as s, signal, time, sys\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs ignore it
    code += "s.ask = lambda asked: (print('on', flush=True), time.sleep(30))\n"
    code += "from cli.command import main; sys.exit(main(['solve', '-s', 'p4m']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "derive: stopped\n"


def test_the_library_does_not_need_the_command_line() -> None:
    code = "import sys\nsys.modules['click'] = sys.modules['latex2mathml'] = None\nimport derive\n"
    code += "print([m for m in sys.modules if m.split('.')[0] in ('cli',)])"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert out.strip() == "[]"


def test_help_loads_neither_sympy_nor_jax() -> None:
    code = "import sys; from cli.command import main; main(['--help'])\n"
    code += "print([m for m in ('sympy', 'jax', 'derive', 'kernels') if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert out.splitlines()[-1] == "[]"
