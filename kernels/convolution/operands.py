"""The arrays of a convolution: what is asked of them, and how they are brought to the primitive's layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels import precision
from kernels.convolution import shapes
from kernels.convolution.borders import circle, wrap
from kernels.convolution.options import Options, Pads, parse
from kernels.errors import DtypeError, GroupsError, ShapeError

REAL = frozenset(map(jnp.dtype, ("float16", "bfloat16", "float32", "float64")))


def check_array(name: str, array: Any) -> None:
    """Arrays are real and floating-point; whatever else is said about them comes later."""
    if not hasattr(array, "dtype") or not hasattr(array, "shape"):
        raise DtypeError(name, "must be an array", type(array).__name__, "wrap it in jnp.asarray")
    if array.dtype in REAL:
        return
    remedy = f"convert it first, {name}.astype(jnp.float32)"
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        remedy = "treat its real and imaginary parts as two arrays"
    raise DtypeError(name, "must be a real floating-point array", array.dtype, remedy)


def check_dtypes(first: str, a: Any, second: str, b: Any) -> None:
    """Two operands are arrays of one dtype."""
    check_array(first, a)
    check_array(second, b)
    if a.dtype != b.dtype:
        raise DtypeError(
            f"{first} and {second}",
            "must have one dtype",
            f"{a.dtype} and {b.dtype}",
            f"cast with {first}.astype",
        )


def check_kernel(shape: Sequence[int], groups: int = 1, name: str = "kernel") -> int:
    """A kernel shape is spatial..., C_in / groups, C_out with nothing empty; returns its spatial rank."""
    if len(shape) < 3:
        raise ShapeError(
            name, "must have axes (spatial..., C_in / groups, C_out)", tuple(shape), "add the missing axes"
        )
    if any(isinstance(n, int) and n < 1 for n in shape):
        raise ShapeError(name, "must have positive sizes", tuple(shape), "give every axis at least one entry")
    if shape[-1] % groups != 0:
        raise GroupsError(
            "groups", f"must divide the {shape[-1]} output channels of the {name}", groups, "give a divisor"
        )
    return len(shape) - 2


def check_field(name: str, shape: Sequence[int], rank: int, channels: int, why: str) -> tuple[int, ...]:
    """A field's shape is batch..., spatial..., channels; returns its batch shape."""
    if len(shape) < rank + 1:
        raise ShapeError(
            name, f"must have axes (batch..., {rank} spatial, channels)", tuple(shape), "add the missing axes"
        )
    if shape[-1] != channels:
        raise ShapeError(
            name, f"must have {channels} channels ({why})", shape[-1], "match the last axis to the kernel"
        )
    return tuple(shape[: len(shape) - rank - 1])


def check_input(
    name: str, shape: Sequence[int], kernel_shape: Sequence[int], options: Options
) -> tuple[int, ...]:
    """The input fits the kernel; returns its batch shape."""
    rank = check_kernel(kernel_shape, options.groups)
    channels, groups = kernel_shape[-2] * options.groups, options.groups
    if groups > 1 and len(shape) > rank and shape[-1] % groups != 0:
        raise GroupsError(
            "groups", f"must divide the {shape[-1]} input channels of {name}", groups, "give a divisor"
        )
    return check_field(name, shape, rank, channels, f"kernel {tuple(kernel_shape)}, groups {groups}")


def check_output(
    name: str,
    shape: Sequence[int],
    source: str,
    input_shape: Sequence[int],
    batch: Sequence[int],
    kernel_shape: Sequence[int],
    options: Options,
) -> None:
    """A cotangent has the shape that `conv` returns."""
    out = shapes.output_shape(input_shape[len(batch) : -1], kernel_shape[:-2], options)
    expected = (*batch, *out, kernel_shape[-1])
    if tuple(shape) != expected:
        raise ShapeError(
            name,
            f"must have the shape {expected} of conv's result",
            tuple(shape),
            f"check {source} and the options",
        )


def bordered(x: jax.Array, kernel_shape: Sequence[int], options: Options) -> tuple[jax.Array, dict[str, Any]]:
    """x with its mirrored border where there is one, and the primitive's options."""
    how = geometry(x.shape[1:-1], kernel_shape, options)
    return wrap.extend(x, how.mirrored, "REFLECT") if how.mirrored else x, how.options


class Geometry(NamedTuple):
    """The primitive's options, and the mirrored border to be made before: the primitive knows none."""

    options: dict[str, Any]
    mirrored: Pads


def geometry(spatial: Sequence[int], kernel_shape: Sequence[int], options: Options) -> Geometry:
    """How the primitive sees this convolution; the precision is settled here, in the caller's context."""
    pads = shapes.widths(
        options.padding, spatial, shapes.extents(kernel_shape[:-2], options.dilation), options.strides
    )
    mirrored, ring = options.padding == "REFLECT", options.padding == "CIRCULAR"
    if ring:
        for n, pair in zip(spatial, pads, strict=True):
            wrap.runs(n, *pair, "CIRCULAR")  # refuses an axis without sites
    how = {
        "strides": options.strides,
        "padding": ((0, 0),) * options.rank if mirrored else pads,
        "lhs_dilation": (1,) * options.rank,
        "rhs_dilation": options.dilation,
        "circle": tuple(
            circle.around(n, pair) if ring else circle.LINE for n, pair in zip(spatial, pads, strict=True)
        ),
        "groups": options.groups,
        "implementation": options.implementation,
        "precision": precision.current() if options.precision is None else options.precision,
    }
    return Geometry(how, pads if mirrored else ())


def flatten(x: jax.Array, batch: Sequence[int]) -> jax.Array:
    """All batch axes as one."""
    return x if len(batch) == 1 else x.reshape(math.prod(batch), *x.shape[len(batch) :])


def unflatten(y: jax.Array, batch: Sequence[int]) -> jax.Array:
    """The one batch axis as the caller had it."""
    return y if len(batch) == 1 else y.reshape(*batch, *y.shape[1:])


def parse_for(kernel: Any, *values: Any) -> Options:
    """The options for this kernel, whose rank fixes the number of spatial axes."""
    check_array("kernel", kernel)
    return parse(check_kernel(kernel.shape), *values)
