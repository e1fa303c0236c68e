"""A Python process of its own: nothing is warm in it, and its memory is its own; with a limit of time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import ROOT


@dataclass(frozen=True)
class Outcome:
    """What a process printed, or why it printed nothing."""

    text: str | None
    reason: str = ""


def fresh(source: str, limit: float, python: str = sys.executable, **environment: str) -> Outcome:
    """Run `source` in a new process for at most `limit` seconds. Modules are compiled once, as usually.

    >>> fresh("print(1 + 1)", 60).text
    '2\\n'
    """
    known = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [python, "-c", source]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**known, **environment}, capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, f"no answer in {limit:.3g} s")
    if done.returncode:
        return Outcome(None, (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1])
    return Outcome(done.stdout)


def peak_megabytes(status: Path = Path("/proc/self/status")) -> float:
    """The most memory that this program has held.

    On Linux from the kernel's high-water mark, which starts anew with every program; `ru_maxrss` is passed on
    from the process that started it and serves where there is no such file.
    """
    if status.exists():
        marks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if marks:
            return int(marks[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def held_megabytes(call: Callable[[], object], times: int = 3) -> float:
    """The most memory that this program holds during some calls beyond what it held before them.

    On Linux a program can take its high-water mark back; elsewhere only what is above all that was held
    earlier is seen.
    """
    if hasattr(trim := ctypes.CDLL(None), "malloc_trim"):
        trim.malloc_trim(0)  # what was freed is given back, else it would be held anew without being seen
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5): the mark is what is held now
    before = peak_megabytes()
    for _ in range(times):
        call()
    return peak_megabytes() - before
