"""Edges spread over devices: each sums its own, and the sums are added."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import derive as dv, kernels as kn
from kernels.space import sums

jax.config.update("jax_enable_x64", True)
E = dv.euclidean(2)
V = dv.irrep(E.point, 1)
field = dv.Field(E, fibre=V)
op = kn.lower(dv.solve(field, field, support=dv.ball("R")), radial=kn.radial.bessel(2, cutoff=3.0))
mesh = jax.make_mesh((4,), ("e",), axis_types=(AxisType.Auto,))
rng = np.random.default_rng(0)
w, x = op.init(jax.random.key(0)), jnp.asarray(rng.normal(size=(5, 2)))
d = jnp.asarray(rng.normal(size=(64, 2)))
s, r = (jnp.asarray(rng.integers(0, 5, 64)) for _ in range(2))
value = lambda w, x, d, s, r: op(w, x, d, s, r, 5)
close = lambda a, b: jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), a, b)
square = lambda f: jax.jit(jax.value_and_grad(lambda *a: (f(*a) ** 2).sum(), (0, 1, 2)))
specs = (P(), P(), P("e"), P("e"), P("e"))
expected = square(value)(w, x, d, s, r)
sums.CACHED = 1  # two chunks on each device
jax.clear_caches()
own = lambda *a: jax.lax.psum(value(*a), "e")
close(square(jax.shard_map(own, mesh=mesh, in_specs=specs, out_specs=P()))(w, x, d, s, r), expected)
spread = [jax.device_put(a, NamedSharding(mesh, P("e"))) for a in (d, s, r)]
close(jax.jit(value)(w, x, *spread), value(w, x, d, s, r))
print("same")
"""


def test_edges_on_several_devices() -> None:
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | flags
    )
    assert done.stdout == "same\n", done.stderr
