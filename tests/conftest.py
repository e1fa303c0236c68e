"""Strict numerics and fixed seeds for the whole suite."""

from __future__ import annotations

import os

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True, max_examples=50)
settings.load_profile("repeatable")
