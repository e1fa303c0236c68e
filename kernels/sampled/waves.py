"""Means over the waves |w| <= W in closed form, and a radial quadrature that is exact to rounding.

exp(-i w d) = sum over l of (-i)^l j_l(|w| |d|) * (harmonics of degree l of w/|w| and d/|d|)
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import jv


def radial_wave(axes: int, degree: int, t: np.ndarray) -> np.ndarray:
    """j_l(t) = Gamma(n/2) (2/t)^(n/2 - 1) J_(l + n/2 - 1)(t).

    The mean of exp(-i t a.b) Y_l(a) over directions a is (-i)^l j_l(t) Y_l(b).
    """
    order, near = axes / 2 - 1, t < 1e-8
    safe = np.where(near, 1.0, t)
    if axes == 1:
        return np.cos(t) if degree == 0 else np.sin(t) if degree == 1 else np.zeros_like(t)
    values = math.gamma(axes / 2) * (2 / safe) ** order * jv(degree + order, safe)
    return np.where(near, float(degree == 0), values)


def mean_wave(axes: int, t: np.ndarray) -> np.ndarray:
    """The mean of cos(w d) over |w| <= W, with t = W |d|: Gamma(n/2 + 1) (2/t)^(n/2) J_(n/2)(t)."""
    near = t < 1e-8
    safe = np.where(near, 1.0, t)
    values = math.gamma(axes / 2 + 1) * (2 / safe) ** (axes / 2) * jv(axes / 2, safe)
    return np.where(near, 1.0, values)


def between(axes: int, limit: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean wave between every place of a and every place of b; equal distances are looked up once."""
    squares = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    found, inverse = np.unique(np.round(squares, 9), return_inverse=True)
    return mean_wave(axes, limit * np.sqrt(np.maximum(found, 0)))[inverse].reshape(squares.shape)


def nodes(axes: int, limit: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and weights of means over |w| <= W of functions of |w|, for kernels that reach so far."""
    x, w = np.polynomial.legendre.leggauss(16 + math.ceil(limit * reach))
    frequency = (x + 1) / 2
    return frequency * limit, w / 2 * axes * frequency ** (axes - 1)
