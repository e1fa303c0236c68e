"""What a framework does with its own modules works with these: transformations, saving, other dtypes."""

from __future__ import annotations

import dataclasses
import io
import warnings
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
import kernels as kn
from tests.kernels.layers.cases import Case, on_lattice
from tests.kernels.layers.frameworks import BOTH, EQUINOX, FLAX, Framework, images, network

LAYERS = on_lattice(dv.wallpaper("p4"))
ONE_OF_EACH = list({case.name: case for case in LAYERS}.values())
_REGULAR = 2 * dv.regular(dv.wallpaper("p4").point)
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


@pytest.fixture(scope="module")
def ran(made: dict[str, Any]) -> dict[str, Any]:
    """Both networks as jitted functions, outside of training."""
    return {name: jax.jit(BOTH[name].inferring(model)) for name, model in made.items()}


# ---- every layer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "case"),
    [(EQUINOX, case) for case in ONE_OF_EACH]
    + [(FLAX, case) for case in ONE_OF_EACH if case.name in ("Conv", "BatchNorm", "Dropout", "Linear")],
    ids=str,
)
def test_a_layer_takes_any_number_of_batch_axes(f: Framework, case: Case) -> None:
    layer = f.make(case.name, *case.args, **case.options)
    run = jax.jit(f.inferring(layer))
    x = case.array((2, 2))
    y = np.asarray(run(x))
    assert y.shape[:2] == (2, 2)
    assert y.shape[-1] == int(layer.out.fibre.dim)
    np.testing.assert_allclose(run(x[1, 0]), y[1, 0], atol=1e-5)
    assert jax.eval_shape(run, x[:0]).shape == (0, *y.shape[1:])
    assert jax.eval_shape(run, x.astype(np.int32)).dtype == np.float32


TORUS = dv.Field(dv.wallpaper("p4"), fibre=dv.regular(dv.wallpaper("p4").point), grid=6, boundary="periodic")
LINE = dv.Field(dv.space_group(dv.point_group("D1", dim=1)), channels=2)
ORDINARY = [
    *(case for case in LAYERS if case.name in ("BatchNorm", "Linear", "NormActivation")),
    Case("Conv", (LAYERS[0].args[0], _REGULAR, dv.window(3)), {"strides": 2}, 7),
    Case("Conv", (TORUS, _REGULAR, dv.window(2)), {"strides": 2}),
    Case("Conv", (LINE, LINE, dv.window(5)), {"padding": "REFLECT", "strides": 2}, 7),
    Case("Conv", (LINE, LINE, dv.window(3)), {"padding": [(2, -1)], "dilation": 2, "on_broken": "ignore"}, 7),
    Case("ConvTranspose", (TORUS, _REGULAR, dv.window(4)), {}),
    Case("ConvTranspose", (LINE, LINE, dv.window(3)), {"strides": 3}, 4),
    Case("ConvTranspose", (LINE, LINE, dv.window(4)), {"padding": "VALID", "on_broken": "ignore"}, 4),
]


@each_framework
@pytest.mark.parametrize("case", ORDINARY, ids=str)
def test_a_layer_in_ordinary_terms_is_the_same(f: Framework, case: Case) -> None:
    layer = f.make(case.name, *case.args, **case.options)
    found = layer.plain()
    for size in (case.size, case.size + 1) if None in (layer.into.lattice.grid) else (case.size,):
        x = dataclasses.replace(case, size=size).array()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", kn.SymmetryWarning)
            y = np.asarray(jax.jit(f.inferring(layer))(x))
        np.testing.assert_allclose(jax.jit(lambda x: found(x))(x), y, atol=2e-5, rtol=1e-4)
    if case.name in ("Conv", "ConvTranspose"):
        held = {type(part).__module__.split(".")[0] for part in _parts(found)}
        assert {"equinox", "flax"} & held
        assert not any(hasattr(part, "spec") for part in _parts(found))


def _parts(module: Any) -> list[Any]:
    if isinstance(module, nnx.Module):
        return [part for _, part in nnx.iter_modules(module)]
    return [module, *(v for v in vars(module).values() if isinstance(v, eqx.Module))]


# ---- a network ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_a_network_turns_with_its_input(ran: dict[str, Any], name: str) -> None:
    y = np.asarray(ran[name](X))
    assert y.std() > 0.01
    for moved in (np.rot90(X, 1, (1, 2)), np.flip(X, 1), np.flip(X, 2)):
        np.testing.assert_allclose(ran[name](moved.copy()), y, atol=2e-5)


@pytest.mark.parametrize("name", BOTH)
def test_the_same_network_of_ordinary_layers(made: dict[str, Any], ran: dict[str, Any], name: str) -> None:
    plain = made[name].plain()
    np.testing.assert_allclose(jax.jit(lambda x: plain(x))(X), ran[name](X), atol=2e-5)


@pytest.mark.parametrize("name", BOTH)
def test_restricted_to_a_subgroup_it_is_the_same(
    made: dict[str, Any], ran: dict[str, Any], name: str
) -> None:
    f, model = BOTH[name], made[name]
    smaller = f.layers.Restrict(model, ["r^2"])
    assert smaller.into.fibre.group.order == 2
    assert smaller.layers[0].spec.op.dim > 3 * model.layers[0].spec.op.dim
    np.testing.assert_allclose(jax.jit(f.inferring(smaller))(X), ran[name](X), atol=2e-5)


