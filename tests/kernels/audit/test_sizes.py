"""What an audit says at small sizes and at sizes beside the group: what it says at large ones, or that it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels.audit.parts import P4, T2, image, normal, symmetric

HALF = dv.wallpaper("p4", period=2)


# ---- sizes at which a turn is beside the centres of the group ----------------------------------------------


def strided(n: int) -> tuple[Any, Callable[[jax.Array], jax.Array]]:
    """A layer without and one with a stride, solved for the group that both lattices have."""
    x, fine = dv.Field(HALF), dv.Field(HALF, fibre=dv.regular(HALF.point))
    low = dv.Field(HALF, fibre=dv.regular(HALF.point), spacing=2)
    stem = kn.lower(dv.solve(dv.Field(P4), dv.Field(P4, fibre=dv.regular(P4.point)), dv.box(1)))
    down = kn.lower(dv.solve(fine, low, dv.box(1)), on_broken="ignore")
    v, w = stem.init(jax.random.key(0)), down.init(jax.random.key(1))

    def model(x: jax.Array) -> jax.Array:
        y = jax.nn.relu(stem(v, x))
        return down(w, y)

    return dv.Field(HALF, grid=(n, n), boundary="zero") if n % 2 else x, model


def test_a_turn_beside_the_group_s_centres_is_lost_where_the_stride_is() -> None:
    """At 8 x 8 no turn about the middle is in the group: the layer with the stride is the first to lose it."""
    _, model = strided(8)
    found = kn.audit(model, image(8), into=dv.Field(HALF))
    assert found.first is not None
    assert "down(w, y)" in found.first.name
    assert found.first.lost == ("r",)
    assert "even size under a stride: 8 sites, stride 2" in found.first.cause
    assert "7 or 9 sites" in found.first.remedy
    assert not found.passed
    assert "r" not in found.uncarried
    assert [layer.name for layer in found.layers if layer.lost] == [found.first.name]


@pytest.mark.parametrize("n", [7, 9])
def test_the_same_where_the_turn_is_in_the_group(n: int) -> None:
    _, model = strided(n)
    found = kn.audit(model, image(n), into=dv.Field(HALF))
    assert found.first is None, found
    assert "r" in found.kept


def test_a_stride_alone() -> None:
    """The model is one op, and there is nothing before it."""
    low = dv.Field(HALF, spacing=2)
    op = kn.lower(dv.solve(dv.Field(HALF), low, dv.box(1)), on_broken="ignore")
    w = op.init(jax.random.key(0))
    found = kn.audit(lambda x: op(w, x), image(8), into=dv.Field(HALF))
    assert found.first is not None
    assert found.first.lost == ("r",)
    assert kn.audit(lambda x: op(w, x), image(9), into=dv.Field(HALF)).first is None


def test_a_glide_is_no_turn_of_an_image() -> None:
    """p4g at an odd size: its mirrors glide, which no array that ends can follow; no layer is to blame."""
    G = dv.wallpaper("p4g")
    op = kn.lower(dv.solve(dv.Field(G), dv.Field(G), dv.box(1)))
    w = op.init(jax.random.key(0))
    found = kn.audit(lambda x: op(w, x), image(7), into=dv.Field(G))
    assert found.first is None, found
    assert "m" in found.uncarried
    assert "r" in found.kept


# ---- few sites ---------------------------------------------------------------------------------------------

ONES = np.ones((3, 3, 1, 1), np.float32)


def pool(y: jax.Array) -> jax.Array:
    return kn.avg_pool(y, (2, 2), strides=2, padding="VALID")


def largest(y: jax.Array) -> jax.Array:
    return kn.max_pool(y, (3, 3), strides=2, padding="SAME")


def small_models() -> dict[str, Callable[[jax.Array], jax.Array]]:
    tied, free = jnp.asarray(symmetric(3)), jnp.asarray(normal(3, 3, 1, 1))

    def pooled_then_summed(x: jax.Array) -> jax.Array:
        y = pool(x)
        return kn.conv(y, jnp.asarray(ONES))

    def summed_then_pooled(x: jax.Array) -> jax.Array:
        y = kn.conv(x, jnp.asarray(ONES))
        return pool(y)

    def pooled_twice(x: jax.Array) -> jax.Array:
        y = pool(x)
        return pool(y)

    def strided(x: jax.Array) -> jax.Array:
        y = kn.conv(x, tied, strides=2)
        return jax.nn.relu(y)

    def largest_then_free(x: jax.Array) -> jax.Array:
        y = largest(x)
        return kn.conv(y, free)

    def shifted(x: jax.Array) -> jax.Array:
        y = kn.conv(x, tied)
        return jnp.roll(y, 1, 1)[:, ::1]

    def placed(x: jax.Array) -> jax.Array:
        y = kn.conv(x, jnp.asarray(ONES))
        return y * (1 + jnp.arange(y.shape[1], dtype=y.dtype))[:, None, None]

    def global_then_spread(x: jax.Array) -> jax.Array:
        y = kn.conv(x, tied)
        return y - y.mean((1, 2), keepdims=True)

    return {f.__name__: f for f in (
        pooled_then_summed, summed_then_pooled, pooled_twice, strided, largest_then_free, placed,
    )}  # fmt: skip


MODELS = small_models()
FIELD = {"translations": dv.Field(T2), "p4": dv.Field(P4)}


def verdict(name: str, n: int, group: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    found = kn.audit(MODELS[name], image(n), into=FIELD[group])
    return {layer.name: (layer.kept, layer.lost) for layer in found.layers}, found


@pytest.mark.parametrize("group", FIELD)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n", range(3, 10))
def test_a_small_array_shows_what_a_large_one_shows_or_that_it_is_too_small(
    name: str, n: int, group: str
) -> None:
    large, _ = verdict(name, n + 12, group)  # of one parity with n under strides of two and of four
    small, found = verdict(name, n, group)
    said = str(found)
    for layer, (kept, lost) in small.items():
        open_ = "too few" in said
        wanted = large.get(layer)
        assert wanted is not None or open_, found
        if wanted is None:
            continue
        assert set(lost) <= set(wanted[1]) or "larger size" in said, found
        assert set(kept) <= set(wanted[0]) | set(), (found, wanted)
        if set(kept) != set(wanted[0]):
            assert open_ or "was not tested" in said, (found, wanted)


def test_a_shift_that_a_constant_kernel_hides() -> None:
    """Half of a shift by a pool's stride: at 4 x 4 outputs the sum over all of them does not show it."""
    found = kn.audit(MODELS["pooled_then_summed"], image(8), into=FIELD["translations"])
    assert found.first is not None
    assert "pool(x)" in found.first.name
    assert found.first.lost == ("t_u", "t_v")
    assert len(found.layers) == 2
