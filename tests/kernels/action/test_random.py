"""Random elements: uniform where the group is finite, near Haar's measure where it is compact."""

from __future__ import annotations

from collections import Counter

import jax
import numpy as np
import pytest

import derive as dv
import kernels as kn


def keys(many: int) -> list[jax.Array]:
    return list(jax.random.split(jax.random.key(7), many))


def test_uniform_over_a_finite_group() -> None:
    """Every element of D4 within four standard deviations of its share."""
    D4 = dv.point_group("D4")
    many = 1600
    found = Counter(D4.elements.index(D4.word(kn.random_element(D4, key))) for key in keys(many))
    assert set(found) == set(range(8))
    assert max(abs(n - many / 8) for n in found.values()) < 4 * (many * 7 / 64) ** 0.5


def test_shifts_of_a_space_group() -> None:
    """The point element and both shifts are drawn, each apart."""
    G = dv.wallpaper("p4")
    x = dv.Field(G, grid=(3, 3), boundary="periodic")
    found = Counter()
    for key in keys(360):
        action = x.action(kn.random_element(G, key))
        found[action.motion.matrix, tuple(int(t) % 3 for t in action.translation)] += 1
    assert len(found) == 36


@pytest.mark.parametrize("legacy", [False, True])
def test_the_key_decides(legacy: bool) -> None:
    make = jax.random.PRNGKey if legacy else jax.random.key
    for G in (dv.wallpaper("p4m"), dv.symmetric(5), dv.orthogonal(3)):
        one, same, other = (kn.random_element(G, make(seed)) for seed in (0, 0, 1))
        assert one == same
        assert one != other


def test_the_trivial_group() -> None:
    assert kn.random_element(dv.cyclic(1), jax.random.key(0)) == "1"
    assert kn.random_element(dv.translations(1, period=0), jax.random.key(0)) == "1"


@pytest.mark.parametrize("n", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_compact_groups_come_near_the_invariant_mean(n: int) -> None:
    """The mean of rho is the projection on what is fixed: 0 on vectors, 1 / n of the trace on products."""
    G = dv.orthogonal(n)
    V = dv.defining(G)
    moved = [kn.act(V, kn.random_element(G, key), np.eye(n)) for key in keys(300)]
    assert abs(np.mean(moved, axis=0)).max() < 4 * (300 * n) ** -0.5 * 1.2
    pairs = np.mean([np.einsum("ij,kl->ikjl", m, m).reshape(n * n, n * n) for m in moved], axis=0)
    fixed = np.eye(n).reshape(-1)
    assert abs(pairs - np.outer(fixed, fixed) / n).max() < 0.15
    assert {round(float(np.linalg.det(m))) for m in moved} == {-1, 1}


def test_other_groups_stay_within_reach() -> None:
    """The metric of the Lorentz group is kept, and boosts stay small enough for floats."""
    G = dv.lorentz(full=True)
    metric = np.diag([1.0, -1, -1, -1])
    for key in keys(20):
        moved = np.asarray(kn.act(dv.defining(G), kn.random_element(G, key), np.eye(4)))
        np.testing.assert_allclose(moved @ metric @ moved.T, metric, atol=1e-9)
        assert abs(moved).max() < 100


def test_a_large_group_says_so() -> None:
    with pytest.raises(dv.DeriveError, match="elements of S_12 would number more than 200,000"):
        kn.random_element(dv.symmetric(12), jax.random.key(0))
