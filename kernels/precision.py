"""How precisely an op multiplies: a name that JAX knows, in force while the op is traced.

On CPU every product is taken in the precision of its operands. On GPUs JAX's default for float32 is
TensorFloat-32 (10 bits of mantissa) and on TPUs bfloat16 (7 bits); "highest" asks for all of float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import wraps
from typing import Any, Protocol, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kernels.errors import PrecisionError, brief
from kernels.lax_alone import asked, only_lax

HALVES = ("float16", "bfloat16")  # dtypes whose sums are kept in float32
NAMES = ("default", "high", "highest", "bfloat16", "tensorfloat32", "float32")
OTHERS = ("fastest", "bfloat16_3x", *lax.DotAlgorithmPreset.__members__)  # more that `jax.lax` knows
SYNONYMS: dict[Any, str] = {"fastest": "default", "bfloat16_3x": "high"}  # not in `default_matmul_precision`
Result = TypeVar("Result")


class Precise(Protocol):
    """An op with a precision of its own, None leaving it to the caller's context, and an implementation."""

    precision: str | None
    implementation: Any


def named(precision: Any) -> str | None:
    """The name under which `jax.default_matmul_precision` knows what `jax.lax` takes, or None.

    >>> named(lax.Precision.HIGH), named(("highest", "highest")), named("bfloat16_3x")
    ('high', 'highest', 'high')
    """
    if isinstance(precision, list | tuple) and len(set(map(str, precision))) == 1:
        precision = precision[0]  # an op multiplies weights and images in either order: one for both
    if isinstance(precision, lax.Precision | lax.DotAlgorithmPreset):
        name = precision.name
        return name.lower() if isinstance(precision, lax.Precision) else name
    if not (precision is None or isinstance(precision, str)) or precision not in (None, *NAMES, *OTHERS):
        raise PrecisionError("precision", f"must be one of {NAMES}", brief(precision), "or leave it out")
    return SYNONYMS.get(precision, precision)


def parse(precision: Any) -> Any:
    """What one convolution was told, as `jax.lax` takes it: for both operands, or for each; hashable."""
    pair = isinstance(precision, list | tuple)
    each = tuple(precision) if pair else (precision,)
    if len(each) != 1 + pair or not all(map(_known, each)):
        raise PrecisionError(
            "precision",
            f"must be one of {NAMES}, a jax.lax.Precision, or two of them",
            brief(precision),
            "or leave it out",
        )
    return each if pair else precision


def _known(precision: Any) -> bool:
    if isinstance(precision, str):
        return precision in (*NAMES, *OTHERS)
    kinds = lax.Precision | lax.DotAlgorithm | lax.DotAlgorithmPreset
    return precision is None or isinstance(precision, kinds)


def current() -> Any:
    """What `jax.default_matmul_precision` says here; None is the backend's default."""
    return jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]


def at_its_own(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method of an op, run at the op's precision and, if it was lowered so, as `lax` alone."""

    @wraps(method)
    def run(self: Precise, *arrays: Any, **more: Any) -> Result:
        with ExitStack() as settings:
            if self.precision is not None:
                settings.enter_context(jax.default_matmul_precision(self.precision))
            if asked(self.implementation):
                settings.enter_context(only_lax())
            return method(self, *arrays, **more)

    return run


# ---- dtypes that are kept -------------------------------------------------------------------------------

# Outside of its 64-bit mode JAX makes float32 of whatever is asked for in float64, but arrays that were made
# in it stay what they are, and so does what is computed from them.


def cast(x: jax.Array, dtype: Any) -> jax.Array:
    """The array in this dtype, as it is where it has it."""
    return x if x.dtype == dtype else x.astype(dtype)


def zeros(shape: Sequence[int], dtype: Any) -> jax.Array:
    """Zeros of this dtype."""
    with mode_of(dtype):
        return jnp.zeros(shape, dtype)


def constant(values: np.ndarray, dtype: Any) -> jax.Array:
    """NumPy numbers in this dtype."""
    with mode_of(dtype):
        return jnp.asarray(values, dtype)


def mode_of(dtype: Any) -> AbstractContextManager[Any]:
    """The 64-bit mode where the dtype needs it; otherwise the caller's."""
    return jax.enable_x64(True) if jnp.dtype(dtype).itemsize >= 8 else nullcontext()


def in_its_mode(function: Callable[..., Result]) -> Callable[..., Result]:
    """A function of arrays, traced in the 64-bit mode where one of them needs it."""

    @wraps(function)
    def run(*arguments: Any) -> Result:
        kinds = [leaf.dtype for leaf in jax.tree.leaves(arguments) if hasattr(leaf, "dtype")]
        widest = max(kinds, key=lambda kind: kind.itemsize, default=jnp.dtype("float32"))
        with mode_of(widest):
            return function(*arguments)

    return run


def sum_dtype(dtype: Any) -> Any:
    """The dtype in which sums are kept: float32 for half precision, as XLA's convolution has it.

    >>> sum_dtype(jnp.bfloat16).__name__, sum_dtype(jnp.float64).__name__
    ('float32', 'float64')
    """
    return jnp.float32 if jnp.dtype(dtype).name in HALVES else dtype


def summed(x: jax.Array) -> jax.Array:
    """The array in the dtype in which sums of its entries are kept.

    >>> summed(jnp.ones(2, "bfloat16")).dtype.name
    'float32'
    """
    return cast(x, sum_dtype(x.dtype))
