"""Radial functions: closed forms, smoothness at the cut-off and where a series takes over."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import spherical_jn

import kernels as kn


def ending(r: np.ndarray, c: float) -> np.ndarray:
    u = np.minimum(r / c, 1) ** 2
    return (1 - u) ** 3 * (1 + 3 * u + 6 * u**2)


R = np.array([1e-9, 1e-3, 0.3, 0.7, 1.0, 2.0, 4.9, 5.0, 7.0])


def test_bessel() -> None:
    wanted = np.stack(
        [np.sqrt(2 / 5) * k * np.pi / 5 * spherical_jn(0, k * np.pi * R / 5) for k in (1, 2, 3)], 1
    )
    found = kn.radial.bessel(3, cutoff=5)(R[:, None])
    np.testing.assert_allclose(found, wanted * ending(R, 5)[:, None], atol=1e-14)


def test_gaussians() -> None:
    s, centres = 5 / 4, 5 / 4 * np.arange(4)
    both = np.exp(-((R[:, None] - centres) ** 2) / (2 * s**2)) + np.exp(
        -((R[:, None] + centres) ** 2) / (2 * s**2)
    )
    wanted = both * np.where(centres == 0, 0.5, 1) * ending(R, 5)[:, None]
    np.testing.assert_allclose(kn.radial.gaussians(4, cutoff=5)(R[:, None]), wanted, atol=1e-14)


@pytest.mark.parametrize(
    "radial", [kn.radial.bessel(4, 2.0), kn.radial.gaussians(40, 2.0), kn.radial.envelope(2.0)]
)
def test_two_derivatives_are_continuous_at_the_cutoff(radial) -> None:
    one = lambda r: radial(r[None])  # noqa: E731
    for f in (one, jax.jit(jax.jacfwd(one)), jax.jit(jax.jacfwd(jax.jacfwd(one)))):
        np.testing.assert_allclose(f(jnp.float64(2 - 1e-9)), f(jnp.float64(2 + 1e-9)), atol=1e-4)
    assert jnp.isfinite(radial(jnp.linspace(0, 3, 50, dtype="float32")[:, None])).all()


def test_ones_own_and_reprs() -> None:
    f = lambda r: jnp.stack([r, r**2], axis=-1)  # noqa: E731
    own = kn.radial.function(f, 2)
    assert own(np.ones((3, 4, 2))).shape == (3, 4, 2)
    np.testing.assert_allclose(own(np.array([3.0, 4.0])), [5, 25])
    assert own == kn.radial.function(f, np.int64(2))
    assert own != kn.radial.function(lambda r: f(r), 2)
    np.testing.assert_allclose(
        kn.radial.function(f, 2, cutoff=10.0)(np.array([5.0])), ending(5.0, 10) * np.array([5, 25])
    )
    shown = [kn.radial.gaussians(3, 2.5), kn.radial.envelope(2), kn.radial.function(np.cos, 1, 2)]
    assert list(map(str, shown)) == [
        "gaussians(3, cutoff=2.5)",
        "envelope(cutoff=2)",
        "function(cos, 1, cutoff=2)",
    ]
    assert pickle.loads(pickle.dumps(shown[0])) == shown[0]


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            lambda: kn.radial.bessel(8, cutoff=0),
            "cutoff must be a positive distance, got 0; give the distance",
        ),
        (lambda: kn.radial.bessel(8, cutoff=float("inf")), "cutoff must be a positive distance, got inf"),
        (lambda: kn.radial.gaussians(8, cutoff="wide"), "cutoff must be a positive distance, got 'wide'"),
        (lambda: kn.radial.bessel(0, cutoff=1), "n must be a positive integer, got 0"),
        (lambda: kn.radial.function(3, 1), "f must be a function of distances, got 3"),
        (
            lambda: kn.radial.function(jnp.cos, 2)(np.ones(3)),
            r"function must take distances (...) to (..., 2)",
        ),
        (lambda: kn.radial.envelope(1)(1.0), "displacements must have axes (..., axes), got ()"),
    ],
)
def test_errors(build, said: str) -> None:
    with pytest.raises(kn.KernelError) as raised:
        build()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
