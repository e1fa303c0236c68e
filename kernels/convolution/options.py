"""What a caller may say about a convolution, brought to one hashable form before anything is traced.

Also the size arithmetic that every other file needs; sizes may be symbolic dimensions of ``jax.export``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from kernels.convolution import policy
from kernels.errors import (
    DtypeError,
    GroupsError,
    ImplementationError,
    KernelError,
    PaddingError,
    ShapeError,
    WindowError,
)

Ints = int | Sequence[int]
Pads = tuple[tuple[int, int], ...]
Padding = str | int | Sequence[tuple[int, int]]
Precision = Any  # lax.PrecisionLike: None, a name, a lax.Precision, or a pair of them

NAMES = ("SAME", "VALID", "CIRCULAR", "REFLECT")
WRAPS = ("CIRCULAR", "REFLECT")
REAL = ("float16", "bfloat16", "float32", "float64")


class Options(NamedTuple):
    """One convolution's static options, one entry per spatial axis where that makes sense."""

    strides: tuple[int, ...]
    padding: str | Pads
    dilation: tuple[int, ...]
    groups: int
    flip: bool
    implementation: str
    precision: Precision

    @property
    def rank(self) -> int:
        return len(self.strides)


def parse(
    rank: int,
    strides: Ints = 1,
    padding: Padding = "SAME",
    dilation: Ints = 1,
    groups: int = 1,
    flip: bool = False,
    implementation: str = "auto",
    precision: Precision = None,
) -> Options:
    """Check the options and bring them to canonical, hashable form."""
    if implementation not in policy.NAMES:
        raise ImplementationError(
            "implementation", "must be a known name", repr(implementation), f"give one of {policy.NAMES}"
        )
    return Options(
        per_axis("strides", strides, rank),
        parse_padding(padding, rank),
        per_axis("dilation", dilation, rank),
        positive("groups", groups, GroupsError),
        bool(flip),
        implementation,
        tuple(precision) if isinstance(precision, list) else precision,
    )


def positive(name: str, value: object, kind: type[KernelError] = WindowError) -> int:
    """One positive integer, or an error of the given kind."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise kind(name, "must be a positive integer", repr(value), "give 1 or more")
    return number


def per_axis(name: str, value: Ints, rank: int) -> tuple[int, ...]:
    """One positive integer for all axes, or one each."""
    try:
        values = tuple(value)  # type: ignore[arg-type]
    except TypeError:
        return (positive(name, value),) * rank
    if len(values) != rank:
        raise WindowError(
            name,
            f"must have one entry per spatial axis ({rank})",
            values,
            f"give an integer or {rank} of them",
        )
    return tuple(positive(name, v) for v in values)


def parse_padding(padding: Padding, rank: int) -> str | Pads:
    """A known name, one width for every side, or a (low, high) pair per axis; negative widths crop."""
    if isinstance(padding, str):
        if padding.upper() not in NAMES:
            raise PaddingError(
                "padding", "must be a known name", repr(padding), f"give one of {NAMES} or pairs"
            )
        return padding.upper()
    if isinstance(padding, int):
        return ((int(padding), int(padding)),) * rank
    try:
        pads = tuple((operator.index(low), operator.index(high)) for low, high in padding)
    except (TypeError, ValueError):
        pads = ()
    if len(pads) != rank:
        raise PaddingError(
            "padding",
            f"must be a name, an integer or {rank} pairs of integers",
            padding,
            "write [(low, high), ...]",
        )
    return pads


def clamp(size: int) -> int:
    """``max(size, 0)``, also for symbolic sizes."""
    return max(size, 0) if isinstance(size, int) else jax.core.max_dim(size, 0)


def dilated(size: int, step: int) -> int:
    """The extent of `size` points set `step` apart."""
    return 0 if isinstance(size, int) and size == 0 else step * (size - 1) + 1


def steps(length: int, window: int, stride: int) -> int:
    """How many windows fit, `stride` apart: none where the window is larger than the line (as lax has it)."""
    if isinstance(length - window, int):
        return (length - window) // stride + 1 if length >= window else 0
    return clamp(length - window + 1) if stride == 1 else clamp((length - window) // stride + 1)


def widths(
    padding: str | Pads, spatial: Sequence[int], window: Sequence[int], strides: Sequence[int]
) -> Pads:
    """The (low, high) border widths of each axis.

    SAME shares out the total that makes the output ceil(n / stride) long, the odd one at the end, as lax does.
    CIRCULAR and REFLECT are centred instead: window - 1 in all whatever the stride, so that output p always
    looks at the window around input stride * p, and the layer commutes with the shifts of its output lattice.
    """
    if not isinstance(padding, str):
        return padding
    if padding == "VALID":
        return ((0, 0),) * len(window)
    if padding == "SAME":
        totals = [
            clamp(((n + s - 1) // s - 1) * s + w - n)
            for n, w, s in zip(spatial, window, strides, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple(((w - 1) // 2, w // 2) for w in window)


def extents(kernel_size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """The sites that a dilated kernel spans on each axis."""
    return tuple(dilated(k, e) for k, e in zip(kernel_size, dilation, strict=True))


def output_shape(spatial: Sequence[int], kernel_size: Sequence[int], options: Options) -> tuple[int, ...]:
    """The spatial shape that `conv` gives on an input of this spatial shape."""
    window = extents(kernel_size, options.dilation)
    pads = widths(options.padding, spatial, window, options.strides)
    return tuple(
        steps(n + lo + hi, w, s)
        for n, (lo, hi), w, s in zip(spatial, pads, window, options.strides, strict=True)
    )


def check_array(name: str, array: Any) -> None:
    """Arrays are real and floating-point; whatever else is said about them comes later."""
    if not hasattr(array, "dtype") or not hasattr(array, "shape"):
        raise DtypeError(name, "must be an array", type(array).__name__, "wrap it in jnp.asarray")
    if jnp.dtype(array.dtype).name in REAL:
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


def check_kernel(shape: Sequence[int], groups: int, name: str = "kernel") -> int:
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


def flatten(x: jax.Array, batch: Sequence[int]) -> jax.Array:
    """All batch axes as one."""
    return x if len(batch) == 1 else x.reshape(math.prod(batch), *x.shape[len(batch) :])


def unflatten(y: jax.Array, batch: Sequence[int]) -> jax.Array:
    """The one batch axis as the caller had it."""
    return y if len(batch) == 1 else y.reshape(*batch, *y.shape[1:])
