"""Numbered sections and timed checks on a terminal, so that a long step is seen to be running."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Console:
    """Prints as it goes, and remembers how every check ended."""

    out: TextIO
    passed: list[bool] = field(default_factory=list)
    sections: int = 0

    def section(self, title: str) -> None:
        self.sections += 1
        self.line(f"\n{self.sections}. {title}\n")

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def indented(self, text: object) -> None:
        for line in str(text).splitlines():
            self.line(f"   {line}")

    def check(self, what: str, work: Callable[[], str]) -> None:
        """Name the work, do it, and say how it ended; `work` returns a finding or raises ValueError."""
        start = time.perf_counter()
        print(f"   {what} ... ", end="", file=self.out, flush=True)
        try:
            finding, verdict = work(), "passed"
        except ValueError as error:  # what both packages raise, with the numbers in the message
            finding, verdict = str(error), "FAILED"
        self.passed.append(verdict == "passed")
        self.line(f"{verdict} ({time.perf_counter() - start:.1f} s)")
        if finding:
            self.indented("\n".join(f"  {line}" for line in finding.splitlines()))

    def verdict(self) -> bool:
        """The last line; whether everything passed."""
        good, all_ = sum(self.passed), len(self.passed)
        everything = good == all_ and all_ > 0
        self.line(f"\n{'every check passed' if everything else 'SOME CHECKS FAILED'} ({good} of {all_})")
        return everything
