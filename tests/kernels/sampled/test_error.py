"""The closed form of the equivariance error against plane waves that go through the op, and random fields."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import logm

import derive as dv
import kernels as kn
from tests.kernels.sampled.cases import case
from tests.kernels.space.points import random_element

ANGLES, RADII = 64, 24


def units(op: kn.EquivariantOp) -> list[tuple[int, int, object]]:
    """Weights that choose one kernel, by pair of blocks."""
    shapes = op.weight_shapes
    found = []
    for part, shape in enumerate(shapes):
        for k in range(shape[0]):
            w = [np.zeros(s) for s in shapes]
            w[part][k, 0, 0] = 1
            found.append((part, k, tuple(map(jnp.asarray, w)) if len(w) > 1 else jnp.asarray(w[0])))
    return found


def responses(op: kn.EquivariantOp, w: object, waves: np.ndarray) -> np.ndarray:
    """(waves, out, in): what the op makes of plane waves exp(i w p) e_c at the middle of an image."""
    sites = op.window.sites
    lines = [np.arange(line.min(), line.max() + 1) for line in sites.T]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    phase = np.tensordot(waves, grid * np.array(op.window.spacing), ((1,), (grid.ndim - 1,)))
    unit = np.eye(op.channels_in).reshape(op.channels_in, 1, *(1,) * (grid.ndim - 1), op.channels_in)
    both = [np.asarray(op(w, jnp.asarray(unit * f(phase)[None, ..., None]))) for f in (np.cos, np.sin)]
    one = (slice(None), slice(None), *(0,) * (grid.ndim - 1))
    assert both[0].shape[2:-1] == (1,) * (grid.ndim - 1)
    return (both[0] + 1j * both[1])[one].transpose(1, 2, 0)


def turn(m: int, angle: float) -> np.ndarray:
    if m == 0:
        return np.eye(1)
    return np.array([[np.cos(m * angle), -np.sin(m * angle)], [np.sin(m * angle), np.cos(m * angle)]])


@pytest.mark.parametrize(("into", "out", "window"), [(0, 1, 3), (0, 2, 5), (1, 1, 5), (1, 2, 5), (2, 1, 4)])
@pytest.mark.parametrize("radial", ["optimal", "rings"])
def test_per_kernel_by_brute_force(into: int, out: int, window: int, radial: str) -> None:
    """Waves on a polar grid; the mean over 64 rotations, which are shifts of it."""
    G = dv.special_orthogonal(2)
    E = dv.euclidean(2, G)
    x, y = (dv.Field(E, fibre=dv.irrep(G, m)) for m in (into, out))
    s = dv.solve(x, y, support=dv.ball("R"))
    op = kn.lower(s, window=window, radial=radial, padding="VALID", on_broken="ignore")
    t, weights = np.polynomial.legendre.leggauss(RADII)
    rho = (t + 1) / 2 * op.window.limit
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    waves = np.stack([np.outer(rho, np.cos(angles)), np.outer(rho, np.sin(angles))], axis=-1)
    for part, k, w in units(op):
        K = responses(op, w, waves.reshape(-1, 2)).reshape(
            RADII, ANGLES, *(1 if m == 0 else 2 for m in (out, into))
        )
        if window % 2 == 0:  # outputs stand half a site beside
            K = K * np.exp(-0.5j * waves.sum(axis=-1))[..., None, None]
        mean = np.zeros_like(K)
        for j, a in enumerate(angles):
            mean += turn(out, a) @ np.roll(K, j, axis=1) @ turn(into, a).T / ANGLES
        energy = lambda M: ((abs(M) ** 2).sum(axis=(1, 2, 3)) * weights * rho).sum()  # noqa: E731
        expected = np.sqrt(max(1 - energy(mean) / energy(K), 0))
        np.testing.assert_allclose(op.equivariance_error.per_kernel[part][k], expected, atol=2e-7, rtol=1e-5)


@pytest.mark.parametrize("name", ["SO(2)", "O(2) ball", "O(2) voxels", "C8", "vectors", "I"])
def test_at_an_element_on_random_fields(name: str) -> None:
    """Fields of random waves, turned analytically; op(g x) beside g op(x), in the mean over fields."""
    c = case(name)
    rng = np.random.default_rng(3)
    g, rho_in, rho_out = random_element(c.solution, rng)
    op = kn.lower(c.solution, **(c.options | {"padding": "VALID"}))
    waves = rng.normal(size=(800, c.n))
    waves *= (
        op.window.limit
        * rng.uniform(size=(800, 1)) ** (1 / c.n)
        / np.linalg.norm(waves, axis=1, keepdims=True)
    )
    exact = of_matrix(op, g)
    for part, k, w in units(op)[::4]:
        straight, turned = responses(op, w, waves), responses(op, w, waves @ g.T)
        apart = turned @ rho_in - rho_out @ straight
        found = np.sqrt((abs(apart) ** 2).sum() / (abs(straight) ** 2).sum())
        np.testing.assert_allclose(exact[part][k], found, rtol=0.2, atol=1e-9)


def of_matrix(op: kn.EquivariantOp, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """`at` of the element that moves R^n by this matrix: found among products of those that it reads."""
    pieces = op.equivariance_error.pairs[0].sampling.pieces
    if not pieces.continuous:
        words = ["1"]
        names = list(pieces.generators)
        seen = [(n,) for n in names]
        while seen:
            word = seen.pop(0)
            if np.allclose(pieces.element(word).move, g, atol=1e-9):
                return op.equivariance_error.at(word)
            seen += [(*word, n) for n in names] if len(word) < 12 else []
        raise AssertionError(words)
    first = pieces.generators
    mirror = np.linalg.det(g) < 0
    names = [n for n in first if n in pieces.space.point.algebra]
    rest = np.real(logm(g @ (first["m"].move if mirror else np.eye(len(g)))))
    basis = np.stack([first[n].move.reshape(-1) for n in names], axis=1)
    angles = np.linalg.lstsq(basis, rest.reshape(-1), rcond=None)[0]
    turned = dict(zip(names, angles.tolist(), strict=True))
    return op.equivariance_error.at((turned, "m") if mirror else turned)


def test_the_mean_over_angles_is_twice_the_square() -> None:
    error = case("SO(2)").op.equivariance_error
    squares = [np.concatenate(error.at(a)) ** 2 for a in 2 * np.pi * np.arange(24) / 24]
    np.testing.assert_allclose(np.mean(squares, axis=0) / 2, np.concatenate(error.per_kernel) ** 2, atol=1e-9)


def test_turns_of_the_grid_have_no_error() -> None:
    for name, g in (("SO(2)", np.pi / 2), ("O(2) ball", "m"), ("O(2) ball", (np.pi, "m")), ("C8", "r^2")):
        assert max(e.max() for e in case(name).op.equivariance_error.at(g)) < 1e-6
    assert max(e.max() for e in case("C8").op.equivariance_error.at("r")) > 1e-3


# ---- the figures -------------------------------------------------------------------------------------------

TABLE = [
    (3, 1, 2.356194, 1.5, 3.6), (3, 2, 2.356194, 6.7, 12.4), (5, 1, 2.356194, 1.5, 11.6),
    (5, 2, 2.356194, 6.7, 15.9),
    (7, 1, 2.356194, 1.6, 14.1), (7, 2, 2.356194, 6.8, 20.0),
    (5, 1, 1.570796, 1.4, 6.3), (5, 2, 1.570796, 8.4, 31.4),
    (7, 1, 1.570796, 7.2, 25.6),
]  # fmt: skip


@pytest.mark.parametrize(("k", "m", "band", "best", "rings"), TABLE)
def test_the_worst_kernel_in_two_dimensions(k: int, m: int, band: float, best: float, rings: float) -> None:
    """Per cent, of combinations of kernels, as many as rings give, and their energy in the band."""
    G = dv.special_orthogonal(2)
    E = dv.euclidean(2, G)
    s = dv.solve(dv.Field(E), dv.Field(E, fibre=dv.irrep(G, m)), support=dv.ball("R"))
    found = {r: kn.lower(s, window=k, band=band, radial=r) for r in ("optimal", "rings")}
    errors = {r: 100 * op.equivariance_error.combined()[0] for r, op in found.items()}
    assert len(errors["optimal"]) >= len(errors["rings"]) == 2 * (k // 2)
    np.testing.assert_allclose(errors["rings"][-1], rings, rtol=0.02)
    np.testing.assert_allclose(errors["optimal"][-1], best, rtol=0.06)
    shares = {r: op.equivariance_error.pairs[0].shares[-2 * (k // 2) :] for r, op in found.items()}
    assert (shares["optimal"] >= 0.72 * shares["rings"]).all()
    assert shares["optimal"].sum() >= 0.75 * shares["rings"].sum()
