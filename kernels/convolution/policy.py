"""Which implementation computes a convolution, and why.

Each implementation is one file with one function of one signature,

    compute(x, kernel, *, strides, padding, lhs_dilation, rhs_dilation, groups, precision) -> y

in the canonical layout of ``primitive.py``. A rule looks at shapes and options only, never at values, so the
choice is made once, when a convolution is lowered, and anew for each adjoint, whose shapes are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from kernels.convolution import xla

Compute = Callable[..., jax.Array]

IMPLEMENTATIONS: tuple[tuple[str, Compute], ...] = (("xla", xla.compute),)
NAMES = ("auto", *(name for name, _ in IMPLEMENTATIONS))

# (name, when, why): the first rule that holds wins.
RULES: tuple[tuple[str, Callable[..., bool], str], ...] = (
    (
        "xla",
        lambda x, kernel, **options: True,
        "XLA's own convolution is near its best in the canonical layout",
    ),
)


def choose(x: Any, kernel: Any, **options: Any) -> str:
    """The name of the implementation that "auto" stands for, given two shaped operands.

    >>> import jax.numpy as jnp
    >>> choose(jnp.zeros((1, 8, 8, 3)), jnp.zeros((3, 3, 3, 4)), strides=(1, 1))
    'xla'
    """
    return next(name for name, when, _ in RULES if when(x, kernel, **options))


def compute(x: jax.Array, kernel: jax.Array, *, implementation: str, **options: Any) -> jax.Array:
    """The convolution by the implementation named, or by the one that the rules choose."""
    name = choose(x, kernel, **options) if implementation == "auto" else implementation
    return dict(IMPLEMENTATIONS)[name](x, kernel, **options)
