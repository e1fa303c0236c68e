"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cli.command import main


@dataclass(frozen=True)
class Shown:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


@pytest.fixture
def derive(capsys: pytest.CaptureFixture[str]) -> Callable[..., Shown]:
    """Run a command in this process."""

    def run(*words: str) -> Shown:
        status = main(words)
        told = capsys.readouterr()
        return Shown(status, told.out, told.err)

    return run
