"""The persistent compile cache on several devices: the same program is found again, another one is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernels.convolution.sharding import cache_name
from tests import compiling

PROGRAM = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import kernels as kn

folder, options = sys.argv[1], json.loads(sys.argv[2])
jax.config.update("jax_compilation_cache_dir", folder)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
seen = []
jax.monitoring.register_event_listener(lambda event, **_: seen.append(event))
mesh = jax.make_mesh((4,), ("r",), axis_types=(AxisType.Auto,))
rng = np.random.default_rng(0)
arrays = [rng.normal(size=s).astype(np.float32) for s in ((1, 8, 5, 2), (3, 3, 2, 2))]
x, k = (jax.device_put(a, NamedSharding(mesh, s)) for a, s in zip(arrays, (P(None, "r"), P())))

def step(x, k):
    y, pull = jax.vjp(lambda x, k: kn.conv(x, k, **options), x, k)
    return y, *pull(y)

compiled = jax.jit(step).lower(x, k).compile()
hits = [e.rsplit("/", 1)[1] for e in seen if e.endswith(("cache_hits", "cache_misses"))]
with kn.only_lax():
    expected = [float(np.sum(np.abs(a))) for a in jax.jit(step)(*arrays)]
got = [float(jnp.sum(jnp.abs(a))) for a in compiled(x, k)]
print(json.dumps({"seen": hits, "got": got, "expected": expected}))
"""


def run(folder: Path, **options: Any) -> list[str]:
    """One process of its own: whether its program was found, after its values have been judged."""
    flags = f"{compiling.BRIEF} --xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), json.dumps(options)],
        capture_output=True,
        text=True,
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["got"] == pytest.approx(told["expected"], rel=1e-4)
    return told["seen"]


def test_it_hits_in_another_process_and_only_for_the_same_convolution(tmp_path) -> None:
    """Borders of the same width on either side: the same shapes, and another program."""
    assert run(tmp_path, padding=[(2, 0), (0, 2)]) == ["cache_misses"]
    assert run(tmp_path, padding=[(2, 0), (0, 2)]) == ["cache_hits"]
    assert run(tmp_path, padding=[(0, 2), (2, 0)]) == ["cache_misses"]


def test_a_name_says_all_that_a_program_depends_on(monkeypatch, tmp_path, thresholds) -> None:
    """Options, the devices, thresholds that were measured, and the code that decides and writes."""

    class Device:
        platform, id = "cpu", 0

    names = {
        cache_name.of(primitive, options, devices)
        for primitive in ("conv", "conv_kernel")
        for options in ({"padding": ((0, 1),)}, {"padding": ((1, 0),)})
        for devices in ((), (Device(),))
    }
    assert len(names) == 8
    thresholds(pairs=1)
    assert cache_name.of("conv", {"padding": ((0, 1),)}, ()) not in names
    cache_name._rules.cache_clear()
    monkeypatch.setattr(cache_name, "SOURCES", tmp_path)
    assert cache_name.of("conv", {}, ()) is None, "no rules to be read"
    (tmp_path / "rules.py").write_text("one = 1")
    cache_name._rules.cache_clear()
    before = cache_name.of("conv", {}, ())
    (tmp_path / "rules.py").write_text("one = 2")
    cache_name._rules.cache_clear()
    assert before != cache_name.of("conv", {}, ()) is not None
    cache_name._rules.cache_clear()
