"""The numerical rows of the convolution's story, with hand-made numbers; each name carries its row."""

from __future__ import annotations

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kernels as kn

W = (2.0, 3.0, 7.0)  # w1, w2, w3: no two alike, so that a flip shows
X = (1.0, 2.0, 4.0, 8.0, 16.0)


def line(values) -> jax.Array:
    return jnp.asarray(values, jnp.float64).reshape(-1, 1)


def taps(values) -> jax.Array:
    return jnp.asarray(values, jnp.float64).reshape(-1, 1, 1)


def image(values) -> jax.Array:
    return jnp.asarray(values, jnp.float64)[..., None]


def filter2(values) -> jax.Array:
    return jnp.asarray(values, jnp.float64)[..., None, None]


def test_row_11_flip_is_convolution_and_commutes(rng) -> None:
    """flip=True is NumPy's convolve, the default its correlate; only the former commutes."""
    f, g = rng.normal(size=5), rng.normal(size=3)
    full = partial(kn.conv, line(f), padding=2)
    np.testing.assert_allclose(full(taps(g), flip=True).ravel(), np.convolve(f, g), rtol=1e-12)
    np.testing.assert_allclose(full(taps(g)).ravel(), np.correlate(f, g, "full"), rtol=1e-12)
    g_f = kn.conv(line(g), taps(f), padding=4, flip=True)
    np.testing.assert_allclose(full(taps(g), flip=True), g_f, rtol=1e-12)
    assert not np.allclose(full(taps(g)), kn.conv(line(g), taps(f), padding=4))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_row_12_channels(channels: int, rng) -> None:
    """H[i,j,d] = sum V[a,b,c,d] X[i+a,j+b,c]: one output of 3x3 on 3 channels is 27 products."""
    x, v = rng.normal(size=(5, 6, channels)), rng.normal(size=(3, 3, channels, 2))
    h = np.zeros((3, 4, 2))
    for i, j, d in np.ndindex(h.shape):
        products = [v[a, b, c, d] * x[i + a, j + b, c] for a, b, c in np.ndindex(3, 3, channels)]
        assert len(products) == 9 * channels
        h[i, j, d] = sum(products)
    np.testing.assert_allclose(kn.conv(x, v, padding="VALID"), h, rtol=1e-12)
    matrix = kn.conv_matrix(jnp.asarray(v), (5, 6), padding="VALID")
    assert set(np.count_nonzero(matrix, axis=1)) == {9 * channels}


def test_row_12_layouts(rng) -> None:
    """OIHW, HWIO and IOHW name the same numbers; every conversion goes back."""
    oihw = rng.normal(size=(5, 4, 3, 2))
    hwio, iohw = kn.convert_layout(oihw, "OIHW", "HWIO"), kn.convert_layout(oihw, "OIHW", "IOHW")
    for o, i, h, w in np.ndindex(oihw.shape):
        assert oihw[o, i, h, w] == hwio[h, w, i, o] == iohw[i, o, h, w]
    arrays = {"OIHW": oihw, "HWIO": hwio, "IOHW": iohw}
    for source, target in itertools.product(arrays, arrays):
        np.testing.assert_array_equal(kn.convert_layout(arrays[source], source, target), arrays[target])
    dhwio = rng.normal(size=(2, 3, 4, 5, 6))
    assert kn.convert_layout(dhwio, "DHWIO", "OIDHW").shape == (6, 5, 2, 3, 4)


def test_row_12_per_tap_matrices(rng) -> None:
    """z[u,v] = sum_{a,b} W[a,b]^T x[u+a,v+b], and its block-banded matrix."""
    x, w = rng.normal(size=(4, 5, 3)), rng.normal(size=(2, 2, 3, 2))
    z = sum(x[a : a + 3, b : b + 4] @ w[a, b] for a in range(2) for b in range(2))
    np.testing.assert_allclose(kn.conv(x, w, padding="VALID"), z, rtol=1e-12)
    blocks = kn.conv_matrix(jnp.asarray(w), (4, 5), padding="VALID").reshape(3, 4, 2, 4, 5, 3)
    for u, v, p, q in np.ndindex(3, 4, 4, 5):
        a, b = p - u, q - v
        expected = w[a, b].T if 0 <= a < 2 and 0 <= b < 2 else np.zeros((2, 3))
        np.testing.assert_array_equal(blocks[u, v, :, p, q], expected)


@pytest.mark.parametrize(("h", "w", "kh", "kw"), [(5, 5, 3, 3), (7, 4, 2, 4), (6, 9, 1, 5)])
def test_row_15_valid(h: int, w: int, kh: int, kw: int) -> None:
    y = kn.conv(jnp.ones((h, w, 1)), jnp.ones((kh, kw, 1, 1)), padding="VALID")
    assert y.shape == (h - kh + 1, w - kw + 1, 1)
    assert (y == kh * kw).all()


