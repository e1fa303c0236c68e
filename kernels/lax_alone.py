"""A switch for whole models: a trace that contains nothing but `lax`, for tools that know nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

# Part of the key under which JAX keeps traces and programs: none is taken for another.
_switch = jax.make_user_context(default_value=False)


@contextmanager
def only_lax(on: bool = True) -> Iterator[None]:
    """While it lasts, what is traced becomes operations of `lax` alone, with their own derivatives.

        conv(x, kernel)  ->  lax.conv_general_dilated(x, kernel)

    It goes before every `implementation`, and is what ``implementation="lax"`` is for one layer. Converters,
    `checkpoint_policies.dots_saveable` and whatever else knows primitives by name then see what they know; on
    CPU it costs the speed of the library's own choices, on GPUs and TPUs the programs are the same.

    Args:
        on: False switches back for a part of what is inside.

    >>> import kernels, jax.numpy as jnp
    >>> with only_lax():
    ...     trace = jax.make_jaxpr(kernels.conv)(jnp.ones((5, 1)), jnp.ones((3, 1, 1)))
    >>> "conv_general_dilated" in str(trace)
    True

    Source: `jax.make_user_context`.
    """
    with _switch(on):
        yield


def asked(implementation: Any = None) -> bool:
    """Whether a layer of this implementation is to be traced as `lax` alone."""
    return (isinstance(implementation, str) and implementation == "lax") or bool(_switch.value)
