"""How precisely an op multiplies: a name that JAX knows, in force while the op is traced.

On CPU every product is taken in the precision of its operands. On GPUs JAX's default for float32 is
TensorFloat-32 (10 bits of mantissa) and on TPUs bfloat16 (7 bits); "highest" asks for all of float32.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

import jax
import jax.numpy as jnp

from kernels.errors import PrecisionError

HALVES = ("float16", "bfloat16")  # dtypes whose sums are kept in float32
NAMES = ("default", "high", "highest", "bfloat16", "tensorfloat32", "float32")
Result = TypeVar("Result")


class Precise(Protocol):
    """An op with a precision of its own; None leaves it to the caller's context."""

    @property
    def precision(self) -> str | None: ...


def check(precision: object) -> None:
    """A name that JAX knows, or None."""
    if precision is not None and precision not in NAMES:
        raise PrecisionError("precision", f"must be one of {NAMES}", repr(precision), "or leave it out")


def current() -> Any:
    """What `jax.default_matmul_precision` says here; None is the backend's default."""
    return jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]


def at_its_own(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method of an op, run at the op's precision."""

    @wraps(method)
    def run(self: Precise, *arrays: Any) -> Result:
        if self.precision is None:
            return method(self, *arrays)
        with jax.default_matmul_precision(self.precision):
            return method(self, *arrays)

    return run


def summed(x: jax.Array) -> jax.Array:
    """The array in the dtype in which sums of its entries are kept.

    >>> summed(jnp.ones(2, "bfloat16")).dtype.name
    'float32'
    """
    return x.astype(jnp.float32) if x.dtype.name in HALVES else x
