"""Networks of which users of other libraries asked why they lose a symmetry, rebuilt; sizes by arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from scipy.ndimage import rotate

import derive as dv
import kernels as kn
from tests.kernels.audit.parts import C4, P4, image, normal, solved, still

ONE, FIBRE = dv.trivial(C4), dv.regular(C4)


@cache
def kernel(into: Any, out: Any, size: int) -> np.ndarray:
    """Taps (size, size, C, D) that quarter turns tie, for odd and even sizes."""
    group, half = dv.wallpaper("p4"), sympy.Rational(1, 2)
    x, y = dv.Field(group, fibre=into), dv.Field(group, fibre=out, offset=0 if size % 2 else (half, half))
    op = kn.lower(dv.solve(x, y, dv.window(size), bias=False), on_broken="ignore")
    return np.asarray(op.kernel(op.init(jax.random.key(size))), np.float32)


def layer(into: Any, out: Any, size: int, strides: int = 1, pad: int = 0) -> Callable[[jax.Array], jax.Array]:
    taps = jnp.asarray(kernel(into, out, size))
    return lambda x: kn.conv(x, taps, strides=strides, padding=[(pad, pad), (pad, pad)])


def keeps(model: Callable[[jax.Array], jax.Array], n: int, out: Any = None) -> bool:
    found = kn.audit(model, image(n, batch=1), still(C4, n), out)
    assert (found.first is None) == found.passed, found
    return found.passed


def pooled(y: jax.Array) -> jax.Array:
    """Invariant features: the largest over a fibre, then the mean over the image."""
    return y.reshape(*y.shape[:-1], -1, 4).max(-1).mean((1, 2))


def wide_resnet(stages: int) -> Callable[[jax.Array], jax.Array]:
    """Two strides of two with a shortcut of one tap beside each. QUVA-Lab/e2cnn, issue 36."""
    stem = layer(ONE, FIBRE, 3, pad=1)
    downs = [(layer(FIBRE, FIBRE, 3, 2, 1), layer(FIBRE, FIBRE, 1, 2)) for _ in range(stages)]

    def model(x: jax.Array) -> jax.Array:
        y = jax.nn.relu(stem(x))
        for down, shortcut in downs:
            y = jax.nn.relu(down(y)) + shortcut(y)
        return pooled(y)

    return model


@pytest.mark.parametrize("n", [8, 9, 10, 11, 12, 13])
def test_a_resnet_with_two_strides_keeps_turns_at_sizes_one_more_than_multiples_of_four(n: int) -> None:
    assert keeps(wide_resnet(2), n, ONE) == (n % 4 == 1)


@pytest.mark.parametrize(
    ("size", "strides", "pad"), [(2, 2, 0), (2, 2, 1), (3, 2, 1), (3, 2, 0), (5, 2, 2), (3, 3, 1)]
)
@pytest.mark.parametrize("n", [8, 9])
def test_a_stride_keeps_turns_where_windows_fill_the_image(size: int, strides: int, pad: int, n: int) -> None:
    """The last window must end at the border: (n + 2 pad - size) % stride == 0.

    QUVA-Lab/escnn, issue 39.
    """
    stem, down = layer(ONE, FIBRE, 3, pad=1), layer(FIBRE, FIBRE, size, strides, pad)
    assert keeps(lambda x: down(jax.nn.relu(stem(x))), n) == ((n + 2 * pad - size) % strides == 0)


@pytest.mark.parametrize(("n", "kept"), [(16, False), (17, True)])
def test_a_stem_of_seven_taps_needs_an_odd_image(n: int, kept: bool) -> None:
    """Window 7, stride 2, padding 3, relu, mean: lost at 480 pixels, kept at 481.

    QUVA-Lab/escnn, issue 72.
    """
    stem = layer(ONE, FIBRE, 7, 2, 3)

    def model(x: jax.Array) -> jax.Array:
        return pooled(jax.nn.relu(stem(x)))

    assert keeps(model, n, ONE) == kept
    first = kn.audit(model, image(n, batch=1), still(C4, n), ONE).first
    assert first is None or "even size under a stride: 16 sites" in first.cause


@pytest.mark.parametrize("n", [13, 14, 16])
def test_group_convolutions_with_pooling_between(n: int) -> None:
    """Windows of three without padding, each followed by pooling of two. tscohen/GrouPy, issue 26."""
    first, second = layer(ONE, FIBRE, 3), layer(FIBRE, FIBRE, 3)

    def pool(y: jax.Array) -> jax.Array:
        return kn.max_pool(y, (2, 2), strides=2, padding="VALID")

    def model(x: jax.Array) -> jax.Array:
        y = pool(first(x))
        return pool(second(y))

    assert keeps(model, n) == (n % 2 == 0 and (n - 2) // 2 % 2 == 0)
    assert keeps(lambda x: second(first(x)), n)


@pytest.mark.parametrize(
    ("n", "padding", "kept"), [(4, "SAME", False), (4, "VALID", True), (5, "SAME", True)]
)
def test_same_padding_that_is_not_the_same_on_both_sides(n: int, padding: str, kept: bool) -> None:
    """A stride of two under SAME pads an even image at its end only. tscohen/GrouPy, issue 21."""
    taps = jnp.asarray(kernel(ONE, FIBRE, 3 if padding == "SAME" else 2))
    assert keeps(lambda x: kn.conv(x, taps, strides=2, padding=padding), n) == kept


def test_features_that_are_compared_without_turning_them() -> None:
    """Without its pooling a network returns fibres, which move; as scalars they are the last layer's fault.

    QUVA-Lab/e2cnn, issue 56.
    """
    stem, last = solved(P4, ONE, FIBRE), solved(P4, FIBRE, FIBRE)
    x, into = image(8), dv.Field(P4, grid=(8, 8), boundary="periodic")

    def model(x: jax.Array) -> jax.Array:
        return last(jax.nn.relu(stem(x)))

    scalars = dv.Field(P4, channels=4, grid=(8, 8), boundary="periodic")
    assert kn.audit(model, x, into).passed
    found = kn.audit(model, x, into, scalars)
    assert found.first is found.layers[-1]
    assert found.kept == ("t_u", "t_v")


def test_a_network_that_is_tested_while_it_drops() -> None:
    """An accuracy that turns change after training: the network was not switched to inference.

    QUVA-Lab/e2cnn, issue 11.
    """
    stem, last = layer(ONE, FIBRE, 3, pad=1), layer(FIBRE, FIBRE, 3, pad=1)

    def model(x: jax.Array, training: bool) -> jax.Array:
        y = jax.nn.relu(stem(x))
        keep = jax.random.bernoulli(jax.random.key(0), 0.7, y.shape) if training else jnp.ones(y.shape, bool)
        y = jnp.where(keep, y / 0.7, 0)
        return pooled(last(y))

    assert keeps(lambda x: model(x, False), 9, ONE)
    first = kn.audit(lambda x: model(x, True), image(9), still(C4, 9), ONE).first
    assert first is not None
    assert "jnp.where" in first.name
    assert "random numbers" in first.cause


def steerable_resnet(pool: str) -> Callable[[jax.Array], jax.Array]:
    """A stem with a stride, a pooling with a stride, a block with a stride, in irreducible channels."""
    fields = 2 * dv.irreps(C4)[-1] + ONE
    stem, down, last = (
        layer(ONE, fields, 7, 2, 3),
        layer(fields, fields, 3, 2, 1),
        layer(fields, ONE, 3, 1, 1),
    )

    def model(x: jax.Array) -> jax.Array:
        y = stem(x)
        if pool == "max":
            y = kn.max_pool(y, (3, 3), strides=2, padding=[(1, 1), (1, 1)])
        else:
            y = kn.avg_pool(y, (3, 3), strides=2, padding=[(1, 1), (1, 1)])
        z = down(y)
        return last(z).mean((1, 2))

    return model


@pytest.mark.parametrize(("n", "kept"), [(21, False), (25, True)])
def test_irreducible_channels_that_are_averaged_keep_turns_where_all_strides_fit(n: int, kept: bool) -> None:
    """A steerable ResNet: three strides fit 8 k + 1 pixels, not 8 k + 5. QUVA-Lab/e2cnn, issue 37."""
    assert keeps(steerable_resnet("mean"), n, ONE) == kept
    first = kn.audit(steerable_resnet("mean"), image(n, batch=1), still(C4, n), ONE).first
    assert first is None or "even size under a stride: 6 sites" in first.cause


def test_irreducible_channels_that_are_pooled_one_by_one_lose_turns() -> None:
    """The largest entry of a vector is no vector, at every size. QUVA-Lab/e2cnn, issue 37."""
    first = kn.audit(steerable_resnet("max"), image(25, batch=1), still(C4, 25), ONE).first
    assert first is not None
    assert "max_pool" in first.name
    assert "channels that mix or change sign" in first.cause


def test_eighths_of_a_turn_are_exact_for_points_and_not_for_pixels() -> None:
    """At the centre of an image a quarter turn is exact, an eighth is off by the interpolation.

    QUVA-Lab/e2cnn, issue 61.
    """
    C8 = dv.point_group("C8", dim=2)
    with pytest.raises(dv.DeriveError, match="must have integer entries to move a lattice"):
        dv.Field(dv.space_group(C8))
    E = dv.euclidean(2, point=C8)
    x, y = dv.Field(E, fibre=dv.trivial(E.point)), dv.Field(E, fibre=dv.regular(E.point))
    op = kn.lower(
        dv.solve(x, y, support=dv.ball("R"), max_degree=3), radial=kn.radial.gaussians(2, cutoff=2.0)
    )
    w = op.init(jax.random.key(0), neighbours=9)
    offsets = np.stack(np.meshgrid(*[np.arange(-1.0, 2)] * 2, indexing="ij"), -1)
    pixels = jnp.asarray(np.moveaxis(np.asarray(op.kernel(w, offsets)), -1, -2), jnp.float32)
    n = 9
    a = image(n, batch=1)
    quarter = E.point.subgroup(["r^2"])
    kept = kn.audit(
        lambda a: kn.conv(a, pixels),
        a,
        still(quarter, n),
        dv.Field(quarter, fibre=y.fibre.restrict(quarter), grid=(n, n)),
    )
    assert kept.passed, kept
    # the same filter on points: every eighth of a turn is exact, whatever points these are
    spots = np.random.default_rng(0).uniform(-1.5, 1.5, (12, 2))
    senders, receivers = (k.reshape(-1) for k in np.meshgrid(*[np.arange(12)] * 2))
    graph = (normal(12, 1), (spots[senders] - spots[receivers]).astype(np.float32), senders, receivers)
    assert [c.name for c in kn.check_equivariance(op, w, graph).comparisons] == list(E.point.generators)
    # and at the middle of turned pixels
    value = lambda a: np.asarray(kn.conv(a, pixels))[0, n // 2, n // 2]  # noqa: E731
    still_value = value(jnp.asarray(a))
    for eighths, exact in ((2, True), (1, False)):
        turned = rotate(a[0, ..., 0], -45 * eighths, reshape=False, order=1, mode="wrap")[None, ..., None]
        error = np.abs(np.sort(value(jnp.asarray(turned, jnp.float32))) - np.sort(still_value)).max()
        assert (error < 1e-4 * np.abs(still_value).max()) == exact
