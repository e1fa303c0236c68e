"""The arrays of a convolution: what is asked of them, and how they are brought to the primitive's layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from kernels.convolution import shapes
from kernels.convolution.options import Options, parse
from kernels.errors import DtypeError, GroupsError, ShapeError

REAL = frozenset(map(jnp.dtype, ("float16", "bfloat16", "float32", "float64")))
COMPLEX = frozenset(map(jnp.dtype, ("complex64", "complex128")))


def check_array(name: str, array: Any) -> None:
    """Arrays are real and floating-point; whatever else is said about them comes later."""
    check_is_array(name, array)
    if array.dtype in REAL:
        return
    remedy = f"convert it first, {name}.astype(jnp.float32)"
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        remedy = "treat its real and imaginary parts as two arrays"
    raise DtypeError(name, "must be a real floating-point array", array.dtype, remedy)


def check_is_array(name: str, array: Any) -> None:
    if not hasattr(array, "dtype") or not hasattr(array, "shape"):
        raise DtypeError(name, "must be an array", type(array).__name__, "wrap it in jnp.asarray")


def check_copied(name: str, array: Any) -> None:
    """Entries that are only copied may be real or complex."""
    check_is_array(name, array)
    if array.dtype not in COMPLEX:
        check_array(name, array)


def check_dtypes(first: str, a: Any, second: str, b: Any) -> None:
    """Two operands are real floating-point arrays of one dtype."""
    check_array(first, a)
    check_array(second, b)
    _check_same(first, a, second, b)


def _check_same(first: str, a: Any, second: str, b: Any) -> None:
    if a.dtype != b.dtype:
        raise DtypeError(
            f"{first} and {second}",
            "must have one dtype",
            f"{a.dtype} and {b.dtype}",
            f"cast with {first}.astype",
        )


def check_numbers(first: str, a: Any, second: str, b: Any, wanted: str | None) -> None:
    """Two operands of one dtype: floating-point, complex, or integers whose sums have their own dtype."""
    for name, array in ((first, a), (second, b)):
        check_is_array(name, array)
        if array.dtype in REAL or array.dtype in COMPLEX:
            continue
        integers = jnp.issubdtype(array.dtype, jnp.integer)
        if integers and wanted is None:
            raise DtypeError(
                name,
                "of integers needs to be told the dtype of its sums",
                array.dtype,
                f"say preferred_element_type=jnp.int32, or convert it first, {name}.astype(jnp.float32)",
            )
        if not integers:
            raise DtypeError(
                name,
                "must be of floats of 16 bits or more, complex numbers or integers",
                array.dtype,
                f"convert it first, {name}.astype(jnp.float32)",
            )
    _check_same(first, a, second, b)
    if wanted is not None:
        _check_wanted(jnp.dtype(a.dtype), jnp.dtype(wanted))


def _check_wanted(given: Any, wanted: Any) -> None:
    """The dtypes of sums that `jax.lax` allows: no narrower, of the same kind or, for integers, floating."""
    kinds = (jnp.integer, jnp.floating, jnp.complexfloating)
    (kind,) = (k for k in kinds if jnp.issubdtype(given, k))
    same = jnp.issubdtype(wanted, kind)
    if kind is jnp.integer:
        signs = not jnp.issubdtype(given, jnp.signedinteger) or jnp.issubdtype(wanted, jnp.signedinteger)
        same = (same and signs) or jnp.issubdtype(wanted, jnp.floating)
    if not same or wanted.itemsize < given.itemsize:
        raise DtypeError(
            "preferred_element_type",
            f"must hold sums of {given} products: the same kind of numbers, and no narrower",
            wanted,
            "use a wider dtype, or leave it out",
        )


def check_kernel(shape: Sequence[int], groups: int = 1, name: str = "kernel") -> int:
    """A kernel shape is spatial..., C_in / groups, C_out with at least one tap; returns its spatial rank."""
    if len(shape) < 3:
        raise ShapeError(
            name, "must have axes (spatial..., C_in / groups, C_out)", tuple(shape), "add the missing axes"
        )
    if any(isinstance(n, int) and n < 1 for n in shape[:-2]):
        raise ShapeError(
            name, "must have at least one tap on every spatial axis", tuple(shape), "give it positive sizes"
        )
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
    batch = check_field(name, shape, rank, channels, f"kernel {tuple(kernel_shape)}, groups {groups}")
    if options.batch_groups > 1:
        _check_batch_groups(name, batch, kernel_shape[-1], options.batch_groups)
    return batch


def _check_batch_groups(name: str, batch: Sequence[int], outputs: int, groups: int) -> None:
    """Groups of samples divide the first batch axis and the output channels."""
    for count, what in ((batch[0] if batch else 1, f"samples of {name}"), (outputs, "output channels")):
        if count % groups != 0:
            raise GroupsError(
                "batch_group_count", f"must divide the {count} {what}", groups, "give a divisor"
            )


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
    expected = (*output_batch(batch, options), *out, kernel_shape[-1])
    if tuple(shape) != expected:
        raise ShapeError(
            name,
            f"must have the shape {expected} of conv's result",
            tuple(shape),
            f"check {source} and the options",
        )


def output_batch(batch: Sequence[int], options: Options) -> tuple[int, ...]:
    """The batch shape of the result: every group of samples gives its own channels."""
    groups = options.batch_groups
    return tuple(batch) if groups == 1 else (batch[0] // groups, *batch[1:])


def input_batch(batch: Sequence[int], options: Options) -> tuple[int, ...]:
    """The batch shape that gives this one; groups of samples need a batch axis to stand on."""
    groups = options.batch_groups
    if groups > 1 and not batch:
        raise GroupsError("batch_group_count", "must be 1 without a batch axis", groups, "add the axis")
    return tuple(batch) if groups == 1 else (batch[0] * groups, *batch[1:])


def flatten(x: jax.Array, batch: Sequence[int]) -> jax.Array:
    """All batch axes as one."""
    return x if len(batch) == 1 else x.reshape(math.prod(batch), *x.shape[len(batch) :])


def unflatten(y: jax.Array, batch: Sequence[int]) -> jax.Array:
    """The one batch axis as the caller had it."""
    return y if len(batch) == 1 else y.reshape(*batch, *y.shape[1:])


def parse_for(kernel: Any, **values: Any) -> Options:
    """The options for this kernel, whose rank fixes the number of spatial axes."""
    check_is_array("kernel", kernel)
    return parse(check_kernel(kernel.shape), **values)
