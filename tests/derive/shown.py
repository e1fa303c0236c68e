"""Derived layers as matrices, and the convolution that really runs, for the rows that compare them."""

from __future__ import annotations

from math import prod

import jax.numpy as jnp
import numpy as np

import derive as dv
import kernels as kn
from tests.derive.cases import (
    T2,
)

STILL = dv.translations(2, 0)
TAPS = np.arange(1.0, 10.0, dtype=np.float32).reshape(3, 3)


def on_grid(n: object, boundary: str = "periodic", group: object = T2, **options: object) -> dv.Field:
    return dv.Field(group, channels=1, grid=n, boundary=boundary, **options)


def matrices(solution: dv.Solution) -> np.ndarray:
    """Every basis element as a matrix from all input sites to all output sites."""
    tables = np.stack([element.dense() for element in solution.basis])
    half = prod(tables.shape[1 : 2 + (tables.ndim - 3) // 2])
    return tables.reshape(len(tables), half, -1)


def template(taps: np.ndarray) -> np.ndarray:
    """The matrix of a 3x3 kernel on a 5x5 torus, as the derivation gives it."""
    solution = dv.solve(on_grid(5), on_grid(5), dv.box(1))
    return np.tensordot(taps.reshape(-1), matrices(solution), axes=1)


def run(image: np.ndarray, taps: np.ndarray, **options: object) -> np.ndarray:
    """The convolution that is really used, on one channel."""
    return np.asarray(
        kn.conv(jnp.asarray(image)[None, ..., None], jnp.asarray(taps)[..., None, None], **options)
    )[0, ..., 0]
