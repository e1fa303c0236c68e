"""Radial functions of kernels on R^n, R_1 to R_n: smooth in |d|^2, so that nothing is lost at the origin.

Each is a function of displacements, `radial(d)`, that ends smoothly at a cut-off.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.errors import RadialError, ShapeError, brief
from kernels.integers import positive
from kernels.static import Content

SERIES = 9  # terms of a series in t < 1 that leave nothing of float64


class Radial(Content):
    """Radial functions R_1 ... R_n of displacements: (..., axes) -> (..., n), zero beyond `cutoff`.

    `cutoff`: None for functions that do not end.
    """

    n: int
    cutoff: float | None

    @abstractmethod
    def of_square(self, q: jax.Array) -> jax.Array:
        """The functions at |d|^2 = q: (...) -> (..., n)."""

    def __call__(self, d: Any) -> jax.Array:
        """The functions at displacements d, (..., axes) -> (..., n)."""
        d = jnp.asarray(d)
        if d.ndim < 1:
            raise ShapeError("displacements", "must have axes (..., axes)", d.shape, "add the last axis")
        return self.of_square((d * d).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Bessel(Radial):
    n: int
    cutoff: float

    def of_square(self, q: jax.Array) -> jax.Array:
        waves = np.pi * np.arange(1, self.n + 1) / self.cutoff
        t = q[..., None] * jnp.asarray(waves**2, q.dtype)
        values = _sinc_of_root(t) * jnp.asarray(waves * math.sqrt(2 / self.cutoff), q.dtype)
        return values * _ending(q, self.cutoff)[..., None]

    def __repr__(self) -> str:
        return f"bessel({self.n}, cutoff={self.cutoff:g})"


@dataclass(frozen=True, eq=False)
class Gaussians(Radial):
    n: int
    cutoff: float

    def of_square(self, q: jax.Array) -> jax.Array:
        width = self.cutoff / self.n
        centres = jnp.asarray(width * np.arange(self.n), q.dtype)
        q = q[..., None]
        t = q * (centres / width**2) ** 2
        near = t < 1
        r = jnp.sqrt(jnp.where(near, 1, q))
        far = jnp.exp(-((r - centres) ** 2) / (2 * width**2)) + jnp.exp(
            -((r + centres) ** 2) / (2 * width**2)
        )
        even = 2 * jnp.exp(-(q + centres**2) / (2 * width**2)) * _series(jnp.where(near, t, 0), 0, 1)
        half = jnp.where(centres == 0, 0.5, 1).astype(q.dtype)
        return half * jnp.where(near, even, far) * _ending(q, self.cutoff)

    def __repr__(self) -> str:
        return f"gaussians({self.n}, cutoff={self.cutoff:g})"


@dataclass(frozen=True, eq=False)
class Envelope(Radial):
    cutoff: float
    n: int = 1

    def of_square(self, q: jax.Array) -> jax.Array:
        return _ending(q, self.cutoff)[..., None]

    def __repr__(self) -> str:
        return f"envelope(cutoff={self.cutoff:g})"


@dataclass(frozen=True, eq=False)
class Own(Radial):
    """A function of one's own; equal to another of the same Python function."""

    function: Callable[[jax.Array], jax.Array]
    n: int
    cutoff: float | None

    @property
    def _compared(self) -> tuple[Any, ...]:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return name, id(self.function), self.n, self.cutoff

    def of_square(self, q: jax.Array) -> jax.Array:
        # the root has no derivative at 0, where that of a function smooth in d is 0
        r = jnp.where(q > 0, jnp.sqrt(jnp.where(q > 0, q, 1)), 0)
        values = jnp.asarray(self.function(r))
        if values.shape != (*q.shape, self.n):
            rule = f"must take distances (...) to (..., {self.n})"
            raise RadialError("function", rule, f"{q.shape} to {values.shape}", "or give another n")
        return values if self.cutoff is None else values * _ending(q, self.cutoff)[..., None]

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        cutoff = "" if self.cutoff is None else f", cutoff={self.cutoff:g}"
        return f"function({name}, {self.n}{cutoff})"


