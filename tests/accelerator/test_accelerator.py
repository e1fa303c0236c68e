"""Every op, value and gradients, in every dtype of the backend, against float64 on the host's CPU.

Not part of `make test`, where the same cases are compared with independent oracles on CPU. What a backend
cannot do is printed with the reason, never skipped in silence.
"""

from __future__ import annotations

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


@pytest.mark.parametrize("row", COMPUTED, ids=lambda row: f"{row.dtype}-{row.precision}")
@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_value_and_gradients(item: Item, row: Row) -> None:
    with jax.enable_x64(True):
        operands = item.operands(row.dtype)
        exact = _exact(item, operands)
        ybar = jnp.asarray(np.cos(exact[0]), row.dtype)
        truth = _exact(item, operands, np.asarray(ybar, np.float64))
    with jax.enable_x64(row.dtype == "float64"), jax.default_matmul_precision(row.precision):
        y, *bars = jax.jit(lambda ybar, *operands: _both(item, ybar, *operands))(ybar, *operands)
    assert _distance(y, truth[0], 0.0) <= row.tolerance
    reach = _norm(ybar) * _norm(truth[0])  # the size of <ybar, y> = <bar, operand>, cancellations left out
    for got, true, operand in zip(*map(jax.tree.leaves, (bars, truth[1:], operands)), strict=True):
        least = reach / max(_norm(operand) * operand.size**0.5, 1e-30)
        assert _distance(got, true, least) <= row.tolerance
        assert got.dtype == y.dtype == row.dtype


def _both(item: Item, ybar: Any, *operands: Any) -> tuple[Any, ...]:
    y, pull = jax.vjp(item.op, *operands)
    return y, *pull(ybar)


def _exact(item: Item, operands: Any, ybar: Any = None) -> tuple[Any, ...]:
    """The same rounded operands in float64, on the host."""
    with jax.default_device(jax.devices("cpu")[0]), jax.default_matmul_precision("highest"):
        wide = jax.tree.map(lambda a: jnp.asarray(np.asarray(a, np.float64)), operands)
        run = jax.jit(item.op) if ybar is None else jax.jit(lambda *a: _both(item, *a))
        found = run(*wide) if ybar is None else run(jnp.asarray(ybar), *wide)
        return jax.tree.map(np.asarray, (found,) if ybar is None else found)


def _distance(got: Any, true: Any, least: float) -> float:
    """The largest error, in units of the largest entry, or of `least` where that is more."""
    if true.size == 0:
        return 0.0
    scale = max(float(np.max(np.abs(true))), least)
    return float(np.max(np.abs(np.asarray(got, np.float64) - true))) / (scale or 1.0)


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array, np.float64).reshape(-1)))
