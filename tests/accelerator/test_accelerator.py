"""Every op, value and gradients, in every dtype of the backend, against float64 on the host's CPU.

Not part of `make test`, where the same cases are compared with independent oracles on CPU. What a backend
cannot do is printed with the reason, never skipped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.accelerator.tolerances import Row, rows
from tests.kernels.every import FAMILIES, Item

pytestmark = pytest.mark.accelerator
ROWS = rows(jax.default_backend())
ITEMS = {f"{family}: {item.name}": item for family, make in FAMILIES.items() for item in make()}
COMPUTED = [row for row in ROWS if row.tolerance is not None]


def test_the_backend_is_in_the_table(capsys) -> None:
    """Says where this runs, on what, and what is not applicable."""
    with capsys.disabled():
        print(f"\nbackend {jax.default_backend()}, JAX {jax.__version__}, {len(ITEMS)} ops")
        for device in jax.devices():
            print(f"  {device.id}: {device.device_kind}")
        for row in ROWS:
            said = "not applicable" if row.tolerance is None else f"tolerance {row.tolerance:g}"
            print(f"  {row.dtype}, precision {row.precision}: {said}; {row.why}")
    assert COMPUTED, f"write rows for {jax.default_backend()} into tests/accelerator/tolerances.py"


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_value_and_gradients(item: Item) -> None:
    """Every row of the table: the same rounded operands in float64 are the truth."""
    run = jax.jit(lambda *operands: _both(item, *operands))
    assert [line for row in COMPUTED for line in _too_far(item, row, run)] == []


def _too_far(item: Item, row: Row, run: Any) -> Iterator[str]:
    with jax.enable_x64(True):
        operands = item.operands(row.dtype)
        with jax.default_device(jax.devices("cpu")[0]), jax.default_matmul_precision("highest"):
            wide = jax.tree.map(lambda a: jnp.asarray(np.asarray(a, np.float64)), operands)
            exact, *pulled = jax.tree.map(np.asarray, run(*wide))
        with jax.default_matmul_precision(row.precision):
            y, *bars = run(*operands)
    distances = [_distance(y, exact, 0.0)]
    reach = _norm(exact) * exact.size**0.5  # of <ybar, y> = <bar, operand>, cancellations left out
    for got, true, operand in zip(*map(jax.tree.leaves, (bars, pulled, operands)), strict=True):
        least = reach / max(_norm(operand) * operand.size**0.5, 1e-30)
        distances.append(_distance(got, true, least))
    assert all(str(a.dtype) == row.dtype for a in jax.tree.leaves((y, bars)))
    for part, distance in enumerate(distances):
        if not distance <= row.tolerance:
            what = f"gradient {part}" if part else "value"
            yield f"{row.dtype} at {row.precision}: {what} is {distance:.2g} off, allowed {row.tolerance:g}"


def _both(item: Item, *operands: Any) -> tuple[Any, ...]:
    """The value, and its gradients at a cotangent that is a fixed pattern of signs."""
    y, pull = jax.vjp(item.op, *operands)
    signs = jnp.asarray(1 - 2 * (np.arange(y.size) * 7 % 11 % 2), y.dtype)
    return y, *pull(signs.reshape(y.shape))


def _distance(got: Any, true: Any, least: float) -> float:
    """The largest error, in units of the largest entry, or of `least` where that is more."""
    if true.size == 0:
        return 0.0
    scale = max(float(np.max(np.abs(true))), least)
    return float(np.max(np.abs(np.asarray(got, np.float64) - true))) / (scale or 1.0)


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).reshape(-1)))
