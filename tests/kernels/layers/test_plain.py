"""Every layer in ordinary terms is the same function, also where weights differ from site to site."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import derive as dv
import kernels as kn
from tests.kernels.layers.cases import Case, filled, on_lattice
from tests.kernels.layers.frameworks import BOTH, EQUINOX, FLAX, Framework

P4, P4G, PG, D4 = dv.wallpaper("p4"), dv.wallpaper("p4g"), dv.wallpaper("pg"), dv.point_group("D4")
WIDE = dv.wallpaper("p4g", period=4)  # glides by two sites, which a stride of two keeps
CHECKED = dv.wallpaper("p4", period=2)  # weights may differ between the sites of a chessboard's four squares
MIDDLE = dv.Field(D4, grid=5, fibre=dv.regular(D4))  # no translations: every site has weights of its own
COLUMN = dv.space_group(dv.point_group("D1", dim=1))


def closed(G: Any, *sizes: int) -> Any:
    return dv.Field(G, fibre=dv.regular(G.point), grid=sizes, boundary="periodic")


def regular(G: Any) -> Any:
    return dv.regular(getattr(G, "point", G))


BLOCKS = [
    *(Case("Conv", (f, regular(f.group), dv.box(1)))
      for f in (closed(P4G, 6, 6), closed(PG, 4, 6), closed(CHECKED, 4, 4))),
    Case("Conv", (closed(WIDE, 8, 8), regular(WIDE), dv.window(3)), {"strides": 2}),
    Case("ConvTranspose", (closed(P4G, 4, 4), regular(P4G), dv.window(3))),
    *(Case("Conv", (dv.Field(G, channels=2), 2 * dv.trivial(G.point), dv.box(1)), {"on_broken": "ignore"}, 6)
      for G in (P4G, PG, CHECKED)),
    Case("Conv", (dv.Field(CHECKED), regular(CHECKED), dv.box(2)), {"strides": 2, "on_broken": "ignore"}, 7),
    Case("Conv", (dv.Field(CHECKED), regular(CHECKED), dv.window(3)), {"padding": "CIRCULAR"}, 6),
    Case("ConvTranspose", (dv.Field(CHECKED), regular(CHECKED), dv.window(3)), {"on_broken": "ignore"}, 5),
    Case("Conv", (MIDDLE, regular(MIDDLE.group), dv.box(4))),
    Case("Conv", (MIDDLE, dv.trivial(D4) + dv.defining(D4), dv.window(3)), {"strides": 2}),
    Case("ConvTranspose", (MIDDLE, regular(MIDDLE.group), dv.window(3))),
    Case("Conv", (dv.Field(COLUMN, grid=7, boundary="zero"), 2 * dv.trivial(COLUMN.point), dv.box(1))),
]  # fmt: skip
STATEFUL = ("BatchNorm",)  # whose statistics are tested beside it
EVERY = [case for name, case in {c.name: c for c in on_lattice(P4)}.items() if name not in STATEFUL]


def same(f: Framework, case: Case) -> Any:
    """A layer with biases and its plain form, compared at two sizes where it takes any."""
    layer = with_numbers(f.make(case.name, *case.args, **case.options))
    found = layer.plain()
    run, plain = jax.jit(f.inferring(layer)), jax.jit(lambda x: found(x))
    known = layer.into.lattice is None or None not in layer.into.lattice.grid
    for size in (
        (case.size,) if known else (case.size, case.size + (1 if case in BLOCKS and not closes(case) else 2))
    ):
        x = dataclasses.replace(case, size=size).array()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", kn.SymmetryWarning)
            y = np.asarray(run(x))
        np.testing.assert_allclose(plain(x), y, atol=3e-5, rtol=1e-4)
    return found


def closes(case: Case) -> bool:
    """Whether an array closes to a ring, which takes whole periods."""
    return case.options.get("padding") == "CIRCULAR"


def with_numbers(layer: Any) -> Any:
    """Random numbers in the place of all parameters."""
    if isinstance(layer, nnx.Module):
        nnx.update(layer, filled(nnx.state(layer, nnx.Param)))
        return layer
    arrays, rest = eqx.partition(layer, eqx.is_inexact_array)
    return eqx.combine(filled(arrays), rest)


@pytest.mark.parametrize("case", BLOCKS, ids=str)
def test_weights_that_differ_from_site_to_site(case: Case) -> None:
    found = same(EQUINOX, case)
    held = [type(v).__module__.split(".")[0] for v in jax.tree.leaves(found, is_leaf=_is_conv) if _is_conv(v)]
    dense = case.args[0] is MIDDLE and case.name == "Conv" and case.args[2] == dv.box(4)
    assert held == ([] if dense else held)
    assert not any(hasattr(part, "spec") for part in jax.tree.leaves(found, is_leaf=lambda v: v is not found))


def _is_conv(value: Any) -> bool:
    return isinstance(value, eqx.nn.Conv | eqx.nn.ConvTranspose)


@pytest.mark.parametrize("case", [BLOCKS[0], BLOCKS[3], BLOCKS[9], BLOCKS[11]], ids=str)
def test_the_same_in_flax(case: Case) -> None:
    same(FLAX, case)


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_every_layer(case: Case) -> None:
    same(EQUINOX, case)


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_a_network_on_a_torus_with_glides(f: Framework) -> None:
    """Steps, glides and a restriction: the whole of it in convolutions."""
    x = dv.Field(WIDE, grid=8, boundary="periodic")
    conv = f.make("Conv", x, regular(WIDE), dv.window(3), seed=1)
    down = f.make("Conv", conv.out, regular(WIDE), dv.window(3), strides=2, seed=2)
    pooled = f.make("GroupPool", down.out, "mean")
    last = f.make("AvgPool", pooled.out)
    dense = f.make("Linear", last.out, 3 * dv.trivial(WIDE.point), seed=3)
    model = f.layers.Sequential(conv, jax.nn.relu, down, jax.nn.relu, pooled, last, dense)
    a = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
    y = np.asarray(f.inferring(model)(a))
    np.testing.assert_allclose(model.plain()(a), y, atol=2e-5)
    smaller = f.layers.Restrict(model, ["r"])
    np.testing.assert_allclose(smaller.plain()(a), y, atol=2e-5)


def test_sizes_that_a_plain_layer_does_not_take() -> None:
    layer = EQUINOX.make("Conv", closed(P4G, 6, 6), regular(P4G), dv.box(1))
    with pytest.raises(kn.ShapeError, match="x must have 6 sites along u, got 4"):
        layer.plain()(jnp.ones((4, 4, 8)))
