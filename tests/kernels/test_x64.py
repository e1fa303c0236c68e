"""JAX's 64-bit mode may be switched between calls: traces under one mode do not disturb the other."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.kernels.structures import NAMES, STRUCTURES


@pytest.mark.parametrize("name", ["blocks apart", "Z5 in another order", "sign flips", "SO3 x S9 tensors"])
def test_modes_alternate(name: str) -> None:
    """Value and gradients in float32 are the same in both modes, traced anew in each."""
    case = STRUCTURES[NAMES.index(name)]
    operands = jax.tree.map(lambda a: np.asarray(a, np.float32), case.arrays())

    def both(*operands: Any) -> Any:
        y, pull = jax.vjp(case.op, *operands)
        return y, pull(jnp.cos(y))

    results = []
    for wide in (False, True, False):
        with jax.enable_x64(wide):
            results.append(jax.tree.leaves(jax.jit(lambda *arrays: both(*arrays))(*operands)))
    for first, other, again in zip(*results, strict=True):
        assert first.dtype == other.dtype == np.float32
        np.testing.assert_allclose(other, first, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(again, first)
