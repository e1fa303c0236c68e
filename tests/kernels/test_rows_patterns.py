"""Rows of the convolution's story about pictures: patterns that move, limits of invariance, pooling."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_sample_image

import derive as dv
import kernels as kn

BLOCK = (2, 2)


def shift(x, s, axes=(0, 1)):
    return jnp.roll(x, s, axes)


# ---- row 13: the response moves with the pattern ----------------------------------------------------------


def grey(name: str = "china.jpg") -> jax.Array:
    return jnp.asarray(load_sample_image(name)[::2, ::2].mean(axis=-1, keepdims=True) / 255, jnp.float64)


def score(x: jax.Array, patch: jax.Array) -> jax.Array:
    """Cosine of the patch with every window, in [0, 1] for pictures without negative numbers; a torus."""
    conv = partial(kn.conv, padding="CIRCULAR")
    dots = conv(x, patch[..., None])
    energy = conv(x**2, jnp.ones_like(patch)[..., None])
    return dots / jnp.sqrt(energy * jnp.sum(patch**2))


def peak(response: jax.Array) -> tuple[int, ...]:
    return tuple(int(n) for n in np.unravel_index(np.argmax(response), response.shape[:2]))


def test_row_13_normalised_score_finds_the_patch() -> None:
    """Raw correlation peaks where the picture is merely bright; the normalised score, where the patch is."""
    x, (u, v), k = grey(), (120, 60), 9
    patch = x[u - 4 : u + 5, v - 4 : v + 5]
    assert patch.shape == (k, k, 1)
    raw = kn.conv(x, patch[..., None], padding="CIRCULAR")
    normal = score(x, patch)
    assert peak(normal) == (u, v)
    assert float(normal.max()) == pytest.approx(1, abs=1e-12)
    assert float(normal.min()) >= 0
    assert peak(raw) != (u, v)
    bright = peak(raw)
    window = shift(x, (4 - bright[0], 4 - bright[1]))[:k, :k]
    assert window.mean() > patch.mean()


@pytest.mark.parametrize("s", [(1, 0), (-30, 45), (200, 310)])
def test_row_13_response_moves_with_the_picture(s: tuple[int, int]) -> None:
    x = grey()
    patch = x[116:125, 56:65]
    moved = score(shift(x, s), patch)
    np.testing.assert_allclose(moved, shift(score(x, patch), s), rtol=0, atol=1e-12)
    assert peak(moved) == ((120 + s[0]) % x.shape[0], (60 + s[1]) % x.shape[1])


# ---- row 14: the limits of invariance ---------------------------------------------------------------------


def circular(x, kernel):
    return kn.conv(x, kernel, padding="CIRCULAR")


def turn(x):
    """A quarter turn of a square torus about its site (0, 0)."""
    return jnp.roll(jnp.rot90(x, axes=(0, 1)), 1, axis=0)


def turned(kernel):
    return jnp.rot90(kernel, axes=(0, 1))


def test_row_14_rotation_asks_for_a_symmetric_kernel(rng) -> None:
    """conv(turn x, turn K) = turn conv(x, K): it commutes iff turn K = K, and a generic K does not."""
    x, kernel = rng.normal(size=(7, 7, 1)), rng.normal(size=(3, 3, 1, 1))
    np.testing.assert_allclose(circular(turn(x), turned(kernel)), turn(circular(x, kernel)), atol=1e-12)
    fixed = sum(jnp.rot90(kernel, n, axes=(0, 1)) for n in range(4))
    np.testing.assert_allclose(circular(turn(x), fixed), turn(circular(x, fixed)), atol=1e-12)
    assert not np.allclose(circular(turn(x), kernel), turn(circular(x, kernel)), atol=1e-3)


def test_row_14_scale_is_no_symmetry(rng) -> None:
    """Keeping every second pixel does not commute with any kernel but a single tap."""
    x, kernel = rng.normal(size=(8, 8, 1)), rng.normal(size=(3, 3, 1, 1))
    assert not np.allclose(circular(x[::2, ::2], kernel), circular(x, kernel)[::2, ::2], atol=1e-3)
    single = np.zeros((3, 3, 1, 1))
    single[1, 1] = 2.5
    np.testing.assert_allclose(circular(x[::2, ::2], single), circular(x, single)[::2, ::2], rtol=1e-12)


def lowered(**options):
    G = dv.translations(2)
    x, y = dv.Field(G, channels=2), dv.Field(G, channels=3)
    return kn.lower(dv.solve(x, y, dv.box(1)), padding="CIRCULAR", **options)


def test_row_14_gain_iff_no_bias(rng) -> None:
    """T(a x) = a T(x) for every a iff b = 0; b is what is left over, (1 - a) b."""
    op, x = lowered(), rng.normal(size=(5, 6, 2))
    w, b = rng.normal(size=op.weight_shape), rng.normal(size=op.bias_shape)
    for a in (0.0, -2.0, 3.5):
        np.testing.assert_allclose(op(w, a * x), a * op(w, x), atol=1e-12)
        left = op(w, a * x, b) - a * op(w, x, b)
        np.testing.assert_allclose(left, np.broadcast_to((1 - a) * b, left.shape), atol=1e-12)


def with_sum(rng, total: float):
    kernel = rng.normal(size=(3, 3, 1, 1))
    return jnp.asarray(kernel + (total - kernel.sum()) / 9)


@pytest.mark.parametrize(("total", "expected"), [(0.0, 0.0), (1.0, 0.7), (2.0, 1.4)])
def test_row_14_offset(total: float, expected: float, rng) -> None:
    """A constant 0.7 added to x adds 0.7 times the sum of the kernel to y: nothing for 0, the same for 1."""
    x, kernel = rng.normal(size=(6, 5, 1)), with_sum(rng, total)
    change = circular(x + 0.7, kernel) - circular(x, kernel)
    np.testing.assert_allclose(change, np.full(change.shape, expected), atol=1e-12)


def test_row_14_offset_at_a_zero_border(rng) -> None:
    """Zeros around the image: a kernel that sums to 0 sees a constant at the border alone."""
    x, kernel = rng.normal(size=(6, 5, 1)), with_sum(rng, 0.0)
    change = np.asarray(kn.conv(x + 0.7, kernel) - kn.conv(x, kernel))[..., 0]
    np.testing.assert_allclose(change[1:-1, 1:-1], 0, atol=1e-12)
    edge = np.ones(change.shape, bool)
    edge[1:-1, 1:-1] = False
    assert (np.abs(change[edge]) > 1e-3).all()


# ---- row 17: pooling --------------------------------------------------------------------------------------


def test_row_17_global_pooling_from_invariance(rng) -> None:
    """The output does not move: one weight, a multiple of the sum, the same for every shift of a torus."""
    G = dv.translations(2)
    solution = dv.solve(dv.Field(G, channels=1, grid=(4, 6), boundary="periodic"), dv.trivial(G.point))
    assert solution.dim == 1
    (element,) = solution.basis
    assert (element.dense() == 1).all()
    op, x = kn.lower(solution), rng.normal(size=(4, 6, 1))
    w = jnp.full(op.weight_shape, 1 / 24)
    np.testing.assert_allclose(op(w, x), [x.mean()], rtol=1e-12)
    np.testing.assert_allclose(op(w, shift(x, (3, 1))), op(w, x), rtol=1e-12)
    np.testing.assert_allclose(kn.avg_pool(x, (4, 6))[0, 0], op(w, x), rtol=1e-12)


def strided(block: int = 2):
    """The maps from an image to one site per block that commute with shifts by whole blocks."""
    G = dv.translations(2, block)
    centre = f"{block - 1}/2"
    x = dv.Field(G, channels=1, grid=(6, 6), boundary="periodic")
    y = dv.Field(
        G, channels=1, grid=(6 // block,) * 2, boundary="periodic", spacing=block, offset=(centre, centre)
    )
    return dv.solve(x, y, dv.window(block))


def test_row_17_stride_alone_leaves_four_weights() -> None:
    solution = strided()
    assert solution.dim == 4
    assert kn.lower(solution).dim == 4


def test_row_17_average_pooling_from_permutations_of_a_block(rng) -> None:
    """Asking as well that exchanging pixels of a block changes nothing leaves the mean, up to its scale."""
    solution = strided()
    columns = np.stack([element.dense().reshape(-1) for element in solution.basis], axis=1)
    exchanges = [_exchange((0, 0), (0, 1)), _exchange((0, 0), (1, 0)), _exchange((0, 0), (1, 1))]
    equations = [
        np.stack(
            [(element.dense().reshape(9, 36) @ (P - np.eye(36))).reshape(-1) for element in solution.basis], 1
        )
        for P in exchanges
    ]
    _, sizes, rows = np.linalg.svd(np.concatenate(equations))
    (free,) = rows[(sizes < 1e-10).nonzero()[0]]
    np.testing.assert_allclose(free, np.full(4, free[0]), atol=1e-12)
    x = rng.normal(size=(6, 6, 1))
    mean = (columns @ np.full(4, 0.25)).reshape(9, 36) @ x.reshape(-1)
    np.testing.assert_allclose(kn.avg_pool(x, BLOCK).reshape(-1), mean, rtol=1e-12)


def _exchange(a: tuple[int, int], b: tuple[int, int]) -> np.ndarray:
    """Exchange two pixels of the first block."""
    order = np.arange(36)
    i, j = 6 * a[0] + a[1], 6 * b[0] + b[1]
    order[[i, j]] = order[[j, i]]
    return np.eye(36)[order]


@pytest.mark.parametrize("op", [kn.avg_pool, kn.max_pool], ids=["avg", "max"])
def test_row_17_pools_commute_with_what_permutes_windows(op, rng) -> None:
    """Shifts by whole windows move the result; permuting pixels inside each leaves it."""
    x = jnp.asarray(rng.normal(size=(6, 6, 2)))
    y = op(x, BLOCK)
    np.testing.assert_array_equal(op(shift(x, (2, 4)), BLOCK), shift(y, (1, 2)))
    inside = x.reshape(3, 2, 3, 2, 2)[:, ::-1, :, ::-1].reshape(x.shape)
    np.testing.assert_allclose(op(inside, BLOCK), y, rtol=1e-12)
    odd = op(shift(x, (1, 0)), BLOCK)
    assert not any(np.allclose(odd, shift(y, (s, 0))) for s in range(3))


def test_row_17_max_pool_commutes_with_rising_functions(rng) -> None:
    """What the mean does not have: the maximum of f(x) is f of the maximum where f rises."""
    x = jnp.asarray(rng.normal(size=(6, 6, 1)))
    np.testing.assert_array_equal(kn.max_pool(jnp.exp(x), BLOCK), jnp.exp(kn.max_pool(x, BLOCK)))
    assert not np.allclose(kn.avg_pool(jnp.exp(x), BLOCK), jnp.exp(kn.avg_pool(x, BLOCK)))


def test_row_17_public_check_of_max_pool(rng) -> None:
    """check_equivariance takes any function f(x, w), linear or not."""
    x = jnp.asarray(rng.normal(size=(6, 6, 1)))
    whole = {"a window down": (partial(shift, s=(2, 0)), partial(shift, s=(1, 0)))}
    layer = lambda x, w: kn.max_pool(x, BLOCK)  # noqa: E731
    assert kn.check_equivariance(layer, jnp.zeros(()), x, whole).worst == 0
    half = {"half a window": (partial(shift, s=(1, 0)), lambda y: y)}
    with pytest.raises(kn.CheckError, match="half a window"):
        kn.check_equivariance(layer, jnp.zeros(()), x, half)
