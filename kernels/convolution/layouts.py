"""Kernel layouts, named axis by axis."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from kernels.errors import LayoutError, brief


def convert_layout(kernel: jax.Array, source: str, target: str) -> jax.Array:
    """Rearrange a kernel's axes from one named layout to another: I is input, O output, other letters space.

        result[h, w, i, o] = kernel[o, i, h, w]      for "OIHW" -> "HWIO"

    Args:
        kernel: one axis per letter of `source`.
        source, target: the same letters in two orders, "OIHW", "HWIO", "IOHW", "DHWIO", "OIW", ...

    Returns:
        The same numbers with axes in the order of `target`.

    Raises:
        LayoutError: a letter is missing, repeated or does not belong.

    >>> convert_layout(jnp.zeros((16, 3, 5, 7)), "OIHW", "HWIO").shape
    (5, 7, 3, 16)
    """
    for name, layout in (("source", source), ("target", target)):
        if len(set(layout)) != len(layout) or not {"I", "O"} <= set(layout):
            raise LayoutError(
                name, "must have I, O and each spatial letter once", brief(layout), "write e.g. 'HWIO'"
            )
    if set(source) != set(target):
        raise LayoutError(
            "target", f"must have the letters of {source!r}", brief(target), "reorder those letters"
        )
    if len(source) != jnp.ndim(kernel):
        raise LayoutError(
            "source",
            f"must name the {jnp.ndim(kernel)} axes of the kernel",
            brief(source),
            "give one letter per axis",
        )
    return jnp.transpose(kernel, tuple(source.index(letter) for letter in target))
