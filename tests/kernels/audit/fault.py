"""What a planted fault is, and kernels that all groups of such models share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import derive as dv
from tests.kernels.audit.parts import C4, P4, normal, solved, symmetric


@dataclass(frozen=True)
class Fault:
    """`layer`: part of the name of the only layer that loses something; `lost`, `kept`: of that layer."""

    name: str
    make: Callable[[], Any]
    x: Any
    into: Any
    layer: str
    lost: str
    cause: str
    kept: str | None = None
    out: Any = None


def first(x: np.ndarray) -> np.ndarray:
    """Channels first."""
    return np.moveaxis(x, -1, 1)


def lift() -> Callable[[jax.Array], jax.Array]:
    return solved(P4, dv.trivial(C4), 2 * dv.regular(C4))


S14, S44, S11 = symmetric(3, 1, 4), symmetric(3, 4, 4, seed=2), symmetric(3)
E44 = symmetric(2, 4, 4, seed=3)
KEY = jax.random.key(3)
BIG, SMALL = 0.25 * normal(8, 8, seed=9), 0.25 * normal(9, 9, 1, seed=9)
