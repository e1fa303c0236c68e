"""Exactness is tested in float64 with strict promotion; a test that needs another dtype asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import jax
import numpy as np
import pytest

from kernels.convolution.choice import in_effect
from kernels.convolution.choice.thresholds import DEFAULT


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture
def thresholds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`thresholds(field=number)`: other numbers for what is lowered in this test from then on."""

    def change(**changes: int) -> None:
        now = in_effect.InEffect(replace(DEFAULT, **changes))
        monkeypatch.setattr(in_effect, "read", lambda: now)
        jax.clear_caches()

    yield change
    jax.clear_caches()