@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 3)])
def test_row_16_same_keeps_the_size(k: int, d: int) -> None:
    """Odd k: d (k-1)/2 zeros on every side."""
    x, w = jnp.arange(17.0).reshape(17, 1), jnp.arange(1.0, k + 1).reshape(k, 1, 1)
    same = kn.conv(x, w, dilation=d)
    half = d * (k - 1) // 2
    assert same.shape == x.shape
    np.testing.assert_array_equal(same, kn.conv(x, w, dilation=d, padding=[(half, half)]))
    by_hand = jnp.pad(x, ((half, half), (0, 0)))
    np.testing.assert_array_equal(same, kn.conv(by_hand, w, dilation=d, padding="VALID"))


def test_row_16_border_terms() -> None:
    """3x3 SAME on 8x8: 28 outputs see zeros, with 4 terms at the corners and 6 along the edges."""
    terms = np.asarray(kn.conv(jnp.ones((8, 8, 1)), jnp.ones((3, 3, 1, 1)))[..., 0])
    assert (terms < 9).sum() == 28
    assert [terms[i, j] for i in (0, -1) for j in (0, -1)] == [4] * 4
    assert (terms == 6).sum() == 24
    assert (terms[1:-1, 1:-1] == 9).all()


def test_row_16_which_shifts_survive(rng) -> None:
    """SAME commutes with a shift away from the border and not at it; CIRCULAR commutes everywhere."""
    x, w = rng.normal(size=(8, 8, 1)), rng.normal(size=(3, 3, 1, 1))
    shift = partial(np.roll, shift=(1, 2), axis=(0, 1))
    same, moved = kn.conv(x, w), kn.conv(shift(x), w)
    np.testing.assert_array_equal(shift(same)[2:-1, 3:-1], moved[2:-1, 3:-1])
    assert not np.allclose(shift(same), moved)
    circular = partial(kn.conv, padding="CIRCULAR")
    np.testing.assert_array_equal(shift(circular(x, w)), circular(shift(x), w))


def test_row_18_stride(rng) -> None:
    """A stride keeps every second output, and commutes with shifts of the coarse lattice only."""
    x, w = rng.normal(size=(8, 1)), rng.normal(size=(3, 1, 1))
    strided, every = (partial(kn.conv, padding="CIRCULAR", strides=s) for s in (2, 1))
    np.testing.assert_array_equal(strided(x, w), every(x, w)[::2])
    np.testing.assert_array_equal(strided(np.roll(x, 2, 0), w), np.roll(strided(x, w), 1, 0))
    odd = strided(np.roll(x, 1, 0), w)
    assert not any(np.allclose(odd, np.roll(strided(x, w), s, 0)) for s in range(4))


def test_row_18_dilation() -> None:
    """A larger receptive field for the same parameters and the same products per output."""
    w = jnp.asarray(np.arange(1.0, 4.0)).reshape(3, 1, 1)
    for d in (1, 2, 4):
        matrix = np.asarray(kn.conv_matrix(w, 20, padding="VALID", dilation=d))
        assert set(np.count_nonzero(matrix, axis=1)) == {3}
        first = np.flatnonzero(matrix[0])
        assert first[-1] - first[0] + 1 == 2 * d + 1


def test_row_20_toeplitz_matrix() -> None:
    """z = W^ x and z = X^ w for three taps, five sites and zero padding, and the transposed matrix."""
    w1, w2, w3 = W
    x1, x2, x3, x4, x5 = X
    toeplitz = [
        [w2, w3, 0, 0, 0],
        [w1, w2, w3, 0, 0],
        [0, w1, w2, w3, 0],
        [0, 0, w1, w2, w3],
        [0, 0, 0, w1, w2],
    ]
    patches = [[0, x1, x2], [x1, x2, x3], [x2, x3, x4], [x3, x4, x5], [x4, x5, 0]]
    transposed = [
        [w2, w1, 0, 0, 0],
        [w3, w2, w1, 0, 0],
        [0, w3, w2, w1, 0],
        [0, 0, w3, w2, w1],
        [0, 0, 0, w3, w2],
    ]
    matrix = kn.conv_matrix(taps(W), (5,))
    np.testing.assert_array_equal(matrix, toeplitz)
    np.testing.assert_array_equal(kn.patch_matrix(line(X), (3,)), patches)
    np.testing.assert_array_equal(matrix.T, transposed)
    np.testing.assert_array_equal(matrix.T, kn.conv_matrix(taps(W), 5, flip=True))
    np.testing.assert_array_equal(matrix @ np.array(X), kn.conv(line(X), taps(W)).ravel())
    np.testing.assert_array_equal(np.array(patches) @ np.array(W), kn.conv(line(X), taps(W)).ravel())


