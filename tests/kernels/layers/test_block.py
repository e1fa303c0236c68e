"""Fifteen lines to show a reader: an equivariant network trained inside an ordinary Equinox model."""

from __future__ import annotations

import contextlib
import io

import jax

BLOCK = """
import derive as dv, equinox as eqx, jax, jax.numpy as jnp, kernels.layers.equinox as kl
class Net(eqx.Module):                                   # an ordinary Equinox model
    body: kl.Sequential
    head: eqx.nn.Linear
    def __init__(self, key, G=dv.wallpaper("p4m")):
        conv = kl.Conv(dv.Field(G), 8 * dv.regular(G.point), dv.window(3), strides=2, key=key)
        pool = kl.GroupPool(conv.out)
        self.body = kl.Sequential(conv, jax.nn.relu, pool, kl.AvgPool(pool.out))
        self.head = eqx.nn.Linear(8, 1, key=key)
    def __call__(self, x):
        return jax.vmap(self.head)(self.body(x))[:, 0]
net, y = Net(jax.random.key(0)), jnp.arange(64) % 2      # which images have the stronger contrast?
x = jax.random.normal(jax.random.key(1), (64, 15, 15, 1)) * (1 + y)[:, None, None, None]
step = eqx.filter_jit(eqx.filter_grad(lambda net: jnp.mean((net(x) - y) ** 2)))
for _ in range(200): net = eqx.apply_updates(net, jax.tree.map(lambda g: -0.05 * g, step(net)))
"""

SHOWN = """
print((jnp.round(net(x)) == y).mean(), jnp.allclose(net(jnp.rot90(x, 1, (1, 2))), net(x), atol=1e-5))
"""


def test_the_block() -> None:
    assert len(BLOCK.strip().splitlines()) <= 15
    shown = io.StringIO()
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"), contextlib.redirect_stdout(shown):
        exec(compile(BLOCK + SHOWN, "block", "exec"), {"__name__": "block"})
    accuracy, turned = shown.getvalue().split()
    assert float(accuracy) > 0.95
    assert turned == "True"
