"""Fixed seeds for the whole suite, and programs that compile quickly.

`XLA_FLAGS= make test` compiles them as everywhere else; accelerators and a few tests always do.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import compiling

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True, max_examples=50)
settings.load_profile("repeatable")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything starts JAX. What `calibrate` has kept for this machine is not for the suite."""
    os.environ["KERNELS_THRESHOLDS"] = "default"
    if config.getoption("markexpr") != "accelerator":
        os.environ.setdefault("XLA_FLAGS", compiling.BRIEF)