def test_equinox_transformations(made: dict[str, Any], ran: dict[str, Any]) -> None:
    model, state = eqx.nn.make_with_state(lambda: made["equinox"])()
    key = jax.random.key(7)

    def loss(model: Any, x: Any) -> Any:
        y, _ = model(x, jax.tree.map(lambda leaf: leaf, state), key=key)
        return jnp.mean(y * y)

    value, grads = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model, X)
    leaves = jax.tree.leaves(eqx.filter(grads, eqx.is_inexact_array))
    assert all(bool(jnp.isfinite(g).all()) for g in leaves)
    assert len(leaves) > 10
    again = eqx.filter_jit(eqx.filter_grad(lambda m, x: eqx.filter_checkpoint(loss)(m, x)))(model, X)
    for a, b in zip(leaves, jax.tree.leaves(eqx.filter(again, eqx.is_inexact_array)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    calm = eqx.nn.inference_mode(model)
    mapped = eqx.filter_jit(eqx.filter_vmap(lambda x: calm(x, state)[0]))(X)
    np.testing.assert_allclose(mapped, ran["equinox"](X), atol=2e-5)
    assert float(value) > 0


def test_equinox_keeps_statistics_while_training() -> None:
    """As Flax does: the state moves with every call, and no more in inference."""
    field = dv.Field(dv.wallpaper("p4"), channels=2)
    norm, state = eqx.nn.make_with_state(EQUINOX.layers.BatchNorm)(field, momentum=0.5)
    x = np.random.default_rng(0).normal(3, 2, size=(8, 5, 5, 2)).astype(np.float32)
    y, state = norm(x, state)
    assert abs(float(y.mean())) < 1e-5
    kept = {name: np.asarray(value) for name, value in state.get(norm.index).items()}
    np.testing.assert_allclose(kept["mean"], 0.5 * x.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(kept["variance"], 0.5 + 0.5 * x.var((0, 1, 2)), rtol=1e-4)
    calm, after = eqx.nn.inference_mode(norm)(x, state)
    assert all((np.asarray(value) == kept[name]).all() for name, value in after.get(norm.index).items())
    assert float(calm.mean()) > 0.5
    np.testing.assert_allclose(norm.plain(after)(jnp.asarray(x)), calm, atol=1e-5)


def test_equinox_saves_and_loads(made: dict[str, Any]) -> None:
    model, file = made["equinox"], io.BytesIO()
    eqx.tree_serialise_leaves(file, model)
    file.seek(0)
    other = network(EQUINOX)
    other = jax.tree.map(lambda a: a * 0 if eqx.is_inexact_array(a) else a, other)
    loaded = eqx.tree_deserialise_leaves(file, other)
    saved, found = (jax.tree.leaves(eqx.filter(m, eqx.is_array)) for m in (model, loaded))
    assert all(bool((a == b).all()) for a, b in zip(saved, found, strict=True))


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
    after = nnx.jit(nnx.grad(nnx.remat(loss)))(model, jnp.asarray(X))
    direct = nnx.jit(nnx.grad(loss))(model, jnp.asarray(X))
    for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(direct), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    mapped = nnx.jit(nnx.vmap(lambda m, x: m(x), in_axes=(None, 0)))(model, jnp.asarray(X))
    np.testing.assert_allclose(mapped, nnx.jit(lambda m, x: m(x))(model, X), atol=2e-5)


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
    kept = (jax.tree.leaves(nnx.state(m, KEPT)) for m in (model, other))
    assert all(bool((a == b).all()) for a, b in zip(*kept, strict=True))


@pytest.mark.parametrize("name", BOTH)
def test_a_whole_network_is_exported(ran: dict[str, Any], name: str) -> None:
    run = ran[name]
    open_batch = jax.export.symbolic_shape("b, 9, 9, 1")
    exported = jax.export.export(run)(jax.ShapeDtypeStruct(open_batch, X.dtype))
    again = jax.export.deserialize(exported.serialize())
    assert again.out_avals[0].shape[1:] == (3,)
    np.testing.assert_allclose(again.call(X), run(X), atol=1e-6)


@each_framework
def test_half_precision(f: Framework, ran: dict[str, Any]) -> None:
    layer = f.make("Conv", dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), dtype=jnp.bfloat16)
    assert all(leaf.dtype == jnp.float32 for leaf in layer.params["weight"])
    assert layer(X).dtype == jnp.bfloat16
    if f is FLAX:
        exact, model = ran["flax"](X), f.inferring(network(f, dtype=jnp.bfloat16))
        short = jax.jit(model)(X).astype(jnp.float32)
        assert float(jnp.abs(short - exact).max()) < 0.1 * float(jnp.abs(exact).max())
    half = f.make("Conv", dv.Field(dv.wallpaper("p4")), _REGULAR, dv.window(3), param_dtype=jnp.bfloat16)
    assert all(leaf.dtype == jnp.bfloat16 for leaf in half.params["weight"])


# ---- what trains -------------------------------------------------------------------------------------------


def test_a_network_trains() -> None:
    """Adam makes the loss of a small problem small, and the symmetry stays."""
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
    run = eqx.filter_jit(lambda m, x: m(x, state)[0])
    np.testing.assert_allclose(run(model, np.rot90(x, 1, (1, 2)).copy()), run(model, x), atol=5e-5)
