"""Several devices on one host: gradients under `jax.shard_map` equal one device's."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import jax, jax.numpy as jnp, numpy as np
from functools import partial
from jax.sharding import AxisType, PartitionSpec as P
import kernels as kn

mesh = jax.make_mesh((4,), ("b",), axis_types=(AxisType.Auto,))
rng = np.random.default_rng(0)
x, k = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in ((8, 5, 6, 2), (3, 3, 1, 4)))
conv = partial(kn.conv, padding="CIRCULAR", groups=2)
one = lambda k, x: jnp.sum(jnp.sin(conv(x, k)))
shared = partial(jax.shard_map, mesh=mesh, out_specs=P())
whole = shared(lambda k, x: jax.lax.psum(one(k, x), "b"), in_specs=(P(), P("b")))
close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
for got, expected in zip(jax.jit(jax.grad(whole, (0, 1)))(k, x), jax.grad(one, (0, 1))(k, x), strict=True):
    close(got, expected)
ks = jnp.asarray(rng.normal(size=(4, *k.shape)), jnp.float32)
each = shared(lambda k, x: jax.lax.psum(one(k[0], x), "b"), in_specs=(P("b"), P()))
close(jax.jit(jax.grad(each, 1))(ks, x), sum(jax.grad(one, 1)(k, x) for k in ks))
print("same")
"""


def test_replicated_kernel_and_replicated_image() -> None:
    """A sharded batch with one kernel, one image with a kernel per device: the adjoints sum over devices."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | flags
    )
    assert done.stdout == "same\n", done.stderr
