"""Audits at small sizes and at sizes beside the group: right, or they say that there are too few sites."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import derive as dv
import kernels as kn
from tests.kernels.audit.parts import P4, T2, image, normal, symmetric

HALF = dv.wallpaper("p4", period=2)


# ---- sizes at which a turn is beside the centres of the group ----------------------------------------------


def strided() -> Callable[[jax.Array], jax.Array]:
    """A layer without and one with a stride, solved for the group that both lattices have."""
    fine = dv.Field(HALF, fibre=dv.regular(HALF.point))
    low = dv.Field(HALF, fibre=dv.regular(HALF.point), spacing=2)
    stem = kn.lower(dv.solve(dv.Field(P4), dv.Field(P4, fibre=dv.regular(P4.point)), dv.box(1)))
    down = kn.lower(dv.solve(fine, low, dv.box(1)), on_broken="ignore")
    v, w = stem.init(jax.random.key(0)), down.init(jax.random.key(1))

    def model(x: jax.Array) -> jax.Array:
        y = jax.nn.relu(stem(v, x))
        return down(w, y)

    return model


def test_a_turn_beside_the_group_s_centres_is_lost_where_the_stride_is() -> None:
    """At 8 x 8 no turn about the middle is in the group: the layer with the stride is the first."""
    found = kn.audit(strided(), image(8), into=dv.Field(HALF))
    assert found.first is not None
    assert found.first.name == "down"
    assert found.first.lost == ("r",)
    assert "even size under a stride: 8 sites, stride 2" in found.first.cause
    assert "7 or 9 sites" in found.first.remedy
    assert not found.passed
    assert "r" not in found.uncarried
    assert [layer.name for layer in found.layers if layer.lost] == [found.first.name]


@pytest.mark.parametrize("n", [7, 9])
def test_the_same_where_the_turn_is_in_the_group(n: int) -> None:
    found = kn.audit(strided(), image(n), into=dv.Field(HALF))
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
    op = kn.lower(dv.solve(dv.Field(G), dv.Field(G), dv.box(1)), on_broken="ignore")
    w = op.init(jax.random.key(0))
    found = kn.audit(lambda x: op(w, x), image(7), into=dv.Field(G))
    assert found.first is None, found
    assert "m" in found.uncarried
    assert "r" in found.kept


# ---- few sites ---------------------------------------------------------------------------------------------

ONES = jnp.ones((3, 3, 1, 1), jnp.float32)
TIED, FREE = jnp.asarray(symmetric(3)), jnp.asarray(normal(3, 3, 1, 1))
FIELD = dv.Field(P4)


def pool(y: jax.Array) -> jax.Array:
    return kn.avg_pool(y, (2, 2), strides=2, padding="VALID")


def pooled_then_summed(x: jax.Array) -> jax.Array:
    y = pool(x)
    return kn.conv(y, ONES)


def summed_then_pooled(x: jax.Array) -> jax.Array:
    y = kn.conv(x, ONES)
    return pool(y)


def pooled_twice(x: jax.Array) -> jax.Array:
    y = pool(x)
    return pool(y)


def strided_then_cut(x: jax.Array) -> jax.Array:
    y = kn.conv(x, TIED, strides=2)
    return jax.nn.relu(y)


def largest_then_free(x: jax.Array) -> jax.Array:
    y = kn.max_pool(x, (3, 3), strides=2, padding="SAME")
    return kn.conv(y, FREE)


def summed_then_placed(x: jax.Array) -> jax.Array:
    y = kn.conv(x, ONES)
    return y * (1 + jnp.arange(y.shape[1], dtype=y.dtype))[:, None, None]


SMALL = (
    pooled_then_summed, summed_then_pooled, pooled_twice,
    strided_then_cut, largest_then_free, summed_then_placed,
)  # fmt: skip


def audited(model: Callable[[jax.Array], jax.Array], n: int) -> tuple[dict[str, Any], str]:
    """What every layer keeps and loses, and all that is said."""
    found = kn.audit(model, image(n), into=FIELD)
    return {layer.name: (set(layer.kept), set(layer.lost)) for layer in found.layers}, str(found)


@cache
def at_a_large_size(model: Callable[[jax.Array], jax.Array], n: int) -> dict[str, Any]:
    return audited(model, 16 + n % 4)[0]  # of the same phase under two strides of two


SIZES = [(f, n) for f in SMALL for n in range(3, 10) if f is not pooled_twice or n not in (4, 5)]


@pytest.mark.parametrize(("model", "n"), SIZES, ids=lambda p: getattr(p, "__name__", str(p)))
def test_a_small_array_shows_what_a_large_one_shows_or_that_it_is_too_small(model: Any, n: int) -> None:
    """The same layers lose and keep the same; or it says that it cannot tell."""
    large, (small, said) = at_a_large_size(model, n), audited(model, n)
    text = " ".join(said.split())
    assert list(small) == list(large), said
    for layer, (kept, lost) in small.items():
        expected, gone = large[layer]
        if "too few" in text or "larger size" in text:
            assert not any(k in gone for k in kept), said
            continue
        assert kept == expected, said
        assert lost == gone, said


@pytest.mark.parametrize("n", [4, 5, 6, 8])
def test_a_shift_that_a_constant_kernel_hides(n: int) -> None:
    """Half of a pool's stride: the sum over all of a few outputs does not show it, and the pool is blamed."""
    found = kn.audit(pooled_then_summed, image(n), into=dv.Field(T2))
    assert found.first is not None
    assert "pool(x)" in found.first.name
    assert found.first.lost == ("t_u", "t_v")
    assert len(found.layers) == 2
    assert "multiples of 2 sites" in found.first.cause
    assert found.kept == (() if n < 6 else ("t_u^2", "t_v^2"))


def test_pools_that_leave_nothing_are_a_sum_over_the_image() -> None:
    """At 4 x 4 both together are its mean; at 5 x 5 they leave out an edge."""
    assert kn.audit(pooled_twice, image(4), into=FIELD).first is None
    first = kn.audit(pooled_twice, image(5), into=FIELD).first
    assert first is not None
    assert (first.lost, first.cause) == (("r",), "the border")


def test_what_too_few_sites_say() -> None:
    said = " ".join(str(kn.audit(pooled_then_summed, image(5), into=dv.Field(T2))).split())
    assert (
        "2 x 2 sites are too few to tell whether it keeps t_u^2, t_v^2: audit at 20 sites of x or more"
        in said
    )
    assert "of shifts of x, multiples of 2 sites land on its sites, which 5 sites are too few to show" in said
    lone = " ".join(str(kn.audit(pool, image(3), into=dv.Field(T2))).split())
    assert "one site, which is too few to tell. Remedy: audit it at a larger size, such as 24 sites" in lone