def test_row_20_valid_and_more_dimensions(rng) -> None:
    w1, w2, w3 = W
    valid = [[w1, w2, w3, 0, 0], [0, w1, w2, w3, 0], [0, 0, w1, w2, w3]]
    np.testing.assert_array_equal(kn.conv_matrix(taps(W), 5, padding="VALID"), valid)
    for dim, padding in itertools.product((2, 3), ("SAME", "VALID")):
        x, w = rng.normal(size=(*(4, 3, 5)[:dim], 1)), rng.normal(size=(3,) * dim + (1, 1))
        y = kn.conv(x, w, padding=padding).reshape(-1)
        np.testing.assert_allclose(
            kn.conv_matrix(w, x.shape[:-1], padding=padding) @ x.reshape(-1), y, rtol=1e-10
        )
        np.testing.assert_allclose(
            kn.patch_matrix(x, (3,) * dim, padding=padding) @ w.reshape(-1), y, rtol=1e-10
        )


@pytest.mark.parametrize("flip", [False, True])
def test_row_21_input_adjoint(flip: bool, rng) -> None:
    """W^^T vbar is the cross-correlation with [w3 w2 w1]; if the forward pass flips, the adjoint does not."""
    vbar = rng.normal(size=(5, 1))
    conv = partial(kn.conv, flip=flip)
    back = W if flip else W[::-1]
    derived = kn.input_adjoint(vbar, taps(W), input_shape=(5, 1), flip=flip)
    np.testing.assert_allclose(derived, kn.conv(vbar, taps(back)), rtol=1e-12)
    np.testing.assert_allclose(derived, kn.conv(vbar, taps(W), flip=not flip), rtol=1e-12)
    matrix = np.asarray(kn.conv_matrix(taps(W), 5, flip=flip))
    np.testing.assert_allclose(derived.ravel(), matrix.T @ vbar.ravel(), rtol=1e-12)
    (vjp,) = jax.vjp(lambda x: conv(x, taps(W)), line(X))[1](jnp.asarray(vbar))
    grad = jax.grad(lambda x: jnp.vdot(vbar, conv(x, taps(W))))(line(X))
    np.testing.assert_allclose(vjp, derived, rtol=1e-12)
    np.testing.assert_allclose(grad, derived, rtol=1e-12)


@pytest.mark.parametrize("flip", [False, True])
def test_row_22_kernel_adjoint(flip: bool, rng) -> None:
    """X^^T vbar."""
    vbar = rng.normal(size=(5, 1))
    conv = partial(kn.conv, flip=flip)
    derived = kn.kernel_adjoint(line(X), vbar, kernel_shape=(3, 1, 1), flip=flip)
    x = np.array([0, *X, 0])
    by_hand = [sum(vbar[p, 0] * x[p + j] for p in range(5)) for j in range(3)]
    np.testing.assert_allclose(derived.ravel(), by_hand[::-1] if flip else by_hand, rtol=1e-12)
    patches = np.asarray(kn.patch_matrix(line(X), (3,), flip=flip))
    np.testing.assert_allclose(derived.ravel(), patches.T @ vbar.ravel(), rtol=1e-12)
    (vjp,) = jax.vjp(lambda w: conv(line(X), w), taps(W))[1](jnp.asarray(vbar))
    grad = jax.grad(lambda w: jnp.vdot(vbar, conv(line(X), w)))(taps(W))
    np.testing.assert_allclose(vjp, derived, rtol=1e-12)
    np.testing.assert_allclose(grad, derived, rtol=1e-12)


def test_row_26_two_by_two() -> None:
    x = image(np.arange(9).reshape(3, 3))
    y = kn.conv(x, filter2([[0, 1], [2, 3]]), padding="VALID")
    np.testing.assert_array_equal(y[..., 0], [[19, 25], [37, 43]])


def edges() -> jax.Array:
    x = np.ones((6, 8))
    x[:, 2:6] = 0
    return image(x)


def test_row_26_edges() -> None:
    """[1, -1] answers +1 where the image falls and -1 where it rises, and nothing on the transposed image."""
    y = np.asarray(kn.conv(edges(), filter2([[1, -1]]), padding="VALID")[..., 0])
    expected = np.zeros((6, 7))
    expected[:, 1], expected[:, 5] = 1, -1
    np.testing.assert_array_equal(y, expected)
    turned = kn.conv(edges().transpose(1, 0, 2), filter2([[1, -1]]), padding="VALID")
    assert not turned.any()


def test_row_26_learning_the_kernel() -> None:
    """Ten steps of gradient descent at rate 3e-2 find [1, -1] from the picture and its edges."""
    x = edges()
    target = kn.conv(x, filter2([[1, -1]]), padding="VALID")

    def loss(kernel):
        return jnp.sum((kn.conv(x, kernel, padding="VALID") - target) ** 2)

    step = jax.jit(lambda kernel: kernel - 3e-2 * jax.grad(loss)(kernel))
    kernel = filter2([[0.3, 0.1]])
    losses = [float(loss(kernel))]
    for _ in range(10):
        kernel = step(kernel)
        losses.append(float(loss(kernel)))
    assert all(b < a for a, b in itertools.pairwise(losses))
    assert losses[-1] < 0.05 * losses[0]
    np.testing.assert_allclose(kernel.ravel(), [1, -1], atol=0.15)
