"""`python -m tests.kernels.sharded`: convolutions on eight host devices, one line of JSON per case.

A process of its own, since the number of host devices is fixed when JAX starts. The image is distributed and
nothing else is said; `test_sharding.py` judges what came out.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests import compiling

DEVICES = 8
COLLECTIVE = re.compile(
    r"\b(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)(?:-start)?\("
)


@dataclass(frozen=True)
class Sharded:
    """A convolution, the mesh axes of its image (N, H, W, C) and of its kernel, and what may be exchanged.

    `forward`: the collectives of the value alone, exactly; `both`: the most for value and both gradients.
    """

    name: str
    image: tuple[Any, ...]
    forward: dict[str, int]
    both: dict[str, int]
    kernel: tuple[Any, ...] = ()
    x: tuple[int, ...] = (2, 16, 6, 4)
    k: tuple[int, ...] = (3, 3, 4, 3)
    options: dict[str, Any] = field(default_factory=dict)
    mesh: str = "line"
    summed: bool = False  # where the result's rows do not divide, so that it cannot leave a program in blocks


HALO = {"collective-permute": 2}
SUM = {"all-reduce": 1}
HALOS = {"collective-permute": 6, **SUM}
ROWS, GRID = (None, "r"), (None, "r", "c")

CASES = (
    Sharded("rows", ROWS, HALO, HALOS),
    Sharded("rows, explicit mesh", ROWS, HALO, HALOS, mesh="explicit"),
    Sharded(
        "rows x columns", GRID, {"collective-permute": 4}, {"collective-permute": 12, **SUM}, mesh="grid"
    ),
    Sharded("rows, circular", ROWS, HALO, HALOS, options={"padding": "CIRCULAR"}),
    Sharded("rows, stride", ROWS, {"collective-permute": 1}, HALOS, options={"strides": 2}),
    Sharded(
        "rows, stride, circular",
        ROWS,
        HALO,
        HALOS,
        k=(4, 3, 4, 3),
        options={"strides": 2, "padding": "CIRCULAR"},
    ),
    Sharded(
        "rows, VALID",
        ROWS,
        {"collective-permute": 1, **SUM},
        HALOS,
        options={"padding": "VALID"},
        summed=True,
    ),
    Sharded(
        "rows, VALID, results in blocks",
        ROWS,
        HALO,
        HALOS,
        x=(1, 64, 3, 2),
        k=(9, 3, 2, 2),
        options={"padding": "VALID"},
    ),
    Sharded(
        "rows, stride that drifts",
        ROWS,
        {"collective-permute": 1, **SUM},
        HALOS,
        x=(1, 160, 5, 1),
        k=(3, 3, 1, 1),
        options={"strides": 3},
        summed=True,
    ),
    Sharded(
        "rows, REFLECT, explicit mesh",
        ROWS,
        {"all-gather": 1},
        {"all-gather": 2},
        options={"padding": "REFLECT"},
        mesh="explicit",
    ),
    Sharded("rows, dilation", ROWS, HALO, HALOS, options={"dilation": (2, 1)}),
    Sharded("rows, depthwise", ROWS, HALO, HALOS, k=(3, 3, 1, 4), options={"groups": 4}),
    Sharded("rows, groups", ROWS, HALO, HALOS, k=(3, 3, 2, 6), options={"groups": 2}),
    Sharded("batch", ("r",), {}, SUM, x=(8, 6, 6, 4)),
    Sharded("batch, groups", ("r",), {}, SUM, x=(8, 6, 6, 4), k=(3, 3, 2, 6), options={"groups": 2}),
    Sharded(
        "input channels",
        (None, None, None, "r"),
        SUM,
        {"all-reduce": 2},
        (None, None, "r"),
        x=(2, 6, 6, 8),
        k=(3, 3, 8, 3),
    ),
    Sharded("output channels", (), {}, SUM, (None, None, None, "r"), k=(3, 3, 4, 8)),
    Sharded(
        "channels, depthwise",
        (None, None, None, "r"),
        {},
        {},
        (None, None, None, "r"),
        x=(2, 6, 6, 8),
        k=(3, 3, 1, 8),
        options={"groups": 8},
    ),
)


def main() -> None:
    """Every case: what it exchanges, and how far it is from one device."""
    os.environ["XLA_FLAGS"] = f"{compiling.BRIEF} --xla_force_host_platform_device_count={DEVICES}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    jax.config.update("jax_enable_x64", True)
    for case in CASES:
        print(json.dumps({"name": case.name, **_measure(case)}), flush=True)
    for name, (op, image) in _lowered().items():
        w = op.init(jax.random.key(0))
        print(json.dumps({"name": name, **_compare(op, (w, image), ((), (None, "r")), _mesh("line"))}))


def _mesh(kind: str) -> Any:
    import jax
    import numpy as np
    from jax.sharding import AxisType, Mesh

    if kind == "explicit":
        return jax.make_mesh((DEVICES,), ("r",), axis_types=(AxisType.Explicit,))
    devices = np.array(jax.devices())
    return Mesh(devices.reshape(4, 2), ("r", "c")) if kind == "grid" else Mesh(devices, ("r",))


def _measure(case: Sharded) -> dict[str, Any]:
    import jax.numpy as jnp
    import numpy as np

    import kernels as kn

    rng = np.random.default_rng(0)
    x, k = (jnp.asarray(rng.normal(size=shape)) for shape in (case.x, case.k))

    def value(x: Any, k: Any) -> Any:
        y = kn.conv(x, k, **case.options)
        return jnp.sum(jnp.sin(y)) if case.summed else y

    return _compare(value, (x, k), (case.image, case.kernel), _mesh(case.mesh))


def _compare(value: Any, operands: Any, specs: Any, mesh: Any) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp
    from jax.sharding import NamedSharding, PartitionSpec

    def both(*operands: Any) -> Any:
        y, pull = jax.vjp(value, *operands)
        return y, *pull(jnp.cos(y))

    alone = jax.jit(both)(*operands)
    spread = [
        jax.device_put(a, NamedSharding(mesh, PartitionSpec(*spec)))
        for a, spec in zip(operands, specs, strict=True)
    ]
    forward, pulled = (jax.jit(f).lower(*spread).compile() for f in (value, both))
    results = pulled(*spread)
    return {
        "forward": Counter(COLLECTIVE.findall(forward.as_text())),
        "both": Counter(COLLECTIVE.findall(pulled.as_text())),
        "distance": max(_distance(a, b) for a, b in zip(results, alone, strict=True)),
        "kept": [
            a.sharding.is_equivalent_to(b.sharding, a.ndim) for a, b in zip(results[1:], spread, strict=True)
        ],
        "blocks": str(results[0].sharding.spec),
    }


def _distance(a: Any, b: Any) -> float:
    import numpy as np

    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))) / np.max(np.abs(np.asarray(b))))


def _lowered() -> dict[str, Any]:
    import jax

    import derive as dv
    import kernels as kn

    turns, shifts = dv.wallpaper("p4m"), dv.translations(2)
    arrow = dv.solve(dv.Field(turns, 1), dv.Field(turns, fibre=dv.defining(turns.point)), support=dv.box(1))
    ring = dv.solve(dv.Field(shifts, 2), dv.Field(shifts, 3), support=dv.box(1))
    return {
        "lowered, with fibres": (kn.lower(arrow), jax.random.normal(jax.random.key(2), (1, 16, 5, 1))),
        "lowered, circular": (
            kn.lower(ring, padding="CIRCULAR"),
            jax.random.normal(jax.random.key(1), (1, 16, 5, 2)),
        ),
    }


if __name__ == "__main__":
    main()
