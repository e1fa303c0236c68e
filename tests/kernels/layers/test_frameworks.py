"""What a framework does with its own modules works with these: transformations, saving, other dtypes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx

import derive as dv
from tests.kernels.layers.cases import Case, on_lattice
from tests.kernels.layers.frameworks import BOTH, EQUINOX, FLAX, Framework, images, network

LAYERS = on_lattice(dv.wallpaper("p4"))
ONE_OF_EACH = list({case.name: case for case in LAYERS}.values())
ORDINARY = ("Conv", "ConvTranspose", "Linear", "BatchNorm", "NormActivation")
each_framework = pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
X = images()
KEPT = (nnx.Param, nnx.BatchStat)


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """Frameworks and optimisers are used as JAX is by default."""
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """One network for every framework."""
    with jax.enable_x64(False):
        return {name: network(f) for name, f in BOTH.items()}


# ---- every layer -------------------------------------------------------------------------------------------


@each_framework
@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_a_layer_takes_any_number_of_batch_axes(f: Framework, case: Case) -> None:
    layer = f.make(case.name, *case.args, **case.options)
    run = f.inferring(layer)
    x = case.array((2, 2))
    y = np.asarray(run(x))
    assert y.shape[:2] == (2, 2)
    assert y.shape[-1] == int(layer.out.fibre.dim)
    np.testing.assert_allclose(run(x[1, 0]), y[1, 0], atol=1e-5)
    np.testing.assert_allclose(run(jnp.asarray(x[1])), y[1], atol=1e-5)
    assert run(x[:0]).shape == (0, *y.shape[1:])
    assert run((10 * x).astype(np.int32)).dtype == np.float32


@each_framework
@pytest.mark.parametrize("case", [c for c in LAYERS if c.name in ORDINARY], ids=str)
def test_a_layer_in_ordinary_terms_is_the_same(f: Framework, case: Case) -> None:
    layer = f.make(case.name, *case.args, **case.options)
    x = case.array()
    y = np.asarray(f.inferring(layer)(x))
    found = layer.plain()
    np.testing.assert_allclose(found(jnp.asarray(x)), y, atol=2e-5, rtol=1e-4)
    if case.name in ("Conv", "ConvTranspose"):
        parts = [type(part).__name__ for part in _parts(found)]
        assert {"Conv", "ConvTranspose"} & set(parts)
        assert case.name not in {type(part).__name__ for part in _parts(found) if hasattr(part, "spec")}


def _parts(module: Any) -> list[Any]:
    if isinstance(module, nnx.Module):
        return [part for _, part in nnx.iter_modules(module)]
    return [module, *(v for v in vars(module).values() if isinstance(v, eqx.Module))]


# ---- a network ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_a_network_turns_with_its_input(made: dict[str, Any], name: str) -> None:
    run = jax.jit(BOTH[name].inferring(made[name]))
    y = np.asarray(run(X))
    for moved in (np.rot90(X, 1, (1, 2)), np.flip(X, 1), np.flip(X, 2)):
        np.testing.assert_allclose(run(moved.copy()), y, atol=2e-5)


@pytest.mark.parametrize("name", BOTH)
def test_the_same_network_of_ordinary_layers(made: dict[str, Any], name: str) -> None:
    model = made[name]
    y = BOTH[name].inferring(model)(X)
    np.testing.assert_allclose(model.plain()(jnp.asarray(X)), y, atol=2e-5)


@pytest.mark.parametrize("name", BOTH)
def test_restricted_to_a_subgroup_it_is_the_same_function(made: dict[str, Any], name: str) -> None:
    f, model = BOTH[name], made[name]
    y = f.inferring(model)(X)
    smaller = f.layers.Restrict(model, ["r^2"])
    assert smaller.into.fibre.group.order == 2
    assert smaller.layers[0].spec.op.dim > 3 * model.layers[0].spec.op.dim
    np.testing.assert_allclose(f.inferring(smaller)(X), y, atol=2e-5)


def test_equinox_transformations(made: dict[str, Any]) -> None:
    model, state = eqx.nn.make_with_state(lambda: made["equinox"])()
    key = jax.random.key(7)

    def loss(model: Any, x: Any) -> Any:
        y, _ = model(x, jax.tree.map(lambda leaf: leaf, state), key=key)
        return jnp.mean(y * y)

    value, grads = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model, X)
    leaves = jax.tree.leaves(eqx.filter(grads, eqx.is_inexact_array))
    assert all(bool(jnp.isfinite(g).all()) for g in leaves)
    assert len(leaves) > 10
    again = eqx.filter_grad(lambda m, x: eqx.filter_checkpoint(loss)(m, x))(model, X)
    for a, b in zip(leaves, jax.tree.leaves(eqx.filter(again, eqx.is_inexact_array)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    calm = eqx.nn.inference_mode(model)
    mapped = eqx.filter_vmap(lambda x: calm(x, state)[0])(X)
    np.testing.assert_allclose(mapped, calm(X, state)[0], atol=2e-5)
    assert float(value) > 0


def test_equinox_saves_and_loads(made: dict[str, Any]) -> None:
    model, file = made["equinox"], io.BytesIO()
    eqx.tree_serialise_leaves(file, model)
    file.seek(0)
    other = network(EQUINOX)
    other = jax.tree.map(lambda a: a * 0 if eqx.is_inexact_array(a) else a, other)
    loaded = eqx.tree_deserialise_leaves(file, other)
    np.testing.assert_array_equal(EQUINOX.inferring(loaded)(X), EQUINOX.inferring(model)(X))


def test_an_ensemble_is_made_by_vmap() -> None:
    make = eqx.filter_vmap(
        lambda key: EQUINOX.layers.Conv(dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), key=key)
    )
    many = make(jax.random.split(jax.random.key(0), 3))
    assert many.weight[0].shape[0] == 3
    y = eqx.filter_vmap(lambda m, x: m(x), in_axes=(eqx.if_array(0), None))(many, X)
    assert y.shape == (3, 2, 9, 9, 8)

    @nnx.vmap
    def make_nnx(key: Any) -> Any:
        return FLAX.layers.Conv(dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), rngs=nnx.Rngs(key))

    several = make_nnx(jax.random.split(jax.random.key(0), 3))
    y = nnx.vmap(lambda m, x: m(x), in_axes=(0, None))(several, jnp.asarray(X))
    assert y.shape == (3, 2, 9, 9, 8)


_REGULAR = 2 * dv.regular(dv.wallpaper("p4").point)


def test_flax_transformations(made: dict[str, Any]) -> None:
    model = nnx.clone(made["flax"])
    model.train()
    before = np.asarray(model.layers[1].mean[...])

    def loss(model: Any, x: Any) -> Any:
        return jnp.mean(model(x) ** 2)

    value, grads = nnx.jit(nnx.value_and_grad(loss))(model, jnp.asarray(X))
    leaves = jax.tree.leaves(grads)
    assert all(bool(jnp.isfinite(g).all()) for g in leaves)
    assert len(leaves) > 10
    assert float(value) > 0
    assert np.abs(np.asarray(model.layers[1].mean[...]) - before).max() > 0
    model.eval()
    after = nnx.grad(nnx.remat(loss))(model, jnp.asarray(X))
    direct = nnx.grad(loss)(model, jnp.asarray(X))
    for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(direct), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    mapped = nnx.vmap(lambda m, x: m(x), in_axes=(None, 0))(model, jnp.asarray(X))
    np.testing.assert_allclose(mapped, model(X), atol=2e-5)


def test_flax_saves_and_loads_with_orbax(made: dict[str, Any], tmp_path: Path) -> None:
    model = made["flax"]
    pure = nnx.to_pure_dict(nnx.state(model, KEPT))
    with ocp.StandardCheckpointer() as keeper:
        keeper.save(tmp_path / "state", pure)
    other = network(FLAX)
    state = nnx.state(other, KEPT)
    zeros = jax.tree.map(jnp.zeros_like, nnx.to_pure_dict(state))
    with ocp.StandardCheckpointer() as keeper:
        loaded = keeper.restore(tmp_path / "state", zeros)
    nnx.replace_by_pure_dict(state, loaded)
    nnx.update(other, state)
    np.testing.assert_array_equal(FLAX.inferring(other)(X), FLAX.inferring(model)(X))


@pytest.mark.parametrize("name", BOTH)
def test_a_whole_network_is_exported(made: dict[str, Any], name: str) -> None:
    run = jax.jit(BOTH[name].inferring(made[name]))
    exported = jax.export.export(run)(jax.ShapeDtypeStruct(X.shape, X.dtype))
    again = jax.export.deserialize(exported.serialize())
    np.testing.assert_allclose(again.call(X), run(X), atol=1e-6)


@each_framework
def test_half_precision(f: Framework) -> None:
    exact = f.inferring(network(f))(X)
    layer = f.make("Conv", dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), dtype=jnp.bfloat16)
    assert all(leaf.dtype == jnp.float32 for leaf in layer.params["weight"])
    assert layer(X).dtype == jnp.bfloat16
    with jax.numpy_dtype_promotion("standard"):
        short = f.inferring(network(f, dtype=jnp.bfloat16))(X)
    assert float(jnp.abs(short.astype(jnp.float32) - exact).max()) < 0.1 * float(jnp.abs(exact).max())
    half = f.make("Conv", dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), param_dtype=jnp.bfloat16)
    assert all(leaf.dtype == jnp.bfloat16 for leaf in half.params["weight"])


# ---- what trains -------------------------------------------------------------------------------------------


def test_a_network_trains(made: dict[str, Any]) -> None:
    """Both frameworks, the same loss of the same small problem."""
    target = jnp.asarray(np.random.default_rng(3).normal(size=(8, 3)), jnp.float32)
    x = images((8,), seed=4)
    model, state = eqx.nn.make_with_state(lambda: network(EQUINOX))()
    model = eqx.nn.inference_mode(model)
    tune = optax.adam(3e-2)
    opt = tune.init(eqx.filter(model, eqx.is_inexact_array))

    @eqx.filter_jit
    def step(model: Any, opt: Any) -> Any:
        value, grads = eqx.filter_value_and_grad(lambda m: jnp.mean((m(x, state)[0] - target) ** 2))(model)
        updates, opt = tune.update(grads, opt)
        return eqx.apply_updates(model, updates), opt, value

    losses = []
    for _ in range(25):
        model, opt, value = step(model, opt)
        losses.append(float(value))
    assert losses[-1] < 0.5 * losses[0]
    y = model(x, state)[0]
    np.testing.assert_allclose(model(np.rot90(x, 1, (1, 2)).copy(), state)[0], y, atol=5e-5)
