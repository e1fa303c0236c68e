"""Every op of the case lists under the strict settings of JAX: differentiated and lowered; some are run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np
import pytest

from tests.kernels.every import FAMILIES, Item

SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "rank promotion": lambda: jax.numpy_rank_promotion("raise"),
    "dtype promotion": lambda: jax.numpy_dtype_promotion("strict"),
    "leaks": jax.checking_leaks,
    "made in the 64-bit mode": nullcontext,
}
ITEMS = [item for make in FAMILIES.values() for item in make()]
SHARE = 5  # every setting sees another fifth of the list; the slow run sees all of it


def _sampled(every: int) -> list[Any]:
    found = []
    for k, setting in enumerate(SETTINGS):
        found += [
            pytest.param(setting, item, id=f"{setting}-{item.name}") for item in ITEMS[k % every :: every]
        ]
    return found


def _lowered(setting: str, item: Item) -> None:
    wide = setting == "made in the 64-bit mode"
    # outside of that mode JAX's own derivatives of slices, gathers and transforms mix float32 in
    function = item.op if wide else item.both
    with jax.enable_x64(True):
        operands = item.operands("float64" if wide else "float32")
    with jax.enable_x64(False), SETTINGS[setting]():
        traced = jax.jit(function).trace(*operands)
        traced.lower()
    kinds = {leaf.dtype for leaf in jax.tree.leaves(traced.out_info)}
    assert kinds == {np.dtype("float64" if wide else "float32")}


@pytest.mark.filterwarnings("error:Explicitly requested dtype")
@pytest.mark.parametrize(("setting", "item"), _sampled(SHARE))
def test_strict_settings(setting: str, item: Item) -> None:
    _lowered(setting, item)


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "item"), _sampled(1))
def test_strict_settings_everywhere(setting: str, item: Item) -> None:
    _lowered(setting, item)


@pytest.mark.parametrize("item", ITEMS[3::17], ids=lambda item: item.name)
def test_no_nan_on_the_way(item: Item) -> None:
    with jax.debug_nans(True):
        jax.block_until_ready(jax.jit(item.both)(*item.operands("float32")))
