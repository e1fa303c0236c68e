"""A Python process of its own: nothing is warm in it, and its memory is its own; with a limit of time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

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
