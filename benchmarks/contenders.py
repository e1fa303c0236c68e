"""The convolutions that are compared: this library's, and what is written with lax in both of its layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import kernels as kn
from benchmarks.cases import Case

Function = Callable[[jax.Array, jax.Array], jax.Array]


@dataclass(frozen=True)
class Contender:
    """A name, and how to make a function of (x, kernel) from a case; None where there is no such."""

    name: str
    make: Callable[[Case], Function | None]
    channels_last: bool = True

    def image(self, x: jax.Array) -> jax.Array:
        """A channels-last image in this contender's layout."""
        return x if self.channels_last else jnp.asarray(np.moveaxis(np.asarray(x), -1, 1))

    def kernel(self, k: jax.Array) -> jax.Array:
        """A kernel (size..., C, D) in this contender's layout."""
        return k if self.channels_last else jnp.asarray(np.moveaxis(np.asarray(k), (-1, -2), (0, 1)))


def library(case: Case) -> Function:
    """`kn.conv`, `kn.conv_transpose`, or one `kn.conv` per axis."""
    if case.kind == "separable":
        return lambda x, k: kn.conv(kn.conv(x, k[: case.size[0], None]), k[None, case.size[0] :])
    conv = kn.conv_transpose if case.kind == "transposed" else kn.conv
    return lambda x, kernel: conv(x, kernel, **case.options)


def lax_conv(case: Case, channels_last: bool = True) -> Function:
    """What is written with `jax.lax`, in the layout of its arguments."""
    rank = len(case.spatial)
    axes = "DHW"[-rank:]
    image, kernel = (f"N{axes}C", f"{axes}IO") if channels_last else (f"NC{axes}", f"OI{axes}")
    return _KINDS[case.kind](case, {"dimension_numbers": (image, kernel, image)})


def _conv(case: Case, how: dict[str, Any]) -> Function:
    options = case.options
    rank, padding = len(case.spatial), options.get("padding", "SAME")
    first = how["dimension_numbers"][0].index("H") if rank > 1 else 0
    around = [(k // 2, k // 2) for k in case.size]

    def conv(x: jax.Array, k: jax.Array) -> jax.Array:
        wraps = padding == "CIRCULAR"
        if wraps:
            x = jnp.pad(x, [(0, 0)] * first + around + [(0, 0)] * (x.ndim - rank - first), mode="wrap")
        return lax.conv_general_dilated(
            x,
            k,
            window_strides=(options.get("strides", 1),) * rank,
            padding="VALID" if wraps else padding,
            rhs_dilation=(options.get("dilation", 1),) * rank,
            feature_group_count=case.groups,
            **how,
        )

    return conv


def _transposed(case: Case, how: dict[str, Any]) -> Function:
    strides = (case.options["strides"],) * len(case.spatial)
    return lambda x, k: lax.conv_transpose(x, k, strides, "SAME", transpose_kernel=True, **how)


def _separable(case: Case, how: dict[str, Any]) -> Function:
    """One pass per axis, as whoever knows the factors writes it."""
    height = case.size[0]

    def conv(x: jax.Array, k: jax.Array) -> jax.Array:
        down, along = _factors(k, height, how["dimension_numbers"][1].index("H"))
        column = lax.conv_general_dilated(x, down, (1, 1), "SAME", **how)
        return lax.conv_general_dilated(column, along, (1, 1), "SAME", **how)

    return conv


def _factors(k: jax.Array, height: int, axis: int) -> tuple[jax.Array, jax.Array]:
    down, along = jnp.split(k, [height], axis)
    return jnp.expand_dims(down, axis + 1), jnp.expand_dims(along, axis)


_KINDS: dict[str, Callable[[Case, dict[str, Any]], Function]] = {
    "conv": _conv,
    "transposed": _transposed,
    "separable": _separable,
}

OURS = Contender("kernels", library)
LAST = Contender("lax NHWC", lax_conv)
FIRST = Contender("lax NCHW", lambda case: lax_conv(case, channels_last=False), channels_last=False)