def bessel(n: int, cutoff: float) -> Radial:
    """Spherical waves with a node at the cut-off, times `envelope`.

        R_k(r) = sqrt(2/c) sin(k pi r / c) / r * envelope(r)        k = 1 ... n

    >>> bessel(8, cutoff=5.0), bessel(8, cutoff=5.0)(jnp.zeros((4, 3))).shape
    (bessel(8, cutoff=5), (4, 8))

    Source: Gasteiger, Gross, Guennemann 2020, arXiv 2003.03123, for the waves.
    """
    return Bessel(positive("n", n, RadialError), _cutoff(cutoff))


def gaussians(n: int, cutoff: float) -> Radial:
    """Rings: Gaussians at n distances from 0, as wide as they are apart, times `envelope`.

        R_k(r) = (exp(-(r - c_k)^2 / 2 s^2) + exp(-(r + c_k)^2 / 2 s^2)) * envelope(r)

    with s = c/n, c_k = k s, k = 0 ... n-1, and half of it for k = 0. The second term, seldom seen, makes them
    smooth at the origin.

    >>> gaussians(5, cutoff=5.0)(jnp.zeros(3)).shape
    (5,)

    Source: Weiler et al. 2018, arXiv 1807.02547, for Gaussian rings.
    """
    return Gaussians(positive("n", n, RadialError), _cutoff(cutoff))


def envelope(cutoff: float) -> Radial:
    """One function that falls from 1 to 0 at the cut-off, alone for ops whose edges bring weights.

        R(r) = (1 - u)^3 (1 + 3 u + 6 u^2),  u = (r/c)^2        0 beyond; twice differentiable there

    >>> envelope(cutoff=2.0)(jnp.array([[0.0], [2.0], [3.0]])).ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    return Envelope(_cutoff(cutoff))


def function(f: Callable[[jax.Array], jax.Array], n: int, cutoff: float | None = None) -> Radial:
    """Radial functions of one's own: f takes distances (...) to (..., n); times `envelope` with a cut-off.

    Gradients at the origin are taken to be zero, as those of every function smooth in d = 0 are. Ops are
    compared by f itself: a new lambda is a new op, which is compiled anew.

    >>> powers = function(lambda r: jnp.stack([r**2, r**4], axis=-1), 2, cutoff=1.0)
    >>> powers(jnp.array([0.0, 0.0])).tolist()
    [0.0, 0.0]
    """
    if not callable(f):
        raise RadialError("f", "must be a function of distances", brief(f), "give one, or use bessel(8, 5.0)")
    return Own(f, positive("n", n, RadialError), None if cutoff is None else _cutoff(cutoff))


def check_radial(radial: Any) -> Radial:
    """Radial functions, or an error that says where to get them."""
    if not isinstance(radial, Radial):
        rule = "must be given for a solution on R^n, whose weights are functions of |d|"
        raise RadialError("radial", rule, brief(radial), "say radial=kn.radial.bessel(8, cutoff=5.0)")
    return radial


def _cutoff(cutoff: Any) -> float:
    try:
        number = float(cutoff)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(cutoff, bool) or not 0 < number < math.inf:
        rule = "must be a positive distance"
        raise RadialError("cutoff", rule, brief(cutoff), "give the distance where kernels end, such as 5.0")
    return number


def _ending(q: jax.Array, cutoff: float) -> jax.Array:
    u = jnp.minimum(q / cutoff**2, 1)
    return (1 - u) ** 3 * (1 + 3 * u + 6 * u * u)


def _sinc_of_root(t: jax.Array) -> jax.Array:
    """sin(sqrt t) / sqrt t, differentiable as often as one likes at 0 too."""
    near = t < 1
    root = jnp.sqrt(jnp.where(near, 1, t))
    return jnp.where(near, _series(jnp.where(near, t, 0), 1, -1), jnp.sin(root) / root)


def _series(t: jax.Array, odd: int, sign: int) -> jax.Array:
    """sum_n sign^n t^n / (2n + odd)! for 0 <= t < 1: sin(sqrt t)/sqrt t, or cosh(sqrt t)."""
    total = jnp.zeros_like(t)
    for k in reversed(range(SERIES)):
        total = total * t + sign**k / math.factorial(2 * k + odd)
    return total
