"""Two arrays that a motion of sites, or a permutation of channels, carries into each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from kernels.auditing.motions import Monomial, Vector, sources

CANDIDATES = 12


def distance(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest entry; infinite where shapes or NaNs differ."""
    if got.shape != want.shape:
        return float("inf")
    if not got.size:
        return 0.0
    top = float(np.abs(want).max())
    gap = float(np.abs(got - want).max())
    return 0.0 if gap == 0 else gap / (top or float(np.abs(got).max()) or 1.0)


def moved_sites(
    array: np.ndarray, matrix: np.ndarray, shift: Vector, wrap: tuple[bool, ...]
) -> np.ndarray | None:
    """An array (batch, sites..., channels) of which the sites moved; None where they leave it."""
    sites = array.shape[1:-1]
    if not sites or not array.size:
        return array
    index = sources(matrix, shift, sites, wrap)
    return (
        None
        if index is None
        else array.reshape(len(array), -1, array.shape[-1])[:, index].reshape(array.shape)
    )


def find_shift(
    got: np.ndarray,
    base: np.ndarray,
    matrix: np.ndarray,
    choices: Sequence[Sequence[int]],
    wrap: tuple[bool, ...],
    hint: Sequence[float],
    limit: float,
) -> tuple[Vector | None, float]:
    """The shift, of the choices along each axis, that moves base onto got; or None and the least error."""
    sites = got.shape[1:-1]
    best, places = float("inf"), [tuple(t) for t in product(*choices)]
    if got.shape != base.shape:
        return None, best
    places.sort(key=lambda t: sum(_gap(a - b, n, w) for a, b, n, w in zip(t, hint, sites, wrap, strict=True)))
    for shift in _probed(got, base, matrix, places, wrap, limit) if len(places) > CANDIDATES else places:
        want = moved_sites(base, matrix, shift, wrap)
        error = float("inf") if want is None else distance(got, want)
        if error <= limit:
            return shift, error
        best = min(best, error)
    return None, best


def _gap(difference: float, sites: int, wrap: bool) -> float:
    return min(difference % sites, -difference % sites) if wrap else abs(difference)


def _probed(
    got: np.ndarray,
    base: np.ndarray,
    matrix: np.ndarray,
    places: list[Vector],
    wrap: tuple[bool, ...],
    limit: float,
) -> list[Vector]:
    """The shifts that are right at one site, the one with the largest entries; always the first few."""
    sites = got.shape[1:-1]
    flat = got.reshape(len(got), -1, got.shape[-1])
    at = int(np.abs(flat).sum(axis=(0, 2)).argmax())
    inverse = np.rint(np.linalg.inv(matrix)).astype(int)
    back = (np.array(np.unravel_index(at, sites)) - np.array(places)) @ inverse.T
    inside = np.ones(len(places), bool)
    for k, n in enumerate(sites):
        if wrap[k]:
            back[:, k] %= n
        inside &= (back[:, k] >= 0) & (back[:, k] < n)
    back[~inside] = 0
    values = base.reshape(len(base), -1, base.shape[-1])[:, np.ravel_multi_index(tuple(back.T), sites)]
    top = float(np.abs(base).max()) or 1.0
    right = inside & (np.abs(values - flat[:, [at]]).max(axis=(0, 2), initial=0) <= 2 * limit * top)
    return [t for t, ok in zip(places, right, strict=True) if ok][: 4 * CANDIDATES] or places[:2]


def match_channels(got: np.ndarray, want: np.ndarray, limit: float) -> Monomial | None:
    """The signed permutation of channels: got[..., j] = sign[j] want[..., source[j]]."""
    a, b = (x.reshape(-1, x.shape[-1]).astype(np.float64) for x in (got, want))
    top, width = float(np.abs(b).max(initial=0)) or 1.0, a.shape[-1]
    if not a.size or len(a) < 2:
        return None
    source, sign, free = np.zeros(width, int), np.ones(width), np.ones(width, bool)
    scale = (a**2).sum(0)[:, None] + (b**2).sum(0)[None]
    dots = a.T @ b
    for j in range(width):
        near = scale[j] - 2 * np.abs(dots[j])
        for i in np.argsort(np.where(free, near, np.inf))[:3]:
            s = -1.0 if dots[j, i] < 0 else 1.0
            if free[i] and np.abs(a[:, j] - s * b[:, i]).max() <= limit * top:
                source[j], sign[j], free[i] = i, s, False
                break
        else:
            return None
    return Monomial(source, sign)


def blurred(array: np.ndarray) -> np.ndarray:
    """Channels without their order and signs."""
    return np.sort(np.abs(array), axis=-1)


def overlap(
    got: np.ndarray, base: np.ndarray, axis: int, limit: float, hint: list[float]
) -> tuple[Vector | None, float]:
    """The shift along an open axis, compared on half of the inner sites or more.

    Zeros are no evidence, except for the shift that is expected.
    """
    n, dim = base.shape[1 + axis], base.ndim - 2
    margin, best = n // 4, float("inf")
    top = float(np.abs(base).max()) or 1.0
    near = sorted(range(-(n // 2), n // 2 + 1), key=lambda t: (abs(t - hint[axis]), t))
    for rank, t in enumerate(near):
        low, high = max(margin, margin + t), min(n - margin, n - margin + t)
        if 2 * (high - low) < n - 2 * margin:
            continue
        here, there = got.take(range(low, high), 1 + axis), base.take(range(low - t, high - t), 1 + axis)
        gap = float(np.abs(here - there).max(initial=0)) / top
        if gap <= limit and (rank == 0 or np.abs(there).max() > 1e-3 * top):
            return tuple(t if k == axis else 0 for k in range(dim)), gap
        best = min(best, gap)
    return None, best


def lively(array: np.ndarray) -> np.ndarray:
    """An array (batch, sites..., channels), with random numbers in channels that are the same everywhere."""
    if not np.issubdtype(array.dtype, np.floating) or array.size == 0 or math.prod(array.shape[1:-1]) == 1:
        return array
    wide = array.astype(np.float64)
    spread = wide.std(axis=tuple(range(1, array.ndim - 1)), keepdims=True).max(axis=0, keepdims=True)
    dead = ~(spread > 1e-6 * np.abs(wide).max())
    noise = np.random.default_rng(0).standard_normal(array.shape)
    return np.where(dead, noise, wide).astype(array.dtype) if dead.any() else array
